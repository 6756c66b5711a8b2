import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import held_out, permutation, pore_prediction


@pytest.fixture
def specimens(rng):
    """60 groups of three images in three classes; the measure is the class and what tells the groups apart."""
    labels, groups = np.repeat(list("abc"), 60), (np.arange(180) // 3).astype(str)
    own = rng.normal(size=60).repeat(3)
    measures = pd.DataFrame({"size": np.repeat([0.0, 10, 20], 60) + own})
    split = np.where(np.arange(180) // 3 % 3 == 0, "test", "train")
    return labels, groups, own, measures, split


def test_the_class_alone_tells_much_over_all_and_nothing_within(specimens):
    labels, groups, _, measures, split = specimens
    found = held_out.score(held_out.one_hot(labels), measures, labels, groups, split)["size"]
    assert found["r2_test"] > 0.95
    assert found["r2_within"] == pytest.approx(0, abs=1e-6)
    assert found["r2_within_p"] > 0.05
    overall = pore_prediction.predictability(held_out.one_hot(labels), measures, groups)["r2"][0]
    assert overall > 0.95


def test_what_tells_specimens_of_a_class_apart_is_found_within(specimens, rng):
    labels, groups, own, measures, split = specimens
    vectors = np.column_stack([held_out.one_hot(labels), own + rng.normal(0, 0.5, 180)])
    found = held_out.score(vectors, measures, labels, groups, split)["size"]
    expected = 1 / 1.25  # signal over signal and noise
    assert found["r2_within"] == pytest.approx(expected, abs=0.1)
    assert found["r2_within_low"] < expected < found["r2_within_high"]
    assert found["r2_within_p"] == 1 / (1 + permutation.ORDERS)


def test_test_images_alone_count(specimens):
    """A descriptor that knows the train images by heart, and nothing of others, must not seem to know pores."""
    labels, groups, _, measures, split = specimens
    by_heart = np.where(split == "train", measures["size"], 0.0)[:, None]
    found = held_out.score(by_heart, measures, labels, groups, split)["size"]
    assert found["r2_test"] < 0
    assert pore_prediction.predictability(by_heart, measures, groups)["r2"][0] > 0.2


def test_unknown_and_constant_measures_have_no_r2(specimens):
    labels, groups, own, measures, split = specimens
    measures = pd.DataFrame({"gone": np.nan, "flat": 1.0, "some": measures["size"].where(np.arange(180) % 3 > 0)})
    found = held_out.score(own[:, None], measures, labels, groups, split)
    assert found[["gone", "flat"]].isna().all(axis=None)
    assert found["some"].notna().all()


def test_the_test_within_classes_holds_its_level(monkeypatch):
    monkeypatch.setattr(permutation, "ORDERS", 199)
    rng, labels, groups = np.random.default_rng(0), np.repeat(list("ab"), 30), np.arange(60) // 3
    p_values = [
        permutation.within(*rng.normal(size=(2, 20)).repeat(3, axis=1) + (labels == "a"), labels, groups, seed)
        for seed in range(300)
    ]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.08


def test_the_table_holds_r2_of_every_kind_beside_that_of_the_label(specimens):
    labels, groups, own, measures, split = specimens
    index = pd.DataFrame({"id": range(180), "label": labels, "group": groups, "split": split})
    table = pore_prediction.summarise({("vae", 1, "mu"): own[:, None].astype(np.float32)}, measures, index)
    rows = table[table["row"] != "image"]
    assert rows["row"].tolist() == ["r2", *held_out.ROWS] * 2
    assert rows["descriptor"].tolist() == ["mu"] * 6 + [pore_prediction.LABEL] * 6
    label = rows.set_index(["descriptor", "row"])["size"][pore_prediction.LABEL]
    assert label["r2"] > 0.95 and label["r2_within"] == pytest.approx(0, abs=1e-6)
