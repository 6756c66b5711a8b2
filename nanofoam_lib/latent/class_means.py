"""Classes beside each other by one number an image: means over specimens, their intervals, tests between classes."""

import itertools

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import false_discovery_control, permutation_test

from nanofoam_lib.latent.intervals import interval

N_RESAMPLES = 9999


def means(measures: pd.DataFrame, labels: ArrayLike, groups: ArrayLike) -> pd.DataFrame:
    """Give the mean of each measure in each class, and its interval over specimens.

    Parameters
    ----------
    measures : pandas.DataFrame, shape (N, M)
        One row per image; NaN where unknown.
    labels, groups : array-like, shape (N,)
        Class and specimen of each image.

    Returns
    -------
    pandas.DataFrame
        One row per class and measure: ``class``, ``measure``, ``n_images``, ``n_specimens``, ``mean`` (each specimen
        counts once), ``sd`` between specimens, ``ci_low``, ``ci_high`` (95 %, Student's t over specimens; NaN with
        fewer than two).

    Examples
    --------
    >>> table = means(pd.DataFrame({"porosity": [0.1, 0.3, 0.5]}), list("aab"), [1, 1, 2])
    >>> table["mean"].round(3).tolist()
    [0.2, 0.5]
    """
    rows = []
    for (label, measure), (values, n_images) in _specimens(measures, labels, groups).items():
        several = len(values) > 1
        low, high = interval(values, np.arange(len(values))) if several else (np.nan, np.nan)
        mean, sd = (values.mean(), values.std(ddof=1) if several else np.nan) if len(values) else (np.nan, np.nan)
        own = {"n_images": n_images, "n_specimens": len(values), "mean": mean, "sd": sd, "ci_low": low, "ci_high": high}
        rows.append({"class": label, "measure": measure} | own)
    columns = ["class", "measure", "n_images", "n_specimens", "mean", "sd", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)  # also where there is no class


def by_specimen(measures: pd.DataFrame, labels: ArrayLike, groups: ArrayLike) -> pd.DataFrame:
    """Give the mean of each specimen: one row each, with columns ``class``, ``measure`` and ``value``.

    Parameters
    ----------
    measures, labels, groups
        As for `means`.

    Examples
    --------
    >>> table = by_specimen(pd.DataFrame({"porosity": [0.1, 0.3, 0.5]}), list("aab"), [1, 1, 2])
    >>> table["value"].round(3).tolist()
    [0.2, 0.5]
    """
    found = _specimens(measures, labels, groups).items()
    parts = [pd.DataFrame({"class": label, "measure": measure, "value": own}) for (label, measure), (own, _) in found]
    return pd.concat(parts, ignore_index=True)


def differences(measures: pd.DataFrame, labels: ArrayLike, groups: ArrayLike, seed: int = 0) -> pd.DataFrame:
    """Test whether classes differ in a measure, by permuting specimens.

    Returns
    -------
    pandas.DataFrame
        One row per pair of classes and measure: ``class_a``, ``class_b``, ``measure``; ``difference`` of the means over
        specimens, b less a; ``p_value`` of the two-sided permutation test, whole specimens at a time; ``p_corrected``
        for all rows together (Benjamini and Hochberg). NaN where a class has fewer than two specimens.
    """
    values = _specimens(measures, labels, groups)
    rows = []
    for measure in measures:
        classes = [label for label, own in values if own == measure]
        for a, b in itertools.combinations(classes, 2):
            one, other = values[a, measure][0], values[b, measure][0]
            known = min(len(one), len(other)) > 1
            difference = other.mean() - one.mean() if len(one) and len(other) else np.nan
            p = _permute(one, other, seed) if known else np.nan
            rows.append({"class_a": a, "class_b": b, "measure": measure, "difference": difference, "p_value": p})
    table = pd.DataFrame(rows, columns=["class_a", "class_b", "measure", "difference", "p_value"])
    tested = table["p_value"].notna()
    table["p_corrected"] = np.nan
    table.loc[tested, "p_corrected"] = false_discovery_control(table.loc[tested, "p_value"]) if tested.any() else []
    return table


def _specimens(measures, labels, groups):
    """Give the mean of each specimen: (class, measure) → (ndarray, number of images)."""
    labels, groups = np.asarray(labels, dtype=str), np.asarray(groups, dtype=str)
    found = {}
    for measure in measures:
        known = measures[measure].notna().to_numpy()
        own = measures[measure].to_numpy(float)
        for label in sorted(set(labels)):
            chosen = known & (labels == label)
            values = pd.Series(own[chosen]).groupby(groups[chosen]).mean().to_numpy()
            found[label, measure] = values, int(chosen.sum())
    return found


def _permute(one, other, seed):
    test = permutation_test(
        (one, other), lambda a, b, axis: b.mean(axis=axis) - a.mean(axis=axis), vectorized=True,
        n_resamples=N_RESAMPLES, rng=np.random.default_rng(seed),
    )  # fmt: skip
    return float(test.pvalue)
