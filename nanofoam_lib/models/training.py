"""Train a model, epoch by epoch, with a history that can be read back."""

import dataclasses
import itertools
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap, provenance
from nanofoam_lib.base.errors import RunWarning, TrainingError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import splits
from nanofoam_lib.models import backend, checkpoints, descriptors, devices, epoch_loop, mixed_precision, objective, vae
from nanofoam_lib.models.backend import keras

#: Loss in nats, per image: total = reconstruction + beta * kl; first on the train images, then on the test images.
HISTORY_COLUMNS = ("epoch", "total", "reconstruction", "kl", "test_total", "test_reconstruction", "test_kl")

CLIP_NORM = 1e4  # of the gradient of a loss that sums over 16384 pixels: cuts the rare outlier only


def fit(
    model: vae.Autoencoder,
    images: NDArray[np.uint8],
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    epochs: int,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    seed: int = 0,
    folder: StrPath | None = None,
    precision: str = "float32",
) -> pd.DataFrame:
    """Train with Adam on flipped and rotated images, and watch the loss on held-out ones.

    Parameters
    ----------
    model : vae.Autoencoder
        As `vae.build` makes it; changed in place.
    images : ndarray of uint8, shape (N, 128, 128)
        May be memory-mapped.
    train_rows, test_rows : array-like of int
        Rows of `images`. The test rows are only watched: nothing is chosen by them but the copy in ``best/``.
    epochs, batch_size : int
    learning_rate : float
    seed : int
        Order, augmentation and noise of epoch e follow from (seed, e) alone.
    folder : path-like, optional
        Where to write the model: as it ends (`vae.save`), ``history.csv`` after every epoch, and, in ``best/``, as it
        was at the lowest total loss on the test images.
    precision : {"float32", "bfloat16", "auto"}
        Precision of the training steps, see `mixed_precision.choose`. The model itself stays one of float32.

    Returns
    -------
    pandas.DataFrame
        One row per epoch, columns `HISTORY_COLUMNS`.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite.

    Notes
    -----
    A training that was killed goes on from its last checkpoint in `folder` when it is called again with the same
    arguments, and ends with the same weights, bit for bit. One that had ended is read back. What decides whether it is
    the same: the weights at the start, the images, the recipe and the code; `epochs` may change before the end.
    """
    train_rows, test_rows = np.asarray(train_rows), np.asarray(test_rows)
    compile_autoencoder(model, learning_rate)
    precision = mixed_precision.choose(precision)

    def one_epoch(epoch):
        with mixed_precision.computing(model, precision):
            train = run_epoch(model, images, train_rows, batch_size, (seed, epoch))
        test = evaluate(model, images, test_rows, batch_size, seed)
        return {"epoch": epoch, **train, **{f"test_{name}": value for name, value in test.items()}}

    data = _blocks(images, train_rows, test_rows)
    identity = _identify(model, data, batch_size, learning_rate, seed, precision)
    return epoch_loop.run(model, one_epoch, epochs, folder, identity, "test_total", vae.save, vae.load)


