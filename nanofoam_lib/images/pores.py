"""Pores of a foam, measured in a micrograph: size, number, porosity, shape, spacing, walls.

Every length that finding pores needs follows from the picture, so a picture gives the same pores whatever its
resolution, contrast or unit of length. Three steps: the cropped picture on square pixels (`square`), one label per pore
(`pore_methods`), the table of pores (`pore_shapes`).
"""

import functools
import math
import pathlib
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from nanofoam_lib.base import scheduling
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import formats, micrographs, pore_methods, sources
from nanofoam_lib.images.pore_shapes import regions as regions
from nanofoam_lib.images.pore_shapes import walls as walls

PIXELS = 160_000  # of the picture that is measured, whatever its own: about 15 across a pore when 400 are in view
FEW_PIXELS = 40_000  # of a 128×128 picture: four times as fast, and as near to what the full micrograph measures


def measure(
    grey: NDArray[Any],
    pixel_size_um: ArrayLike | None,
    crop: micrographs.Crop = 0.15,
    pixels: int = PIXELS,
    method: str = "dark",
    aspect: float = 1.0,
) -> dict[str, float]:
    """Measure the pores of a grey micrograph.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        Grey levels on any scale.
    pixel_size_um : float or (float, float)
        Side of a pixel in µm, or width and height where pixels are not square. NaN or None if unknown: every
        measure with a unit is then NaN.
    crop : float in [0, 0.45], or four of them
        Share of the width cut from left and right, and of the height from top and bottom, before measuring; or the
        share at each side, as [top, right, bottom, left].
    pixels : int
        What the cropped picture is resized to.
    method : str
        How pores are told from walls: "auto", or a key of `pore_methods.METHODS`.
    aspect : float
        Width of a pixel over its height where `pixel_size_um` is unknown.

    Returns
    -------
    dict
        ``n_pores``, pores whose centre lies in the picture; ``median_diameter_um``, ``mean_diameter_um``, of their
        equivalent diameters √(4·area/π); ``density_per_mm2``, their number over the area; ``porosity`` in [0, 1], the
        area's share that is pore; ``circularity`` in [0, 1], mean of 4π·area/perimeter², 1 for discs; ``spacing_um``,
        mean distance from a pore's centre to the nearest other; ``wall_um``, median thickness of the `walls`, weighted
        by their length. Without pores (a constant picture) number, density and porosity are 0, the others NaN.

    Raises
    ------
    ValueError
        If fewer than 16 × 16 pixels are left after the crop, or an argument is not one of the above.

    Notes
    -----
    The picture's edge cuts large pores more often than small ones, so complete pores alone are too small on average,
    unless each is weighted by the inverse of its chance to be complete [1]_. Here cut pores take part instead: a
    circle through the visible outline gives their centre and diameter, and exactly the pores whose centre lies in the
    picture are counted and sized, which has no size bias [2]_. Circularity and spacing are those of complete pores.
    A texture without pores gets numbers too; whether they can be believed is for `pore_verdicts` to say.

    References
    ----------
    .. [1] R. E. Miles (1974), C. Lantuéjoul (1978): J. Serra, "Image Analysis and Mathematical Morphology", 1982
    .. [2] A. Baddeley, E. B. Vedel Jensen, "Stereology for Statisticians", Chapman & Hall 2005, associated point rule

    Examples
    --------
    >>> y, x = np.mgrid[:200, :300] % 50 - 24.5
    >>> found = measure(np.where(np.hypot(x, y) < 15, 40, 200), pixel_size_um=2.0, crop=0)
    >>> found["n_pores"], round(found["median_diameter_um"]), round(found["spacing_um"]), round(found["wall_um"])
    (24, 60, 100, 40)
    """
    labels, side_um = segment(grey, pixel_size_um, crop, pixels, method, aspect)
    return summarise(labels, side_um)


def summarise(labels: NDArray[np.integer], side_um: float) -> dict[str, float]:
    """Sum up the pores of a label image, as given by `segment`: what `measure` returns."""
    pores = regions(labels, 1.0)  # in pixels, and to µm last: these may be unknown
    counted, whole = pores[pores["counted"]], pores[~pores["cut"]]
    thickness, length = walls(labels, 1.0)
    wall = np.quantile(thickness, 0.5, weights=length, method="inverted_cdf") if len(length) else math.nan
    return {
        "n_pores": len(counted),
        "median_diameter_um": float(counted["diameter_um"].median() * side_um),
        "mean_diameter_um": float(counted["diameter_um"].mean() * side_um),
        "density_per_mm2": len(counted) / (labels.size * side_um**2 * 1e-6),
        "porosity": float((labels > 0).mean()),
        "circularity": float(whole["circularity"].mean()),
        "spacing_um": float(whole["nearest_um"].mean() * side_um),
        "wall_um": float(wall * side_um),
    }


