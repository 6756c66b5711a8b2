import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from nanofoam_lib.latent import properties, ridge


def specimens_of(n=60, images=3, dims=8, noise=0.3, seed=0):
    """Make specimens whose value is a line in two dimensions, and images around each: vectors, values, groups."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(n, dims))
    value = 5 + 2 * own[:, 0] - own[:, 1] + noise * rng.normal(size=n)
    vectors = own.repeat(images, axis=0) + 0.1 * rng.normal(size=(n * images, dims))
    return vectors, value.repeat(images), np.array([f"s{i}" for i in range(n)]).repeat(images)


def test_a_specimen_is_the_mean_of_its_images_and_needs_one_known_value():
    vectors = [[0.0, 2.0], [2.0, 0.0], [7.0, 7.0], [1.0, 1.0]]
    found = properties.by_specimen(vectors, [np.nan, 3.0, 4.0, np.nan], ["b", "b", "a", "c"])
    assert found.names.tolist() == ["a", "b"]
    assert found.vectors.tolist() == [[7, 7], [1, 1]]
    assert found.measured.tolist() == [4, 3]
    assert found.first.tolist() == [2, 0]
    with pytest.raises(ValueError, match="rows"):
        properties.by_specimen(vectors, [1.0], ["a"])


@pytest.mark.parametrize("model", properties.MODELS)
def test_each_model_finds_the_line_and_covers_new_specimens(model):
    predictor = properties.fit(*specimens_of(), model)
    vectors, values, _ = specimens_of(200, 1, seed=1)
    value, low, high = predictor.predict(vectors)
    assert 1 - ((value - values) ** 2).sum() / ((values - values.mean()) ** 2).sum() > 0.9
    assert 0.84 <= ((low <= values) & (values <= high)).mean() <= 0.97
    np.testing.assert_allclose(high - value, predictor.half_width)
    np.testing.assert_allclose(value - low, predictor.half_width)
    assert predictor.n_specimens == 60


def test_ridge_is_the_one_that_pore_measures_are_predicted_by():
    vectors, values, groups = specimens_of(images=1)
    train, test = np.arange(40), np.arange(40, 60)
    ours = properties.fit(vectors[train], values[train], groups[train]).predict(vectors[test])[0]
    np.testing.assert_allclose(ours, ridge.predict(vectors, values[:, None], train, test)[:, 0], rtol=1e-6)


@pytest.mark.parametrize("model", properties.MODELS)
def test_what_is_predicted_does_not_depend_on_units_or_order(model):
    vectors, values, groups = specimens_of(30)
    plain = properties.fit(vectors, values, groups, model).predict(vectors)[0]
    scaled = properties.fit(vectors * 50 - 3, 1000 * values, groups, model).predict(vectors * 50 - 3)[0]
    np.testing.assert_allclose(scaled, 1000 * plain, rtol=2e-3)
    order = np.random.default_rng(0).permutation(len(values))
    mixed = properties.fit(vectors[order], values[order], groups[order], model).predict(vectors)[0]
    np.testing.assert_allclose(mixed, plain, rtol=1e-6)


def test_intervals_come_from_specimens_not_seen():
    """Vectors that name the specimen and nothing else: its own images are told perfectly, new ones not at all."""
    covered = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        own, value = rng.normal(size=(40, 200)), rng.normal(size=40)
        predictor = properties.fit(own.repeat(5, axis=0), value.repeat(5), np.arange(40).repeat(5))
        new, unknown = rng.normal(size=(300, 200)), rng.normal(size=300)
        _, low, high = predictor.predict(new)
        covered.append(((low <= unknown) & (unknown <= high)).mean())
        memorised = LinearRegression().fit(own, value).predict(own)
        assert predictor.half_width > 10 * np.abs(memorised - value).max()
    assert 0.84 <= np.mean(covered) <= 0.95


def test_few_specimens_give_no_interval():
    vectors, values, groups = specimens_of(8)
    value, low, high = properties.fit(vectors, values, groups).predict(vectors)
    assert np.isfinite(value).all()
    assert np.isneginf(low).all() and np.isposinf(high).all()


def test_images_without_a_value_are_left_out():
    vectors, values, groups = specimens_of(30)
    some = values.copy()
    some[::3] = np.nan  # one of three images of each specimen
    np.testing.assert_allclose(
        properties.fit(vectors, some, groups).predict(vectors)[0],
        properties.fit(vectors, values, groups).predict(vectors)[0],
    )
    some[groups == "s1"] = np.nan
    assert properties.fit(vectors, some, groups).n_specimens == 29


def test_nothing_to_learn_is_said():
    vectors, values, groups = specimens_of(20)
    with pytest.raises(ValueError, match="no two values that differ"):
        properties.fit(vectors, np.ones(60), groups)
    with pytest.raises(ValueError, match="1 specimens"):
        properties.fit(vectors, values, np.zeros(60))
    with pytest.raises(ValueError, match="expected one of ridge, PLS"):
        properties.fit(vectors, values, groups, "forest")
    many = np.arange(properties.MOST + 1.0)
    with pytest.raises(ValueError, match="1000 specimens at most"):
        properties.fit(many[:, None], many, many, "Gaussian process")


def test_no_images_give_no_predictions():
    assert [part.shape for part in properties.fit(*specimens_of()).predict(np.zeros((0, 8)))] == [(0,)] * 3
