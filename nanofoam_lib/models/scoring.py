"""The scores of a run: its models and its controls, by the same classifiers on the same splits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.base.score_names import BY_GROUP, FOREST, LEAKY, LEAKY_CLASSIFIERS, SOFTMAX
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.latent import classify, intervals, permutation, reliability
from nanofoam_lib.models import calibration, control_registry, descriptors, kinds, thesis_protocol, vae
from nanofoam_lib.models.control_registry import TAUGHT

Key = tuple[str, int, str]


def further_splits(index: pd.DataFrame, test_fraction: float, n: int, seed: int = 0) -> list[NDArray[np.str_]]:
    """Split the images by group again and again: a list of n arrays (N,) of "train" and "test" (`splits.by_group`).

    Raises DataError if there is one class (`splits.check_several`).
    """
    splits.check_several(index["label"])
    labels, groups = index["label"], index["group"]
    return [splits.by_group(labels, groups, test_fraction, seed + 1 + i) for i in range(n)]


def table1(
    latents: Mapping[Key, NDArray[Any]],
    models: Mapping[tuple[str, int], vae.Autoencoder],
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    data: str,
    seed: int = 0,
    further: Sequence[NDArray[np.str_]] = (),
    leaky: Mapping[tuple[str, int], vae.Autoencoder] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the models: `classify.table1`, and below it what they would seem to be worth on the thesis's leaky split.

    Parameters
    ----------
    latents : dict
        ``(kind, latent_dim, descriptor)`` → ndarray (N, latent_dim).
    models : dict
        ``(kind, latent_dim)`` → model.
    images : ndarray of uint8, shape (N, 128, 128)
    index, data, seed
        As in `classify.table1`.
    further : sequence of ndarray
        As `further_splits` gives them.
    leaky : dict, optional
        ``(kind, latent_dim)`` → model trained on the leaky split itself (`thesis_protocol.fit`), as the thesis's was.
        With them, the table has two more protocols: `score_names.LEAKY_CLASSIFIERS`, where only the classifiers have
        seen copies of what they are tested on, and `score_names.LEAKY`, where the models have, too.

    Returns
    -------
    table, predictions : pandas.DataFrame
        As `classify.table1` gives them.
    """
    scores = [classify.table1(latents, index, data, seed, splits=further)]
    for protocol, own in ((LEAKY_CLASSIFIERS, models), (LEAKY, leaky)) if leaky else ():
        pictures, table = thesis_protocol.copies(images, index, seed)
        scores.append(classify.table1(descriptors.encode_all(own, pictures, seed), table, data, seed, protocol))
    return _stack(scores)


