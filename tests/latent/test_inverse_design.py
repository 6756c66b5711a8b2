import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import ledoit_wolf

from nanofoam_lib.images import pores, synthetic
from nanofoam_lib.latent import decode_plan, inverse_design
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
    table = inverse_design.compare(designs, points, wanted, got, inverse_design.DESIGNED)
    assert decode_plan.orders(wanted, points) is None
    assert table.empty
    assert inverse_design.summarise(table).empty
    assert "No pore measure" in findings.design(inverse_design.summarise(table))


def comparison(linear, got, circularity=0.92):
    """Compare orders with `got`, a function of what was wanted, and held-out images measured without error."""
    vectors, measures = linear
    designs = inverse_design.fit_all(vectors[:300], measures[:300])
    wanted, points = inverse_design.orders(designs, measures[:300], n=6)
    made = pd.DataFrame({"median_diameter_um": got(wanted["median_diameter_um"]), "extrapolation": False})
    made["circularity"] = circularity
    real = measures[300:].assign(extrapolation=False, circularity=0.93)
    rows = [
        inverse_design.compare(designs, points, wanted, made, inverse_design.DESIGNED),
        inverse_design.compare(designs, vectors[300:], measures[300:], real, inverse_design.REAL),
    ]
    return pd.concat(rows, ignore_index=True)


def test_a_perfect_decoder_gives_what_was_wanted(linear):
    table = comparison(linear, lambda wanted: wanted)
    np.testing.assert_allclose(table["predicted"], table["wanted"], rtol=1e-3)
    row = inverse_design.summarise(table).iloc[0]
    assert row["r2"] == pytest.approx(1, abs=1e-4)
    assert row["designed"] == row["real"] == 0
    assert row["rank_correlation"] == pytest.approx(1)
    assert row["filled"] == row["orders"] == 6
    assert "**works**" in findings.design(inverse_design.summarise(table))


@pytest.mark.parametrize(
    ("got", "error", "rank", "said"),
    [
        (lambda wanted: 1.12 * wanted, 0.12, 1, "values are not"),
        (lambda wanted: 1.5 * wanted, 0.5, 1, "**Refused** (one foam for all orders would do no worse)"),
        (lambda wanted: -wanted + 60, None, -1, "**Refused** (the order of the wanted values does not come back"),
        (lambda wanted: 0 * wanted + 30, None, np.nan, "**Refused** (the order of the wanted values"),
        (lambda wanted: np.nan * wanted, np.nan, np.nan, "6 pictures there are no pores"),
    ],
)
def test_it_is_said_plainly_where_orders_fail(linear, got, error, rank, said):
    summary = inverse_design.summarise(comparison(linear, got))
    row = summary.iloc[0]
    if error is not None:
        assert row["designed"] == pytest.approx(error, nan_ok=True)
    assert row["rank_correlation"] == pytest.approx(rank, nan_ok=True)
    assert said in findings.design(summary)


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
    alone = pd.concat([drawn(name, [10, 20], [[10], [20]]) for name in designs] + [real(name) for name in designs])
    assert "**refused** together" in findings.design(inverse_design.summarise(alone))


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


def drawn(measure, wanted, got, noise=(0,), picture=inverse_design.DESIGNED, **others):
    """Rows of a comparison by hand: an order for each of `wanted`, a picture for each of `noise`."""
    rows = [
        {"order": order, "wanted": value, "predicted": value, "noise": field, "got": made}
        for order, (value, own) in enumerate(zip(wanted, got, strict=True))
        for field, made in zip(noise, own, strict=True)
    ]
    same = {"picture": picture, "measure": measure, "extrapolation": False, "train_median": 18.0, "circularity": 0.95}
    table = pd.DataFrame(rows).assign(**same | others, half_width_x=3.0, half_width_y=4.0)
    return table.assign(relative_error=(table["got"] - table["wanted"]).abs() / table["wanted"])[inverse_design.COLUMNS]


def real(measure="a", **others):
    return drawn(measure, [10, 20, 30], [[10], [20], [30]], picture=inverse_design.REAL, **others)


