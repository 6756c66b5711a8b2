"""Several models trained at a time, in processes beside each other."""

import concurrent.futures.process
import contextlib
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
from nanofoam_lib.models import backend, kinds, training, vae
from nanofoam_lib.models.recipes import Recipe

ROOM = 2 * 2**30  # bytes that must be free for each: where there are fewer, they wait for each other


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
    """Train several models as `training.fit` does, on a processor of several cores at a time.

    Each is trained in a process of its own, by its share of the cores: what threads tell each other costs up to a
    quarter of such small steps. In threads of one process, two trainings gave other weights now and then.

    Parameters
    ----------
    models : dict of pathlib.Path to vae.Autoencoder
        By the folder where each is written. On how many there are depends by how many threads each is trained, and on
        that how weights are rounded; not on how many have ended before, or find room in memory at a time.
    images, train_rows, test_rows, recipe, seed, wide, held_out_rows
        As for `training.fit`.

    Returns
    -------
    dict of pandas.DataFrame
        By the folder, in the order of `models`, what `training.fit` gives.

    Raises
    ------
    TrainingError
        If one diverges or its process is lost; all go on from their checkpoints another time.
    """
    given = images, train_rows, test_rows, recipe, seed
    at_once = min(len(models), joblib.cpu_count())
    if at_once > 1 and backend.is_tensorflow_on_cpu():
        missing = {
            folder: model
            for folder, model in models.items()
            if not training.has_ended(model, *given, folder, wide, held_out_rows)
        }
        _fit_apart(missing, at_once, *given, wide=wide, held_out_rows=held_out_rows)
    # What was trained in another process is read back
    return {folder: training.fit(model, *given, folder, wide, held_out_rows) for folder, model in models.items()}


def _fit_apart(models, at_once, *given, **further):
    """Train models in processes, each by its share of the cores; what takes longest first."""
    ranked = dict(sorted(models.items(), key=lambda item: -_cost(item[1])))
    threads, room = joblib.cpu_count() // at_once, max(1, psutil.virtual_memory().available // ROOM)
    pool = joblib.Parallel(
        at_once, batch_size=1, pre_dispatch=min(at_once, room), return_as="generator_unordered",
        initializer=scheduling.limit_threads, initargs=(threads,), inner_max_num_threads=threads,
    )  # fmt: skip
    with progress.gather([_cost(model) for model in ranked.values()]) as reports:
        jobs = [
            joblib.delayed(_fit)(report, model.config, model.get_weights(), *given, folder=folder, **further)
            for report, (folder, model) in zip(reports, ranked.items(), strict=True)
        ]
        with _ending(pool(jobs)) as work:
            for messages in work:
                for message in messages:
                    warnings.warn(message, RunWarning, stacklevel=3)


def _cost(model):
    return kinds.get(model.config.kind).step_cost


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


def _fit(report, config, weights, *given, **further):
    """Train a model of these weights; give the warnings, which nobody sees here."""
    os.environ[progress.REPORT_VARIABLE] = str(report)
    model = vae.build(config)
    model.set_weights(weights)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RunWarning)
        training.fit(model, *given, **further)
    return [str(one.message) for one in caught if issubclass(one.category, RunWarning)]
