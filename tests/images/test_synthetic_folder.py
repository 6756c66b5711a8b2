import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nanofoam_lib.images import synthetic, synthetic_folder

TINY = {"size": (75, 100), "pixel_size_um": 1.08}


def test_folder(tmp_path):
    calls = []

    def progress(iterable, total, description):
        calls.append((total, description))
        return iterable

    table = synthetic_folder.write_folder(
        tmp_path, n_per_class=3, specimens=2, seed=4, progress=progress, n_jobs=1, **TINY
    )
    assert calls == [(9, "foam micrographs")]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "metadata.csv"), table)
    written = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*"))
    assert written == sorted([*table["path"], "metadata.csv"])
    assert table["path"].is_unique and table["seed"].is_unique
    assert list(table.columns[:4]) == ["path", "label", "group", "pixel_size_um"]
    assert table["group"].tolist()[:4] == ["CuNi1-s0", "CuNi1-s1", "CuNi1-s0", "CuNi2-s0"]
    assert len(table[["group", "specimen"]].drop_duplicates()) == table["specimen"].nunique() == 6
    row = table.iloc[4]
    image, truth = synthetic.foam_micrograph(row["label"], row["seed"], specimen=row["specimen"], **TINY)
    with Image.open(tmp_path / row["path"]) as stored:
        assert stored.format == "JPEG" and stored.size == (100, 75)
        assert abs(np.asarray(stored).astype(float) - image).mean() < 8
    assert row["porosity"] == truth["porosity"] and row["density_per_mm2"] == truth["density_per_mm2"]
    assert row["n_pores"] == len(truth["diameters_um"])
    assert row["median_diameter_um"] == np.median(truth["diameters_um"])


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_folder_does_not_depend_on_the_number_of_workers(tmp_path):
    synthetic_folder.write_folder(tmp_path / "one", n_per_class=1, n_jobs=1, **TINY)
    synthetic_folder.write_folder(tmp_path / "two", n_per_class=1, n_jobs=2, **TINY)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_smaller_call_keeps_the_first_images_and_removes_the_rest(tmp_path):
    synthetic_folder.write_folder(tmp_path, n_per_class=3, specimens=2, n_jobs=1, **TINY)
    before = contents(tmp_path)
    (tmp_path / "CuNi1" / "mine.jpg").write_text("stays")
    (tmp_path / "CuNi1" / "CuNi1_notes.jpg").write_text("stays")
    table = synthetic_folder.write_folder(tmp_path, n_per_class=2, specimens=2, n_jobs=1, **TINY)
    after = contents(tmp_path)
    kept = set(table["path"])
    assert set(after) == kept | {"metadata.csv", "CuNi1/mine.jpg", "CuNi1/CuNi1_notes.jpg"}
    assert all(after[path] == before[path] for path in kept)


def test_specimens_are_at_most_the_images(tmp_path):
    table = synthetic_folder.write_folder(tmp_path, n_per_class=2, specimens=8, n_jobs=1, **TINY)
    assert table["group"].nunique() == 6


@pytest.mark.parametrize("change", [{"n_per_class": 0}, {"specimens": 0}, {"seed": -1}, {"size": (0, 1)}])
def test_bad_folder_arguments_touch_nothing(tmp_path, change):
    (tmp_path / "metadata.csv").write_text("path\n")
    with pytest.raises(ValueError, match=next(iter(change))):
        synthetic_folder.write_folder(tmp_path, **change)
    assert contents(tmp_path) == {"metadata.csv": b"path\n"}