def test_an_order_is_judged_by_its_mean_over_noise_and_beside_one_foam_for_all():
    made = drawn("a", [10, 20, 40], [[8, 14], [20, 22], [30, 42]], noise=(1, 2))
    table = inverse_design.over_noise(pd.concat([made, real()], ignore_index=True))
    own = table[table["picture"] == inverse_design.DESIGNED]
    np.testing.assert_allclose(own["got"], [11, 21, 36])
    np.testing.assert_allclose(own["relative_error"], [0.1, 0.05, 0.1])
    np.testing.assert_allclose(own["spread"], np.array([6, 2, 12]) / np.sqrt(2))
    assert set(own["noise"]) == {2}
    assert table.loc[table["picture"] == inverse_design.REAL, "spread"].isna().all()
    row = inverse_design.summarise(pd.concat([made, real()], ignore_index=True)).iloc[0]
    assert row["error"] == pytest.approx(0.1)
    assert row["designed"] == pytest.approx(0.15)  # of 0.2, 0.4, 0, 0.1, 0.25 and 0.05
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.05, 0.1))
    assert row["train_median"] == pytest.approx(0.55)  # 18 for 10, 20 and 40: 0.8, 0.1, 0.55
    assert row["middle"] == pytest.approx(0.375)  # 25: 1.5, 0.25, 0.375
    assert row["rank_correlation"] == 1
    assert row["beats_constant"]
    assert (row["orders"], row["fields"], row["refused"]) == (3, 2, "")


@pytest.mark.parametrize(
    ("made", "held_out", "refused", "said"),
    [
        ({}, {}, "", "Ordering it **works**"),
        ({"circularity": 0.74}, {}, "", "The numbers come, the foams do not"),
        (
            {"circularity": 0.74},
            {},
            "",
            "Circularity is 0.74 where real ones have 0.95: what is drawn **are no pores**",
        ),
        ({}, {"predicted": 5.0}, "regression", "**Refused** (the regression knows nothing of it"),
    ],
)
def test_what_is_no_foam_is_said_to_be_none_and_what_cannot_be_ordered_is_refused(made, held_out, refused, said):
    rows = [drawn("a", [10, 20, 30], [[10], [20], [30]]).assign(**made), real().assign(**held_out)]
    summary = inverse_design.summarise(pd.concat(rows, ignore_index=True))
    assert summary["refused"][0] == refused
    assert summary["round"][0] == (not made)
    assert summary["filled"][0] == (0 if made else 3)
    assert said in findings.design(summary)


def test_orders_no_better_than_one_foam_for_all_are_refused():
    """All within 10 % and in the right order, of a measure that hardly varies: one foam is nearer still."""
    made = drawn("a", [17.9, 18.0, 18.1], [[16.9], [17.0], [17.1]])
    summary = inverse_design.summarise(pd.concat([made, real()], ignore_index=True))
    assert summary["refused"][0] == "constant"
    assert "miss what was wanted by 6%" in findings.design(summary)
    assert "with the train median" in findings.design(summary)


def test_orders_together_are_filled_where_all_their_measures_are():
    both = [
        drawn(name, [10, 20, 30], got, picture=inverse_design.TOGETHER)
        for name, got in (("a", [[10], [20], [60]]), ("b", [[10], [30], [30]]))
    ]
    alone = [drawn(name, [10, 20, 30], [[10], [20], [30]]) for name in "ab"]
    summary = inverse_design.summarise(pd.concat([*both, *alone, real(), real("b")], ignore_index=True))
    assert list(zip(summary["picture"], summary["measure"], summary["filled"], strict=True)) == [
        ("designed", "a", 3), ("designed", "b", 3), ("designed together", "a", 1), ("designed together", "b", 1)
    ]  # fmt: skip
    assert "b (ordered together with other measures)" in findings.design(summary)


def test_pictures_in_memory_are_measured_as_they_are_with_their_own_pixels():
    pictures = np.stack([synthetic.foam_micrograph("CuNi1", i, (120, 160), 2.7)[0].mean(axis=2) for i in range(2)])
    found = pores.measure_pictures(pictures / 255, [(2.7, 2.7), (5.4, 5.4)], n_jobs=1)
    one = pores.measure(pictures[1], 5.4, crop=0)
    assert found["median_diameter_um"][1] == pytest.approx(one["median_diameter_um"], rel=0.05)
    blank = pores.measure_pictures(np.full((1, 64, 64), 0.5), [(2.0, 2.0)], n_jobs=1)
    assert blank["n_pores"][0] == 0
    assert np.isnan(blank["median_diameter_um"][0])
