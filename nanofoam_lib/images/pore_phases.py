"""The phase that is darker: which pixels of an unevenly lit picture lie in it.

Uneven light is corrected without a reference picture. A quadratic surface is fitted to the greys of the walls; the
greys of the pores follow it by a straight line, whose slope is 1 where light is added to the picture (a haze) and the
pores' relative grey where it is multiplied (a lamp at one side). The threshold lies between the two surfaces.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from nanofoam_lib.images import distances

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]

_SMOOTH = 0.07  # of a typical pore's radius: blurs the grain of the walls, keeps the outline
_SMALLEST = 0.25  # of a typical pore's radius: less is grain, not a pore or an island
_BESIDE = 0.1, 0.35  # of a typical pore's radius: how far from an outline the greys on its two sides are taken


def dark(picture: Picture, scale: float = 1.0) -> Callable[[float], Mask]:
    """Get ready to find the pores that are darker than the walls.

    Parameters
    ----------
    picture : ndarray of float32, shape (h, w)
        Square pixels.
    scale : float
        Factor of the lengths that the method takes from the picture: how far grain is blurred, and what is grain.

    Returns
    -------
    callable
        Takes where between the greys of walls (0) and pores (1), both taken beside the outlines, an outline lies;
        gives where pores are, bool (h, w); `pore_parting.part` labels them.

    Notes
    -----
    A first outline is Otsu's, after the light of the walls is taken off; the second is half way between the greys on
    both of its sides, wherever it runs. What is smaller than a quarter of the typical pore's radius (area-weighted
    mean) is taken for grain.
    """
    if picture.min() == picture.max():
        return lambda level: np.zeros(picture.shape, bool)
    radius = typical_radius(_first(ndimage.gaussian_filter(picture, 1.5))) * scale
    smooth = ndimage.gaussian_filter(picture, _SMOOTH * radius)
    threshold = _between(smooth, _first(smooth), radius)
    smallest = math.pi * (_SMALLEST * radius) ** 2

    def find(level):
        pore = threshold(level)
        pore = pore & ~_small(pore, smallest)
        return pore | _small(~pore, smallest)

    return find


def bright(picture: Picture, scale: float = 1.0) -> Callable[[float], Mask]:
    """Get ready to find the pores that are brighter than the walls: `dark` of the negative."""
    return dark(-picture, scale)


def typical_radius(mask: Mask) -> float:
    """Radius in pixels of discs whose points are as far from the edge on the average, r/3, as those of `mask`."""
    return 3 * float(distances.to_edge(mask)[mask].mean()) if mask.any() else math.nan


def two_surfaces(
    picture: Picture, depth: NDArray[np.floating], height: NDArray[np.floating], radius: float
) -> tuple[Picture, Picture, Mask, Mask] | None:
    """Fit the greys on both sides of the outlines, under uneven light.

    Parameters
    ----------
    picture : ndarray, shape (h, w)
    depth, height : ndarray, shape (h, w)
        Distance of each pixel in a pore to the walls, and of each pixel in a wall to the pores; 0 elsewhere.
    radius : float
        Of a typical pore, in pixels.

    Returns
    -------
    walls, pores : ndarray of float32, shape (h, w)
        The grey of a wall, and of a pore, beside an outline that ran here.
    outer, inner : ndarray of bool, shape (h, w)
        Where these greys were taken. None, of all four, if pores or walls are too narrow to have any.
    """
    near, far = (max(share * radius, least) for share, least in zip(_BESIDE, (1.0, 3.0), strict=True))
    inner, outer = ((away > near) & (away <= far) for away in (depth, height))
    if min(inner.sum(), outer.sum()) < 9:
        return None
    walls = _surface(picture, height > near)  # of all walls: those beside a few pores would not hold a surface
    walls += (picture - walls)[outer].mean()
    own, grey = walls[inner], picture[inner]
    spread = float(own.var())
    lit = spread > 1e-6 * max(float(picture.var()), 1e-12)  # else there is no slope to be seen
    slope = np.clip(((own - own.mean()) * (grey - grey.mean())).mean() / spread, 0, 1) if lit else 1.0
    return walls, (grey.mean() + np.float32(slope) * (walls - own.mean())).astype(np.float32), outer, inner


def _first(picture):
    """Take off the light of the walls, and give what is darker than Otsu's threshold."""
    flat = picture
    for _ in range(2):  # the second fit is to walls that were found under even lighting
        flat = picture - _surface(picture, flat > threshold_otsu(flat))
    return flat <= threshold_otsu(flat)


def _between(picture, pore, radius):
    """Give what moves outlines to where the grey lies at a level between those on both of their sides."""
    if not pore.any() or pore.all():
        return lambda level: pore
    depth, height = (distances.to_edge(side) for side in (pore, ~pore))
    if (found := two_surfaces(picture, depth, height, radius)) is None:
        return lambda level: pore  # of pores or walls that narrow the outline is not worth moving
    walls, pores, _, _ = found
    return lambda level: picture <= walls + np.float32(level) * (pores - walls)


def _surface(picture: NDArray[Any], where: Mask) -> Picture:
    """Fit a quadratic surface to the pixels told by `where`: float32 (h, w)."""
    ramps = (np.linspace(-1, 1, n, dtype=np.float32) for n in picture.shape)
    powers_y, powers_x = (np.vander(ramp, 5, increasing=True) for ramp in ramps)
    i, j = np.array([(i, j) for i in range(3) for j in range(3 - i)]).T  # of the terms yⁱ xʲ
    moments = powers_y.T @ where.astype(np.float32) @ powers_x
    right = powers_y.T @ (picture * where) @ powers_x
    surface = np.zeros((3, 3), np.float32)
    surface[i, j] = np.linalg.lstsq(moments[i + i[:, None], j + j[:, None]], right[i, j], rcond=None)[0]
    return (powers_y[:, :3] @ surface @ powers_x[:, :3].T).astype(np.float32)


def _small(mask, area):
    """Tell which pixels of `mask` lie in a connected part smaller than `area` pixels."""
    parts, _ = ndimage.label(mask)
    small = np.bincount(parts.ravel()) < area
    small[0] = False
    return small[parts]
