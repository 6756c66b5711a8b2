import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import class_means
from nanofoam_lib.report import answers, claims

MANIFEST = {"lang": "en", "left_out": []}
LABELS = np.repeat(["a", "b"], 24)
GROUPS = [f"{label}{i // 2}" for i, label in enumerate(LABELS)]


@pytest.fixture
def index():
    return pd.DataFrame({"label": LABELS, "group": GROUPS, "split": "test"})


@pytest.fixture
def found(monkeypatch):
    """Make the tables of a run whose classes differ in diameter and in nothing else, and are told apart."""
    monkeypatch.setattr(class_means, "N_RESAMPLES", 499)
    rng = np.random.default_rng(0)
    pores = pd.DataFrame({"label": LABELS, "group": GROUPS, "verdict": "ok"})
    pores["median_diameter_um"] = 20.0 + 10 * (LABELS == "b") + rng.normal(0, 0.1, 48)
    pores["porosity"] = np.tile([0.4, 0.5], 24) + rng.normal(0, 0.01, 48)
    compared = pd.DataFrame({
        "kind": "texture", "latent_dim": 8, "descriptor": "mu", "against": ["chance", "control", "control"],
        "rival": ["chance", "LBP", "pixel PCA"], "accuracy": 0.9, "rival_accuracy": [0.5, 0.92, 0.6],
        "difference": [0.4, -0.02, 0.3], "ci_low": [0.3, -0.1, 0.2], "ci_high": [0.5, 0.06, 0.4],
        "p_corrected": [0.001, 0.9, 0.002], "n_groups": 24,
    })  # fmt: skip
    walked = pd.DataFrame({
        "what": "interpolation", "series": "linear", "class": ["a", None, "b"],
        "median_diameter_um": [20.1, 25, 1064.4], "density_per_mm2": [1000.0, 700, 400],
        "porosity": [0.4, np.nan, np.nan],
    })  # fmt: skip
    quality = {"kind": "texture", "latent_dim": 8, "features": ["pores"], "accuracy": [0.75]}
    tables = {"pores": pores, "comparisons": compared, "generated_texture": walked}
    tables |= {"generated_quality": pd.DataFrame(quality), "near_duplicates": pd.DataFrame({"train_id": []})}
    tables["models"] = pd.DataFrame({"kind": ["texture", "vae"], "has_skill": [True, False]})
    return tables | {"claims": claims.collect(tables)}


def told(found, index, **manifest):
    return {own.name: own for own in answers.collect(MANIFEST | manifest, index, found)}


def test_the_measure_in_which_classes_differ_most_is_told_with_its_means(found, index):
    answer = told(found, index)["materials"]
    assert answer.sentence.startswith(
        "Median diameter (µm): a 20, b 30. Of 2 comparisons of classes in 2 pore measures 1"
    )
    assert (answer.state, answer.verdict, answer.chapter) == ("yes", "their pores differ", "pores")


def test_the_pores_of_some_differ_where_those_of_two_classes_do_not(found, index):
    """Classes c and a are alike; b differs from both in one measure of two, which is enough."""
    third = found["pores"][LABELS == "a"].assign(label="c", group=[f"c{name}" for name in GROUPS[:24]])
    third["median_diameter_um"] += np.tile([0.01, -0.01], 12)
    found["pores"] = pd.concat([found["pores"], third], ignore_index=True)
    found["claims"] = claims.collect(found)
    answer = told(found, pd.concat([index, index[:24].assign(label="c")]))["materials"]
    assert (answer.state, answer.verdict) == ("partly", "the pores of some differ")
    assert "Of 6 comparisons of classes in 2 pore measures 2 show a difference" in answer.sentence


def test_doubtful_pores_answer_nothing(found, index):
    found["pores"]["verdict"] = "doubtful"
    answer = told(found, index)["materials"]
    assert (answer.state, answer.verdict) == ("unknown", "not measured")


