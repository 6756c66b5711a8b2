"""Features of convolutional networks: pooled maps of the trained encoder, and networks that learnt from photographs."""

import contextlib
import pathlib
import socket
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.models import backend, descriptors, timm_networks, vae
from nanofoam_lib.models.backend import keras

#: Module of ``keras.applications`` in which each backbone lives.
BACKBONES = {
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "ResNet50": "resnet",
    "DenseNet121": "densenet",
    "EfficientNetB0": "efficientnet",
}
TIMM = "timm:"  # begins the name of a network of `timm_networks`
BATCH_SIZE = 32
_MAP_BYTES = 2**28  # of feature maps held at once by `pooled_features`
_TIMEOUT = 20.0  # seconds without an answer after which a download counts as failed


def pooled_features(encoder: keras.Model, images: NDArray[Any]) -> NDArray[np.float32]:
    """Pool every feature map over space: the cheap descriptor that does not care where in the image something is.

    Parameters
    ----------
    encoder : keras.Model
        Encoder of a `vae.Autoencoder`, trained or not.
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1].

    Returns
    -------
    ndarray of float32, shape (N, 2 Σ filters)
        For each convolution in turn the means of its channels (after the ReLU), then their standard deviations.

    Raises
    ------
    ValueError
        If the images are not as described.
    """
    ops = keras.ops
    maps = [layer.output for layer in encoder.layers if isinstance(layer, keras.layers.Conv2D)]
    model = keras.Model(encoder.input, maps)
    bytes_per_image = 4 * sum(int(np.prod(output.shape[1:])) for output in maps)
    batch_size = int(np.clip(_MAP_BYTES // bytes_per_image, 1, BATCH_SIZE))
    pooled = np.empty((len(images), 2 * sum(output.shape[-1] for output in maps)), np.float32)
    forward = backend.forward(model, len(images) // batch_size)
    for rows, batch in descriptors.batches(images, batch_size):
        outputs = forward(batch)
        parts = [pool(ops.relu(output), axis=(1, 2)) for output in outputs for pool in (ops.mean, ops.std)]
        pooled[rows] = ops.convert_to_numpy(ops.concatenate(parts, axis=1))
    return pooled


def supervised(classifier: keras.Model, images: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Describe images by what the same layers make of them when trained with labels, for the same epochs.

    Parameters
    ----------
    classifier : keras.Model
        As `vae.classifier` makes it.
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1].

    Returns
    -------
    features : ndarray of float32, shape (N, F)
        What the scores are computed from.
    scores : ndarray of float32, shape (N, C)
        Scores of the classes, before the softmax.
    """
    pooled = classifier.get_layer("pooled").output
    features, scores = descriptors.heads(keras.Model(classifier.input, [pooled, classifier.output]), images).values()
    return features, scores


def of_run(run: Run, images: NDArray[Any]) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Give what `supervised` gives of a run's classifier; None twice where it has none, since there is one class."""
    return supervised(vae.load_classifier(run.classifier), images) if run.classifier.exists() else (None, None)


def deep_features(name: str, images: NDArray[Any], seed: int = 0) -> NDArray[np.float32]:
    """Describe images by the last features of a network trained on photographs, averaged over space.

    Parameters
    ----------
    name : str
        One of `BACKBONES`, such as "VGG16": with ImageNet weights, which Keras downloads at the first use and keeps in
        its own folder. "VGG16=FILE.h5": with the weights in that file, made for the network without its top.
        "random-VGG16": with random weights. "timm:resnest50d", "timm:resnest50d=FILE.safetensors" and
        "random-timm:resnest50d": any network that timm knows (`timm_networks.deep_features`), of the extra
        ``backbones``.
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1]. Grey goes into all three colour channels.
    seed : int
        Of the random weights, where they are asked for.

    Returns
    -------
    ndarray of float32, shape (N, F)
        F is 512 for VGG, else 2048, 1024 or 1280; a network of timm has its own.

    Raises
    ------
    UsageError
        If there is no such backbone.
    DataError
        If its weights cannot be had.
    ValueError
        If the images are not as described.
    """
    backbone, is_random, path = _parse(name)
    if backbone.startswith(TIMM):
        return timm_networks.deep_features(backbone.removeprefix(TIMM), images, path, seed if is_random else None)
    return describe(build(name, seed), backbone, images)


def describe(model: keras.Model, backbone: str, images: memmap.Rows) -> NDArray[np.float32]:
    """Give what `model`, one that `build` has made for this backbone, makes of images: float32 (N, F)."""
    features = np.empty((len(images), model.output_shape[-1]), np.float32)
    forward = backend.forward(model, len(images) // BATCH_SIZE)
    for rows, batch in descriptors.batches(images, BATCH_SIZE):
        features[rows] = keras.ops.convert_to_numpy(forward(to_input(backbone, batch)))
    return features


def to_input(backbone: str, batch: NDArray[np.float32]) -> Any:
    """Turn grey in [0, 1], (n, 128, 128, 1), into the three channels that one of `BACKBONES` takes."""
    module = getattr(keras.applications, BACKBONES[backbone])
    return module.preprocess_input(np.repeat(255 * batch, 3, axis=-1))


def build(name: str, seed: int = 0) -> keras.Model:
    """Make the network of `deep_features`, which says what `name` and `seed` are and what is raised; none of timm."""
    backbone, is_random, path = _parse(name)
    if backbone not in BACKBONES:
        raise UsageError(f"fine_tune: backbone {name!r} cannot be retrained; only {', '.join(BACKBONES)} can")
    make = getattr(getattr(keras.applications, BACKBONES[backbone]), backbone)
    if is_random or path is not None:
        model = make(weights=None, include_top=False, pooling="avg", input_shape=(vae.SIZE, vae.SIZE, 3))
        _draw_kernels(model, seed) if is_random else _load(model, backbone, path)
        return model
    try:
        with _timeout():
            return make(weights="imagenet", include_top=False, pooling="avg", input_shape=(vae.SIZE, vae.SIZE, 3))
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise DataError(
            f"{backbone}: its ImageNet weights cannot be downloaded ({_first_line(error)}); give a weights file, as in "
            f"{backbone}=FILE.h5"
        ) from error


def bare(name: str) -> str:
    """Give what network is meant by a name of `deep_features`, whatever its weights: "VGG16" for "random-VGG16"."""
    return _parse(name)[0]


def _parse(name):
    """Take a name of `deep_features` apart: backbone, whether its weights are random, path of its weights or None."""
    backbone, equals, path = name.partition("=")
    is_random = backbone.startswith("random-")
    backbone = backbone.removeprefix("random-")
    if not (backbone in BACKBONES or backbone.startswith(TIMM)) or (is_random and equals):
        raise UsageError(
            f"backbone {name!r} is not known; expected {', '.join(BACKBONES)} or {TIMM}NAME, with =FILE after or "
            "random- before it"
        )
    path = pathlib.Path(path) if equals else None
    if path is not None:
        _check_file(path, backbone, timm_networks.SUFFIXES if backbone.startswith(TIMM) else (".h5",))
    return backbone, is_random, path


def _check_file(path: pathlib.Path, backbone: str, suffixes: Collection[str]) -> None:
    """Raise DataError unless there is such a file, of a kind that holds numbers and no code."""
    if path.suffix not in suffixes:
        raise DataError(f"{path}: the weights of {backbone} must come as a {' or '.join(suffixes)} file")
    if not path.is_file():
        raise DataError(f"{path}: no such file; the weights of {backbone} were to be read from it")


def _draw_kernels(model, seed):
    """Replace the kernels, which `keras.applications` draws from a global state, by those of this seed."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            # He's scale keeps the signal alive through many layers; a depthwise kernel sums over no channels
            fan_in = np.prod(weight.shape[:2] if weight.shape[-1] == 1 else weight.shape[:-1])
            weight.assign(rng.standard_normal(weight.shape, np.float32) * np.float32(np.sqrt(2 / fan_in)))


def _load(model, backbone, path):
    try:
        model.load_weights(path)
    except Exception as error:  # which kind depends on where the file stops making sense
        raise DataError(
            f"{path}: does not hold weights of {backbone} without its top ({_first_line(error)})"
        ) from error


@contextlib.contextmanager
def _timeout():
    """Let no connection hang: Keras sets no limit of its own."""
    kept = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(kept)


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
