import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from nanofoam_lib.latent import classify
from nanofoam_lib.models import control_registry, descriptors, scoring, vae

TINY = {"latent_dim": 3, "filters": (2, 2), "decoder_filters": (2,)}


@pytest.fixture
def index(textures, monkeypatch):
    forest = {"random forest": lambda seed: RandomForestClassifier(10, random_state=seed)}
    monkeypatch.setattr(classify, "CLASSIFIERS", forest)
    groups = [f"g{i}" for i in range(24)]
    return pd.DataFrame(
        {"id": range(24), "label": textures[1], "group": groups, "split": ["train", "train", "test"] * 8}
    )


def test_untrained_models_are_scored_with_several_seeds_where_their_descriptor_is_trained(textures, index):
    models = {(kind, 3): vae.build(vae.Config(kind, **TINY)) for kind in ("vae", "ae", "texture")}
    found = scoring.untrained(models, textures[0], index)
    assert set(found["kind"]) == {"vae"}  # what the texture model sees is fixed, and the plain one has no foremost
    assert set(found["descriptor"]) == {"sigma"}
    assert found.groupby("weights").size().to_dict() == {0: 8, 1: 8, 2: 8}
    assert found["image"].unique().tolist() == np.flatnonzero(index["split"] == "test").tolist()
    assert len(scoring.untrained({("ae", 3): models["ae", 3]}, textures[0], index)) == 0


def test_untrained_models_encode_what_a_trained_one_s_classifier_learns_from(textures, index, monkeypatch):
    models = {("vae", 3): vae.build(vae.Config("vae", **TINY))}
    monkeypatch.setattr(classify, "MOST", 4)
    encode, seen = descriptors.encode, []
    monkeypatch.setattr(descriptors, "encode", lambda m, images, own: (seen.append(images), encode(m, images, own))[1])
    found = scoring.untrained(models, textures[0], index)
    train, test = (np.flatnonzero(index["split"] == side) for side in ("train", "test"))
    rows = {
        side: own[classify.some(index["label"].to_numpy()[own])] for side, own in (("train", train), ("test", test))
    }
    assert {name: len(own) for name, own in rows.items()} == {"train": 4, "test": 4}
    pictures = textures[0][np.sort(np.concatenate(list(rows.values())))]
    assert len(seen) == 3 and all((np.asarray(images[:]) == pictures).all() for images in seen)
    assert found["image"].unique().tolist() == rows["test"].tolist()
    assert found["true"].tolist() == index["label"].to_numpy()[found["image"]].tolist()
    _, predictions = scoring.table1({("vae", 3, "sigma"): np.ones((24, 3))}, {}, textures[0], index, "tiles")
    compared = scoring.compare(predictions, predictions.iloc[:0], found).set_index("against")
    assert compared["n_groups"].to_dict() == {"chance": 8, "training": 4}


def test_what_training_adds_is_the_difference_to_the_mean_over_seeds(textures, index):
    rng = np.random.default_rng(0)
    told = rng.normal(size=(24, 3)) + 9 * (index["label"] == "a").to_numpy()[:, None]
    _, predictions = scoring.table1(
        {("vae", 3, "sigma"): told, ("vae", 3, "mu"): told}, {}, textures[0], index, "tiles"
    )
    _, by_controls = classify.table1({("control", 2, "grey mean+std"): told[:, :2]}, index, "tiles")
    test = predictions[predictions["descriptor"] == "sigma"]
    fresh = pd.concat([test.assign(weights=seed, predicted=test["true"] if seed else "none") for seed in range(3)])
    row = scoring.compare(predictions, by_controls, fresh).set_index("against").loc["training"]
    assert (row["rival"], row["weights"]) == ("untrained sigma", 3)
    assert row["rival_accuracy"] == pytest.approx(2 / 3)
    assert row["rival_sd"] == pytest.approx(np.std([0, 1, 1], ddof=1))
    assert row["difference"] == pytest.approx(row["accuracy"] - 2 / 3)


def test_what_knows_the_answer_is_no_rival(textures, index):
    vectors = np.random.default_rng(0).normal(size=(24, 3))
    _, predictions = scoring.table1({("vae", 3, "sigma"): vectors}, {}, textures[0], index, "tiles")
    plain = {("control", 3, name): vectors for name in ("true pore measures", "LBP", control_registry.TAUGHT)}
    table, by_controls = scoring.controls(plain, np.eye(2)[index["label"].eq("a").astype(int)], index, "tiles")
    assert table["classifier"].tolist() == ["random forest"] * 3 + ["softmax"]
    compared = scoring.compare(predictions, by_controls)
    assert compared[["against", "rival"]].to_numpy().tolist() == [
        ["chance", "chance"], ["control", "LBP"], ["labels", control_registry.TAUGHT],
    ]  # fmt: skip


def test_further_splits_keep_groups_together_and_differ(index):
    index = index.assign(group=np.arange(24) // 2)
    found = scoring.further_splits(index, 0.3, 5)
    assert len(found) == 5 and len({tuple(split) for split in found}) > 1
    for split in found:
        assert pd.Series(split).groupby(index["group"]).nunique().max() == 1
    assert scoring.further_splits(index, 0.3, 0) == []


def test_reliability_is_told_of_the_foremost_descriptors_alone(textures, index):
    vectors = np.random.default_rng(0).normal(size=(24, 3))
    latents = {("vae", 3, "sigma"): vectors, ("vae", 3, "mu"): vectors}
    _, predictions = scoring.table1(latents, {}, textures[0], index, "tiles")
    found = scoring.reliability_of(predictions)
    assert list(found) == ["specimens", "calibration"]
    assert all(set(table["descriptor"]) == {"sigma"} for table in found.values())
    assert found["specimens"]["n_images"].sum() == found["calibration"]["n_images"].sum() == 8