def test_a_descriptor_is_held_to_guessing_and_to_each_control(found, index):
    answer = told(found, index)["separation"]
    assert answer.sentence == (
        "μ of the 8-d texture model is right for 90% of unseen images (guessing 50%); of 2 controls it beats 1, and 0 "
        "beat it, beyond chance."
    )
    assert answer.state == "partly"
    found["comparisons"].loc[1, ["difference", "ci_low", "ci_high", "p_corrected"]] = 0.1, 0.05, 0.15, 0.01
    found["claims"] = claims.collect(found)
    assert told(found, index)["separation"].verdict == "yes, better than every control"
    found["comparisons"].loc[0, "p_corrected"] = 0.2
    found["claims"] = claims.collect(found)
    assert told(found, index)["separation"].state == "no"
    assert told(found, index)["materials"].state == "no"  # where nothing is told apart, nothing else is claimed


def test_a_descriptor_that_beats_no_control_is_said_to(found, index):
    assert told(found, index)["separation"].verdict == "yes, but not better than every control"
    found["comparisons"].loc[2, ["difference", "ci_low", "ci_high", "p_corrected"]] = 0.0, -0.1, 0.1, 0.9
    found["claims"] = claims.collect(found)
    assert told(found, index)["separation"].verdict == "yes, but not better than any control"
    assert told(found, index, lang="es")["separation"].verdict == "sí, pero no mejor que ningún control"


def test_the_walk_is_told_by_its_ends_and_by_whether_drawings_pass(found, index):
    answer = told(found, index)["difference"]
    assert answer.sentence == (
        "Drawn from a to b: median diameter (µm) 20.1 → 1060, density (mm⁻²) 1000 → 400. A forest tells such drawings "
        "from micrographs in 75% of cases (half is guessing)."
    )
    assert told({}, index)["difference"].state == "unknown"


def test_a_model_without_skill_sees_what_it_cannot_draw(found, index):
    dimension = {"id": "dimension: μ3", "holds": True}
    found["claims"] = pd.concat([found["claims"], pd.DataFrame([dimension])])
    assert told(found, index)["difference"].state == "yes"
    found["models"]["has_skill"] = found["models"]["kind"] != "texture"
    answer = told(found, index)["difference"]
    assert (answer.state, answer.verdict) == ("partly", "structure that a model sees, but does not draw yet")
    found["claims"]["holds"] = False
    assert told(found, index)["difference"].state == "no"


def test_drawings_that_a_forest_recognises_every_time_are_not_drawn_yet(found, index):
    found["claims"] = pd.concat([found["claims"], pd.DataFrame([{"id": "dimension: μ3", "holds": True}])])
    states = {}
    for accuracy in (0.75, 0.94, 0.95, 1.0):
        found["generated_quality"]["accuracy"] = accuracy
        states[accuracy] = told(found, index)["difference"].state
    assert states == {0.75: "yes", 0.94: "yes", 0.95: "partly", 1.0: "partly"}


def test_a_change_that_no_pore_can_name_is_no_whole_answer(found, index):
    found["claims"] = pd.concat([found["claims"], pd.DataFrame([{"id": "dimension: μ3", "holds": True}])])
    found["models"]["has_skill"] = True
    found["generated_texture"] = found["generated_texture"].assign(
        median_diameter_um=np.nan, density_per_mm2=np.nan, porosity=np.nan
    )
    answer = told(found, index)["difference"]
    assert answer.state == "partly" and answer.sentence.startswith("Drawn from a to b: no pores.")


def test_each_line_of_the_results_names_what_it_answers(found, index):
    _, pores, trust = answers.in_three_lines(MANIFEST, index, found)
    assert pores.startswith("What do the materials look like? Their pores differ. Median diameter")
    assert trust.startswith("How far to trust this? With care. 24 specimens")


