import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import ledoit_wolf

from nanofoam_lib.images import pores, synthetic
from nanofoam_lib.latent import decode_plan, fulfilment, inverse_design
from nanofoam_lib.report import findings


@pytest.fixture
def linear(rng):
    """400 latent vectors, and measures that are exactly linear in them, or unknown, or constant."""
    vectors = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6))
    measures = {"median_diameter_um": 30 + vectors @ [1, 0, -2, 0, 0.5, 0], "density_per_mm2": np.nan, "porosity": 0.4}
    return vectors, pd.DataFrame(measures)


def test_the_point_for_a_wanted_value_has_it(linear):
    vectors, measures = linear
    found = inverse_design.fit(vectors, measures["median_diameter_um"])
    np.testing.assert_allclose(inverse_design.predict(found, vectors), measures["median_diameter_um"], rtol=1e-3)
    for start in (None, vectors[3]):
        point = inverse_design.point(found, 42.0, start)
        assert inverse_design.predict(found, point) == pytest.approx(42)
        assert 30 + point @ [1, 0, -2, 0, 0.5, 0] == pytest.approx(42, rel=1e-3)
    np.testing.assert_allclose(
        inverse_design.point(found, inverse_design.predict(found, vectors.mean(axis=0))), vectors.mean(axis=0)
    )


def test_the_direction_is_the_one_that_real_images_take(rng):
    """Of two dimensions that always move together both are moved, though the measure needs one; a third stays."""
    shared = rng.normal(size=2000)
    vectors = np.stack([shared, shared + rng.normal(0, 0.05, 2000), rng.normal(size=2000)], axis=1)
    direction = inverse_design.fit(vectors, vectors[:, 0]).direction
    np.testing.assert_allclose(direction, [1, 1, 0], atol=0.06)
    given = np.linalg.lstsq(vectors[:, :1], vectors, rcond=None)[0][0]  # mean of the vectors with a value, over it
    np.testing.assert_allclose(direction, given, atol=0.06)


def test_images_whose_measure_is_unknown_do_not_count(linear):
    vectors, measures = linear
    values = measures["median_diameter_um"].copy()
    values[::2] = np.nan
    found = inverse_design.fit(vectors, values)
    np.testing.assert_allclose(found.slopes, [1, 0, -2, 0, 0.5, 0], atol=0.01)


@pytest.mark.parametrize("values", [[1.0] * 5, [np.nan] * 5, [1.0, 2.0, np.nan, np.nan, np.nan]])
def test_what_is_unknown_or_constant_cannot_be_ordered(rng, values):
    with pytest.raises(ValueError, match="known of 3 images and vary"):
        inverse_design.fit(rng.normal(size=(5, 2)), values)


def test_only_measures_that_are_known_and_vary_are_ordered(linear):
    vectors, measures = linear
    designs = inverse_design.fit_all(vectors, measures)
    assert list(designs) == ["median_diameter_um"]
    wanted, points = inverse_design.orders(designs, measures, n=5)
    low, high = measures["median_diameter_um"].quantile([0.05, 0.95])
    np.testing.assert_allclose(wanted["median_diameter_um"], np.linspace(low, high, 5))
    np.testing.assert_allclose(
        inverse_design.predict(designs["median_diameter_um"], points), wanted["median_diameter_um"]
    )
    rows = decode_plan.orders(wanted, points)
    assert list(rows.index.get_level_values("series")) == ["median_diameter_um"] * 5
    np.testing.assert_allclose(rows.index.get_level_values("step"), wanted["median_diameter_um"])


def test_nothing_to_order_is_no_error(linear):
    vectors, measures = linear
    measures = measures.assign(median_diameter_um=np.nan)
    designs = inverse_design.fit_all(vectors, measures)
    wanted, points = inverse_design.orders(designs, measures)
    got = measures[:0].assign(extrapolation=False)
    table = fulfilment.compare(designs, points, wanted, got, fulfilment.DESIGNED)
    assert decode_plan.orders(wanted, points) is None
    assert table.empty
    assert fulfilment.summarise(table).empty
    assert "No pore measure" in findings.design(fulfilment.summarise(table))


@pytest.fixture
def two(rng):
    """400 latent vectors of correlated dimensions, and two measures that are linear in them and go together."""
    vectors = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4))
    diameter = 30 + vectors @ [2, 0, 1, 0]
    density = 900 - 20 * diameter + vectors @ [0, 25, 0, 0]
    return vectors, pd.DataFrame({"median_diameter_um": diameter, "density_per_mm2": density, "porosity": 0.4})


