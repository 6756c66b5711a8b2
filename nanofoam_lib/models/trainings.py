"""Several models trained at a time, in processes beside each other."""

import concurrent.futures.process
import contextlib
import functools
import os
import pathlib
import warnings
from collections.abc import Mapping

import joblib
import numpy as np
import pandas as pd
import psutil
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import progress, scheduling
from nanofoam_lib.base.errors import RunWarning, TrainingError
from nanofoam_lib.models import backend, epoch_loop, kinds, training, vae
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.recipes import Recipe

ROOM = 2 * 2**30  # bytes that must be free for each: where there are fewer, they wait for each other


def fit_all(
    models: Mapping[pathlib.Path, keras.Model],
    images: NDArray[np.uint8],
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    recipe: Recipe,
    seed: int = 0,
    wide: NDArray[np.uint8] | None = None,
    held_out_rows: ArrayLike | None = None,
    classes: ArrayLike | None = None,
) -> dict[pathlib.Path, pd.DataFrame]:
    """Train several models, on a processor of several cores at a time.

    Each is trained in a process of its own, by its share of the cores: what threads tell each other costs up to a fifth
    of such small steps. In threads of one process, two trainings gave other weights now and then.

    Parameters
    ----------
    models : dict of pathlib.Path to keras.Model
        By the folder where each is written: as `vae.build` makes them, for `training.fit`, or as `vae.classifier` does,
        for `training.fit_classifier`. On how many there are depends by how many threads each is trained, and on that
        how weights are rounded; not on how many have ended before, or find room in memory at a time.
    images, train_rows, test_rows, recipe, seed, wide, held_out_rows
        As for `training.fit`.
    classes : ndarray of int, shape (N,), optional
        As for `training.fit_classifier`.

    Returns
    -------
    dict of pandas.DataFrame
        By the folder, in the order of `models`, the history of each.

    Raises
    ------
    TrainingError
        If one diverges or its process is lost; all go on from their checkpoints another time.
    """
    prepare = functools.partial(
        training.prepare, images=images, train_rows=train_rows, test_rows=test_rows, recipe=recipe, seed=seed,
        wide=wide, held_out_rows=held_out_rows, classes=classes,
    )  # fmt: skip
    prepared = {folder: prepare(model) for folder, model in models.items()}
    at_once = min(len(models), joblib.cpu_count())
    if at_once > 1 and backend.is_tensorflow_on_cpu():
        missing = [folder for folder, own in prepared.items() if not epoch_loop.has_ended(own, folder)]
        if missing:
            _fit_apart({folder: models[folder] for folder in missing}, at_once, prepare)
    # What was trained in another process is read back
    return {folder: epoch_loop.run(own, folder) for folder, own in prepared.items()}


def _fit_apart(models, at_once, prepare):
    """Train models in processes, each by its share of the cores; what takes longest first."""
    ranked = dict(sorted(models.items(), key=lambda item: -_cost(item[1])))
    threads, room = joblib.cpu_count() // at_once, max(1, psutil.virtual_memory().available // ROOM)
    pool = joblib.Parallel(
        at_once, batch_size=1, pre_dispatch=min(at_once, room), return_as="generator_unordered",
        inner_max_num_threads=threads, **scheduling.apart(threads),
    )  # fmt: skip
    with progress.gather([_cost(model) for model in ranked.values()]) as reports:
        jobs = [
            joblib.delayed(_fit)(report, vae.rebuilding(model), model.get_weights(), prepare, folder)
            for report, (folder, model) in zip(reports, ranked.items(), strict=True)
        ]
        with _ending(pool(jobs)) as work:
            for messages in work:
                for message in messages:
                    warnings.warn(message, RunWarning, stacklevel=3)


def _cost(model):
    """Tell how long a training takes, in proportion to others; a classifier has half the layers and half the steps."""
    return kinds.get(model.config.kind).step_cost if isinstance(model, vae.Autoencoder) else 0.25


@contextlib.contextmanager
def _ending(work):
    """See to it that work which was interrupted here does not go on in another process."""
    try:
        yield work
    except concurrent.futures.process.BrokenProcessPool as error:
        raise TrainingError(
            "a process that trained was ended from outside, most likely for want of memory; "
            "run again: what was trained is kept"
        ) from error
    finally:
        with warnings.catch_warnings(action="ignore"):  # that tasks are given up is what is wanted
            work.close()


def _fit(report, rebuild, weights, prepare, folder):
    """Train a model of these weights; give the warnings, which nobody sees here."""
    os.environ[progress.REPORT_VARIABLE] = str(report)
    model = rebuild()
    model.set_weights(weights)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RunWarning)
        epoch_loop.run(prepare(model), folder)
    return [str(one.message) for one in caught if issubclass(one.category, RunWarning)]
