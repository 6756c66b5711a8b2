"""What is novel: coverage over specimens, what many images of one specimen may not do, and the wrong thing."""

import numpy as np
import pytest

from nanofoam_lib.latent import novelty


def specimens(rng, n, images, spread=1.0, dims=6):
    """Give vectors of n specimens, each with a centre of its own and so many images around it, and their groups."""
    counts = images if np.ndim(images) else np.full(n, images)
    groups = np.repeat(np.arange(n), counts)
    return spread * rng.normal(size=(n, dims))[groups] + rng.normal(size=(len(groups), dims)), groups


def test_images_of_new_specimens_are_called_off_as_often_as_is_said():
    rng, off = np.random.default_rng(0), []
    for _ in range(40):
        train, _ = specimens(rng, 40, 2, spread=2.0)
        detector = novelty.fit(train, *specimens(rng, 30, 4, spread=2.0))
        fresh, _ = specimens(rng, 60, 1, spread=2.0)
        off.append(novelty.is_off(detector, fresh).mean())
    assert detector.level == 0.95
    assert 0.02 < np.mean(off) < 0.055  # never more than 0.05 but for chance; by images alone it would be more


def test_few_specimens_promise_less_and_far_points_are_off_all_the_same():
    rng = np.random.default_rng(1)
    detector = novelty.fit(specimens(rng, 20, 2)[0], *specimens(rng, 4, 5))
    assert detector.level == 0.8
    assert novelty.is_off(detector, np.full((1, 6), 50.0)).all()
    assert not novelty.is_off(detector, np.zeros((1, 6))).any()


def test_a_specimen_counts_once_however_many_images_it_has():
    rng = np.random.default_rng(2)
    train = specimens(rng, 30, 2)[0]
    one_each, groups = specimens(rng, 9, 1)
    detector = novelty.fit(train, one_each, groups)
    repeated = np.repeat(one_each, np.where(groups == 0, 90, 1), axis=0)
    again = novelty.fit(train, repeated, np.repeat(groups, np.where(groups == 0, 90, 1)))
    points = rng.normal(size=(20, 6)) * 3
    np.testing.assert_allclose(novelty.locate(detector, points)[1], novelty.locate(again, points)[1])


def test_p_values_are_the_share_that_lies_as_far():
    detector = novelty.fit(np.arange(10.0)[:, None], [[0.0], [12.0], [14.0], [16.0]], list("aabc"))
    distances = np.array([0.0, detector.scores[1], detector.scores[3], detector.scores[3] + 1])
    # of four places, one for each specimen and one for the next: two halves of a, then b, then c
    np.testing.assert_allclose(novelty.typicality(detector, distances), [1.0, 0.875, 0.5, 0.25])
    for rounded in (1 - 1e-6, 1 + 1e-6):
        np.testing.assert_allclose(novelty.typicality(detector, rounded * distances), [1.0, 0.875, 0.5, 0.25])


def test_nothing_held_out_is_refused():
    with pytest.raises(ValueError, match="expected held-out images, got none"):
        novelty.fit(np.zeros((3, 2)), np.zeros((0, 2)), [])
