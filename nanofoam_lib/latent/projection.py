"""Two-dimensional views of a latent space, fitted on train and applied to test: PCA and LDA (thesis, section 1.3)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA

from nanofoam_lib.base import language, memmap


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """Train and test on two axes, and what is needed to go to the axes and back.

    Attributes
    ----------
    train, test : ndarray, shape (n, 2) and (m, 2)
        Coordinates: ``(x - mean) @ axes.T``.
    explained : ndarray, shape (2,)
        PCA: share of the total variance of train along each axis. LDA: share of λ, the between-class variance in units
        of the within-class one; 0 for an axis that does not discriminate.
    axes, directions : ndarray, shape (2, d)
        Weights that give the coordinates, and the latent step that moves each coordinate by 1 and the other by 0.
    mean : ndarray, shape (d,)
        Mean of train: the origin of the coordinates.
    shrinkage : float
        Ledoit-Wolf weight in [0, 1] of the within-class covariance; 0 if it was used as it is.
    note : str
        What a reader of the figure must know, else empty.
    """

    train: np.ndarray
    test: np.ndarray
    explained: np.ndarray
    axes: np.ndarray
    directions: np.ndarray
    mean: np.ndarray
    shrinkage: float = 0.0
    note: str = ""


def pca(train: ArrayLike, test: ArrayLike) -> Projection:
    """Principal components: the two orthogonal unit directions of largest variance of `train` (thesis, eq. 3-6).

    The vectors are centred on the mean of `train` and not scaled, as in the thesis: latent dimensions share one unit.
    Each axis points so that its largest weight is positive; figures do not flip between runs.

    Parameters
    ----------
    train : array_like, shape (n, d)
        Vectors that fix the axes, n ≥ 3, d ≥ 2.
    test : array_like, shape (m, d)
        Vectors that are only projected; m may be 0.

    Returns
    -------
    Projection
        With ``directions`` equal to ``axes``.

    Raises
    ------
    ValueError
        If the shapes do not fit or a value is not finite.

    Examples
    --------
    >>> found = pca([[0, 0], [2, 0], [4, 0], [2, 1], [2, -1]], [[6, 0]])
    >>> found.axes.round(6).tolist(), found.test.round(6).tolist(), found.explained.round(6).tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [[4.0, 0.0]], [0.8, 0.2])
    """
    train, test = _vectors(train, test)
    if (train == train[0]).all():
        return _collapsed(train, test)
    model = PCA(n_components=2, svd_solver="full").fit(train)
    axes = model.components_ * _signs(model.components_)
    return _projection(train, test, axes, axes, model.explained_variance_ratio_)


def lda(train: ArrayLike, labels: ArrayLike, test: ArrayLike) -> Projection:
    """Linear discriminant analysis: the two axes that best separate the classes of `train` (thesis, eq. 7-10).

    Solves ``S_B w = λ S_W w`` for the largest λ. The thesis's eq. 9 has S_W and S_B exchanged: taken literally, its
    largest λ would be the axes that separate worst. `axes` are scaled to unit within-class variance, ``wᵀ S_W w = n``.

    Where train has fewer than two degrees of freedom (n - classes) per dimension, or S_W is singular (a collapsed
    dimension), the within-class correlation matrix is shrunk towards the identity [1]_; `shrinkage` and `note` say so.
    S_B stays as in eq. 8: scikit-learn's `LinearDiscriminantAnalysis` shrinks the total covariance as well and takes
    the difference for S_B, which then has more than classes - 1 axes.

    `directions` is ``axes @ S_W``. For S_B w = λ S_W w these lie in the plane of the class means, so a step along them
    leads from class to class. Two classes have a single axis; the second is then the direction of largest variance
    among those uncorrelated with the first within classes, which holds nothing about the classes (``explained`` 0).

    Parameters
    ----------
    train : array_like, shape (n, d)
        Vectors that fix the axes, d ≥ 2.
    labels : array_like, shape (n,)
        Their classes, at least two.
    test : array_like, shape (m, d)
        Vectors that are only projected; m may be 0.

    Returns
    -------
    Projection
        Signs as in `pca`.

    Raises
    ------
    ValueError
        As `pca`, or if there are fewer than two classes, or no vector differs from its class mean.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, J. Multivariate Analysis 88 (2004) 365-411. https://doi.org/10.1016/S0047-259X(03)00096-4

    Examples
    --------
    >>> found = lda([[0, 0], [2, 1], [0, 1], [8, 0], [10, 1], [8, 1]], ["x", "x", "x", "y", "y", "y"], [[5, 0]])
    >>> found.explained.tolist(), np.sign(found.train[:, 0]).tolist(), found.note
    ([1.0, 0.0], [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0], 'two classes: the second axis does not discriminate')
    """
    train, test = _vectors(train, test)
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    if (train == train[0]).all() and len(codes) == len(train):
        return _collapsed(train, test)
    if len(codes) != len(train) or len(classes) < 2:
        raise ValueError(f"expected {len(train)} labels of two or more classes, got {len(codes)} of {len(classes)}")
    means = np.array([train[codes == k].mean(axis=0) for k in range(len(classes))])
    residuals, offsets = train - means[codes], means[codes] - train.mean(axis=0)
    within, shrinkage, note = _within(residuals, 1e-12 * np.abs(train).max(axis=0), len(train) - len(classes))
    values, vectors = scipy.linalg.eigh(offsets.T @ offsets / len(train), within)
    values, axes = np.maximum(values[::-1], 0), vectors[:, :-3:-1].T
    if len(classes) == 2:
        axes[1] = _residual_axis(train, axes[0], within)
        values[1:] = 0  # S_B has rank 1: the rest is rounding
        note = "; ".join(filter(None, [note, "two classes: the second axis does not discriminate"]))
    axes = axes * _signs(axes)
    share = values[:2] / max(values.sum(), np.finfo(float).tiny)
    return _projection(train, test, axes, axes @ within, share, shrinkage, note)


def both(
    spaces: Mapping[str, NDArray[Any]], index: pd.DataFrame
) -> tuple[dict[str, Projection], dict[str, Projection]]:
    """Fit PCA and LDA to each of `spaces`, name → vectors (N, D), on the train rows: two dicts of `Projection`.

    That of LDA is empty where there is one class.
    """
    sides = [(index["split"] == side).to_numpy() for side in ("train", "test")]
    labels, found = index["label"][sides[0]], ({}, {})
    for name, own in spaces.items():
        train, test = (memmap.take(own, rows) for rows in sides)
        found[0][name] = pca(train, test)
        if len(set(labels)) > 1:
            found[1][name] = lda(train, labels, test)
    return found


def project(projection: Projection, vectors: ArrayLike) -> NDArray[np.float64]:
    """Coordinates (n, 2) of latent `vectors` (n, d) on the axes of a `Projection`.

    Examples
    --------
    >>> found = pca([[0, 0], [2, 0], [4, 0], [2, 1], [2, -1]], np.empty((0, 2)))
    >>> project(found, [[3.0, 1.0]]).round(6).tolist()
    [[1.0, 1.0]]
    """
    return (np.asarray(vectors, dtype=np.float64) - projection.mean) @ projection.axes.T


def unproject(projection: Projection, points: ArrayLike) -> NDArray[np.float64]:
    """Latent vectors (n, d) at coordinates `points` (n, 2): ``mean + points @ directions``, ready to be decoded.

    `project` takes them back to `points`; what lies off the two axes is that of the mean.

    Examples
    --------
    >>> found = pca([[0, 0], [2, 0], [4, 0], [2, 1], [2, -1]], np.empty((0, 2)))
    >>> unproject(found, [[1.0, 1.0]]).round(6).tolist()
    [[3.0, 1.0]]
    """
    return projection.mean + np.asarray(points, dtype=np.float64) @ projection.directions


def points(projections: Mapping[str, Projection], index: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Lay out 2-D projections as the rows to draw.

    Parameters
    ----------
    projections : dict
        Descriptor → `Projection` of the train and the test rows.
    index : pandas.DataFrame
        Columns `id`, `label`, `split`; its train and test rows in the order of the projected ones.
    axis : str
        Name of the axes, such as "PC".

    Returns
    -------
    pandas.DataFrame
        Columns descriptor, id, label, split, x, y, x_title, y_title; the titles tell the share of variance.
    """
    parts = []
    for descriptor, found in projections.items():
        titles = [f"{axis}{i} ({language.percentage(share)})" for i, share in enumerate(found.explained, start=1)]
        for split, plane in (("train", found.train), ("test", found.test)):
            rows = index.loc[index["split"] == split, ["id", "label", "split"]].assign(x=plane[:, 0], y=plane[:, 1])
            parts.append(rows.assign(descriptor=descriptor, x_title=titles[0], y_title=titles[1]))
    return pd.concat(parts, ignore_index=True)


