"""How sure the porosity of one picture is, and how many pictures would make it sure enough."""

import math

import numpy as np

from nanofoam_lib.images.pore_space import Mask

PARTS = 3  # of a picture along each side
Z = 1.959964  # of 95 %
STUDENT = 2.306004  # the same for a standard error that PARTS² parts tell, eight degrees of freedom


def porosity_error(mask: Mask) -> float:
    """Give the standard error of the porosity of one picture, as an estimate of the material's.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Where the pores are.

    Returns
    -------
    float
        Standard deviation of the porosities of nine parts of the picture, three by three, over √9; porosity ± `STUDENT`
        times this is a 95 % interval. NaN if one phase fills the picture, or it has fewer than 3 × 3 pixels.

    Notes
    -----
    The variance of a picture's porosity is the integral of the covariance of two points, S₂(x) - φ², over the shifts x,
    weighted by how far the picture overlaps its shifted self [1]_. Nine parts take it up to shifts as long as a part,
    the negative of pores that keep apart too, without deciding where it ends. Cut off at the first zero of the radial
    covariance it is too large for foams, by two thirds.

    Holds if the material is alike everywhere, and a part much larger than its pores: what one picture does not show, it
    cannot tell.

    References
    ----------
    .. [1] B. Lu, S. Torquato, "Local volume fraction fluctuations in heterogeneous media", J. Chem. Phys. 93 (1990)
       3452-3459, :doi:`10.1063/1.458827`

    Examples
    --------
    >>> stripes = np.arange(90) // 10 % 2 == 0
    >>> round(porosity_error(np.broadcast_to(stripes, (90, 90))), 4)
    0.0556
    """
    if not 0 < mask.mean() < 1 or min(mask.shape) < PARTS:
        return math.nan
    parts = [part.mean() for rows in np.array_split(mask, PARTS) for part in np.array_split(rows, PARTS, axis=1)]
    return float(np.std(parts, ddof=1)) / PARTS


def pictures_needed(porosity: float, error: float, within: float = 0.05) -> float:
    """Count the pictures whose mean porosity is right within a share `within` of it, 19 times in 20; NaN if unknown."""
    if not porosity > 0 or math.isnan(error):
        return math.nan
    return float(max(math.ceil((Z * error / (within * porosity)) ** 2), 1))
