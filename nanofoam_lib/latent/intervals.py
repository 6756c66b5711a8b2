"""How sure a mean is whose values come in groups, and a median: bootstrap over specimens, or over orders."""

import numpy as np


def interval(hit, groups, level=0.95, n_resamples=2000, seed=0):
    """Bootstrap interval of an accuracy over groups: images of one specimen are not independent evidence.

    Parameters
    ----------
    hit : array-like of bool or float, shape (N,)
        Whether each image was classified right, or any other value whose mean is wanted.
    groups : array-like, shape (N,)
        Groups are drawn with replacement, with all of their images.
    level : float in (0, 1)
    n_resamples : int
    seed : int

    Returns
    -------
    low, high : float
        Percentile interval of the mean: for an accuracy in [0, 1].

    Examples
    --------
    >>> interval([True] * 8, list("aabbccdd"))
    (1.0, 1.0)
    """
    _, group_of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    size = np.bincount(group_of)
    right = np.bincount(group_of, weights=np.asarray(hit, float))
    rng = np.random.default_rng(seed)
    block = max(1, 2**20 // len(size))  # resamples at a time, however many groups there are
    accuracies = np.empty(n_resamples)
    for start in range(0, n_resamples, block):
        n = min(block, n_resamples - start)
        times = rng.multinomial(len(size), np.full(len(size), 1 / len(size)), size=n)
        accuracies[start : start + n] = (times @ right) / (times @ size)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def median_interval(values, level=0.95, n_resamples=2000, seed=0):
    """Bootstrap interval of a median, percentiles over resamples: low, high, NaN without values.

    Parameters
    ----------
    values : array-like of float, shape (N,)
        Independent of each other.
    level : float in (0, 1)
    n_resamples, seed : int

    Examples
    --------
    >>> median_interval([0.25] * 7), median_interval([0.0, 1.0, 2.0])
    ((0.25, 0.25), (0.0, 2.0))
    """
    values = np.asarray(values, float)
    if not len(values):
        return np.nan, np.nan
    drawn = np.random.default_rng(seed).choice(values, (n_resamples, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
