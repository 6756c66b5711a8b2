import dataclasses
import json

import numpy as np
import pytest

from nanofoam_lib.models import descriptors, vae
from nanofoam_lib.models.backend import keras

TINY = {"latent_dim": 3, "filters": (4, 6, 8, 5), "decoder_filters": (7, 6, 4)}


@pytest.fixture(scope="module")
def tiny():
    return vae.build(vae.Config(**TINY), seed=1)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_the_encoder_is_the_thesis_s(tiny):
    block = ["Conv2D", "MaxPooling2D", "Activation", "BatchNormalization"]  # maximum and ReLU commute
    assert kinds(tiny.encoder) == ["InputLayer", *block, *block, *block, "Conv2D", "Flatten", "Dense", "Dense"]
    convolutions = [layer for layer in tiny.encoder.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [4, 6, 8, 5]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    rectified = [convolutions[-1], *(layer for layer in tiny.encoder.layers if layer.name.startswith("relu"))]
    assert [layer.activation.__name__ for layer in rectified] == ["relu"] * 4
    assert tiny.encoder.input_shape == (None, 128, 128, 1)
    assert tiny.encoder.get_layer("features").output.shape == (None, 16, 16, 5)
    assert [head.shape for head in tiny.encoder.outputs] == [(None, 3), (None, 3)]
    assert [tiny.encoder.get_layer(name).activation.__name__ for name in ("mu", "log_var")] == ["linear", "linear"]


def test_the_decoder_mirrors_it(tiny):
    block = ["BatchNormalization", "UpsampledConv2D"]  # in place of upsampling, normalisation, convolution
    assert kinds(tiny.decoder) == ["InputLayer", "Dense", "Reshape", "Conv2D", *block, *block, *block, "Activation"]
    assert tiny.decoder.output_shape == (None, 128, 128, 1)
    image = descriptors.decode(tiny, np.zeros((2, 3)))
    assert image.shape == (2, 128, 128)
    assert 0 < image.min() <= image.max() < 1


def test_the_autoencoder_has_the_same_layers_and_one_head():
    model = vae.build(vae.Config("ae", **TINY))
    other = vae.build(vae.Config("vae", **TINY))
    assert kinds(model.encoder) == kinds(other.encoder)[:-1]
    assert model.encoder.output.shape == (None, 3)
    assert kinds(model.decoder) == kinds(other.decoder)


def test_the_thesis_profile_has_the_thesis_s_filters():
    model = vae.build(vae.Config(latent_dim=64, filters=(512, 256, 128, 64), decoder_filters=(128, 64, 32)))
    kernels = [model.encoder.get_layer(name).kernel.shape for name in ("conv_1", "conv_2", "conv_3", "features")]
    assert kernels == [(3, 3, 1, 512), (3, 3, 512, 256), (3, 3, 256, 128), (3, 3, 128, 64)]


def test_the_loss_is_the_elbo_computed_by_hand(textures):
    model = vae.build(vae.Config(**TINY, beta=2.5), seed=1)
    x = descriptors.to_input(textures[0][:5])
    output = {name: np.asarray(value, float) for name, value in model(x).items()}
    p = 1 / (1 + np.exp(-output["logits"]))
    reconstruction = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3)).mean()
    mu, log_var = output["mu"], output["log_var"]
    kl = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1).mean()
    loss = model.compute_loss(x, y_pred={name: value.astype("float32") for name, value in output.items()})
    assert float(loss) == pytest.approx(reconstruction + 2.5 * kl, rel=1e-5)
    assert float(model.kl.result()) == pytest.approx(kl, rel=1e-5)
    assert float(model.reconstruction.result()) == pytest.approx(reconstruction, rel=1e-5)


def test_a_dimension_that_ran_away_is_pulled_back(textures):
    """Where log σ² is clipped its gradient must not vanish: the KL divergence is far too large there."""
    model = vae.build(vae.Config(**TINY, beta=1.0))
    bias = model.encoder.get_layer("log_var").bias
    bias.assign(np.full(3, 20.0))
    model.compile(keras.optimizers.SGD(1e-4), run_eagerly=True)
    model.train_on_batch(descriptors.to_input(textures[0][:4]))
    assert (np.asarray(bias) < 20).all()


