import socket

import numpy as np
import pytest

from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.models import backbone_networks, vae
from nanofoam_lib.models.backend import keras

IMAGES = np.random.default_rng(0).integers(256, size=(5, 128, 128), dtype=np.uint8)


@pytest.fixture(scope="module")
def encoder():
    return vae.build(vae.Config(latent_dim=2, filters=(4, 6, 8), decoder_filters=(4, 4)), seed=3).encoder


@pytest.fixture(scope="module")
def vgg16():
    return backbone_networks.deep_features("random-VGG16", IMAGES[:2])


def test_pooled_features_are_the_moments_of_each_feature_map(encoder):
    pooled = backbone_networks.pooled_features(encoder, IMAGES)
    assert pooled.shape == (5, 2 * (4 + 6 + 8)) and pooled.dtype == np.float32
    start = 0
    for name, filters in (("conv_1", 4), ("conv_2", 6), ("features", 8)):
        part = keras.Model(encoder.input, encoder.get_layer(name).output)
        maps = np.asarray(keras.ops.relu(part(IMAGES[..., None] / np.float32(255), training=False)), np.float64)
        expected = np.concatenate([maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))], axis=1)
        np.testing.assert_allclose(pooled[:, start : start + 2 * filters], expected, rtol=1e-3, atol=1e-5)
        start += 2 * filters


def test_pooled_features_do_not_depend_on_the_batch(encoder, monkeypatch):
    together = backbone_networks.pooled_features(encoder, IMAGES)
    monkeypatch.setattr(backbone_networks, "_MAP_BYTES", 1)
    np.testing.assert_allclose(backbone_networks.pooled_features(encoder, IMAGES), together, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        backbone_networks.pooled_features(encoder, IMAGES[3:]), together[3:], rtol=1e-4, atol=1e-6
    )
    assert backbone_networks.pooled_features(encoder, IMAGES[:0]).shape == (0, 36)


def test_pooled_features_hardly_see_a_shift(encoder):
    a, b, c = (
        backbone_networks.pooled_features(encoder, images) for images in (IMAGES, np.roll(IMAGES, 8, 2), IMAGES // 2)
    )
    assert np.abs(a - b).max() < 0.2 * np.abs(a - c).max()


def test_pooled_features_take_an_encoder_with_one_head_and_floats():
    encoder = vae.build(vae.Config("ae", latent_dim=2, filters=(4, 6), decoder_filters=(4,))).encoder
    a, b = (backbone_networks.pooled_features(encoder, images) for images in (IMAGES, IMAGES / np.float32(255)))
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_random_weights_follow_the_seed_and_leave_the_global_state_alone(vgg16):
    np.random.seed(5)  # noqa: NPY002 the state that must not move
    keras.utils.set_random_seed(1)
    again = backbone_networks.deep_features("random-VGG16", IMAGES[:2])
    np.testing.assert_allclose(again, vgg16, rtol=1e-4, atol=1e-6)
    assert vgg16.shape == (2, 512) and vgg16.dtype == np.float32 and np.isfinite(vgg16).all()
    assert (vgg16[0] != vgg16[1]).any()
    other = backbone_networks.deep_features("random-VGG16", IMAGES[:1], seed=1)
    assert np.abs(other - vgg16[:1]).max() > 0.01 * vgg16.max()


def test_weights_are_read_from_a_file(vgg16, tmp_path):
    path = tmp_path / "vgg.weights.h5"
    backbone_networks.build("random-VGG16").save_weights(path)
    np.testing.assert_allclose(
        backbone_networks.deep_features(f"VGG16={path}", IMAGES[:2]), vgg16, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("case", ["missing", "suffix", "garbage", "other network"])
def test_a_bad_weights_file_is_a_clear_error(case, tmp_path):
    path = tmp_path / ("weights.bin" if case == "suffix" else "some.weights.h5")
    if case in ("suffix", "garbage"):
        path.write_bytes(b"no weights")
    if case == "other network":
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(DataError, match=f"{path.name}: .*VGG16") as error:
        backbone_networks.deep_features(f"VGG16={path}", IMAGES[:1])
    assert "\n" not in str(error.value)


def test_no_network_and_no_file_is_a_clear_error_and_never_random_weights(monkeypatch):
    asked = []

    def unreachable(weights, **options):
        asked.append((weights, socket.getdefaulttimeout()))
        raise Exception("URL fetch failure on https://example.org: None -- [Errno -3] no name\nmore")

    monkeypatch.setattr(keras.applications.resnet, "ResNet50", unreachable)
    before = socket.getdefaulttimeout()
    with pytest.raises(
        DataError, match=r"ResNet50: .*URL fetch failure.*give a weights file.*ResNet50=FILE\.h5"
    ) as error:
        backbone_networks.deep_features("ResNet50", IMAGES)
    assert "\n" not in str(error.value)
    assert [weights for weights, _ in asked] == ["imagenet"]
    assert asked[0][1] is not None and socket.getdefaulttimeout() == before


@pytest.mark.parametrize("name", ["VGG99", "vgg16", "", "random-", "random-VGG16=weights.h5", "=weights.h5"])
def test_an_unknown_backbone_lists_the_known(name):
    with pytest.raises(UsageError, match="VGG16, VGG19, ResNet50, DenseNet121, EfficientNetB0 or timm:NAME"):
        backbone_networks.deep_features(name, IMAGES)


def test_every_backbone_exists_in_keras():
    for name, module in backbone_networks.BACKBONES.items():
        assert callable(getattr(getattr(keras.applications, module), name))
        assert callable(getattr(keras.applications, module).preprocess_input)


def test_supervised_features_are_what_the_scores_come_from(textures):
    classifier = vae.classifier(vae.Config(filters=(4, 4), decoder_filters=(4,)), 3)
    features, scores = backbone_networks.supervised(classifier, textures[0][:5])
    assert features.shape == (5, 4)
    kernel, bias = classifier.get_layer("classes").get_weights()
    np.testing.assert_allclose(scores, features @ kernel + bias, rtol=1e-4, atol=1e-5)
