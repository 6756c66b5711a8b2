"""Encoder and decoder of the texture model: what an image is made of, not where it lies."""

from nanofoam_lib import convolutions
from nanofoam_lib.backend import keras
from nanofoam_lib.convolutions import MOMENTUM, SIZE
from nanofoam_lib.upsampling import UpsampledConv2D

ops, layers = keras.ops, keras.layers

HIDDEN = 256  # units between the statistics and the heads
LOG_VAR_START = -4.0
_FAINT = 1e-3  # standard deviation of a feature map that counts as none


@keras.saving.register_keras_serializable("nanofoam")
class SpatialStatistics(layers.Layer):
    """Pool maps over space: per channel the mean and the logarithm of the standard deviation.

    Maps (N, h, w, C) → (N, 2 C). The outermost `border` cells, which see the zeros beyond the image, do not count.
    """

    def __init__(self, border=2, **options):
        super().__init__(**options)
        self.border = border

    def call(self, maps):
        """Give the means of all channels, then the logarithms."""
        inner = maps[:, self.border : -self.border, self.border : -self.border]
        mean, square = ops.mean(inner, axis=(1, 2)), ops.mean(ops.square(inner), axis=(1, 2))
        variance = ops.maximum(square - ops.square(mean), 0.0)
        return ops.concatenate([mean, 0.5 * ops.log(variance + _FAINT**2)], axis=-1)

    def get_config(self):
        """Give what `__init__` takes."""
        return super().get_config() | {"border": self.border}


@keras.saving.register_keras_serializable("nanofoam")
class Torus(layers.Layer):
    """Continue maps beyond their border by one pixel, as if they were tiled: (N, h, w, C) → (N, h + 2, w + 2, C)."""

    def call(self, maps):
        """Put the last rows and columns before the first, and the first behind the last."""
        maps = ops.concatenate([maps[:, -1:], maps, maps[:, :1]], axis=1)
        return ops.concatenate([maps[:, :, -1:], maps, maps[:, :, :1]], axis=2)

    def compute_output_shape(self, shape):
        """Add two to height and width."""
        return shape[0], shape[1] and shape[1] + 2, shape[2] and shape[2] + 2, shape[3]


def build_encoder(config, seed):
    images = keras.Input((SIZE, SIZE, 1), name="images")
    # Brightness and contrast of a micrograph are the microscope's
    normal = layers.GroupNormalization(1, epsilon=1e-4, center=False, scale=False, name="contrast")(images)
    _, maps = convolutions.build(config.filters, seed, normal)
    statistics = [SpatialStatistics(name=f"statistics_{i}")(own) for i, own in enumerate(maps, start=1)]
    statistics.append(SpatialStatistics(border=1, name="statistics_0")(images))
    x = layers.Concatenate(name="statistics")(statistics)
    x = layers.BatchNormalization(momentum=MOMENTUM, center=False, scale=False, name="norm")(x)
    kernel = convolutions.seeded_kernels(seed + 2)
    hidden = layers.Dense(HIDDEN, activation="relu", **next(kernel), name="hidden")(x)
    x = layers.Concatenate(name="both")([x, hidden])
    mu = layers.Dense(config.latent_dim, **next(kernel), name="mu")(x)
    start = keras.initializers.Constant(LOG_VAR_START)
    log_var = layers.Dense(config.latent_dim, bias_initializer=start, kernel_initializer="zeros", name="log_var")(x)
    return keras.Model(images, [mu, log_var], name="encoder")


def build_decoder(config, seed):
    kernel = convolutions.seeded_kernels(seed + 1)
    latents = keras.Input((config.latent_dim,), name="latents")
    noise = keras.Input((None, None, 1), name="noise")
    style = layers.Dense(HIDDEN, activation="relu", **next(kernel), name="style")(latents)
    widths = [*config.decoder_filters, config.decoder_filters[-1] // 2]
    x, cell = None, 2 ** len(config.decoder_filters)
    for level, filters in enumerate(widths, start=1):
        grain = layers.Conv2D(filters, cell, strides=cell, **next(kernel), name=f"grain_{level}")(noise)
        if x is not None:
            x = layers.Cropping2D(2)(UpsampledConv2D(filters, **next(kernel), name=f"up_{level}")(Torus()(x)))
            grain = layers.Add(name=f"add_{level}")([x, grain])
        x = _modulated(grain, style, filters, kernel, f"{level}a")
        for extra in range(EXTRA[level - 1]):
            x = layers.Conv2D(filters, 3, use_bias=False, **next(kernel), name=f"conv_{level}_{extra}")(Torus()(x))
            x = _modulated(x, style, filters, kernel, f"{level}b{extra}")
        cell //= 2
    x = layers.Conv2D(1, 3, use_bias=False, **next(kernel), name="last")(Torus(name="torus_last")(x))
    scale = layers.Dense(1, kernel_initializer="zeros", name="contrast")(style)
    shift = layers.Dense(1, kernel_initializer="zeros", name="grey")(style)
    x = AdaptiveNormalization(name="logits")([x, scale, shift])
    return keras.Model([latents, noise], layers.Activation("sigmoid", name="image")(x), name="decoder")


EXTRA = (2, 2, 1, 0)


@keras.saving.register_keras_serializable("nanofoam")
class AdaptiveNormalization(layers.Layer):
    """Give every channel a mean and spread of its own."""

    def call(self, inputs):
        maps, scale, shift = inputs
        mean, square = ops.mean(maps, axis=(1, 2)), ops.mean(ops.square(maps), axis=(1, 2))
        factor = (1.0 + scale) * ops.rsqrt(ops.maximum(square - ops.square(mean), 0.0) + 1e-5)
        return maps * factor[:, None, None, :] + (shift - mean * factor)[:, None, None, :]

    def compute_output_shape(self, shapes):
        return shapes[0]


def _modulated(x, style, filters, kernel, name):
    scale = layers.Dense(filters, **next(kernel), name=f"scale_{name}")(style)
    shift = layers.Dense(filters, **next(kernel), name=f"shift_{name}")(style)
    x = AdaptiveNormalization(name=f"modulation_{name}")([x, scale, shift])
    return layers.Activation("relu", name=f"relu_{name}")(x)
