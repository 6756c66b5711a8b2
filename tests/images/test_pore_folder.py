"""A folder of micrographs: tables, label images with their scale, resuming, masks, choices and what cannot be read."""

import math

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import discs
from PIL import Image

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import pore_choices, pore_folder, pore_study, pore_tables, preprocessing

pytestmark = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")

REQUEST = pore_study.Request(crop=0.0)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    for name, radius in (("a/0.png", 10), ("a/1.png", 11), ("b/0.png", 14)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(discs(radius)).save(place / name)
    rows = [("a/0.png", "s1", 2.0), ("a/1.png", "s2", 2.0), ("b/0.png", "s3", "")]
    pd.DataFrame(rows, columns=["path", "group", "pixel_size_um"]).to_csv(place / "metadata.csv", index=False)
    return place


def test_tables_labels_and_overlays(folder, tmp_path):
    out = tmp_path / "out"
    with pytest.warns(RunWarning, match=r"b/0\.png: the pixel size is unknown, and every length of the pores stays"):
        pictures = pore_folder.measure(folder, out, REQUEST, n_jobs=1)
    written = pd.read_csv(out / "pictures.csv")
    assert written["path"].tolist() == ["a/0.png", "a/1.png", "b/0.png"]
    assert written["verdict"].tolist() == pictures["verdict"].tolist() == ["ok"] * 3
    assert written["n_pores"].tolist() == [20] * 3
    np.testing.assert_allclose(written["median_diameter_um"], [40, 44, math.nan], rtol=0.02)
    every = pd.read_csv(out / "pores.csv")
    assert every.groupby("path").size().to_dict() == {"a/0.png": 20, "a/1.png": 20, "b/0.png": 20}
    assert set(every["class"]) == {"a", "b"} and every["feret_max_um"][0] == pytest.approx(40, rel=0.04)
    with tifffile.TiffFile(out / "labels/a/0.png.tif") as image:
        assert image.is_imagej and image.imagej_metadata["unit"] == "um"
        labels, resolution = image.asarray(), image.pages[0].tags["XResolution"].value
    assert labels.dtype == np.uint16 and labels.max() == 20
    assert resolution[1] / resolution[0] * labels.shape[1] == pytest.approx(400, rel=1e-3)
    with Image.open(out / "overlays/b/0.png.jpg") as overlay:
        assert overlay.size == (200, 160)


def test_what_is_done_is_not_done_again(folder, tmp_path, monkeypatch):
    out, studied = tmp_path / "out", []
    study = pore_study.of_file
    monkeypatch.setattr(
        pore_study, "of_file", lambda *given, **more: studied.append(given[1].path.name) or study(*given, **more)
    )
    first = pore_folder.measure(folder, out, REQUEST, n_jobs=1)
    kept = (out / "pictures.csv").read_bytes(), (out / "pores.csv").read_bytes()
    studied.clear()
    pd.testing.assert_frame_equal(pore_folder.measure(folder, out, REQUEST, n_jobs=1), first)
    assert studied == [] and kept == ((out / "pictures.csv").read_bytes(), (out / "pores.csv").read_bytes())
    (out / "labels/a/1.png.tif").unlink()
    Image.fromarray(discs(9)).save(folder / "b/0.png")
    pore_folder.measure(folder, out, REQUEST, n_jobs=1)
    assert studied == ["1.png", "0.png"]
    studied.clear()
    pore_folder.measure(folder, out, pore_study.Request("dark", crop=0.0), n_jobs=1)
    assert len(studied) == 3


def test_one_class_is_enough_and_a_bad_file_does_not_stop_the_others(folder, tmp_path):
    for file in (folder / "b").iterdir():
        file.unlink()
    (folder / "a/2.png").write_bytes(b"no image")
    found = pore_folder.measure(folder, tmp_path / "out", REQUEST, n_jobs=1)
    assert found["verdict"].notna().tolist() == [True, True, False]
    assert "a/2.png" in found["problem"][2] and found["problem"][:2].isna().all()


def test_masks_and_choices_go_first(folder, tmp_path):
    mask = np.zeros((160, 200), np.uint8)
    mask[20:60, 20:80] = 255
    (folder / "masks/a").mkdir(parents=True)
    Image.fromarray(mask).save(folder / "masks/a/0.png")
    pore_choices.write(folder, "pictures", "a/0.png", {"method": "masks"})
    pore_choices.write(folder, "classes", "b", {"level": 0.4, "smallest_um": 5.0})
    found = pore_folder.measure(folder, tmp_path / "out", REQUEST, n_jobs=1)
    assert found["method"].tolist() == ["masks", "dark", "dark"]
    assert found["n_pores"].tolist() == [1, 20, 20]
    assert found["porosity"][0] == pytest.approx(40 * 60 / (160 * 200), rel=0.02)


def test_choices_of_a_picture_a_class_and_all(folder):
    base = pore_study.Request()
    assert pore_choices.request_for(pore_choices.read(folder), "a/0.png", base) == base
    pore_choices.write(folder, "pictures", "a/0.png", {"level": 0.3})
    pore_choices.write(folder, "classes", "b", {"method": "bright"})
    pore_choices.write(folder, "pictures", "a/1.png", {"method": "cells"})
    choices = pore_choices.read(folder)
    assert pore_choices.request_for(choices, "a/0.png", base).level == 0.3
    assert pore_choices.request_for(choices, "b/0.png", base).method == "bright"
    pore_choices.write(folder, "classes", "a", {"method": "dark"})  # replaces those of its pictures
    assert pore_choices.request_for(pore_choices.read(folder), "a/1.png", base).method == "dark"
    pore_choices.write(folder, "all", "", {"smallest_um": 2})
    assert pore_choices.read(folder) == {"all": {"smallest_um": 2}, "classes": {}, "pictures": {}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("all: {method: magic}", "all: method must be one of auto, dark, bright, cells, masks, not 'magic'"),
        ("all: {level: 2}", "all: level must be a number from 0.05 to 0.95, not 2"),
        ("classes: {a: {colour: red}}", "a: expected some of method, level, smallest_um"),
        ("other: {}", "expected all, classes and pictures"),
        ("all: [", "cannot be read"),
    ],
)
def test_wrong_choices_say_what_is_wrong(folder, text, problem):
    (folder / pore_choices.NAME).write_text(text)
    with pytest.raises(DataError, match=rf"pores\.yaml: {problem}"):
        pore_choices.read(folder)


def test_a_class_with_many_doubtful_pictures_says_nothing(folder, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(2):
        Image.fromarray(rng.integers(0, 256, (160, 200), dtype=np.uint8)).save(folder / f"b/noise{i}.png")
    index, _ = preprocessing.process(folder, tmp_path / "images.npy", crop=0.0, um_per_pixel=None)
    assert index["path"].tolist() == ["a/0.png", "a/1.png", "b/0.png", "b/noise0.png", "b/noise1.png"]
    found = pore_tables.measure(folder, index, crop=0.0, n_jobs=1)
    assert found.pictures["verdict"].tolist() == ["ok", "ok", "ok", "doubtful", "doubtful"]
    assert found.measures["porosity"].notna().tolist() == [True, True, False, False, False]
    assert set(found.sizes["class"]) == {"a"}
    assert found.overlays["b"]["pictures"].shape == (3, 160, 200, 3)
    assert found.overlays["b"]["verdict"].tolist() == ["ok", "doubtful", "doubtful"]
    assert found.spheres.empty
    nothing = pore_tables.measure(folder, index, "none")
    assert nothing.measures.isna().all().all() and nothing.pictures.empty
