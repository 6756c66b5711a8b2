import numpy as np
import pytest

from nanofoam_lib.models import calibration, vae
from nanofoam_lib.models.backend import keras

TINY = vae.Config(latent_dim=2, filters=(3, 4, 4), decoder_filters=(4, 3))


def test_a_fresh_network_normalises_what_the_train_images_give(textures):
    """As built, it takes every map for one of mean 0 and variance 1, which none is."""
    images, train = textures[0], np.arange(24) % 3 > 0
    encoder = calibration.fresh(TINY, images, train, seed=1).encoder
    for layer in (layer for layer in encoder.layers if isinstance(layer, keras.layers.BatchNormalization)):
        pictures = (images[train] / np.float32(255))[..., None]
        maps = keras.ops.convert_to_numpy(keras.Model(encoder.input, layer.input)(pictures, training=False))
        mean, variance = (keras.ops.convert_to_numpy(v) for v in (layer.moving_mean, layer.moving_variance))
        np.testing.assert_allclose(mean, maps.mean(axis=(0, 1, 2)), rtol=1e-2, atol=1e-4)
        np.testing.assert_allclose(variance, maps.var(axis=(0, 1, 2)), rtol=2e-2, atol=1e-6)
        assert layer.momentum == pytest.approx(0.9)


def test_calibration_looks_at_train_images_alone_and_learns_nothing(textures):
    images, train = textures[0].copy(), np.arange(24) % 3 > 0
    first = calibration.fresh(TINY, images, train, seed=1)
    images[~train] = 0
    again = calibration.fresh(TINY, images, train, seed=1)
    for one, other in zip(first.encoder.get_weights(), again.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    built = vae.build(TINY, 1).encoder
    for one, other in zip(first.encoder.trainable_weights, built.trainable_weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))


def test_batches_of_any_size_count_alike(textures, monkeypatch):
    images, train = textures[0], np.ones(24, bool)
    whole = calibration.fresh(TINY, images, train, seed=1).encoder.get_layer("norm_1").moving_mean
    monkeypatch.setattr(calibration, "_BATCH", 8)
    parts = calibration.fresh(TINY, images, train, seed=1).encoder.get_layer("norm_1").moving_mean
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(value) for value in (whole, parts)), rtol=1e-5)