def extremes(plane: ArrayLike, labels: ArrayLike) -> NDArray[np.int_]:
    """Find the images at both ends of each class on a map.

    Parameters
    ----------
    plane : array_like, shape (m, 2)
    labels : array_like, shape (m,)

    Returns
    -------
    ndarray of int
        Per class, in sorted order, the rows of its two outermost points (of one, one) along its longest direction.

    Examples
    --------
    >>> extremes([[0, 0], [4, 4], [1, 1], [9, 0], [9, 5], [9, 7]], list("aaabbb")).tolist()
    [0, 1, 3, 5]
    """
    plane, labels = np.asarray(plane, float), np.asarray(labels)
    found = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        centred = plane[rows] - plane[rows].mean(axis=0)
        along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
        found.extend(sorted({rows[along.argmin()], rows[along.argmax()]}))
    return np.array(found)


def maps(projections: Mapping[str, Projection], index: pd.DataFrame) -> pd.DataFrame:
    """Lay out the `points` of maps, "PCA" or "LDA", and choose the micrographs to draw beside them.

    Returns
    -------
    pandas.DataFrame
        As `points`, and the column ``shown``: whether a test image is at an end of its class (`extremes`).
    """
    parts = [points({name: found}, index, name[:2]) for name, found in projections.items()]
    table = pd.concat(parts, ignore_index=True).assign(shown=False)
    for _, own in table[table["split"] == "test"].groupby("descriptor"):
        table.loc[own.index[extremes(own[["x", "y"]], own["label"])], "shown"] = True
    return table


