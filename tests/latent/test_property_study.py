import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nanofoam_lib.latent import properties, property_study, ridge

SPECIMENS, IMAGES = 36, 3


@pytest.fixture(autouse=True)
def few_orders(monkeypatch):
    monkeypatch.setattr(property_study, "ORDERS", 99)


@pytest.fixture
def linear(monkeypatch):
    """Leave the Gaussian process out, which takes longest."""
    monkeypatch.setattr(properties, "MODELS", {name: properties.MODELS[name] for name in ("ridge", "PLS")})


@pytest.fixture
def foams():
    """Make specimens of three classes: descriptors that know a property, and properties of several kinds."""
    rng = np.random.default_rng(0)
    groups = np.array([f"s{i}" for i in range(SPECIMENS)]).repeat(IMAGES)
    labels = (np.arange(SPECIMENS) % 3).astype(str).repeat(IMAGES)
    own = rng.normal(size=(SPECIMENS, 6)).repeat(IMAGES, axis=0)
    class_of = labels.astype(float)
    own[:, 0] = 3 * class_of
    vectors = own + 0.1 * rng.normal(size=own.shape)
    targets = pd.DataFrame(
        {"modulus_gpa": own[:, 1] * 2 + 30, "cu_m": 0.3 - 0.1 * class_of, "both": own[:, 1] + 4 * class_of,
         "noise": rng.normal(size=SPECIMENS).repeat(IMAGES)}
    )  # fmt: skip
    latents = {("texture", 6, "mu"): vectors, ("vae", 6, "sigma"): rng.normal(size=vectors.shape)}
    return latents, targets, pd.DataFrame({"label": labels, "group": groups})


def rows_of(table, model="ridge"):
    return table[table["model"] == model].set_index(["target", "descriptor"])


def test_what_is_known_is_found_and_what_is_not_is_not(foams):
    table = property_study.study(*foams, n_jobs=1).table
    assert list(table.columns) == property_study.COLUMNS
    assert len(table) == 4 * 3 * len(properties.MODELS)
    assert table["n_specimens"].eq(SPECIMENS).all()
    for model in properties.MODELS:
        found = rows_of(table, model)
        assert found.loc[("modulus_gpa", "mu"), "r2"] > 0.9
        assert found.loc[("modulus_gpa", "sigma"), "r2"] < 0.2
        assert found.loc[("noise", "mu"), "r2"] < 0.3
        assert found.loc[("both", "mu"), "r2_within"] > 0.8
        assert found.loc[("both", "class label"), "r2"] > 0.8 > 0.1 > found.loc[("both", "class label"), "r2_within"]
        assert found.loc[("cu_m", "class label"), "r2"] == pytest.approx(1, abs=1e-3)
    found = rows_of(table)
    assert found.loc["cu_m", "r2_within"].isna().all()  # the class says it all
    assert found.loc[("modulus_gpa", "mu"), "p"] == found.loc[("both", "mu"), "p_within"] == 0.01
    assert found.loc[("noise", "mu"), "p"] > 0.05
    assert found.loc[("modulus_gpa", "mu"), "unit"] == "GPa"
    assert table.loc[table["model"] != "ridge", "p"].isna().all()


def test_the_numbers_are_those_of_an_independent_computation(linear, foams):
    latents, targets, index = foams
    found = rows_of(property_study.study(latents, targets[["both"]], index, n_jobs=1).table).loc[("both", "mu")]
    x = pd.DataFrame(latents["texture", 6, "mu"]).groupby(index["group"]).mean().to_numpy()
    y = targets["both"].groupby(index["group"]).first().to_numpy()
    labels = index["label"].groupby(index["group"]).first().to_numpy()
    predicted = np.empty(SPECIMENS)
    for train, test in KFold(5, shuffle=True, random_state=0).split(x):
        model = make_pipeline(StandardScaler(), RidgeCV(ridge.ALPHAS)).fit(x[train], y[train])
        predicted[test] = model.predict(x[test])
    error = y - predicted
    assert found["r2"] == pytest.approx(1 - error.var() / y.var(), abs=0.01)
    assert found["r2"] == pytest.approx(1 - (error**2).sum() / ((y - y.mean()) ** 2).sum())
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    left, there = (part - pd.Series(part).groupby(labels).transform("mean") for part in (error, y))
    assert found["r2_within"] == pytest.approx(1 - (left**2).sum() / (there**2).sum())


def test_predictions_are_those_of_the_table(linear, foams):
    latents, targets, index = foams[0], foams[1][["both", "noise"]], foams[2]
    study = property_study.study(latents, targets, index, n_jobs=1)
    table, found = rows_of(study.table), study.predictions
    assert list(found.columns) == property_study.PREDICTED and len(found) == len(table) * SPECIMENS
    shown = property_study.study(latents, targets, index, shown=[("texture", 6, "mu"), ("vae", 6, "mu")], n_jobs=1)
    by_mu = found[found["descriptor"] == "mu"].reset_index(drop=True)
    pd.testing.assert_frame_equal(shown.predictions, by_mu)
    for (target, name), own in found.groupby(["target", "descriptor"]):
        row = table.loc[(target, name)]
        assert own["r2"].iloc[0] == row["r2"]
        assert np.sqrt(((own["measured"] - own["predicted"]) ** 2).mean()) == pytest.approx(row["rmse"])
        inside = (own["low"] <= own["measured"]) & (own["measured"] <= own["high"])
        assert inside.mean() == pytest.approx(row["coverage"], abs=1 / SPECIMENS)
        assert own["group"].is_unique and len(own) == SPECIMENS


