"""Keras, imported quietly, with the backend's defaults set in one place."""

import contextlib
import os
import sys

# TensorFlow is the tested default; KERAS_BACKEND=jax or torch chooses another before the first import
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def _muted_stderr():
    """Send file descriptor 2 to nowhere: TensorFlow's C++ start-up lines escape Python's redirection."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _muted_stderr():
    import keras

    # The first tensor starts the devices, which is when the rest of the log lines appear
    keras.ops.convert_to_numpy(keras.ops.zeros(1))


def jit_compile():
    """Whether to compile training steps with XLA: never on TensorFlow's CPU, where it is slower; else Keras decides.

    Returns
    -------
    bool or str
        A value for ``Model.compile(jit_compile=...)``.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return False
    return "auto"


def gradient(function, x):
    """Differentiate a scalar function of one tensor, on whichever backend runs: a tensor shaped like `x`."""
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x)
    if name == "jax":
        import jax

        return jax.grad(function)(x)
    import torch

    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x), x)[0]