def fit_classifier(
    model: keras.Model,
    images: NDArray[np.uint8],
    classes: ArrayLike,
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    epochs: int,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    seed: int = 0,
    folder: StrPath | None = None,
    precision: str = "float32",
) -> pd.DataFrame:
    """Train a supervised classifier like `fit` trains an autoencoder: same augmentation, same optimiser.

    Parameters
    ----------
    model : keras.Model
        As `vae.classifier` makes it; changed in place.
    images : ndarray of uint8, shape (N, 128, 128)
    classes : ndarray of int, shape (N,)
        Number of each image's class.
    train_rows, test_rows, epochs, batch_size, learning_rate, seed, precision
        See `fit`.
    folder : path-like, optional
        Where to write the model, as it ends and, in ``best/``, at the lowest loss on the test images
        (`vae.save_classifier`), and ``history.csv``. A killed training goes on as one of `fit` does.

    Returns
    -------
    pandas.DataFrame
        One row per epoch, columns epoch, loss (cross-entropy in nats), accuracy, test_loss, test_accuracy.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite.
    """
    train_rows, test_rows, classes = (np.asarray(values) for values in (train_rows, test_rows, classes))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    _compile(model, learning_rate, loss=loss, metrics=["accuracy"])
    devices.prepare(model, descriptors.to_input(images[:1]), classes[:1])
    precision = mixed_precision.choose(precision)

    def one_epoch(epoch):
        train, test = [], []
        with mixed_precision.computing(model, precision):
            for rows, batch in _batches(images, train_rows, batch_size, (seed, epoch)):
                logs = model.train_on_batch(devices.shared(batch), devices.shared(classes[rows]), return_dict=True)
                train.append((len(batch), logs))
                _check_finite(model, train[-1][1]["loss"], epoch)
        for rows, batch in _plain_batches(images, test_rows, batch_size):
            logs = model.test_on_batch(devices.shared(batch), devices.shared(classes[rows]), return_dict=True)
            test.append((len(batch), logs))
        sides = (("", train), ("test_", test))
        return {"epoch": epoch} | {side + name: _mean(logs, name) for side, logs in sides for name in logs[0][1]}

    data = itertools.chain(_blocks(images, train_rows, test_rows), (classes[train_rows], classes[test_rows]))
    identity = _identify(model, data, batch_size, learning_rate, seed, precision)
    return epoch_loop.run(
        model, one_epoch, epochs, folder, identity, "test_loss", vae.save_classifier, vae.load_classifier
    )


def compile_autoencoder(model: vae.Autoencoder, learning_rate: float) -> None:
    """Prepare a `vae.Autoencoder` for `run_epoch` and `evaluate`."""
    _compile(model, learning_rate)
    devices.prepare(model, np.zeros((1, vae.SIZE, vae.SIZE, 1), np.float32))


def run_epoch(
    model: vae.Autoencoder, images: NDArray[np.uint8], rows: NDArray[np.int_], batch_size: int, key: tuple[int, int]
) -> dict[str, float]:
    """Train a compiled `vae.Autoencoder` on each of the rows once.

    Parameters
    ----------
    model : vae.Autoencoder
    images : ndarray of uint8, shape (N, 128, 128)
    rows : ndarray of int
    batch_size : int
    key : (int, int)
        Seed and epoch: order, augmentation and noise follow from them alone.

    Returns
    -------
    dict of float
        As `evaluate` gives it.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite.
    """
    _seed_noise(model, key)
    logs = []
    for _, batch in _batches(images, rows, batch_size, key):
        logs.append((len(batch), model.train_on_batch(devices.shared(batch), return_dict=True)))
        _check_finite(model, logs[-1][1]["loss"], key[1])
    return _average(model, logs)


def evaluate(
    model: vae.Autoencoder, images: NDArray[np.uint8], rows: NDArray[np.int_], batch_size: int = 16, seed: int = 0
) -> dict[str, float]:
    """Compute the loss of a compiled model on images as they are, without augmentation.

    Returns
    -------
    dict of float
        ``total``, ``reconstruction`` and ``kl`` in nats per image; the noise of z follows from `seed` alone.
    """
    _seed_noise(model, (seed, 0))
    batches = _plain_batches(images, rows, batch_size)
    logs = [(len(batch), model.test_on_batch(devices.shared(batch), return_dict=True)) for _, batch in batches]
    return _average(model, logs)


