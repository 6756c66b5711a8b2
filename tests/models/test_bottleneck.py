"""The start of a bottleneck: it is a principal component analysis, and it is worth something."""

import numpy as np
import pytest

from nanofoam_lib.models import bottleneck, descriptors, skill, vae
from nanofoam_lib.models.backend import keras

SMALL = {"latent_dim": 5, "filters": (4, 4, 6), "decoder_filters": (6, 3)}


@pytest.fixture(scope="module")
def pictures():
    """Give pictures that differ in five places at most: what five components hold."""
    rng = np.random.default_rng(0)
    coarse = rng.random((40, 4, 4), np.float32)
    coarse[:, 1:] = 0.5
    coarse[:, 0, 3] = 0.5
    return np.kron(coarse, np.ones((32, 32), np.float32))[..., None]


def features(model, pictures):
    inner = keras.Model(model.encoder.input, model.encoder.get_layer("features").output)
    return keras.ops.convert_to_numpy(inner(pictures, training=False)).reshape(len(pictures), -1)


@pytest.mark.parametrize("kind", ["vae", "ae"])
def test_latents_are_the_components_of_the_feature_map_scaled_to_variance_one(pictures, kind):
    model = vae.build(vae.Config(kind, **SMALL), seed=1)
    share = bottleneck.start(model, pictures)
    maps = features(model, pictures)
    centred = maps - maps.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    latents = descriptors.encode(model, pictures[..., 0])[model.config.heads[0]]
    spread = singular[:5] / np.sqrt(len(pictures) - 1)
    expected = centred @ axes[:5].T / spread
    for own, exact in zip(latents.T, expected.T, strict=True):
        assert abs(np.corrcoef(own, exact)[0, 1]) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(latents.std(axis=0, ddof=1), 1, rtol=1e-3)
    assert share == pytest.approx((singular[:5] ** 2).sum() / (singular**2).sum(), rel=1e-3)


def test_the_decoder_s_first_layer_gives_the_feature_map_back(pictures):
    model = vae.build(vae.Config(**SMALL), seed=1)
    share = bottleneck.start(model, pictures)
    maps = features(model, pictures)
    first = keras.Model(model.decoder.input, model.decoder.get_layer("spread").output)
    again = keras.ops.convert_to_numpy(first(descriptors.encode(model, pictures[..., 0])["mu"]))
    explained = 1 - ((maps - again) ** 2).sum() / ((maps - maps.mean(axis=0)) ** 2).sum()
    assert explained == pytest.approx(share, abs=0.01)
    assert explained > 0.85


def test_more_dimensions_than_the_pictures_have_keep_their_weights(pictures):
    config = vae.Config(latent_dim=50, filters=(4, 4, 6), decoder_filters=(6, 3))
    model, fresh = vae.build(config, seed=1), vae.build(config, seed=1)
    bottleneck.start(model, pictures[:8])
    kernel, before = (m.encoder.get_layer("mu").get_weights()[0] for m in (model, fresh))
    changed = (kernel != before).any(axis=0)
    assert 1 <= changed.sum() <= 7
    assert changed[: changed.sum()].all()
    assert np.isfinite(kernel).all()


def test_a_decoder_of_other_depth_starts_as_well(pictures):
    model = vae.build(vae.Config(latent_dim=5, filters=(4, 4, 6), decoder_filters=(3, 3)), seed=1)
    bottleneck.start(model, pictures)
    kernel, bias = model.decoder.get_layer("spread").get_weights()
    assert kernel.shape == (5, 32 * 32 * 3) and np.isfinite(kernel).all() and bias.any()


def test_calibration_knows_mean_and_variance_of_every_channel_and_changes_no_weight(pictures):
    encoder = vae.build(vae.Config(**SMALL), seed=1).encoder
    weights = [w.copy() for layer in encoder.layers if "conv" in layer.name for w in layer.get_weights()]
    momentum = encoder.get_layer("norm_1").momentum
    bottleneck.calibrate(encoder, pictures[:32])
    norm = encoder.get_layer("norm_1")
    inner = keras.Model(encoder.input, norm.input)
    values = keras.ops.convert_to_numpy(inner(pictures[:32], training=False)).astype(float)
    np.testing.assert_allclose(norm.moving_mean, values.mean(axis=(0, 1, 2)), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, values.var(axis=(0, 1, 2)), rtol=1e-3, atol=1e-6)
    after = [w for layer in encoder.layers if "conv" in layer.name for w in layer.get_weights()]
    assert all(np.array_equal(a, b) for a, b in zip(weights, after, strict=True))
    assert norm.momentum == momentum > 0


def test_skill_by_hand():
    images = np.array([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]])
    assert skill.pixels(images, images) == 1
    assert skill.pixels(images, np.full(images.shape, 0.5)) == 0
    assert skill.pixels(images, images / 2 + 0.25) == pytest.approx(0.75)
    assert skill.pixels(images, 1 - images) == -3
    assert skill.contrast(images, images / 2 + 0.25) == pytest.approx(0.5)


def test_skill_of_a_flat_picture_the_mean_and_pca_is_what_they_reach(rng):
    images = rng.integers(0, 256, (30, 128, 128), dtype=np.uint8)
    images[:, :64] //= 4
    images[::2] //= 2
    train, test = np.arange(20), np.arange(20, 30)
    model = vae.build(vae.Config(latent_dim=3, filters=(2, 2), decoder_filters=(2,)))
    table = skill.table({"vae-3": model}, images, train, test)
    assert table.index.tolist() == ["vae-3"]
    shown = images / 255.0
    held = shown[test]
    row = table.loc["vae-3"]
    assert row["skill_flat"] == pytest.approx(
        skill.pixels(held, np.broadcast_to(held.mean(axis=(1, 2), keepdims=True), held.shape)), abs=1e-5
    )
    mean = shown[train].mean(axis=0)
    assert row["skill_mean"] == pytest.approx(skill.pixels(held, np.broadcast_to(mean, held.shape)), abs=1e-5)
    flat = (shown[train] - mean).reshape(20, -1)
    axes = np.linalg.svd(flat, full_matrices=False)[2][:3]
    again = mean + ((held - mean).reshape(10, -1) @ axes.T @ axes).reshape(held.shape)
    assert row["skill_pca"] == pytest.approx(skill.pixels(held, again), abs=1e-4)
    drawn = descriptors.reconstruct(model, images[test])
    assert row["skill_test"] == pytest.approx(skill.pixels(held, drawn), abs=1e-5)
    assert not row["has_skill"]  # an untrained model draws worse than a flat picture


@pytest.mark.parametrize("kind", ["vae", "ae", "texture"])
def test_losses_of_both_sides_are_compared_like_with_like(textures, kind):
    """The same images have the same loss, whichever side they stand on; a history's train loss is another thing."""
    model = vae.build(vae.Config(kind, 3, (2, 2), (2,)))
    rows = np.arange(12)
    found = skill.losses(model, textures[0], rows, rows)
    assert list(found) == skill.LOSSES
    for name in ("total", "reconstruction", "kl"):
        np.testing.assert_equal(found[f"test_{name}"], found[name])
    assert np.isnan(found["kl"]) == (kind == "ae")
    assert found["total"] == pytest.approx(found["reconstruction"] + np.nan_to_num(found["kl"]))
