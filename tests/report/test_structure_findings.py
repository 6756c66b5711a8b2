import numpy as np
import pandas as pd

from nanofoam_lib.latent import fulfilment, suggestions
from nanofoam_lib.report import findings, tables


def walks_of(**changes):
    """Make ways of three steps and four fields of noise, on which the diameter falls and the porosity stays."""
    rng = np.random.default_rng(0)
    steps, noise = np.tile([40.0, 45, 50], 4), np.repeat([1, 2, 3, 4], 3)
    table = pd.DataFrame(
        {"target": "modulus_gpa", "unit": "GPa", "kind": "texture", "latent_dim": 8, "step": steps, "noise": noise,
         "extrapolation": False, "median_diameter_um": 120 - 2 * steps + noise, "density_per_mm2": np.nan,
         "porosity": 0.4 + 0.01 * rng.permuted(np.resize([1, -1], 12))}
    )  # fmt: skip
    return table.assign(**changes)


def claims_of(holds=True):
    return pd.DataFrame({"id": ["property: mu of texture-8, modulus_gpa"], "holds": [holds]})


def test_how_pores_change_from_low_to_high_is_told_with_units_and_by_the_fields_of_noise():
    said = findings.carried(walks_of(), claims_of())
    assert said.splitlines()[0].startswith("What goes with a property, drawn by the texture model")
    assert "From low to high **modulus** (40 GPa to 50 GPa)" in said
    assert "the median diameter falls from 42.5 µm to 22.5 µm" in said and "density" not in said
    assert "the porosity does not change by more than chance allows" in said
    assert "the median diameter rises" in findings.carried(walks_of(step=90 - walks_of()["step"]), claims_of())


def test_nothing_is_said_of_the_structure_of_what_is_not_predicted():
    said = findings.carried(walks_of(), claims_of(holds=False))
    assert "modulus** is not predicted by more than chance allows" in said and "diameter" not in said
    assert findings.carried(walks_of().iloc[:0], claims_of()).startswith("Nothing is drawn for a property")


def orders_of(by=fulfilment.LAW, miss=1.02, half=2.0):
    """Make seven orders of two fields of noise, missed by a share, and real images that are known exactly."""
    wanted = np.linspace(40, 50, 7)
    drawn = pd.DataFrame({"wanted": wanted, "order": range(7), "picture": fulfilment.DESIGNED})
    parts = [drawn.assign(noise=noise, got=miss * wanted, encoded=wanted) for noise in (1, 2)]
    for who in (fulfilment.REAL, fulfilment.RECONSTRUCTED):
        parts.append(drawn.assign(picture=who, noise=0, got=wanted, encoded=wanted))
    table = pd.concat(parts, ignore_index=True).assign(
        measure="modulus_gpa", unit="GPa", by=by, extrapolation=False, train_median=45.0, circularity=0.9,
        half_width_x=3.0, half_width_y=3.0,
    )  # fmt: skip
    table = table.assign(predicted=table["wanted"], pi_low=table["encoded"] - half, pi_high=table["encoded"] + half)
    return table.assign(relative_error=(table["got"] - table["wanted"]).abs() / table["wanted"])


def test_orders_are_judged_by_what_they_are_read_by_and_within_eight_per_cent():
    said = findings.property_orders(orders_of())
    assert "What drawn foams have of modulus follows from their pores by the laws" in said
    assert "Ordering it **works**: modulus." in said and "within 8% and" in said and "real ones: 7 of 7." in said
    assert "is ± 2 GPa; about what is predicted" in said and "holds what the law gives in 7 of 7 orders." in said
    missed = findings.property_orders(orders_of(miss=1.09))
    assert "**works**" not in missed
    encoded = findings.property_orders(orders_of(fulfilment.REGRESSION))
    assert "No law gives modulus" in encoded and "no measurement" in encoded and "what the law gives" not in encoded
    assert "too few specimens" in findings.property_orders(orders_of(half=np.inf))
    assert findings.property_orders(orders_of().iloc[:0]).startswith("Nothing is drawn for a property")


