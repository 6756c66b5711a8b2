"""The scores of a run: its models and its controls, by the same classifiers on the same splits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import splits
from nanofoam_lib.latent import classify
from nanofoam_lib.models import control_registry, descriptors, vae

Key = tuple[str, int, str]


def further_splits(index: pd.DataFrame, test_fraction: float, n: int, seed: int = 0) -> list[NDArray[np.str_]]:
    """Split the images by group again and again: a list of n arrays (N,) of "train" and "test" (`splits.by_group`)."""
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
    protocol: str = "by-group",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the models: `classify.table1`, and below it that of the thesis's leaky split if the protocol is "thesis".

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
    protocol : {"by-group", "thesis"}

    Returns
    -------
    table, predictions : pandas.DataFrame
        As `classify.table1` gives them.
    """
    scores = [classify.table1(latents, index, data, seed, splits=further)]
    if protocol == "thesis":
        leaky = descriptors.encode_thesis(models, images, index, seed)
        scores.append(classify.table1(*leaky, data, seed, "thesis (leaky)"))
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
        As in `table1`.

    Returns
    -------
    table, predictions : pandas.DataFrame
    """
    (taught,) = (key for key in plain if key[2] == control_registry.TAUGHT)
    own = classify.of_scores(scores, index, taught, data)
    return _stack([classify.table1(plain, index, data, seed, splits=further), own])


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
    tables = {first: table[table["protocol"] == "by-group"]}
    for other in others:
        repeats = {key: vae.load(run.model(*key, repeat=other)) for key in models}
        tables[other], _ = classify.table1(descriptors.encode_all(repeats, images, other), index, "", seed)
    return classify.over_seeds(tables)


def _stack(scores):
    table, predictions = (pd.concat(parts, ignore_index=True) for parts in zip(*scores, strict=True))
    return table, predictions
