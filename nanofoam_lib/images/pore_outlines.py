"""How far the outlines of pores stand out from the rest of a picture."""

import math
from functools import cached_property

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from nanofoam_lib.images import distances
from nanofoam_lib.images.pore_phases import Mask, Picture, two_surfaces


class Outlines:
    """How far the outlines of a mask stand out from the rest of the picture; each number, when asked for.

    NaN where there is nothing to be measured.

    Parameters
    ----------
    picture : ndarray of float32, shape (h, w)
        Square pixels.
    mask : ndarray of bool, shape (h, w)
        Where pores are.

    Notes
    -----
    Of a Gaussian field, whatever its spectrum, gradient and grey are independent: ``edge`` is 1 for noise.
    """

    def __init__(self, picture: Picture, mask: Mask):
        self._picture, self._mask = picture, mask
        self._is_there = bool(mask.any() and not mask.all())

    @cached_property
    def edge(self) -> float:
        """Mean gradient of the grey at the outlines over that inside the phases."""
        if not self._is_there:
            return math.nan
        far = np.where(self._mask, self._depth, self._height) > max(0.25 * self._radius, 3)
        return (
            float(self._gradient[self._rim].mean() / max(self._gradient[far].mean(), 1e-12)) if far.any() else math.nan
        )

    @cached_property
    def contrast(self) -> float:
        """Difference of the greys on both sides of the outlines over their standard deviation there, when blurred."""
        if self._greys is None:
            return math.nan
        walls, pores, outer, inner = self._greys
        unrest = np.concatenate([(self._smooth - pores)[inner], (self._smooth - walls)[outer]]).std()
        return self._apart / max(float(unrest), 1e-12)

    @cached_property
    def blur(self) -> float:
        """Width over which the grey goes from one to the other, in pore radii."""
        if self._greys is None:
            return math.nan
        return self._apart / max(float(np.median(self._gradient[self._rim])), 1e-12) / self._radius

    @cached_property
    def agreement(self) -> float:
        """Dice with a watershed of the gradient that starts from the middle of pores and walls."""
        if not self._is_there:
            return math.nan
        middle = np.zeros(self._mask.shape, np.int32)
        middle[self._depth > 0.35 * self._radius] = 1
        middle[self._height > min(0.35 * self._radius, 0.7 * self._height.max())] = 2
        other = watershed(self._gradient, middle) == 1
        return float(2 * (other & self._mask).sum() / (other.sum() + self._mask.sum()))

    @cached_property
    def _depth(self):
        return distances.to_edge(self._mask)

    @cached_property
    def _height(self):
        return distances.to_edge(~self._mask)

    @cached_property
    def _radius(self):
        return 3 * float(self._depth[self._mask].mean())

    @cached_property
    def _smooth(self):
        return ndimage.gaussian_filter(self._picture, max(0.07 * self._radius, 0.7))

    @cached_property
    def _gradient(self):
        return np.hypot(*np.gradient(self._smooth))

    @cached_property
    def _rim(self):
        return np.where(self._mask, self._depth, self._height) <= 1.01

    @cached_property
    def _greys(self):
        return two_surfaces(self._smooth, self._depth, self._height, self._radius) if self._is_there else None

    @property
    def _apart(self):
        walls, pores, _, _ = self._greys
        return float(np.abs(walls - pores).mean())
