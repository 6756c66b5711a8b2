"""Predictability, rank correlations and the identity of dimensions against hand computation, scipy and known truth."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV

from nanofoam_lib.latent import pore_prediction, ridge
from nanofoam_lib.models import objective


def test_linear_relation_is_predicted_exactly(rng):
    vectors, groups = rng.normal(size=(80, 6)) * [1, 1e3, 1e-3, 1, 1, 0] + 5, np.arange(80) // 4
    measures = pd.DataFrame({"size": vectors @ [1, 2e-3, 3e3, 0, 0, 0], "count": 7 - 2 * vectors[:, 3]})
    found = pore_prediction.predictability(vectors, measures, groups)
    assert found["measure"].tolist() == ["size", "count"]
    assert found["r2"].to_numpy() == pytest.approx([1, 1], abs=1e-4)
    assert (found["n"] == 80).all() and (found["n_groups"] == 20).all()


@pytest.mark.parametrize("shape", [(60, 20), (40, 90)])
def test_ridge_equals_scikit_learn(rng, shape):
    x = rng.normal(size=shape)
    x -= x.mean(axis=0)
    y = 3 * x[:, :4] * [0, 0.2, 1, 5] + rng.normal(size=(shape[0], 4))
    model = RidgeCV(ridge.ALPHAS, alpha_per_target=True).fit(x, y)
    assert len(set(model.alpha_)) > 1
    np.testing.assert_allclose(
        ridge._ridge([(slice(0, 20), x[:20]), (slice(20, None), x[20:])], y - y.mean(axis=0)), model.coef_.T, atol=1e-9
    )


def test_noise_is_not_predicted(rng):
    measures = pd.DataFrame({"size": rng.normal(size=100), "count": rng.normal(size=100)})
    for width in (2, 50, 300):
        found = pore_prediction.predictability(rng.normal(size=(100, width)), measures, np.arange(100) // 2)
        assert (found["r2"] < 0.05).all() and (found["r2"] > -0.6).all()


def test_r2_falls_with_noise(rng):
    vectors, noise = rng.normal(size=(200, 5)), rng.normal(size=200)
    measures = pd.DataFrame({str(level): vectors[:, 0] + level * noise for level in (0.1, 0.5, 1, 3)})
    r2 = pore_prediction.predictability(vectors, measures, np.arange(200))["r2"].to_numpy()
    assert (np.diff(r2) < 0).all()
    assert r2 == pytest.approx([1 / 1.01, 1 / 1.25, 1 / 2, 1 / 10], abs=0.1)


def test_groups_stay_on_one_side(rng):
    # the vectors name the group and nothing else: whoever sees a group in training knows its value
    groups = np.repeat(np.arange(30), 6)
    vectors = np.eye(30)[groups]
    measures = pd.DataFrame({"size": rng.normal(size=30)[groups]})
    assert pore_prediction.predictability(vectors, measures, np.arange(180))["r2"][0] > 0.99
    assert pore_prediction.predictability(vectors, measures, groups)["r2"][0] < 0.05
    assert pore_prediction.predictability(vectors, measures, groups.astype(str))["r2"][0] < 0.05


def test_r2_is_that_of_the_left_out_rows():
    # two groups, constant vectors: each half is predicted by the other's mean, so SSE = 4 SST
    measures = pd.DataFrame({"size": [1.0, 1.0, 3.0, 3.0]})
    found = pore_prediction.predictability(np.zeros((4, 2)), measures, ["a", "a", "b", "b"])
    assert found["r2"][0] == pytest.approx(1 - 4)


def test_units_do_not_matter(rng):
    vectors = rng.normal(size=(60, 4))
    size = vectors[:, 0] + 0.5 * rng.normal(size=60)
    measures = pd.DataFrame({"um": size, "nm": 1000 * size + 9})
    found = pore_prediction.predictability(vectors, measures, np.arange(60) // 2)
    assert found["r2"][0] == pytest.approx(found["r2"][1], abs=1e-9)
    scaled = pore_prediction.predictability(vectors * [1, 10, 1e-3, 5] - 3, measures, np.arange(60) // 2)
    assert scaled["r2"].to_numpy() == pytest.approx(found["r2"].to_numpy(), abs=1e-9)


def test_unknown_measures_are_left_out(rng):
    vectors, groups = rng.normal(size=(60, 3)), np.arange(60) // 3
    measures = pd.DataFrame({"known": vectors[:, 0], "some": vectors[:, 1], "none": np.nan, "constant": 4.0})
    measures.loc[:20, "some"] = np.nan
    found = pore_prediction.predictability(vectors, measures, groups).set_index("measure")
    assert found["n"].tolist() == [60, 39, 0, 60]
    assert found["n_groups"].tolist() == [20, 13, 0, 20]
    assert found.loc[["known", "some"], "r2"].to_numpy() == pytest.approx([1, 1], abs=1e-4)
    assert found.loc[["none", "constant"], "r2"].isna().all()
    alone = pore_prediction.predictability(vectors[21:], measures[["some"]][21:], groups[21:])
    assert alone["r2"][0] == pytest.approx(found.loc["some", "r2"], abs=1e-12)


def test_same_seed_same_folds(rng):
    vectors = rng.normal(size=(50, 4))
    measures = pd.DataFrame({"size": vectors[:, 0] + rng.normal(size=50)})
    one, same, other = (
        pore_prediction.predictability(vectors, measures, np.arange(50), seed)["r2"][0] for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize("ties", [False, True])
def test_rank_correlations_equal_scipy(rng, ties):
    vectors, values = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    values[:, 0] += vectors[:, 1]
    if ties:
        vectors, values = vectors.round(), values.round()
    found = pore_prediction.rank_correlations(vectors, pd.DataFrame(values, columns=list("abc")))
    expected = [[spearmanr(x, y).statistic for y in values.T] for x in vectors.T]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rank_correlation_of_monotone_constant_and_unknown(rng):
    x = rng.normal(size=30)
    vectors = np.stack([x, -(x**3), np.ones(30)], axis=1)
    measures = pd.DataFrame({"exp": np.exp(x), "constant": 1.0, "none": np.nan, "some": x})
    measures.loc[::2, "some"] = np.nan
    found = pore_prediction.rank_correlations(vectors, measures)
    nan = np.nan
    np.testing.assert_allclose(found, [[1, nan, nan, 1], [-1, nan, nan, -1], [nan] * 4], atol=1e-12)


def test_eta_squared_by_hand(rng):
    # means 2 and 6 around 4: between 4·2² = 16, within 2·1² + 2·1² = 4
    assert pore_prediction.eta_squared([[1.0], [3], [5], [7]], list("aabb")) == pytest.approx([16 / 20])
    # sizes differ: mean 2, class means 1 and 5: between 3·1 + 1·9 = 12, within 1 + 0 + 1 = 2
    assert pore_prediction.eta_squared([[0.0], [1], [2], [5]], list("aaab")) == pytest.approx([12 / 14])
    assert pore_prediction.eta_squared([[0.1, 1], [0.1, 1], [0.1, 2]], list("aab")) == pytest.approx([0, 1])
    vectors, labels = rng.normal(size=(90, 4)), np.repeat(list("abc"), 30)
    eta = pore_prediction.eta_squared(vectors, labels)
    assert ((eta >= 0) & (eta < 0.15)).all()
    np.testing.assert_allclose(pore_prediction.eta_squared(-7 * vectors + 1e3, labels), eta, rtol=1e-9)


def test_dimensions_tell_what_each_one_is(rng):
    labels = np.repeat(["CuNi1", "CuNi2", "CuNi3"], 20)
    size, porosity = np.repeat([20.0, 25, 35], 20) + rng.normal(size=60), rng.normal(size=60)
    mu = np.stack([(size - 25) / 6, porosity, 1e-3 * rng.normal(size=60), np.zeros(60)], axis=1).astype(np.float32)
    sigma = np.tile(np.float32([0.1, 0.1, 1, 1]), (60, 1))
    measures = pd.DataFrame({"diameter": size, "density": 1 / size**2 + 1e-4 * porosity, "porosity": -porosity})
    usage = objective.usage(mu, sigma)
    table = pore_prediction.dimensions(mu, usage, labels, measures)
    names = "dimension kl mu_variance active effect_size forest_importance best_measure best_rho effect_p best_p"
    assert table.columns.tolist() == names.split()
    assert table["dimension"].tolist() == [0, 1, 2, 3]
    assert table["active"].tolist() == [True, True, False, False]
    assert table["kl"].to_numpy() == pytest.approx(objective.dimension_kl(mu, sigma))
    assert table["effect_size"].idxmax() == table["forest_importance"].idxmax() == 0
    assert table["effect_size"][0] > 0.9 and table["effect_size"][3] == table["forest_importance"][3] == 0
    assert table["forest_importance"].sum() == pytest.approx(1)
    assert table["best_measure"].tolist()[:2] == ["diameter", "porosity"]
    assert table["best_rho"].to_numpy()[:2] == pytest.approx([1, -1])
    assert pd.isna(table["best_measure"][3]) and pd.isna(table["best_rho"][3])
    again = pore_prediction.dimensions(mu, usage, labels, measures)
    pd.testing.assert_frame_equal(table, again)


def test_dimensions_that_are_conspicuous_by_chance_are_told_from_others(rng):
    """The best of 64 dimensions follows something: p says whether the best of dealt groups follows it as closely."""
    labels, groups = np.repeat(["a", "b"], 30), np.arange(60) // 2
    mu, usage = rng.normal(size=(60, 64)), pd.DataFrame({"kl": np.ones(64)})
    noise = pd.DataFrame(rng.normal(size=(30, 3)).repeat(2, axis=0), columns=list("xyz"))
    table = pore_prediction.dimensions(mu, usage, labels, noise, groups=groups)
    assert table["best_rho"].abs().max() > 0.3
    assert table[["effect_p", "best_p"]].min().min() > 0.05
    mu[:, 5] += 4 * (labels == "a") + noise["y"]
    told = pore_prediction.dimensions(mu, usage, labels, noise, groups=groups)
    assert told.loc[5, "effect_p"] < 0.001


def test_dimensions_without_any_known_measure(rng):
    mu = rng.normal(size=(12, 2))
    usage = objective.usage(mu, np.ones((12, 2)))
    table = pore_prediction.dimensions(mu, usage, ["a", "b"] * 6, pd.DataFrame({"size": [np.nan] * 12}))
    assert table[["best_measure", "best_rho"]].isna().all(axis=None)


def test_rows_must_fit():
    with pytest.raises(ValueError, match="measures"):
        pore_prediction.predictability(np.zeros((3, 2)), pd.DataFrame({"size": [1.0, 2.0]}), [1, 2, 3])
    with pytest.raises(ValueError, match="groups"):
        pore_prediction.predictability(np.zeros((2, 2)), pd.DataFrame({"size": [1.0, 2.0]}), [1, 2, 3])
    with pytest.raises(ValueError, match="measures"):
        pore_prediction.rank_correlations(np.zeros((3, 2)), pd.DataFrame({"size": [1.0, 2.0]}))


def test_the_strongest_dimensions_are_active_and_of_the_model_asked_for():
    table = pd.DataFrame({
        "kind": ["vae"] * 4 + ["texture"], "latent_dim": [4, 4, 4, 4, 4], "dimension": [0, 1, 2, 3, 0],
        "active": [True, False, True, True, True], "effect_size": [0.1, 0.9, 0.3, 0.2, 1.0],
    })  # fmt: skip
    assert pore_prediction.strongest(table, "vae", 4, n=3) == [2, 3, 0]
    assert pore_prediction.strongest(table, "vae", 4) == [2, 3, 0, 1]


def test_names_of_groups_and_numbers_in_their_order_are_dealt_to_the_same_folds(rng):
    vectors, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    names = np.array([f"specimen {i % 15:02d}" for i in range(60)], object)
    found = ridge.predict_unseen(vectors, y, names, seed=3)
    np.testing.assert_array_equal(found, ridge.predict_unseen(vectors, y, np.arange(60) % 15, seed=3))
