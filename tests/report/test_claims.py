import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from nanofoam_lib.explain import gradcam_checks, localisation
from nanofoam_lib.images import splits
from nanofoam_lib.latent import (
    class_means,
    classify,
    permutation,
    pore_prediction,
    properties,
    property_study,
    separation,
)
from nanofoam_lib.models import scoring
from nanofoam_lib.report import claims, findings

IMAGES, GROUPS = 3, 36


@pytest.fixture
def quick(monkeypatch):
    """Fewer trees and orders: what is tested is the level, which does not depend on them."""
    forest = {"random forest": lambda seed: RandomForestClassifier(12, random_state=seed)}
    monkeypatch.setattr(classify, "CLASSIFIERS", forest)
    monkeypatch.setattr(permutation, "ORDERS", 399)
    monkeypatch.setattr(localisation, "ORDERS", 99)
    monkeypatch.setattr(class_means, "N_RESAMPLES", 999)


@pytest.fixture(scope="module")
def foams():
    """Make specimens of three materials: descriptors that know the material and the pores, controls that know less."""
    rng = np.random.default_rng(0)
    material, specimen = np.arange(GROUPS) % 3, rng.normal(size=GROUPS)
    true = (3 * material + specimen).repeat(IMAGES)
    knowing = rng.normal(size=(GROUPS * IMAGES, 12))
    knowing[:, 0] += true
    knowing[:, 1] += 4 * (material == 1).repeat(IMAGES)
    latents = {("texture", 12, "mu"): knowing, ("vae", 12, "sigma"): knowing[:, ::-1] + rng.normal(size=(108, 12))}
    plain = {("control", 2, "grey mean+std"): rng.normal(size=(108, 2)), ("control", 1, "LBP"): true[:, None] + 0.0}
    measures = pd.DataFrame({"median_diameter_um": true + rng.normal(0, 0.2, 108), "porosity": rng.normal(size=108)})
    return material, latents, plain, measures


def tables_of(foams, labels, seed=0):
    """Make the tables of a run without training, from the labels of its groups."""
    _, latents, plain, measures = foams
    groups = np.arange(GROUPS).repeat(IMAGES).astype(str)
    index = pd.DataFrame({"id": range(len(groups)), "label": labels.astype(str).repeat(IMAGES), "group": groups})
    index["split"] = splits.by_group(index["label"], groups, 0.4, seed)
    train = (index["split"] == "train").to_numpy()
    _, predictions = classify.table1(latents, index, "foams", seed)
    _, by_controls = classify.table1(plain, index, "foams", seed)
    usage = {key[:2]: pd.DataFrame({"kl": np.ones(12), "active": True}) for key in latents}
    mu = {("texture", 12, "mu"): latents["texture", 12, "mu"]}
    return {
        "comparisons": scoring.compare(predictions, by_controls, seed=seed),
        "separation": separation.summarise(latents, index["label"], groups, seed),
        "geometry": pore_prediction.summarise(latents, measures, index, seed),
        "dimensions": pore_prediction.identify(mu, usage, measures, index, seed),
        "gradcam_checks": maps(groups[~train], seed),
        "pores": pd.concat([index[["label", "group"]], measures], axis=1).assign(verdict="ok"),
    }


def maps(groups, seed):
    """Make the checks of maps that mark what matters, and lie on the pores."""
    rng = np.random.default_rng(seed)
    moved = np.concatenate([np.full((len(groups), 1), 2.0), rng.normal(0, 0.1, (len(groups), 8))], axis=1)
    pores = rng.random((len(groups), 16, 16)) < 0.3
    zones, drawn = {"pores": pores, "walls": ~pores}, pores[..., None] + rng.random((len(groups), 16, 16, 1))
    preferred = localisation.preferences(drawn, zones, groups, seed)
    checks = {"deletion": {"random pixels": moved}}
    return gradcam_checks.summarise(checks, groups, [4], localisation.shares(drawn, zones), seed, "cell", preferred)


