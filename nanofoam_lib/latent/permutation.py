"""Whether an effect is more than chance: whole groups are dealt anew, and the largest of many statistics counts.

A test that draws random orders gives ``p = (1 + #{as large by chance}) / (1 + number of orders)``, which holds its
level exactly [1]_.

References
----------
.. [1] B. Phipson, G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39, doi:10.2202/1544-6115.1585
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

ORDERS = 1999
_ROUNDING = 1e-9  # of the statistic's scale: a tie must count in spite of it


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Correct p-values for how many they are: the chance that any is small by chance stays below its corrected value.

    Parameters
    ----------
    p_values : array-like of float, shape (M,)
        NaN, a test that could not be made, counts as none and stays NaN.

    Returns
    -------
    ndarray, shape (M,)

    References
    ----------
    .. [1] S. Holm, Scand. J. Statist. 6 (1979) 65

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, float)
    corrected, order = np.full(len(p_values), np.nan), np.argsort(p_values, kind="stable")
    order = order[: np.isfinite(p_values).sum()]
    times = len(order) - np.arange(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * times), 1)
    return corrected


def paired(difference: ArrayLike, groups: ArrayLike, seed: int = 0) -> float:
    """Test whether the mean of paired differences is other than 0, by turning the signs of whole groups.

    Parameters
    ----------
    difference : array-like of float, shape (N,)
    groups : array-like, shape (N,)
    seed : int

    Returns
    -------
    float
        Two-sided p-value in (0, 1]. It cannot be small for few groups: of five, 0.06 at least.
    """
    sums = _sums(np.asarray(difference, float)[:, None], _numbers(groups))[:, 0]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (ORDERS, len(sums)))
    return _share(np.abs(signs @ sums), abs(sums.sum()))


def agreement(predicted: ArrayLike, true: ArrayLike, groups: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Test whether predictions are right more often than by chance, dealing the true classes anew to the groups.

    Parameters
    ----------
    predicted, true, groups : array-like, shape (N,)
        A group that stands in several classes counts as one for each.
    seed : int

    Returns
    -------
    chance : float
        The share that is right by chance, mean over orders.
    p_value : float
        One-sided, in (0, 1].
    """
    predicted, true = np.asarray(predicted, str), np.asarray(true, str)
    classes, label = np.unique(true, return_inverse=True)
    numbers, of_group = _numbers_by_class(groups, label)
    counts = _sums((predicted[:, None] == classes).astype(float), numbers)
    rng, rows = np.random.default_rng(seed), np.arange(len(counts))
    right = np.array([counts[rows, rng.permutation(of_group)].sum() for _ in range(ORDERS)])
    return float(right.mean() / len(true)), _share(right, (predicted == true).sum())


