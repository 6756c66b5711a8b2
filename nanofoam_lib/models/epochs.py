"""One epoch: a model is compiled, corrected batch by batch, and watched on images that it is not trained on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base.errors import TrainingError
from nanofoam_lib.models import backend, device_epochs, devices, objective, recipes, texture, vae
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.recipes import Recipe

#: Images of a side, evenly drawn, whose loss is told: a distance of statistics takes as long as twenty pictures, and
#: nothing depends on it.
WATCHED = 64
CLIP_NORM = 1e4  # of the gradient of a loss that sums over 16384 pixels: cuts the rare outlier only


def compile_with(
    model: keras.Model, learning_rate: float, adam: Mapping[str, Any] | None = None, **options: Any
) -> None:
    """Compile a model with `backend.adam`, which takes the options `adam`; others are of ``Model.compile``."""
    optimizer = backend.adam(learning_rate, CLIP_NORM, **(adam or {}))
    model.compile(optimizer, jit_compile=backend.jit_compile(), **options)
    with backend.scope():
        model.optimizer.build(model.trainable_variables)  # made while the first step is traced, they cost another trace


def compile_autoencoder(model: vae.Autoencoder, learning_rate: float) -> None:
    """Prepare a `vae.Autoencoder` for `run_epoch` and `evaluate`."""
    compile_with(model, learning_rate)
    devices.prepare(model, np.zeros((1, vae.SIZE, vae.SIZE, 1), np.float32))


def compile_duel(model: texture.Duel) -> None:
    """Prepare a texture model against a critic for `run_epoch` and `evaluate`."""
    compile_with(model, texture.LEARNING_RATE, texture.ADAM)
    devices.prepare(model, np.zeros((1, vae.SIZE, vae.SIZE, 1), np.float32))


def run_epoch(
    model: vae.Autoencoder,
    images: NDArray[np.uint8] | device_epochs.Held,
    rows: NDArray[np.int_],
    recipe: Recipe,
    key: tuple[int, int],
) -> dict[str, float]:
    """Train a compiled `vae.Autoencoder` on each of the rows once, but for those that fill no batch.

    Parameters
    ----------
    model : vae.Autoencoder
    images : ndarray of uint8, shape (N, S, S), or device_epochs.Held
        S is at least 128; windows of 128 are cut out. Where they are held by the device, all steps are one call.
    rows : ndarray of int
    recipe : Recipe
    key : (int, int)
        Seed and epoch: order, augmentation and noise follow from them alone.

    Returns
    -------
    dict of float
        As `evaluate` gives it, and the loss of the ``critic`` where there is one.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite; at the end of the epoch where all steps are one call.
    """
    seed_noise(model, key)
    if isinstance(images, device_epochs.Held):
        steps = images.train(*recipes.drawn(images, rows, recipe, key))
    else:
        batches = (batch for _, batch in recipes.batches(images, rows, recipe, key))
        steps = ((len(own), model.train_on_batch(devices.shared(own), return_dict=True)) for own in batches)
    logs = []
    for size, own in steps:
        logs.append((size, own))
        check_finite(model, own["loss"], key[1])
    return _average(model, logs) | ({"critic": mean(logs, "critic")} if isinstance(model, texture.Duel) else {})


def evaluate(
    model: vae.Autoencoder,
    images: NDArray[np.uint8] | device_epochs.Held,
    rows: NDArray[np.int_],
    batch_size: int = 16,
    seed: int = 0,
) -> dict[str, float]:
    """Compute the loss of a compiled model on images as they are, without augmentation.

    Returns
    -------
    dict of float
        ``total``, ``reconstruction`` and ``kl`` in nats per image; the noise of z follows from `seed` alone.
    """
    seed_noise(model, (seed, 0))
    if isinstance(images, device_epochs.Held):
        return _average(model, list(images.test(rows, batch_size)))
    batches = recipes.plain_batches(images, rows, batch_size)
    logs = [(len(batch), model.test_on_batch(devices.shared(batch), return_dict=True)) for _, batch in batches]
    return _average(model, logs)


def check_finite(model: keras.Model, loss: float, epoch: int) -> None:
    """Raise `TrainingError` if the loss of a batch is not finite."""
    if not math.isfinite(loss):
        raise TrainingError(
            f"training of {model.name} diverged in epoch {epoch} (loss {loss}); "
            f"lower learning_rate (now {float(model.optimizer.learning_rate):g}) or look for odd images"
        )


def seed_noise(model: vae.Autoencoder, key: tuple[int, int]) -> None:
    """Restart the noise of z from `key`, so that an epoch does not depend on the ones before."""
    state = np.random.SeedSequence(key).generate_state(2)
    model.noise.state.assign(keras.ops.convert_to_tensor(state, dtype=model.noise.state.dtype))


def _average(model, logs):
    """Average the losses of batches, given as (size, losses), over images: Keras starts its means anew each batch.

    The total is put together from its parts: Keras's own mean of it counts the unequal shares of two devices alike.
    """
    reconstruction = mean(logs, "reconstruction")
    kl = mean(logs, "kl") if model.config.is_variational else math.nan
    total = objective.total(reconstruction, kl if model.config.is_variational else None, model.config.beta)
    return {"total": total, "reconstruction": reconstruction, "kl": kl}


def mean(logs: Sequence[tuple[int, Mapping[str, float]]], name: str) -> float:
    """Average one of the losses of batches, given as (size, losses), over images."""
    return float(np.average([own[name] for _, own in logs], weights=[size for size, _ in logs]))
