import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import separation
from nanofoam_lib.report import figure_data


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 5))
    vectors[:, 4] = -3 * vectors[:, 1] + 0.1 * vectors[:, 4]
    vectors[:, 2] = 1e-6 * vectors[:, 1]  # perfectly correlated, but collapsed
    return vectors


def test_the_pair_varies_together_and_is_not_collapsed(vectors):
    assert figure_data.correlated_pair(vectors) == [1, 4]


def test_pca_example_keeps_lengths_and_tells_the_variance(vectors):
    table = figure_data.pca_example(vectors, ["a"] * 200, (1, 4))
    images, axes = (table[table["kind"] == kind] for kind in ("image", "axis"))
    np.testing.assert_array_equal(images[["x", "y"]], vectors[:, [1, 4]])
    centred = images[["x", "y"]] - images[["x", "y"]].mean()
    np.testing.assert_allclose(np.hypot(*centred.T.to_numpy()), np.hypot(images["pc1"], images["pc2"]))
    assert axes["share"].sum() == pytest.approx(1)
    covariance = np.cov(vectors[:, [1, 4]], rowvar=False, bias=True)
    np.testing.assert_allclose(np.hypot(axes["dx"], axes["dy"]) / 2, np.sqrt(np.linalg.eigvalsh(covariance)[::-1]))
    first, second = axes[["dx", "dy"]].to_numpy()
    assert first @ second == pytest.approx(0, abs=1e-12)


def test_reparametrisation_is_mu_plus_sigma_times_noise(vectors):
    sigma = np.abs(vectors) + 0.1
    table = figure_data.reparametrisation(vectors, sigma, 7, (0, 3), seed=1, n=500)
    draws = table[table["kind"] == "draw"]
    for axis, dimension in (("x", 0), ("y", 3)):
        expected = vectors[7, dimension] + sigma[7, dimension] * draws[f"e_{axis}"]
        np.testing.assert_allclose(draws[axis], expected)
        assert draws[f"e_{axis}"].std() == pytest.approx(1, abs=0.1)
    others = table.loc[table["kind"] == "other", ["x", "y"]].to_numpy()
    np.testing.assert_array_equal(others, np.delete(vectors, 7, axis=0)[:, [0, 3]])


def test_distances_have_the_means_that_the_separation_of_these_points_has():
    rng = np.random.default_rng(0)
    points = pd.DataFrame({"label": list("abc") * 10, "x": rng.normal(size=30), "y": rng.normal(size=30)})
    table = figure_data.wss_bss(points.assign(x_title="LD1", y_title="LD2"), ("a", "c"), n=6)
    assert len(table) == 15 + 15 + 36
    np.testing.assert_allclose(table["distance"], np.hypot(table["x"] - table["to_x"], table["y"] - table["to_y"]))
    a, c = (points.loc[points["label"] == label, ["x", "y"]].to_numpy()[:6] for label in "ac")
    expected = separation.wss_bss(a, c)
    means = table.groupby(["class_a", "class_b"])["distance"].mean()
    assert means.loc[[("a", "a"), ("c", "c"), ("a", "c")]].tolist() == pytest.approx(
        [expected.wss_a, expected.wss_b, expected.bss]
    )


def test_grad_cam_is_the_rectified_weighted_sum_of_its_channels():
    features = np.stack([np.full((2, 3), 1.0), np.arange(6.0).reshape(2, 3), np.zeros((2, 3))], axis=-1)
    table = figure_data.gradcam(features, np.array([-2.0, 1.0, 100.0]), n=2)
    values = {name: own["value"].tolist() for name, own in table.groupby("picture", sort=False)}
    assert list(values) == ["A2", "A1", "sum", "map"]  # the third channel is empty, however large its weight
    assert values["sum"] == [-2, -1, 0, 1, 2, 3]
    assert values["map"] == [0, 0, 0, 1, 2, 3]
    assert table.groupby("picture")["weight"].first()["A1"] == -2
    assert table[["row", "column"]].head(4).to_numpy().tolist() == [[0, 0], [0, 1], [0, 2], [1, 0]]


def test_the_workflow_counts_what_the_run_has():
    index = pd.DataFrame({"label": list("aabbb"), "group": list("xyzzz"), "split": ["train"] * 2 + ["test"] * 3})
    scores = pd.DataFrame(
        [("vae", 2, "sigma", "random forest", "by-group", 0.75), ("vae", 2, "mu", "random forest", "by-group", 0.5)],
        columns=["kind", "latent_dim", "descriptor", "classifier", "protocol", "accuracy"],
    )
    identity = pd.DataFrame({"kind": ["vae", "vae", "ae"], "latent_dim": 2, "active": [True, False, True]})
    found = figure_data.workflow(index, scores, identity, 2)
    assert found == {
        "images": 5, "classes": 2, "groups": 3, "train": 2, "test": 3, "latent_dim": 2, "active": 1,
        "accuracy": 0.75, "chance": 1.0,
    }  # fmt: skip
