import numpy as np
import pytest

from nanofoam_lib.images import augmentation, copies, synthetic


def foams(first, n):
    names = list(synthetic.COMPOSITIONS)
    drawn = [synthetic.foam_micrograph(names[i % 3], first + i, (184, 184), 1.8)[0] for i in range(n)]
    return np.stack([picture[28:156, 28:156].mean(axis=2).astype(np.uint8) for picture in drawn])


@pytest.fixture(scope="module")
def known():
    return foams(0, 12)


def moved(images, element=0, shift=(0, 0)):
    turned = augmentation.dihedral(images, [element] * len(images))
    return np.roll(turned, shift, axis=(1, 2))


def test_a_copy_is_found_wherever_it_was_shifted_to_and_however_flipped(known, rng):
    assert copies.nearest(known[:2], known, [0]) == pytest.approx(1, abs=1e-5)
    for element in range(8):
        shift = tuple(2 * rng.integers(64, size=2))
        assert copies.nearest(moved(known[3:4], element, shift), known)[0] == pytest.approx(1, abs=1e-5)
    odd = moved(known[3:5], 4, (37, 91))  # by half a pixel of those that are compared
    noisy = np.clip(0.7 * odd + 40 + rng.normal(0, 8, odd.shape), 0, 255).astype(np.uint8)
    assert (copies.nearest(noisy, known) > 0.7).all()


def test_new_foams_are_no_copies(known, rng):
    real, new = copies.nearest(foams(100, 30), known), copies.nearest(foams(200, 10), known)
    assert new.max() < 0.6
    assert copies.share(new, real) <= 0.1
    assert copies.share(copies.nearest(moved(known, 6, (50, 10)), known), real) == 1


def test_a_blurred_picture_resembles_no_more_than_a_sharp_one(known):
    from scipy.ndimage import gaussian_filter

    new = foams(100, 8)
    blurred = gaussian_filter(new.astype(float), (0, 4, 4), mode="wrap").astype(np.uint8)
    sharp, soft = (copies.nearest(own, known).mean() for own in (new, blurred))
    assert soft < sharp + 0.05
    assert copies.nearest(gaussian_filter(known, (0, 2, 2), mode="wrap"), known).min() > 0.7  # and still a copy is one


def test_only_the_symmetries_that_are_asked_for_count(known):
    quarter = moved(known[:3], 1)
    assert copies.nearest(quarter, known, range(8)).min() > 0.99
    assert copies.nearest(quarter, known, augmentation.FLIPS).max() < 0.6


def test_brightness_and_contrast_do_not_count(known):
    assert copies.nearest((60 + known[:1] // 2).astype(np.uint8), known)[0] > 0.95


def test_without_contrast_or_without_images_nothing_resembles(known):
    assert copies.nearest(np.full((2, 128, 128), 90, np.uint8), known).tolist() == [0, 0]
    assert copies.nearest(known[:2], known[:0]).tolist() == [0, 0]
    assert copies.nearest(known[:0], known).shape == (0,)
    assert np.isnan(copies.share([], [0.5]))


def test_the_search_on_few_pixels_misses_none(known, monkeypatch):
    images = foams(300, 6)
    quick = copies.nearest(images, known)
    monkeypatch.setattr(copies, "LOOKED_AT", 10_000)
    np.testing.assert_allclose(quick, copies.nearest(images, known), atol=0.02)
