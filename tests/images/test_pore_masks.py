"""Masks of the user's: found by name, of the right size, each pore a label."""

import numpy as np
import pytest
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import collection, pore_masks


def save(path, levels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(levels)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    for name in ("a/one.png", "a/two.png", "b/one.png", "b/two_mask.png"):
        save(tmp_path / name, np.zeros((20, 30), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    "place",
    ["a/one_mask.tif", "a/one-mask.png", "a/one_cp_masks.png", "a/one_Simple Segmentation.tiff", "masks/a/one.png",
     "masks/one.bmp", "masks/a/one_labels.tif", "a/masks/one.png", "masks/a/One_MASK.PNG"],
)  # fmt: skip
def test_masks_are_found_by_name_and_are_no_micrographs(folder, place):
    assert pore_masks.find(folder, "a/one.png") is None
    before = collection.list_folder(folder)["path"].tolist()
    mask = save(folder / place, np.zeros((20, 30), np.uint8))
    assert pore_masks.find(folder, "a/one.png") == mask
    assert collection.list_folder(folder)["path"].tolist() == before
    assert pore_masks.find(folder, "a/two.png") is None


def test_a_name_that_only_looks_like_a_mask_is_a_micrograph(folder):
    assert "b/two_mask.png" in set(collection.list_folder(folder)["path"])


def test_two_masks_are_one_too_many(folder):
    for name in ("a/one_mask.png", "a/one_labels.png"):
        save(folder / name, np.zeros((20, 30), np.uint8))
    with pytest.raises(DataError, match=r"a/one\.png: has two masks, one_labels\.png and one_mask\.png"):
        pore_masks.find(folder, "a/one.png")


def two_pores():
    levels = np.zeros((20, 30), int)
    levels[2:8, 3:9] = 1
    levels[2:8, 9:15] = 2  # touch
    levels[12:18, 20:26] = 3
    return levels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_stay_apart_though_they_touch(tmp_path, dtype):
    path = save(tmp_path / "m.tif", (two_pores() * 40).astype(dtype))
    np.testing.assert_array_equal(pore_masks.read(path, (20, 30)), two_pores())


@pytest.mark.parametrize("high", [1, 255])
def test_connected_parts_of_two_levels_are_pores(tmp_path, high):
    path = save(tmp_path / "m.png", np.uint8(high) * (two_pores() > 0).astype(np.uint8))
    found = pore_masks.read(path, (20, 30))
    assert found.max() == 2
    np.testing.assert_array_equal(found > 0, two_pores() > 0)


def test_soft_edges_and_compression_make_no_labels(tmp_path):
    levels = 255 * (np.kron(two_pores(), np.ones((8, 8), int)) > 0)
    path = save(tmp_path / "m.jpg", levels.astype(np.uint8))
    assert pore_masks.read(path, levels.shape).max() == 2
    levels[2 * 8, 30:60] = 100
    assert pore_masks.read(save(tmp_path / "m.png", levels.astype(np.uint8)), levels.shape).max() == 2


def test_wrong_masks_say_what_is_wrong(folder):
    mask = save(folder / "masks/a/one.png", np.zeros((10, 30), np.uint8))
    with pytest.raises(DataError, match=r"masks/a/one\.png: has 30×10 pixels, its micrograph 30×20"):
        pore_masks.of_micrograph(folder, "a/one.png", (20, 30))
    save(mask, np.full((20, 30), 2, np.uint8))
    with pytest.raises(DataError, match=r"no pixel is 0"):
        pore_masks.of_micrograph(folder, "a/one.png", (20, 30))
    mask.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"one\.png: cannot be read as a mask"):
        pore_masks.of_micrograph(folder, "a/one.png", (20, 30))
    with pytest.raises(DataError, match=r"a/two\.png: has no mask; put two_mask\.tif beside it or into masks/"):
        pore_masks.of_micrograph(folder, "a/two.png", (20, 30))


def test_the_grid_keeps_every_label_and_its_share():
    labels = np.kron(two_pores(), np.ones((10, 10), int)).astype(np.int32)
    found = pore_masks.on_grid(labels, 0.0, (120, 180))
    assert set(np.unique(found)) == {0, 1, 2, 3}
    for label in (1, 2, 3):
        assert (found == label).mean() == pytest.approx((labels == label).mean(), rel=0.05)
    assert pore_masks.on_grid(labels, 0.25, (100, 150)).shape == (100, 150)
