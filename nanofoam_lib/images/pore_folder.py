"""The pores of every micrograph of a data folder: tables, label images and overlays, picture by picture.

What is done of a picture is kept in files of its own, and named by all that it depends on: a command that was stopped
goes on with the next picture, and memory does not grow with their number.
"""

import functools
import hashlib
import inspect
import json
import math
import pathlib
import sys
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base import files, provenance, safe_names, scheduling
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import (
    collection,
    micrographs,
    pore_choices,
    pore_masks,
    pore_methods,
    pore_overlays,
    pore_study,
)

PICTURES, PORES = "pictures.csv", "pores.csv"
OVERLAY_WIDTH = 640
_WIDEST = 2**16 - 1  # labels that a 16-bit image holds


class Place(NamedTuple):
    """Where what is found in one micrograph lies in the folder of results."""

    row: pathlib.Path
    pores: pathlib.Path
    labels: pathlib.Path
    overlay: pathlib.Path


def place(out: pathlib.Path, path: str) -> Place:
    """Give the places of the results of a micrograph, by its path in the data folder."""
    return Place(
        out / "parts" / f"{path}.json",
        out / "parts" / f"{path}.csv",
        out / "labels" / f"{path}.tif",
        out / "overlays" / f"{path}.jpg",
    )


def measure(
    folder: files.StrPath,
    out: files.StrPath,
    request: pore_study.Request,
    pixel_size_um: float | None = None,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Measure the pores of every micrograph of a data folder.

    Parameters
    ----------
    folder : path-like
        As for `collection.list_folder`, but one class is enough. What ``pores.yaml`` says there goes first.
    out : path-like
        Gets ``pictures.csv``, ``pores.csv``, and for each micrograph ``labels/<path>.tif`` and ``overlays/<path>.jpg``.
    request : pore_study.Request
    pixel_size_um : float, optional
        Of those whose size ``metadata.csv`` does not give.
    n_jobs : int
        Processes on this machine; on a cluster see `scheduling.each`.

    Returns
    -------
    pandas.DataFrame
        One row per micrograph: path, label, group, pixel_size_um, `pore_study.WORDS`, the measures, and ``problem``,
        why one could not be measured. The same is in ``pictures.csv``.

    Raises
    ------
    DataError
        If the folder as a whole cannot be used.
    """
    folder, out = pathlib.Path(folder).absolute(), pathlib.Path(out).absolute()
    table = collection.list_folder(folder, fewest=1)
    table["pixel_size_um"] = table["pixel_size_um"].fillna(math.nan if pixel_size_um is None else pixel_size_um)
    choices = pore_choices.read(folder)
    code = provenance.hash_modules(inspect.getsource(sys.modules[__name__]))
    one = functools.partial(_measure_one, folder, out, code)
    items = [
        (path, um, pore_choices.request_for(choices, path, request))
        for path, um in zip(table["path"], table["pixel_size_um"].astype(float), strict=True)
    ]
    rows = list(track(scheduling.each(one, items, n_jobs), "pores", total=len(items)))
    known = table[["path", "label", "group", "pixel_size_um"]]
    pictures = pd.concat([known, pd.DataFrame(rows, index=known.index)], axis=1)
    files.write_csv(out / PICTURES, pictures)
    _gather(out, pictures)
    return pictures


def _measure_one(folder, out, code, path, um, request):
    """Measure one micrograph, unless that is done; give its row."""
    where = place(out, path)
    try:
        if not safe_names.is_inside(folder, path):
            raise DataError("is a link that leads out of the data folder; copy the image into it")
        key = _key(folder, path, um, request, code)
        if where.row.exists():
            kept = json.loads(where.row.read_text(encoding="utf-8"))
            if kept["key"] == key and all(file.exists() for file in where):
                return _from_json(kept["row"])
        study = pore_study.of_file(folder, path, um, request)
    except (DataError, OSError) as error:
        for file in where:
            file.unlink(missing_ok=True)
        return {"problem": str(error)}
    _write(folder, where, path, um, request, study)
    files.write_json(where.row, {"key": key, "row": _to_json(study.row)})  # last: with it, all is there
    return study.row


def _key(folder, path, um, request, code):
    """Name the results of a micrograph by the file, its mask, how it is measured, and the code."""
    mask = pore_masks.find(folder, path) if request.method == pore_methods.MASKS else None
    parts = [micrographs.contents(folder / path), repr((um, request)).encode(), code.encode()]
    digest = hashlib.sha256()
    for part in [*parts, mask.read_bytes() if mask else b""]:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _write(folder, where, path, um, request, study):
    files.write_csv(where.pores, study.pores)
    with files.replacing(where.labels) as temporary:
        write_labels(temporary, study.labels, study.side_um)
    grey = micrographs.read(folder / path, max_megapixels=request.max_megapixels)
    shown = pore_overlays.draw(grey, study.labels, request.crop, study.row["verdict"], um, OVERLAY_WIDTH)
    with files.replacing(where.overlay) as temporary:
        Image.fromarray(shown).save(temporary, format="JPEG", quality=85)


def write_labels(path: files.StrPath, labels: NDArray[np.integer], side_um: float) -> None:
    """Write a label image as a TIFF file that ImageJ and Fiji open with its scale, if that is known.

    16 bits while the labels fit, else 32-bit floating point, the only other format of ImageJ that holds them.
    """
    kind = np.uint16 if labels.max(initial=0) <= _WIDEST else np.float32
    scale: dict[str, Any] = {}
    if math.isfinite(side_um):
        scale = {"resolution": (1 / side_um, 1 / side_um), "metadata": {"unit": "um", "axes": "YX"}}
    tifffile.imwrite(path, labels.astype(kind), imagej=True, **scale)


def _gather(out, pictures):
    """Write the table of all pores from those of each picture, one after the other."""
    with files.replacing(out / PORES) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        is_first = True
        for row in pictures.itertuples():
            part = place(out, row.path).pores
            if not isinstance(row.verdict, str) or not part.exists():
                continue
            own = pd.read_csv(part)
            own.insert(0, "path", row.path)
            own.insert(1, "class", row.label)
            own.insert(2, "group", row.group)
            own.insert(3, "verdict", row.verdict)
            own.to_csv(file, index=False, header=is_first, lineterminator="\n")
            is_first = False


def _to_json(row):
    """Write NaN and infinity, which JSON has not, as words."""
    known = {name: isinstance(value, str) or math.isfinite(value) for name, value in row.items()}
    return {name: value if known[name] else str(value) for name, value in row.items()}


def _from_json(row):
    return {name: float(value) if value in ("nan", "inf", "-inf") else value for name, value in row.items()}
