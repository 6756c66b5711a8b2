"""Keras, imported quietly, with the backend's defaults set in one place."""

import contextlib
import functools
import logging
import os
import platform
import sys
import weakref

import numpy as np

#: Batches from which on tracing a model takes less time than it saves.
TRACED_FROM = 6
_traced = weakref.WeakKeyDictionary()

# TensorFlow is the tested default; KERAS_BACKEND=jax or torch chooses another before the first import
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves oneDNN off where AVX2 is all there is; it is faster there, too (`reports/benchmarks.md`)
if platform.machine().lower() in ("x86_64", "amd64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


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

    if keras.backend.backend() == "tensorflow":  # each model is a function of its own, and no loop that traces anew
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # The first tensor starts the devices, which is when the rest of the log lines appear
    keras.ops.convert_to_numpy(keras.ops.zeros(1))


def jit_compile():
    """Whether to compile training steps with XLA: never on TensorFlow's CPU, where it is slower; else Keras decides.

    Returns
    -------
    bool or str
        A value for ``Model.compile(jit_compile=...)``.
    """
    return False if is_tensorflow_on_cpu() else "auto"


def forward(model, n_batches):
    """Give the function that applies a model to a batch, as it is used after training.

    On TensorFlow it is traced where many batches repay that, once for each model: the same numbers in half the time.

    Parameters
    ----------
    model : keras.Model
    n_batches : int
        How many batches there will be.

    Returns
    -------
    callable
    """
    if keras.backend.backend() != "tensorflow" or n_batches < TRACED_FROM:
        return functools.partial(model, training=False)
    if model not in _traced:
        import tensorflow as tf

        itself = weakref.ref(model)  # what is traced must not keep alive the model that it is kept for
        _traced[model] = tf.function(lambda batch: itself()(batch, training=False), reduce_retracing=True)
    return _traced[model]


def traced_once(function):
    """Let TensorFlow trace a function of one tensor once, whatever graph it is part of, and for any number of rows.

    Where a layer is hundreds of small operations, each function that a model is part of (a step of training, one of
    watching, encoding) otherwise spends seconds on listing them again, and whatever is not traced runs one by one.

    Parameters
    ----------
    function : callable
        Of a tensor, without variables.

    Returns
    -------
    callable
        On other backends the function itself.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    traced = tf.function(function, autograph=False)

    @functools.wraps(function)
    def call(x):
        x = tf.convert_to_tensor(x)
        return traced.get_concrete_function(tf.TensorSpec([None, *x.shape[1:]], x.dtype))(x)

    return call


def count(codes, n):
    """Count how often each whole number below `n` occurs in the last axis of int32 `codes` (M, K): int32 (M, n)."""
    if keras.backend.backend() != "tensorflow":
        return keras.ops.sum(keras.ops.one_hot(codes, n, dtype="int32"), axis=1)
    import tensorflow as tf

    return tf.math.bincount(codes, minlength=n, maxlength=n, axis=-1)


def normalised(maps, scale, offset, epsilon):
    """Normalise a batch of float32 maps (n, h, w, C) on TensorFlow: the maps, and mean and variance, each (C,)."""
    import tensorflow as tf

    found, mean, unbiased = tf.compat.v1.nn.fused_batch_norm(maps, scale, offset, epsilon=epsilon, is_training=True)
    n = tf.cast(tf.size(maps) // tf.size(scale), tf.float32)
    return found, mean, unbiased * (n - 1) / n


def moments(maps):
    """Give the mean and the variance of each channel over all places, in float32 whatever the maps' precision.

    On TensorFlow their gradient is one tensor instead of three: where a tensor has three gradients or more, TensorFlow
    adds them in whichever order saves memory, which timing decides, and no two trainings agree to the last bit.

    Parameters
    ----------
    maps : tensor of float, shape (N, ..., C)

    Returns
    -------
    mean, variance : tensor of float32, shape (N, C)
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_moments()(maps)
    return keras.ops.moments(keras.ops.cast(maps, "float32"), axes=tuple(range(1, len(maps.shape) - 1)))


@functools.cache
def _tensorflow_moments():
    import tensorflow as tf

    @tf.custom_gradient
    def moments(maps):
        axes = range(1, len(maps.shape) - 1)
        exact = tf.cast(maps, tf.float32)
        mean = tf.reduce_mean(exact, axes, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(exact, mean), axes, keepdims=True)

        def gradient(of_mean, of_variance):
            n = tf.cast(tf.size(maps) // tf.size(mean), tf.float32)
            slope, level = (tf.reshape(own / n, tf.shape(mean)) for own in (2 * of_variance, of_mean))
            return tf.cast(exact * slope + (level - mean * slope), maps.dtype)

        return (tf.squeeze(mean, [*axes]), tf.squeeze(variance, [*axes])), gradient

    return moments


def branches(x, n):
    """Give a tensor n times, for as many uses: TensorFlow then adds their gradients in this order (see `moments`)."""
    return _tensorflow_branches(n)(x) if keras.backend.backend() == "tensorflow" else (x,) * n


@functools.cache
def _tensorflow_branches(n):
    import tensorflow as tf

    @tf.custom_gradient
    def branches(x):
        def gradient(*given):
            total, *others = (tf.raw_ops.Snapshot(input=own) for own in given)
            for other in others:
                total = tf.raw_ops.Snapshot(input=total + other)  # which no optimiser of graphs takes for a longer sum
            return total

        return tuple(tf.identity(x) for _ in range(n)), gradient

    return branches


def adam(learning_rate, clip_norm, **options):
    """Make the optimiser Adam, which clips the norm of all gradients together.

    On TensorFlow's CPU it updates each weight in one pass over memory instead of Keras's dozen: the same formula, and
    a third of the time, which counts where small batches meet large Dense layers.

    Parameters
    ----------
    learning_rate, clip_norm : float
    **options
        Of `keras.optimizers.Adam`.

    Returns
    -------
    keras.optimizers.Adam
    """
    kind = _one_pass_adam() if is_tensorflow_on_cpu() and strategy() is None else keras.optimizers.Adam
    with scope():
        return kind(learning_rate, global_clipnorm=clip_norm, **options)


@functools.cache
def strategy():
    """Give TensorFlow's strategy for training on several devices of one machine, or None where there is only one.

    The devices are the GPUs that TensorFlow sees; without any, the CPUs: more than one only where somebody has split
    the CPU into logical devices before this module was imported.

    Returns
    -------
    tf.distribute.MirroredStrategy or None
    """
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices]) if len(devices) > 1 else None