def test_porosities_differ_only_by_more_than_half_a_pixel_at_the_outlines_makes():
    """Twelve specimens of each class, whose porosities lie 0.01 apart and scatter by a tenth of that."""
    label, group = np.repeat(["a", "b"], 12), [f"g{i}" for i in range(24)]
    scatter = np.random.default_rng(0).normal(0, 0.001, 24)
    pores = pd.DataFrame({"label": label, "group": group, "verdict": "ok"})
    pores["porosity"] = 0.4 + 0.01 * (label == "b") + scatter
    pores["circularity"] = 0.9 + 0.01 * (label == "b") + scatter
    compared = pd.DataFrame({
        "kind": ["vae"], "latent_dim": 8, "descriptor": "mu", "against": "chance", "rival": "chance", "accuracy": 0.9,
        "rival_accuracy": 0.5, "difference": 0.4, "ci_low": 0.3, "ci_high": 0.5, "p_corrected": 0.001, "n_groups": 24,
    })  # fmt: skip
    for half_pixel, holds in ((0.005, True), (np.where(label == "a", 0.005, 0.02), False), (0.02, False)):
        found = claims.collect({"comparisons": compared, "pores": pores.assign(half_pixel=half_pixel)})
        held = found.set_index("id")["holds"]
        assert held["differ: porosity, a, b"] == holds and held["differ: circularity, a, b"]
        assert (found.loc[found["table"] == "pores", "p_corrected"] < 0.01).all()  # not touched by what can be seen
        assert ("too small to be seen: 1." in findings.effects(found, "differ")) == (not holds)
    assert claims.collect({"comparisons": compared, "pores": pores}).set_index("id")["holds"]["differ: porosity, a, b"]


def test_what_is_so_is_claimed_with_its_numbers(quick, foams):
    tables = tables_of(foams, foams[0])
    table = claims.collect(tables)
    assert list(table.columns) == claims.COLUMNS
    assert not table["id"].duplicated().any()
    row = table.set_index("id").loc["materials: mu of texture-12"]
    known = tables["comparisons"].set_index(["kind", "against"]).loc["texture", "chance"]
    assert row["holds"] and row["table"] == "comparisons" and row["statistic"] == "accuracy"
    assert (row["value"], row["null"], row["n_groups"]) == (known["accuracy"], known["rival_accuracy"], 15)
    assert row["ci_low"] > row["null"] == pytest.approx(1 / 3, abs=0.05)
    held = table.loc[table["holds"], "id"].tolist()
    assert {
        "control: mu of texture-12, grey mean+std",
        "pores: mu of texture-12, median_diameter_um",
        "follows: texture-12, 0, median_diameter_um",
        "deletion: cell by cell, random pixels",
        "looks: cell by cell, 4, pores",
        "differ: median_diameter_um, 0, 2",
    } <= set(held)
    assert not any(name.startswith("differ: porosity") for name in held)
    assert any(name.startswith("dimension: dimension ") for name in held)
    assert not {"pores: mu of texture-12, porosity", "looks: cell by cell, 4, walls"} & set(held)


def test_with_shuffled_labels_a_run_claims_nothing(quick, foams):
    """Forty times the labels are dealt anew to the specimens: any claim is then a false one."""
    rng, wrong, uncorrected = np.random.default_rng(1), 0, 0
    for seed in range(40):
        table = claims.collect(tables_of(foams, rng.permutation(foams[0]), seed))
        wrong += table["holds"].any()
        uncorrected += (table.loc[~table["id"].str.startswith(("pores", "follows", "deletion", "looks")), "p_corrected"]
                        <= 0.05).any()  # fmt: skip
        if not table["holds"].any():
            first, last = findings.effects(table).splitlines()
            assert first == "- **Are the materials told apart?** None of 2 is more than chance allows."
            assert last.startswith("- Nothing else is claimed")
    assert wrong <= 2
    assert uncorrected >= wrong


