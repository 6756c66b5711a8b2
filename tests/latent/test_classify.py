import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import classify


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
    result, predictions = classify.score(vectors, labels, groups, split, classifier)
    assert (predictions["predicted"] == predictions["true"]).all()
    assert predictions["image"].tolist() == np.flatnonzero(split == "test").tolist()
    assert (predictions["group"] == groups[split == "test"]).all()
    assert predictions["probability"].isna().all() if classifier == "SVM" else (predictions["probability"] > 0.5).all()
    assert result["accuracy"] == result["ci_high"] == 1
    assert result["ci_low"] == pytest.approx(0.025 ** (1 / 9))
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


def test_table1_has_the_columns_of_the_contract(clouds):
    vectors, labels, groups, split = clouds
    index = pd.DataFrame({"label": labels, "group": groups, "split": split})
    table, predictions = classify.table1({("vae", 2, "mu"): vectors, ("ae", 2, "conv"): vectors}, index, "clouds")
    confusions = classify.confusions(predictions)
    columns = (
        "data kind latent_dim descriptor classifier protocol accuracy ci_low ci_high n_train n_test splits mean sd"
    )
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
    _, predictions = classify.score(vectors, labels, groups, split, "KNN")
    confusion = classify.confusions(predictions.assign(**dict.fromkeys(classify.ROW, "KNN")))
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
    table, predictions = classify.of_scores(scores, index, ("control", 8, "supervised features"), "tiles")
    (row,) = table.itertuples()
    assert predictions["predicted"].tolist() == list("baa")
    assert (row.classifier, row.latent_dim, row.n_train, row.n_test) == ("softmax", 8, 3, 3)
    assert row.accuracy == pytest.approx(2 / 3)
    assert row.ci_low <= row.accuracy <= row.ci_high


def test_an_accuracy_is_repeated_on_other_splits(clouds):
    vectors, labels, groups, split = clouds
    noisy = vectors + np.random.default_rng(3).normal(0, 8, vectors.shape)
    splits = [np.where([group[1] in held for group in groups], "test", "train") for held in ("012", "345", "67")]
    for classifier in ("decision tree", "KNN", "SVM"):
        each = [classify.score(noisy, labels, groups, other, classifier)[0]["accuracy"] for other in splits]
        np.testing.assert_allclose(classify.repeat(noisy, labels, splits, classifier), each)
    index = pd.DataFrame({"label": labels, "group": groups, "split": split})
    table, _ = classify.table1({("vae", 2, "mu"): noisy}, index, "clouds", splits=splits)
    row = table.set_index("classifier").loc["SVM"]
    assert (row["splits"], row["mean"], row["sd"]) == (
        3,
        pytest.approx(np.mean(each)),
        pytest.approx(np.std(each, ddof=1)),
    )
    assert np.isnan(classify.over_splits(classify.repeat(noisy, labels, []))["mean"])


def test_of_many_images_a_classifier_learns_from_some(clouds, monkeypatch):
    vectors, labels, groups, split = clouds

    def fitted(most):
        monkeypatch.setattr(classify, "MOST", most)
        return {name: make(0).fit(vectors, labels) for name, make in classify.CLASSIFIERS.items()}

    whole, same, few = fitted(10_000), fitted(120), fitted(30)
    for name in ("decision tree", "KNN", "random forest"):
        np.testing.assert_array_equal(same[name].predict_proba(vectors), whole[name].predict_proba(vectors))
    assert [own["SVM"][-1].shape_fit_[0] for own in (whole, same, few)] == [120, 120, 30]
    assert {tree.tree_.weighted_n_node_samples[0] for tree in few["random forest"].estimators_} == {30}
    assert (few["KNN"][-1].n_samples_fit_, few["decision tree"].tree_.n_node_samples[0]) == (30, 30)
    assert all(own.score(vectors, labels) > 0.95 for name, own in few.items() if name != "KNN")  # which asks 5 of 10
    assert classify.score(vectors, labels, groups, split)[0]["n_train"] == 30


def test_some_are_of_every_class_by_its_share_and_the_same_each_time(monkeypatch):
    labels = np.array(["a"] * 900 + ["b"] * 97 + ["c"] * 3)
    assert classify.some(labels).tolist() == list(range(1000))
    monkeypatch.setattr(classify, "MOST", 100)
    rows = classify.some(labels)
    assert (np.diff(rows) > 0).all() and rows.tolist() == classify.some(labels).tolist()
    assert len(rows) == 100
    counts = {name: int((labels[rows] == name).sum()) for name in "abc"}
    assert counts["a"] == pytest.approx(90, abs=1) and counts["b"] == pytest.approx(10, abs=1) and counts["c"] == 1
    assert 300 < rows[labels[rows] == "a"].mean() < 600  # from all over the class
    assert set(classify.CLASSIFIERS["SVM"](0).fit(np.c_[np.arange(1000.0)], labels).classes_) == set("abc")
