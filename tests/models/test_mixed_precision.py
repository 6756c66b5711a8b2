import dataclasses

import numpy as np
import pytest

from nanofoam_lib.base import provenance
from nanofoam_lib.models import backend, mixed_precision, training, vae
from nanofoam_lib.models.backend import keras

TINY = {"latent_dim": 3, "filters": (4, 6, 8, 5), "decoder_filters": (7, 6, 4)}


@pytest.mark.parametrize(("flags", "expected"), [("fma avx512_bf16", "bfloat16"), ("fma amx_bf16", "bfloat16"),
                                                 ("fma avx512f", "float32"), ("", "float32")])  # fmt: skip
def test_bfloat16_is_chosen_where_the_processor_multiplies_it(flags, expected, monkeypatch):
    monkeypatch.setattr(mixed_precision, "_processor_flags", lambda: set(flags.split()))
    monkeypatch.setattr(backend, "is_tensorflow_on_cpu", lambda: True)
    assert mixed_precision.choose() == expected
    assert [mixed_precision.choose(each) for each in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    monkeypatch.setattr(backend, "is_tensorflow_on_cpu", lambda: False)
    assert mixed_precision.choose() == "float32"
    monkeypatch.setenv(mixed_precision.VARIABLE, "bfloat16")
    assert [mixed_precision.choose(each) for each in ("auto", "float32")] == ["bfloat16", "float32"]
    assert mixed_precision.VARIABLE in provenance.machine()["environment"]


@pytest.mark.parametrize(("capability", "expected"), [((9, 0), "bfloat16"), ((8, 0), "bfloat16"), ((7, 5), "float32"),
                                                      (None, "float32")])  # fmt: skip
def test_bfloat16_is_chosen_where_the_gpu_multiplies_it(capability, expected, monkeypatch):
    monkeypatch.setattr(mixed_precision.devices, "compute_capability", lambda: capability)
    monkeypatch.setattr(backend, "is_tensorflow_on_cpu", lambda: False)
    monkeypatch.delenv(mixed_precision.VARIABLE, raising=False)
    assert mixed_precision.choose() == expected
    monkeypatch.setenv(mixed_precision.VARIABLE, "float32")
    assert mixed_precision.choose() == "float32"


def test_other_precisions_are_refused():
    with pytest.raises(ValueError, match="float16"):
        mixed_precision.choose("float16")


@pytest.mark.parametrize("kind", ["vae", "ae", "texture"])
def test_steps_compute_in_bfloat16_and_nothing_else_does(kind, textures):
    model = vae.build(vae.Config(kind, **TINY), seed=1)
    images = (textures[0][:4, ..., None] / 255).astype(np.float32)
    learning = next(layer for layer in model.encoder.layers if layer.trainable and layer.weights)
    first = keras.Model(model.encoder.input, learning.output)
    plain = np.asarray(first(images))
    with mixed_precision.computing(model, "bfloat16"):
        assert keras.backend.standardize_dtype(first(images).dtype) == "bfloat16"
        output = model(images, training=True)
        assert {keras.backend.standardize_dtype(own.dtype) for own in output.values()} == {"float32"}
        loss = float(model.compute_loss(images, y_pred=output))
        fixed = [layer.compute_dtype for layer in model.encoder.layers if not layer.trainable]
    assert set(fixed) <= {"float32"}
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    np.testing.assert_array_equal(np.asarray(first(images)), plain)
    model = vae.build(vae.Config(kind, **TINY), seed=1)
    exact = float(model.compute_loss(images, y_pred=model(images, training=True)))
    assert loss == pytest.approx(exact, rel=0.02)
    assert loss != exact


def test_training_in_bfloat16_ends_near_that_in_float32_and_leaves_a_model_of_float32(textures, tmp_path):
    histories = {}
    for precision in ("float32", "bfloat16"):
        model = vae.build(vae.Config(**TINY), seed=1)
        recipe = training.Recipe(3, batch_size=8, precision=precision)
        rows = range(16), range(16, 24)
        histories[precision] = training.fit(model, textures[0], *rows, recipe, folder=tmp_path / precision)
        loaded = vae.load(tmp_path / precision)
        policies = {layer.dtype_policy.name for part in (loaded.encoder, loaded.decoder) for layer in part.layers}
        assert policies == {"float32"}
        assert dataclasses.asdict(loaded.config) == dataclasses.asdict(model.config)
    single, half = (histories[name]["test_total"].to_numpy() for name in ("float32", "bfloat16"))
    np.testing.assert_allclose(half, single, rtol=5e-3)
    assert not np.array_equal(half, single)


def test_a_training_does_not_go_on_in_another_precision(textures, tmp_path, monkeypatch):
    """A finished training is read back if it is the same, and done again if only its precision differs."""
    run_epoch, done, kept = training.run_epoch, [], []
    monkeypatch.setattr(training, "run_epoch", lambda *given: done.append(given[-1]) or run_epoch(*given))
    for precision in ("float32", "float32", "bfloat16", "bfloat16"):
        model = vae.build(vae.Config(**TINY), seed=1)
        recipe = training.Recipe(1, batch_size=2, precision=precision)
        training.fit(model, textures[0], [0, 1], [2, 3], recipe, folder=tmp_path)
        kept.append((len(done), [np.array(weight) for weight in model.get_weights()]))
    epochs, weights = zip(*kept, strict=True)
    assert epochs == (1, 1, 2, 2)
    for first, again in (weights[:2], weights[2:]):
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(weights[0], weights[2], strict=True))


def test_a_classifier_trains_in_bfloat16(textures):
    model = vae.classifier(vae.Config(**TINY), 3)
    classes = np.arange(24) % 3
    recipe = training.Recipe(2, batch_size=8, precision="bfloat16")
    history = training.fit_classifier(model, textures[0], classes, range(16), range(16, 24), recipe)
    assert np.isfinite(history["test_loss"]).all()
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
