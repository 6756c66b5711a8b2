import numpy as np
import pytest
from scipy.stats import beta

from nanofoam_lib.latent import intervals

IMAGES = 3  # of a group


def coverage(share, correlation, n_groups, reps=400):
    """Give the share of simulated data sets whose interval holds the true share: beta-binomial groups."""
    rng = np.random.default_rng(n_groups)
    a, b = (part * (1 / correlation - 1) for part in (share, 1 - share))
    right = rng.binomial(IMAGES, rng.beta(a, b, (reps, n_groups)))
    groups, found = np.arange(n_groups).repeat(IMAGES), {}
    for counts in map(tuple, np.sort(right)):
        if counts not in found:
            hit = np.array([np.arange(IMAGES) < count for count in counts]).ravel()
            found[counts] = intervals.interval(hit, groups)
    limits = np.array([found[counts] for counts in map(tuple, np.sort(right))])
    return ((limits[:, 0] <= share) & (share <= limits[:, 1])).mean()


@pytest.mark.parametrize("n_groups", [36, 12, 4])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_interval_holds_its_level_for_few_groups_that_are_alike(share, n_groups):
    """Percentiles of resampled groups cover in 88 % of cases with 36 groups and less with fewer."""
    assert coverage(share, 0.25, n_groups) >= 0.94


def test_a_perfect_score_is_not_certain_and_counts_groups_alone():
    for n_groups in (3, 12, 36):
        low, high = intervals.interval(np.full(n_groups * IMAGES, True), np.arange(n_groups).repeat(IMAGES))
        assert high == 1
        assert low == pytest.approx(beta.ppf(0.025, n_groups, 1)) == pytest.approx(0.025 ** (1 / n_groups))
        wrong = intervals.interval(np.full(n_groups * IMAGES, False), np.arange(n_groups).repeat(IMAGES))
        np.testing.assert_allclose(wrong, (0, 1 - low))


def test_more_errors_never_raise_the_interval():
    groups = np.arange(45).repeat(IMAGES)
    limits = np.array([intervals.interval(np.arange(135) >= wrong * IMAGES, groups) for wrong in range(45)])
    assert (np.diff(limits, axis=0) <= 1e-9).all()


def test_one_group_tells_next_to_nothing():
    low, high = intervals.interval([True, True, True, False], list("aaaa"))
    assert low < 0.05 and high > 0.95
    assert np.isnan(intervals.interval([1.0, 2.0], ["a", "a"])).all()


def test_a_mean_has_the_interval_of_student_over_group_means():
    values = np.array([1.0, 3.0, 4.0, 6.0, 9.0, 11.0])
    low, high = intervals.interval(values, list("aabbcc"))
    half = 4.302652729911275 * np.std([2, 5, 10], ddof=1) / np.sqrt(3)
    np.testing.assert_allclose((low, high), (17 / 3 - half, 17 / 3 + half))


def test_the_interval_of_a_mean_holds_its_level_for_five_groups():
    rng = np.random.default_rng(0)
    groups, held = np.arange(5).repeat(4), 0
    for _ in range(1000):
        low, high = intervals.interval(rng.normal(size=5).repeat(4) + rng.normal(size=20), groups)
        held += low <= 0 <= high
    assert 0.93 <= held / 1000 <= 0.97


def test_the_interval_counts_groups_not_images():
    """Ten copies of an image are no more evidence than one: the interval must not shrink."""
    rng = np.random.default_rng(0)
    hit = rng.random(30) < 0.7
    single = intervals.interval(hit, np.arange(30))
    copied = intervals.interval(hit.repeat(10), np.arange(30).repeat(10))
    as_if_independent = intervals.interval(hit.repeat(10), np.arange(300))
    np.testing.assert_allclose(copied, single, atol=0.01)
    assert as_if_independent[1] - as_if_independent[0] < 0.5 * (single[1] - single[0])


def test_the_interval_is_the_binomial_one_for_independent_images():
    hit = np.arange(400) < 300
    low, high = intervals.interval(hit, np.arange(400))
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert low == pytest.approx(0.75 - half, abs=0.008)
    assert high == pytest.approx(0.75 + half, abs=0.008)
