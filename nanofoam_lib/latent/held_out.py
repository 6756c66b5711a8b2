"""What a descriptor knows of the pores of test images, and how much of that is more than the class."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from nanofoam_lib.base import memmap
from nanofoam_lib.latent import permutation, ridge

#: Rows of a table of pore measures, in this order: R² on test, within classes there, its 95 % interval and p-value.
ROWS = ["r2_test", "r2_within", "r2_within_low", "r2_within_high", "r2_within_p"]


def score(
    vectors: NDArray[Any],
    measures: pd.DataFrame,
    labels: ArrayLike,
    groups: ArrayLike,
    split: ArrayLike,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict pore measures of the test images from what a regression on the train images has learnt.

    Parameters
    ----------
    vectors : ndarray, shape (N, D)
    measures : pandas.DataFrame, shape (N, M)
        NaN where unknown.
    labels, groups, split : array-like of str, shape (N,)
        Class, group, and "train" or "test" of each row.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Rows `ROWS`, a column per measure; NaN where fewer than two images of a side are known, or a measure does not
        vary. R² on test is 1 − SSE / SST, with the sum of squares about the mean of the test images.

        Most of that may be the class. *Within classes*, the means of the class over the train images are taken off from
        vectors and measures first: what is told of the difference between specimens of one class, 0 for the class
        alone. Its interval is Student's by deleting one group after the other; its p-value deals the predictions of
        whole groups anew within each class (`permutation.within`).
    """
    labels, groups, split = (np.asarray(values) for values in (labels, groups, split))
    found = pd.DataFrame(np.nan, index=pd.Index(ROWS, name="row"), columns=measures.columns)
    for name in measures:
        y = measures[name].to_numpy(float)
        known = np.isfinite(y)
        sides = [split[known] == side for side in ("train", "test")]
        if min(map(np.sum, sides)) > 1 and all(np.ptp(y[known][side]) > 0 for side in sides):
            x, (train, test) = memmap.take(vectors, known), map(np.flatnonzero, sides)
            found[name] = _score(x, y[known][:, None], labels[known], groups[known], train, test, seed)
    return found


def _score(x, y, labels, groups, train, test, seed):
    actual = y[test]
    error = actual - ridge.predict(x, y, train, test)
    overall = 1 - (error**2).sum() / ((actual - actual.mean()) ** 2).sum()
    x, y = (about_class(values, labels, train) for values in (x, y))
    if not (np.ptp(y[train]) > 0 and y[test].any()):
        return [overall, *[np.nan] * (len(ROWS) - 1)]
    predicted = ridge.predict(x, y, train, test)
    of_group = np.unique(groups[test], return_inverse=True)[1]
    left, there = (np.bincount(of_group, weights=part[:, 0] ** 2) for part in (y[test] - predicted, y[test]))
    p_value = permutation.within(predicted[:, 0], y[test, 0], labels[test], groups[test], seed)
    return [overall, *share_told(left, there), p_value]


def about_class(values: NDArray[Any], labels: NDArray[Any], train: NDArray[Any]) -> NDArray[np.float64]:
    """Take from each row of (N, ...) the mean of the train rows of its class, or of all where there are none."""
    found = np.empty(values.shape)
    for label in np.unique(labels):
        own = labels == label
        known = own[train]
        found[own] = values[own] - values[train][known if known.any() else slice(None)].mean(axis=0)
    return found


def share_told(left: NDArray[np.floating], there: NDArray[np.floating]) -> tuple[float, float, float]:
    """Give 1 − Σ left / Σ there of groups (G,), and its 95 % interval, by deleting one group after the other."""
    if not there.sum() > 0:
        return np.nan, np.nan, np.nan
    share, n, rest = left.sum() / there.sum(), len(left), there.sum() - there
    if n < 2 or not rest.all():
        return 1 - share, np.nan, np.nan
    variance = (n - 1) / n * np.square((left.sum() - left) / rest - share).sum()
    half = t.ppf(0.975, n - 1) * np.sqrt(variance)
    return float(1 - share), float(1 - share - half), float(min(1 - share + half, 1.0))


def one_hot(labels: ArrayLike) -> NDArray[np.float32]:
    """Give the class as a descriptor, which knows nothing else: float32 (N, C)."""
    classes, label_of = np.unique(np.asarray(labels, str), return_inverse=True)
    return np.eye(len(classes), dtype=np.float32)[label_of]
