"""How well descriptors predict the properties of specimens that were not seen, and whether that is more than chance."""

import functools
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from nanofoam_lib.base import scheduling, units
from nanofoam_lib.latent import conformal, held_out, properties, ridge
from nanofoam_lib.latent.pore_prediction import LABEL

#: In which values are dealt anew; a fifth of these for more specimens than a Gaussian process learns from.
ORDERS = 999
#: The model that claims are made of, named beforehand.
NAMED = "ridge"
#: Of the table; the last five beside what is asked for: 95 % intervals, and the p-value within classes.
COLUMNS = [
    "target", "unit", "kind", "latent_dim", "descriptor", "model", "r2", "r2_within", "rmse", "coverage", "p",
    "n_specimens", "r2_low", "r2_high", "r2_within_low", "r2_within_high", "p_within",
]  # fmt: skip
#: Of the predictions.
PREDICTED = [
    "target", "unit", "kind", "latent_dim", "descriptor", "model", "r2", "group", "label", "measured", "predicted",
    "low", "high",
]  # fmt: skip
Key = tuple[str, int, str]
Descriptors = Mapping[Key, NDArray[Any]]


class Study(NamedTuple):
    """How well properties are predicted, and what of each specimen."""

    table: pd.DataFrame  # columns `COLUMNS`, a row per property, descriptor and model
    predictions: pd.DataFrame  # columns `PREDICTED`, by `NAMED`, a row per property, descriptor and specimen


def study(
    descriptors: Descriptors,
    targets: pd.DataFrame,
    index: pd.DataFrame,
    seed: int = 0,
    shown: Collection[Key] | None = None,
    n_jobs: int = -1,
    models: Iterable[str] | None = None,
) -> Study:
    """Predict every property from every descriptor, and from the class alone, by every model.

    Parameters
    ----------
    descriptors : dict
        ``(kind, latent_dim, name)`` → ndarray (N, D).
    targets : pandas.DataFrame, shape (N, T)
        The properties; NaN where unknown; their names tell the units (`units.of_name`). One that has fewer than two
        values is left out.
    index : pandas.DataFrame
        Columns `label` and `group`, the specimen.
    seed : int
        Deals specimens to folds, and values to specimens.
    shown : collection of (kind, latent_dim, name), optional
        Descriptors of which predictions are given, too; all unless told.
    n_jobs : int
        As in `scheduling.each`; the result does not depend on it.
    models : iterable of str, optional
        Keys of `properties.MODELS`, `NAMED` among them; all unless given.

    Returns
    -------
    Study
        In the table, each specimen is predicted by a regression that has not seen it (five folds):
        ``r2`` = 1 − SSE / SST; ``r2_within`` the same when the means of their classes are taken off from errors and
        values, missing where each class has one value; ``rmse`` in the unit; ``coverage``, the share of specimens that
        lie within their 90 % interval, which the training part alone told, missing where that has fewer than nine;
        ``p`` and ``p_within``, of ridge alone, the share of orders in which values dealt anew to the specimens (within
        their class) are predicted as well, by regressions fitted anew; missing for fewer than ten specimens, of which
        nothing can be claimed. Intervals of R² are Student's, deleting one specimen after the other. The predictions
        are those that rows of `NAMED` sum up, each with its 90 % interval.
    """
    every = {**descriptors, ("control", 0, LABEL): held_out.one_hot(index["label"])}
    names, jobs = _jobs(every, targets, index)
    score = functools.partial(_score_all, models=tuple(models or properties.MODELS), seed=seed)
    found = list(scheduling.each(score, jobs, n_jobs))
    rows = [
        name | {"model": model} | numbers
        for name, (scores, _) in zip(names, found, strict=True)
        for model, numbers in scores.items()
    ]
    parts = [
        pd.DataFrame(name | {"model": NAMED, "r2": scores[NAMED]["r2"]} | specimens)
        for name, (scores, specimens) in zip(names, found, strict=True)
        if shown is None or (name["kind"], name["latent_dim"], name["descriptor"]) in shown
    ]
    predictions = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return Study(pd.DataFrame(rows, columns=COLUMNS), predictions.reindex(columns=PREDICTED))


def _jobs(descriptors, targets, index):
    """List each property and descriptor: what they are called, and the specimens' vectors, values, classes, names."""
    labels, groups = index["label"].to_numpy(str), index["group"].to_numpy(str)
    names, jobs = [], []
    for (kind, latent_dim, descriptor), vectors in descriptors.items():
        for target in targets:
            own = properties.by_specimen(vectors, targets[target], groups)
            if len(np.unique(own.measured)) > 1:
                called = {"kind": kind, "latent_dim": latent_dim, "descriptor": descriptor}
                names.append({"target": target, "unit": units.of_name(target)} | called)
                jobs.append((own.vectors, own.measured, labels[own.first], own.names))
    return names, jobs


