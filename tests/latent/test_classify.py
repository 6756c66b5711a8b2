import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import classify, intervals


@pytest.fixture
def clouds():
    """Three classes of 40 points in 8 groups each, far apart in the first of two dimensions."""
    rng = np.random.default_rng(0)
    labels = np.repeat(list("abc"), 40)
    vectors = rng.normal(size=(120, 2))
    vectors[:, 0] += np.repeat([0, 10, 20], 40)
    groups = np.array([f"{label}{i % 8}" for i, label in enumerate(labels)])
    split = np.where([group[1] in "012" for group in groups], "test", "train")
    return vectors, labels, groups, split


@pytest.mark.parametrize("classifier", classify.CLASSIFIERS)
def test_separate_classes_score_one_and_noise_scores_chance(clouds, classifier):
    vectors, labels, groups, split = clouds
    result, confusion = classify.score(vectors, labels, groups, split, classifier)
    assert confusion.pivot(index="true", columns="predicted", values="count").to_numpy().tolist() == [
        [15, 0, 0],
        [0, 15, 0],
        [0, 0, 15],
    ]
    assert result["accuracy"] == result["ci_low"] == result["ci_high"] == 1
    assert (result["n_train"], result["n_test"]) == (75, 45)
    noise, _ = classify.score(np.random.default_rng(1).normal(size=vectors.shape), labels, groups, split, classifier)
    assert 0.1 < noise["accuracy"] < 0.6
    assert noise["ci_low"] < noise["accuracy"] < noise["ci_high"]


def test_test_labels_cannot_influence_the_classifier(clouds):
    vectors, labels, groups, split = clouds
    shuffled = np.where(split == "test", "a", labels)
    assert classify.score(vectors, shuffled, groups, split)[0]["accuracy"] == pytest.approx(1 / 3)


def test_knn_does_not_depend_on_the_scale_of_a_dimension(clouds):
    vectors, labels, groups, split = clouds
    noisy = vectors + np.random.default_rng(2).normal(0, 8, vectors.shape)
    scaled = noisy * (1, 1000)
    first, second = (classify.score(v, labels, groups, split, "KNN")[0]["accuracy"] for v in (noisy, scaled))
    assert first == second


def test_the_interval_counts_groups_not_images():
    """Ten copies of an image are no more evidence than one: the interval must not shrink."""
    rng = np.random.default_rng(0)
    hit = rng.random(30) < 0.7
    single = intervals.interval(hit, np.arange(30))
    copied = intervals.interval(hit.repeat(10), np.arange(30).repeat(10))
    as_if_independent = intervals.interval(hit.repeat(10), np.arange(300))
    assert copied == single
    assert as_if_independent[1] - as_if_independent[0] < 0.5 * (single[1] - single[0])


def test_the_interval_is_the_binomial_one_for_independent_images():
    hit = np.arange(400) < 300
    low, high = intervals.interval(hit, np.arange(400))
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert low == pytest.approx(0.75 - half, abs=0.008)
    assert high == pytest.approx(0.75 + half, abs=0.008)


def test_table1_has_the_columns_of_the_contract(clouds):
    vectors, labels, groups, split = clouds
    index = pd.DataFrame({"label": labels, "group": groups, "split": split})
    table, confusions = classify.table1({("vae", 2, "mu"): vectors, ("ae", 2, "conv"): vectors}, index, "clouds")
    columns = "data kind latent_dim descriptor classifier protocol accuracy ci_low ci_high n_train n_test"
    assert list(table.columns) == columns.split()
    assert len(table) == 2 * len(classify.CLASSIFIERS)
    assert set(table["data"]) == {"clouds"}
    assert set(table["protocol"]) == {"by-group"}
    hits = (
        confusions[confusions["true"] == confusions["predicted"]].groupby(["descriptor", "classifier"])["count"].sum()
    )
    for row in table.itertuples():
        assert hits[row.descriptor, row.classifier] / row.n_test == pytest.approx(row.accuracy)


def test_a_confusion_counts_who_was_taken_for_whom(clouds):
    """With b moved onto a, no classifier can tell these two, and none may touch c."""
    vectors, labels, groups, split = clouds
    vectors = vectors.copy()
    vectors[labels == "b"] = vectors[labels == "a"]
    _, confusion = classify.score(vectors, labels, groups, split, "KNN")
    counts = confusion.set_index(["true", "predicted"])["count"]
    assert counts["c", "c"] == 15
    assert counts["a"].sum() == counts["b"].sum() == 15
    assert counts["a", "c"] == counts["b", "c"] == counts["c", "a"] == counts["c", "b"] == 0


def test_seeds_are_summarised_by_mean_and_sample_standard_deviation():
    keys = {"kind": "vae", "latent_dim": 2, "descriptor": ["mu", "z"], "classifier": "KNN"}
    tables = {7: pd.DataFrame(keys | {"accuracy": [0.5, 0.2]}), 8: pd.DataFrame(keys | {"accuracy": [0.7, 0.2]})}
    summary = classify.over_seeds(tables).set_index("descriptor")
    assert summary.loc["mu", "mean"] == pytest.approx(0.6)
    assert summary.loc["mu", "sd"] == pytest.approx(0.2 / 2**0.5)
    assert summary.loc["z", "sd"] == 0
    assert summary.loc["mu", ["seeds", "seed_7", "seed_8"]].tolist() == [2, 0.5, 0.7]


def test_a_network_s_own_scores_are_a_row_of_their_own():
    index = pd.DataFrame({"label": list("aabbab"), "group": list("uvwxyz"), "split": ["train"] * 3 + ["test"] * 3})
    scores = np.array([[1, 0], [1, 0], [0, 1], [0, 2], [3, 1], [5, 4]])  # right, right, wrong on test
    (row,) = classify.of_scores(scores, index, ("control", 8, "supervised features"), "tiles").itertuples()
    assert (row.classifier, row.latent_dim, row.n_train, row.n_test) == ("softmax", 8, 3, 3)
    assert row.accuracy == pytest.approx(2 / 3)
    assert row.ci_low <= row.accuracy <= row.ci_high


def test_intervals_do_not_depend_on_how_many_resamples_are_drawn_at_a_time():
    """Of more than 4 million divided by the number of resamples, groups are resampled in parts."""
    hit, groups = np.arange(5000) % 3 > 0, np.arange(5000)
    low, high = intervals.interval(hit, groups)
    sd = np.sqrt(2 / 9 / 5000)
    assert low == pytest.approx(hit.mean() - 1.96 * sd, abs=sd / 4)
    assert high == pytest.approx(hit.mean() + 1.96 * sd, abs=sd / 4)
