"""How sure the porosity of one picture is, and how many pictures would make it sure enough."""

import math

import numpy as np

from nanofoam_lib.images.pore_space import Mask, overlap, shifted_products, two_point_correlation

Z = 1.959964  # of 95 %


def porosity_error(mask: Mask) -> float:
    """Give the standard error of the porosity of one picture, as an estimate of the material's.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Where the pores are.

    Returns
    -------
    float
        Square root of ∫ (S₂(x) - φ²) w(x) dx / A, over shifts x up to the first zero of the radial covariance;
        w is the share of the picture that a shifted one overlaps [1]_. The covariance is taken about the picture's own
        φ, and so is too low by just this variance, which is put right. NaN if one phase fills the picture.

    Notes
    -----
    Holds if the material is alike everywhere, and the picture much larger than its pores: what one picture does not
    show, it cannot tell. Beyond the first zero, pores that keep apart make the variance less, by what one picture
    cannot tell from noise; it is left out, and the error is rather too large for them.

    References
    ----------
    .. [1] B. Lu, S. Torquato, "Local volume fraction fluctuations in heterogeneous media", J. Chem. Phys. 93 (1990)
       3452-3459, :doi:`10.1063/1.458827`
    """
    share = float(mask.mean())
    if not 0 < share < 1:
        return math.nan
    farthest = min(mask.shape) // 3
    _, probability = two_point_correlation(mask, farthest)
    below = np.flatnonzero(probability <= share**2)
    reach = int(below[0]) if len(below) else farthest
    products, pairs = shifted_products(mask, reach), overlap(mask.shape, reach)
    y, x = np.mgrid[-reach : reach + 1, 0 : reach + 1]
    weight = np.where(x > 0, 2.0, 1.0) * (np.hypot(y, x) <= reach) * pairs / mask.size
    variance = (weight * (products / pairs - share**2)).sum() / mask.size
    return math.sqrt(max(variance / max(1 - weight.sum() / mask.size, 0.1), 0.0))


def pictures_needed(porosity: float, error: float, within: float = 0.05) -> float:
    """Count the pictures whose mean porosity is right within a share `within` of it, 19 times in 20; NaN if unknown."""
    if not porosity > 0 or math.isnan(error):
        return math.nan
    return float(max(math.ceil((Z * error / (within * porosity)) ** 2), 1))
