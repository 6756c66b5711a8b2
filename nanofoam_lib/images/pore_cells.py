"""Closed cells: what thin walls, dark or bright lines, part from each other, whatever the greys inside.

Reflections, shades and dirt inside a cell are brighter or darker than its walls; no threshold finds such cells. Here a
wall is a ridge of the grey, and a cell is what ridges enclose: a spot of light may be as bright as it likes, it
encloses nothing.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse
from skimage.morphology import local_minima
from skimage.segmentation import watershed

from nanofoam_lib.images import distances
from nanofoam_lib.images.pore_phases import Labels, Picture

SIGMAS = 1.0, 1.6, 2.5, 4.0  # pixels: half the widths of walls that are looked for
_BRIGHTEST = 3.0  # times the ridges around: what is stronger, a reflection's for instance, counts no more than this
_STEPS = 0.09, 0.18, 0.27, 0.36, 0.45  # of a strong wall: borders weaker than this are none, the weakest first
_WEAKEST = 0.1  # a border is as strong as this quantile along it: a wall with a gap of more is open
_SMALLEST = 0.06  # of a typical cell's area (area-weighted mean): less is a scrap
_CREST = 5  # pixels: within so many lies the middle of a wall
_PROFILE = 0.5, 1.4  # of the mean half thickness: least and largest that a wall has somewhere


def cells(picture: Picture, scale: float = 1.0) -> Callable[[float], Labels]:
    """Get ready to label the cells between walls that are lines, bright or dark ones, whichever are stronger.

    Parameters
    ----------
    picture : ndarray of float32, shape (h, w)
        Square pixels.
    scale : float
        Factor of the widths of lines that are looked for.

    Returns
    -------
    callable
        Takes where between the greys of a wall (0) and of the cell beside it (1) the cell's outline lies; gives the
        labels, int32 (h, w): 0 in the walls, 1…n in the cells.

    Notes
    -----
    Ridges are those of Sato and colleagues [1]_, at four scales, less the curvature along them, so that spots are none;
    they are divided by their root mean square nearby, which takes off uneven light. A watershed from their smooth
    minima gives too many regions. Those are joined over borders that are weak, each as strong as its weakest tenth and
    measured by the strong ones of the whole picture; then the enclosed and the small ones with a neighbour.

    References
    ----------
    .. [1] Y. Sato et al., "Three-dimensional multi-scale line filter for segmentation and visualization of curvilinear
       structures in medical images", Med. Image Anal. 2 (1998) 143-168, :doi:`10.1016/S1361-8415(98)80009-1`
    """
    if picture.min() == picture.max():
        return lambda level: np.zeros(picture.shape, np.int32)
    bright, dark = ridges(picture, scale)
    sign = 1 if np.quantile(bright, 0.95) >= np.quantile(dark, 0.95) else -1
    strength = _relative(bright if sign > 0 else dark)
    return _hollow(np.float32(sign) * picture, _join(_regions(strength, scale), strength))


def ridges(picture: Picture, scale: float = 1.0) -> tuple[Picture, Picture]:
    """Give how much each pixel lies on a bright and on a dark line: float32 (h, w) each.

    The curvature across the line, at the scale where it is largest, less the curvature along it, which spots have.
    """
    bright, dark = np.zeros(picture.shape, np.float32), np.zeros(picture.shape, np.float32)
    for sigma in SIGMAS:
        smooth = ndimage.gaussian_filter(picture, sigma * scale, mode="nearest")
        down, across = np.gradient(smooth)
        (down_down, down_across), across_across = np.gradient(down), np.gradient(across, axis=1)
        mean, half = (across_across + down_down) / 2, np.hypot((across_across - down_down) / 2, down_across)
        for found, own in ((bright, -mean), (dark, mean)):
            strength = own + half - np.maximum(own - half, 0)
            np.maximum(found, np.float32((sigma * scale) ** 0.5) * strength, out=found)
    return bright, dark


def borders(labels: Labels) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.intp], NDArray[np.intp]]:
    """List where two regions meet: the lower label, the higher one, and the flat indices of the two pixels."""
    flat = np.arange(labels.size).reshape(labels.shape)
    found = []
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = labels[one] != labels[other]
        sides = labels[one][meet], labels[other][meet]
        found.append((np.minimum(*sides), np.maximum(*sides), flat[one][meet], flat[other][meet]))
    first, second, here, there = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second, here, there


def _relative(ridge):
    """Divide ridges by those nearby, and level them: the square root of at most `_BRIGHTEST`."""
    nearby = np.sqrt(np.maximum(_wide_gaussian(ridge * ridge, min(ridge.shape) / 8), 0))
    return np.sqrt(np.minimum(ridge / np.maximum(nearby, 1e-9), _BRIGHTEST))


def _wide_gaussian(picture, sigma):
    """Blur as ``scipy.ndimage.gaussian_filter``, in a time that does not grow with `sigma`."""
    down, across = (np.exp(-((math.pi * sigma / n * np.arange(n, dtype=np.float32)) ** 2) / 2) for n in picture.shape)
    return fft.idctn(fft.dctn(picture) * down[:, None] * across)


def _regions(strength, scale):
    """Cut a picture of ridges into the basins between them, numbered from 0."""
    seeds = local_minima(ndimage.gaussian_filter(strength, 2.5 * scale), connectivity=2)
    return watershed(ndimage.gaussian_filter(strength, 0.7), ndimage.label(seeds)[0]).astype(np.int32) - 1


def _join(regions, strength):
    """Join regions, numbered from 0, that no wall parts: labels from 1."""
    own = _Borders.between(regions, ndimage.gaussian_filter(strength, 0.7))
    strong = np.quantile(own.strength, 0.9) if len(own.first) else 0
    name = np.arange(regions.max() + 1)  # of each region, what it is part of
    for step in _STEPS:
        weak = own.salience(_WEAKEST) < step * strong
        part = _parts(int(name.max()) + 1, own.first[weak], own.second[weak])
        own, name = own.renamed(part), part[name]
    area, at_edge = np.bincount(name[regions].ravel()), np.zeros(name.max() + 1, bool)
    for side in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        at_edge[name[side]] = True
    for _ in range(3):
        enclosed = np.bincount(np.concatenate([own.first, own.second]), minlength=len(area)) == 1
        goes = (area < _SMALLEST * (area.astype(float) ** 2).sum() / area.sum()) | (enclosed & ~at_edge)
        salience = own.salience(0.3)
        ways = np.argsort(np.concatenate([salience, salience]), kind="stable")
        source, target = (np.concatenate(ends)[ways] for ends in ((own.first, own.second), (own.second, own.first)))
        source, target = source[goes[source]], target[goes[source]]
        if not len(source):
            break
        weakest = np.unique(source, return_index=True)[1]
        part = _parts(len(area), source[weakest], target[weakest])
        own, name = own.renamed(part), part[name]
        area, at_edge = np.bincount(part, area), np.bincount(part, at_edge) > 0
    return (name[regions] + 1).astype(np.int32)


class _Borders(NamedTuple):
    """Borders between regions, which are joined here without going through the picture again.

    Attributes
    ----------
    first, second : ndarray, shape (n,)
        The two regions of each border.
    border : ndarray, shape (m,)
        On which border each place lies where two pixels meet, the weakest first.
    strength : ndarray, shape (m,)
        Of the ridge there.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    border: NDArray[np.intp]
    strength: NDArray[np.floating]

    @classmethod
    def between(cls, regions, strength):
        lower, higher, here, there = borders(regions)
        own = np.maximum(strength.ravel()[here], strength.ravel()[there])
        order = np.argsort(own)
        n = int(regions.max()) + 1
        pairs, border = np.unique(lower.astype(np.intp) * n + higher, return_inverse=True)
        return cls(pairs // n, pairs % n, border[order], own[order])

    def salience(self, quantile):
        """Give a quantile of the strength along each border."""
        numbers = self.border.astype(np.min_scalar_type(len(self.first)))  # which are sorted faster if they are short
        count = np.bincount(numbers, minlength=len(self.first))
        ordered = self.strength[np.argsort(numbers, kind="stable")]
        return ordered[np.cumsum(count) - count + ((count - 1) * quantile).astype(int)]

    def renamed(self, part):
        """Give the borders that are left when regions become part of larger ones."""
        ends = np.sort(np.stack([part[self.first], part[self.second]]), axis=0)
        n = int(part.max()) + 1
        apart = ends[0] != ends[1]
        pairs, number = np.unique(ends[0, apart] * n + ends[1, apart], return_inverse=True)
        new = np.full(len(apart), -1)
        new[apart] = number
        border = new[self.border]
        return _Borders(pairs // n, pairs % n, border[border >= 0], self.strength[border >= 0])


def _parts(n, first, second):
    """Give of each of n regions the number, from 0, of the part to which these pairs connect it."""
    pairs = sparse.coo_matrix((np.ones(len(first), bool), (first, second)), shape=(n, n))
    return sparse.csgraph.connected_components(pairs, directed=False)[1]


def _hollow(picture: Picture, labels: Labels) -> Callable[[float], Labels]:
    """Give what takes the walls, bright lines here, off the regions that they part.

    A wall ends at a level between its grey and that of the cell beside it (the median of the cell's inner half), but
    is nowhere much thinner or thicker than the mean of all walls: cells may be as bright as their walls, and spots of
    light may touch them.
    """
    line = np.zeros(labels.size, bool)
    line[np.concatenate(borders(labels)[2:])] = True
    if not line.any():
        return lambda level: labels
    line = line.reshape(labels.shape)
    grey, away = ndimage.gaussian_filter(picture, 0.5), distances.to_edge(~line)
    depth = np.bincount(labels.ravel(), away.ravel()) / np.maximum(np.bincount(labels.ravel()), 1)
    inner = np.where(away > depth[labels], labels, 0)
    inside = _medians(grey, inner, np.arange(labels.max() + 1))[labels]
    reach = max(float(depth[1:].mean()), 1.0)
    crest = ndimage.maximum_filter(grey, _CREST)  # of a wall: the line runs beside it as often as on it
    on_line = ndimage.gaussian_filter(np.where(line, crest, 0), reach)
    contrast = on_line / np.maximum(ndimage.gaussian_filter(line.astype(np.float32), reach), 1e-4) - inside
    seen = contrast > max(0.3 * float(np.median(contrast[line])), 1e-9)
    height = np.divide(grey - inside, contrast, out=np.zeros_like(grey), where=seen)

    def label(level):
        half = _half_thickness(height[seen], away[seen], 1 - level, 2 * reach)
        low, high = (share * half for share in _PROFILE)
        wall = (away <= low) | ((away <= half) & ~seen) | ((away <= high) & seen & (height > 1 - level)) | line
        parts, n = ndimage.label(wall, np.ones((3, 3)))
        kept = np.zeros(n + 1, bool)
        kept[parts[line]] = True
        return np.where(kept[parts], 0, labels).astype(np.int32)

    return label


def _medians(grey: NDArray[Any], labels: Labels, numbers: NDArray[np.intp]) -> NDArray[np.float32]:
    """Give the median grey of each label, that of all where a label has no pixel."""
    order = np.argsort(grey, axis=None)
    own = labels.ravel()[order].astype(np.min_scalar_type(labels.max()))  # sorted faster if short
    order = order[np.argsort(own, kind="stable")]
    own = labels.ravel()[order]
    start, end = np.searchsorted(own, numbers), np.searchsorted(own, numbers, side="right")
    middle = np.minimum((start + end) // 2, own.size - 1)
    found = grey.ravel()[order][middle].astype(np.float32)
    absent = start == end
    found[absent] = np.median(found[1:][~absent[1:]]) if (~absent[1:]).any() else np.median(grey)
    return found


def _half_thickness(height, away, level, farthest):
    """Find how far from the lines the mean height of the walls falls to `level`."""
    steps = np.minimum(away, farthest + 1).astype(np.int32)
    profile = np.bincount(steps, np.clip(height, -1, 2)) / np.maximum(np.bincount(steps), 1)
    below = np.flatnonzero(profile < level)
    if not len(below) or below[0] == 0:
        return 0.5 if len(below) else float(farthest)
    last = below[0] - 1
    return last + (profile[last] - level) / max(float(profile[last] - profile[last + 1]), 1e-6) + 0.5
