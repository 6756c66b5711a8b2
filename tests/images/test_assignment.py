import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import assignment, splits


@pytest.fixture
def index(textures):
    _, labels = textures
    return pd.DataFrame(
        {"path": [f"{i}.png" for i in range(24)], "label": labels, "group": [str(i) for i in range(24)]}
    )


def test_twins_are_all_pairs_of_equal_pictures_of_different_groups(textures):
    images, _ = textures
    images = images.copy()
    images[[5, 9, 20]] = images[2], images[2][::-1], images[13]
    groups = [str(i) for i in range(24)]
    found = splits.twins(images, groups)
    assert sorted(found[["first", "second"]].itertuples(index=False, name=None)) == [(2, 5), (2, 9), (5, 9), (13, 20)]
    assert found["similarity"].is_monotonic_decreasing and found["similarity"].min() > 0.9
    groups[5] = groups[2]
    assert len(splits.twins(images, groups)) == 3
    assert splits.twins(images, ["one"] * 24).empty
    assert splits.twins(images[:0], []).empty


def test_the_split_is_by_group_and_copies_across_it_are_told(textures, index):
    images, _ = textures
    split, pairs = assignment.assign(index, images, 0.25, seed=3)
    np.testing.assert_array_equal(split, splits.by_group(index["label"], index["group"], 0.25, 3))
    assert pairs.empty
    copied = images.copy()
    copied[np.flatnonzero(split == "test")[0]] = images[np.flatnonzero(split == "train")[0]]
    with pytest.warns(RunWarning, match="the split leaks: 1 pairs"):
        assert len(assignment.assign(index, copied, 0.25, seed=3)[1]) == 1
    with pytest.raises(DataError, match="the split leaks"):
        assignment.assign(index, copied, 0.25, seed=3, strict=True)


def test_more_images_than_classes_must_be_left_to_train(textures, index):
    images, _ = textures
    rows = [0, 1, 8, 9, 16, 17]
    with pytest.raises(DataError, match="only 3 images of 3 classes are left to train; at least 4 are needed"):
        assignment.assign(index.iloc[rows], images[rows])
    rows += [2]
    split, _ = assignment.assign(index.iloc[rows], images[rows])
    assert (split == "train").sum() == 4


def test_classes_with_few_groups_or_few_images_to_train_are_named(index):
    split = np.where(np.arange(24) % 2, "test", "train")
    with pytest.warns(RunWarning) as caught:
        assignment.warn_of_few(index.assign(split=split))
    assert [str(warning.message).split(":")[0] for warning in caught] == [
        "fewer than 10 groups of a class are held out (brick 4, grass 4, gravel 4)",
        "fewer than 5 images of a class are left to train (brick 4, grass 4, gravel 4)",
    ]
    many = pd.concat([index] * 6, ignore_index=True)
    many["group"] = many.index.astype(str)
    assignment.warn_of_few(many.assign(split=np.where(many.index % 2, "test", "train")))
