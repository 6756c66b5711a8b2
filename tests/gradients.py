"""Grad-CAM as it is defined, one gradient at a time, to hold the closed forms against."""

import numpy as np
import tensorflow as tf

from nanofoam_lib.models.backend import keras


def by_tape(model, images, output, layer, transform=lambda values: values, weights="mean"):
    """Compute eq. 16 and 17, or the same cell by cell, before the ReLU: one gradient per image and per dimension."""
    both = keras.Model(model.input, [model.get_layer(layer).output, model.outputs[output]])
    maps = []
    for image in images:
        seen = tf.constant((image / np.float32(255))[None, ..., None])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(seen)  # where all weights before the features are fixed, nothing else is
            features, values = both(seen, training=False)
            each = [transform(values)[0, d] for d in range(values.shape[-1])]
        alphas = [tape.gradient(value, features) for value in each]
        if weights == "mean":
            alphas = [tf.reduce_mean(alpha, axis=(1, 2), keepdims=True) for alpha in alphas]
        maps.append(np.stack([tf.reduce_sum(alpha * features, -1)[0] for alpha in alphas], axis=-1))
    return np.array(maps)


def assert_close(maps, expected):
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(maps, expected, atol=1e-5 * np.abs(expected).max())
