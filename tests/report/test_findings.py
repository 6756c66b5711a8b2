import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.report import findings


def scores(model, control, half=0.05):
    rows = [("vae", 128, "sigma", model), ("vae", 128, "mu", model - 0.1), ("control", 54, "LBP", control)]
    table = pd.DataFrame(rows, columns=["kind", "latent_dim", "descriptor", "accuracy"])
    return table.assign(ci_low=table["accuracy"] - half, ci_high=table["accuracy"] + half)


@pytest.mark.parametrize(
    ("model", "control", "verdict"),
    [
        (0.9, 0.6, "**beats its controls**"),
        (0.9, 0.88, "not by more than chance allows"),
        (0.9, 0.95, "**does not beat its controls**"),
    ],
)
def test_the_verdict_follows_from_the_numbers(model, control, verdict):
    said = findings.controls(scores(model, control), chance=1 / 3)
    assert verdict in said
    assert "sigma of vae-128" in said
    assert f"{model:.2f} (95 % interval {model - 0.05:.2f} to {model + 0.05:.2f})" in said
    assert "LBP" in said


def test_a_score_that_guessing_explains_is_said_to_be_one():
    assert "includes guessing" in findings.controls(scores(0.36, 0.3), chance=1 / 3)
    assert "includes guessing" not in findings.controls(scores(0.9, 0.3), chance=1 / 3)


def test_the_split_is_described_by_its_counts():
    index = pd.DataFrame({"label": list("aabb"), "group": list("wxyz"), "split": ["train", "test"] * 2})
    said = findings.data(index, 1, 0, "tiles", 0.3)
    assert "4 images of tiles in 2 classes and 4 groups; 50% are held out (30% asked for" in said
    assert "no groups, and 1 pair of images" in said
    assert "no images." in said


def test_models_are_described_by_skill_those_that_have_some_first():
    summary = pd.DataFrame(
        {"model": ["vae-2", "ae-2", "texture-2"], "steps": 900, "latent_dim": 2,
         "active": pd.array([2, None, 1], "Int64"),
         "skill_train": [0.0, 0.5, 0.9], "skill_test": [-0.1, 0.4, 0.8], "skill_flat": [0.04, 0.04, 0.0],
         "skill_pca": [0.3, 0.3, None], "contrast": [0.0, 0.56, 1.0], "has_skill": [False, True, True]}
    )  # fmt: skip
    first, second, last = findings.models(summary).splitlines()
    assert first.startswith("- **ae-2**, after 900 steps, draws test images with a skill of 0.40, 0.10 above as many")
    assert "and 56% of their contrast; on train images 0.50" in first
    assert "draws textures of test images with a skill of 0.80" in second and "1 of 2 latent dimensions" in second
    assert "**vae-2**, after 900 steps, **has no skill** (-0.10, a flat grey 0.04)" in last
    assert "below" in findings.models(summary.assign(skill_pca=0.9))
    assert findings.without_skill(summary).startswith("**Without skill: vae-2.**")
    assert findings.without_skill(summary[1:]) == ""


def test_separation_names_the_farthest_pair():
    table = pd.DataFrame(
        {"kind": "vae", "latent_dim": 2, "descriptor": ["mu", "z"], "class_a": "a", "class_b": ["b", "c"],
         "r": [0.6, 0.7], "p_value": [0.01, 0.2]}
    )  # fmt: skip
    said = findings.separation(table)
    assert "a and c in z of vae-2: R = 0.700, p = 0.200" in said
    assert "50% have p < 0.05" in said


def test_geometry_names_the_best_predictors_and_bears_unknown_sizes():
    link = pd.DataFrame(
        {"row": ["image", "r2", "r2", "r2"], "kind": [None, "vae", "vae", "control"],
         "descriptor": [None, "mu", "sigma", "LBP"], "median_diameter_um": [30.0, 0.2, 0.4, 0.9]}
    )  # fmt: skip
    identity = pd.DataFrame(
        {"kind": "vae", "latent_dim": 2, "dimension": [0, 1], "active": [True, False],
         "best_measure": ["porosity", "wall_um"], "best_rho": [0.3, -0.8]}
    )  # fmt: skip
    said = findings.geometry(link, identity)
    assert "Of the models, sigma predicts median_diameter_um best (R² = 0.40)" in said
    assert "Of the controls, LBP" in said
    assert "1 of 2 latent dimensions are active" in said
    assert "Dimension 1 of vae-2 follows a pore measure most closely: wall_um, ρ = -0.80" in said
    nothing = findings.geometry(link.assign(median_diameter_um=None), identity.assign(best_rho=float("nan")))
    assert nothing == "1 of 2 latent dimensions are active."


