import numpy as np
import pytest

from nanofoam_lib.latent import suggestions

GRID = np.linspace(0, 1, 101)[:, None]


def specimens(low=0.0, high=1.0, n=24, noise=0.02, seed=0):
    """Make specimens of three images each with a hump of a property at 0.7."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, n)
    y = np.exp(-(((x - 0.7) / 0.2) ** 2)) + noise * rng.normal(size=n)
    return x.repeat(3)[:, None], y.repeat(3), np.arange(n).repeat(3)


def test_the_largest_gap_is_where_most_is_to_be_learnt():
    x, y, groups = specimens(0.0, 1.0, 40)
    gap = (x[:, 0] < 0.3) | (x[:, 0] > 0.55)
    found = suggestions.suggest(x[gap], y[gap], groups[gap], GRID[5:96], 1)
    assert 0.33 < GRID[5:96][found["candidate"][0], 0] < 0.52
    assert found["gain"][0] == found["sd"][0]


def test_a_high_value_is_sought_where_it_may_be_and_a_low_one_elsewhere():
    high = suggestions.suggest(*specimens(), GRID, 3, "high")
    assert abs(GRID[high["candidate"], 0] - 0.7).max() < 0.2
    low = suggestions.suggest(*specimens(), GRID, 3, "low")
    assert (GRID[low["candidate"], 0] < 0.4).all()
    assert (high["predicted"] > 0.6).all() and (low["predicted"] < 0.3).all()


def test_suggestions_do_not_crowd_nor_repeat():
    found = suggestions.suggest(*specimens(0.4, 0.6), GRID, 4)
    places = np.sort(GRID[found["candidate"], 0])
    assert np.diff(places).min() > 0.1
    every = suggestions.suggest(*specimens(), GRID[::20], 50)
    assert sorted(every["candidate"]) == list(range(6))
    assert found["gain"].is_monotonic_decreasing


def test_units_do_not_matter():
    x, y, groups = specimens()
    plain = suggestions.suggest(x, y, groups, GRID, 3, "high")
    scaled = suggestions.suggest(100 * x, 5 * y - 7, groups, 100 * GRID, 3, "high")
    assert plain["candidate"].tolist() == scaled["candidate"].tolist()
    np.testing.assert_allclose(scaled[["sd", "gain"]], 5 * plain[["sd", "gain"]], rtol=1e-3)


def test_what_a_suggestion_is_worth():
    """Following suggestions, the hump is found nearer than by as many more specimens of the kind that there are."""
    rng, ours, chance = np.random.default_rng(0), [], []
    for seed in range(6):
        known = specimens(0.0, 0.45, 12, seed=seed)
        picks = GRID[suggestions.suggest(*known, GRID, 4, "high")["candidate"], 0]
        ours.append(np.exp(-(((picks - 0.7) / 0.2) ** 2)).max())
        chance.append(np.exp(-(((rng.uniform(0, 0.45, 4) - 0.7) / 0.2) ** 2)).max())
    assert np.mean(ours) > np.mean(chance)


def test_what_cannot_be_used_is_named():
    x, y, groups = specimens()
    with pytest.raises(ValueError, match="seek: expected one of knowledge, high, low"):
        suggestions.suggest(x, y, groups, GRID, seek="best")
    with pytest.raises(ValueError, match="of 9 specimens"):
        suggestions.suggest(x[:27], y[:27], groups[:27], GRID)
    with pytest.raises(ValueError, match=r"candidates: expected \(C, 1\)"):
        suggestions.suggest(x, y, groups, np.zeros((3, 2)))
