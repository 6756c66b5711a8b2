"""A training repeats itself also once TensorFlow has learnt what each operation costs, and orders them by that."""

import numpy as np

from nanofoam_lib.models import training, vae


def test_a_long_training_repeats_to_the_last_bit(textures):
    found = []
    for _ in range(3):
        model = vae.build(vae.Config(latent_dim=8, filters=(4, 4, 4, 4), decoder_filters=(4, 4, 4)), 0)
        training.fit(model, textures[0], np.arange(0, 24, 2), np.arange(1, 24, 2), training.Recipe(250, batch_size=12))
        found.append(np.concatenate([weights.ravel() for weights in model.get_weights()]))
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