def measure_all(
    paths: Iterable[StrPath | sources.Source],
    pixel_sizes_um: ArrayLike,
    crop: micrographs.Crop = 0.15,
    max_megapixels: float = formats.MAX_MEGAPIXELS,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Measure the pores of many images, read by `micrographs.read`, in `n_jobs` processes or on a cluster.

    Parameters
    ----------
    paths : sequence of path-like or Source
    pixel_sizes_um : float, or sequence with one item per path
        As `pixel_size_um` of `measure`.
    crop, max_megapixels, n_jobs
        As in `measure`, `micrographs.read` and `scheduling.each`.

    Returns
    -------
    pandas.DataFrame
        One row per image, in the order of `paths`; one column per measure.
    """
    paths = [path if isinstance(path, sources.Source) else pathlib.Path(path).absolute() for path in paths]
    one = functools.partial(_read_and_measure, crop=crop, max_megapixels=max_megapixels)
    return _measure_each(one, paths, pixel_sizes_um, n_jobs)


def measure_pictures(
    pictures: NDArray[Any], pixel_sizes_um: ArrayLike, n_jobs: int = -1, aspect: float = 1.0
) -> pd.DataFrame:
    """Measure the pores of pictures in memory, decoded ones for instance, whole and in `n_jobs` processes.

    Parameters
    ----------
    pictures : ndarray, shape (N, H, W)
    pixel_sizes_um : float, or sequence with one item per picture
        As `pixel_size_um` of `measure`; pass ``[(um_x, um_y)] * N`` for one pair.
    aspect : float
        As in `measure`.

    Returns
    -------
    pandas.DataFrame
        As `measure_all`.
    """
    one = functools.partial(measure, crop=0, pixels=FEW_PIXELS, aspect=aspect)
    return _measure_each(one, pictures, pixel_sizes_um, n_jobs)


def _measure_each(one, items, pixel_sizes_um, n_jobs):
    sizes = [pixel_sizes_um] * len(items) if np.ndim(pixel_sizes_um) == 0 else list(pixel_sizes_um)
    rows = scheduling.each(one, zip(items, sizes, strict=True), n_jobs)
    return pd.DataFrame(track(rows, "pores", total=len(items)))


def _read_and_measure(path, pixel_size_um, crop, max_megapixels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunWarning)  # of several pages: said once, by `preprocessing.process`
        grey = micrographs.read(path, max_megapixels=max_megapixels)
    return measure(grey, pixel_size_um, crop)


def segment(
    grey: NDArray[Any],
    pixel_size_um: ArrayLike | None,
    crop: micrographs.Crop = 0.15,
    pixels: int = PIXELS,
    method: str = "dark",
    aspect: float = 1.0,
) -> tuple[NDArray[np.int32], float]:
    """Label the pores of a grey micrograph (arguments and errors as in `measure`).

    Returns
    -------
    labels : ndarray of int32, shape (h, w)
        0 in the walls, 1…n in the pores. The cropped picture, resized to about `pixels` square pixels.
    side_um : float
        Side of these pixels in µm; NaN if `pixel_size_um` is unknown.
    """
    picture, side_um = square(grey, pixel_size_um, crop, pixels, aspect)
    return pore_methods.label(picture, method), side_um


def square(
    grey: NDArray[Any],
    pixel_size_um: ArrayLike | None,
    crop: micrographs.Crop = 0.15,
    pixels: int = PIXELS,
    aspect: float = 1.0,
) -> tuple[NDArray[np.float32], float]:
    """Crop, and resize to `pixels` square pixels; give these, float32, and their side in µm (see `measure`)."""
    grey = np.asarray(grey)
    if grey.ndim != 2:
        raise ValueError(f"expected grey of shape (H, W), got shape {grey.shape}")
    left, top, right, bottom = micrographs.crop_box(grey.shape[1], grey.shape[0], crop)
    grey = grey[top:bottom, left:right]
    height, width = grey.shape
    if min(height, width) < micrographs.SMALLEST_SIDE:
        raise ValueError(f"grey: {width}×{height} pixels are left after the crop; at least 16×16 are needed")
    um = np.broadcast_to(np.asarray(math.nan if pixel_size_um is None else pixel_size_um, float), 2)
    if (um <= 0).any() or np.isinf(um).any():
        raise ValueError(f"pixel_size_um: expected a positive number of µm, or two, got {pixel_size_um!r}")
    field = (um if np.isfinite(um).all() else np.array([aspect, 1])) * np.array([width, height])
    shape = np.maximum(np.round(field * math.sqrt(pixels / field.prod())), 1).astype(int)
    image = Image.fromarray(grey.astype(np.float32)).resize(tuple(shape.tolist()), Image.Resampling.BILINEAR)
    return np.asarray(image), math.sqrt((um * (width, height) / shape).prod())
