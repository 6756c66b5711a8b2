import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import permutation


@pytest.fixture
def few_orders(monkeypatch):
    monkeypatch.setattr(permutation, "ORDERS", 199)


def rate(p_values, level=0.05):
    return np.mean(np.array(p_values) <= level)


def test_holm_multiplies_by_how_many_are_left_and_never_goes_down():
    np.testing.assert_allclose(permutation.holm([0.04, 0.001, 0.03, np.nan]), [0.06, 0.003, 0.06, np.nan])
    assert permutation.holm([0.6, 0.7]).tolist() == [1, 1]
    assert permutation.holm([]).tolist() == []


def test_paired_differences_are_tested_over_groups_not_images(few_orders):
    """Copies of an image are no new evidence; all groups on one side give the least p there is."""
    rng = np.random.default_rng(0)
    difference = rng.normal(0.4, 1, 12)
    copied = permutation.paired(difference.repeat(10), np.arange(12).repeat(10))
    assert copied == permutation.paired(difference, np.arange(12))
    assert permutation.paired(np.ones(60), np.arange(60) // 5) == 1 / 200
    assert permutation.paired(np.zeros(9), np.arange(9)) == 1
    assert permutation.paired(np.ones(50), np.arange(50) // 10) > 0.03


def test_the_paired_test_holds_its_level_where_groups_are_alike(few_orders):
    rng, groups = np.random.default_rng(1), np.arange(10).repeat(5)
    nulls = [rng.normal(size=10).repeat(5) + rng.normal(size=50) for _ in range(400)]
    assert rate([permutation.paired(null, groups, seed) for seed, null in enumerate(nulls)]) <= 0.07
    assert rate([permutation.paired(null + 2, groups, seed) for seed, null in enumerate(nulls)]) > 0.9


def test_predictions_are_right_by_chance_as_often_as_the_classes_say(few_orders):
    true, groups = np.repeat(list("abc"), 20), np.arange(60) // 5
    chance, p_value = permutation.agreement(true, true, groups)
    assert chance == pytest.approx(1 / 3, abs=0.02)
    assert p_value == 1 / 200
    assert permutation.agreement(np.full(60, "a"), true, groups) == (pytest.approx(1 / 3), 1)


def test_chance_is_dealt_to_whole_groups(few_orders):
    """A classifier that names one class for each group is lucky by the group: images would seem to prove it."""
    rng, true, groups = np.random.default_rng(2), np.repeat(list("ab"), 40), np.arange(80) // 10
    guesses = [rng.choice(list("ab"), 8).repeat(10) for _ in range(300)]
    assert rate([permutation.agreement(guess, true, groups)[1] for guess in guesses]) <= 0.07
    assert rate([permutation.agreement(guess, true, np.arange(80))[1] for guess in guesses]) > 0.15


def test_the_largest_of_many_correlations_is_no_news(few_orders):
    """Of 64 × 4 pairs some reach ρ = 0.5 by chance: uncorrected, every such table would name one."""
    rng, groups = np.random.default_rng(3), np.arange(30).repeat(2)
    found = []
    for seed in range(100):
        measures = pd.DataFrame(rng.normal(size=(30, 4)).repeat(2, axis=0), columns=list("abcd"))
        rho, p_value = permutation.correlations(rng.normal(size=(60, 64)), measures, groups, seed)
        assert np.abs(rho).max() > 0.4
        found.append(p_value.min())
    assert rate(found) <= 0.1


def test_what_follows_a_measure_is_found_among_many(few_orders):
    rng, groups = np.random.default_rng(4), np.arange(30).repeat(2)
    vectors = rng.normal(size=(60, 64))
    measures = pd.DataFrame({"noise": rng.normal(size=60), "same": -vectors[:, 7], "gone": np.nan, "flat": 1.0})
    measures.loc[:3, "same"] = np.nan
    rho, p_value = permutation.correlations(vectors, measures, groups)
    assert rho[7, 1] < -0.95 and p_value[7, 1] == 1 / 200
    assert p_value[:, 0].min() > 0.05
    assert np.isnan(rho[:, 2:]).all() and np.isnan(p_value[:, 2:]).all()


def test_differences_between_classes_count_groups_and_dimensions(few_orders):
    rng, labels, groups = np.random.default_rng(5), np.repeat(list("abc"), 20), np.arange(60) // 2
    found = [
        permutation.differences(rng.normal(size=(30, 64)).repeat(2, axis=0), labels, groups, seed).min()
        for seed in range(100)
    ]
    assert rate(found) <= 0.1
    vectors = rng.normal(size=(60, 64))
    vectors[labels == "b", 9] += 4
    vectors[:, 3] = 1
    p_value = permutation.differences(vectors, labels, groups)
    assert p_value[9] == 1 / 200 and np.isnan(p_value[3])
    assert np.nanmin(np.delete(p_value, 9)) > 0.05
