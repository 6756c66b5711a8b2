import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.feature import local_binary_pattern

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


def test_lbp_histograms_are_frequencies():
    histograms = controls.lbp_histograms(textures())
    assert histograms.shape == (6, 10 + 18 + 26) and histograms.dtype == np.float32
    for part in np.split(histograms, [10, 28], axis=1):
        np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(("radius", "n_points"), [(1, 8), (2, 16), (4, 24)])
def test_lbp_patterns_are_those_of_scikit_image(radius, n_points):
    # a smooth field of many levels has hardly two that are equal side by side, where rounding would decide
    image = np.int32(1e5 * gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 1.5))
    inner = np.s_[radius:-radius, radius:-radius]
    codes = local_binary_pattern(image, n_points, radius, method="uniform")[inner].astype(int)
    expected = np.bincount(codes.ravel(), minlength=n_points + 2) / codes.size
    np.testing.assert_allclose(controls.lbp_histograms(image[None], [radius])[0], expected, atol=2e-4)


@pytest.mark.parametrize("level", [0, 7, 101, 255])
def test_lbp_of_a_flat_image_is_one_pattern(level):
    histogram = controls.lbp_histograms(np.full((1, 128, 128), level, np.uint8))[0]
    assert np.flatnonzero(histogram).tolist() == [8, 10 + 16, 28 + 24]


def test_lbp_of_a_bright_pixel_by_hand():
    image = np.zeros((1, 12, 12), np.uint8)
    image[0, 5, 5] = 200
    # ten by ten pixels count: the bright one has no bright neighbour; all others have, dark as they are
    expected = np.zeros(10)
    expected[[0, 8]] = 1 / 100, 99 / 100
    np.testing.assert_allclose(controls.lbp_histograms(image, [1])[0], expected, atol=1e-6)


def test_lbp_does_not_see_brightness_contrast_turns_and_flips():
    images = textures(highest=100)
    features = controls.lbp_histograms(images)
    for same in (2 * images, 2 * images + 50, np.rot90(images, axes=(1, 2)), images[:, ::-1]):
        np.testing.assert_allclose(controls.lbp_histograms(same), features, atol=2e-3)
    smooth = controls.lbp_histograms(images // 2 + np.roll(images, 1, 1) // 2)
    assert np.abs(features - smooth).max() > 0.02


def test_lbp_hardly_sees_a_monotone_grey_change_but_sees_another_texture():
    fields = gaussian_filter(np.random.default_rng(0).normal(size=(2, 128, 128)), (0, 2, 1.5))
    levels = (fields - fields.min()) / np.ptp(fields)
    base, dark, other = (
        controls.lbp_histograms(np.uint8(255 * image[None]))[0]
        for image in (levels[0], levels[0] ** 1.5, levels[0, ::2])
    )
    assert 5 * np.abs(base - dark).sum() < np.abs(base - other).sum()


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
