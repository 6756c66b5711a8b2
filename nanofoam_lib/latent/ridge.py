"""Ridge regression of many targets on vectors that would not fit into memory twice."""

import numpy as np
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
    folds = GroupKFold(min(FOLDS, len(np.unique(groups))), shuffle=True, random_state=seed)
    predicted = np.empty_like(y)
    for train, test in folds.split(groups, groups=groups):
        predicted[test] = predict(x, y, train, test)
    return predicted


def predict(x, y, train, test):
    """Predict the rows `test` (n,) by a regression that has seen the rows `train` alone: ndarray of float64 (n, M)."""
    standard, mean = _Standard(x, train), y[train].mean(axis=0)
    slopes = _ridge(standard, y[train] - mean)
    return np.concatenate([mean + standard.of(test[rows]) @ slopes for rows in memmap.slices(len(test))])


class _Standard:
    """Some rows of `x`, standardised, a block at a time: float64 of all of them might not fit into memory."""

    def __init__(self, x, rows):
        self._x, self._rows = x, rows
        own = x[rows]
        self._mean = own.mean(axis=0, dtype=float)
        scale = np.concatenate([own[:, dims].astype(float).std(axis=0) for dims in memmap.slices(x.shape[1], 16)])
        self._scale = np.where(np.ptp(own, axis=0) > 0, scale, 1)

    def of(self, rows):
        return (self._x[rows] - self._mean) / self._scale

    def __iter__(self):
        return ((part, self.of(self._rows[part])) for part in memmap.slices(len(self._rows)))


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