def controls(
    plain: Mapping[Key, NDArray[Any]],
    scores: NDArray[np.float32],
    index: pd.DataFrame,
    data: str,
    seed: int = 0,
    further: Sequence[NDArray[np.str_]] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the controls, and what a network that was trained with labels says itself.

    Parameters
    ----------
    plain : dict
        As `control_registry.compute` gives it, with the features of that network.
    scores : ndarray, shape (N, C)
        As `backbone_networks.supervised` gives them.
    index, data, seed, further
        As in `table1`; what labels have taught (`control_registry.taught`) is scored on the split of the run alone.

    Returns
    -------
    table, predictions : pandas.DataFrame
    """
    names = control_registry.taught()
    taught = {key: vectors for key, vectors in plain.items() if key[2] in names}
    others = {key: vectors for key, vectors in plain.items() if key[2] not in names}
    (network,) = (key for key in taught if key[2] == TAUGHT)
    found = [  # on further splits, what labels have taught would meet groups that taught it
        classify.table1(taught, index, data, seed),
        classify.table1(others, index, data, seed, splits=further),
        classify.of_scores(scores, index, network, data),
    ]
    return _stack(found)


def fair(table: pd.DataFrame, by_controls: pd.DataFrame) -> pd.DataFrame:
    """Put the accuracies of models and controls in the split by group below each other."""
    return pd.concat([table[table["protocol"] == BY_GROUP], by_controls], ignore_index=True)


def untrained(
    models: Mapping[tuple[str, int], vae.Autoencoder],
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    seed: int = 0,
    n: int = 3,
) -> pd.DataFrame:
    """Score foremost descriptors of models that were not trained, with several seeds of the weights.

    Parameters
    ----------
    models, images, index
        As in `table1`.
    seed : int
        The first of the weights', and that of the random forests.
    n : int
        How many.

    Returns
    -------
    pandas.DataFrame
        One row per test image, kind and seed of the weights: kind, latent_dim, descriptor, weights, then the columns of
        the predictions of `classify.score`. No rows of a model whose descriptor is not trained at all. Of each side of
        the split `classify.some` images are encoded: of train those that a trained model's classifier learns from.
    """
    split, labels = index["split"].to_numpy(), index["label"].to_numpy()
    sides = [np.flatnonzero(split == side) for side in ("train", "test")]
    rows = np.sort(np.concatenate([side[classify.some(labels[side])] for side in sides]))
    some, of_some = augmentation.Chosen(images, rows), index.iloc[rows]
    parts = [
        pd.DataFrame(columns=["kind", "latent_dim", "descriptor", "weights", "image", "group", "true", "predicted"])
    ]
    for (kind, size), model in models.items():
        name = kinds.get(kind).foremost
        if name is None or not model.encoder.get_layer("mu").trainable_weights:
            continue
        for own in range(seed, seed + n):
            start = calibration.fresh(model.config, some, of_some["split"] == "train", own)
            vectors = descriptors.encode(start, some, own)[name]
            _, found = classify.score(vectors, of_some["label"], of_some["group"], of_some["split"], FOREST, seed)
            found["image"] = rows[found["image"]]
            parts.append(found.assign(kind=kind, latent_dim=size, descriptor=name, weights=own))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def compare(
    predictions: pd.DataFrame, by_controls: pd.DataFrame, fresh: pd.DataFrame | None = None, seed: int = 0
) -> pd.DataFrame:
    """Hold the descriptors that were named beforehand to chance, each control, labels, and themselves untrained.

    Parameters
    ----------
    predictions, by_controls : pandas.DataFrame
        Of the models and of the controls, as `table1` and `controls` give them.
    fresh : pandas.DataFrame, optional
        As `untrained` gives it.
    seed : int
        Of the orders in which groups are dealt.

    Returns
    -------
    pandas.DataFrame
        One row per foremost descriptor (`kinds.Kind`) and rival, by random forest on the test images that both have:
        kind, latent_dim, descriptor, against ("chance", "control", "training" or "labels"), rival, accuracy,
        rival_accuracy, difference, its 95 % interval ci_low and ci_high over groups, p_value (`permutation.agreement`
        against chance, else `permutation.paired`), p_corrected for how many comparisons of this kind there are (Holm),
        n_groups; of itself untrained also weights, the number of seeds, of which rival_accuracy is the mean, and
        rival_sd, the standard deviation over them.
    """
    ours = headline(predictions)
    rivals = {("control", name): own for name, own in headline(by_controls).groupby("descriptor", sort=False)}
    beyond = control_registry.beyond_competition()
    rivals = {key: own for key, own in rivals.items() if key[1] not in beyond}
    softmax = by_controls[by_controls["classifier"] == SOFTMAX]
    rivals |= {("labels", TAUGHT): softmax} if len(softmax) else {}
    rows = []
    for (kind, size, name), own in ours.groupby(["kind", "latent_dim", "descriptor"], sort=False):
        if kinds.get(kind).foremost != name:
            continue
        found = [_chance(own, seed), *(_pair(own, _hits(other), *key, seed) for key, other in rivals.items())]
        if fresh is not None and len(start := fresh[(fresh["kind"] == kind) & (fresh["latent_dim"] == size)]):
            by_weights = (start["predicted"] == start["true"]).groupby(start["weights"]).mean()
            row = _pair(own, _hits(start), "training", kinds.get(kind).untrained(name), seed)
            found.append(row | {"weights": len(by_weights), "rival_sd": by_weights.std()})
        rows += [{"kind": kind, "latent_dim": size, "descriptor": name} | row for row in found]
    table = pd.DataFrame(rows)
    if len(table):
        table["p_corrected"] = table.groupby("against")["p_value"].transform(permutation.holm)
        last = [name for name in ("n_groups", "weights", "rival_sd") if name in table]
        table = table[[*table.columns.drop(last), *last]]
    return table


def reliability_of(predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tell how far predictions by the foremost descriptors can be relied on: dict of name of a table to table.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As `table1` gives them.

    Returns
    -------
    dict of pandas.DataFrame
        ``specimens`` (`reliability.by_specimen`) and ``calibration`` (`reliability.calibration`) of random forests; the
        first columns are kind, latent_dim and descriptor.
    """
    makers = {"specimens": reliability.by_specimen, "calibration": reliability.calibration}
    keys = ["kind", "latent_dim", "descriptor"]
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in makers}
    for key, own in headline(predictions).groupby(keys, sort=False):
        if kinds.get(key[0]).foremost == key[2]:
            for name, make in makers.items():
                table = make(own)
                found[name].append(table.assign(**dict(zip(keys, key, strict=True)))[[*keys, *table.columns]])
    return {name: pd.concat(parts or [pd.DataFrame(columns=keys)], ignore_index=True) for name, parts in found.items()}


