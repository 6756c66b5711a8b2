import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.feature import local_binary_pattern

from nanofoam_lib.latent import binary_patterns


def textures(n=6, seed=0, highest=256):
    return np.random.default_rng(seed).integers(highest, size=(n, 128, 128), dtype=np.uint8)


def test_lbp_histograms_are_frequencies():
    histograms = binary_patterns.lbp_histograms(textures())
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
    np.testing.assert_allclose(binary_patterns.lbp_histograms(image[None], [radius])[0], expected, atol=2e-4)


@pytest.mark.parametrize("level", [0, 7, 101, 255])
def test_lbp_of_a_flat_image_is_one_pattern(level):
    histogram = binary_patterns.lbp_histograms(np.full((1, 128, 128), level, np.uint8))[0]
    assert np.flatnonzero(histogram).tolist() == [8, 10 + 16, 28 + 24]


def test_lbp_of_a_bright_pixel_by_hand():
    image = np.zeros((1, 12, 12), np.uint8)
    image[0, 5, 5] = 200
    # ten by ten pixels count: the bright one has no bright neighbour; all others have, dark as they are
    expected = np.zeros(10)
    expected[[0, 8]] = 1 / 100, 99 / 100
    np.testing.assert_allclose(binary_patterns.lbp_histograms(image, [1])[0], expected, atol=1e-6)


def test_lbp_does_not_see_brightness_contrast_turns_and_flips():
    images = textures(highest=100)
    features = binary_patterns.lbp_histograms(images)
    for same in (2 * images, 2 * images + 50, np.rot90(images, axes=(1, 2)), images[:, ::-1]):
        np.testing.assert_allclose(binary_patterns.lbp_histograms(same), features, atol=2e-3)
    smooth = binary_patterns.lbp_histograms(images // 2 + np.roll(images, 1, 1) // 2)
    assert np.abs(features - smooth).max() > 0.02


def test_lbp_hardly_sees_a_monotone_grey_change_but_sees_another_texture():
    fields = gaussian_filter(np.random.default_rng(0).normal(size=(2, 128, 128)), (0, 2, 1.5))
    levels = (fields - fields.min()) / np.ptp(fields)
    base, dark, other = (
        binary_patterns.lbp_histograms(np.uint8(255 * image[None]))[0]
        for image in (levels[0], levels[0] ** 1.5, levels[0, ::2])
    )
    assert 5 * np.abs(base - dark).sum() < np.abs(base - other).sum()


def test_lbp_does_not_depend_on_the_blocks_it_is_counted_in(monkeypatch):
    images = textures(2)[:, :70]
    whole = binary_patterns.lbp_histograms(images, (1, 2, 3))
    for block in (1, 1000, 10**9):
        monkeypatch.setattr(binary_patterns, "BLOCK", block)
        np.testing.assert_array_equal(binary_patterns.lbp_histograms(images, (1, 2, 3)), whole)


def test_multiscale_lbp_is_lbp_of_the_picture_and_of_its_means():
    picture = textures(1)[0, :70, :101]
    half = picture[:70, :100].reshape(35, 2, 50, 2).mean(axis=(1, 3))
    quarter = half[:34].reshape(17, 2, 25, 2).mean(axis=(1, 3))
    expected = [binary_patterns.lbp_histograms(level[None], (1, 2, 3))[0] for level in (picture, half, quarter)]
    found = binary_patterns.multiscale_lbp(picture)
    assert found.shape == (162,) and found.dtype == np.float32
    np.testing.assert_array_equal(found, np.concatenate(expected))


def test_multiscale_lbp_sees_grain_that_a_small_picture_has_lost():
    """A fine and a coarse chequer over the same large waves: one is grey at half resolution, the other at none."""
    y, x = np.mgrid[:256, :256]
    waves = 100 + 40 * np.sin(2 * np.pi * x / 64) * np.sin(2 * np.pi * y / 64)
    plain, fine, coarse = (
        binary_patterns.multiscale_lbp(waves + 30 * grain).reshape(3, 54)
        for grain in (0 * x, (x + y) % 2, (x // 2 + y // 2) % 2)
    )
    assert np.abs(fine - plain).sum(axis=1)[0] > 1
    np.testing.assert_allclose(fine[1:], plain[1:], atol=0.02)
    assert (np.abs(coarse - plain).sum(axis=1)[:2] > 1).all()
    np.testing.assert_allclose(coarse[2], plain[2], atol=0.02)


@pytest.mark.parametrize(("shape", "n_levels"), [((64, 64), 3), ((63, 90), 2), ((31, 40), 1), ((15, 300), 0)])
def test_levels_of_fewer_than_16_pixels_are_zeros(shape, n_levels):
    picture = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    sums = binary_patterns.multiscale_lbp(picture).reshape(3, 54).sum(axis=1)
    np.testing.assert_allclose(sums, [3] * n_levels + [0] * (3 - n_levels), rtol=1e-6)


def test_multiscale_lbp_takes_one_grey_picture():
    with pytest.raises(ValueError, match="shape"):
        binary_patterns.multiscale_lbp(np.zeros((2, 32, 32)))
