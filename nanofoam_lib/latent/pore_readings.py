"""The pores as a descriptor tells them: each pore measure as a regression on the descriptor reads it.

A property of a specimen mostly follows from its pores, and specimens of known property are few. What an image shows of
its pores is learnt from every image whose pores were measured, and a property then from these few readings, not from
all dimensions of the descriptor at once.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold

from nanofoam_lib.latent import pore_prediction, ridge

Key = tuple[str, int, str]
_BY = "pores by "


class _Task(NamedTuple):
    """Measures that are known of the same images."""

    columns: NDArray[np.intp]
    known: NDArray[np.bool_]  # (N,)


class Reader(NamedTuple):
    """What reads pore measures of images by their descriptor."""

    lines: tuple[ridge.Line, ...]
    order: NDArray[np.intp]  # puts the measures of all lines into theirs

    def read(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Read the measures of images by vectors (N, D): ndarray of float64 (N, M')."""
        vectors = np.asarray(vectors)
        rows = np.arange(len(vectors))
        return np.concatenate([line.predict(vectors, rows) for line in self.lines], axis=1)[:, self.order]


def unseen(vectors: NDArray[Any], measures: ArrayLike, groups: ArrayLike, seed: int = 0) -> NDArray[np.float64]:
    """Read the pore measures of each image by a regression that has not seen those of its specimen.

    Parameters
    ----------
    vectors : ndarray, shape (N, D)
    measures : array-like of float, shape (N, M)
        NaN where unknown, as of doubtful pictures: such an image teaches nothing, but is read as others are.
    groups : array-like, shape (N,)
        Specimen of each image.
    seed : int
        Deals the specimens to the folds.

    Returns
    -------
    ndarray of float64, shape (N, M')
        In the units of the measures, by ridge regression (`ridge.fit`). Measures that do not vary, or are known of
        fewer than two specimens, are left out: M' may be 0.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(40, 3))
    >>> measures = np.column_stack([vectors @ [1, 2, 3], np.full(40, 0.5)])
    >>> bool(np.allclose(unseen(vectors, measures, np.arange(40) // 2)[:, 0], measures[:, 0], atol=0.01))
    True
    """
    values, groups = _checked(vectors, measures, groups)
    groups = np.unique(groups, return_inverse=True)[1]  # numbers, as in `ridge.predict_unseen`
    tasks, found = _tasks(values, groups), np.full(values.shape, np.nan)
    for columns, known in tasks:
        taught = np.isin(groups, groups[known])
        y, own, others = values[:, columns], np.flatnonzero(taught), np.flatnonzero(~taught)
        n_folds = min(ridge.FOLDS, len(np.unique(groups[known])))
        for train, test in GroupKFold(n_folds, shuffle=True, random_state=seed).split(own, groups=groups[own]):
            teaching = own[train][known[own[train]]]
            found[np.ix_(own[test], columns)] = ridge.predict(vectors, y, teaching, own[test])
        found[np.ix_(others, columns)] = ridge.predict(vectors, y, np.flatnonzero(known), others)
    return found[:, _order(tasks)]


def fit(vectors: NDArray[Any], measures: ArrayLike, groups: ArrayLike) -> Reader | None:
    """Learn to read the pore measures of further images from all images; arguments as in `unseen`.

    Returns
    -------
    Reader or None
        Of the same measures as `unseen`; None where there are none.
    """
    values, groups = _checked(vectors, measures, groups)
    tasks = _tasks(values, groups)
    lines = tuple(ridge.fit(vectors, values[:, columns], np.flatnonzero(known)) for columns, known in tasks)
    return Reader(lines, np.argsort(np.concatenate([columns for columns, _ in tasks]))) if tasks else None


def of_all(
    descriptors: Mapping[Key, NDArray[Any]], measures: ArrayLike, groups: ArrayLike, seed: int = 0
) -> dict[Key, NDArray[np.float64]]:
    """Read the pore measures by each of several descriptors, as `unseen`.

    Returns
    -------
    dict
        ``(kind, latent_dim, "pores by <name>")`` → ndarray (N, M'); empty where no measure can be learnt.
    """
    every = {(*key[:2], named(key[2])): unseen(own, measures, groups, seed) for key, own in descriptors.items()}
    return {key: readings for key, readings in every.items() if readings.shape[1]}


def named(descriptor: str) -> str:
    """Name the readings by a descriptor, as tables have it.

    Examples
    --------
    >>> named("mu"), source("pores by mu"), source("mu")
    ('pores by mu', 'mu', 'mu')
    """
    return f"{_BY}{descriptor}"


def source(name: str) -> str:
    """Name the descriptor by which readings were made; any other is its own source."""
    return name.removeprefix(_BY)


def _checked(vectors, measures, groups):
    values, groups = np.asarray(measures, float), np.asarray(groups, str)
    if not len(vectors) == len(values) == len(groups):
        raise ValueError(f"vectors, measures, groups: {len(vectors)}, {len(values)} and {len(groups)} rows")
    return values, groups


def _tasks(values, groups):
    """List the measures that can be learnt, those that are known of the same images together."""
    tasks = []
    for known, columns in pore_prediction.by_known_rows(values):
        if len(np.unique(groups[known])) > 1:
            varying = columns[np.ptp(values[np.ix_(known, columns)], axis=0) > 0]
            tasks += [_Task(varying, known)] * bool(len(varying))
    return tasks


def _order(tasks):
    return np.sort(np.concatenate([np.zeros(0, int), *(columns for columns, _ in tasks)]))