def test_labels_are_an_upper_bound_and_no_control():
    scores = pd.DataFrame({
        "kind": ["vae", "control", "control"], "latent_dim": [8, 8, 8],
        "descriptor": ["mu", "LBP", "supervised features"], "classifier": ["KNN", "KNN", "softmax"],
        "accuracy": [0.6, 0.5, 0.9], "ci_low": [0.55, 0.4, 0.8], "ci_high": [0.7, 0.6, 1.0],
    })  # fmt: skip
    assert "beats its controls" in findings.controls(scores, 0.33)
    assert "0.30 more than" in findings.supervision(scores, 0.33)


def test_average_maps_name_the_class_and_the_edge():
    maps = np.zeros((2, 4, 4, 3))
    maps[0, 1, 1, 0], maps[1, 1, 1, 0], maps[:, 0, 0, 2] = 3, 1, 2
    said = findings.average_maps(maps, ["a", "b"], [5, 8])
    assert "dimension 5 responds most to a (3.0 times as much as to b)".lower() in said.lower()
    assert "dimension 8 has no map" in said
    assert "50% of all maps lies in their outermost cells, which are 75% of the area" in said


def test_checks_of_maps_are_summed_up_with_their_verdict():
    columns = ["check", "variant", "dimension", "value", "ci_low", "ci_high", "expected"]
    rows = [
        ("deletion", "random pixels", pd.NA, 2.0, 1.5, 2.5, "above 1"),
        ("deletion", "same shape elsewhere", pd.NA, 1.2, 0.9, 1.5, "above 1"),
        ("localisation", "pores", 3, 1.7, 1.4, 2.0, "1 by chance"),
        ("localisation", "walls", 3, 0.5, 0.4, 0.6, "1 by chance"),
    ]
    thesis = pd.DataFrame(rows, columns=columns).astype({"dimension": "Int64"}).assign(maps="thesis")
    by_cell = thesis.assign(maps="cell by cell", ci_low=thesis["ci_low"] + 0.3)
    said = findings.map_checks(pd.concat([thesis, by_cell])).splitlines()
    start = "- **deletion** (above 1). The maps of the thesis fail (what they mark need not matter): random pixels 2.00"
    assert said[0].startswith(start)
    assert "the maps cell by cell pass (erasing what they mark moves the latent farther): random pixels" in said[0]
    assert said[1].startswith("- By the maps of the thesis, more than chance")
    assert said[1].endswith("dimension 3 at pores (1.70 × their share).")
    assert said[3:] == [
        "- The maps of the thesis fail deletion.",
        "- The maps cell by cell pass deletion.",
        "- **Trust the maps cell by cell, not the maps of the thesis**: "
        "only they mark what matters to the latent and was learnt.",
    ]
    alone = findings.map_checks(thesis).splitlines()
    assert alone[-1].startswith("- **No map is to be trusted**")
    both = findings.map_checks(pd.concat([by_cell.assign(maps="thesis"), by_cell]))
    assert "**Trust the maps of the thesis and the maps cell by cell**" in both
    assert "No map is other than zero" in findings.map_checks(thesis.assign(value=np.nan))


def test_maps_that_survive_shuffling_are_not_to_be_trusted():
    columns = ["check", "variant", "dimension", "value", "ci_low", "ci_high", "expected", "maps"]
    rows = [
        ("deletion", "random pixels", pd.NA, 2.0, 1.5, 2.5, "above 1", "cell by cell"),
        ("randomisation", "mu", pd.NA, 0.9, 0.8, 1.0, "near 0", "cell by cell"),
        ("stability", "vertical flip", pd.NA, 0.1, 0.0, 0.2, "near 1", "cell by cell"),
    ]
    said = findings.map_checks(pd.DataFrame(rows, columns=columns)).splitlines()
    assert said[-2:] == [
        "- The maps cell by cell pass deletion, and fail randomisation and stability.",
        "- **No map is to be trusted**: none passes both deletion and randomisation.",
    ]