@pytest.fixture(scope="module")
def studied():
    """Give the study of a property, as a function of the properties of the specimens; the other tables are made up."""
    rng = np.random.default_rng(0)
    material = np.arange(GROUPS) % 3
    vectors = np.column_stack([3 * material, rng.normal(size=(GROUPS, 11))])
    index = pd.DataFrame({"label": material.astype(str), "group": np.arange(GROUPS)})
    held = pd.DataFrame(
        {"kind": "texture", "latent_dim": 12, "descriptor": "mu", "against": "chance", "rival": "", "accuracy": [0.9],
         "rival_accuracy": 1 / 3, "ci_low": 0.4, "ci_high": 0.7, "difference": 0.5, "p_corrected": 0.001,
         "n_groups": 15}
    )  # fmt: skip

    def of(values, seed=0):
        descriptors = {("texture", 12, "mu"): vectors, ("vae", 12, "sigma"): vectors[:, ::-1]}
        table = property_study.study(descriptors, pd.DataFrame(values), index, seed, n_jobs=1).table
        return {"comparisons": held, "properties": table}

    return vectors, material, of


@pytest.fixture
def ridge_alone(monkeypatch):
    monkeypatch.setattr(properties, "MODELS", {"ridge": properties.MODELS["ridge"]})
    monkeypatch.setattr(property_study, "ORDERS", 399)


def test_a_property_that_is_known_is_claimed_and_within_classes_where_it_is_more_than_the_class(ridge_alone, studied):
    vectors, material, of = studied
    table = claims.collect(of({"modulus_gpa": vectors[:, 1] + 3 * material, "cu_m": 0.3 - 0.05 * material}))
    rows = table.set_index("id")
    assert rows.loc["property: mu of texture-12, modulus_gpa", "holds"]
    assert rows.loc["within: mu of texture-12, modulus_gpa", "holds"]
    assert rows.loc["property: mu of texture-12, cu_m", "holds"]
    assert "within: mu of texture-12, cu_m" not in rows.index  # the class says it all
    row = rows.loc["property: sigma of vae-12, cu_m"]
    assert (row["statistic"], row["null"], row["n_groups"], row["table"]) == ("R²", 0, GROUPS, "properties")
    assert row["p_corrected"] >= 4 / 400  # Holm, of four
    told = findings.effects(table, "property", "within")
    assert "μ of the 12-d texture model predicts modulus of a specimen it has not seen (R²" in told


def test_of_shuffled_properties_nothing_is_claimed(ridge_alone, studied):
    """Twenty times the values are dealt anew to the specimens: any claim is then a false one."""
    vectors, material, of = studied
    rng, wrong = np.random.default_rng(1), 0
    true = np.column_stack([vectors[:, 1] + 3 * material, vectors[:, 2]])
    for seed in range(20):
        table = claims.collect(of(dict(zip("ab", rng.permutation(true).T, strict=True)), seed))
        own = table[table["id"].str.startswith(("property", "within"))]
        assert len(own) == 8
        wrong += own["holds"].any()
    assert wrong <= 2


def test_a_property_of_few_specimens_or_where_materials_are_not_told_apart_is_not_claimed(ridge_alone, studied):
    vectors, _, of = studied
    few = np.where(np.arange(GROUPS) < 9, vectors[:, 1], np.nan)
    assert not claims.collect(of({"y": few}))["id"].str.startswith("property").any()
    tables = of({"y": vectors[:, 1]})
    assert claims.collect(tables).set_index("id").loc["property: mu of texture-12, y", "holds"]
    tables["comparisons"] = tables["comparisons"].assign(p_corrected=0.06)
    assert not claims.collect(tables)["holds"].any()


def test_a_run_of_one_class_claims_what_needs_none(ridge_alone, studied):
    vectors, _, of = studied
    table = claims.collect({"properties": of({"y": vectors[:, 1]})["properties"]})
    assert table.set_index("id").loc["property: mu of texture-12, y", "holds"]
    assert not table["id"].str.startswith("within").any()  # there is nothing beyond one class
    told = findings.effects(table)
    assert "predicts y of a specimen it has not seen" in told and "materials" not in told