def scope():
    """Give the context in which models and optimisers must be made: that of `strategy`, or one that does nothing."""
    return strategy().scope() if strategy() else contextlib.nullcontext()


def is_tensorflow_on_cpu():
    """Tell whether TensorFlow runs, and sees no GPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def _one_pass_adam():
    import tensorflow as tf

    class OnePassAdam(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            index = self._get_variable_index(variable)
            step = tf.cast(self.iterations + 1, tf.float32)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                beta1_power=self.beta_1**step,
                beta2_power=self.beta_2**step,
                lr=learning_rate,
                beta1=self.beta_1,
                beta2=self.beta_2,
                epsilon=self.epsilon,
                grad=gradient,
            )

    return OnePassAdam


def sort(values):
    """Sort along the second axis, differentiably.

    On TensorFlow's CPU numpy sorts, several times as fast: TensorFlow itself sorts by its `top_k`. The order, which
    takes three times as long to find as the sorted values, is only looked for where a gradient asks for it.

    Parameters
    ----------
    values : tensor of float, shape (N, n, ...)

    Returns
    -------
    tensor of float, shape (N, n, ...)
        The smallest first. The gradient of each sorted value goes to where the value stood.
    """
    return _numpy_sort()(values) if is_tensorflow_on_cpu() else keras.ops.sort(values, axis=1)


@functools.cache
def _numpy_sort():
    import tensorflow as tf

    def put_back(gradient, values):
        given = np.empty_like(gradient)
        np.put_along_axis(given, np.argsort(values, axis=1), gradient, axis=1)
        return given

    @tf.custom_gradient
    def sort(values):
        found = tf.numpy_function(lambda own: np.sort(own, axis=1), [values], values.dtype, stateful=False)

        def gradient(upstream):
            given = tf.numpy_function(put_back, [upstream, values], upstream.dtype, stateful=False)
            return tf.ensure_shape(given, values.shape)

        return tf.ensure_shape(found, values.shape), gradient

    return sort


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
