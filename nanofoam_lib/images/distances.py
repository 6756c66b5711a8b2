"""How far the pixels of a mask are from its edge."""

import math

import edt
import numpy as np
from numpy.typing import NDArray


def to_edge(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the distance from each pixel of a mask to the nearest pixel beyond it, centre to centre.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        The picture's edge is none of the mask.

    Returns
    -------
    ndarray, shape (h, w)
        In pixels; 0 beyond the mask, infinite if nothing lies beyond it.

    Notes
    -----
    As ``scipy.ndimage.distance_transform_edt`` to the last bit: squares of distances are whole numbers, which float32
    holds.

    Examples
    --------
    >>> to_edge(np.array([[False, True, True], [False, True, True]])).tolist()
    [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]
    """
    if mask.all():
        return np.full(mask.shape, math.inf)
    return np.sqrt(edt.edtsq(np.ascontiguousarray(mask)), dtype=np.float64)