def summarise(
    histories: Mapping[str, pd.DataFrame], encoded: Mapping[str, Mapping[str, NDArray[Any]]], precision: str = "float32"
) -> pd.DataFrame:
    """Sum up trained models, one row each, and warn (`RunWarning`) of a VAE without an active dimension.

    Parameters
    ----------
    histories : dict
        Name of the model → history, as `fit` returns it.
    encoded : dict
        Name of the model → its descriptors of the train images.
    precision : str
        What `fit` was told.

    Returns
    -------
    pandas.DataFrame
        Columns model, epochs, best_epoch (lowest test loss), active (latent dimensions, `objective.usage`; missing for
        a plain autoencoder), precision (that of the training steps), then the losses after the last epoch.
    """
    rows = []
    for name, history in histories.items():
        best = history.loc[history["test_total"].idxmin(), "epoch"]
        own = encoded[name]
        active = int(objective.usage(own["mu"], own["sigma"])["active"].sum()) if "mu" in own else None
        warn_if_collapsed(name, active)
        row = {"model": name, "epochs": len(history), "best_epoch": best, "active": active}
        row["precision"] = mixed_precision.choose(precision)
        rows.append(row | history.iloc[-1].drop("epoch").to_dict())
    return pd.DataFrame(rows).astype({"best_epoch": int, "active": "Int64"})


def warn_if_collapsed(name: str, active: int | None) -> None:
    """Warn (`RunWarning`) if the model called `name` has no active latent dimension."""
    if active == 0:
        warnings.warn(
            f"{name} has collapsed: no latent dimension is active; lower beta or train longer", RunWarning, stacklevel=2
        )


def _compile(model, learning_rate, **options):
    model.compile(backend.adam(learning_rate, CLIP_NORM), jit_compile=backend.jit_compile(), **options)
    with backend.scope():
        model.optimizer.build(model.trainable_variables)  # made while the first step is traced, they cost another trace


def _identify(model, data, *recipe):
    """Name a training by what decides its result: weights at the start, data, recipe, code and versions."""
    code = provenance.hash_modules("from nanofoam_lib.models import training", without=("base",))
    config = dataclasses.asdict(model.config) if isinstance(model, vae.Autoencoder) else None
    arrays = itertools.chain(model.get_weights(), data)
    return checkpoints.identify(arrays, config, recipe, code, keras.__version__, keras.backend.backend())


def _blocks(images, *parts):
    """Yield the rows that each part lists, in blocks that fit into memory."""
    for rows in parts:
        yield rows
        yield from (memmap.take(images, rows[start : start + 1024]) for start in range(0, len(rows), 1024))


def _check_finite(model, loss, epoch):
    if not math.isfinite(loss):
        raise TrainingError(
            f"training of {model.name} diverged in epoch {epoch} (loss {loss}); "
            f"lower learning_rate (now {float(model.optimizer.learning_rate):g}) or look for odd images"
        )


def _batches(images, rows, batch_size, key):
    """Yield rows and augmented images in random order; order and augmentation follow from `key` alone."""
    rng = np.random.default_rng(key)
    order = rng.permutation(rows)
    for start in range(0, len(order), batch_size):
        own = order[start : start + batch_size]
        yield own, descriptors.to_input(splits.augment(memmap.take(images, own), rng))


def _plain_batches(images, rows, batch_size):
    """Yield rows and images as they are, in order."""
    for start in range(0, len(rows), batch_size):
        own = rows[start : start + batch_size]
        yield own, descriptors.to_input(memmap.take(images, own))


def _seed_noise(model, key):
    """Restart the noise of z from `key`, so that an epoch does not depend on the ones before."""
    state = np.random.SeedSequence(key).generate_state(2)
    model.noise.state.assign(keras.ops.convert_to_tensor(state, dtype=model.noise.state.dtype))


def _average(model, logs):
    """Average the losses of batches, given as (size, losses), over images: Keras starts its means anew each batch.

    The total is put together from its parts: Keras's own mean of it counts the unequal shares of two devices alike.
    """
    reconstruction = _mean(logs, "reconstruction")
    kl = _mean(logs, "kl") if model.config.is_variational else math.nan
    total = objective.total(reconstruction, kl if model.config.is_variational else None, model.config.beta)
    return {"total": total, "reconstruction": reconstruction, "kl": kl}


def _mean(logs, name):
    return float(np.average([own[name] for _, own in logs], weights=[size for size, _ in logs]))
