"""Decoder of the texture model: from what a picture is made of to a new one."""

import itertools

import numpy as np

from nanofoam_lib.models import backend, convolutions
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.upsampling import UpsampledConv2D

ops, layers = keras.ops, keras.layers

HIDDEN = 256  # units between z and what it modulates
DEEPER = (2, 2, 1)  # further convolutions at each level of the decoder, from the coarsest: pores are made there
NUCLEI = 0.75  # of the noise's channels at the two coarsest levels: where pores start


@keras.saving.register_keras_serializable("nanofoam")
class Torus(layers.Layer):
    """Continue maps beyond their border by one pixel, as if they were tiled: (N, h, w, C) → (N, h + 2, w + 2, C)."""

    def call(self, maps):
        """Put the last rows and columns before the first, and the first behind the last."""
        return _wrap(maps)

    def compute_output_shape(self, shape):
        """Add two to height and width."""
        return shape[0], shape[1] and shape[1] + 2, shape[2] and shape[2] + 2, shape[3]


@keras.saving.register_keras_serializable("nanofoam")
class Nuclei(layers.Layer):
    """Keep of most channels only the local maxima: points that stand apart from each other, as pores and grains do.

    Maps (N, h, w, C) → (N, h, w, C). In the last channels, `share` of all, a value stays where it is positive and none
    of the eight around it is larger, on a picture continued as if tiled; elsewhere it becomes 0. Of white noise this
    makes a hard-core point process, Matérn's second with the noise as age [1]_. Filters of the noise alone give
    labyrinths rather than pores.

    References
    ----------
    .. [1] D. Stoyan, W. S. Kendall, J. Mecke, Stochastic Geometry and its Applications (1995), section 5.4
    """

    def __init__(self, share=NUCLEI, **options):
        super().__init__(**options)
        self.share = share

    def call(self, maps):
        """Leave the first channels as they are, and thin out the others."""
        plain = maps.shape[-1] - int(self.share * maps.shape[-1])
        seeds = maps[..., plain:]
        highest = ops.max_pool(_wrap(seeds), 3, strides=1, padding="valid")
        return ops.concatenate([maps[..., :plain], ops.where(seeds >= highest, ops.relu(seeds), 0.0)], axis=-1)

    def compute_output_shape(self, shape):
        """Leave the shape."""
        return shape

    def get_config(self):
        """Give what `__init__` takes."""
        return super().get_config() | {"share": self.share}


@keras.saving.register_keras_serializable("nanofoam")
class AdaptiveNormalization(layers.Layer):
    """Bring every channel of every picture to mean 0 and variance 1, then scale and shift it [1]_.

    Maps (N, h, w, C), scale (N, C) and shift (N, C) → ``(1 + scale) (x − m) / s + shift``, maps (N, h, w, C).

    References
    ----------
    .. [1] X. Huang, S. Belongie, ICCV (2017) 1510, doi:10.1109/ICCV.2017.167
    """

    def call(self, inputs):
        """Normalise and modulate."""
        maps, scale, shift = inputs
        mean, variance = backend.moments(maps)
        factor = (1.0 + scale) * ops.cast(ops.rsqrt(variance + 1e-5), scale.dtype)
        offset = shift - ops.cast(mean, scale.dtype) * factor
        return maps * factor[:, None, None, :] + offset[:, None, None, :]

    def compute_output_shape(self, shapes):
        """Leave the maps' shape."""
        return shapes[0]


