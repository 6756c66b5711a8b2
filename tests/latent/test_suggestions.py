import numpy as np
import pandas as pd
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


def study_of(**made):
    """Make 24 specimens of two classes, with a property that rises along one latent dimension, and suggest."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(24, 5)) * [3, 1, 0.1, 0.1, 0.1]
    labels = np.repeat(["a", "b", "c"], 8)
    known = pd.DataFrame({"modulus_gpa": 50 + vectors[:, 0]} | {name: np.repeat(own, 8) for name, own in made.items()})
    index = pd.DataFrame({"label": labels, "group": [f"s{i}" for i in range(24)]})
    return vectors, known, index


def test_compositions_are_chosen_among_those_between_two_classes():
    vectors, known, index = study_of(cu_m=[0.2, 0.25, 0.3], ni_m=[0.2, 0.15, 0.1])
    table = suggestions.study(vectors, known, index)
    assert list(table) == suggestions.COLUMNS and set(table["target"]) == {"modulus_gpa"}
    assert table["unit"].unique().tolist() == ["GPa"] and table["seek"].tolist() == [
        seek for seek in suggestions.SEEK for _ in range(2)
    ]
    for place in table["place"]:
        copper, nickel = (float(part.split()[1]) for part in place.split(", "))
        assert 0.2 <= copper <= 0.3 and copper + nickel == pytest.approx(0.4)  # a mixture of what was made


def test_without_a_composition_places_on_the_map_of_specimens_are_chosen():
    vectors, known, index = study_of()
    table = suggestions.study(vectors, known, index).set_index("seek")
    assert table["place"].str.fullmatch(r"PC1 [+-][\d.]+, PC2 [+-][\d.]+ \(s\d+\)").all()
    assert table.loc["high", "predicted"].min() > 50 > table.loc["low", "predicted"].max()


def test_nothing_is_suggested_of_few_specimens_or_without_a_property():
    vectors, known, index = study_of()
    assert list(suggestions.study(vectors, known.iloc[:, :0], index)) == suggestions.COLUMNS
    few = known.where(pd.Series(np.arange(24) < 9), axis=0)
    assert not len(suggestions.study(vectors, few, index))
