"""Where the bottleneck of a pixel autoencoder starts: at the principal components of its own feature maps.

Between convolutions of random weights and a decoder of random weights, the latent vectors say nothing, and the loss
falls first by drawing the same grey picture for all: a plateau that takes a thousand steps to leave. Random
convolutions keep what an image shows, though, and of their last feature map the principal components hold most. Begun
there, the latents carry the coarse picture before the first step, and the decoder learns to draw it from them.
"""

import math

import numpy as np
from sklearn.decomposition import PCA

from nanofoam_lib.models import devices
from nanofoam_lib.models.backend import keras

BATCH = 32
FAINTEST = 1e-3  # spread of a component, as a share of the first's, below which it is taken for noise of the arithmetic


def n_samples(latent_dim):
    """Count the images that `start` wants: some for each component, and enough for the means of the feature maps."""
    return max(512, 2 * latent_dim)


def start(model, images, seed=0):
    """Set the head that a latent vector comes from, and the decoder's first layer, by a PCA of the last feature map.

    Parameters
    ----------
    model : vae.Autoencoder
        With fresh weights, of the thesis's layers; changed in place. Its normalisations are calibrated first
        (`calibrate`), since every later step uses what an image is beside others.
    images : ndarray of float32, shape (n, 128, 128, 1)
        Of the train side, in [0, 1].
    seed : int
        Of the directions in which channels are mixed where encoder and decoder differ in their number.

    Returns
    -------
    float
        Share of the feature maps' variance that the components hold.

    Notes
    -----
    With the components as the rows of V, their standard deviations s and the mean map A₀, the head becomes
    ``μ = V (A − A₀) / s`` and the decoder's first layer ``A₀ + Vᵀ (s μ)``: μ has mean 0 and variance 1, as the prior
    wants it. Dimensions beyond the number of components keep their weights.
    """
    calibrate(model.encoder, images)
    maps = _feature_maps(model.encoder, images)
    flat = maps.reshape(len(maps), -1)
    pca = PCA(min(model.config.latent_dim, len(flat) - 1), svd_solver="randomized", random_state=seed).fit(flat)
    spread = np.sqrt(pca.explained_variance_)
    n = int((spread > FAINTEST * spread[0]).sum())
    axes, spread = pca.components_[:n], spread[:n, None]

    head = model.encoder.get_layer(model.config.heads[0])
    kernel, bias = head.get_weights()
    kernel[:, :n] = (axes / spread).T
    bias[:n] = -pca.mean_ @ kernel[:, :n]
    head.set_weights([kernel, bias])

    first = model.decoder.get_layer("spread")
    kernel, _ = first.get_weights()
    depth = model.config.decoder_filters[0]
    kernel[:n] = _to_depth((axes * spread).reshape(n, *maps.shape[1:]), depth, seed).reshape(n, -1)
    first.set_weights([kernel, _to_depth(pca.mean_.reshape(maps.shape[1:]), depth, seed).reshape(-1)])
    return float(pca.explained_variance_ratio_[:n].sum())


def calibrate(network, images):
    """Give every batch normalisation of a network the mean and variance that images have there; weights stay.

    Parameters
    ----------
    network : keras.Model
        Changed in place.
    images : ndarray of float32, shape (n, 128, 128, 1)
        Means and variances are averaged over their batches.
    """
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    devices.synchronise(network, on=False)
    for number in range(math.ceil(len(images) / BATCH)):
        for layer in norms:
            layer.momentum = number / (number + 1)  # the running average becomes the mean of all batches
        network(images[number * BATCH : (number + 1) * BATCH], training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    devices.synchronise(network)


def _feature_maps(encoder, images):
    """Compute the last feature maps: ndarray (n, h, w, C)."""
    inner = keras.Model(encoder.input, encoder.get_layer("features").output)
    batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    return np.concatenate([keras.ops.convert_to_numpy(inner(batch, training=False)) for batch in batches])


def _to_depth(maps, depth, seed):
    """Bring maps (…, C) to another number of channels by mixing them at random; the same number stays as it is."""
    channels = maps.shape[-1]
    if channels == depth:
        return maps
    mixing = np.random.default_rng(seed).normal(size=(channels, depth)) / math.sqrt(channels)
    return maps @ mixing.astype(maps.dtype)
