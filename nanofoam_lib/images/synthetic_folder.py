"""A data folder of synthetic foams, as a laboratory would leave it: several images of each specimen, and metadata."""

import math
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image

from nanofoam_lib.base import files
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import synthetic, synthetic_kinds, synthetic_properties
from nanofoam_lib.images.synthetic import FIELD_WIDTH_UM as FIELD_WIDTH_UM


def write_folder(
    folder: files.StrPath,
    n_per_class: int = 80,
    specimens: int = 40,
    size: tuple[int, int] = (600, 800),
    pixel_size_um: float = 0.54,
    seed: int = 0,
    kind: str = "foam",
    progress: Callable[..., Iterable[Any]] = track,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Write a data folder of micrographs of every composition, or class of another kind, with their truth.

    Parameters
    ----------
    folder : path-like
        Gets ``<composition>/<composition>_<iii>.jpg`` and, last, ``metadata.csv``. Images left there by an earlier,
        larger call are removed; other files stay.
    n_per_class, specimens : int
        Images and pieces of foam (at most one per image) per composition; the images are dealt to the pieces in turn.
        A larger `n_per_class` with the same number of pieces keeps the first images as they were.
    size, pixel_size_um
        As in `synthetic.foam_micrograph`.
    seed : int
        Non-negative; every image's and specimen's own seed follows from it.
    kind : str
        What is drawn: a key of `synthetic_kinds.KINDS`.
    progress : callable
        Called as ``progress(iterable, total=n, description=text)``; gives the items on while showing how far it is.
    n_jobs : int
        Worker processes, as in `joblib.Parallel`; the files do not depend on it.

    Returns
    -------
    pandas.DataFrame
        What ``metadata.csv`` holds: path (relative, with "/"), label, group (specimen), pixel_size_um; then seed and
        specimen (the arguments with which `synthetic.foam_micrograph` draws this picture, before JPEG compression),
        porosity, density_per_mm2, median_diameter_um and n_pores; and the properties of its specimen, by stated laws
        of the true pores (`synthetic_properties.of_specimens`).

    Raises
    ------
    ValueError
        If an argument is not one of the above.

    Examples
    --------
    >>> import tempfile
    >>> table = write_folder(tempfile.mkdtemp(), n_per_class=1, size=(75, 100), pixel_size_um=4.32, n_jobs=1)
    >>> table[["path", "group"]].iloc[0].tolist()
    ['CuNi1/CuNi1_000.jpg', 'CuNi1-s0']
    """
    synthetic.check_count("n_per_class", n_per_class, 1)
    synthetic.check_count("specimens", specimens, 1)
    synthetic.check_picture(seed, size, pixel_size_um)
    folder = pathlib.Path(folder)
    jobs = _list_micrographs(kind, n_per_class, min(specimens, n_per_class), pixel_size_um, seed)
    (folder / "metadata.csv").unlink(missing_ok=True)  # if the work is cut off, no table rather than a wrong one
    _remove_others(folder, {folder / job["path"] for job in jobs})
    work = Parallel(n_jobs=n_jobs, return_as="generator")
    rows = work(delayed(_write_micrograph)(folder, kind, job, size) for job in jobs)
    table = pd.DataFrame(progress(rows, total=len(jobs), description="foam micrographs"))
    table = table.join(synthetic_properties.of_specimens(table))
    files.write_csv(folder / "metadata.csv", table)
    return table


def _list_micrographs(kind, n_per_class, specimens, pixel_size_um, seed):
    """Give each micrograph its name, group and seeds: list of dict."""
    jobs = []
    for k, label in enumerate(synthetic_kinds.KINDS[kind].classes):
        for i in range(n_per_class):
            named = {"path": f"{label}/{label}_{i:03d}.jpg", "label": label, "group": f"{label}-s{i % specimens}"}
            seeds = {"seed": _draw_seed(seed, k, 0, i), "specimen": _draw_seed(seed, k, 1, i % specimens)}
            jobs.append(named | {"pixel_size_um": pixel_size_um} | seeds)
    return jobs


def _remove_others(folder, wanted):
    """Remove the micrographs that an earlier call left in `folder`, but for those `wanted`."""
    for label in sorted({label for kind in synthetic_kinds.KINDS.values() for label in kind.classes}):
        for old in (folder / label).glob(f"{label}_*.jpg"):
            if old not in wanted and re.fullmatch(r"\d{3,}", old.stem.removeprefix(f"{label}_")):
                old.unlink()


def _write_micrograph(folder, kind, job, size):
    draw = synthetic_kinds.KINDS[kind].draw
    image, truth = draw(job["label"], job["seed"], size, job["pixel_size_um"], job["specimen"])
    with files.replacing(folder / job["path"]) as temporary:
        Image.fromarray(image).save(temporary, format="JPEG", quality=92, subsampling=0)
    diameters = truth["diameters_um"]
    area_mm2 = size[0] * size[1] * job["pixel_size_um"] ** 2 * 1e-6
    return job | {
        "porosity": truth["porosity"],
        "density_per_mm2": diameters.size / area_mm2,
        "median_diameter_um": float(np.median(diameters)) if diameters.size else math.nan,
        "n_pores": diameters.size,
    }


def _draw_seed(*key):
    return int(np.random.SeedSequence(key).generate_state(1)[0])
