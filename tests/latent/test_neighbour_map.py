import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import neighbour_map, neighbourhood


def test_neighbours_are_kept_better_than_by_a_plane_and_the_map_is_the_same_again(rng):
    """At the corners of a cube of five dimensions, of which a plane lays eight on each other."""
    corners = np.array(np.unravel_index(np.arange(32), [2] * 5)).T
    vectors = np.repeat(10.0 * corners, 8, axis=0) + rng.normal(size=(256, 5))
    found = neighbour_map.tsne(vectors, seed=3)
    assert found.trust > 0.95 and found.trust > found.trust_of_plane + 0.05
    np.testing.assert_array_equal(found.points, neighbour_map.tsne(vectors, seed=3).points)


def test_trust_is_small_for_what_no_map_can_show(rng):
    assert neighbour_map.tsne(rng.normal(size=(100, 60))).trust < 0.9


def test_few_images_many_images_and_one_place(rng, monkeypatch):
    assert neighbour_map.tsne(rng.normal(size=(5, 3))).points.shape == (5, 2)
    assert np.isnan(neighbour_map.tsne(np.ones((6, 3))).trust)
    with pytest.raises(ValueError, match="expected four vectors or more, got 3"):
        neighbour_map.tsne(np.eye(3))
    monkeypatch.setattr(neighbour_map, "MOST", 20)
    found = neighbour_map.tsne(rng.normal(size=(50, 3)))
    assert len(found.rows) == 20 and (np.diff(found.rows) > 0).all()


def test_a_study_lays_labels_and_pores_beside_what_it_found_without_them(rng):
    kind = np.repeat([0, 1], 30)
    vectors = rng.normal(size=(60, 6)) + 15 * np.eye(2, 6)[kind]
    index = pd.DataFrame({"id": range(60), "path": [f"{i}.png" for i in range(60)], "group": np.arange(60) // 2})
    index = index.assign(label=np.array(["x", "y"])[kind], split="train")
    measures = pd.DataFrame({"porosity": kind + 0.5, "wall_um": 1.0})
    points, found = neighbourhood.study(vectors, index, measures, ["porosity", "absent"])
    assert points["cluster"].nunique() == 2 and len(points) == 60 and len(set(points["trust"])) == 1
    assert found["class_share"].tolist() == [1.0, 1.0] and set(found["class"]) == {"x", "y"}
    assert [p for p, c in zip(found["porosity"], found["class"], strict=True) if c == "x"] == [0.5]
    shuffled = index.assign(label=rng.permutation(index["label"]))
    again, _ = neighbourhood.study(vectors, shuffled, measures, ["porosity"])
    pd.testing.assert_series_equal(points["cluster"], again["cluster"])  # labels decide nothing
