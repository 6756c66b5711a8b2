"""Pores of a foam, measured in a micrograph: size, number, porosity, shape, spacing, walls.

Pores are the dark phase. Every length the method needs follows from the picture, so a picture gives the same pores
whatever its resolution, contrast or unit of length. Four steps: the cropped picture on square pixels (`_square`), the
dark phase (`_dark_phase`), one label per pore (`_split`), the table of pores (`regions`).
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
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.filters import threshold_otsu
from skimage.measure import regionprops_table
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from nanofoam_lib.base import scheduling
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import formats, micrographs, sources

_PIXELS = 160_000  # of the picture that is measured, whatever its own: about 15 across a pore when 400 are in view
_FEW_PIXELS = 40_000  # of a 128×128 picture: four times as fast, and as near to what the full micrograph measures
_SMOOTH = 0.07  # of a typical pore's radius: blurs the grain of the walls, keeps the outline
_SMALLEST = 0.25  # of a typical pore's radius: less is grain, not a pore or an island
_NECK = 0.8  # two pores are told apart if the way between them narrows below this share of the smaller one


def measure(
    grey: NDArray[Any], pixel_size_um: ArrayLike | None, crop: micrographs.Crop = 0.15, pixels: int = _PIXELS
) -> dict[str, float]:
    """Measure the pores of a grey micrograph.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        Grey levels on any scale; pores are darker than the walls.
    pixel_size_um : float or (float, float)
        Side of a pixel in µm, or width and height where pixels are not square. NaN or None if unknown: pixels are
        then taken for square, and every measure with a unit is NaN.
    crop : float in [0, 0.45], or four of them
        Share of the width cut from left and right, and of the height from top and bottom, before measuring.
    pixels : int
        What the cropped picture is resized to.

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
    A texture without pores gets numbers too; a circularity below about 0.8 gives it away.

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
    labels, side_um = segment(grey, pixel_size_um, crop, pixels)
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
    paths : sequence of path-like
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


def measure_pictures(pictures: NDArray[Any], pixel_sizes_um: ArrayLike, n_jobs: int = -1) -> pd.DataFrame:
    """Measure the pores of pictures in memory, decoded ones for instance, whole and in `n_jobs` processes.

    Parameters
    ----------
    pictures : ndarray, shape (N, H, W)
    pixel_sizes_um : float, or sequence with one item per picture
        As `pixel_size_um` of `measure`; pass ``[(um_x, um_y)] * N`` for one pair.

    Returns
    -------
    pandas.DataFrame
        As `measure_all`.
    """
    one = functools.partial(measure, crop=0, pixels=_FEW_PIXELS)
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
    grey: NDArray[Any], pixel_size_um: ArrayLike | None, crop: micrographs.Crop = 0.15, pixels: int = _PIXELS
) -> tuple[NDArray[np.int32], float]:
    """Label the pores of a grey micrograph (arguments and errors as in `measure`).

    Returns
    -------
    labels : ndarray of int32, shape (h, w)
        0 in the walls, 1…n in the pores. The cropped picture, resized to about `pixels` square pixels.
    side_um : float
        Side of these pixels in µm; NaN if `pixel_size_um` is unknown.

    Notes
    -----
    The dark phase is what lies below Otsu's threshold after a quadratic surface, fitted to the walls, is taken off as
    their uneven lighting. A watershed of the distance d to the walls parts touching pores. Its markers are those
    maxima of d from which every way to a higher one passes below 0.8 d_max (h-maxima of log d). What is smaller than
    a quarter of the typical pore's radius (area-weighted mean) is taken for grain.
    """
    picture, side_um = _square(grey, pixel_size_um, crop, pixels)
    return _split(_dark_phase(picture)), side_um


