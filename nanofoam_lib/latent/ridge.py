"""Ridge regression of many targets on vectors that would not fit into memory twice."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from nanofoam_lib.base import memmap

ALPHAS = np.logspace(-3, 5, 17)  # of standardised vectors: from next to no shrinkage to all of it
FOLDS = 5


def predict_unseen(x, y, groups, seed=0):
    """Predict each row by a regression that has not seen its group.

    Parameters
    ----------
    x : ndarray, shape (n, D)
    y : ndarray of float64, shape (n, M)
        Targets.
    groups : ndarray, shape (n,)
        At least two; each is in one of five folds, or of fewer if there are fewer groups.
    seed : int
        Deals the groups to the folds.

    Returns
    -------
    ndarray of float64, shape (n, M)
        Scale of `x`, mean of `y` and penalty of each target are those of the other folds. The penalty has the least
        leave-one-out error, by its closed form (see `pore_prediction.predictability`).
    """
    names, groups = np.unique(groups, return_inverse=True)  # the folds compare names one by one, but numbers at once
    folds = GroupKFold(min(FOLDS, len(names)), shuffle=True, random_state=seed)
    predicted = np.empty_like(y)
    for train, test in folds.split(groups, groups=groups):
        predicted[test] = predict(x, y, train, test)
    return predicted


def predict(x, y, train, test):
    """Predict the rows `test` (n,) by a regression that has seen the rows `train` alone: ndarray of float64 (n, M)."""
    return fit(x, y, train).predict(x, test)


class Line(NamedTuple):
    """A regression that is learnt: prediction = level + (x − mean) / scale · slopes."""

    mean: NDArray[np.float64]  # (D,)
    scale: NDArray[np.float64]  # (D,)
    level: NDArray[np.float64]  # (M,)
    slopes: NDArray[np.float64]  # (D, M)

    def predict(self, x: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Predict some rows (n,) of x (N, D): ndarray of float64 (n, M)."""
        found = np.empty((len(rows), len(self.level)))
        for part in memmap.slices(len(rows)):
            found[part] = self.level + (x[rows[part]] - self.mean) / self.scale @ self.slopes
        return found


def fit(x: NDArray[Any], y: NDArray[np.float64], rows: NDArray[np.intp]) -> Line:
    """Learn y (N, M) from x (N, D) by some rows (n,) alone, each target with its best penalty."""
    standard, level = _Standard(x, rows), y[rows].mean(axis=0)
    return Line(standard.mean, standard.scale, level, _ridge(standard, y[rows] - level))


class _Standard:
    """Some rows of `x`, standardised, a block at a time: float64 of all of them might not fit into memory."""

    def __init__(self, x, rows):
        self._x, self._rows = x, rows
        own = x[rows]
        self.mean = own.mean(axis=0, dtype=float)
        scale = np.concatenate([own[:, dims].astype(float).std(axis=0) for dims in memmap.slices(x.shape[1], 16)])
        self.scale = np.where(np.ptp(own, axis=0) > 0, scale, 1)

    def __iter__(self):
        parts = memmap.slices(len(self._rows))
        return ((part, (self._x[self._rows[part]] - self.mean) / self.scale) for part in parts)


def _ridge(standard, y):
    """Slopes (D, M) of the ridge regression of centred `y` on standardised x, each target with its best penalty.

    One eigendecomposition of xᵀx serves all penalties and targets: the fit to a row, and so its own weight in that fit
    (leverage), and so the error if it were left out, are sums over the eigenvectors.
    """
    squares, right = (sum(parts) for parts in zip(*((x.T @ x, x.T @ y[part]) for part, x in standard), strict=True))
    eigenvalues, basis = np.linalg.eigh(squares)
    weights = 1 / (np.maximum(eigenvalues, 0) + ALPHAS[:, None])  # (penalties, D)
    slopes = basis @ (weights[:, :, None] * (basis.T @ right))  # (penalties, D, M)
    error = np.zeros((len(ALPHAS), y.shape[1]))
    for part, x in standard:
        leverage = 1 / len(y) + weights @ np.square(x @ basis).T  # the 1/n is the intercept's
        error += np.square((y[part] - x @ slopes) / (1 - leverage)[:, :, None]).sum(axis=1)
    return np.take_along_axis(slopes, error.argmin(axis=0)[None, None], axis=0)[0]
