import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import splits


def make(n_classes=3, n_groups=8, per_group=10):
    labels = np.repeat([f"class{k}" for k in range(n_classes)], n_groups * per_group)
    groups = np.repeat([f"group{g}" for g in range(n_classes * n_groups)], per_group)
    return labels, groups


@pytest.mark.parametrize("seed", range(10))
def test_no_group_on_both_sides_and_every_class_on_each(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list("abc"), 300)
    groups = [f"{label}{rng.integers(12)}" for label in labels]
    split = splits.by_group(labels, groups, seed=seed)
    groups = np.array(groups)
    assert not set(groups[split == "train"]) & set(groups[split == "test"])
    for label in "abc":
        assert 0.15 < (split[labels == label] == "test").mean() < 0.45


def test_each_image_its_own_group_gives_the_exact_share_in_every_class():
    labels, _ = make(per_group=5)
    split = splits.by_group(labels, np.arange(len(labels)), test_fraction=0.3)
    for label in set(labels):
        assert (split[labels == label] == "test").sum() == 12


def test_whole_groups_come_as_near_to_the_share_as_they_can():
    labels, groups = make()
    split = splits.by_group(labels, groups, test_fraction=0.3)
    for label in set(labels):
        assert (split[labels == label] == "test").mean() == 0.25  # 2 of 8 groups; 3 would be 0.375


def test_same_seed_same_split_and_another_seed_another():
    labels, groups = make()
    first, again, other = (splits.by_group(labels, groups, seed=seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_the_split_depends_on_names_not_on_the_order_of_rows():
    labels, groups = make()
    order = np.random.default_rng(0).permutation(len(labels))
    np.testing.assert_array_equal(splits.by_group(labels, groups)[order], splits.by_group(labels[order], groups[order]))


def test_a_group_that_spans_classes_stays_whole():
    labels = np.array(list("ab") * 40)
    groups = np.repeat(np.arange(8), 10)  # "specimen 1" of each class, numbered anew
    split = splits.by_group(labels, groups, test_fraction=0.25)
    assert set(groups[split == "test"]).isdisjoint(groups[split == "train"])
    assert (split == "test").sum() == 20


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_two_groups_are_enough_whatever_the_share(fraction):
    split = splits.by_group(["a", "a", "b", "b"], [1, 2, 3, 4], fraction)
    assert sorted(split[:2]) == sorted(split[2:]) == ["test", "train"]


def test_a_class_of_one_group_cannot_be_split():
    with pytest.raises(DataError, match="'b' has one group"):
        splits.by_group(["a", "a", "b", "b"], [1, 2, 3, 3])
    with pytest.raises(ValueError, match="test_fraction"):
        splits.by_group(["a", "a"], [1, 2], test_fraction=1)


def test_what_is_held_out_are_whole_groups_of_the_train_side():
    labels, groups = np.repeat(["a", "b"], 40), np.repeat(np.arange(20), 4)
    index = pd.DataFrame({"label": labels, "group": groups, "split": splits.by_group(labels, groups)})
    rows, kept = splits.hold_out(index, 0.25, seed=3)
    assert set(index["split"].iloc[np.r_[rows, kept]]) == {"train"}
    assert sorted(np.r_[rows, kept]) == np.flatnonzero(index["split"] == "train").tolist()
    assert not set(groups[rows]) & set(groups[kept])
    assert set(labels[kept]) == {"a", "b"} and 0 < len(kept) < len(rows)
    everything, nothing = splits.hold_out(index, 0)
    assert len(everything) == len(rows) + len(kept) and len(nothing) == 0


def test_classes_with_few_test_groups_are_named():
    labels = np.repeat(["many", "few", "none\n"], [20, 20, 20])
    groups = np.concatenate([np.arange(20), 100 + np.arange(20) // 3, 200 + np.arange(20)])
    split = np.array(["test"] * 10 + ["train"] * 10 + ["test"] * 12 + ["train"] * 8 + ["test"] * 9 + ["train"] * 11)
    pattern = r"^fewer than 10 groups of a class are held out \(few 4, none\\n 9\)"
    with pytest.warns(RunWarning, match=pattern):
        splits.warn_of_few_groups(labels, groups, split)
    splits.warn_of_few_groups(labels, groups, split, least=4)
    splits.warn_of_few_groups(labels[:20], groups[:20], split[:20])


def test_ten_groups_that_are_all_right_still_leave_0_69():
    """The reason for ten: where the Clopper-Pearson interval of 10 of 10 begins."""
    assert binomtest(10, 10).proportion_ci().low == pytest.approx(0.69, abs=0.005)