def test_nothing_else_is_claimed_where_guessing_is_not_beaten(quick, foams):
    tables = tables_of(foams, foams[0])
    chance = tables["comparisons"]["against"] == "chance"
    tables["comparisons"].loc[chance, "p_corrected"] = 0.06
    table = claims.collect(tables)
    assert (table["p_corrected"] < 0.01).any()
    assert not table["holds"].any()
    assert not claims.collect({"separation": tables["separation"]})["holds"].any()
    assert claims.collect({}).empty


def test_what_rounds_to_nothing_or_may_be_nothing_is_not_claimed(quick, foams):
    """With many groups a map's share of 1.02 times its zone's is more than chance, and still no preference."""
    tables = tables_of(foams, foams[0])
    looks = tables["gradcam_checks"]["variant"].eq("pores") & tables["gradcam_checks"]["dimension"].notna()
    for value, low, holds in ((1.3, 1.2, True), (1.02, 1.01, False), (1.3, 0.9, False)):
        tables["gradcam_checks"].loc[looks, ["value", "ci_low", "ci_high"]] = value, low, 1.5
        table = claims.collect(tables).set_index("id")
        assert table.loc["looks: cell by cell, 4, pores", "holds"] == holds


def test_rivals_are_compared_on_the_same_images_and_corrected_for_their_number(quick, foams):
    compared = tables_of(foams, foams[0])["comparisons"]
    assert compared["against"].value_counts().to_dict() == {"control": 4, "chance": 2}
    own = compared[compared["against"] == "control"]
    np.testing.assert_allclose(own["difference"], own["accuracy"] - own["rival_accuracy"])
    np.testing.assert_allclose(own["p_corrected"], permutation.holm(own["p_value"]))
    assert (own["ci_low"] <= own["difference"]).all() and (own["difference"] <= own["ci_high"]).all()
    assert set(compared["descriptor"]) == {"mu", "sigma"}  # those named beforehand, whatever scores best


def test_sentences_are_made_of_the_rows_alone():
    spanish = "μ del modelo de texturas de 12 dimensiones distingue los materiales"
    rows = [
        ("materials: mu of texture-12", "μ of the 12-d texture model tells the materials apart", "accuracy", 0.9, 0.8,
         0.95, 1 / 3, 0.0005, 45, "comparisons", True, spanish),
        ("control: mu, LBP", "μ tells more of the materials than LBP", "difference of accuracies", 0.1, 0.02, 0.18, 0,
         0.012, 45, "comparisons", True, ""),
        ("control: mu, grey", "μ tells less of the materials than grey", "difference of accuracies", 0, 0, 0, 0, 1.0,
         45, "comparisons", False, ""),
        ("follows: a", "dimension 3 of vae-2 follows porosity", "ρ", -0.08, np.nan, np.nan, 0, 0.7, 45, "dimensions",
         False, ""),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=claims.COLUMNS)
    first, second, last = findings.effects(table).splitlines()
    assert first == (
        "- **Are the materials told apart?** μ of the 12-d texture model tells the materials apart (accuracy 0.90, 95 "
        "% interval 0.80 to 0.95; 0.33 by chance; p < 0.001, 45 groups)."
    )
    assert "0.10, 95 % interval 0.02 to 0.18; 0 by chance; p = 0.012" in second
    assert second.endswith("The other is not more than chance allows.")
    assert last == "- **Does a dimension follow a measure?** No more than chance allows."
    assert "porosity" not in last
    assert findings.effects(table, "materials", lang="es") == (
        "- **¿Se distinguen los materiales?** μ del modelo de texturas de 12 dimensiones distingue los materiales "
        "(exactitud 0,90, intervalo del 95 %: de 0,80 a 0,95; 0,33 por azar; p < 0,001, 45 probetas)."
    )


def test_a_run_of_one_class_without_properties_has_no_claims_and_says_so():
    none = claims.collect({})
    assert none.empty
    assert findings.effects(none, "property", "within") == "No effect was tested."
    assert findings.effects(none, lang="es") != findings.effects(none)
