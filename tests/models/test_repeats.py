"""A training repeats itself also once TensorFlow has learnt what each operation costs, and orders them by that."""

import numpy as np
import pytest
import tensorflow as tf

from nanofoam_lib.models import texture, training, vae

SMALL = {"latent_dim": 8, "filters": (4, 4, 4, 4), "decoder_filters": (4, 4, 4)}
#: Gradients of a decoder's borders: wherever two of them are not 0, the others are, and two numbers can be swapped.
OF_PARTS = {"Slice", "StridedSliceGrad"}


@pytest.mark.parametrize("kind", ["vae", "ae", "texture", "duel"])
def test_no_gradient_is_a_sum_whose_order_is_left_to_timing(kind):
    model = vae.build(vae.Config("texture" if kind == "duel" else kind, **SMALL), 0)
    model = texture.Duel(model) if kind == "duel" else model
    model.compile("adam")

    @tf.function
    def gradients(images):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(images, None, model(images, training=True), training=True)
        return [own for own in tape.gradient(loss, model.trainable_variables) if own is not None]

    graph = gradients.get_concrete_function(tf.TensorSpec([4, 128, 128, 1])).graph
    sums = [own for own in graph.get_operations() if own.type == "AddN" and len(own.inputs) > 2]
    assert [own.name for own in sums if not {given.op.type for given in own.inputs} <= OF_PARTS] == []
    assert bool(sums) == (kind in ("texture", "duel"))


def test_a_long_training_repeats_to_the_last_bit(textures):
    found = []
    for _ in range(3):
        model = vae.build(vae.Config(**SMALL), 0)
        training.fit(model, textures[0], np.arange(0, 24, 2), np.arange(1, 24, 2), training.Recipe(250, batch_size=12))
        found.append(np.concatenate([weights.ravel() for weights in model.get_weights()]))
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
