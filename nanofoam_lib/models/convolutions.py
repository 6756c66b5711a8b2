"""What the networks of every kind begin with: the thesis's four convolutions, and weights that follow from a seed."""

import itertools

from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.normalization import BatchNormalization

layers = keras.layers

SIZE = 128  # side of an image in pixels
MOMENTUM = 0.9  # of the running means of BatchNormalization: small data sets have few steps per epoch to settle them


def build(filters, seed, images=None):
    """Build the convolutions of an encoder or a classifier (thesis section 4.1).

    Parameters
    ----------
    filters : sequence of int
        First layer first; a 2×2 max-pooling follows every layer but the last.
    seed : int
    images : KerasTensor, shape (None, 128, 128, 1), optional
        What they see; a new input if not given.

    Returns
    -------
    images : KerasTensor
    maps : list of KerasTensor
        What each convolution gives after its ReLU and, but for the last, ``features``, its pooling.
    """
    kernel = seeded_kernels(seed)
    images = x = keras.Input((SIZE, SIZE, 1), name="images") if images is None else images
    maps = []
    for level, n_filters in enumerate(filters[:-1], start=1):
        x = layers.Conv2D(n_filters, 3, padding="same", **next(kernel), name=f"conv_{level}")(x)
        # The maximum of the ReLU is the ReLU of the maximum: on a quarter of the pixels
        x = layers.MaxPooling2D(name=f"pool_{level}")(x)
        maps.append(layers.Activation("relu", name=f"relu_{level}")(x))
        x = BatchNormalization(momentum=MOMENTUM, name=f"norm_{level}")(maps[-1])
    maps.append(layers.Conv2D(filters[-1], 3, padding="same", activation="relu", **next(kernel), name="features")(x))
    return images, maps


def least_weights(filters):
    """Count the weights of 3×3 convolutions one after the other, but for the first and without biases."""
    return sum(9 * before * after for before, after in itertools.pairwise(filters))


def seeded_kernels(seed, scale=1.0):
    """Yield the layers' Glorot initializers, each with its own seed: no global state decides the weights."""
    for number in itertools.count(1000 * seed):
        uniform = keras.initializers.VarianceScaling(scale, mode="fan_avg", distribution="uniform", seed=number)
        yield {"kernel_initializer": uniform}