def regions(labels: NDArray[np.integer], side_um: float) -> pd.DataFrame:
    """Measure each pore of a label image, as given by `segment`.

    Returns
    -------
    pandas.DataFrame
        One row per pore: ``label``; ``x_um``, ``y_um``, centre from the picture's top left corner; ``diameter_um``,
        equivalent diameter; ``nearest_um``, from its centre to the nearest other (NaN if there is none);
        ``circularity`` in [0, 1]; ``cut``, whether the edge of the picture cuts it; ``counted``, whether the centre
        lies in the picture. Centre and diameter of a cut pore are those of the circle fitted to the visible outline;
        its circularity is NaN.
    """
    table = regionprops_table(labels, properties=("label", "bbox", "area", "centroid", "perimeter_crofton"))
    height, width = labels.shape
    cut = (table["bbox-0"] == 0) | (table["bbox-1"] == 0) | (table["bbox-2"] == height) | (table["bbox-3"] == width)
    x, y, diameter = table["centroid-1"] + 0.5, table["centroid-0"] + 0.5, np.sqrt(4 / np.pi * table["area"])
    owner, outline_x, outline_y = _outlines(labels)
    for i in np.flatnonzero(cut):
        own = owner == table["label"][i]
        if own.sum() > 2:  # else other pores and the edge enclose it
            x[i], y[i], fitted = _fit_circle(outline_x[own], outline_y[own])
            # With its centre in the picture, at least a quarter of a disc is seen: a bound for ragged outlines
            diameter[i] = min(max(fitted, diameter[i]), 2 * diameter[i])
    circularity = np.minimum(4 * np.pi * table["area"] / np.maximum(table["perimeter_crofton"], 1) ** 2, 1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    centres = np.stack([x, y], axis=1)
    nearest = KDTree(centres).query(centres, k=2)[0][:, 1]
    nearest[np.isinf(nearest)] = np.nan  # a pore alone
    lengths = {"x_um": x, "y_um": y, "diameter_um": diameter, "nearest_um": nearest}
    shape = {"circularity": np.where(cut, np.nan, circularity), "cut": cut, "counted": inside}
    return pd.DataFrame({"label": table["label"]} | {key: side_um * v for key, v in lengths.items()} | shape)


def walls(labels: NDArray[np.integer], side_um: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Measure the walls between neighbouring pores of a label image, as given by `segment`.

    Returns
    -------
    thickness_um, length_um : ndarray, shape (n,)
        One item per wall. Each point of the walls belongs to the pore whose outline is nearest (skeleton by zones of
        influence). Two pores are neighbours where their zones meet; their wall is as long as that border, and as
        thick as the gap between the two outlines at its narrowest place (0 where pores touch).
    """
    if not labels.any():
        return np.zeros(0), np.zeros(0)
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    zone = labels[tuple(nearest)]
    found = []
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = zone[one] != zone[other]
        first, second = np.sort(np.stack([zone[one][meet], zone[other][meet]]), axis=0)
        # From outline to outline: half a pixel less than from centre to centre at both ends, and one pixel across.
        gap = distance[one][meet] + distance[other][meet]
        found.append(pd.DataFrame({"first": first, "second": second, "gap": gap}))
    pairs = pd.concat(found).groupby(["first", "second"])["gap"]
    return pairs.min().to_numpy() * side_um, pairs.size().to_numpy() * side_um


def _square(grey, pixel_size_um, crop, pixels):
    """Crop, and resize to `pixels` square pixels; give these, float32, and their side in µm."""
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
    field = (um if np.isfinite(um).all() else 1) * np.array([width, height])
    shape = np.maximum(np.round(field * math.sqrt(pixels / field.prod())), 1).astype(int)
    image = Image.fromarray(grey.astype(np.float32)).resize(tuple(shape.tolist()), Image.Resampling.BILINEAR)
    return np.asarray(image), math.sqrt((um * (width, height) / shape).prod())


def _dark_phase(picture):
    """Tell which pixels lie in a pore: bool (h, w)."""
    if picture.min() == picture.max():
        return np.zeros(picture.shape, bool)
    rough = _threshold(ndimage.gaussian_filter(picture, 1.5))
    radius = 3 * ndimage.distance_transform_edt(rough)[rough].mean()  # the mean distance to a disc's edge is r/3
    pore = _threshold(ndimage.gaussian_filter(picture, _SMOOTH * radius))
    smallest = math.pi * (_SMALLEST * radius) ** 2
    pore = pore & ~_small(pore, smallest)
    return pore | _small(~pore, smallest)


def _threshold(picture):
    """Take off the uneven lighting of the walls, and give what is darker than Otsu's threshold."""
    ramps = (np.linspace(-1, 1, n, dtype=np.float32) for n in picture.shape)
    powers_y, powers_x = (np.vander(ramp, 5, increasing=True) for ramp in ramps)
    i, j = np.array([(i, j) for i in range(3) for j in range(3 - i)]).T  # of the terms yⁱ xʲ of a quadratic surface
    flat = picture
    for _ in range(2):  # the second fit is to walls that were found under even lighting
        wall = flat > threshold_otsu(flat)
        moments = powers_y.T @ wall.astype(np.float32) @ powers_x
        right = powers_y.T @ (picture * wall) @ powers_x
        surface = np.zeros((3, 3), np.float32)
        surface[i, j] = np.linalg.lstsq(moments[i + i[:, None], j + j[:, None]], right[i, j], rcond=None)[0]
        flat = picture - powers_y[:, :3] @ surface @ powers_x[:, :3].T
    return flat <= threshold_otsu(flat)


def _small(mask, area):
    """Tell which pixels of `mask` lie in a connected part smaller than `area` pixels."""
    parts, _ = ndimage.label(mask)
    small = np.bincount(parts.ravel()) < area
    small[0] = False
    return small[parts]


def _split(mask):
    """Part touching pores: int32 (h, w), see `segment`."""
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    depth = ndimage.distance_transform_edt(mask)
    level = np.log(np.maximum(depth, 0.5))
    tops = local_maxima(reconstruction(level + math.log(_NECK), level), connectivity=2)
    return watershed(-depth, ndimage.label(tops & mask, np.ones((3, 3)))[0], mask=mask).astype(np.int32)


def _outlines(labels):
    """Points of the outlines towards walls, halfway between a pixel of a pore and one of a wall: pore, x, y."""
    row, column = np.nonzero((labels[:, :-1] > 0) ^ (labels[:, 1:] > 0))
    across = labels[row, column] + labels[row, column + 1], column + 1.0, row + 0.5
    row, column = np.nonzero((labels[:-1] > 0) ^ (labels[1:] > 0))
    down = labels[row, column] + labels[row + 1, column], column + 0.5, row + 1.0
    return (np.concatenate(pair) for pair in zip(across, down, strict=True))


def _fit_circle(x, y):
    """Centre and diameter of the circle a (x² + y²) + b x + c y + d = 0 that fits best (G. Taubin, 1991)."""
    mean_x, mean_y = x.mean(), y.mean()
    x, y = x - mean_x, y - mean_y
    square = x * x + y * y
    scale = 2 * math.sqrt(square.mean())
    a, b, c = np.linalg.svd(np.stack([(square - square.mean()) / scale, x, y], axis=1), full_matrices=False)[2][2]
    a = (a or 1e-9) / scale  # 0 for a straight line
    return mean_x - b / a / 2, mean_y - c / a / 2, math.sqrt((b * b + c * c) / a**2 + 4 * square.mean())
