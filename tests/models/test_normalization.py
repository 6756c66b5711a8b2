"""Batch normalisation in one pass: Keras's numbers, and what is saved is Keras's, too."""

import keras
import numpy as np
import pytest

from nanofoam_lib.models import backend
from nanofoam_lib.models.normalization import BatchNormalization

MAPS = np.random.default_rng(1).normal(3.0, 2.0, (4, 8, 6, 3)).astype(np.float32)


def _pair():
    """Make ours and Keras's layer with the same weights, none of them 0 or 1."""
    pair = [kind(momentum=0.9) for kind in (BatchNormalization, keras.layers.BatchNormalization)]
    for layer in pair:
        layer.build(MAPS.shape)
        layer.set_weights([np.array(own, np.float32) for own in ([2, 0.5, -1], [1, 0, 3], [0.1, 1, 2], [1, 4, 0.5])])
    return pair


@pytest.mark.parametrize("training", [True, False])
def test_maps_and_running_moments_are_those_of_keras(training):
    ours, plain = _pair()
    ours_found, found = (np.asarray(layer(MAPS, training=training)) for layer in (ours, plain))
    np.testing.assert_allclose(ours_found, found, atol=2e-5)
    for own, other in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)


def test_gradients_are_those_of_keras():
    towards = np.random.default_rng(2).normal(size=MAPS.shape).astype(np.float32)
    ours, plain = (
        np.asarray(
            backend.gradient(
                lambda x, layer=layer: keras.ops.sum(layer(x, training=True) * towards),
                keras.ops.convert_to_tensor(MAPS),
            )
        )
        for layer in _pair()
    )
    np.testing.assert_allclose(ours, plain, atol=1e-5)
    assert np.abs(plain).max() > 0.1


def test_bfloat16_comes_in_and_goes_out_and_float32_lies_between():
    exact, _ = _pair()
    short, _ = _pair()
    short.dtype_policy = "mixed_bfloat16"
    found = short(MAPS, training=True)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.cast(found, "float32")), exact(MAPS, training=True), rtol=0.02, atol=0.05
    )
    assert {str(weight.dtype) for weight in short.weights} == {"float32"}
