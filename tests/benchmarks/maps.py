"""Time all Grad-CAM maps of an image against one forward pass, and against one gradient per dimension.

``uv run python tests/benchmarks/maps.py``: quick network, 128 dimensions, 32 images; the three take turns, and
each ratio is the median over the turns with its range.
"""

import subprocess
import sys
import time

import numpy as np
import tensorflow as tf

from nanofoam_lib import descriptors, gradcam, vae
from nanofoam_lib.backend import keras

TURNS = 7
BATCH = 32


def by_gradients(both, image, n_dims):
    """Compute the maps of one image as it is usually done: forward pass and gradient, one dimension after another."""
    maps = []
    for d in range(n_dims):
        with tf.GradientTape() as tape:
            features, mu = both(image, training=False)
            value = mu[:, d]
        alpha = tf.reduce_mean(tape.gradient(value, features), axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(alpha * features, axis=-1)))
    return np.stack(maps, axis=-1)


def seconds(work, *arguments):
    """Time one call."""
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def peak_memory(n_images):
    """Give the peak memory in GiB of a process that maps so many images, 4 dimensions each."""
    code = (
        "import resource, sys, numpy as np; from nanofoam_lib import gradcam, vae; n = int(sys.argv[1]);"
        "gradcam.latent_maps(vae.build(vae.Config()).encoder, np.zeros((n, 128, 128), np.uint8), dims=range(4));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(n_images)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main():
    """Print the table."""
    encoder = vae.build(vae.Config()).encoder
    both = keras.Model(encoder.input, [encoder.get_layer("features").output, encoder.outputs[0]])
    images = np.random.default_rng(0).integers(0, 256, (BATCH, 128, 128), np.uint8)
    one = descriptors.to_input(images[:1])
    slow = by_gradients(both, one, 128)
    np.testing.assert_allclose(gradcam.latent_maps(encoder, images[:1]), slow, atol=1e-5 * slow.max())
    turns = []
    for _ in range(TURNS + 1):
        forward = seconds(descriptors.heads, encoder, images) / BATCH
        maps = seconds(gradcam.latent_maps, encoder, images) / BATCH
        turns.append((maps / forward, seconds(by_gradients, both, one, 128) / maps, forward, maps))
    ratios = np.array(turns[1:])  # the first turn warms up
    low, middle, high = np.quantile(ratios, [0, 0.5, 1], axis=0)
    print(f"forward pass {middle[2] * 1e3:.1f} ms, all 128 maps {middle[3] * 1e3:.1f} ms per image")
    print(f"all maps / forward pass           {middle[0]:7.2f} ({low[0]:.2f} to {high[0]:.2f})   limit   1.5, at most")
    print(f"gradient per dimension / all maps {middle[1]:7.0f} ({low[1]:.0f} to {high[1]:.0f})   limit 200, at least")
    few, many = peak_memory(100), peak_memory(2000)
    inputs_and_maps = 1900 * (128 * 128 + 4 * 16 * 16 * 4) / 2**30
    print(
        f"peak memory, 100 and 2000 images  {few:.2f} and {many:.2f} GiB, {inputs_and_maps:.2f} of it images and maps"
    )


if __name__ == "__main__":
    main()
