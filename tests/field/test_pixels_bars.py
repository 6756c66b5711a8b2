"""Data bars in folders: cut off before anything else is done, as asked, and said."""

import numpy as np
import pytest
from folders import foam, folder

from nanofoam_lib.images import checking, micrographs, pores, preprocessing, sources
from nanofoam_lib.runs import pipeline

odd = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")


def barred(share, top=False, black=0, white=255):
    """Give a change of pictures: a bar of a share of the height, with letters and a scale bar."""

    def change(grey, label):
        height = round(share * len(grey))
        strip = np.full((height, grey.shape[1]), black, grey.dtype)
        strip[height // 3 : 2 * height // 3, 20 : grey.shape[1] // 3 : 4] = white
        strip[height // 2 : height // 2 + 3, grey.shape[1] // 2 : -30] = white
        return np.concatenate([strip, grey] if top else [grey, strip])

    return change


@pytest.mark.parametrize(
    ("crop", "change"),
    [
        (0.15, barred(0.08)), (0, barred(0.22)), ([0.1, 0, 0.2, 0.3], barred(0.12, top=True)),
        (0.15, barred(0.1, black=255, white=0)),
    ],
)  # fmt: skip
def test_what_is_left_is_the_picture_without_its_bar(tmp_path, crop, change):
    plain, _ = preprocessing.process(folder(tmp_path / "p"), tmp_path / "p.npy", crop, n_jobs=1)
    index, _ = preprocessing.process(folder(tmp_path / "d", change=change), tmp_path / "d.npy", crop, n_jobs=1)
    np.testing.assert_array_equal(np.load(tmp_path / "d.npy"), np.load(tmp_path / "p.npy"))
    assert (index["height"] == plain["height"]).all() and (index["bar"] != "").all()
    raw = sources.of_index(tmp_path / "d", index)
    np.testing.assert_array_equal(micrographs.read(raw[0]), foam(0, radius=8))
    assert micrographs.read_colour(raw[0], 200).shape == (150, 200, 3)
    measured = pores.measure_all([raw[0]], 1.0, crop, n_jobs=1)
    assert measured.iloc[0].to_dict() == pytest.approx(pores.measure(foam(0, radius=8), 1.0, crop), nan_ok=True)


def test_check_says_how_much_of_how_many(tmp_path):
    found = checking.check(folder(tmp_path / "d", change=barred(0.08)), n_jobs=1)
    assert "data bar of 8 images cut off: 12 pixels at the bottom" in found.facts
    assert checking.classes(found)["pixels"].tolist() == ["200×150"] * 2


@pytest.mark.parametrize(("bar", "height"), [("none", 162), (12, 150), (40, 122), ("auto", 150)])
def test_the_parameter_decides(tmp_path, bar, height):
    index, _ = preprocessing.process(folder(tmp_path / "d", change=barred(0.08)), tmp_path / "d.npy", bar=bar, n_jobs=1)
    assert (index["height"] == height).all()


def test_a_bar_larger_than_the_picture_is_named(tmp_path):
    problems = checking.check(folder(tmp_path / "d"), bar=400, n_jobs=1).problems["problem"]
    assert problems[0].startswith("200×0 pixels leave")


@odd
def test_only_pictures_with_a_bar_lose_one(tmp_path):
    root = folder(tmp_path / "d", change=lambda grey, label: barred(0.1)(grey, label) if label == "CuNi1" else grey)
    index, _ = preprocessing.process(root, tmp_path / "d.npy", n_jobs=1)
    assert index["bar"].tolist() == ["0 0 15 0"] * 4 + [""] * 4
    assert (index["height"] == 150).all()


def test_a_text_beside_an_image_is_part_of_the_data(tmp_path):
    """The run must notice when it changes: the size of a pixel stands in it."""
    root = folder(tmp_path / "d")
    before = pipeline._describe_data(root, "foam", "auto")["hash"]
    (root / "CuNi1" / "CuNi1_0.txt").write_text("[SemImageFile]\nPixelSize=270\nDataSize=200x150\n")
    after = pipeline._describe_data(root, "foam", "auto")["hash"]
    (root / "CuNi1" / "notes.txt").write_text("Monday")
    assert before != after == pipeline._describe_data(root, "foam", "auto")["hash"]
