"""The encoder of the texture model: what it cannot see, what no training changes, and where it starts."""

import numpy as np
import pytest

from nanofoam_lib.images import structures
from nanofoam_lib.latent import specimen_axes
from nanofoam_lib.models import descriptors, objective, texture_encoder, training, vae
from nanofoam_lib.models.backend import keras

SHAPE = {"filters": (4, 4, 4, 4), "decoder_filters": (4, 4, 4)}


@pytest.fixture(scope="module")
def model():
    return vae.build(vae.Config("texture", 64, **SHAPE))


@pytest.fixture(scope="module")
def specimens():
    """Give 40 specimens that the axes were not learnt from, three pictures of each: uint8 (40, 3, 128, 128)."""
    drawn = [structures.draw_structure(seed) for seed in range(40)]
    return np.stack([[structures.picture(structure, i) for i in range(3)] for structure in drawn])


def periodic(seed=0):
    """Make an image that repeats every 32 pixels: wherever one looks, its statistics are the same."""
    tile = np.random.default_rng(seed).integers(256, size=(32, 32), dtype=np.uint8)
    return np.tile(tile, (4, 4))


def test_after_its_start_brightness_reaches_the_decoder_and_hardly_a_classifier(specimens):
    model = vae.build(vae.Config("texture", 128, **SHAPE))
    images = specimens.reshape(-1, 128, 128)
    texture_encoder.start(model, descriptors.to_input(images))
    mu, grey = descriptors.encode(model, images)["mu"], images.mean(axis=(1, 2))
    pale = descriptors.encode(model, images[:1] / np.float32(255) * 0.5 + 0.3)["mu"][0]
    chance = np.linalg.norm(mu[1::3] - mu[::3], axis=1).mean()  # between pictures of one specimen
    assert 0 < np.linalg.norm(pale - mu[0]) < 0.5 * chance
    # What the decoder can read beside the noise of σ
    direction = texture_encoder._directions(128)[texture_encoder.N_AXES]
    assert np.corrcoef(mu @ direction, grey)[0, 1] > 0.95
    assert np.var(mu @ direction) == pytest.approx(texture_encoder.GREY_VARIANCE, rel=0.1)


def test_brightness_and_contrast_reach_no_latent_of_the_encoder_as_it_ships(model):
    image = np.stack([periodic(), np.clip(periodic(1), 40, 200)]) / np.float32(255)
    before, pale = (descriptors.encode(model, own) for own in (image, 0.4 * image + 0.3))
    for name in ("mu", "sigma"):
        np.testing.assert_allclose(pale[name], before[name], atol=2e-3 * before["mu"].std())


@pytest.mark.parametrize("shift", [(8, 0), (0, 16), (24, 8)])
def test_a_shifted_texture_stays_where_it_is(model, shift):
    """But for the border, beyond which a picture is continued by reflection."""
    image = periodic()
    coarse = np.kron(image[::2, ::2], np.ones((2, 2), np.uint8))
    here, there, other = descriptors.encode(model, np.stack([image, np.roll(image, shift, (0, 1)), coarse]))["mu"]
    assert np.linalg.norm(there - here) < 0.25 * np.linalg.norm(other - here)


