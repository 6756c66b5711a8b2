"""Whether drawn pictures can be told from real ones: a classifier two-sample test that keeps specimens together."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold

from nanofoam_lib.latent import intervals

FOLDS = 5
TREES = 100


def score(real: ArrayLike, drawn: ArrayLike, groups: ArrayLike, seed: int = 0) -> dict[str, Any]:
    """Tell how often a random forest knows drawn pictures from real ones, by given features.

    Parameters
    ----------
    real, drawn : array-like of float, shape (n, F)
        Features of real pictures, and of pictures drawn from the latents of the same: row i of both is a pair. NaN,
        the diameter of a picture without pores for instance, may stand in both (`without_gaps`).
    groups : array-like, shape (n,)
        Group (specimen) of each pair.
    seed : int
        Of the forests.

    Returns
    -------
    dict
        ``accuracy`` in [0, 1] over all pictures, 0.5 if nothing tells them apart; ``ci_low`` and ``ci_high``, its 95 %
        interval by `intervals.interval` over groups; ``n_real``, ``n_generated``. The first three are NaN if there are
        fewer than two groups.

    Notes
    -----
    A classifier two-sample test [1]_, cross-validated as `recognised` does.

    References
    ----------
    .. [1] D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017, arXiv:1610.06545
    """
    groups = np.asarray(groups, dtype=str)
    sizes = {"n_real": len(groups), "n_generated": len(groups)}
    if len(np.unique(groups)) < 2:
        return {"accuracy": np.nan, "ci_low": np.nan, "ci_high": np.nan} | sizes
    right = recognised(real, drawn, groups, seed).ravel()
    low, high = intervals.interval(right, np.tile(groups, 2))
    return {"accuracy": float(right.mean()), "ci_low": low, "ci_high": high} | sizes


def recognised(real: ArrayLike, drawn: ArrayLike, groups: ArrayLike, seed: int = 0) -> NDArray[np.bool_]:
    """Tell which pictures a random forest that knows other specimens takes for what they are.

    Parameters
    ----------
    real, drawn, groups, seed
        As in `score`; at least two groups.

    Returns
    -------
    ndarray of bool, shape (2, n)
        Of the real pictures, and of the drawn ones.

    Notes
    -----
    Five folds, or as many as there are groups if these are fewer. A pair and its whole group stand in one fold: with
    its twin in train a picture would be taken for the other kind, and the accuracy of equals fall below 0.5; with
    others of its specimen it would be known by the specimen.
    """
    both = without_gaps(real, drawn)
    is_drawn = np.repeat([False, True], len(both) // 2)
    specimens = np.tile(np.asarray(groups, dtype=str), 2)
    folds = GroupKFold(min(FOLDS, len(np.unique(specimens))))
    right = np.empty(len(both), bool)
    for known, unseen in folds.split(both, groups=specimens):
        forest = RandomForestClassifier(TREES, random_state=seed).fit(both[known], is_drawn[known])
        right[unseen] = forest.predict(both[unseen]) == is_drawn[unseen]
    return right.reshape(2, -1)


def without_gaps(real: ArrayLike, drawn: ArrayLike) -> NDArray[np.float64]:
    """Put the features of real pictures above those of drawn ones, and numbers where there are none.

    Parameters
    ----------
    real, drawn : array-like of float, shape (n, F)

    Returns
    -------
    ndarray of float, shape (2 n, F)
        A NaN becomes a number below all others of its column, by their range and 1, so that one split of a tree tells
        a picture without pores from all that have some. What is NaN everywhere becomes 0 and tells nothing.

    Examples
    --------
    >>> without_gaps([[1.0], [3.0]], [[np.nan], [2.0]]).ravel().tolist()
    [1.0, 3.0, -2.0, 2.0]
    """
    both = np.concatenate([np.asarray(real, float), np.asarray(drawn, float)])
    known = np.isfinite(both)
    low = np.where(known, both, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, both, -np.inf).max(axis=0, initial=-np.inf)
    some = known.any(axis=0)
    below = np.where(some, low - (np.where(some, high, 0) - np.where(some, low, 0)) - 1, 0)
    return np.where(known, both, below)
