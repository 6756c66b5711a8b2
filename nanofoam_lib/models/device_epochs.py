"""Whole epochs in one call: the images lie on the device, which augments them and goes from step to step by itself.

A GPU takes milliseconds for a step. A batch that is cut out and sent there by Python, and a call for each, take longer:
the device waits. Here an epoch is one compiled loop, and what goes to and fro is what was drawn (`augmentation.draw`)
and the losses. Steps are those of Keras's own trainer, in the same order, on the same batches, as one by one.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.images import augmentation
from nanofoam_lib.models import backend, devices
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.convolutions import SIZE

ops = keras.ops

#: What the network takes for each value of a pixel. Looked up, since XLA multiplies by 1/255 instead of dividing.
GREYS = np.arange(256, dtype=np.float32) / np.float32(255)
SHARE = 0.2  # of the device's memory, for one array of images
LIMIT = 2 * 2**30  # bytes of them, where a device does not say how much memory it has


class Held:
    """Images that a device holds, and the compiled loops that train and test a model on them.

    Parameters
    ----------
    model : keras.Model
        Compiled. Each loop is traced when it is first called, in the precision of that moment
        (`mixed_precision.computing`), and again only for other numbers of images.
    images : ndarray of uint8, shape (N, S, S)
        S is at least 128.

    Attributes
    ----------
    shape : tuple of int
        Of the images.
    """

    def __init__(self, model: keras.Model, images: NDArray[np.uint8]) -> None:
        self.shape = images.shape
        self._images = ops.convert_to_tensor(memmap.take(images, slice(None)))
        make = {"jax": _with_jax, "tensorflow": _with_tensorflow}[keras.backend.backend()]
        model(keras.KerasTensor((1, SIZE, SIZE, 1)))  # builds it: a loop has no place to make variables
        self._loops = {name: make(model, getattr(model, f"{name}_step")) for name in ("train", "test")}

    def train(
        self, rows: NDArray[np.int_], corners: NDArray[np.int_], elements: NDArray[np.int_]
    ) -> Iterator[tuple[int, dict[str, float]]]:
        """Train on windows of the images, one batch of n after another.

        Parameters
        ----------
        rows : ndarray of int, shape (steps, n)
        corners : ndarray of int, shape (steps, n, 2)
        elements : ndarray of int, shape (steps, n)
            Of each image, as `augmentation.draw` gives them.

        Yields
        ------
        int, dict of float
            Size and losses of each batch. All have been trained on before the first is given.
        """
        return self._run("train", (rows, corners, elements), len(rows) * rows.shape[1], rows.shape[1])

    def test(self, rows: NDArray[np.int_], batch_size: int) -> Iterator[tuple[int, dict[str, float]]]:
        """Test on images as they are, in order; the last batch may be smaller. Yields what `train` does."""
        full = len(rows) // batch_size * batch_size
        shaped = rows[:full].reshape(-1, batch_size)
        return self._run("test", (shaped,), len(rows), batch_size, (rows[full:],))

    def _run(self, name, full, n, batch_size, rest=()):
        full, rest = (tuple(own.astype(np.int32) for own in drawn) for drawn in (full, rest))
        logs = self._loops[name](self._images, full, rest)
        logs = {name: ops.convert_to_numpy(values) for name, values in logs.items()}
        for step, start in enumerate(range(0, n, batch_size)):
            yield min(batch_size, n - start), {name: float(values[step]) for name, values in logs.items()}


def hold(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.uint8] | Held:
    """Give the images to an accelerator, if they fit there, for epochs in one call; else give them back.

    They stay where they are on CPUs, which would compute the convolutions within a loop on one core (JAX: seven times
    slower); with several devices (`backend.strategy`), between which single batches are dealt out; and with PyTorch,
    which compiles no loops.
    """
    has_loops = keras.backend.backend() in ("jax", "tensorflow") and backend.strategy() is None
    memory = devices.memory()
    fits = images.nbytes <= (LIMIT if memory is None else SHARE * memory)
    return Held(model, images) if has_loops and devices.accelerator() and fits else images


def take(images: Any, rows: Any, corners: Any = None, elements: Any = None) -> Any:
    """Make a batch of images as the network takes it, on the device: what `augmentation.augment` makes, bit for bit.

    Parameters
    ----------
    images : tensor of uint8, shape (N, S, S)
    rows : tensor of int32, shape (n,)
    corners : tensor of int32, shape (n, 2), optional
    elements : tensor of int32, shape (n,), optional
        As `augmentation.draw` gives them; without them, images of S = 128 stay as they are.

    Returns
    -------
    tensor of float32, shape (n, 128, 128, 1)
        In [0, 1].
    """
    n, side = rows.shape[0], images.shape[1]
    batch = ops.take(images, rows, axis=0)
    if corners is not None:
        # Where each pixel of the result lies in the flat batch: its image, its window, its place in there
        starts = side * (side * ops.arange(n, dtype="int32") + corners[:, 0]) + corners[:, 1]
        places = ops.take(ops.convert_to_tensor(_turned_places(side)), elements, axis=0)
        batch = ops.take(ops.reshape(batch, (-1,)), starts[:, None] + places)
    greys = ops.convert_to_tensor(GREYS)
    return ops.take(greys, ops.cast(ops.reshape(batch, (n, SIZE, SIZE, 1)), "int32"))


@functools.cache
def _turned_places(side):
    """List where the pixels of a turned window lie in a flat image whose corner it shares: int32 (8, 128 · 128)."""
    window = side * np.arange(SIZE, dtype=np.int32)[:, None] + np.arange(SIZE, dtype=np.int32)
    return augmentation.dihedral(np.repeat(window[None], 8, axis=0), range(8)).reshape(8, -1)


def _with_jax(model: keras.Model, step: Callable) -> Callable:
    """Make the loop over a step of Keras's trainer, which takes the state of the model and gives the next one."""
    import jax

    sides = [model.trainable_variables, model.non_trainable_variables]
    sides += [model.optimizer.variables] if step == model.train_step else []

    def run(state, metrics, images, full, rest):
        def one(state, drawn):
            # Means over a batch, not since the epoch began: metrics start anew with each, as in ``train_on_batch``
            logs, (*state, _) = step((*state, metrics), (take(images, *drawn),))
            return [list(side) for side in state], logs

        state, logs = jax.lax.scan(one, state, full)
        if rest and len(rest[0]):
            state, last = one(state, rest)
            logs = {name: jax.numpy.append(values, last[name]) for name, values in logs.items()}
        return state, logs

    compiled = jax.jit(run, donate_argnums=0)

    def loop(images, full, rest):
        model.reset_metrics()
        metrics = [variable.value for variable in model.metrics_variables]
        state, logs = compiled([[own.value for own in side] for side in sides], metrics, images, full, rest)
        for side, values in zip(sides, state, strict=True):
            for variable, value in zip(side, values, strict=True):
                variable.assign(value)
        return logs

    return loop


def _with_tensorflow(model: keras.Model, step: Callable) -> Callable:
    """Make the loop over a step of Keras's trainer, which changes the variables in place."""
    import tensorflow as tf

    kinds = {metric.name: tf.float32 for metric in model.metrics}

    @tf.function(jit_compile=model.jit_compile)
    def one(images, *drawn):
        model.reset_metrics()
        return step((take(images, *drawn),))

    @tf.function
    def loop(images, full, rest):
        logs = tf.map_fn(lambda drawn: one(images, *drawn), full, fn_output_signature=kinds, parallel_iterations=1)
        if rest and len(rest[0]):
            last = one(images, *rest)
            logs = {name: tf.concat([values, last[name][None]], 0) for name, values in logs.items()}
        return logs

    def on_tensors(images, full, rest):
        return loop(images, *(tuple(map(tf.constant, drawn)) for drawn in (full, rest)))

    return on_tensors