def test_pictures_of_one_specimen_lie_together(model, specimens):
    """Nearest neighbours among all pictures: those of the same specimen, which differ in place and imaging."""
    mu = descriptors.encode(model, specimens.reshape(-1, 128, 128))["mu"]
    apart = np.linalg.norm(mu[:, None] - mu[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    own = apart.argmin(axis=1) // 3 == np.arange(len(mu)) // 3
    assert own.mean() > 0.6  # by chance 0.017
    statistics = keras.Model(model.encoder.input, model.encoder.get_layer("statistics").output)
    raw = np.asarray(statistics(descriptors.to_input(specimens.reshape(-1, 128, 128))))
    raw = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    apart = np.linalg.norm(raw[:, None] - raw[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    assert own.mean() > (apart.argmin(axis=1) // 3 == np.arange(len(mu)) // 3).mean()  # the axes earn their place


def test_distances_are_those_along_the_axes_whatever_the_seed(specimens):
    images = specimens[:10, 0]
    along, found = [], []
    for seed in (0, 1):
        model = vae.build(vae.Config("texture", 128, **SHAPE), seed)
        network = keras.Model(model.encoder.input, model.encoder.get_layer("axes").output)
        along.append(np.asarray(network(descriptors.to_input(images))))
        found.append(descriptors.encode(model, images)["mu"])
    np.testing.assert_array_equal(*found)
    wanted, got = (np.linalg.norm(own[:, None] - own[None], axis=-1) for own in (along[0], found[0]))
    np.testing.assert_allclose(got / got.max(), wanted / wanted.max(), atol=1e-4)
    shipped = specimen_axes.load(texture_encoder.AXES)
    statistics = keras.Model(model.encoder.input, model.encoder.get_layer("statistics").output)
    expected = shipped.project(np.asarray(statistics(descriptors.to_input(images))), texture_encoder.N_AXES)
    np.testing.assert_allclose(along[0], expected, atol=1e-2)


def test_it_starts_at_mean_0_and_variance_1_of_the_images_of_a_run(specimens):
    model = vae.build(vae.Config("texture", 64, **SHAPE))
    images = specimens[:20].reshape(-1, 128, 128)
    before = descriptors.encode(model, images)["mu"]
    texture_encoder.start(model, descriptors.to_input(images))
    after = descriptors.encode(model, images)["mu"]
    np.testing.assert_allclose(after.mean(axis=0), 0, atol=1e-4)
    assert after.var(axis=0).mean() == pytest.approx(1, rel=1e-3)
    grey = texture_encoder._directions(64)[-texture_encoder.N_GREY :]  # a latent of 64 has axes in all others
    after -= after @ grey.T @ grey
    ratio = np.linalg.norm(after[1:] - after[0], axis=1) / np.linalg.norm(before[1:] - before[0], axis=1)
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)
    texture_encoder.start(model, descriptors.to_input(images[:1].repeat(3, axis=0)))
    assert np.isfinite(descriptors.encode(model, images[:2])["mu"]).all()


def test_the_decoder_is_told_of_directions_that_tell_more_than_chance(specimens):
    model = vae.build(vae.Config("texture", 64, **SHAPE))
    told = model.decoder.get_layer("told")
    np.testing.assert_array_equal(told.get_weights()[0], np.eye(64))
    images = specimens.reshape(-1, 128, 128)
    texture_encoder.start(model, descriptors.to_input(images))
    kernel = told.get_weights()[0]
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-5)
    shares = np.linalg.eigvalsh(kernel)
    assert shares.min() > -1e-4
    assert 0.9 < shares.max() < 1 + 1e-4
    mu = descriptors.encode(model, images)["mu"].reshape(40, 3, 64)
    passed = mu @ kernel
    between, within = mu.mean(axis=1).var(axis=0).sum(), mu.var(axis=1).mean(axis=0).sum()
    assert passed.mean(axis=1).var(axis=0).sum() / between > 0.8  # of what differs between specimens, most passes
    assert passed.var(axis=1).mean(axis=0).sum() / within < 0.75  # of what differs within them, less
    # Images that differ by chance alone are all the same to the decoder, but for their brightness
    alike = np.stack([structures.picture(structures.draw_structure(3), i) for i in range(60)])
    texture_encoder.start(model, descriptors.to_input(alike))
    assert np.trace(told.get_weights()[0]) < 0.5 * np.trace(kernel)


def test_training_changes_log_var_alone(textures):
    model = vae.build(vae.Config("texture", 8, **SHAPE))
    named = {layer.name: layer.get_weights() for layer in model.encoder.layers}
    recipe = training.Recipe(1, batch_size=4, critic_steps=2)
    training.fit(model, textures[0], range(8), range(8, 12), recipe)
    changed = {
        layer.name
        for layer in model.encoder.layers
        if any((a != b).any() for a, b in zip(layer.get_weights(), named[layer.name], strict=True))
    }
    assert changed == {"mu", "log_var_slopes"}  # μ by its start alone:
    kernel, start = (
        weights[0][: -texture_encoder.N_GREY] for weights in (model.encoder.get_layer("mu").get_weights(), named["mu"])
    )
    np.testing.assert_allclose(kernel / kernel[0, 0], start / start[0, 0], rtol=1e-3)
    assert [layer.name for layer in model.encoder.layers if layer.trainable and layer.weights] == ["log_var_slopes"]


def test_log_var_cannot_burst():
    model = vae.build(vae.Config("texture", 8, **SHAPE))
    layer = model.encoder.get_layer("log_var_slopes")
    layer.set_weights([1e3 * np.ones(weight.shape) for weight in layer.get_weights()])
    found = descriptors.encode(model, np.random.default_rng(0).integers(256, size=(2, 128, 128), dtype=np.uint8))
    low, high = np.exp(0.5 * (texture_encoder.LOG_VAR_START + texture_encoder.LOG_VAR_REACH * np.array([-1, 1])))
    assert ((found["sigma"] >= 0.999 * low) & (found["sigma"] <= 1.001 * high)).all()
    assert np.isfinite(objective.dimension_kl(found["mu"], found["sigma"])).all()


def test_what_is_given_without_any_training_is_its_mu(specimens):
    images = specimens[:4, 0]
    found = descriptors.pretrained(images, latent_dim=64)
    assert found.shape == (4, 64)
    np.testing.assert_array_equal(
        found, descriptors.encode(vae.build(vae.Config("texture", 64, **SHAPE)), images)["mu"]
    )
