"""The protocol of the thesis leaks, and the leak guard notices leaks, and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import augmentation, micrographs, splits, synthetic


def foam(label, seed, specimen=None):
    image, _ = synthetic.foam_micrograph(label, seed, size=(300, 400), pixel_size_um=1.08, specimen=specimen)
    return micrographs.preprocess(np.asarray(Image.fromarray(image).convert("L")))


@pytest.fixture(scope="module")
def foams():
    """Eight distinct foams of each composition, four from each of two specimens, which share light and exposure."""
    return np.array([foam(label, i, i % 2) for label in synthetic.COMPOSITIONS for i in range(8)])


def shifted(image, y, x):
    """Move an image; what comes in at the edges is grey, as nothing is known about it."""
    padded = np.pad(image, 8, constant_values=int(image.mean()))
    return padded[8 + y : 136 + y, 8 + x : 136 + x]


def recontrasted(image, gain, level):
    return np.clip(gain * (image - image.mean()) + level, 0, 255).astype(np.uint8)


def noisy_jpeg(image, rng):
    noisy = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def guard(train, test):
    """Near-duplicates between train images and test images, with rows counted on each side."""
    pairs = splits.near_duplicates(np.concatenate([train, test]), ["train"] * len(train) + ["test"] * len(test))
    return pairs.assign(test_id=pairs["test_id"] - len(train))


def test_thesis_protocol_makes_3520_of_600_and_trains_on_2400():
    rows, elements, split = splits.thesis(600)
    assert len(rows) == len(elements) == len(split) == 3520
    assert (split == "train").sum() == 2400 and (split == "test").sum() == 1120
    assert rows[:600].tolist() == list(range(600)) and not elements[:600].any()
    assert len(set(zip(rows.tolist(), elements.tolist(), strict=True))) == 3520
    assert set(elements[600:].tolist()) == set(range(1, 8))
    assert len(set(rows[600:].tolist())) > 590


@pytest.mark.parametrize("n_images", [1, 36, 174, 240])
def test_thesis_protocol_keeps_its_proportions(n_images):
    rows, _, split = splits.thesis(n_images)
    assert len(rows) == round(n_images * 88 / 15)
    assert (split == "train").sum() == round(len(rows) * 15 / 22)


def test_thesis_protocol_follows_its_seed():
    for a, b, c in zip(splits.thesis(30, 1), splits.thesis(30, 1), splits.thesis(30, 2), strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_thesis_protocol_puts_nearly_every_image_on_both_sides_and_by_group_none():
    rows, _, split = splits.thesis(600)
    both = set(rows[split == "train"].tolist()) & set(rows[split == "test"].tolist())
    assert len(both) > 0.8 * 600
    groups = np.arange(600) // 5
    fair = splits.by_group(np.arange(600) // 200, groups)
    assert not set(groups[fair == "train"].tolist()) & set(groups[fair == "test"].tolist())


def test_guard_exposes_the_thesis_protocol(foams):
    rows, elements, split = splits.thesis(len(foams))
    pairs = splits.near_duplicates(augmentation.dihedral(foams[rows], elements), split)
    expected = {
        (i, j)
        for i in np.flatnonzero(split == "train").tolist()
        for j in np.flatnonzero(split == "test").tolist()
        if rows[i] == rows[j]
    }
    assert expected and set(zip(pairs["train_id"], pairs["test_id"], strict=True)) == expected
    assert pairs["similarity"].min() > 0.999


@pytest.mark.parametrize("element", range(8))
def test_guard_finds_turned_recontrasted_shifted_copies_and_names_the_turn(foams, element):
    rng = np.random.default_rng(element)
    copied = rng.permutation(len(foams))[:5]
    shifts = [(0, 0), (4, 4), (-4, 4), (2, -3), (-1, 0)]
    gains = [0.3, 0.6, 1, 1.3, 1.6]
    copies = [
        recontrasted(shifted(foams[row], *shift), gain, rng.uniform(80, 160))
        for row, shift, gain in zip(copied, shifts, gains, strict=True)
    ]
    pairs = guard(foams, augmentation.dihedral(np.array(copies), [element] * 5)).sort_values("test_id")
    assert pairs["train_id"].tolist() == copied.tolist()
    assert pairs["test_id"].tolist() == list(range(5))
    assert pairs["transform"].tolist() == [augmentation.TRANSFORMS[element]] * 5
    assert pairs["similarity"].between(0.8, 1.0001).all()


def test_guard_finds_noisy_recompressed_copies(foams):
    rng = np.random.default_rng(0)
    copies = [noisy_jpeg(recontrasted(shifted(image, 3, -2), 0.7, 120), rng) for image in foams]
    pairs = guard(foams, augmentation.dihedral(np.array(copies), rng.integers(8, size=len(copies))))
    assert sorted(pairs["train_id"]) == list(range(len(foams)))
    assert (pairs["train_id"] == pairs["test_id"]).all()


def test_similarity_falls_as_noise_grows(foams):
    noise = np.random.default_rng(0).normal(size=(128, 128))
    copies = [np.clip(foams[0] + sd * noise, 0, 255).astype(np.uint8) for sd in (0, 15, 30, 60)]
    similarity = guard(foams[:1], np.array(copies)).sort_values("test_id")["similarity"]
    assert len(similarity) == 4 and similarity.iloc[0] == pytest.approx(1, abs=1e-5)
    assert similarity.is_monotonic_decreasing


def test_guard_is_quiet_on_distinct_foams(foams):
    assert guard(foams[::2], foams[1::2]).empty
    pairs = splits.near_duplicates(foams, ["train", "test"] * 12, threshold=-1)
    assert pairs.empty or pairs["similarity"].max() < 0.5


def test_guard_compares_train_with_test_only(foams):
    images = np.concatenate([foams[:2], foams[:2], foams[:1]])
    assert splits.near_duplicates(images, ["train"] * 5).empty
    assert splits.near_duplicates(images, ["test"] * 5).empty
    pairs = splits.near_duplicates(images, ["train", "test", "train", "", "test"])
    assert pairs[["train_id", "test_id"]].to_numpy().tolist() == [[0, 4], [2, 4]]


def test_guard_ignores_a_negative_and_flat_images(foams):
    flat = np.full((2, 128, 128), 90, np.uint8)
    assert guard(np.concatenate([foams[:1], flat]), np.concatenate([255 - foams[:1], flat])).empty


def test_guard_reads_a_memory_mapped_array_and_more_than_one_block(foams, tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(256, size=(300, 128, 128), dtype=np.uint8)
    images = np.concatenate([foams[:1], noise, foams[:1, ::-1]])
    np.save(tmp_path / "images.npy", images)
    split = ["train"] * 150 + ["test"] * 152
    pairs = splits.near_duplicates(np.load(tmp_path / "images.npy", mmap_mode="r"), split)
    assert pairs[["train_id", "test_id"]].to_numpy().tolist() == [[0, 301]]


def test_guard_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\(2, 64, 64\)"):
        splits.near_duplicates(np.zeros((2, 64, 64), np.uint8), ["train", "test"])
    with pytest.raises(ValueError, match=r"\(3,\)"):
        splits.near_duplicates(np.zeros((2, 128, 128), np.uint8), ["train"] * 3)


def test_a_leak_warns_or_stops_and_names_count_and_first_pair(foams):
    pairs = guard(foams[:2], foams[1::-1])
    paths = ["a/1.png", "a/2.png"]
    pattern = r"2 pairs .* a/1\.png and a/2\.png .*1\.00"
    with pytest.warns(RunWarning, match=pattern):
        splits.warn_or_stop(pairs, paths)
    with pytest.raises(DataError, match=pattern) as stopped:
        splits.warn_or_stop(pairs, paths, strict=True)
    assert "\n" not in str(stopped.value)


def test_no_leak_is_no_word():
    pairs = splits.near_duplicates(np.zeros((0, 128, 128), np.uint8), [])
    assert pairs.columns.tolist() == ["train_id", "test_id", "similarity", "transform"]
    splits.warn_or_stop(pairs, [], strict=True)
