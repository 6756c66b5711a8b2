"""What a descriptor knows of the pores: how well it predicts their measures, and what each latent dimension follows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.latent import classify, held_out, permutation, ridge

#: The descriptor that knows the class and nothing else.
LABEL = "class label"
#: The control that is the pore measures: it would predict them from themselves.
MEASURES = "pore measures"


def predictability(vectors: ArrayLike, measures: pd.DataFrame, groups: ArrayLike, seed: int = 0) -> pd.DataFrame:
    """Tell how well a linear model predicts each pore measure from a descriptor, on unseen groups.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    measures : pandas.DataFrame, shape (N, M)
        Pore measures. Rows where a measure is NaN are left out for that measure.
    groups : array-like, shape (N,)
        Images of one group (specimen) are never on both sides of a fold.
    seed : int
        Deals the groups to the folds.

    Returns
    -------
    pandas.DataFrame
        One row per measure: ``measure``; ``r2``; ``n`` rows and ``n_groups`` groups used. R² = 1 - SSE/SST over the
        out-of-fold predictions: 1 is perfect, 0 no better than the mean, negative worse than that. NaN if fewer
        than two groups are left or the measure is constant.

    Notes
    -----
    Ridge regression on standardised vectors, five folds (fewer with fewer groups). The scale and the penalty are
    chosen within the training part of each fold, the penalty by the closed form of the leave-one-out error [1]_.

    References
    ----------
    .. [1] G. H. Golub, M. Heath, G. Wahba, "Generalized cross-validation as a method for choosing a good ridge
       parameter", Technometrics 21 (1979) 215-223, :doi:`10.1080/00401706.1979.10489751`

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(60, 3))
    >>> found = predictability(vectors, pd.DataFrame({"porosity": vectors @ [1, 2, 3]}), np.arange(60) // 2)
    >>> found["r2"].round(3).tolist()
    [1.0]
    """
    vectors, groups = np.asarray(vectors), np.asarray(groups)
    values = _as_matrix(measures, len(vectors))
    if len(groups) != len(vectors):
        raise ValueError(f"groups: expected {len(vectors)} rows, got {len(groups)}")
    result = pd.DataFrame({"measure": list(measures.columns), "r2": np.nan, "n": 0, "n_groups": 0})
    for rows, columns in by_known_rows(values):
        n_groups = len(np.unique(groups[rows]))
        result.loc[columns, ["n", "n_groups"]] = [rows.sum(), n_groups]
        if n_groups > 1:
            x, y = memmap.take(vectors, rows), values[np.ix_(rows, columns)]
            error = ((y - ridge.predict_unseen(x, y, groups[rows], seed)) ** 2).sum(axis=0)
            total = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
            varies = np.ptp(y, axis=0) > 0
            result.loc[columns, "r2"] = 1 - np.divide(error, total, out=np.full(len(columns), np.nan), where=varies)
    return result


def rank_correlations(vectors: ArrayLike, measures: pd.DataFrame) -> NDArray[np.float64]:
    """Spearman's rank correlation of each dimension with each pore measure.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    measures : pandas.DataFrame, shape (N, M)
        Rows where a measure is NaN are left out for that measure.

    Returns
    -------
    ndarray, shape (D, M)
        Pearson's correlation of the ranks (ties share their mean rank), in [-1, 1]; NaN where it is not defined,
        because the dimension or the measure is constant.

    Examples
    --------
    >>> rank_correlations([[1, 5], [2, 5], [9, 5]], pd.DataFrame({"porosity": [0.3, 0.2, 0.1]})).round(6)
    array([[-1.],
           [nan]])
    """
    vectors = np.asarray(vectors)
    values = _as_matrix(measures, len(vectors))
    result = np.full((vectors.shape[1], values.shape[1]), np.nan)
    for rows, columns in by_known_rows(values):
        if rows.any():
            y = permutation.unit_ranks(values[np.ix_(rows, columns)])
            for dims in memmap.slices(vectors.shape[1], 16):
                x = permutation.unit_ranks(vectors[rows, dims].astype(float))
                result[dims, columns] = np.clip(x.T @ y, -1, 1)
    return result


def eta_squared(vectors: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Effect size between classes of each dimension.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    labels : array-like, shape (N,)

    Returns
    -------
    ndarray, shape (D,)
        η² = SS_between / SS_total, the share in [0, 1] of the dimension's variance that lies between the classes'
        means; 0 for a constant dimension.

    Examples
    --------
    >>> eta_squared([[0, 1], [0, 3], [1, 1], [1, 3]], ["a", "a", "b", "b"])
    array([1., 0.])
    """
    vectors = np.asarray(vectors, float)
    _, label_of = np.unique(np.asarray(labels), return_inverse=True)
    one_hot = np.eye(label_of.max() + 1)[label_of]
    centred = vectors - vectors.mean(axis=0)
    between = ((one_hot.T @ centred) ** 2 / one_hot.sum(axis=0)[:, None]).sum(axis=0)
    varies = np.ptp(vectors, axis=0) > 0  # exact, where a sum of squares may keep a rounding error
    eta = np.divide(between, (centred**2).sum(axis=0), out=np.zeros(vectors.shape[1]), where=varies)
    return np.clip(eta, 0, 1)


def dimensions(
    mu: ArrayLike,
    usage: pd.DataFrame,
    labels: ArrayLike,
    measures: pd.DataFrame,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> pd.DataFrame:
    """Give every latent dimension its identity: is it used, does it tell the classes, which pore measure it follows.

    Parameters
    ----------
    mu : array-like, shape (N, D)
        The encoder's means, of the training images.
    usage : pandas.DataFrame, D rows
        What the encoder uses each dimension for, as `models.objective.usage` gives it.
    labels : array-like, shape (N,)
    measures : pandas.DataFrame, shape (N, M)
        Pore measures of the same images; NaN where unknown.
    seed : int
        Of the random forest, and of the orders in which groups are dealt.
    groups : array-like, shape (N,), optional
        Without it, each image counts as its own.

    Returns
    -------
    pandas.DataFrame
        One row per latent dimension: ``dimension``, from 0; the columns of `usage`;
        ``effect_size``, η² between the classes' μ, in [0, 1]; ``forest_importance``, mean decrease of impurity in a
        random forest on μ, sums to 1 over the dimensions; ``best_measure``, the one with the largest absolute
        Spearman correlation with μ, and ``best_rho``, that correlation; both missing where none is defined. Of so many
        dimensions some differ or follow by chance: ``effect_p`` and ``best_p`` are how often the most conspicuous of
        all does so when whole groups are dealt anew (`permutation.differences`, `permutation.correlations`).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mu, labels = rng.normal(size=(40, 2)), np.repeat(["a", "b"], 20)
    >>> mu[20:, 1] += 9
    >>> table = dimensions(mu, pd.DataFrame({"kl": [1.0, 2.0]}), labels, pd.DataFrame({"porosity": -mu[:, 0]}))
    >>> table["best_measure"][0], round(table["best_rho"][0])
    ('porosity', -1)
    """
    mu = np.asarray(mu)
    forest = classify.CLASSIFIERS["random forest"](seed).fit(mu, np.asarray(labels))
    rho = rank_correlations(mu, measures)
    defined = np.isfinite(rho).any(axis=1)
    best = np.nan_to_num(np.abs(rho), nan=-1.0).argmax(axis=1)
    names = np.asarray(measures.columns, dtype=object)[best]
    groups = np.arange(len(mu)) if groups is None else groups
    _, rho_p = permutation.correlations(mu, measures, groups, seed)
    return pd.DataFrame(
        {
            "dimension": np.arange(mu.shape[1]),
            **usage,
            "effect_size": eta_squared(mu, labels),
            "forest_importance": forest.feature_importances_,
            "best_measure": pd.Series(np.where(defined, names, None), dtype="str"),
            "best_rho": np.take_along_axis(rho, best[:, None], axis=1)[:, 0],
            "effect_p": permutation.differences(mu, labels, groups, seed),
            "best_p": np.take_along_axis(rho_p, best[:, None], axis=1)[:, 0],
        }
    )


def summarise(
    descriptors: Mapping[tuple[str, int, str], NDArray[Any]], measures: pd.DataFrame, index: pd.DataFrame, seed: int = 0
) -> pd.DataFrame:
    """Put the pore measures of each image and their predictability from each descriptor into one table.

    Parameters
    ----------
    descriptors : dict
        ``(kind, latent_dim, name)`` → ndarray (N, D); those named `MEASURES` are left out.
    measures : pandas.DataFrame, shape (N, M)
    index : pandas.DataFrame
        Columns `id`, `label`, `group`, `split`.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A column for each measure. Rows whose `row` is "image" hold the measures of an image, with its `id`, `label`,
        `group` and `split`. Rows whose `row` is "r2" hold the cross-validated R² (`predictability`) with which a
        descriptor, named by `kind`, `latent_dim` and `descriptor`, predicts each measure; its folds hold images that an
        autoencoder was trained on, and groups of all classes. The rows `held_out.ROWS` hold R² on test images alone,
        and within classes there. Last stand those of the class itself (`LABEL`): whatever R² it has is no knowledge of
        pores.
    """
    images = pd.concat([index[["id", "label", "group", "split"]].reset_index(drop=True), measures], axis=1)
    labels, groups, split = (index[name].to_numpy() for name in ("label", "group", "split"))
    plain, parts = held_out.one_hot(labels), [images.assign(row="image")]
    others = [(key, vectors) for key, vectors in descriptors.items() if key[2] != MEASURES]
    for key, vectors in [*others, (("control", plain.shape[1], LABEL), plain)]:
        everywhere = predictability(vectors, measures, groups, seed).set_index("measure")[["r2"]].T
        own = pd.concat([everywhere, held_out.score(vectors, measures, labels, groups, split, seed)])
        named = dict(zip(("kind", "latent_dim", "descriptor"), key, strict=True))
        parts.append(own.rename_axis("row").reset_index().assign(**named))
    both = pd.concat(parts, ignore_index=True)
    both = both.astype({"id": "Int64", "latent_dim": "Int64"})
    first = ["row", "id", "label", "group", "split", "kind", "latent_dim", "descriptor"]
    return both[first + list(measures.columns)]


def identify(
    descriptors: Mapping[tuple[str, int, str], NDArray[Any]],
    usage: Mapping[tuple[str, int], pd.DataFrame],
    measures: pd.DataFrame,
    index: pd.DataFrame,
    seed: int = 0,
) -> pd.DataFrame:
    """Stack `dimensions` of every VAE, on its train images: the columns kind and latent_dim come first.

    Parameters
    ----------
    descriptors : dict
        ``(kind, latent_dim, name)`` → ndarray (N, latent_dim); those named "mu" are used.
    usage : dict
        ``(kind, latent_dim)`` → what the encoder uses each dimension for (`models.objective.usage`).
    measures : pandas.DataFrame, shape (N, M)
    index : pandas.DataFrame
        Columns `label`, `group` and `split`.
    seed : int

    Returns
    -------
    pandas.DataFrame
    """
    train = (index["split"] == "train").to_numpy()
    parts = []
    for kind, latent_dim, name in descriptors:
        if name == "mu":
            mu = memmap.take(descriptors[kind, latent_dim, name], train)
            known = index.loc[train, ["label", "group"]]
            found = dimensions(mu, usage[kind, latent_dim], known["label"], measures[train], seed, known["group"])
            parts.append(found.assign(kind=kind, latent_dim=latent_dim)[["kind", "latent_dim", *found.columns]])
    return pd.concat(parts, ignore_index=True)


def strongest(identity: pd.DataFrame, kind: str, latent_dim: int, n: int = 5) -> list[int]:
    """List the dimensions of one model that tell the classes best, active ones first.

    Parameters
    ----------
    identity : pandas.DataFrame
        As `identify` gives it.
    kind, latent_dim
        The model.
    n : int
        How many, at the most.

    Returns
    -------
    list of int
    """
    own = identity[(identity["kind"] == kind) & (identity["latent_dim"] == latent_dim)]
    return own.sort_values(["active", "effect_size"], ascending=False, kind="stable")["dimension"].head(n).tolist()


def _as_matrix(measures, n):
    values = measures.to_numpy(float)
    if len(values) != n:
        raise ValueError(f"measures: expected {n} rows, got {len(values)}")
    return values


def by_known_rows(values: NDArray[np.float64]) -> list[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Group the columns of (N, M) that are known (finite) in the same rows: pairs of a row mask and column numbers."""
    patterns, pattern_of = np.unique(np.isfinite(values), axis=1, return_inverse=True)
    return [(rows, np.flatnonzero(pattern_of == k)) for k, rows in enumerate(patterns.T)]
