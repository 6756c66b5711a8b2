"""Encoder and decoder of the thesis: latent vectors that say what stands in each place of an image."""

import functools

from nanofoam_lib.models import convolutions
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.convolutions import MOMENTUM, SIZE, seeded_kernels
from nanofoam_lib.models.normalization import BatchNormalization
from nanofoam_lib.models.upsampling import UpsampledConv2D

layers = keras.layers

# Where the heads start. With Glorot's weights and no bias, images start 0.06 apart under noise of σ = 1, and the
# decoder first learns to ignore its input; farther apart and with less noise it leaves that plateau sooner. The loss
# is the same.
HEAD_SCALE = 100.0  # variance of the weights of μ and conv, as a multiple of Glorot's
LOG_VAR_START = -4.0


def build_encoder(config, seed):
    """Make the encoder: images (N, 128, 128, 1) in [0, 1] → the heads of ``config.heads``, each (N, latent_dim)."""
    images, maps = convolutions.build(config.filters, seed)
    x = layers.Flatten(name="flatten")(maps[-1])
    heads = [_build_head(name, config.latent_dim, seed)(x) for name in config.heads]
    return keras.Model(images, heads if len(heads) > 1 else heads[0], name="encoder")


def _build_head(name, latent_dim, seed):
    if name == "log_var":
        kernel, bias = next(seeded_kernels(seed + 3)), keras.initializers.Constant(LOG_VAR_START)
    else:
        kernel, bias = next(seeded_kernels(seed + 2, HEAD_SCALE)), "zeros"
    return layers.Dense(latent_dim, **kernel, bias_initializer=bias, name=name)


def least_weights(config):
    """Count the weights that encoder and decoder have at least: (int, int)."""
    cells = (SIZE // 2 ** (len(config.filters) - 1)) ** 2
    heads = len(config.heads) * cells * config.filters[-1] * config.latent_dim
    spread = config.latent_dim * (SIZE // 2 ** len(config.decoder_filters)) ** 2 * config.decoder_filters[0]
    rest = (convolutions.least_weights(part) for part in (config.filters, config.decoder_filters))
    return tuple(own + other for own, other in zip((heads, spread), rest, strict=True))


def build_decoder(config, seed):
    """Make the decoder: latents (N, latent_dim) → images (N, 128, 128, 1) in [0, 1]."""
    kernel = seeded_kernels(seed + 1)
    side = SIZE // 2 ** len(config.decoder_filters)
    depth = config.decoder_filters[0]
    latents = keras.Input((config.latent_dim,), name="latents")
    x = layers.Dense(side * side * depth, **next(kernel), name="spread")(latents)
    x = layers.Reshape((side, side, depth), name="reshape")(x)
    # Mean and variance of a map do not change when its pixels are repeated: normalised first and enlarged after, by
    # the next convolution, it is the same map
    convolution = functools.partial(layers.Conv2D, kernel_size=3, padding="same")
    for level, filters in enumerate(config.decoder_filters, start=1):
        x = convolution(filters, activation="relu", **next(kernel), name=f"conv_{level}")(x)
        x = BatchNormalization(momentum=MOMENTUM, name=f"norm_{level}")(x)
        convolution = UpsampledConv2D
    x = convolution(1, **next(kernel), name="logits")(x)
    return keras.Model(latents, layers.Activation("sigmoid", name="image")(x), name="decoder")
