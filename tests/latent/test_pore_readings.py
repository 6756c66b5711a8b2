import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import pore_readings, properties, property_study, ridge
from nanofoam_lib.report import claims

SPECIMENS, IMAGES = 40, 3


@pytest.fixture
def foams():
    """Make images of specimens: vectors of which two directions are the pores, and the pore measures."""
    rng = np.random.default_rng(0)
    groups = np.array([f"s{i:02}" for i in range(SPECIMENS)]).repeat(IMAGES)
    vectors = rng.normal(size=(SPECIMENS, 20)).repeat(IMAGES, axis=0) + 0.3 * rng.normal(size=(120, 20))
    measures = np.column_stack([0.5 + 0.05 * vectors[:, 0] - 0.1 * vectors[:, 3], 30 + vectors[:, 1]])
    return vectors, measures, groups


def test_measures_that_lie_in_the_vectors_are_read_exactly_and_in_their_units(foams):
    vectors, measures, groups = foams
    found = pore_readings.unseen(vectors, measures, groups)
    np.testing.assert_allclose(found, measures, rtol=1e-4)
    np.testing.assert_allclose(pore_readings.fit(*foams).read(vectors), measures, rtol=1e-4)
    turned = pore_readings.unseen(vectors, 1000 * measures - 5, groups)
    np.testing.assert_allclose(turned, 1000 * found - 5)


def test_a_reading_is_that_of_a_regression_on_the_other_folds(foams):
    vectors, measures, groups = foams
    measures = measures + np.random.default_rng(1).normal(size=measures.shape)
    found = pore_readings.unseen(vectors, measures, groups, seed=3)
    np.testing.assert_allclose(found, ridge.predict_unseen(vectors, measures, groups, seed=3))


@pytest.mark.parametrize("changed", [7.0, np.nan, "other"])
def test_the_measures_of_a_specimen_do_not_change_its_own_reading(foams, changed):
    vectors, measures, groups = foams
    measures = measures + np.random.default_rng(1).normal(size=measures.shape)
    own = groups == "s07"
    other = measures.copy()
    other[own] = np.random.default_rng(2).normal(size=(IMAGES, 2)) * 1e3 if changed == "other" else changed
    if changed != changed:
        other[np.flatnonzero(own)[0]] = measures[np.flatnonzero(own)[0]]  # the folds are those of measured specimens
    before, after = (pore_readings.unseen(vectors, values, groups) for values in (measures, other))
    np.testing.assert_array_equal(before[own], after[own])
    assert (before != after).any()


def test_doubtful_pictures_teach_nothing_and_are_read_all_the_same(foams):
    vectors, measures, groups = foams
    partly = measures.copy()
    partly[::IMAGES] = np.nan  # one picture of each specimen
    partly[groups == "s00"] = np.nan  # and a whole specimen
    found = pore_readings.unseen(vectors, partly, groups)
    np.testing.assert_allclose(found, measures, rtol=1e-4)
    odd = vectors.copy()
    odd[np.flatnonzero(groups == "s05")[0]] = 1e6
    unmoved = groups != "s05"
    np.testing.assert_array_equal(pore_readings.unseen(odd, partly, groups)[unmoved], found[unmoved])


def test_measures_that_are_known_of_different_images_each_keep_their_place(foams):
    vectors, measures, groups = foams
    first, second = measures.T
    few = np.where(np.arange(len(second)) % 4, second, np.nan)
    table = np.column_stack([few, np.full(len(first), 0.3), first, np.full(len(first), np.nan), second])
    found = pore_readings.unseen(vectors, table, groups)
    np.testing.assert_allclose(found, np.column_stack([second, first, second]), rtol=1e-4)
    np.testing.assert_allclose(pore_readings.fit(vectors, table, groups).read(vectors), found, rtol=1e-4)


def test_without_measures_of_two_specimens_nothing_is_read(foams):
    vectors, measures, groups = foams
    for unknown in (groups == groups, groups != "s03"):
        values = np.where(unknown[:, None], np.nan, measures)
        assert pore_readings.unseen(vectors, values, groups).shape == (120, 0)
        assert pore_readings.fit(vectors, values, groups) is None
        assert pore_readings.of_all({("texture", 20, "mu"): vectors}, values, groups) == {}
    two = np.where(np.isin(groups, ["s03", "s04"])[:, None], measures, np.nan)
    assert np.isfinite(pore_readings.unseen(vectors, two, groups)).all()
    with pytest.raises(ValueError, match="120, 119 and 120 rows"):
        pore_readings.unseen(vectors, measures[1:], groups)


@pytest.fixture
def study(foams, monkeypatch):
    """Study a property that follows from one measure, and that property dealt anew to the specimens."""
    monkeypatch.setattr(property_study, "ORDERS", 199)
    monkeypatch.setattr(properties, "MODELS", {"ridge": properties.MODELS["ridge"]})
    vectors, measures, groups = foams
    noise = np.random.default_rng(3).normal(size=(SPECIMENS, 12)).repeat(IMAGES, axis=0)
    vectors = np.column_stack([vectors, noise])
    modulus = pd.Series(measures[:, 0]).groupby(groups).transform("mean").to_numpy()
    dealt = np.random.default_rng(4).permutation(modulus[::IMAGES]).repeat(IMAGES)
    told = {("texture", 32, "mu"): vectors}
    told |= pore_readings.of_all(told, measures, groups)
    index = pd.DataFrame({"label": "a", "group": groups})
    return property_study.study(told, pd.DataFrame({"modulus_gpa": modulus, "dealt": dealt}), index, n_jobs=1).table


def test_a_property_is_told_through_the_pores_and_a_permuted_one_is_not_claimed(study):
    r2 = study.set_index(["target", "descriptor"])["r2"]
    assert r2["modulus_gpa", "pores by mu"] > max(0.98, r2["modulus_gpa", "mu"])
    made = claims.collect({"properties": study}).set_index("id")
    claimed = made["holds"].filter(like="pores by mu")
    assert {name: bool(own) for name, own in claimed.items()} == {
        "property: pores by mu of texture-32, modulus_gpa": True,
        "property: pores by mu of texture-32, dealt": False,
    }
    assert "pore reading by μ of the 32-d texture model" in made["claim"].str.cat()
    assert "lectura de poros por μ del modelo de texturas de 32 dimensiones" in made["claim_es"].str.cat()
