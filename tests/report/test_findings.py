import numpy as np
import pandas as pd

from nanofoam_lib.report import findings


def test_scores_stand_beside_chance_measured_and_true_pores_and_labels():
    columns = ["kind", "latent_dim", "descriptor", "classifier", "accuracy", "splits", "mean", "sd"]
    rows = [
        ("vae", 128, "sigma", "random forest", 0.75, 20, 0.72, 0.04),
        ("vae", 128, "mu", "random forest", 0.99, 20, 0.98, 0.01),
        ("control", 8, "pore measures", "random forest", 0.88, 20, 0.87, 0.03),
        ("control", 4, "true pore measures", "random forest", 0.9, 20, 0.9, 0.02),
        ("control", 4, "true pore measures", "SVM", 0.94, 20, 0.93, 0.02),
        ("control", 64, "supervised features", "softmax", 0.91, np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=columns).assign(ci_low=0.6, ci_high=1.0)
    said = findings.scores(table, 1 / 3)
    assert "**σ of the 128-d VAE** 0.75 (95 % interval 0.60 to 1.00), over 20 further splits 0.72 ± 0.04; pore" in said
    assert "pore measures 0.88" in said and "naming the largest class 0.33." in said
    assert "On the true pore measures it reaches 0.90" in said
    assert "With labels, same epochs, the same convolutions reach 0.91" in said
    assert "0.99" not in said  # was not named beforehand
    assert "true pore measures" not in findings.scores(table[:3], 1 / 3)


def test_what_leaks_stands_beside_what_does_not():
    protocols = ("by-group", "thesis (leaky classifiers)", "thesis (leaky)")
    rows = [("vae", 64, "sigma", "random forest", p, a) for p, a in zip(protocols, (0.5, 0.75, 0.97), strict=True)]
    rows += [("vae", 64, "mu", "random forest", p, 0.11) for p in protocols]
    table = pd.DataFrame(rows, columns=["kind", "latent_dim", "descriptor", "classifier", "protocol", "accuracy"])
    said = findings.leak(table)
    assert said.startswith(
        "- A random forest on σ of the 64-d VAE is right for 0.50 of the images of specimens never seen."
    )
    assert "seems to be right for 0.75;" in said and said.endswith("for 0.97.") and "0.11" not in said
    assert findings.leak(table[table["protocol"] == "by-group"]) == ""


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
    assert first.startswith("- **AE 2-d**, after 900 steps, draws test images with a skill of 0.40, 0.10 above as many")
    assert "and 56% of their contrast; on train images 0.50" in first
    assert "draws textures of test images with a skill of 0.80" in second and "1 of 2 latent dimensions" in second
    assert "**VAE 2-d**, after 900 steps, **has no skill** (−0.10, a flat grey 0.04)" in last
    assert "below" in findings.models(summary.assign(skill_pca=0.9))
    assert findings.without_skill(summary).startswith("**Without skill: VAE 2-d.**")
    assert findings.without_skill(summary[1:]) == ""


def test_r2_stands_beside_that_of_the_class_and_within_classes():
    values = {
        ("vae", "sigma"): (0.88, 0.8, 0.3),
        ("vae", "mu"): (0.99,) * 3,
        ("control", "class label"): (0.86, 0.85, 0),
    }
    names = "r2", "r2_test", "r2_within"
    rows = [(*key, row, value) for key, own in values.items() for row, value in zip(names, own, strict=True)]
    link = pd.DataFrame(rows, columns=["kind", "descriptor", "row", "median_diameter_um"])
    identity = pd.DataFrame({"active": [True, False]})
    assert findings.geometry(link, identity) == (
        "R² of median diameter (µm): σ of the VAE 0.88 over all images, 0.80 on test groups, 0.30 within classes "
        "there; class label 0.86 over all images, 0.85 on test groups, 0.00 within classes there. "
        "1 of 2 latent dimensions are active."
    )
    assert findings.geometry(link.assign(median_diameter_um=None), identity) == "1 of 2 latent dimensions are active."


def test_average_maps_name_the_class_and_the_edge():
    maps = np.zeros((2, 4, 4, 3))
    maps[0, 1, 1, 0], maps[1, 1, 1, 0], maps[:, 0, 0, 2] = 3, 1, 2
    said = findings.average_maps(maps, ["a", "b"], [5, 8], [0.01, np.nan])
    assert said.startswith("Dimension 5 responds most to a (3.0 times as much as to b); dimension 8 has no map.")
    assert "50% of all maps lies in their outermost cells, which are 75% of the area" in said


def test_average_maps_that_differ_by_chance_are_not_said_to_differ():
    said = findings.average_maps(np.ones((2, 4, 4, 3)), ["a", "b"], [5, 8], [0.06, 1])
    assert said.startswith("No dimension responds more to one class than chance allows. ")
    assert "times" not in said


def claimed(**held):
    """Make claims on deletion: maps → whether they hold."""
    ids = {f"deletion: {maps}, {variant}": holds for maps, holds in held.items() for variant in ("random", "moved")}
    return pd.DataFrame({"id": list(ids), "holds": list(ids.values())})


def test_checks_of_maps_are_summed_up_with_their_verdict():
    columns = ["check", "variant", "dimension", "value", "ci_low", "ci_high", "expected"]
    rows = [
        ("deletion", "random", pd.NA, 2.0, 1.5, 2.5, "above 1"),
        ("deletion", "moved", pd.NA, 1.2, 0.9, 1.5, "above 1"),
        ("localisation", "pores", 3, 1.7, 1.4, 2.0, "1 by chance"),
    ]
    thesis = pd.DataFrame(rows, columns=columns).astype({"dimension": "Int64"}).assign(maps="thesis")
    both = pd.concat([thesis, thesis.assign(maps="cell by cell")])
    held = {"thesis": False, "cell by cell": True}
    said = findings.map_checks(both, claimed(**held)).splitlines()
    start = "- **deletion** (above 1). The maps of the thesis fail (what they mark is not shown to matter): random 2.00"
    assert said[:-1] == [
        "- **Trust the maps cell by cell, not the maps of the thesis**: "
        "only they mark what matters to the latent and was learnt.",
        "- The maps of the thesis fail deletion.",
        "- The maps cell by cell pass deletion.",
    ]
    assert said[-1].startswith(start)
    assert "the maps cell by cell pass (erasing what they mark moves the latent farther): random" in said[-1]
    alone = findings.map_checks(thesis, claimed(thesis=False)).splitlines()
    assert alone[0].startswith("- **No map is to be trusted**")
    trusted = findings.map_checks(both, claimed(**dict.fromkeys(held, True)))
    assert "**Trust the maps of the thesis and the maps cell by cell**" in trusted
    assert "No map is other than zero" in findings.map_checks(thesis.assign(value=np.nan), claimed())


def test_maps_that_survive_shuffling_are_not_to_be_trusted():
    columns = ["check", "variant", "dimension", "value", "ci_low", "ci_high", "expected", "maps"]
    rows = [
        ("deletion", "random", pd.NA, 2.0, 1.5, 2.5, "above 1", "cell by cell"),
        ("randomisation", "mu", pd.NA, 0.9, 0.8, 1.0, "near 0", "cell by cell"),
        ("stability", "vertical flip", pd.NA, 0.1, 0.0, 0.2, "near 1", "cell by cell"),
    ]
    table = pd.DataFrame(rows, columns=columns)
    said = findings.map_checks(table, claimed(**{"cell by cell": True})).splitlines()
    assert said[:2] == [
        "- **No map is to be trusted**: none passes both deletion and randomisation.",
        "- The maps cell by cell pass deletion, and fail randomisation and stability.",
    ]


def test_a_classifier_is_held_to_the_largest_class():
    history = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.5, 0.9], "test_accuracy": [0.5, 0.75]})
    said = findings.classifier(history, [0, 0, 1, 1])
    assert "After 2 epochs" in said and "90% of the train images and 75% of the 4 test images right, more often" in said
    assert "**no more often than** naming the largest class would (75%)" in findings.classifier(history, [0, 0, 0, 1])


def quality(kind="texture", accuracy=(0.98, 0.8, 0.6), copies=0.0, diversity=0.9):
    """Make what `generated.quality` gives."""
    table = pd.DataFrame({"features": ["pores", "lbp", "spectrum"], "accuracy": accuracy})
    table = table.assign(ci_low=table["accuracy"] - 0.05, ci_high=table["accuracy"] + 0.02, n_real=40, n_generated=40)
    return table.assign(kind=kind, latent_dim=128, copies=copies, diversity=diversity)


def test_pictures_that_are_told_are_said_to_be_by_each_set_of_features():
    said = findings.told_apart(pd.concat([quality(), quality("vae", (0.65, 0.9, 0.91), 0.02, np.nan)]))
    texture, pixel = said.splitlines()
    assert texture.startswith(
        "- The texture model (texture VAE 128-d): a forest tells its pictures from micrographs **nearly "
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
