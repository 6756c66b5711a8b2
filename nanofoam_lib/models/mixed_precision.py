"""The precision of training steps: float32, or bfloat16 where the processor or the GPU has instructions for it.

Only the products of a training step are of lower precision. Weights, losses, statistics of maps, the watched test loss
and everything that a trained model is used for stay in float32.
"""

import contextlib
import functools
import os
import pathlib

from nanofoam_lib.models import backend, devices
from nanofoam_lib.models.backend import keras

#: What may be asked for; "auto" is what the environment variable `VARIABLE` says or, without it, bfloat16 where it was
#: measured to be faster (`reports/benchmarks.md`), else float32.
PRECISIONS = ("auto", "float32", "bfloat16")
VARIABLE = "NANOFOAM_PRECISION"
#: Flags of processors that multiply bfloat16 faster than float32. Without these it is slower.
FLAGS = {"avx512_bf16", "amx_bf16"}
#: Compute capability from which on NVIDIA's GPUs do.
CAPABILITY = (8, 0)


def choose(wanted="auto"):
    """Decide which precision a training takes.

    Parameters
    ----------
    wanted : {"auto", "float32", "bfloat16"}

    Returns
    -------
    {"float32", "bfloat16"}

    Raises
    ------
    ValueError
        If there is no such precision.
    """
    if wanted == "auto":
        wanted = os.environ.get(VARIABLE, wanted)
    if wanted not in PRECISIONS:
        raise ValueError(f"precision ({VARIABLE}) must be one of {', '.join(PRECISIONS)}, not {wanted!r}")
    if wanted != "auto":
        return wanted
    if backend.is_tensorflow_on_cpu():
        return "bfloat16" if FLAGS & _processor_flags() else "float32"
    return "bfloat16" if (devices.compute_capability() or (0, 0)) >= CAPABILITY else "float32"


@contextlib.contextmanager
def computing(model, precision):
    """Let the layers of a model compute in "float32" or "bfloat16"; afterwards in what they did before.

    What counts is when a function of the model is traced: its first call decides for all later ones.
    """
    layers = [layer for layer in _leaves(model) if not _is_exact(layer)] if precision == "bfloat16" else []
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = "mixed_bfloat16"
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def _is_exact(layer):
    """Tell whether a layer needs more than eight bits: statistics that are fixed, and the mean and variance of grey."""
    return not layer.trainable or isinstance(layer, keras.layers.GroupNormalization)


def _leaves(model):
    """List the layers of a model and of the models in it, each once."""
    found = {}
    for layer in model.layers:
        found |= {id(own): own for own in (_leaves(layer) if isinstance(layer, keras.Model) else [layer])}
    return list(found.values())


@functools.cache
def _processor_flags():
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
