"""Several models trained at a time, in processes beside each other."""

import contextlib
import itertools
import pathlib
import warnings
from collections.abc import Mapping

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.progress import track
from nanofoam_lib.models import backend, kinds, training, vae
from nanofoam_lib.models.recipes import Recipe


def fit_all(
    models: Mapping[pathlib.Path, vae.Autoencoder],
    images: NDArray[np.uint8],
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    recipe: Recipe,
    seed: int = 0,
    wide: NDArray[np.uint8] | None = None,
    held_out_rows: ArrayLike | None = None,
) -> dict[pathlib.Path, pd.DataFrame]:
    """Train several models as `training.fit` does, on a processor of several cores some of them in another process.

    Small steps leave a core idle half of the time, and so does what a training does beside its steps. The weights are
    those of one training after the other. Two trainings in threads of one process gave other weights now and then.

    Parameters
    ----------
    models : dict of pathlib.Path to vae.Autoencoder
        By the folder where each is written.
    images, train_rows, test_rows, recipe, seed, wide, held_out_rows
        As for `training.fit`.

    Returns
    -------
    dict of pandas.DataFrame
        By the folder, in the order of `models`, what `training.fit` gives.

    Raises
    ------
    TrainingError
        If one diverges; the others go on from their checkpoints another time.
    """

    def train(folder):
        return training.fit(models[folder], images, train_rows, test_rows, recipe, seed, folder, wide, held_out_rows)

    apart = _longest(models) if backend.is_tensorflow_on_cpu() and joblib.cpu_count() > 1 else []
    given = images, train_rows, test_rows, recipe, seed
    jobs = [
        joblib.delayed(_fit_apart)(
            models[folder].config, models[folder].get_weights(), *given, folder, wide, held_out_rows
        )
        for folder in apart
    ]
    with _ending(joblib.Parallel(n_jobs=2, return_as="generator")(jobs)) as work:  # of which one process waits
        found = {folder: train(folder) for folder in models if folder not in apart}
        for message in itertools.chain.from_iterable(track(work, "training in another process", len(jobs))):
            warnings.warn(message, RunWarning, stacklevel=2)
    found |= {folder: train(folder) for folder in apart}  # read back
    return {folder: found[folder] for folder in models}


@contextlib.contextmanager
def _ending(work):
    """See to it that work which was interrupted here does not go on in another process."""
    try:
        yield work
    finally:
        with warnings.catch_warnings(action="ignore"):  # that tasks are given up is what is wanted
            work.close()


def _longest(models):
    """Choose those that take about half of the time: what takes longest first."""
    costs = {folder: kinds.get(model.config.kind).step_cost for folder, model in models.items()}
    ranked = sorted(costs, key=lambda folder: -costs[folder])
    before = dict(zip(ranked, itertools.accumulate((costs[folder] for folder in ranked), initial=0), strict=False))
    return [folder for folder in ranked if before[folder] < sum(costs.values()) / 2 and len(costs) > 1]


def _fit_apart(config, weights, *given):
    """Train a model of these weights; give the warnings, which nobody sees here."""
    model = vae.build(config)
    model.set_weights(weights)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RunWarning)
        training.fit(model, *given)
    return [str(one.message) for one in caught if issubclass(one.category, RunWarning)]
