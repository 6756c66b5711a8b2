import numpy as np
import pytest
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.stats

from nanofoam_lib.models import spatial_statistics


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def test_two_point_correlation_is_the_mean_over_all_pairs_of_pixels():
    images, reach = noise(2, 9, 9), 3
    found = np.asarray(spatial_statistics.two_point_correlation(images, reach))
    assert found.shape == (2, 7, 4)
    for image, own in zip(images.astype(float), found, strict=True):
        centred = image - image.mean()
        for v in range(-reach, reach + 1):
            for u in range(reach + 1):
                rows = range(max(0, -v), min(9, 9 - v))
                pairs = [centred[r, c] * centred[r + v, c + u] for r in rows for c in range(9 - u)]
                assert own[v + reach, u] == pytest.approx(np.mean(pairs), abs=1e-6)
    np.testing.assert_allclose(found[:, reach, 0], images.var(axis=(1, 2)), rtol=1e-5)


def test_stripes_are_correlated_along_themselves_and_at_their_period():
    stripes = np.broadcast_to(np.float32([1, 1, 0, 0] * 16), (1, 64, 64))
    found = np.asarray(spatial_statistics.two_point_correlation(stripes, 8))[0]
    np.testing.assert_allclose(found[:, 0], 0.25, atol=1e-5)
    np.testing.assert_allclose(found[8, [4, 8]], 0.25, atol=1e-5)
    assert found[8, 2] < -0.2


def test_half_widths_of_stretched_noise_are_half_of_the_stretch():
    """White noise in blocks of a × b pixels has the correlation (1 − u/a)(1 − v/b): half at a/2 and b/2."""
    blocks = noise(40, 32, 16)
    for a, b in ((8, 4), (12, 4), (8, 8)):
        widths = spatial_statistics.half_widths(blocks.repeat(b, axis=1).repeat(a, axis=2)[:, :128, :128])
        np.testing.assert_allclose(widths.mean(axis=0), [a / 2, b / 2], rtol=0.04)


def test_half_widths_are_exact_of_waves_and_turn_with_the_image():
    x, y = (np.cos(2 * np.pi * np.arange(432) / period) for period in (18, 24))
    waves = (0.5 + np.outer(y, x) / 4)[None].astype(np.float32)
    found = spatial_statistics.half_widths(waves)
    np.testing.assert_allclose(found, [[3, 4]], atol=0.05)  # a sixth of a period: cos(π / 3) is one half
    np.testing.assert_allclose(spatial_statistics.half_widths(waves.transpose(0, 2, 1)), found[:, ::-1], rtol=1e-4)
    np.testing.assert_allclose(spatial_statistics.half_widths(3 * waves - 1), found, rtol=1e-4)  # whatever contrast


def test_a_half_width_that_is_not_reached_is_unknown():
    step = np.broadcast_to(np.repeat(np.float32([0, 1]), 64), (1, 128, 128))
    assert np.isnan(spatial_statistics.half_widths(step)[0, 1])  # along the edge nothing ever changes
    assert np.isnan(spatial_statistics.half_widths(np.ones((2, 64, 64)))).all()


def test_sliced_wasserstein_is_scipy_s_for_differences_of_one_sign():
    """SciPy gives the first Wasserstein distance; of values shifted by a constant the second is its square."""
    a, b = noise(1, 50, 1), noise(1, 50, 1, seed=1)
    values = np.asarray(spatial_statistics.sliced_wasserstein(a, a + 0.3))
    expected = scipy.stats.wasserstein_distance(a[0, :, 0], a[0, :, 0] + 0.3) ** 2
    np.testing.assert_allclose(values, [[expected]], rtol=1e-4)
    order = np.random.default_rng(2).permutation(50)
    plan = scipy.optimize.linear_sum_assignment((a[0] - b[0].T) ** 2)
    best = ((a[0] - b[0].T) ** 2)[plan].mean()
    np.testing.assert_allclose(np.asarray(spatial_statistics.sliced_wasserstein(a, b[:, order])), [[best]], rtol=1e-4)


@pytest.mark.parametrize("depth", [1, 12])
def test_filters_have_mean_zero_and_norm_one(depth):
    bank = spatial_statistics.filter_bank(depth=depth)
    np.testing.assert_allclose(bank.mean(axis=(0, 1)), 0, atol=1e-7)
    np.testing.assert_allclose((bank**2).sum(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_responses_are_correlations_with_the_filters_at_their_scale():
    """A picture of 2×2 blocks seen at scale 2 is the small picture; every second pixel is looked at."""
    small = noise(1, 64, 64)
    blocks = np.kron(small, np.ones((1, 2, 2), np.float32))
    first, second = (np.asarray(own) for own in spatial_statistics.responses(blocks, 2))
    bank = spatial_statistics.filter_bank()[:, :, 0, :]
    expected = np.stack([scipy.signal.correlate2d(small[0], own, "valid")[::2, ::2] for own in bank.transpose(2, 0, 1)])
    assert first.shape == (1, 900, 12)
    np.testing.assert_allclose(first[0].T.reshape(12, 30, 30), expected, atol=1e-4)
    edges = np.maximum(expected, 0)
    further = spatial_statistics.filter_bank(depth=12, side=3)[..., 4]
    summed = sum(scipy.signal.correlate2d(edges[k], further[..., k], "valid") for k in range(12))
    np.testing.assert_allclose(second[0, :, 4].reshape(28, 28), summed, atol=1e-4)


@pytest.mark.parametrize("part", ["distance", "correlation_distance", "response_distance"])
def test_distance_is_of_texture_and_not_of_place(part):
    compare = getattr(spatial_statistics, part)
    image, other = noise(1, 128, 128), noise(1, 128, 128, seed=1)
    smooth = scipy.ndimage.uniform_filter(other, (0, 4, 4), mode="wrap")
    same = float(compare(image, image)[0])
    shifted = float(compare(image, np.roll(image, (17, 40), axis=(1, 2)))[0])
    redrawn, changed = float(compare(image, other)[0]), float(compare(image, smooth)[0])
    assert same == pytest.approx(0, abs=1e-6)
    assert shifted < 0.1 * changed
    assert redrawn < 0.1 * changed


def test_distance_of_flat_images_is_finite():
    flat = np.full((1, 128, 128), 0.5, np.float32)
    for pair in ((flat, flat), (flat, noise(1, 128, 128)), (noise(1, 128, 128), flat)):
        assert np.isfinite(spatial_statistics.distance(*pair)).all()
