import numpy as np
import pytest

from nanofoam_lib.latent import conformal


def test_the_width_is_the_quantile_that_counts_the_new_specimen_as_well():
    errors = np.arange(1, 100) * np.resize([1, -1], 99)
    assert conformal.half_width(errors, np.arange(99)) == 90  # ⌈0.9 · 100⌉ of 99
    assert conformal.half_width(errors[:9], np.arange(9)) == 9
    assert conformal.half_width(errors[:8], np.arange(8)) == np.inf


def test_images_of_a_specimen_share_its_weight():
    errors, groups = np.arange(1, 20), np.arange(19)
    copied = np.repeat(errors, 5), np.repeat(groups, 5)
    assert conformal.half_width(*copied) == conformal.half_width(errors, groups) == 18
    one = np.concatenate([errors, np.full(1000, 18.5)]), np.concatenate([groups, np.full(1000, 18)])
    assert conformal.half_width(*one) == 18  # a thousand images of the last specimen are still one specimen


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_new_specimens_are_covered_as_often_as_is_said(level):
    """Errors of a specimen have much in common, and their spread differs between specimens."""
    rng, covered = np.random.default_rng(0), []
    for _ in range(400):
        sizes = rng.integers(1, 6, 31)
        groups = np.repeat(np.arange(31), sizes)
        errors = (rng.normal(size=31) * rng.exponential(size=31))[groups] + 0.3 * rng.normal(size=len(groups))
        own = groups == 30
        width = conformal.half_width(errors[~own], groups[~own], level)
        covered.append((np.abs(errors[own]) <= width).mean())
    assert np.mean(covered) == pytest.approx(level + 0.01, abs=0.035)
