"""How well descriptors tell the classes apart: the thesis's classifiers and an SVM, on unseen groups."""

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

from nanofoam_lib.base import memmap
from nanofoam_lib.latent import intervals


class _Neighbours(KNeighborsClassifier):
    def fit(self, X, y):
        self.n_neighbors = min(5, len(X))
        return super().fit(X, y)


#: Makers of the classifiers, by name, from a seed: the three of the thesis's table 1, then that of its field, a support
#: vector machine with radial basis functions. KNN and the latter compare lengths, so their inputs are standardised;
#: trees split one dimension at a time and need no scale. KNN asks five neighbours, fewer where there are not so many.
CLASSIFIERS = {
    "decision tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "KNN": lambda seed: make_pipeline(StandardScaler(), _Neighbours()),
    "random forest": lambda seed: RandomForestClassifier(300, n_jobs=-1, random_state=seed),
    "SVM": lambda seed: make_pipeline(StandardScaler(), SVC(C=10)),
}


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
    seed : int

    Returns
    -------
    result : dict
        ``classifier``; ``accuracy`` in [0, 1] on test; ``ci_low`` and ``ci_high``, its 95 % interval by
        `interval`; ``n_train``, ``n_test``.
    confusion : pandas.DataFrame
        Columns true, predicted, count: every pair of classes.
    """
    vectors, labels, groups, split = (np.asarray(values) for values in (vectors, labels, groups, split))
    train, test = split == "train", split == "test"
    model = CLASSIFIERS[classifier](seed).fit(memmap.take(vectors, train), labels[train])
    predicted = model.predict(memmap.take(vectors, test))
    hit = predicted == labels[test]
    low, high = intervals.interval(hit, groups[test], seed=seed)
    sizes = {"n_train": int(train.sum()), "n_test": int(test.sum())}
    accuracy = {"classifier": classifier, "accuracy": float(hit.mean()), "ci_low": low, "ci_high": high}
    return accuracy | sizes, _confusion(labels[test], predicted, np.unique(labels))


def _confusion(true, predicted, classes):
    counts = confusion_matrix(true, predicted, labels=classes)
    columns = {"true": classes.repeat(len(classes)), "predicted": np.tile(classes, len(classes))}
    return pd.DataFrame(columns | {"count": counts.ravel()})


def table1(
    descriptors: Mapping[tuple[str, int, str], NDArray[Any]],
    index: pd.DataFrame,
    data: str,
    seed: int = 0,
    protocol: str = "by-group",
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

    Returns
    -------
    table : pandas.DataFrame
        Columns data, kind, latent_dim, descriptor, classifier, protocol, accuracy, ci_low, ci_high, n_train, n_test.
    confusions : pandas.DataFrame
        The same first six columns, then true, predicted, count.
    """
    rows, confusions = [], []
    for (kind, latent_dim, name), vectors in descriptors.items():
        for classifier in CLASSIFIERS:
            result, confusion = score(vectors, index["label"], index["group"], index["split"], classifier, seed)
            row = {"data": data, "kind": kind, "latent_dim": latent_dim, "descriptor": name, "classifier": classifier}
            row |= {"protocol": protocol}
            rows.append(row | result)
            confusions.append(confusion.assign(**row)[[*row, "true", "predicted", "count"]])
    return pd.DataFrame(rows), pd.concat(confusions, ignore_index=True)


def of_scores(scores: ArrayLike, index: pd.DataFrame, name: Sequence[Any], data: str, seed: int = 0) -> pd.DataFrame:
    """Score a network's own decisions on the test images, as a row of `table1`.

    Parameters
    ----------
    scores : ndarray, shape (N, C)
        The largest decides; columns are the sorted class names.
    index : pandas.DataFrame, N rows
        Columns `label`, `group` and `split`.
    name : list
        Kind, latent_dim and descriptor of the row.
    data, seed
        As in `table1`.

    Returns
    -------
    pandas.DataFrame
        One row; its classifier is "softmax".
    """
    test = (index["split"] == "test").to_numpy()
    hit = np.unique(index["label"])[np.argmax(scores, axis=1)] == index["label"]
    low, high = intervals.interval(hit[test], index["group"][test], seed=seed)
    row = dict(zip(("data", "kind", "latent_dim", "descriptor", "classifier"), (data, *name, "softmax"), strict=True))
    row |= {"protocol": "by-group", "accuracy": float(hit[test].mean()), "ci_low": low, "ci_high": high}
    return pd.DataFrame([row | {"n_train": int((~test).sum()), "n_test": int(test.sum())}])


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