def test_two_measures_are_had_at_once_by_the_shortest_step(two):
    vectors, measures = two
    designs = inverse_design.fit_all(vectors, measures)
    wanted = {"median_diameter_um": 33.0, "density_per_mm2": 250.0}
    found = inverse_design.joint_point(designs, wanted)
    assert {name: inverse_design.predict(designs[name], found) for name in wanted} == pytest.approx(wanted)
    # The formula of the docstring, with the covariance of train
    sigma, mean = ledoit_wolf(vectors)[0], vectors.mean(axis=0)
    slopes = np.stack([designs[name].slopes for name in wanted], axis=1)
    missing = [wanted[name] - inverse_design.predict(designs[name], mean) for name in wanted]
    step = sigma @ slopes @ np.linalg.solve(slopes.T @ sigma @ slopes, missing)
    np.testing.assert_allclose(found, mean + step)
    # Whatever else keeps both predictions makes the step longer in Mahalanobis distance
    for way in np.linalg.svd(slopes.T)[2][2:]:
        for other in (step + 0.1 * way, step - 0.1 * way):
            assert other @ np.linalg.solve(sigma, other) > step @ np.linalg.solve(sigma, step)


def test_one_measure_is_ordered_alone_or_together_alike_whatever_its_unit_and_order(two):
    vectors, measures = two
    designs = inverse_design.fit_all(vectors, measures)
    alone = inverse_design.point(designs["median_diameter_um"], 35.0)
    np.testing.assert_allclose(inverse_design.joint_point(designs, {"median_diameter_um": 35.0}), alone)
    wanted = {"median_diameter_um": 33.0, "density_per_mm2": 250.0}
    found = inverse_design.joint_point(designs, wanted, vectors[5])
    np.testing.assert_allclose(inverse_design.joint_point(designs, dict(reversed(wanted.items())), vectors[5]), found)
    in_mm = inverse_design.fit_all(vectors, measures.assign(median_diameter_um=measures["median_diameter_um"] / 1000))
    np.testing.assert_allclose(
        inverse_design.joint_point(in_mm, wanted | {"median_diameter_um": 0.033}, vectors[5]), found
    )


def test_measures_that_say_the_same_cannot_be_ordered_together(two):
    vectors, measures = two
    measures = measures.assign(density_per_mm2=900 - 20 * measures["median_diameter_um"])
    designs = inverse_design.fit_all(vectors, measures)
    with pytest.raises(ValueError, match="cannot tell these measures apart"):
        inverse_design.joint_point(designs, {"median_diameter_um": 33.0, "density_per_mm2": 250.0})
    wanted, points = inverse_design.joint_orders(designs, measures)
    assert len(wanted) == len(points) == 0
    assert decode_plan.joint_orders(wanted, points) is None


def test_pairs_are_such_as_real_micrographs_have(two):
    vectors, measures = two
    designs = inverse_design.fit_all(vectors, measures)
    wanted, points = inverse_design.joint_orders(designs, measures)
    assert wanted.shape == (9, 2)
    pair = wanted[list(inverse_design.JOINT)].to_numpy()
    known = measures[list(inverse_design.JOINT)].to_numpy()
    scale = known.std(axis=0)
    rows = decode_plan.joint_orders(wanted, points)
    np.testing.assert_allclose(rows.index.get_level_values("step"), wanted["density_per_mm2"])
    assert rows.index.get_level_values("series")[0] == f"median_diameter_um {wanted.iloc[0, 0]:.4g}"
    nearest = np.linalg.norm((pair[:, None] - known) / scale, axis=2).min(axis=1)
    assert nearest.max() < 0.3
    for name in wanted:
        np.testing.assert_allclose(inverse_design.predict(designs[name], points), wanted[name])
    assert set(np.round(wanted["median_diameter_um"], 6)) == set(
        np.round([np.median(own) for own in np.array_split(np.sort(known[:, 0]), 3)], 6)
    )


def test_pictures_in_memory_are_measured_as_they_are_with_their_own_pixels():
    pictures = np.stack([synthetic.foam_micrograph("CuNi1", i, (120, 160), 2.7)[0].mean(axis=2) for i in range(2)])
    found = pores.measure_pictures(pictures / 255, [(2.7, 2.7), (5.4, 5.4)], n_jobs=1)
    one = pores.measure(pictures[1], 5.4, crop=0)
    assert found["median_diameter_um"][1] == pytest.approx(one["median_diameter_um"], rel=0.05)
    blank = pores.measure_pictures(np.full((1, 64, 64), 0.5), [(2.0, 2.0)], n_jobs=1)
    assert blank["n_pores"][0] == 0
    assert np.isnan(blank["median_diameter_um"][0])
