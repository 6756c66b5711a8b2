import numpy as np
import pytest
import tensorflow as tf
from gradients import assert_close, by_tape

from nanofoam_lib.explain import gradcam
from nanofoam_lib.models import descriptors, vae
from nanofoam_lib.models.backend import keras

TINY = {"latent_dim": 5, "filters": (4, 6, 7), "decoder_filters": (4, 3)}


@pytest.fixture(scope="module")
def encoder():
    """Give an encoder whose running means and scales are not the initial ones."""
    encoder = vae.build(vae.Config(**TINY), seed=2).encoder
    rng = np.random.default_rng(0)
    encoder.set_weights([w + 0.03 * rng.random(w.shape, np.float32) - 0.01 for w in encoder.get_weights()])
    return encoder


@pytest.fixture(scope="module")
def classifier():
    return vae.classifier(vae.Config(**TINY), 3, seed=4)


@pytest.fixture(scope="module")
def images(textures):
    return textures[0][[0, 9, 18]]


def sigma(log_var):
    return tf.exp(log_var / 2)


@pytest.mark.parametrize("weights", gradcam.WEIGHTS)
@pytest.mark.parametrize("layer", [None, "features", "norm_2", "pool_1"])
@pytest.mark.parametrize(("head", "output", "transform"), [("mu", 0, tf.identity), ("sigma", 1, sigma)])
def test_maps_are_those_of_one_gradient_per_dimension(encoder, images, layer, head, output, transform, weights):
    expected = by_tape(encoder, images, output, layer or "features", transform, weights)
    options = {"head": head, "layer": layer, "weights": weights}
    assert_close(gradcam.latent_maps(encoder, images, signed=True, **options), expected)
    maps = gradcam.latent_maps(encoder, images, **options)
    assert_close(maps, np.maximum(expected, 0))
    assert maps.dtype == np.float32
    assert maps.shape == (3, *encoder.get_layer(layer or "features").output.shape[1:3], 5)


@pytest.mark.parametrize("weights", gradcam.WEIGHTS)
@pytest.mark.parametrize("head", ["mu", "log_var", "sigma"])
def test_closed_form_and_jacobian_agree(encoder, images, head, weights, monkeypatch):
    options = {"head": head, "signed": True, "weights": weights}
    exact = gradcam.latent_maps(encoder, images, **options)
    monkeypatch.setattr(gradcam, "_closed_form", lambda *args: None)
    assert_close(gradcam.latent_maps(encoder, images, **options), exact)
    monkeypatch.setattr(gradcam, "_BYTES", 1)  # one image and one dimension at a time
    assert_close(gradcam.latent_maps(encoder, images, **options), exact)


@pytest.mark.parametrize(("kind", "head"), [("vae", "mu"), ("vae", "log_var"), ("ae", "conv")])
def test_signed_maps_cell_by_cell_add_up_to_the_head_without_its_bias(images, kind, head):
    encoder = vae.build(vae.Config(kind, **TINY), seed=2).encoder
    kernel, bias = encoder.get_layer(head).get_weights()
    encoder.get_layer(head).set_weights([kernel, bias + np.arange(5)])
    maps = gradcam.latent_maps(encoder, images, head=head, signed=True, weights="cell")
    expected = descriptors.heads(encoder, images)[head] - bias - np.arange(5)
    assert_close(maps.sum(axis=(1, 2)), expected)


@pytest.mark.parametrize("weights", gradcam.WEIGHTS)
def test_sigma_follows_the_chain_rule(encoder, images, weights):
    """∂σ/∂A = ½ σ ∂(log σ²)/∂A."""
    options = {"dims": [4, 1], "signed": True, "weights": weights}
    slope = 0.5 * np.exp(0.5 * descriptors.heads(encoder, images)["log_var"][:, None, None, [4, 1]])
    expected = slope * gradcam.latent_maps(encoder, images, head="log_var", **options)
    assert_close(gradcam.latent_maps(encoder, images, head="sigma", **options), expected)


