"""Clusters that are there are found, as many as there are; those that are not, are not; and copies make none."""

import numpy as np
import pytest

from nanofoam_lib.latent import clusters


@pytest.fixture
def three(rng):
    """Give 180 vectors of three kinds, 60 specimens of three images each, in 20 dimensions."""
    kind = np.repeat([0, 1, 2], [90, 60, 30])
    groups = np.arange(180) // 3
    return rng.normal(size=(180, 20)) + 12 * np.eye(3, 20)[kind], kind, groups


def test_as_many_as_there_are_largest_first(three):
    vectors, kind, groups = three
    found = clusters.find(vectors)
    assert clusters.agreement(found, kind) > 0.98
    assert [(found == number).sum() for number in range(3)] == sorted([90, 60, 30], reverse=True)
    table = clusters.stability(vectors, found, groups, resamples=20)
    assert table["stable"].all() and (table["jaccard"] > 0.95).all()
    assert table["n_specimens"].tolist() == [30, 20, 10]


def test_one_cloud_has_none_that_is_found_again(rng):
    vectors = rng.normal(size=(200, 12))
    found = clusters.find(vectors)
    assert not clusters.stability(vectors, found, np.arange(200) // 2, resamples=20)["stable"].any()


def test_a_specimen_s_own_images_are_no_stable_cluster(rng):
    """Many images of one specimen are dense, but not found where it is not drawn."""
    vectors = np.concatenate([rng.normal(size=(100, 8)), 12 + 0.1 * rng.normal(size=(40, 8))])
    groups = np.append(np.arange(100), np.full(40, 100))
    found = clusters.find(vectors)
    assert len(set(found[100:])) == 1 and found[100] != clusters.NONE
    table = clusters.stability(vectors, found, groups, resamples=20)
    assert not table.loc[table["cluster"] == found[100], "stable"].any()


def test_many_images_are_sought_among_some_and_few_form_none(three, monkeypatch):
    vectors, kind, _ = three
    monkeypatch.setattr(clusters, "MOST", 90)
    assert clusters.agreement(clusters.find(vectors), kind) > 0.95
    assert (clusters.find(vectors[:4]) == clusters.NONE).all()
    assert clusters.stability(vectors[:4], np.full(4, -1), np.arange(4)).empty


def test_agreement_is_one_for_the_same_and_nothing_without_classes():
    assert clusters.agreement([1, 1, 0, 0], ["a", "a", "b", "b"]) == 1
    assert np.isnan(clusters.agreement([0, 0, -1, -1], ["a"] * 4))