def correlations(
    vectors: ArrayLike, measures: pd.DataFrame, groups: ArrayLike, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlate every dimension with every measure over groups, and correct for how many pairs there are.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    measures : pandas.DataFrame, shape (N, M)
        NaN where unknown.
    groups : array-like, shape (N,)
    seed : int

    Returns
    -------
    rho : ndarray, shape (D, M)
        Spearman's, of the means of the groups; NaN where a dimension or measure is constant.
    p_value : ndarray, shape (D, M)
        Share of orders of the groups in which the largest |ρ| of all pairs reaches that of this one.
    """
    numbers = _numbers(groups)
    values = measures.groupby(numbers).mean().to_numpy(float)
    x, y = unit_ranks(_means(vectors, numbers)), np.zeros_like(values)
    for column, known in enumerate(np.isfinite(values).T):
        y[known, column] = unit_ranks(values[known, column : column + 1])[:, 0] if known.any() else 0
    y[:, ~np.isfinite(values).any(axis=0)] = np.nan
    rho, rng = x.T @ y, np.random.default_rng(seed)
    finite_x, finite_y = np.nan_to_num(x), np.nan_to_num(y)
    largest = np.array([np.abs(finite_x.T @ rng.permutation(finite_y)).max(initial=0) for _ in range(ORDERS)])
    return rho, _shares(largest, np.abs(rho))


def differences(vectors: ArrayLike, labels: ArrayLike, groups: ArrayLike, seed: int = 0) -> NDArray[np.float64]:
    """Test whether the classes differ in any dimension, and correct for how many dimensions there are.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    labels, groups : array-like, shape (N,)
    seed : int

    Returns
    -------
    ndarray, shape (D,)
        Share of orders of the groups in which the largest η² (of the means of the groups) of all dimensions reaches
        that of this one; NaN where a dimension is constant.
    """
    _, label = np.unique(np.asarray(labels, str), return_inverse=True)
    numbers, of_group = _numbers_by_class(groups, label)
    means = _means(vectors, numbers)
    centred = means - means.mean(axis=0)
    total = (centred**2).sum(axis=0)
    centred = np.divide(centred, np.sqrt(total), out=np.full_like(centred, np.nan), where=np.ptp(means, axis=0) > 0)
    one_hot = np.eye(label.max() + 1)[of_group]
    one_hot /= np.sqrt(one_hot.sum(axis=0))
    actual, rng, finite = ((one_hot.T @ centred) ** 2).sum(axis=0), np.random.default_rng(seed), np.nan_to_num(centred)
    largest = np.array([((rng.permutation(one_hot).T @ finite) ** 2).sum(axis=0).max() for _ in range(ORDERS)])
    return _shares(largest, actual)


def within(predicted: ArrayLike, actual: ArrayLike, labels: ArrayLike, groups: ArrayLike, seed: int = 0) -> float:
    """Test whether predictions follow what they predict within classes, dealing whole groups within their class.

    Parameters
    ----------
    predicted, actual : array-like of float, shape (N,)
    labels, groups : array-like, shape (N,)

    Returns
    -------
    float
        One-sided p-value in (0, 1] of Σ (mean of a group's predictions) × (mean of what they predict), both less the
        mean of their class.
    """
    _, label = np.unique(np.asarray(labels, str), return_inverse=True)
    numbers, of_group = _numbers_by_class(groups, label)
    means = _means(np.column_stack([predicted, actual]), numbers)
    one_hot = np.eye(label.max() + 1)[of_group]
    ours, theirs = (means - one_hot @ (one_hot.T @ means / one_hot.sum(axis=0)[:, None])).T
    rng = np.random.default_rng(seed)
    sums = np.zeros(ORDERS)
    for own in map(np.flatnonzero, one_hot.T):
        sums += rng.permuted(np.tile(ours[own], (ORDERS, 1)), axis=1) @ theirs[own]
    return _share(sums, ours @ theirs)


def unit_ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give the ranks of each column of (N, M), centred and of unit length; NaN where it is constant."""
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(axis=0)
    length = np.sqrt((ranks**2).sum(axis=0))
    return np.divide(ranks, length, out=np.full_like(ranks, np.nan), where=length > 0)


def _numbers(groups):
    return np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]


def _numbers_by_class(groups, label):
    """Give each row the number of its group, of which one in several classes has several; and the class of each."""
    numbers = _numbers([f"{group} {own}" for group, own in zip(np.asarray(groups, dtype=str), label, strict=True)])
    of_group = np.zeros(numbers.max(initial=-1) + 1, int)
    of_group[numbers] = label
    return numbers, of_group


def _sums(values, numbers):
    return np.array([np.bincount(numbers, weights=column) for column in values.T]).T


def _means(vectors, numbers):
    return _sums(np.asarray(vectors, float), numbers) / np.bincount(numbers)[:, None]


def _share(by_chance, actual):
    return float((1 + (by_chance >= actual - _ROUNDING).sum()) / (1 + len(by_chance)))


def _shares(largest, actual):
    """Give `_share` of every statistic of an array; NaN where it is."""
    below = np.searchsorted(np.sort(largest), actual - _ROUNDING)
    return np.where(np.isfinite(actual), (1 + len(largest) - below) / (1 + len(largest)), np.nan)
