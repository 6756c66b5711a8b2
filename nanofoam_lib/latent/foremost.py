"""Which of several descriptors tells the classes of new specimens best, by the train specimens alone."""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from nanofoam_lib.latent import classify

FOLDS = 5
Name = TypeVar("Name", bound=Hashable)


def accuracies(
    descriptors: Mapping[Name, NDArray[Any]], labels: ArrayLike, groups: ArrayLike, seed: int = 0
) -> dict[Name, float]:
    """Cross-validate a random forest over groups on each descriptor.

    Parameters
    ----------
    descriptors : dict
        Name → vectors (n, D) of the train images.
    labels, groups : array-like of str, shape (n,)
    seed : int

    Returns
    -------
    dict
        Name → accuracy in [0, 1], each class counting the same; NaN where a class has one group only. The forest has 30
        trees, as in `classify.repeat`.
    """
    labels, groups = np.asarray(labels, str), np.asarray(groups, str)
    fewest = int(pd.Series(groups).groupby(labels).nunique().min())
    if fewest < 2:
        return dict.fromkeys(descriptors, np.nan)
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    found = {}
    for name, vectors in descriptors.items():
        forest = classify.REPEATED["random forest"](seed)
        predicted = cross_val_predict(forest, np.asarray(vectors), labels, groups=groups, cv=folds)
        found[name] = float(pd.Series(predicted == labels).groupby(labels).mean().mean())
    return found


def choose(scores: Mapping[Name, float]) -> Name:
    """Give the name with the highest score, the first of equal ones; the first of all where none is known."""
    return max(scores, key=lambda name: -np.inf if np.isnan(scores[name]) else scores[name])
