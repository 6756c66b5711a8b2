"""Spheres unfolded from the circles in which a plane cuts them."""

import math

import numpy as np
import pytest

from nanofoam_lib.images import stereology


@pytest.mark.parametrize("sigma", [0.05, 0.26, 0.4])
def test_mean_of_spheres_that_a_plane_cuts(sigma):
    rng = np.random.default_rng(300)
    spheres = np.exp(rng.normal(3, sigma, 20_000))
    circles = stereology.cut(spheres, rng)[:3000]
    assert stereology.saltykov(circles).mean == pytest.approx(spheres.mean(), rel=0.05)
    fit = stereology.two_step(circles)
    assert fit.mean == pytest.approx(spheres.mean(), rel=0.05)
    assert fit.median == pytest.approx(math.exp(3), rel=0.07)
    assert abs(circles.mean() / spheres.mean() - 1) > 0.05  # what is put right


def test_equal_spheres_fill_one_bin():
    # the chance of a circle below d is 1 - √(1 - (d / D)²): exactly what one size gives
    quantiles = (np.arange(5000) + 0.5) / 5000
    circles = 30 * np.sqrt(1 - (1 - quantiles) ** 2)
    found = stereology.saltykov(circles, bins=10)
    assert found.share[-1] > 0.97
    assert found.share.sum() == pytest.approx(1)
    assert found.diameter[-1] == pytest.approx(30, rel=1e-3)


def test_lengths_follow_the_unit_and_too_few_are_refused():
    rng = np.random.default_rng(301)
    circles = stereology.cut(np.exp(rng.normal(3, 0.3, 2000)), rng)
    assert stereology.saltykov(7 * circles).mean == pytest.approx(7 * stereology.saltykov(circles).mean)
    assert stereology.two_step(7 * circles).median == pytest.approx(7 * stereology.two_step(circles).median, rel=1e-4)
    for wrong in ([1.0] * 9, [1.0] * 9 + [-1.0], [1.0] * 9 + [math.nan]):
        with pytest.raises(ValueError, match="at least 10 positive lengths"):
            stereology.saltykov(wrong)
    assert all(math.isnan(value) for value in stereology.summarise([1.0]).values())
    assert stereology.summarise(circles)["sphere_mean_um"] == stereology.saltykov(circles).mean
