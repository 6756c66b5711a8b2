"""How well descriptors tell the classes apart: the thesis's classifiers and an SVM, on unseen groups."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import confusion_matrix
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from nanofoam_lib.base import memmap, scheduling
from nanofoam_lib.base.progress import track
from nanofoam_lib.base.score_names import BY_GROUP, SOFTMAX
from nanofoam_lib.latent import intervals

#: Train images that a classifier learns from at the most (`some`): the time of all grows with them, that of a support
#: vector machine with their square.
MOST = 10_000


def some(labels: ArrayLike) -> NDArray[np.intp]:
    """Choose rows at random, no more than `MOST`: of each class its share, and at least one.

    Parameters
    ----------
    labels : array-like, shape (N,)

    Returns
    -------
    ndarray of int, shape (n,)
        In ascending order; all where there are no more, and the same whenever it is asked.
    """
    labels = np.asarray(labels)
    if len(labels) <= MOST:
        return np.arange(len(labels))
    order = np.random.default_rng(0).permutation(len(labels))
    dealt = pd.Series(labels[order]).groupby(labels[order])
    share = dealt.cumcount() / dealt.transform("size")  # the first of each class has 0, and so comes first
    return np.sort(order[np.argsort(share, kind="stable")[:MOST]])


class _OfSome:
    """Learns from `some` rows."""

    def fit(self, X, y):
        rows = some(y)
        return super().fit(np.asarray(X)[rows], np.asarray(y)[rows])


class _Tree(_OfSome, DecisionTreeClassifier):
    pass


class _Forest(_OfSome, RandomForestClassifier):
    pass


class _SupportVectors(_OfSome, SVC):
    pass


class _Neighbours(_OfSome, KNeighborsClassifier):
    def fit(self, X, y):
        self.n_neighbors = min(5, len(X))
        return super().fit(X, y)


#: Makers of the classifiers, by name, from a seed: the three of the thesis's table 1, then that of its field, a support
#: vector machine with radial basis functions. KNN and the latter compare lengths, so their inputs are standardised;
#: trees split one dimension at a time and need no scale. KNN asks five neighbours, fewer where there are not so many.
CLASSIFIERS = {
    "decision tree": lambda seed: _Tree(random_state=seed),
    "KNN": lambda seed: make_pipeline(StandardScaler(), _Neighbours()),
    "random forest": lambda seed: _Forest(300, n_jobs=-1, random_state=seed),
    "SVM": lambda seed: make_pipeline(StandardScaler(), _SupportVectors(C=10)),
}


#: The same for many splits: of a mean over splits, fewer trees cost next to nothing.
REPEATED = CLASSIFIERS | {"random forest": lambda seed: _Forest(30, random_state=seed)}

#: What says of which row of a table of accuracies a prediction or a confusion is.
ROW = ["data", "kind", "latent_dim", "descriptor", "classifier", "protocol"]


def score(
    vectors: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    split: ArrayLike,
    classifier: str = "random forest",
    seed: int = 0,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Train a classifier on the train images, and count how often it is right on the test images.

    Parameters
    ----------
    vectors : ndarray, shape (N, D)
    labels, groups, split : array-like of str, shape (N,)
        Class, group, and "train" or "test" of each row.
    classifier : {"decision tree", "KNN", "random forest", "SVM"}
        It learns from `some` of the train images.
    seed : int

    Returns
    -------
    result : dict
        ``classifier``; ``accuracy`` in [0, 1] on test; ``ci_low`` and ``ci_high``, its 95 % interval by
        `intervals.interval`; ``n_train``, of how many images it has learnt; ``n_test``.
    predictions : pandas.DataFrame
        One row per test image: image (its row), group, true, predicted, and probability, that which the classifier
        gives to `predicted` (NaN where it gives none).
    """
    vectors, labels, groups, split = (np.asarray(values) for values in (vectors, labels, groups, split))
    train, test = split == "train", split == "test"
    model, unseen = (
        CLASSIFIERS[classifier](seed).fit(memmap.take(vectors, train), labels[train]),
        memmap.take(vectors, test),
    )
    predicted, probability = model.predict(unseen), np.nan
    if hasattr(model, "predict_proba"):
        probability = model.predict_proba(unseen).max(axis=1)
    columns = {"image": np.flatnonzero(test), "group": groups[test], "true": labels[test], "predicted": predicted}
    predictions = pd.DataFrame(columns | {"probability": probability})
    return {"classifier": classifier} | _accuracy(predictions, min(int(train.sum()), MOST)), predictions


def _accuracy(predictions, n_train):
    hit = (predictions["predicted"] == predictions["true"]).to_numpy(bool)
    low, high = intervals.interval(hit, predictions["group"])
    found = {"accuracy": float(hit.mean()), "ci_low": low, "ci_high": high}
    return found | {"n_train": n_train, "n_test": len(hit)}


def repeat(
    vectors: ArrayLike, labels: ArrayLike, splits: Sequence[ArrayLike], classifier: str = "random forest", seed: int = 0
) -> NDArray[np.float64]:
    """Score a classifier on other splits of the same vectors, to see how much an accuracy owes to the split.

    Parameters
    ----------
    vectors, labels, classifier, seed
        As in `score`; the random forest has 30 trees instead of 300.
    splits : sequence of array-like of str, each of shape (N,)
        "train" or "test" of each row.

    Returns
    -------
    ndarray of float64, shape (S,)
        Accuracy on the test side of each. What the vectors were learnt from is not split anew: an image of any test
        side may have been a train image of the autoencoder, which saw no label.
    """
    sides = [np.asarray(split) for split in splits]
    found = [_score_once(vectors, np.asarray(labels), side, REPEATED[classifier](seed)) for side in sides]
    return np.array(found, dtype=float)


