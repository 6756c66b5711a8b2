"""Intervals that hold their level whatever the regression: as wide as it was wrong on specimens it had not seen."""

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.9


def half_width(errors: ArrayLike, groups: ArrayLike, level: float = LEVEL) -> float:
    """Give how far from its prediction the value of a new specimen lies at most, in so many of all cases.

    Parameters
    ----------
    errors : array-like of float, shape (N,)
        Measured less predicted, of each image, by a regression that has not seen its specimen.
    groups : array-like, shape (N,)
        Specimen of each: images of one are no further evidence.
    level : float in (0, 1)

    Returns
    -------
    float
        In the unit of `errors`; infinite for fewer than level / (1 − level) specimens, which allow no such statement.

    Notes
    -----
    Of K specimens each has the weight 1 / (K + 1), shared by its images; the rest belongs to the new one, whose error
    may be as large as it likes. The half-width is the `level` quantile of the absolute errors with these weights: an
    image of a new specimen, drawn as the others were, is covered in `level` of cases [1]_, by the symmetry of the
    specimens alone. Strictly so where the regression is the same for all; errors of cross-validation are those of
    slightly worse ones, trained on fewer specimens, and so rather too large than too small [2]_.

    References
    ----------
    .. [1] Y. Lee, R. F. Barber, R. Willett, "Distribution-free inference with hierarchical data", J. R. Stat. Soc. B
       (2025), :doi:`10.48550/arXiv.2306.06342`
    .. [2] R. F. Barber, E. J. Candès, A. Ramdas, R. J. Tibshirani, "Predictive inference with the jackknife+", Ann.
       Statist. 49 (2021) 486, :doi:`10.1214/20-AOS1965`

    Examples
    --------
    >>> half_width([-9, 1, 2, 3, 4, 5, 6, 7, 8], list("abcdefghi"))
    9.0
    >>> half_width([1, 2, 3], ["a", "b", "c"]), half_width([1, 2, 3], ["a", "b", "c"], 0.5)
    (inf, 2.0)
    """
    _, group_of, sizes = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
    size = np.abs(np.asarray(errors, float))
    order = np.argsort(size)
    below = np.cumsum(1 / sizes[group_of[order]]) / (len(sizes) + 1)
    reached = np.searchsorted(below, level - 1e-9)  # a sum of tenths may fall short of 0.9
    return float(size[order][reached]) if reached < len(size) else np.inf
