"""Where one pore ends and the next begins: pores that touch are parted at their necks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from nanofoam_lib.images import distances

_NECK = 0.8  # two pores are told apart if the way between them narrows below this share of the smaller one
_LEAST = 0.5  # pixels: depth that counts as such
_SIDES = (
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:-1], np.s_[1:]),
    (np.s_[:-1, :-1], np.s_[1:, 1:]),
    (np.s_[:-1, 1:], np.s_[1:, :-1]),
)


class _Passes(NamedTuple):
    """Where basins meet: the numbers of the two, and the depth of the best way between them, the deepest first."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    depth: NDArray[np.floating]


def part(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Label pores, and part those that touch.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Where pores are.

    Returns
    -------
    ndarray of int32, shape (h, w)
        0 in the walls, 1…n in the pores.

    Notes
    -----
    A watershed of the distance d to the walls gives a basin about each of its maxima. A maximum of depth d_max is a
    pore's own if every way from it to a higher one passes below 0.8 d_max (its dynamics [1]_ on the scale of log d);
    the basin of any other goes to the pore to which the best of these ways leads. Pixels that hang on to the rest by a
    corner alone, and have no maximum, stay in the walls.

    References
    ----------
    .. [1] M. Grimaud, "New measure of contrast: the dynamics", Proc. SPIE 1769 (1992) 292-305,
       :doi:`10.1117/12.60650`
    """
    if not mask.any() or mask.all():
        return mask.astype(np.int32)
    depth = distances.to_edge(mask)
    tops, n = ndimage.label(local_maxima(depth, connectivity=2) & mask, np.ones((3, 3)))
    basins = watershed(-depth, tops, mask=mask)
    highest = np.zeros(n + 1)
    highest[tops[tops > 0]] = depth[tops > 0]
    return _owners(highest, _passes(basins, depth))[basins]


def _passes(basins, depth):
    """Find where basins, numbered from 1, meet: `_Passes`."""
    found = []
    for one, other in _SIDES:
        meet = (basins[one] != basins[other]) & (basins[one] > 0) & (basins[other] > 0)
        found.append([basins[one][meet], basins[other][meet], np.minimum(depth[one][meet], depth[other][meet])])
    first, second, height = (np.concatenate(parts) for parts in zip(*found, strict=True))
    down = np.argsort(-height, kind="stable")
    first, second = np.minimum(first, second)[down], np.maximum(first, second)[down]
    best = np.sort(np.unique(first.astype(np.int64) * (int(basins.max()) + 1) + second, return_index=True)[1])
    return _Passes(first[best], second[best], height[down][best])


def _owners(highest, passes):
    """Give the pore, numbered from 1, to which each basin belongs: int32 (n,); 0 for number 0, the walls."""
    reached, owner = list(range(len(highest))), list(range(len(highest)))
    tops = highest.tolist()
    for first, second, depth in zip(*(values.tolist() for values in passes), strict=True):
        lower, higher = _root(reached, first), _root(reached, second)
        if lower == higher:
            continue
        if tops[lower] > tops[higher]:
            lower, higher, first, second = higher, lower, second, first
        if max(depth, _LEAST) >= _NECK * max(tops[lower], _LEAST):
            owner[_root(owner, first)] = _root(owner, second)  # all that is reached from here has the one owner
        reached[lower] = higher
    own = [_root(owner, number) for number in range(len(owner))]
    return np.unique(own, return_inverse=True)[1].astype(np.int32)


def _root(parents, number):
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number