def _score_once(vectors, labels, split, model):
    train, test = split == "train", split == "test"
    return model.fit(memmap.take(vectors, train), labels[train]).score(memmap.take(vectors, test), labels[test])


def over_splits(accuracies: NDArray[np.float64]) -> dict[str, Any]:
    """Sum up `repeat`: dict of ``splits``, how many, ``mean`` and ``sd`` (n − 1; NaN for fewer than two)."""
    n = len(accuracies)
    spread = float(np.std(accuracies, ddof=1)) if n > 1 else np.nan
    return {"splits": n, "mean": float(np.mean(accuracies)) if n else np.nan, "sd": spread}


def confusions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Count whom each classifier takes for whom.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of `table1`.

    Returns
    -------
    pandas.DataFrame
        The columns `ROW`, then true, predicted, count: every pair of classes.
    """
    parts = []
    for row, own in predictions.groupby(ROW, sort=False):
        classes = np.unique(own["true"])
        counts = confusion_matrix(own["true"], own["predicted"], labels=classes)
        columns = {"true": classes.repeat(len(classes)), "predicted": np.tile(classes, len(classes))}
        part = pd.DataFrame(columns | {"count": counts.ravel()}).assign(**dict(zip(ROW, row, strict=True)))
        parts.append(part[[*ROW, "true", "predicted", "count"]])
    return pd.concat(parts, ignore_index=True)


def table1(
    descriptors: Mapping[tuple[str, int, str], NDArray[Any]],
    index: pd.DataFrame,
    data: str,
    seed: int = 0,
    protocol: str = "by-group",
    splits: Sequence[ArrayLike] = (),
    n_jobs: int = -1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every descriptor with every classifier: the rows of the thesis's table 1, and one more classifier.

    Parameters
    ----------
    descriptors : dict
        ``(kind, latent_dim, descriptor)`` → ndarray (N, latent_dim).
    index : pandas.DataFrame
        Columns `label`, `group` and `split`, one row per row of the descriptors.
    data : str
        Name of the data set, to stand beside every number.
    seed : int
    protocol : str
        How the split was made.
    splits : sequence of array-like of str, each of shape (N,)
        Further splits, for `repeat`.
    n_jobs : int
        As in `scheduling.each`: rows that are computed at a time; the table does not depend on it.

    Returns
    -------
    table : pandas.DataFrame
        Columns data, kind, latent_dim, descriptor, classifier, protocol, accuracy, ci_low, ci_high, n_train, n_test;
        then splits (how many), mean and sd of the accuracy over the further splits (`over_splits`).
    predictions : pandas.DataFrame
        The columns `ROW`, then those of `score`.
    """
    known = [index[name].to_numpy() for name in ("label", "group", "split")]
    jobs = list(itertools.product(descriptors.items(), CLASSIFIERS))
    items = ((memmap.take(vectors, slice(None)), *known, splits, name, seed) for (_, vectors), name in jobs)
    work = scheduling.each(_row, items, n_jobs)
    rows, predictions = [], []
    for (((kind, latent_dim, name), _), classifier), (result, predicted) in zip(
        jobs, track(work, f"accuracies, {protocol}", len(jobs)), strict=True
    ):
        row = {"data": data, "kind": kind, "latent_dim": latent_dim, "descriptor": name, "classifier": classifier}
        row |= {"protocol": protocol}
        rows.append(row | result)
        predictions.append(predicted.assign(**row)[[*ROW, *predicted.columns]])
    return pd.DataFrame(rows), pd.concat(predictions, ignore_index=True)


def _row(vectors, labels, groups, split, splits, classifier, seed):
    result, predictions = score(vectors, labels, groups, split, classifier, seed)
    return result | over_splits(repeat(vectors, labels, splits, classifier, seed)), predictions


def of_scores(
    scores: ArrayLike, index: pd.DataFrame, name: Sequence[Any], data: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score a network's own decisions on the test images, as a row of `table1`.

    Parameters
    ----------
    scores : ndarray, shape (N, C)
        The largest decides; columns are the sorted class names.
    index : pandas.DataFrame, N rows
        Columns `label`, `group` and `split`.
    name : list
        Kind, latent_dim and descriptor of the row.
    data : str
        As in `table1`.

    Returns
    -------
    table, predictions : pandas.DataFrame
        One row of `table1`, whose classifier is "softmax", and its predictions.
    """
    test = np.flatnonzero(index["split"] == "test")
    row = dict(zip(ROW, (data, *name, SOFTMAX, BY_GROUP), strict=True))
    columns = {"image": test, "group": index["group"].to_numpy()[test], "true": index["label"].to_numpy()[test]}
    predicted = np.unique(index["label"])[np.argmax(scores, axis=1)][test]
    predictions = pd.DataFrame(row | columns | {"predicted": predicted, "probability": np.nan})
    return pd.DataFrame([row | _accuracy(predictions, len(index) - len(test))]), predictions


def over_seeds(tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Summarise table 1 over repetitions of the training with several seeds.

    Parameters
    ----------
    tables : dict
        Seed → table of `table1`.

    Returns
    -------
    pandas.DataFrame
        Columns kind, latent_dim, descriptor, classifier, seeds (how many), mean, sd (of the accuracy, n − 1; NaN for
        one seed), and one column ``seed_<n>`` with the accuracy of each.
    """
    keys = ["kind", "latent_dim", "descriptor", "classifier"]
    columns = {f"seed_{seed}": table.set_index(keys)["accuracy"] for seed, table in tables.items()}
    each = pd.DataFrame(columns)
    summary = pd.DataFrame({"seeds": len(tables), "mean": each.mean(axis=1), "sd": each.std(axis=1)})
    return summary.join(each).reset_index()