def test_the_thesis_s_maps_are_the_default(encoder, images):
    default, mean = gradcam.latent_maps(encoder, images), gradcam.latent_maps(encoder, images, weights="mean")
    np.testing.assert_array_equal(default, mean)
    assert np.abs(gradcam.latent_maps(encoder, images, weights="cell") - mean).max() > 0.1 * mean.max()


def test_behind_a_global_average_both_kinds_of_maps_are_the_same(classifier, images):
    maps = gradcam.latent_maps(classifier, images, head="classes", weights="cell")
    np.testing.assert_array_equal(maps, gradcam.class_maps(classifier, images))


@pytest.mark.parametrize("weights", gradcam.WEIGHTS)
def test_panels_hold_what_their_figure_shows(images, weights):
    model = vae.build(vae.Config("ae", **TINY))
    panels = gradcam.panels(model, images, [3, 0], weights)
    maps = gradcam.latent_maps(model.encoder, images, head="conv", weights=weights)
    np.testing.assert_array_equal(panels["maps"], maps[..., [3, 0]])
    np.testing.assert_array_equal(panels["mean_map"], gradcam.mean_map(maps))
    assert panels["decoded"].shape == panels["images"].shape
    assert list(panels["dims"]) == [3, 0]


def test_a_plain_autoencoder_has_one_head(images):
    encoder = vae.build(vae.Config("ae", **TINY)).encoder
    expected = by_tape(encoder, images, 0, "features")
    assert_close(gradcam.latent_maps(encoder, images, head="conv", signed=True), expected)


@pytest.mark.parametrize("layer", [None, "norm_1"])
def test_a_map_does_not_depend_on_the_other_images_nor_on_the_other_dimensions(encoder, images, layer):
    together = gradcam.latent_maps(encoder, images, layer=layer)
    for i in range(3):
        assert_close(gradcam.latent_maps(encoder, images[i : i + 1], layer=layer)[0], together[i])
    some = gradcam.latent_maps(encoder, images, dims=[3, 1], layer=layer)
    assert_close(some, together[..., [3, 1]])


def test_more_images_than_a_batch(encoder, images):
    many = np.concatenate([images, np.zeros((40, 128, 128), np.uint8), images])
    assert_close(gradcam.latent_maps(encoder, many)[-3:], gradcam.latent_maps(encoder, images))


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("layer", [None, "norm_1"])
def test_constant_images_give_finite_maps(encoder, grey, layer):
    for head in ("mu", "log_var", "sigma"):
        maps = gradcam.latent_maps(encoder, np.full((1, 128, 128), grey, np.uint8), head=head, layer=layer)
        assert np.isfinite(maps).all()


def test_a_dimension_that_looks_at_a_corner_is_mapped_to_that_corner():
    """Each feature is bright where a corner of the image is; each dimension reads one of them, the last one none."""
    inputs = keras.Input((128, 128, 1))
    features = keras.layers.Conv2D(4, 1, activation="relu", name="features")(keras.layers.AveragePooling2D(16)(inputs))
    mask = np.zeros((8, 8, 4), np.float32)
    mask[0, 0, 0] = mask[0, 7, 1] = mask[7, 0, 2] = mask[7, 7, 3] = 1
    corners = keras.layers.Multiply(name="corners")([features, keras.ops.convert_to_tensor(mask[None])])
    heads = keras.layers.Dense(5, name="mu")(keras.layers.Flatten()(corners))
    encoder = keras.Model(inputs, heads)
    encoder.get_layer("features").set_weights([np.ones((1, 1, 1, 4)), np.zeros(4)])
    kernel = np.zeros((8, 8, 4, 5))
    for d in range(4):
        kernel[:, :, d, d] = 1
    encoder.get_layer("mu").set_weights([kernel.reshape(256, 5), np.zeros(5)])
    maps = gradcam.latent_maps(encoder, np.ones((1, 128, 128)))[0]
    for d, corner in enumerate([(0, 0), (0, 7), (7, 0), (7, 7)]):
        assert np.unravel_index(maps[..., d].argmax(), (8, 8)) == corner
        assert np.count_nonzero(maps[..., d]) == 1
    assert not maps[..., 4].any()
    large = gradcam.upsample(maps[None])[0]
    assert large.shape == (128, 128, 5)
    assert large[:8, :8, 0].min() == large.max() > 0
    assert not large[64:, :, 0].any()
    assert not large[:, 64:, 0].any()


