"""Encoder of the texture model: fixed statistics, seen along axes that were learnt from thousands of structures.

Nothing of μ is trained on the images of a run, be they 20 or 2000, so that it can neither learn a few micrographs by
heart nor burst on others. What was tried instead, and what it gave, is in ``reports/descriptors.md``.
"""

import pathlib

import numpy as np

from nanofoam_lib.latent import specimen_axes
from nanofoam_lib.models import texture_statistics
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.convolutions import SIZE

ops, layers = keras.ops, keras.layers

#: Made by ``tests/benchmarks/pretrain.py`` from procedural structures (`images.structures`).
AXES = pathlib.Path(__file__).with_name("texture_axes.npz")
N_AXES = 80  # that are looked along: on the rest, specimens vary by less than a quarter of what pictures of one do
#: Of the variance of μ, all dimensions together, that brightness takes, and as much contrast: enough for the decoder to
#: draw a picture as bright as its image, too little for a classifier to see.
GREY_VARIANCE = 0.9
LOG_VAR_START = -4.0  # noise small beside the spread of μ, so that z tells much from the beginning
LOG_VAR_REACH = 3.0  # how far from there log σ² can go, whatever the image
N_GREY = 2
_BATCH = 32
_SAME = 1e-3  # spread of brightness or contrast of images that do not differ in it
_SEED = 20261128  # of the rotation: the same for every model, so that their μ can be compared


@keras.saving.register_keras_serializable("nanofoam")
class GreyStatistics(layers.Layer):
    """Give mean and logarithm of the standard deviation of grey: images (N, h, w, 1) → (N, 2)."""

    def call(self, images):
        """Give both; a picture without contrast counts as one whose grey varies by 0.001."""
        mean, variance = ops.mean(images, axis=(1, 2)), ops.var(images, axis=(1, 2))
        return ops.concatenate([mean, 0.5 * ops.log(variance + 1e-6)], axis=-1)


@keras.saving.register_keras_serializable("nanofoam")
class BoundedLogVar(layers.Layer):
    """Keep log σ² within `LOG_VAR_START` ± `LOG_VAR_REACH`, smoothly: an unseen image cannot burst it."""

    def call(self, slopes):
        """Bend what the layer before gives: ``start + reach tanh(x / reach)``."""
        return LOG_VAR_START + LOG_VAR_REACH * ops.tanh(slopes / LOG_VAR_REACH)


def build_encoder(config, seed):
    """Make the encoder: images (N, 128, 128, 1) in [0, 1] → [mu, log_var], each (N, latent_dim).

    The image is brought to mean 0 and variance 1, since brightness and contrast are the microscope's. The means of its
    `texture_statistics.LocalStatistics`, the layer ``features``, are seen along the `specimen_axes` that ship with the
    package; μ is a rotation of these, so that each of its dimensions holds something of every axis and distances stay
    as they are. log σ² starts the same for all images and is trained.

    Brightness and contrast count nothing before `start`, and then `GREY_VARIANCE`.
    """
    images = keras.Input((SIZE, SIZE, 1), name="images")
    fixed = {"trainable": False, "dtype": "float32"}
    shipped = specimen_axes.load(AXES)
    n_axes = min(N_AXES, max(config.latent_dim - N_GREY, 1))
    along = layers.Dense(n_axes, name="axes", **fixed)(texture_statistics.describe(images))
    grey = GreyStatistics(name="grey", **fixed)(images)
    known = layers.Concatenate(name="known", **fixed)([along, grey])
    mu = layers.Dense(config.latent_dim, name="mu", **fixed)(known)
    slopes = layers.Dense(config.latent_dim, kernel_initializer="zeros", name="log_var_slopes")(along)
    encoder = keras.Model(images, [mu, BoundedLogVar(name="log_var")(slopes)], name="encoder")
    axes = shipped.axes[:, :n_axes]
    encoder.get_layer("axes").set_weights([axes, -shipped.mean @ axes])
    spread = np.sqrt((shipped.ratio[:n_axes] + 1).sum() / config.latent_dim)
    kernel = np.concatenate([_directions(config.latent_dim)[:n_axes] / spread, np.zeros((N_GREY, config.latent_dim))])
    encoder.get_layer("mu").set_weights([kernel, np.zeros(config.latent_dim)])
    return encoder


def start(model, images, seed=0):
    """Move and scale μ to mean 0 and mean variance 1 over some images, and tell the decoder what of it counts.

    Parameters
    ----------
    model : vae.Autoencoder
        With an encoder of `build_encoder`; changed in place. Distances between μ keep their ratios.
    images : ndarray of float32, shape (n, 128, 128, 1)
        Of the train side, in [0, 1]. Images that are all the same are moved, but not scaled.
    seed : int
        Not used: nothing is drawn.

    Notes
    -----
    Along the axes pictures of one specimen vary by 1, so that a direction in which these images vary by λ tells
    (λ − 1) / λ of it about the material (Wiener's filter) and nothing where λ is below 1. The decoder's layer ``told``
    lets so much of it pass. Of what differs by chance alone it would learn nothing but where the train images lie: in
    many such directions none is near their mean, and there it drew what it had never been corrected on.
    """
    known = keras.Model(model.encoder.input, model.encoder.get_layer("known").output)
    batches = (images[first : first + _BATCH] for first in range(0, len(images), _BATCH))
    coordinates = np.concatenate([ops.convert_to_numpy(known(batch, training=False)) for batch in batches])
    head = model.encoder.get_layer("mu")
    kernel, _ = head.get_weights()
    directions = _directions(model.config.latent_dim)
    n_axes = len(kernel) - N_GREY
    for number, spread in enumerate(coordinates[:, n_axes:].std(axis=0)):
        if n_axes + number < len(directions):
            kernel[n_axes + number] = np.sqrt(GREY_VARIANCE) / max(spread, _SAME) * directions[n_axes + number]
    along = coordinates[:, :n_axes] @ kernel[:n_axes]
    grey = np.var(coordinates[:, n_axes:] @ kernel[n_axes:], axis=0).sum()
    spread = np.sqrt(np.var(along, axis=0).sum() / max(model.config.latent_dim - grey, 1))
    kernel[:n_axes] /= spread if spread > 0 else 1
    head.set_weights([kernel, -coordinates.mean(axis=0) @ kernel])
    model.decoder.get_layer("told").set_weights([_filter(coordinates[:, :n_axes], directions)])


def _filter(coordinates, directions):
    """Make the filter of `start` in the latent space, through which brightness and contrast pass: (D, D)."""
    n_axes = coordinates.shape[1]
    variances, own = np.linalg.eigh(np.cov(coordinates.T, bias=True).reshape(n_axes, n_axes))
    share = np.maximum(variances - 1, 0) / np.maximum(variances, 1)
    along, grey = directions[:n_axes], directions[n_axes : n_axes + N_GREY]
    return along.T @ (own * share) @ own.T @ along + grey.T @ grey


def _directions(latent_dim):
    """Draw orthogonal directions of length 1 in the latent space: (latent_dim, latent_dim)."""
    return np.linalg.qr(np.random.default_rng(_SEED).standard_normal((latent_dim, latent_dim)))[0]