def test_what_speaks_against_the_numbers_is_counted(found, index):
    answer = told(found, index)["trust"]
    assert "24 specimens were held out whole, at least 12 of a class" in answer.sentence
    assert "models without skill: 1 of 2" in answer.sentence
    assert answer.state == "partly"
    found["models"]["has_skill"] = True
    assert told(found, index)["trust"].state == "yes"
    few = index[index["group"].isin(["a0", "b12"])]
    found["near_duplicates"] = pd.DataFrame({"train_id": [1]})
    assert told(found, few, left_out=[{"path": "x"}])["trust"].state == "no"


def test_images_that_nothing_groups_are_said_to_stand_alone(found, index):
    alone = "Every image counts as a specimen of its own."
    assert alone not in told(found, index)["trust"].sentence
    assert told(found, index.assign(group=range(len(index))))["trust"].sentence.endswith(alone)


def test_answers_are_in_the_language_of_the_run(found, index):
    spanish = told(found, index, lang="es")
    assert spanish["separation"].question == "¿Los distingue la estructura?"
    assert "acierta en el 90\N{NO-BREAK SPACE}% de las imágenes" in spanish["separation"].sentence
    assert "20,1 → 1060" in spanish["difference"].sentence
    english = told(found, index)
    assert all(english[name].sentence != spanish[name].sentence for name in english)


@pytest.fixture
def alone(found, index):
    """Make the tables of a run whose images are of one class: no accuracies, clusters, and walks along axes."""
    walked = found["generated_texture"].assign(what="traversal", series="PCA 1")
    other = walked.assign(series="μ3", median_diameter_um=1.0)
    tables = {"pores": found["pores"].assign(label="a"), "generated_texture": pd.concat([other, walked])}
    tables["neighbours"] = pd.DataFrame({"label": "a", "cluster": [0, 0, 1, -1], "trust": 0.9, "trust_of_plane": 0.8})
    tables["clusters"] = pd.DataFrame(
        {"cluster": [0, 1], "n_images": [2, 1], "n_specimens": [2, 1], "jaccard": [0.9, 0.5], "stable": [True, False],
         "class": "a", "class_share": 1.0}
    )  # fmt: skip
    return tables, index.assign(label="a")


def test_of_one_class_is_told_what_is_known_without_a_comparison(alone):
    answer = told(*alone)
    materials, groupings, difference = (answer[name] for name in ("materials", "separation", "difference"))
    assert materials.state == "yes" and materials.verdict == "measured"
    diameters = alone[0]["pores"].groupby("group")["median_diameter_um"].mean()
    assert f"median diameter (µm) 25 ± {diameters.std():.2g}" in materials.sentence
    assert materials.sentence.startswith("Means of 24 specimens, ± how much these differ (standard deviation): ")
    assert groupings.question == "Do images form kinds of their own?" and groupings.chapter == "neighbours"
    assert (groupings.state, groupings.verdict) == ("partly", "some are found again")
    assert groupings.sentence.startswith("Without their labels the images form 2 clusters, of which 1 is found again")
    assert difference.question == "What varies?"
    assert difference.sentence.startswith(
        "Drawn along the first principal axis of the texture model: median diameter (µm) 20.1 → 1060, density"
    )
    assert not {"not tested", "nothing was drawn"} & {own.verdict for own in answer.values()}


def test_clusters_that_are_none_or_not_looked_for_are_said(alone):
    tables, index = alone
    none = told(tables | {"clusters": tables["clusters"].iloc[:0]}, index)["separation"]
    assert (none.state, none.verdict) == ("no", "no kinds of their own") and none.sentence.startswith("No clusters: ")
    for stable, state in ((True, "yes"), (False, "no")):
        found = tables | {"clusters": tables["clusters"].assign(stable=stable)}
        assert told(found, index)["separation"].state == state
    assert told({}, index)["separation"].state == "unknown"


def test_of_one_class_answers_are_in_spanish_too(alone):
    english, spanish = told(*alone), told(*alone, lang="es")
    for name in ("materials", "separation", "difference"):
        assert english[name].verdict != spanish[name].verdict and english[name].sentence != spanish[name].sentence
        assert not {"specimens", "clusters", "Drawn"} & set(spanish[name].sentence.split())