def _score_all(x, y, labels, specimens, models, seed):
    """Score every model: dict of its name to numbers, and what `NAMED` predicts of each specimen."""
    scores, predicted = {}, {}
    for model in models:
        if properties.feasible(model, len(y)):
            numbers, predicted[model] = _score(x, y, labels, model, seed)
            scores[model] = numbers | _chances(x, y, labels, numbers, model, seed)
    return scores, {"group": specimens, "label": labels, "measured": y} | predicted[NAMED]


def _score(x, y, labels, model, seed):
    predicted, width = np.empty(len(y)), np.empty(len(y))
    for train, test in properties.folds(len(y), seed):
        predicted[test], width[test] = _predict_fold(x, y, train, test, model, seed)
    error = y - predicted
    overall, r2_low, r2_high = held_out.share_told(error**2, (y - y.mean()) ** 2)
    within = _about_class(np.stack([error, y], axis=1), labels) ** 2
    within[:, 1] *= within[:, 1] > _rounding(y) ** 2  # where a class has one value
    r2_within, within_low, within_high = held_out.share_told(*within.T)
    numbers = {
        "r2": overall, "r2_within": r2_within, "rmse": float(np.sqrt((error**2).mean())),
        "coverage": _coverage(error, width, y), "n_specimens": len(y), "r2_low": r2_low,
        "r2_high": r2_high, "r2_within_low": within_low, "r2_within_high": within_high,
    }  # fmt: skip
    return numbers, {"predicted": predicted, "low": predicted - width, "high": predicted + width}


def _coverage(error, width, y):
    """Give the share that intervals hold; NaN where they are infinite, for want of specimens to tell from."""
    finite = np.isfinite(width)
    return float((np.abs(error) <= width + _rounding(y))[finite].mean()) if finite.any() else np.nan


def _rounding(y):
    return 1e-9 * np.abs(y).max()


def _about_class(values, labels):
    """Take from each row (S, ...) the mean of its class."""
    return held_out.about_class(values, labels, np.arange(len(labels)))


def _predict_fold(x, y, train, test, model, seed):
    """Predict the rows `test`, and tell by the rows `train` alone how far that may be off."""
    if np.ptp(y[train]) == 0:
        return y[train][0], np.inf
    estimator = properties.set_up(x[train], y[train], model)
    errors = y[train] - properties.unseen(estimator, x[train], y[train], seed)
    width = conformal.half_width(errors, np.arange(len(train)))
    return properties.predict(properties.learn(estimator, x[train], y[train]), x[test]), width


def _chances(x, y, labels, numbers, model, seed):
    """Test R², overall and within classes, against values dealt anew to the specimens."""
    if model != NAMED or len(y) < properties.FEWEST:
        return {"p": np.nan, "p_within": np.nan}
    rng, orders = np.random.default_rng(seed), ORDERS if len(y) <= properties.MOST else ORDERS // 5
    dealt = rng.permuted(np.tile(y, (orders, 1)), axis=1).T
    error = _errors(x, dealt, seed)
    by_chance = 1 - (error**2).sum(axis=0) / ((y - y.mean()) ** 2).sum()
    chances = {"p": _chance(numbers["r2"], by_chance), "p_within": np.nan}
    if np.isfinite(numbers["r2_within"]):
        for own in (labels == label for label in np.unique(labels)):
            dealt[own] = rng.permuted(np.tile(y[own], (orders, 1)), axis=1).T
        error = _about_class(_errors(x, dealt, seed), labels)
        by_chance = 1 - (error**2).sum(axis=0) / (_about_class(y, labels) ** 2).sum()
        chances["p_within"] = _chance(numbers["r2_within"], by_chance)
    return chances


def _chance(actual, by_chance):
    return float((1 + (by_chance >= actual - 1e-9).sum()) / (1 + len(by_chance)))


def _errors(x, y, seed):
    """Give the errors of ridge regressions of many targets (S, M) that have not seen the specimen: ndarray (S, M)."""
    error = np.empty_like(y)
    for train, test in properties.folds(len(y), seed):
        standard = StandardScaler().fit(x[train])
        known, others = _turned(standard.transform(x[train]), standard.transform(x[test]))
        many = RidgeCV(ridge.ALPHAS, alpha_per_target=True).fit(known, y[train])
        error[test] = y[test] - many.predict(others)
    return error


def _turned(known, others):
    """Leave out of wide vectors the directions in which those known do not vary: a ridge regression has no slope there.

    Lengths and angles of what is left stay, and so do predictions.
    """
    if known.shape[1] <= len(known):
        return known, others
    axes = np.linalg.svd(known, full_matrices=False)[2].T
    return known @ axes, others @ axes