def test_upsampling_keeps_means_of_smooth_maps_and_places():
    ramp = np.broadcast_to(np.arange(16, dtype=np.float32), (16, 16))[None, ..., None]
    large = gradcam.upsample(ramp)[0, ..., 0]
    centres = (np.arange(128) + 0.5) / 8 - 0.5
    np.testing.assert_allclose(large[64], np.clip(centres, 0, 15), atol=1e-5)


def test_the_mean_map_is_weighted_as_asked(encoder, images):
    maps = gradcam.latent_maps(encoder, images)
    np.testing.assert_allclose(gradcam.mean_map(maps), maps.mean(axis=-1), rtol=1e-5, atol=1e-7)
    weights = [1, 0, 0, 3, 0]
    expected = 0.25 * maps[..., 0] + 0.75 * maps[..., 3]
    np.testing.assert_allclose(gradcam.mean_map(maps, weights), expected, rtol=1e-5, atol=1e-7)
    for bad in ([1, 2], np.zeros(5), [1, 1, 1, 1, -1], [1, 1, 1, 1, np.nan]):
        with pytest.raises(ValueError, match="weights must be 5 numbers"):
            gradcam.mean_map(maps, bad)


def test_class_maps_are_grad_cam_of_the_scores(classifier, images):
    expected = by_tape(classifier, images, 0, "features")
    assert_close(gradcam.class_maps(classifier, images), np.maximum(expected, 0))


def test_cam_averages_to_the_scores_and_grad_cam_is_its_positive_part(classifier, images):
    maps = gradcam.cam(classifier, images)
    scores = np.asarray(classifier(images[..., None] / np.float32(255), training=False))
    bias = classifier.get_layer("classes").get_weights()[1]
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), scores - bias, rtol=1e-4, atol=1e-5)
    assert_close(gradcam.class_maps(classifier, images), np.maximum(maps, 0) / (32 * 32))


def test_cam_refuses_another_head(encoder, images):
    with pytest.raises(ValueError, match="linear in the spatial means"):
        gradcam.cam(encoder, images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": [5]}, "0…4"),
        ({"dims": [-1]}, "0…4"),
        ({"dims": []}, "0…4"),
        ({"dims": [0.5]}, "whole numbers"),
        ({"layer": "flatten"}, "no layer 'flatten' with feature maps; it has .*features"),
        ({"layer": "nothing"}, "no layer 'nothing'"),
        ({"head": "conv"}, "no head 'conv'; it has mu, log_var, sigma"),
        ({"weights": "median"}, "weights must be one of 'mean', 'cell', not 'median'"),
    ],
)
def test_what_is_not_there_is_named(encoder, images, options, message):
    with pytest.raises(ValueError, match=message):
        gradcam.latent_maps(encoder, images, **options)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 64, 64), np.uint8), "shape"),
        (np.zeros((128, 128), np.uint8), "shape"),
        (np.zeros((1, 128, 128), int), "uint8 or float"),
        (np.full((1, 128, 128), np.nan), "finite"),
        (np.full((1, 128, 128), 2.0), r"\[0, 1\]"),
    ],
)
def test_images_that_do_not_fit_are_refused(encoder, classifier, images, message):
    for explain in (lambda: gradcam.latent_maps(encoder, images), lambda: gradcam.cam(classifier, images)):
        with pytest.raises(ValueError, match=message):
            explain()


def test_no_images_give_no_maps(encoder):
    assert gradcam.latent_maps(encoder, np.zeros((0, 128, 128), np.uint8)).shape == (0, 32, 32, 5)
