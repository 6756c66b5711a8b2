import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import fulfilment, inverse_design
from nanofoam_lib.report import findings


@pytest.fixture
def linear(rng):
    """400 latent vectors, and measures that are exactly linear in them, or unknown, or constant."""
    vectors = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6))
    measures = {"median_diameter_um": 30 + vectors @ [1, 0, -2, 0, 0.5, 0], "density_per_mm2": np.nan, "porosity": 0.4}
    return vectors, pd.DataFrame(measures)


def comparison(linear, got, circularity=0.92):
    """Compare orders with `got`, a function of what was wanted, and held-out images measured without error."""
    vectors, measures = linear
    designs = inverse_design.fit_all(vectors[:300], measures[:300])
    wanted, points = inverse_design.orders(designs, measures[:300], n=6)
    made = pd.DataFrame({"median_diameter_um": got(wanted["median_diameter_um"]), "extrapolation": False})
    made["circularity"] = circularity
    real = measures[300:].assign(extrapolation=False, circularity=0.93)
    rows = [
        fulfilment.compare(designs, points, wanted, made, fulfilment.DESIGNED),
        fulfilment.compare(designs, vectors[300:], measures[300:], real, fulfilment.REAL),
    ]
    return pd.concat(rows, ignore_index=True)


def test_a_perfect_decoder_gives_what_was_wanted(linear):
    table = comparison(linear, lambda wanted: wanted)
    np.testing.assert_allclose(table["predicted"], table["wanted"], rtol=1e-3)
    row = fulfilment.summarise(table).iloc[0]
    assert row["r2"] == pytest.approx(1, abs=1e-4)
    assert row["designed"] == row["real"] == 0
    assert row["rank_correlation"] == pytest.approx(1)
    assert row["filled"] == row["orders"] == 6
    assert "**works**" in findings.design(fulfilment.summarise(table))


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
    summary = fulfilment.summarise(comparison(linear, got))
    row = summary.iloc[0]
    if error is not None:
        assert row["designed"] == pytest.approx(error, nan_ok=True)
    assert row["rank_correlation"] == pytest.approx(rank, nan_ok=True)
    assert said in findings.design(summary)


def drawn(measure, wanted, got, noise=(0,), picture=fulfilment.DESIGNED, **others):
    """Rows of a comparison by hand: an order for each of `wanted`, a picture for each of `noise`."""
    rows = [
        {"order": order, "wanted": value, "predicted": value, "noise": field, "got": made}
        for order, (value, own) in enumerate(zip(wanted, got, strict=True))
        for field, made in zip(noise, own, strict=True)
    ]
    same = {"picture": picture, "measure": measure, "extrapolation": False, "train_median": 18.0, "circularity": 0.95}
    table = pd.DataFrame(rows).assign(**same | others, half_width_x=3.0, half_width_y=4.0)
    return table.assign(relative_error=(table["got"] - table["wanted"]).abs() / table["wanted"])[fulfilment.COLUMNS]


def real(measure="a", **others):
    return drawn(measure, [10, 20, 30], [[10], [20], [30]], picture=fulfilment.REAL, **others)


def test_an_order_is_judged_by_its_mean_over_noise_and_beside_one_foam_for_all():
    made = drawn("a", [10, 20, 40], [[8, 14], [20, 22], [30, 42]], noise=(1, 2))
    table = fulfilment.over_noise(pd.concat([made, real()], ignore_index=True))
    own = table[table["picture"] == fulfilment.DESIGNED]
    np.testing.assert_allclose(own["got"], [11, 21, 36])
    np.testing.assert_allclose(own["relative_error"], [0.1, 0.05, 0.1])
    np.testing.assert_allclose(own["spread"], np.array([6, 2, 12]) / np.sqrt(2))
    assert set(own["noise"]) == {2}
    assert table.loc[table["picture"] == fulfilment.REAL, "spread"].isna().all()
    row = fulfilment.summarise(pd.concat([made, real()], ignore_index=True)).iloc[0]
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
        ({"circularity": 0.74}, {}, "", "The numbers come, foams not always"),
        (
            {"circularity": 0.74},
            {},
            "",
            "Circularity is 0.74 where real ones have 0.95: on average, what is drawn **is not as round as pores**",
        ),
        ({}, {"predicted": 5.0}, "regression", "**Refused** (the regression knows nothing of it"),
    ],
)
def test_what_is_no_foam_is_said_to_be_none_and_what_cannot_be_ordered_is_refused(made, held_out, refused, said):
    rows = [drawn("a", [10, 20, 30], [[10], [20], [30]]).assign(**made), real().assign(**held_out)]
    summary = fulfilment.summarise(pd.concat(rows, ignore_index=True))
    assert summary["refused"][0] == refused
    assert summary["round"][0] == (not made)
    assert summary["filled"][0] == (0 if made else 3)
    assert said in findings.design(summary)


def test_orders_no_better_than_one_foam_for_all_are_refused():
    """All within 10 % and in the right order, of a measure that hardly varies: one foam is nearer still."""
    made = drawn("a", [17.9, 18.0, 18.1], [[16.9], [17.0], [17.1]])
    summary = fulfilment.summarise(pd.concat([made, real()], ignore_index=True))
    assert summary["refused"][0] == "constant"
    assert "miss what was wanted by 6%" in findings.design(summary)
    assert "with the train median" in findings.design(summary)


def test_orders_together_are_filled_where_all_their_measures_are():
    both = [
        drawn(name, [10, 20, 30], got, picture=fulfilment.TOGETHER)
        for name, got in (("a", [[10], [20], [60]]), ("b", [[10], [30], [30]]))
    ]
    alone = [drawn(name, [10, 20, 30], [[10], [20], [30]]) for name in "ab"]
    summary = fulfilment.summarise(pd.concat([*both, *alone, real(), real("b")], ignore_index=True))
    assert list(zip(summary["picture"], summary["measure"], summary["filled"], strict=True)) == [
        ("designed", "a", 3), ("designed", "b", 3), ("designed together", "a", 1), ("designed together", "b", 1)
    ]  # fmt: skip
    assert "b (ordered together with other measures)" in findings.design(summary)


def test_measures_that_were_only_ordered_alone_are_said_to_be_refused_together():
    names = inverse_design.JOINT
    alone = pd.concat([drawn(name, [10, 20], [[10], [20]]) for name in names] + [real(name) for name in names])
    assert "**refused** together" in findings.design(fulfilment.summarise(alone))
