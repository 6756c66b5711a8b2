"""Training on a GPU, as `training.fit` does it there: whole epochs in one call, on images that the device holds.

``KERAS_BACKEND=jax python tests/benchmarks gpu`` takes under four minutes, compilation included; what would take longer
is left out, and said so. ``gpu-tiny`` runs the same on any machine, small, to see that it runs.
"""

import time

import numpy as np
from measure import Row, seconds
from training_step import BATCH, NETWORKS

from nanofoam_lib.models import device_epochs, devices, mixed_precision, training, vae
from nanofoam_lib.models.backend import keras

LIMIT = 220  # s for all rows
AT_LEAST = 4.0  # s of training that a rate is measured over
TRAIN, TEST = 2400, 1029  # images of the thesis; 30 % more are the test side
WIDE = 150  # pixels, from which windows of 128 are cut
RECIPE_STEPS = 300_000
TINY = vae.Config(latent_dim=2, filters=(4, 4), decoder_filters=(4,))


def _prepare(config, precision, n_train, n_test, batch, on_device=True):
    """Make what trains an epoch, and what tests one: two functions without arguments."""
    rng = np.random.default_rng(0)
    wide = rng.integers(256, size=(n_train, WIDE, WIDE), dtype=np.uint8)
    images = rng.integers(256, size=(n_test, vae.SIZE, vae.SIZE), dtype=np.uint8)
    model = vae.build(config)
    training.compile_autoencoder(model, learning_rate=1e-6)
    if on_device:
        wide, images = (device_epochs.hold(model, own) for own in (wide, images))
    recipe = training.Recipe(batch_size=batch)

    def train():
        with mixed_precision.computing(model, precision):
            training.run_epoch(model, wide, np.arange(n_train), recipe, (0, 1))

    return train, lambda: training.evaluate(model, images, np.arange(n_test), batch)


def _time(work, at_least):
    """Give the median seconds of a call, of as many as take `at_least` seconds together; the first is not counted."""
    work()
    took = [seconds(work)]
    while sum(took) < at_least:
        took.append(seconds(work))
    return float(np.median(took))


def _measure(part, networks, n_train, n_test, batch, at_least):
    """Yield the rows of each network and precision, and of the loop over single batches."""
    began = time.perf_counter()
    device = f"{keras.backend.backend()} on {devices.accelerator() or 'the CPU'}"
    print(f"{part}: {device}")
    longest = 0.0
    for name, config in networks.items():
        for precision in ("bfloat16", "float32"):
            started = time.perf_counter()
            if started - began + 1.2 * longest > LIMIT:
                print(f"{part}: {name} network, {precision}: left out, no time")
                continue
            train, test = _prepare(config, precision, n_train, n_test, batch)
            epoch, watched = _time(train, at_least), _time(test, 0)
            what = f"{name} network, {precision}, batch {batch}, {device}"
            yield Row(part, f"training step, {what}", n_train // batch * batch / epoch, "images/s")
            hours = RECIPE_STEPS / (n_train // batch) * (epoch + watched) / 3600
            yield Row(part, f"{RECIPE_STEPS:,} steps, tested after each epoch, {what}", hours, "h")
            longest = max(longest, time.perf_counter() - started)
    name, config = next(iter(networks.items()))
    if time.perf_counter() - began + 1.2 * longest > LIMIT:
        print(f"{part}: single batches: left out, no time")
        return
    few = 16 * batch  # a step takes as long in a short epoch
    train, _ = _prepare(config, "bfloat16", few, batch, batch, on_device=False)
    what = f"single batches from the host, {name} network, bfloat16, {device}"
    yield Row(part, what, few / _time(train, at_least), "images/s")


def rows():
    """Yield rows for the thesis's and the quick network; none without an accelerator."""
    if devices.accelerator() is None:
        print(f"gpu: {keras.backend.backend()} sees no accelerator; left out")
        return
    networks = {name: NETWORKS[name] for name in ("thesis", "quick")}
    yield from _measure("gpu", networks, TRAIN, TEST, BATCH, AT_LEAST)


def tiny():
    """Yield the same rows of a tiny network, wherever it runs: to see that they come, not what they say."""
    yield from _measure("gpu-tiny", {"tiny": TINY}, 8, 5, 4, 0)