def test_an_order_that_one_foam_would_fill_as_well_is_refused():
    flat = orders_of().assign(got=45.0)
    flat["relative_error"] = (flat["got"] - flat["wanted"]).abs() / flat["wanted"]
    said = findings.property_orders(flat)
    assert "**Refused**" in said and "one foam for all orders would do no worse" in said


def test_orders_out_of_reach_are_counted_and_no_part_of_the_error():
    far = orders_of()
    far["out_of_reach"] = (far["picture"] == fulfilment.DESIGNED) & far["order"].isin([5, 6])
    far.loc[far["out_of_reach"], "got"] *= 0.8
    far["relative_error"] = (far["got"] - far["wanted"]).abs() / far["wanted"]
    said = findings.property_orders(far)
    assert "**works**: modulus. 5 orders," in said and "miss what was wanted by 2%" in said
    assert "Out of reach and **refused**: 2 of 7 orders, as nothing that was tried comes within 8%" in said
    assert "the nearest misses by 18% (median)" in said and "as real ones: 5 of 7." in said
    assert tables.view("property_orders", far)["out_of_reach"].sum() == 2
    all_of_them = findings.property_orders(far.assign(out_of_reach=far["picture"] == fulfilment.DESIGNED))
    assert "**Refused** (nothing that was tried comes near what was wanted): modulus." in all_of_them
    assert "7 of 7 orders" in all_of_them and "**works**" not in all_of_them
    assert "Out of reach" not in findings.property_orders(orders_of())


def test_a_regression_that_knows_nothing_refuses_only_what_rests_on_it():
    blind = orders_of()
    blind.loc[blind["picture"] == fulfilment.REAL, "predicted"] = 90 - blind["wanted"]
    assert "Ordering it **works**: modulus." in findings.property_orders(blind)
    refused = findings.property_orders(blind.assign(by=fulfilment.REGRESSION))
    assert "**Refused** (the regression knows nothing of it on held-out images): modulus." in refused


def test_the_report_shows_orders_and_ways_as_means_over_noise():
    shown = tables.view("property_orders", orders_of())
    assert len(shown) == 21 and {"by", "encoded", "pi_low", "pi_high"} <= set(shown)
    assert len(tables.view("property_walks", walks_of())) == 3
    assert tables.cells(shown[["by"]].head(1), "es")["by"].iloc[0] == "ley de los poros"


def test_what_a_map_marks_is_told_beside_what_chance_allows():
    table = pd.DataFrame(
        {"target": "modulus_gpa", "variant": ["random pixels", "same shape elsewhere"], "value": [3.0, 1.1],
         "p_value": [0.001, 0.4]}
    )  # fmt: skip
    said = findings.property_maps(table)
    assert "3.0 times as far as erasing random pixels (p = 0.002)" in said
    assert "1.1 times as far as erasing same shape elsewhere (p = 0.400, no more than chance allows)" in said
    assert "its maps nowhere speak for a high value" in findings.property_maps(table.assign(value=np.nan))
    assert findings.property_maps(table.iloc[:0]).startswith("No maps of properties")


def test_a_suggestion_is_called_one():
    rows = [
        ("modulus_gpa", "GPa", seek, f"cu_m 0.{i}", 45.5 + i, 0.5, 0.5) for i, seek in enumerate(suggestions.SEEK, 1)
    ]
    table = pd.DataFrame([*rows, rows[0]], columns=suggestions.COLUMNS)
    said = findings.suggested(table)
    assert "**a suggestion, and no more**" in said
    assert "to know it better, cu_m 0.1 (46.5 ± 0.5 GPa); for a high value, cu_m 0.2 (47.5 ± 0.5 GPa)" in said
    assert "cu_m 0,1 (46,5 ± 0,5 GPa)" in findings.suggested(table, "es")
    assert "nothing is known that tells one choice from another" in findings.suggested(table.assign(predicted=46.5))
    assert findings.suggested(pd.DataFrame(columns=suggestions.COLUMNS)).startswith("Nothing is suggested")