def build_decoder(config, seed):
    """Make the decoder: latents (N, latent_dim) and noise (N, S, S, 1) → images (N, S, S, 1) in [0, 1].

    Noise enters every level through a convolution whose kernel is as large as its stride; at the two coarsest, where
    pores begin, most of it as `Nuclei`. The picture is continued
    beyond its border as if tiled, so that it has no edge and S may be any multiple of the coarsest cell.
    """
    kernel = convolutions.seeded_kernels(seed + 1)
    latents, noise = keras.Input((config.latent_dim,), name="latents"), keras.Input((None, None, 1), name="noise")
    # What it is told of z: all, until `texture_encoder.start` knows which directions tell more than chance
    fixed = {"trainable": False, "dtype": "float32", "use_bias": False, "kernel_initializer": "identity"}
    told = layers.Dense(config.latent_dim, **fixed, name="told")(latents)
    style = layers.Dense(HIDDEN, activation="relu", **next(kernel), name="style")(told)
    levels = _levels(config.decoder_filters)
    channels = [filters for filters, deeper in levels for _ in range(1 + deeper) for _ in ("scale", "shift")]
    # All at once: a sum of as many gradients as there are layers has no order of its own, and no two trainings agree
    modulation = layers.Dense(sum(channels), name="modulation")(style)
    factors = iter(ops.split(modulation, np.cumsum(channels)[:-1].tolist(), axis=-1))
    x, cell = None, 2 ** len(config.decoder_filters)
    for level, (filters, deeper) in enumerate(levels, start=1):
        x = _add_grain(x, noise, filters, cell, kernel, level)
        x = _modulate(x, factors, f"{level}")
        for number in range(1, 1 + deeper):
            name = f"{level}_{number}"
            x = layers.Conv2D(filters, 3, use_bias=False, **next(kernel), name=f"conv_{name}")(_tiled(x, name))
            x = _modulate(x, factors, name)
        cell //= 2
    x = layers.Conv2D(1, 3, use_bias=False, **next(kernel), name="grey")(_tiled(x, "grey"))
    contrast = layers.Dense(2, kernel_initializer="zeros", name="contrast")(style)
    x = _modulate(x, iter(ops.split(contrast, 2, axis=-1)), "logits", activation="linear")
    decoder = keras.Model([latents, noise], layers.Activation("sigmoid", name="image")(x), name="decoder")
    drawn = [own["kernel_initializer"]((HIDDEN, n)) for n, own in zip(channels, kernel, strict=False)]
    starts = np.concatenate([ops.convert_to_numpy(own) for own in drawn], axis=1)
    decoder.get_layer("modulation").set_weights([starts, np.zeros(sum(channels))])
    return decoder


def _levels(decoder_filters):
    """List filters and further convolutions of each level, the coarsest first."""
    widths = *decoder_filters, max(decoder_filters[-1] // 2, 1)
    return list(itertools.zip_longest(widths, DEEPER[: len(widths)], fillvalue=0))


def least_weights(config):
    """Count the weights that encoder and decoder have at least: (int, int)."""
    told = config.latent_dim**2
    return 2 * config.latent_dim, told + convolutions.least_weights(config.decoder_filters)


def _add_grain(x, noise, filters, cell, kernel, level):
    """Bring noise to the resolution of a level, and add it to the enlarged maps of the level before."""
    grain = layers.Conv2D(filters, cell, strides=cell, **next(kernel), name=f"grain_{level}")(noise)
    if level <= 2:
        grain = Nuclei(name=f"nuclei_{level}")(grain)
    if x is None:
        return grain
    x = UpsampledConv2D(filters, use_bias=False, **next(kernel), name=f"up_{level}")(_tiled(x, f"up_{level}"))
    return layers.Add(name=f"add_{level}")([layers.Cropping2D(2, name=f"crop_{level}")(x), grain])


def _wrap(maps):
    maps = ops.concatenate([maps[:, -1:], maps, maps[:, :1]], axis=1)
    return ops.concatenate([maps[:, :, -1:], maps, maps[:, :, :1]], axis=2)


def _tiled(x, name):
    return Torus(name=f"torus_{name}")(x)


def _modulate(x, factors, name, activation="relu"):
    """Let the next two of what z says scale and shift the channels, and activate them."""
    x = AdaptiveNormalization(name=f"norm_{name}" if activation == "relu" else name)([x, next(factors), next(factors)])
    return layers.Activation(activation, name=f"{activation}_{name}")(x)
