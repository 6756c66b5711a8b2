import numpy as np
import pytest

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.latent import controls


def textures(n=6, seed=0, highest=256):
    return np.random.default_rng(seed).integers(highest, size=(n, 128, 128), dtype=np.uint8)


def test_pca_equals_the_singular_vectors_of_the_train_images():
    images = textures(12)
    train = np.arange(12) < 9
    features = controls.pixel_pca(images, train, 3)
    pixels = images.reshape(12, -1) / 255
    centred = pixels - pixels[train].mean(axis=0)
    axes = np.linalg.svd(centred[train], full_matrices=False)[2][:3]
    expected = centred @ axes.T
    signs = np.sign((expected * features).sum(axis=0))
    np.testing.assert_allclose(features, expected * signs, atol=1e-3)
    assert features.dtype == np.float32 and features.shape == (12, 3)


def test_pca_of_repeated_images_has_empty_components_rather_than_noise():
    images = textures(4)[[0, 1, 2, 0, 1, 2, 3]]
    features = controls.pixel_pca(images, np.arange(7) < 6, 5)
    assert np.isfinite(features).all() and features[:, :2].any(axis=1).all()
    np.testing.assert_array_equal(features[:, 2:], 0)
    np.testing.assert_allclose(controls.pixel_pca(images[[0, 0, 0]], [True] * 3, 2), 0, atol=1e-4)


def test_pca_never_sees_the_test_images():
    images, others = textures(12), textures(12, seed=1)
    train = np.arange(12) % 3 > 0
    others[train] = images[train]
    a, b = (controls.pixel_pca(pixels, train, 4) for pixels in (images, others))
    np.testing.assert_array_equal(a[train], b[train])
    assert (a[~train] != b[~train]).all()


def test_pca_has_fewer_components_than_train_images_and_says_so():
    train = np.arange(6) < 4
    with pytest.warns(RunWarning, match="3 components instead of 128: there are only 4 train"):
        features = controls.pixel_pca(textures(), train, 128)
    assert features.shape == (6, 3)


@pytest.mark.parametrize("frequency", [3, 10, 40, 60])
def test_power_of_a_sinusoid_peaks_at_its_frequency(frequency):
    x = np.arange(128)
    along_x = np.sin(2 * np.pi * frequency * x / 128) + np.zeros((1, 128, 1))
    oblique = np.sin(2 * np.pi * frequency * (0.6 * x + 0.8 * x[:, None]) / 128)[None]
    for wave in (along_x, oblique, np.uint8(100 + 50 * along_x)):
        spectrum = controls.power_spectrum(wave)
        assert spectrum.shape == (1, 64) and spectrum.dtype == np.float32
        assert spectrum[0].argmax() + 1 == frequency


def test_power_of_white_noise_is_one_at_every_scale():
    power = 10 ** controls.power_spectrum(np.random.default_rng(0).normal(50, 7, (200, 128, 128)))
    np.testing.assert_allclose(power.mean(axis=0), 1, atol=0.1)


def test_power_spectrum_does_not_see_brightness_contrast_and_turns():
    images = textures(highest=100)
    spectra = controls.power_spectrum(images)
    np.testing.assert_allclose(spectra, controls.power_spectrum(2 * images + 50), atol=1e-5)
    rolled = np.rot90(images, axes=(1, 2))[:, ::-1]
    assert np.abs(spectra[:, 8:] - controls.power_spectrum(rolled)[:, 8:]).max() < 0.25


def test_power_of_a_flat_image_is_the_floor():
    np.testing.assert_array_equal(controls.power_spectrum(np.full((1, 128, 128), 7, np.uint8)), np.full((1, 64), -6))


def test_grey_statistics_by_hand():
    images = np.zeros((2, 128, 128), np.uint8)
    images[0, :64] = 200
    images[1] = 30
    np.testing.assert_array_equal(controls.grey_statistics(images), np.float32([[100, 100], [30, 0]]))


def test_components_of_many_images_are_nearly_the_exact_ones(monkeypatch):
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(6, 32 * 32)) * np.array([40, 30, 20, 15, 10, 8])[:, None]
    pixels = 128 + rng.normal(size=(1200, 6)) @ patterns + rng.normal(size=(1200, 32 * 32))
    images = np.clip(pixels, 0, 255).astype(np.uint8).reshape(-1, 32, 32)
    train = np.arange(1200) < 1100
    exact = controls.pixel_pca(images, train, 6)
    monkeypatch.setattr(controls, "SNAPSHOTS", 500)
    streamed = controls.pixel_pca(images, train, 6)
    for own, other in zip(exact.T, streamed.T, strict=True):
        assert abs(np.corrcoef(own, other)[0, 1]) > 0.99999
    np.testing.assert_allclose(streamed[train].std(axis=0), exact[train].std(axis=0), rtol=1e-4)
