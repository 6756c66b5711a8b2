"""The pores of a run's micrographs: which can be believed, what they measure, and pictures to judge that by."""

import functools
import math
import pathlib
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import files, scheduling
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import (
    formats,
    micrographs,
    pore_choices,
    pore_methods,
    pore_overlays,
    pore_sizes,
    pore_study,
    pore_verdicts,
    sources,
)  # fmt: skip
from nanofoam_lib.images import stereology as stereology_

#: What the chain follows of each picture: the measures of `pores.summarise`.
MEASURES = (
    "n_pores", "median_diameter_um", "mean_diameter_um", "density_per_mm2", "porosity", "circularity", "spacing_um",
    "wall_um",
)  # fmt: skip
#: Those in which classes are compared.
COMPARED = ("porosity", "median_diameter_um", "density_per_mm2", "circularity", "wall_um")
NO_STEREOLOGY, SPHERES = STEREOLOGY = ("none", "spheres")
#: Share of a class's pictures beyond which nothing is said of its pores.
MOST_DOUBTFUL = 0.2
_SHOWN = 6  # pictures of a class
_WIDTH = 480


class Tables(NamedTuple):
    """What `measure` finds: measures that can be believed, all pictures, sizes, spheres and overlays by class."""

    measures: pd.DataFrame
    pictures: pd.DataFrame
    sizes: pd.DataFrame
    spheres: pd.DataFrame
    overlays: dict[str, dict[str, NDArray]]


def measure(
    folder: files.StrPath,
    index: pd.DataFrame,
    method: str = pore_methods.AUTO,
    crop: micrographs.Crop = 0.15,
    max_megapixels: float = formats.MAX_MEGAPIXELS,
    stereology: str = NO_STEREOLOGY,
    n_jobs: int = -1,
) -> Tables:
    """Measure the pores of the micrographs of a run.

    Parameters
    ----------
    folder : path-like
        The data folder; what its ``pores.yaml`` says of a picture goes before `method`.
    index : pandas.DataFrame
        Of the run: columns id, path, label, group, pixel_size_um, and `sources.COLUMNS`.
    method : str
        One of `pore_methods.CHOICES`; "none" measures nothing.
    crop, max_megapixels, n_jobs
        As in `pores.measure`, `micrographs.read` and `scheduling.each`.
    stereology : {"none", "spheres"}
        Whether sizes in space are told from those in the section.

    Returns
    -------
    Tables
        ``measures``: `MEASURES` of each row of the index, NaN where they are not to be used (`believed`).
        ``pictures``: id, path, label, group, `pore_study.WORDS`, the measures, and the numbers of the verdict.
        ``sizes``: as `pore_sizes.distribution`, of the pictures that are used. ``spheres``: as `sphere_sizes`.
        ``overlays``: by class, arrays
        ``pictures`` (uint8 (n, h, w, 3), some of the class), ``id`` and ``verdict``.
    """
    known = index[["id", "path", "label", "group"]].reset_index(drop=True)
    if method == pore_methods.NONE:
        nothing = pd.DataFrame(math.nan, known.index, [*MEASURES])
        return Tables(
            nothing, known.iloc[:0], pd.DataFrame(columns=[*pore_sizes.COLUMNS]), sphere_sizes([], NO_STEREOLOGY), {}
        )
    folder = pathlib.Path(folder).absolute()
    choices, base = pore_choices.read(folder), pore_study.Request(method, crop=crop)
    for message in pore_choices.unmatched(choices, index["path"]):
        warnings.warn(message, RunWarning, stacklevel=2)
    readings = sources.of_index(folder, index, max_megapixels)
    shown = _shown(known)
    items = [
        (source, float(um), pore_choices.request_for(choices, path, base), is_shown)
        for source, path, um, is_shown in zip(readings, index["path"], index["pixel_size_um"], shown, strict=True)
    ]
    work = scheduling.each(functools.partial(_measure_one, folder), items, n_jobs)
    rows, diameters, drawn = zip(*track(work, "pores", total=len(items)), strict=True)
    pictures = known.join(pd.DataFrame(rows))
    used = believed(pictures)
    sizes = pd.concat(
        [pd.DataFrame({"class": known["label"][i], "diameter_um": diameters[i]}) for i in np.flatnonzero(used)]
        or [pd.DataFrame({"class": [], "diameter_um": []})]
    )
    measures = pictures[[*MEASURES]].astype(float)
    measures[~used] = math.nan
    overlays = _overlays(pictures, {i: drawn[i] for i in np.flatnonzero(shown)})
    distribution = pore_sizes.distribution(lambda: [sizes])
    return Tables(measures, pictures, distribution, sphere_sizes([sizes], stereology), overlays)


