import numpy as np
import pandas as pd
import pytest

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


def comparison(linear, got):
    """Compare orders with `got`, a function of what was wanted, and held-out images measured without error."""
    vectors, measures = linear
    designs = inverse_design.fit_all(vectors[:300], measures[:300])
    wanted, points = inverse_design.orders(designs, measures[:300], n=6)
    made = pd.DataFrame({"median_diameter_um": got(wanted["median_diameter_um"]), "extrapolation": False})
    real = measures[300:].assign(extrapolation=False)
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
    assert "**works**" in findings.design(inverse_design.summarise(table))


@pytest.mark.parametrize(
    ("got", "error", "rank", "said"),
    [
        (lambda wanted: 1.5 * wanted, 0.5, 1, "values are not"),
        (lambda wanted: -wanted + 60, None, -1, "does not work"),
        (lambda wanted: 0 * wanted + 30, None, np.nan, "does not work"),
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


def test_pictures_in_memory_are_measured_as_they_are_with_their_own_pixels():
    pictures = np.stack([synthetic.foam_micrograph("CuNi1", i, (120, 160), 2.7)[0].mean(axis=2) for i in range(2)])
    found = pores.measure_pictures(pictures / 255, [(2.7, 2.7), (5.4, 5.4)], n_jobs=1)
    one = pores.measure(pictures[1], 5.4, crop=0)
    assert found["median_diameter_um"][1] == pytest.approx(one["median_diameter_um"], rel=0.05)
    blank = pores.measure_pictures(np.full((1, 64, 64), 0.5), [(2.0, 2.0)], n_jobs=1)
    assert blank["n_pores"][0] == 0
    assert np.isnan(blank["median_diameter_um"][0])