def test_a_classifier_is_held_to_the_largest_class():
    history = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.5, 0.9], "test_accuracy": [0.5, 0.75]})
    said = findings.classifier(history, [0, 0, 1, 1])
    assert "After 2 epochs" in said and "90% of the train images and 75% of the 4 test images right, more often" in said
    assert "**no more often than** naming the largest class would (75%)" in findings.classifier(history, [0, 0, 0, 1])


def texture_tables(mu, vae, untrained, lbp):
    """Make table 1, controls and geometry with these accuracies."""
    common = {"classifier": "random forest", "protocol": "by-group", "ci_low": 0.3, "ci_high": 0.6}
    rows = [("texture", "mu", mu), ("texture", "z", 0.5), ("vae", "mu", vae)]
    table = pd.DataFrame(rows, columns=["kind", "descriptor", "accuracy"]).assign(**common)
    rows = [("untrained texture mu", untrained), ("LBP", lbp), ("supervised features", 1.0)]
    controls = pd.DataFrame(rows, columns=["descriptor", "accuracy"]).assign(kind="control", **common)
    link = pd.concat([table, controls])[["kind", "descriptor"]].assign(row="r2", median_diameter_um=0.75)
    return table, controls, link


def test_what_the_texture_model_gains_is_told_beside_itself_untrained():
    said = findings.texture(*texture_tables(0.875, 0.5, 0.85, 0.875))
    assert "right for 0.88 of the test images, on z for 0.50; on μ of the VAE for 0.50" in said
    assert "it **gains**" in said
    assert "best control, LBP, reaches 0.88; the same encoder before this run 0.85: it knew that before" in said
    said = findings.texture(*texture_tables(0.55, 0.5, 0.4, 0.875))
    assert "gains nothing" in said
    assert "training adds to it" in said
    table, *others = texture_tables(0.5, 0.5, 0.5, 0.5)
    assert findings.texture(table[table["kind"] == "vae"], *others) == "No texture model was trained."


def quality(kind="texture", accuracy=(0.98, 0.8, 0.6), copies=0.0, diversity=0.9):
    """Make what `generated.quality` gives."""
    table = pd.DataFrame({"features": ["pores", "lbp", "spectrum"], "accuracy": accuracy})
    table = table.assign(ci_low=table["accuracy"] - 0.05, ci_high=table["accuracy"] + 0.02, n_real=40, n_generated=40)
    return table.assign(kind=kind, latent_dim=128, copies=copies, diversity=diversity)


def test_pictures_that_are_told_are_said_to_be_by_each_set_of_features():
    said = findings.told_apart(pd.concat([quality(), quality("vae", (0.65, 0.9, 0.91), 0.02, np.nan)]))
    texture, pixel = said.splitlines()
    assert texture.startswith(
        "- The texture model (texture-128): a forest tells its pictures from micrographs **nearly "
    )
    assert "by pore measures (right in 98% of cases, 95 % interval 93% to 100%); **often** by local binary" in texture
    assert "**hardly** by power spectrum (right in 60% of cases" in texture
    assert "None is a copy of a train image. At fixed z" in texture
    assert texture.endswith("their median diameter varies 0.9 times as much as within a specimen.")
    assert "**hardly** by pore measures" in pixel
    assert "**often** by local binary patterns" in pixel
    assert "**nearly every time** by power spectrum" in pixel
    assert "2% lie nearer to a train image than 99% of held-out micrographs do, hardly more than chance allows" in pixel
    assert pixel.endswith("It draws one picture for each z.")
    assert findings.told_apart(quality(accuracy=(0.98, 0.95, 0.4))).count("nearly every time") == 1


def test_what_cannot_be_told_of_pictures_is_said():
    unknown = quality(accuracy=[np.nan] * 3, copies=0.3, diversity=np.nan)
    said = findings.told_apart(unknown)
    assert "takes two held-out specimens or more to say. **30% lie nearer to a train image than 99% of" in said
    assert said.endswith("is not known: no held-out specimen has two images with pores.")
    assert findings.told_apart(unknown[:0]) == "No model draws new pictures."
