"""Epochs in one call are those of single steps. `test_backends` runs these tests with JAX as well."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base.errors import TrainingError
from nanofoam_lib.images import augmentation
from nanofoam_lib.models import (
    backend,
    checkpoints,
    descriptors,
    device_epochs,
    devices,
    epochs,
    mixed_precision,
    recipes,
    training,
    vae,
)

SMALL = {"latent_dim": 3, "filters": (4, 4), "decoder_filters": (4,)}
TRAIN, TEST = np.arange(0, 24, 2), np.arange(1, 24, 2)
RECIPE = training.Recipe(3, batch_size=5)


@pytest.fixture(scope="module")
def wide(textures):
    """Give the photographs with a margin of 3 pixels."""
    return np.pad(textures[0], ((0, 0), (3, 3), (3, 3)), mode="reflect")


@pytest.fixture
def accelerator(monkeypatch):
    """Let the CPU pass for an accelerator: slow, but it has the same loops."""
    monkeypatch.setattr(devices, "accelerator", lambda: "none")


def make(kind="vae", **options):
    model = vae.build(vae.Config(kind, **SMALL | options), seed=1)
    training.compile_autoencoder(model, learning_rate=1e-3)
    return model


def fit(textures, wide, **options):
    model = vae.build(vae.Config(**SMALL), seed=1)
    return model, training.fit(model, textures[0], TRAIN, TEST, RECIPE, wide=wide, **options)


@pytest.fixture
def repeatable():
    """Have TensorFlow make no graphs: on CPUs they repeat themselves to rounding only, with oneDNN and two threads."""
    if backend.keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_windows_on_the_device_are_those_of_augment_bit_for_bit(rng):
    images = rng.integers(256, size=(5, 133, 133), dtype=np.uint8)
    corners = np.array(list(itertools.product((0, 1, 5), (0, 2, 5))), np.int32)
    for element in range(8):
        rows = rng.integers(5, size=len(corners)).astype(np.int32)
        elements = np.full(len(corners), element, np.int32)
        batch = device_epochs.take(*map(backend.keras.ops.convert_to_tensor, (images, rows, corners, elements)))
        windows = [images[row, y : y + 128, x : x + 128] for row, (y, x) in zip(rows, corners, strict=True)]
        expected = descriptors.to_input(augmentation.dihedral(np.array(windows), elements))
        np.testing.assert_array_equal(backend.keras.ops.convert_to_numpy(batch), expected)


def test_both_ways_draw_the_same_batches(wide):
    rows, corners, elements = recipes.drawn(wide, TRAIN, RECIPE, (0, 1))
    assert (rows.shape, corners.shape, elements.shape) == ((2, 5), (2, 5, 2), (2, 5))
    for number, (own, batch) in enumerate(recipes.batches(wide, TRAIN, RECIPE, (0, 1))):
        np.testing.assert_array_equal(own, rows[number])
        drawn = (own[number].astype(np.int32) for own in (rows, corners, elements))
        held = device_epochs.take(*map(backend.keras.ops.convert_to_tensor, (wide, *drawn)))
        np.testing.assert_array_equal(backend.keras.ops.convert_to_numpy(held), batch)


@pytest.mark.parametrize("kind", ["vae", "ae"])
def test_an_epoch_in_one_call_is_the_one_of_single_steps(kind, textures, wide):
    losses, tests, weights = [], [], []
    for holds in (False, True):
        model = make(kind)
        seen, watched = (device_epochs.Held(model, own) if holds else own for own in (wide, textures[0]))
        per_step = []
        for epoch in (1, 2):
            epochs.seed_noise(model, (0, epoch))
            if holds:
                per_step += seen.train(*recipes.drawn(seen, TRAIN, RECIPE, (0, epoch)))
            else:
                batches = recipes.batches(seen, TRAIN, RECIPE, (0, epoch))
                per_step += [(len(own), model.train_on_batch(own, return_dict=True)) for _, own in batches]
            tests.append(training.evaluate(model, watched, TEST, 5))
        losses.append([(size, own["loss"], own["reconstruction"]) for size, own in per_step])
        weights.append(model.get_weights())
        assert int(model.optimizer.iterations) == len(per_step) == 4
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for alone, held in zip(tests[:2], tests[2:], strict=True):
        assert held == pytest.approx(alone, rel=1e-4, nan_ok=True)
    for alone, held in zip(*weights, strict=True):
        np.testing.assert_allclose(held, alone, atol=2e-3)  # Adam's steps are 1e-3 even where a gradient is rounding


def test_a_training_on_the_device_is_resumed_bit_for_bit(
    textures, wide, accelerator, repeatable, monkeypatch, tmp_path
):
    whole, history = fit(textures, wide)
    monkeypatch.setattr(checkpoints, "MAX_SHARE", float("inf"))
    evaluate, calls = training.evaluate, []

    def stopping(*given):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(*given)

    monkeypatch.setattr(training, "evaluate", stopping)
    with pytest.raises(KeyboardInterrupt):
        fit(textures, wide, folder=tmp_path)
    resumed, again = fit(textures, wide, folder=tmp_path)
    assert len(calls) == 4
    pd.testing.assert_frame_equal(again, history, check_exact=True)
    assert all(np.array_equal(a, b) for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True))


def test_loops_are_traced_in_the_first_epoch_only(textures, wide, accelerator, monkeypatch):
    call, evaluate, traced, after = vae.Autoencoder.call, training.evaluate, [], []

    @functools.wraps(call)  # Keras looks at the names of its arguments
    def counted(*given, **named):
        traced.append(1)
        return call(*given, **named)

    monkeypatch.setattr(vae.Autoencoder, "call", counted)
    monkeypatch.setattr(training, "evaluate", lambda *given: (evaluate(*given), after.append(len(traced)))[0])
    fit(textures, wide)
    assert len(after) == 3 and after[0] == after[-1] < 10  # each loop once or twice, and once more for the odd batch


def test_loops_compute_in_the_precision_that_is_asked_for(wide):
    totals = {}
    for precision in ("float32", "bfloat16"):
        model = make("ae")
        held = device_epochs.Held(model, wide)
        with mixed_precision.computing(model, precision):
            totals[precision] = training.run_epoch(model, held, TRAIN, RECIPE, (0, 1))["total"]
    assert totals["bfloat16"] == pytest.approx(totals["float32"], rel=0.02)
    assert totals["bfloat16"] != totals["float32"]


def test_a_loss_that_is_not_finite_is_told_of(wide):
    model = make()
    kernel = model.encoder.get_layer("log_var").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(TrainingError, match=r"vae_3 diverged in epoch 7 .*lower learning_rate \(now 0\.001\)"):
        training.run_epoch(model, device_epochs.Held(model, wide), TRAIN, RECIPE, (0, 7))


def test_fewer_images_than_a_batch_are_one_step(textures, wide):
    model = make("ae")
    held = device_epochs.Held(model, wide)
    assert np.isfinite(training.run_epoch(model, held, TRAIN[:3], RECIPE, (0, 1))["total"])
    assert np.isfinite(training.evaluate(model, device_epochs.Held(model, textures[0]), TEST[:3], 5)["total"])
    assert int(model.optimizer.iterations) == 1


def test_images_stay_where_they_are_on_a_cpu_and_where_they_do_not_fit(textures, monkeypatch):
    model = make("ae")
    monkeypatch.setattr(devices, "accelerator", lambda: None)
    assert device_epochs.hold(model, textures[0]) is textures[0]
    monkeypatch.setattr(devices, "accelerator", lambda: "none")
    assert device_epochs.hold(model, textures[0]).shape == textures[0].shape
    monkeypatch.setattr(devices, "memory", lambda: 4 * textures[0].nbytes)
    assert device_epochs.hold(model, textures[0]) is textures[0]
