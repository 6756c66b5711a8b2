import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import inverse_design, properties, property_axes

WEIGHTS = np.array([2.0, 0, -1, 0.5])


def specimens_of(n=300, noise=0.0, seed=0):
    """Make specimens of two images each, whose property is linear in their vectors but for noise."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 4))
    values = 40 + vectors @ WEIGHTS + noise * rng.normal(size=n)
    return vectors.repeat(2, axis=0), values.repeat(2), np.arange(n).repeat(2)


def test_the_regression_is_found_and_levels_lie_within_what_was_measured():
    vectors, values, groups = specimens_of()
    axis = property_axes.fit(vectors, values, groups)
    np.testing.assert_allclose(axis.design.slopes, WEIGHTS, atol=0.01)
    assert axis.told == pytest.approx(1, abs=0.01)
    levels = property_axes.levels(axis, 5)
    assert values.min() < levels[0] and levels[-1] < values.max()
    np.testing.assert_allclose(np.diff(levels), (levels[-1] - levels[0]) / 4)


def test_the_interval_is_as_wide_as_the_regression_was_wrong_on_specimens_it_had_not_seen(rng):
    axis = property_axes.fit(*specimens_of(noise=1.0))
    fresh = rng.normal(size=(2000, 4))
    off = 40 + fresh @ WEIGHTS + rng.normal(size=2000) - inverse_design.predict(axis.design, fresh)
    assert np.mean(np.abs(off) <= axis.half_width) == pytest.approx(0.9, abs=0.04)


def test_about_as_many_specimens_as_dimensions_do_no_harm(rng):
    """Without a penalty the regression fits all of them and knows nothing of others."""
    vectors, fresh = rng.normal(size=(84, 82)), rng.normal(size=(500, 82))
    values, actual = (own[:, :3].sum(axis=1) + 2 * rng.normal(size=len(own)) for own in (vectors, fresh))
    axis = property_axes.fit(vectors, values, np.arange(84))
    assert np.mean((actual - inverse_design.predict(axis.design, fresh)) ** 2) < 1.05 * actual.var()


def test_the_way_is_what_goes_with_the_property_not_what_reads_it_off(rng):
    """One dimension carries the property and a disturbance, another the disturbance alone, which the weights cancel."""
    signal, disturbance = rng.normal(size=(2, 800))
    vectors = np.stack([signal + disturbance, disturbance], axis=1)
    axis = property_axes.fit(vectors, signal, np.arange(800))
    np.testing.assert_allclose(axis.design.slopes, [1, -1], atol=0.02)
    low, high = property_axes.typical(axis, [-1, 1])
    np.testing.assert_allclose(high - low, [2, 0], atol=0.15)


def test_the_way_is_the_mean_of_the_vectors_given_the_property():
    vectors, values, groups = specimens_of(4000, noise=np.sqrt(WEIGHTS @ WEIGHTS))
    axis = property_axes.fit(vectors, values, groups)
    assert axis.told == pytest.approx(0.5, abs=0.03)  # half of the variance is noise
    far = values > np.quantile(values, 0.9)
    np.testing.assert_allclose(
        property_axes.typical(axis, [values[far].mean()])[0], vectors[far].mean(axis=0), atol=0.12
    )


def test_what_vectors_do_not_tell_of_is_hardly_moved_for(rng):
    vectors = rng.normal(size=(60, 4))
    axis = property_axes.fit(vectors, rng.normal(size=60), np.arange(60))
    ends = property_axes.typical(axis, property_axes.levels(axis)[[0, -1]])
    assert np.linalg.norm(ends[1] - ends[0]) < 0.5 * np.linalg.norm(vectors[1] - vectors[0])


def test_units_do_not_matter():
    vectors, values, groups = specimens_of(noise=1.0)
    plain, scaled = (property_axes.fit(vectors, factor * values, groups) for factor in (1, 1000))
    np.testing.assert_allclose(property_axes.levels(scaled), 1000 * property_axes.levels(plain))
    np.testing.assert_allclose(property_axes.typical(scaled, [41_000]), property_axes.typical(plain, [41]), rtol=1e-6)


def test_few_specimens_and_constants_are_left_out():
    vectors, values, groups = specimens_of(9)
    with pytest.raises(ValueError, match="of 9 specimens"):
        property_axes.fit(vectors, values, groups)
    table = pd.DataFrame({"few": values, "same": 1.0})
    assert property_axes.fit_all(vectors, table, groups) == {}
    vectors, values, groups = specimens_of(properties.FEWEST)
    table = pd.DataFrame({"enough": values, "same": 1.0, "some": np.where(groups < 9, values, np.nan)})
    assert list(property_axes.fit_all(vectors, table, groups)) == ["enough"]


def test_means_over_the_fields_keep_the_pictures_of_the_first():
    walks = pd.DataFrame(
        {"target": "t", "unit": "", "kind": "texture", "latent_dim": 4, "step": [1.0, 2, 1, 2], "noise": [1, 1, 2, 2],
         "extrapolation": False, "porosity": [0.2, 0.4, 0.4, 0.6]}
    )  # fmt: skip
    found = property_axes.over_noise(walks)
    assert found.index.tolist() == [0, 1] and found["noise"].tolist() == [1, 1]
    np.testing.assert_allclose(found["porosity"], [0.3, 0.5])
    assert len(property_axes.over_noise(walks.iloc[:0])) == 0
