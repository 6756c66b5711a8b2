"""What the grey levels of a micrograph give away: a mask, a picture of nothing, too much light or too little."""

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.images import micrographs

#: Share of pixels at white, or at black, from which on that is said; of a picture well exposed it is below 1 %.
SATURATED = 0.05
#: A mask keeps so much of its pixels near its two levels, however a JPEG blurs them.
TWO_LEVELS, NEAR = 0.98, 8

ONE_LEVEL = "shows one grey level only"
MASK = "shows two grey levels only, as a mask does"
WHITE = "is overexposed: {} of its pixels are white, where nothing can be seen any more"
BLACK = "is underexposed: {} of its pixels are black, where nothing can be seen any more"


def remarks(grey: NDArray[np.uint8], pixels: NDArray[np.uint8], crop: float = 0.15) -> list[str | tuple[str, float]]:
    """Say what is odd about the grey levels of a micrograph within its crop.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    pixels : ndarray of uint8
        What `micrographs.preprocess` has made of it.
    crop : float

    Returns
    -------
    list of str or (str, float)
        A remark, or one with a place for the share of pixels that goes with it, in [0, 1].

    Examples
    --------
    >>> remarks(np.full((40, 40), 9, np.uint8), np.full((8, 8), 9, np.uint8))
    ['shows one grey level only']
    """
    if pixels.min() == pixels.max():
        return [ONE_LEVEL]
    left, top, right, bottom = micrographs.crop_box(grey.shape[1], grey.shape[0], crop)
    shares = np.bincount(grey[top:bottom, left:right].ravel(), minlength=256) / ((bottom - top) * (right - left))
    levels = np.flatnonzero(shares)
    low, high = levels[0], levels[-1]
    ends = shares[low : low + NEAR + 1].sum() + shares[max(high - NEAR, 0) : high + 1].sum()
    if len(levels) == 2 or (high - low > 4 * NEAR and ends >= TWO_LEVELS):
        return [MASK]
    found = [(WHITE, float(shares[255])), (BLACK, float(shares[0]))]
    return [(text, share) for text, share in found if share >= SATURATED]