def each(
    folder: files.StrPath,
    index: pd.DataFrame,
    method: str = pore_methods.AUTO,
    crop: micrographs.Crop = 0.15,
    max_megapixels: float = formats.MAX_MEGAPIXELS,
    n_jobs: int = -1,
) -> Iterator[dict[str, Any]]:
    """Measure the pores of micrographs one by one, so that memory does not grow with their number.

    Parameters
    ----------
    folder, index, method, crop, max_megapixels, n_jobs
        As in `measure`; `method` is not "none".

    Yields
    ------
    dict
        Of each micrograph in turn: `pore_study.WORDS`, the measures, and the numbers of the verdict; or ``problem``,
        why it could not be measured.
    """
    folder = pathlib.Path(folder).absolute()
    choices, base = pore_choices.read(folder), pore_study.Request(method, crop=crop)
    known = zip(sources.of_index(folder, index, max_megapixels), index["path"], index["pixel_size_um"], strict=True)
    items = ((source, float(um), pore_choices.request_for(choices, path, base)) for source, path, um in known)
    yield from scheduling.each(functools.partial(_row_or_problem, folder), items, n_jobs)


def _row_or_problem(folder, source, um, request):
    try:
        return pore_study.of_file(folder, source, um, request, is_brief=True).row
    except (DataError, OSError, ValueError) as error:
        return {"problem": " ".join(str(error).split())}


def sphere_sizes(pieces: Iterable[pd.DataFrame], method: str) -> pd.DataFrame:
    """Tell the sizes of spherical pores in space from those of their sections, by class.

    Parameters
    ----------
    pieces : iterable of pandas.DataFrame
        Columns ``class`` and ``diameter_um``.
    method : {"none", "spheres"}

    Returns
    -------
    pandas.DataFrame
        ``class``, ``n_pores``, the columns of `stereology.summarise`, and ``assumes``; no row if the method is "none".
    """
    wanted = list(pieces) if method == SPHERES else []
    every = pd.concat(wanted) if wanted else pd.DataFrame({"class": [], "diameter_um": []})
    rows = [
        {"class": label, "n_pores": len(own)}
        | stereology_.summarise(own["diameter_um"].dropna())
        | {"assumes": stereology_.ASSUMPTION}
        for label, own in every.groupby("class")
    ]
    return pd.DataFrame(rows, columns=["class", "n_pores", *stereology_.NAMES, "assumes"])


def believed(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which pictures' pores are used: those that are not doubtful, of classes with few that are.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``label`` and ``verdict``, one row per picture.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> table = pd.DataFrame({"label": list("aabbbbb"), "verdict": ["ok", "doubtful"] + ["ok"] * 4 + ["doubtful"]})
    >>> believed(table).tolist()
    [False, False, True, True, True, True, False]
    """
    doubtful = table["verdict"] == pore_verdicts.DOUBTFUL
    few = doubtful.groupby(table["label"]).transform("mean") <= MOST_DOUBTFUL
    return (few & ~doubtful).to_numpy(bool)


def _shown(known):
    """Choose the pictures that are shown of each class, of one specimen each if there are as many: bool (N,)."""
    again = known.duplicated(["label", "group"])
    return (known.assign(again=again).sort_values("again", kind="stable").groupby("label").cumcount() < _SHOWN)[
        known.index
    ].to_numpy(bool)


def _measure_one(folder, source, um, request, is_shown):
    """Give a picture's row, the diameters of the pores whose centre lies in it, and its overlay if it `is_shown`."""
    study = pore_study.of_file(folder, source, um, request, is_brief=True)
    diameters = study.pores.loc[study.pores["counted"], "diameter_um"].to_numpy()
    if not is_shown:
        return study.row, diameters, None
    overlay = pore_overlays.of_file(source, study.labels, request.crop, study.row["verdict"], um, _WIDTH)
    return study.row, diameters, overlay


def _overlays(pictures, drawn):
    """Put the overlays of each class together, all of the size of the smallest."""
    found = {}
    for label, own in pictures.loc[list(drawn)].groupby("label"):
        shape = [min(drawn[i].shape[axis] for i in own.index) for axis in (0, 1)]
        pieces = np.stack([drawn[i][: shape[0], : shape[1]] for i in own.index])
        found[str(label)] = {"pictures": pieces, "id": own["id"].to_numpy(), "verdict": own["verdict"].to_numpy(str)}
    return found