def test_intervals_hold_on_specimens_held_out(monkeypatch):
    """Over many small studies the share that is covered is what was said, whether or not anything is predicted."""
    monkeypatch.setattr(property_study, "ORDERS", 2)  # chance is not asked for
    rng, covered = np.random.default_rng(0), []
    for seed in range(25):
        x = rng.normal(size=(40, 5))
        y = x[:, 0] * (seed % 2) + rng.standard_t(4, size=40)
        index = pd.DataFrame({"label": "a", "group": np.arange(40)})
        by = {("texture", 5, "mu"): x}
        found = property_study.study(by, pd.DataFrame({"y": y}), index, seed, by, 1, ["ridge"]).predictions
        covered.append(((found["low"] <= y) & (y <= found["high"])).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.04)


def test_images_of_one_specimen_do_not_leak(linear):
    """Vectors that name the specimen and nothing else predict nothing, however many images there are of each."""
    rng = np.random.default_rng(0)
    groups = np.arange(30).repeat(8)
    names = rng.normal(size=(30, 40))[groups] + 0.01 * rng.normal(size=(240, 40))
    value = pd.DataFrame({"y": rng.normal(size=30)[groups]})
    index = pd.DataFrame({"label": "a", "group": groups})
    found = property_study.study({("texture", 40, "mu"): names}, value, index, n_jobs=1).table
    assert (found["r2"] < 0.15).all() and found["n_specimens"].eq(30).all()
    as_images = index.assign(group=range(240))
    as_images = property_study.study({("texture", 40, "mu"): names}, value, as_images, n_jobs=1).table
    assert (as_images.query("descriptor == 'mu'")["r2"] > 0.8).all()  # what a split by image would have said


def test_a_permutation_test_on_nothing_holds_its_level():
    rng, found = np.random.default_rng(1), []
    index = pd.DataFrame({"label": np.arange(24) % 2, "group": np.arange(24)})
    for seed in range(40):
        x, y = rng.normal(size=(24, 30)), pd.DataFrame({"y": rng.normal(size=24)})
        _, jobs = property_study._jobs({("vae", 30, "mu"): x}, y, index)
        numbers, _ = property_study._score(*jobs[0][:3], "ridge", seed)
        found.append(property_study._chances(*jobs[0][:3], numbers, "ridge", seed))
    table = pd.DataFrame(found)
    assert (table <= 0.1).mean().between(0.0, 0.22).all()
    assert table.mean().between(0.35, 0.68).all()


def test_of_fewer_than_ten_specimens_nothing_can_be_claimed(linear, foams):
    latents, targets, index = foams
    few = targets.where(index["group"].isin([f"s{i}" for i in range(9)]))
    table = property_study.study(latents, few, index, n_jobs=1).table
    assert table["n_specimens"].eq(9).all()
    assert table[["p", "p_within", "coverage"]].isna().all().all()
    assert table["r2"].notna().all()


def test_missing_constant_and_unknown_properties(linear, foams):
    latents, targets, index = foams
    odd = pd.DataFrame(
        {"known": targets["modulus_gpa"].mask(index["group"].isin(["s1", "s2"])), "same": 2.5, "none": np.nan}
    )
    table = property_study.study(latents, odd, index, n_jobs=1).table
    assert set(table["target"]) == {"known"} and table["n_specimens"].eq(SPECIMENS - 2).all()
    nothing = property_study.study(latents, odd[["none"]], index, n_jobs=1)
    assert nothing.table.empty and nothing.predictions.empty
    assert list(nothing.predictions.columns) == property_study.PREDICTED


def test_a_gaussian_process_is_left_out_where_it_would_take_too_long(foams, monkeypatch):
    monkeypatch.setattr(properties, "MOST", SPECIMENS - 1)
    assert set(property_study.study(*foams, n_jobs=1).table["model"]) == {"ridge", "PLS"}


def test_the_result_does_not_depend_on_the_number_of_workers(foams):
    study = functools.partial(property_study.study, foams[0], foams[1][["both"]], foams[2])
    one, two = study(n_jobs=1), study(n_jobs=2)
    chances = ["p", "p_within"]
    pd.testing.assert_frame_equal(one.table.drop(columns=chances), two.table.drop(columns=chances))
    pd.testing.assert_frame_equal(one.predictions, two.predictions)


def test_wide_vectors_are_turned_without_changing_a_prediction():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 150)), rng.standard_normal((40, 3))
    x[:, 7] = 1.0  # what does not vary
    expected = np.empty_like(y)
    for train, test in KFold(5, shuffle=True, random_state=3).split(x):
        own = make_pipeline(StandardScaler(), RidgeCV(ridge.ALPHAS, alpha_per_target=True)).fit(x[train], y[train])
        expected[test] = y[test] - own.predict(x[test])
    np.testing.assert_allclose(property_study._errors(x, y, 3), expected, atol=1e-9)