def _vectors(train, test):
    train, test = np.asarray(train, dtype=np.float64), np.asarray(test, dtype=np.float64)
    if train.ndim != 2 or test.ndim != 2 or len(train) < 3 or train.shape[1] < 2 or test.shape[1] != train.shape[1]:
        raise ValueError(
            f"expected train (n, d) and test (m, d) with n at least 3 and d at least 2, got {train.shape}, {test.shape}"
        )
    if not (np.isfinite(train).all() and np.isfinite(test).all()):
        raise ValueError("expected finite vectors, got NaN or infinity")
    return train, test


def _within(residuals, rounding, freedom):
    """Return the within-class covariance, the shrinkage applied to its correlation matrix, and a note on it."""
    n, d = residuals.shape
    spread = residuals.std(axis=0)
    if (spread <= rounding).all():
        raise ValueError("expected vectors that differ within their class, got every one equal to its class mean")
    spread[spread <= rounding] = 1.0  # a collapsed dimension: do not blow its rounding up to unit variance
    scaled = residuals / spread  # shrinking correlations, not covariances: no dimension's unit matters
    correlation, shrinkage, note = scaled.T @ scaled / n, 0.0, ""
    eigenvalues = np.linalg.eigvalsh(correlation)
    if freedom < 2 * d or eigenvalues[0] < 1e-10 * eigenvalues[-1]:
        shrinkage = max(float(ledoit_wolf(scaled, assume_centered=True)[1]), 1e-3)  # 0 would leave it singular
        correlation = (1 - shrinkage) * correlation + shrinkage * np.trace(correlation) / d * np.eye(d)
        note = f"within-class covariance shrunk by {shrinkage:.2g}: {freedom} degrees of freedom, {d} dimensions"
    return correlation * np.outer(spread, spread), shrinkage, note


def _residual_axis(train, axis, within):
    """Return the leading component of what `axis` leaves, as an axis uncorrelated with it within classes."""
    centred = train - train.mean(axis=0)
    step = within @ axis
    component = np.linalg.svd(centred - np.outer(centred @ axis, step), full_matrices=False)[2][0]
    second = component - (component @ step) * axis
    return second / np.sqrt(second @ within @ second)


def _signs(axes):
    """Return ±1 per axis, so that its largest weight becomes positive."""
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1, keepdims=True), axis=1)
    return np.where(largest < 0, -1.0, 1.0)


def _collapsed(train, test):
    """Project on the first two dimensions where all train vectors are equal: a collapsed model has no better axes."""
    axes = np.eye(2, train.shape[1])
    return _projection(
        train, test, axes, axes, np.zeros(2), note="all train vectors are equal: the model has collapsed"
    )


def _projection(train, test, axes, directions, explained, shrinkage=0.0, note=""):
    mean = train.mean(axis=0)
    scores = [(x - mean) @ axes.T for x in (train, test)]
    return Projection(*scores, explained, axes, directions, mean, shrinkage, note)
