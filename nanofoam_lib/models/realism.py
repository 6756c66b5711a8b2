"""How far from real images a model's pictures are: the gauge of `traversal`, and an error that suits the model."""

import dataclasses

import numpy as np
import pandas as pd

from nanofoam_lib.latent import traversal
from nanofoam_lib.models import descriptors, kinds, vae


@dataclasses.dataclass(frozen=True, eq=False)
class Yardstick:
    """What a model's pictures are judged by; made by `fit`.

    Attributes
    ----------
    model : vae.Autoencoder
    gauge : traversal.Gauge
    images : ndarray of uint8, shape (n, 128, 128)
        The train images, rows as in ``gauge.train``.
    """

    model: vae.Autoencoder
    gauge: traversal.Gauge
    images: np.ndarray

    @property
    def error(self):
        """Name of the error that suits the model."""
        return kinds.get(self.model.config.kind).error


def fit(model, images, mu, train, test):
    """Judge the pictures that a model makes of held-out images, and so learn what may be expected of others.

    Parameters
    ----------
    model : vae.Autoencoder
        A variational one.
    images : ndarray of uint8, shape (N, 128, 128)
    mu : ndarray, shape (N, D)
    train, test : ndarray of bool or int
        Rows of the train and of the held-out images.

    Returns
    -------
    yardstick : Yardstick
    real : pandas.DataFrame
        What `measure` gives for the held-out images.
    decoded : ndarray of float32, shape (m, 128, 128)
        Their reconstructions.
    """
    unlimited = Yardstick(model, traversal.surround(mu[train]), images[train])
    decoded = descriptors.decode(model, mu[test])
    found = measure(unlimited, mu[test], decoded)
    gauge = traversal.set_limits(unlimited.gauge, found["distance"], found[unlimited.error])
    real = found.assign(extrapolation=traversal.is_beyond(gauge, found["distance"], found[unlimited.error]))
    return dataclasses.replace(unlimited, gauge=gauge), real, decoded


def measure(yardstick, points, pictures):
    """Tell how far from real images each point and its picture are.

    Parameters
    ----------
    yardstick : Yardstick
    points : array_like, shape (N, D)
        Latent vectors that were decoded.
    pictures : ndarray of float, shape (N, 128, 128)
        In [0, 1].

    Returns
    -------
    pandas.DataFrame
        ``distance``, as `traversal.locate` gives it. ``cycle_error`` of a VAE: how far from the point the encoder
        places the picture, in units of the spacing of the train vectors there; large where the decoder cannot draw
        what the point asks for. Or ``statistics_error`` of a texture model: how far the picture's texture is from that
        of the nearest train image (`spatial_statistics.distance`); 1 lies between two micrographs of one specimen of
        synthetic foam. ``extrapolation``, whether either number exceeds the 99th percentile of real held-out images.
    """
    points = np.asarray(points, float)
    distance, unit, nearest = traversal.locate(yardstick.gauge, points)
    if yardstick.error == kinds.CYCLE:
        error = np.linalg.norm(descriptors.encode(yardstick.model, pictures)["mu"] - points, axis=1) / unit
    else:  # a texture model's picture never equals its image
        error = descriptors.texture_distance(yardstick.images[nearest] / np.float32(255), pictures)
    beyond = traversal.is_beyond(yardstick.gauge, distance, error)
    return pd.DataFrame({"distance": distance, yardstick.error: error, "extrapolation": beyond})
