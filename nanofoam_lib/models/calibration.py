"""Fresh networks as a fair control: what they know before anything is learnt, but for the scale of their inputs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.models import descriptors, vae
from nanofoam_lib.models.backend import keras

MOST_IMAGES = 1024  # evenly drawn: more of them do not move a mean
_BATCH = 64


def fresh(config: vae.Config, images: memmap.Rows, train: ArrayLike, seed: int = 0) -> vae.Autoencoder:
    """Build a model with random weights whose batch normalisation knows the images.

    Parameters
    ----------
    config : vae.Config
    images : ndarray of uint8, or augmentation.Chosen of it, shape (N, 128, 128)
    train : array-like of bool, shape (N,)
        The images that it is calibrated on; no label is looked at.
    seed : int
        Of the weights.

    Returns
    -------
    vae.Autoencoder
        As it was built, its normalisation would take every feature map for one of mean 0 and variance 1, and a network
        that is trained would be ahead by that alone.
    """
    model = vae.build(config, seed)
    rows = memmap.evenly(np.flatnonzero(np.asarray(train, bool)), MOST_IMAGES)
    calibrate(model.encoder, descriptors.to_input(memmap.take(images, rows)))
    return model


def calibrate(network: keras.Model, pictures: NDArray[np.float32]) -> None:
    """Set the running means and variances of a network's batch normalisation to those of some pictures, in place.

    Parameters
    ----------
    network : keras.Model
    pictures : ndarray of float32, shape (n, 128, 128, 1)
        Means over batches of 64 and the rest: each batch counts alike.
    """
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    kept = [layer.momentum for layer in norms]
    for number in range(-(-len(pictures) // _BATCH)) if norms else ():
        for layer in norms:
            layer.momentum = number / (number + 1)
        network(pictures[number * _BATCH : (number + 1) * _BATCH], training=True)
    for layer, momentum in zip(norms, kept, strict=True):
        layer.momentum = momentum