def _hits(predictions):
    """Give the share of predictions that are right, by image."""
    return (predictions["predicted"] == predictions["true"]).groupby(predictions["image"]).mean()


def _chance(own, seed):
    chance, p_value = permutation.agreement(own["predicted"], own["true"], own["group"], seed)
    hit = (own["predicted"] == own["true"]).to_numpy(bool)
    low, high = intervals.interval(hit, own["group"])
    row = {"against": "chance", "rival": "chance", "accuracy": hit.mean(), "rival_accuracy": chance}
    limits = {"difference": hit.mean() - chance, "ci_low": low - chance, "ci_high": high - chance}
    return row | limits | {"p_value": p_value, "n_groups": own["group"].nunique()}


def _pair(own, rival, against, name, seed):
    groups = own.set_index("image")["group"].loc[rival.index]
    hit = _hits(own).loc[rival.index].astype(float)
    difference = (hit - rival).to_numpy()
    low, high = intervals.interval(difference, groups)
    row = {"against": against, "rival": name, "accuracy": hit.mean(), "rival_accuracy": rival.mean()}
    limits = {"difference": difference.mean(), "ci_low": low, "ci_high": high}
    return row | limits | {"p_value": permutation.paired(difference, groups, seed), "n_groups": groups.nunique()}


def headline(predictions: pd.DataFrame) -> pd.DataFrame:
    """Choose the predictions of random forests in the split by group."""
    return predictions[(predictions["classifier"] == FOREST) & (predictions["protocol"] == BY_GROUP)]


def over_seeds(
    table: pd.DataFrame,
    run: Run,
    models: Mapping[tuple[str, int], vae.Autoencoder],
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    seeds: Sequence[int],
    seed: int = 0,
) -> pd.DataFrame:
    """Sum up table 1 over repetitions of the training: `classify.over_seeds`.

    Parameters
    ----------
    table : pandas.DataFrame
        Table 1 of the first seed.
    run : base.run_folder.Run
        Where the repetitions lie.
    models, images, index
        As in `table1`.
    seeds : sequence of int
        Those with which the models were trained, the first first; empty: with `seed` alone.
    seed : int
        Of the classifiers.

    Returns
    -------
    pandas.DataFrame
    """
    first, *others = seeds or [seed]
    tables = {first: table[table["protocol"] == BY_GROUP]}
    for other in others:
        repeats = {key: vae.load(run.model(*key, repeat=other)) for key in models}
        tables[other], _ = classify.table1(descriptors.encode_all(repeats, images, other), index, "", seed)
    return classify.over_seeds(tables)


def _stack(scores):
    table, predictions = (pd.concat(parts, ignore_index=True) for parts in zip(*scores, strict=True))
    return table, predictions