def test_samples_have_the_mean_and_spread_they_should():
    model = vae.build(vae.Config(**TINY), seed=0)
    mu = np.full((20_000, 3), [0, 5, -2], np.float32)
    log_var = np.full((20_000, 3), np.log([1, 4, 0.25]), np.float32)
    z = np.asarray(model.sample(mu, log_var))
    np.testing.assert_allclose(z.mean(axis=0), [0, 5, -2], atol=0.06)
    np.testing.assert_allclose(z.std(axis=0), [1, 2, 0.5], rtol=0.03)


def test_the_seed_alone_decides_the_weights():
    keras.utils.set_random_seed(1)
    first = vae.build(vae.Config(**TINY), seed=3)
    keras.utils.set_random_seed(2)
    second, other = vae.build(vae.Config(**TINY), seed=3), vae.build(vae.Config(**TINY), seed=4)
    pairs = list(zip(first.get_weights(), second.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert not np.array_equal(first.encoder.get_layer("conv_1").kernel, other.encoder.get_layer("conv_1").kernel)
    mu, log_var = first.encoder.get_layer("mu").kernel, first.encoder.get_layer("log_var").kernel
    assert not np.array_equal(mu, log_var)


@pytest.mark.parametrize("kind", ["vae", "ae"])
def test_save_and_load_give_the_same_model(tmp_path, textures, kind):
    model = vae.build(vae.Config(kind, **TINY, beta=0.5))
    model.compile("adam", run_eagerly=True)
    model.train_on_batch(descriptors.to_input(textures[0][:4]))
    vae.save(model, tmp_path / "m")
    assert {path.name for path in (tmp_path / "m").iterdir()} == {"config.json", "encoder.keras", "decoder.keras"}
    loaded = vae.load(tmp_path / "m")
    assert loaded.config == model.config
    before, after = (descriptors.encode(each, textures[0], seed=5) for each in (model, loaded))
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    latents = next(iter(before.values()))[:3]
    np.testing.assert_array_equal(descriptors.decode(model, latents), descriptors.decode(loaded, latents))


def test_a_loaded_model_can_be_trained_on(tmp_path, textures):
    vae.save(vae.build(vae.Config(**TINY)), tmp_path)
    loaded = vae.load(tmp_path)
    loaded.compile("adam", run_eagerly=True)
    losses = loaded.train_on_batch(descriptors.to_input(textures[0][:4]), return_dict=True)
    assert np.isfinite(losses["loss"])


def test_the_config_is_frozen_and_its_file_holds_no_surprises(tmp_path):
    config = vae.Config(filters=[4, 4], decoder_filters=[4])
    assert config.filters == (4, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.beta = 2.0
    vae.save(vae.build(config), tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    assert vae.Config(**values) == config
    (tmp_path / "config.json").write_text(json.dumps(values | {"surprise": 1}))
    with pytest.raises(ValueError, match="surprise"):
        vae.load(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "gan"}, "kind"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"filters": (4, 0, 4, 4)}, "positive"),
        ({"decoder_filters": (4,)}, "3 entries"),
        ({"beta": -1}, "beta"),
        ({"filters": (4,) * 9, "decoder_filters": (4,) * 8}, "at most 8"),
    ],
)
def test_a_config_that_makes_no_model_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        vae.Config(**values)


def test_the_classifier_has_the_encoders_convolutions_and_a_pooled_head():
    config = vae.Config(**TINY)
    model, encoder = vae.classifier(config, 3, seed=5), vae.build(config, 5).encoder
    assert model.output_shape == (None, 3)
    np.testing.assert_array_equal(model.get_layer("features").kernel, encoder.get_layer("features").kernel)
    images = np.random.default_rng(0).random((2, 128, 128, 1), np.float32)
    maps = keras.Model(model.input, model.get_layer("features").output)(images)
    kernel, bias = model.get_layer("classes").get_weights()
    np.testing.assert_allclose(model(images), np.mean(maps, axis=(1, 2)) @ kernel + bias, rtol=1e-5, atol=1e-6)
