"""All that is measured of the pores of one micrograph, and the verdict on it: a row for the picture, one per pore."""

import dataclasses
import math
import pathlib
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.images import (
    micrographs,
    pore_masks,
    pore_methods,
    pore_precision,
    pore_resolution,
    pore_shapes,
    pore_sizes,
    pore_space,
    pore_verdicts,
    pores,
    sources,
)  # fmt: skip

#: Columns of the table of pictures, after those that say which one it is.
WORDS = ("verdict", "reasons", "method", "why")


@dataclasses.dataclass(frozen=True)
class Request:
    """How the pores of one micrograph are to be found.

    Attributes
    ----------
    method : str
        One of `pore_methods.CHOICES` but "none".
    level : float
        Where between the greys of walls (0) and pores (1) an outline lies.
    smallest_um : float
        Pores of a smaller equivalent diameter are left out; in pixels of the micrograph if its pixel size is unknown.
    crop : float in [0, 0.45], or four of them
        Share of each side that is cut off, see `micrographs.preprocess`.
    """

    method: str = pore_methods.AUTO
    level: float = 0.5
    smallest_um: float = 0.0
    crop: micrographs.Crop = 0.15


@dataclasses.dataclass(frozen=True)
class Study:
    """What was found in one micrograph.

    Attributes
    ----------
    picture : ndarray of float32, shape (h, w)
        What was measured: cropped, on square pixels.
    labels : ndarray of int32, shape (h, w)
    side_um : float
        Side of such a pixel, NaN if unknown.
    row : dict
        `WORDS`, the measures of `pores.summarise`, `pore_sizes.quantiles` and `pore_space.summarise`, the porosity's
        standard error, what `pore_resolution` tells, and the numbers behind the verdict.
    pores : pandas.DataFrame
        As `pore_shapes.shapes`.
    """

    picture: NDArray[np.float32]
    labels: NDArray[np.int32]
    side_um: float
    row: dict[str, Any]
    pores: pd.DataFrame


def of_file(
    folder: pathlib.Path,
    source: sources.Source,
    pixel_size_um: float | None,
    request: Request,
    is_brief: bool = False,
) -> Study:
    """Read a micrograph of a data folder and study it; errors as `micrographs.read` and `pore_masks.of_micrograph`.

    A mask is as large as the file is, and loses the same data bars.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunWarning)  # of several pages: `preprocessing` says so
        grey = micrographs.read(source)
    mask = None
    if request.method == pore_methods.MASKS:
        whole = source.edges.around(grey.shape)
        path = source.path.relative_to(folder).as_posix()
        mask = source.edges.cut(pore_masks.of_micrograph(folder, path, whole, max_megapixels=source.max_megapixels))
    return of_picture(grey, pixel_size_um, request, mask, is_brief)


def of_picture(
    grey: NDArray[Any],
    pixel_size_um: float | None,
    request: Request,
    mask: NDArray[np.int32] | None = None,
    is_brief: bool = False,
) -> Study:
    """Study a grey micrograph.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
    pixel_size_um : float or None
    request : Request
    mask : ndarray of int32, shape (H, W), optional
        The labels, where the method is "masks".
    is_brief : bool
        Leave out the shapes of single pores and the measures of the space as a whole: for a look at the outlines.
    """
    picture, side_um = pores.square(grey, pixel_size_um, request.crop)
    if mask is not None:
        mask = pore_masks.on_grid(mask, request.crop, picture.shape)
    found = pore_methods.find(picture, request.method, request.level, mask)
    unit = side_um if math.isfinite(side_um) else math.sqrt(_share(grey.shape, request.crop) / picture.size)
    labels = _without_small(found.labels, request.smallest_um / unit)
    if labels is not found.labels:  # the verdict is of what is left
        found = found._replace(labels=labels, numbers=found.numbers | pore_verdicts.of_labels(labels))
    said = found.verdict, "; ".join(found.reasons()), found.method, found.why
    row: dict[str, Any] = dict(zip(WORDS, said, strict=True))
    row |= pores.summarise(labels, side_um)
    numbers = {name: found.numbers.get(name, math.nan) for name in pore_verdicts.NUMBERS}
    if is_brief:
        row |= numbers
        return Study(picture, labels, side_um, row, pore_shapes.regions(labels, side_um))
    table = pore_shapes.shapes(labels, side_um)
    error = pore_precision.porosity_error(labels > 0)
    row |= pore_sizes.quantiles(table["diameter_um"][table["counted"]])
    row |= {"porosity_error": error, "pictures_for_5_percent": pore_precision.pictures_needed(row["porosity"], error)}
    row |= pore_space.summarise(labels > 0, side_um)
    row |= pore_resolution.at_network_size(picture, side_um, found.method, request.level)
    row |= numbers
    return Study(picture, labels, side_um, row, table)


def _share(shape, crop):
    """Count the pixels of a micrograph that the crop leaves."""
    left, top, right, bottom = micrographs.crop_box(shape[1], shape[0], crop)
    return (right - left) * (bottom - top)


def _without_small(labels, smallest):
    """Leave out pores whose equivalent diameter is below `smallest` pixels."""
    if smallest <= 0:
        return labels
    kept = np.sqrt(4 / math.pi * np.bincount(labels.ravel())) >= smallest
    return np.where(kept[labels], labels, 0).astype(np.int32)
