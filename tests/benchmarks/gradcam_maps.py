"""All Grad-CAM maps of an image against one forward pass, and against one gradient per dimension: quick network."""

import subprocess
import sys

import numpy as np
from measure import Row, compare, peak_of, take_turns

from nanofoam_lib.explain import gradcam
from nanofoam_lib.models import descriptors, vae
from nanofoam_lib.models.backend import keras

ROUNDS = 7
BATCH = 32


def by_gradients(both, image, n_dims):
    """Compute the maps of one image as it is usually done: forward pass and gradient, one dimension after another."""
    import tensorflow as tf  # not before Keras's backend has decided what TensorFlow is to use

    maps = []
    for d in range(n_dims):
        with tf.GradientTape() as tape:
            features, mu = both(image, training=False)
            value = mu[:, d]
        alpha = tf.reduce_mean(tape.gradient(value, features), axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(alpha * features, axis=-1)))
    return np.stack(maps, axis=-1)


def peak_memory(n_images):
    """Give the peak memory in GiB of a process that maps so many images, 4 dimensions each."""
    code = (
        "import sys, numpy as np; from nanofoam_lib import gradcam, vae; n = int(sys.argv[1]);"
        "gradcam.latent_maps(vae.build(vae.Config()).encoder, np.zeros((n, 128, 128), np.uint8), dims=range(4));"
        "print(open('/proc/self/status').read())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(n_images)], check=True, capture_output=True, text=True)
    return peak_of(done.stdout) / 2**30


def rows():
    """Yield a row against a forward pass, one against gradients, and peak memory for few and many images."""
    encoder = vae.build(vae.Config()).encoder
    both = keras.Model(encoder.input, [encoder.get_layer("features").output, encoder.outputs[0]])
    images = np.random.default_rng(0).integers(0, 256, (BATCH, 128, 128), np.uint8)
    one = descriptors.to_input(images[:1])
    slow = by_gradients(both, one, 128)
    np.testing.assert_allclose(gradcam.latent_maps(encoder, images[:1]), slow, atol=1e-5 * slow.max())
    ways = (
        lambda: gradcam.latent_maps(encoder, images),
        lambda: descriptors.heads(encoder, images),
        lambda: by_gradients(both, one, 128),
    )
    took = take_turns(ways, ROUNDS) / [BATCH, BATCH, 1]
    yield compare("maps", "128 maps of an image", "forward pass", took[:, :2], target="≥ 0.67")
    yield compare("maps", "128 maps of an image", "gradient per dimension", took[:, [0, 2]], target="≥ 200")
    for n in (100, 2000):
        yield Row("maps", f"peak memory, {n} images", peak_memory(n), "GiB")
