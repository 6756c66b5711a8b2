"""The fixed statistics of the texture model, against their definitions."""

import numpy as np
import pytest
from skimage import measure
from skimage.feature import local_binary_pattern

from nanofoam_lib.models import texture_statistics
from nanofoam_lib.models.texture_statistics import GRID, N_MODULI, RINGS

FIRST = [slice(start, start + 4) for start in (0, 20, 36, 48, 56)]  # of the moduli: those of the first order


def maps_of(images):
    """Bring images (N, 128, 128) to mean 0 and variance 1, and map them."""
    images = images.astype(np.float32)
    images = images - images.mean(axis=(1, 2), keepdims=True)
    images /= images.std(axis=(1, 2), keepdims=True)
    return np.asarray(texture_statistics.LocalStatistics()(images[..., None]))


def wave(length, angle):
    y, x = np.mgrid[:128, :128]
    return np.cos(2 * np.pi / length * (x * np.cos(angle) + y * np.sin(angle)))[None]


def noise(seed=0, n=1):
    return np.random.default_rng(seed).standard_normal((n, 128, 128))


def test_there_are_as_many_as_said_and_none_is_negative():
    maps = maps_of(noise(n=2))
    assert maps.shape == (2, GRID, GRID, 60 + 162)
    assert maps.min() >= 0
    assert texture_statistics.LocalStatistics().compute_output_shape((None, 128, 128, 1)) == (None, 16, 16, 222)


@pytest.mark.parametrize("number", range(len(RINGS)))
def test_patterns_are_those_of_scikit_image(number):
    """Beside the border, which is continued here and left out there, and the rows that a ring skips."""
    smooth = np.stack([np.kron(part, np.ones((2, 2))) for part in noise(3, 2)[:, :64, :64]]) + noise(4, 2)
    images = np.clip(128 + 30 * smooth, 0, 255).astype(np.uint8)
    halvings, radius, n_points, stride = RINGS[number]
    start = N_MODULI + sum(points + 2 for _, _, points, _ in RINGS[:number])
    found = maps_of(images)[..., start : start + n_points + 2].mean(axis=(1, 2))
    for shares, image in zip(found, images, strict=True):
        seen = measure.block_reduce(image.astype(int), 2**halvings, np.sum)
        patterns = local_binary_pattern(seen, n_points, radius, "uniform")[radius:-radius, radius:-radius]
        expected = np.bincount(patterns.astype(int).ravel(), minlength=n_points + 2) / patterns.size
        np.testing.assert_allclose(shares, expected, atol=0.025 if stride > 1 or halvings else 0.007)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("scale", [0, 1, 2, 3])
@pytest.mark.parametrize("direction", [0, 1, 2, 3])
def test_a_wave_is_heard_at_its_scale_and_in_its_direction(scale, direction):
    moduli = maps_of(wave(8 / 3 * 2**scale, np.pi / 4 * direction))[0].mean(axis=(0, 1))[:N_MODULI]
    assert np.argmax([moduli[own][direction] for own in FIRST]) == scale
    assert np.argmax(moduli[FIRST[scale]]) == direction


def test_a_modulus_is_that_of_the_convolution():
    image = noise(1)
    found = np.asarray(texture_statistics.modulus(image.astype(np.float32)[..., None]))[0, 10, 20]
    filters = texture_statistics.wavelets()[:, :, 0]
    window = image[0, 20 - 3 : 20 + 4, 40 - 3 : 40 + 4]
    answers = np.einsum("yx,yxk->k", window, filters)
    np.testing.assert_allclose(found, np.hypot(answers[:4], answers[4:]), rtol=1e-4)
    np.testing.assert_allclose(filters.sum(axis=(0, 1)), 0, atol=1e-6)


def test_the_second_order_tells_how_structure_is_arranged():
    """Noise that comes and goes has the first order of noise that does not, and more of the second."""
    steady = noise(n=8)
    coming = steady * np.sqrt(2) * np.abs(np.cos(2 * np.pi / 64 * np.arange(128)))
    flat, waving = (maps_of(own)[..., :N_MODULI].mean(axis=(0, 1, 2)) for own in (steady, coming))
    np.testing.assert_allclose(waving[FIRST[0]], 0.9 * flat[FIRST[0]], rtol=0.05)  # the mean of |cos| over its spread
    coarse = slice(16, 20)  # of the finest wavelets' moduli at the coarsest scale
    assert (waving[coarse] > 1.5 * flat[coarse]).all()


def test_a_quarter_turn_only_renames_the_directions():
    images = np.clip(noise(5) + 2 * wave(9, 0.3), -3, 3)
    here, turned = (maps_of(own)[0].mean(axis=(0, 1)) for own in (images, np.rot90(images, axes=(1, 2))))
    for own in FIRST[:3]:
        np.testing.assert_allclose(turned[own], np.roll(here[own], 2), rtol=0.05)
    np.testing.assert_allclose(turned[N_MODULI:], here[N_MODULI:], atol=0.01)


def test_maps_say_where_a_statistic_comes_from():
    half = noise(2)
    half[:, :, 64:] *= 0.01
    fine = maps_of(half)[0, ..., 0]
    assert fine[:, :7].mean() > 20 * fine[:, 9:].mean()


def test_evened_statistics_are_logarithms_and_roots():
    means = np.random.default_rng(0).random((3, 114), np.float32)
    found = np.asarray(texture_statistics.Evened()(means))
    np.testing.assert_allclose(found[:, :60], np.log(means[:, :60] + 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[:, 60:] ** 2, means[:, 60:], atol=2e-6)


def test_an_image_without_contrast_has_finite_statistics():
    flat = np.asarray(texture_statistics.LocalStatistics()(np.zeros((1, 128, 128, 1), np.float32)))
    assert np.isfinite(np.asarray(texture_statistics.Evened()(flat.mean(axis=(1, 2))))).all()
