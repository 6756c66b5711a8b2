import hashlib
import os
import pathlib

import numpy as np
import pandas as pd
import pytest
from conftest import save, write_tiles
from PIL import Image

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import checking, collection, formats, micrographs, pores, preprocessing, sources


def test_process_is_read_and_preprocess_row_by_row(tiles, tmp_path):
    index, bad = preprocessing.process(tiles, tmp_path / "images.npy", pixel_size_um=0.5)
    images = np.load(tmp_path / "images.npy", allow_pickle=False)
    assert images.shape == (18, 128, 128)
    assert images.dtype == np.uint8
    assert len(bad) == 0
    assert list(index["id"]) == list(range(18))
    assert list(index.columns[:4]) == ["id", "path", "label", "group"]
    for row in index.itertuples():
        np.testing.assert_array_equal(images[row.id], micrographs.preprocess(micrographs.read(tiles / row.path)))
        assert row.sha256 == hashlib.sha256((tiles / row.path).read_bytes()).hexdigest()
        assert (row.width, row.height, row.group) == (160, 160, row.path)
        assert row.um_x == row.um_y == pytest.approx(0.5 * 112 / 128)


def run_once(folder, target, n_jobs):
    """Give the bytes of what `process` makes; the pores are compared in test_pores."""
    index, bad = preprocessing.process(folder, target, skip_bad=True, pixel_size_um=1.0, n_jobs=n_jobs)
    return target.read_bytes(), index.to_csv(), bad.to_csv()


def test_the_wide_array_holds_the_same_pictures_with_their_surroundings(tiles, tmp_path):
    index, _ = preprocessing.process(tiles, tmp_path / "images.npy", wide=tmp_path / "wide.npy", n_jobs=1)
    images, wide = np.load(tmp_path / "images.npy"), np.load(tmp_path / "wide.npy")
    assert wide.shape == (len(index), 152, 152) and wide.dtype == np.uint8
    for image, own, path in zip(images, wide, index["path"], strict=True):
        grey = micrographs.read(tiles / path)
        np.testing.assert_array_equal(image, micrographs.preprocess(grey))
        np.testing.assert_array_equal(own, micrographs.preprocess(grey, margin=12))
        centre = own[12:-12, 12:-12].astype(float)
        assert np.corrcoef(centre.ravel(), image.ravel())[0, 1] > 0.9


def test_nothing_depends_on_the_number_of_workers_the_order_of_the_disk_or_the_time(spoilt, tmp_path, monkeypatch):
    first = run_once(spoilt, tmp_path / "1.npy", n_jobs=1)
    iterdir = pathlib.Path.iterdir
    monkeypatch.setattr(pathlib.Path, "iterdir", lambda self: sorted(iterdir(self), reverse=True))
    for path in spoilt.rglob("*.png"):
        os.utime(path, (1e9, 1e9))
    assert run_once(spoilt, tmp_path / "2.npy", n_jobs=2) == first


def test_lengths_survive_the_squeeze(tmp_path):
    """A 1600×1200 micrograph squeezes x more than y; a length in µm must come out the same along both."""
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(2):
            picture = np.tile(np.linspace(180, 220, 1600).astype(np.uint8), (1200, 1))
            picture[500:700, 700:900] = i  # a hole of 200 × 200 raw pixels = 54 × 54 µm
            picture[0, 0] = ord(label)
            save(picture, tmp_path / "d" / label / f"{i}.png")
    index, _ = preprocessing.process(tmp_path / "d", tmp_path / "images.npy", pixel_size_um=0.27)
    dark = np.load(tmp_path / "images.npy")[0] < 100
    assert index.um_x[0] == pytest.approx(0.27 * 1120 / 128)
    assert index.um_y[0] == pytest.approx(0.27 * 840 / 128)
    assert dark.any(axis=0).sum() * index.um_x[0] == pytest.approx(54, abs=index.um_x[0])
    assert dark.any(axis=1).sum() * index.um_y[0] == pytest.approx(54, abs=index.um_y[0])


def test_metadata_gives_groups_pixel_sizes_and_further_columns(tiles, tmp_path):
    rows = [
        {
            "path": f"{name}/{name}_{i}.png",
            "label": name,
            "group": f"{name}-s{i % 2}",
            "pixel_size_um": 2.0,
            "current_mA": i,
        }
        for name in ("brick", "grass", "gravel")
        for i in range(6)
    ]
    pd.DataFrame(rows[:-1]).to_csv(tiles / "metadata.csv", index=False)
    with pytest.warns(RunWarning, match=r"metadata\.csv has no row for gravel/gravel_5\.png: each"):
        index, _ = preprocessing.process(tiles, tmp_path / "images.npy", pixel_size_um=2.0)
    assert index.loc[index["path"] == "brick/brick_3.png", "group"].item() == "brick-s1"
    assert index.loc[index["path"] == rows[-1]["path"], "group"].item() == rows[-1]["path"]
    assert index["current_mA"].dropna().tolist() == [row["current_mA"] for row in rows[:-1]]
    assert index["um_x"].notna().all()


@pytest.fixture
def spoilt(tiles):
    """A folder with one bad file of every kind: truncated, text, one pixel, duplicate; and a class of one."""
    cut = tiles / "grass" / "grass_0.png"
    cut.write_bytes(cut.read_bytes()[:2000])
    (tiles / "brick" / "text.png").write_text("hello")
    save(np.zeros((1, 1), np.uint8), tiles / "brick" / "tiny.png")
    (tiles / "gravel" / "copy.png").write_bytes((tiles / "brick" / "brick_1.png").read_bytes())
    (tiles / "lonely").mkdir()
    save(np.arange(64 * 64).reshape(64, 64).astype(np.uint8), tiles / "lonely" / "one.png")
    return tiles


SPOILT = {"grass/grass_0.png", "brick/text.png", "brick/tiny.png", "gravel/copy.png", "lonely"}


def test_check_lists_every_problem(spoilt):
    problems = checking.check(spoilt).problems.set_index("path")["problem"]
    assert set(problems.index) == SPOILT
    assert "duplicate of brick/brick_1.png" in problems["gravel/copy.png"]
    assert "1 usable" in problems["lonely"]


def test_check_of_a_good_folder_is_empty(tiles):
    found = checking.check(tiles)
    assert len(found.problems) == 0
    assert found.said == []


def test_process_stops_at_bad_images_and_leaves_the_earlier_array(spoilt, tmp_path):
    (tmp_path / "images.npy").write_bytes(b"earlier")
    with pytest.raises(DataError, match=r"brick/text\.png.*5 bad in all.*skip_bad"):
        preprocessing.process(spoilt, tmp_path / "images.npy")
    assert (tmp_path / "images.npy").read_bytes() == b"earlier"


def test_process_can_leave_bad_images_out(spoilt, tmp_path):
    with pytest.warns(RunWarning, match="mixed"):  # the lonely class's size stands in the list until it is left out
        save(np.random.default_rng(0).integers(0, 255, (200, 200), dtype=np.uint8), spoilt / "brick" / "larger.png")
        index, bad = preprocessing.process(spoilt, tmp_path / "images.npy", skip_bad=True)
    assert set(bad["path"]) == SPOILT
    assert set(index["label"]) == {"brick", "grass", "gravel"}
    images = np.load(tmp_path / "images.npy")
    assert len(images) == len(index) == 18
    for row in index.itertuples():
        np.testing.assert_array_equal(images[row.id], micrographs.preprocess(micrographs.read(spoilt / row.path)))


def test_mixed_sizes_and_pixel_sizes_are_warned_of(tiles, tmp_path):
    save(np.random.default_rng(0).integers(0, 255, (300, 200), dtype=np.uint8), tiles / "brick" / "other.png")
    (tiles / "metadata.csv").write_text("path,group,pixel_size_um\nbrick/other.png,a,3\n")
    with pytest.warns(RunWarning) as caught:
        preprocessing.process(tiles, tmp_path / "images.npy", pixel_size_um=1.0, um_per_pixel="none")
    said = [str(warning.message).split(" (")[0] for warning in caught]
    assert said[1:] == ["mixed image sizes", "mixed pixel sizes"]
    assert "no row for brick/brick_0.png and 17 more" in said[0]


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    import tracemalloc

    peaks = []
    for per_class in (4, 12):
        folder = write_tiles(tmp_path / str(per_class), per_class, side=120)
        tracemalloc.start()
        preprocessing.process(folder, tmp_path / "images.npy", n_jobs=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 24 more images of 16 KiB each would show; the table's own rows are far smaller
    assert peaks[1] - peaks[0] < 24 * 128 * 128 / 2


def problems_of(folder):
    return checking.check(folder).problems.set_index("path")["problem"].to_dict()


def test_what_is_no_image_of_the_folder_is_named_and_nothing_hangs(tiles, tmp_path):
    save(np.arange(4096, dtype=np.uint8).reshape(64, 64), tmp_path / "private.png")
    brick = tiles / "brick"
    (brick / "out.png").symlink_to(tmp_path / "private.png")
    (brick / "broken.png").symlink_to(tmp_path / "nowhere")
    (brick / "circle.png").symlink_to(brick / "circle.png")
    (brick / "dangling.png").symlink_to(brick / "gone.png")
    (brick / "again.png").symlink_to(brick / "brick_0.png")
    (brick / "folder.png").mkdir()
    (brick / "zero.png").write_bytes(b"")
    os.mkfifo(brick / "pipe.png")
    problems = problems_of(tiles)
    assert set(problems) == {
        f"brick/{name}.png" for name in ("out", "broken", "circle", "dangling", "folder", "zero", "pipe", "brick_0")
    }
    assert "leads out of the data folder" in problems["brick/out.png"]
    assert "leads out of the data folder" in problems["brick/broken.png"]
    assert "cannot be read (No such file" in problems["brick/dangling.png"]
    assert problems["brick/pipe.png"] == problems["brick/folder.png"] == "is not a file"
    assert problems["brick/brick_0.png"] == "is an exact duplicate of brick/again.png"


def test_a_class_that_is_a_link_out_of_the_folder_is_refused(tiles, tmp_path):
    (tiles / "grass").rename(tmp_path / "elsewhere")
    (tiles / "grass").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"grass/grass_0\.png: is a link that leads out of the data folder; copy"):
        preprocessing.process(tiles, tmp_path / "images.npy")


def test_images_above_the_limit_are_named(tiles, tmp_path):
    save(np.arange(90_000, dtype=np.uint8).reshape(300, 300), tiles / "brick" / "large.png")
    problems = checking.check(tiles, max_megapixels=0.05).problems
    assert problems["path"].tolist() == ["brick/large.png"]
    assert "0.09 million; max_megapixels allows 0.05" in problems["problem"][0]
    with pytest.warns(RunWarning, match="mixed"):
        index, _ = preprocessing.process(tiles, tmp_path / "images.npy", max_megapixels=0.09)
    assert len(index) == 19


def test_a_series_of_16_bits_is_scaled_as_one(tmp_path):
    """A 12-bit camera: one dark field, one bright; each level means the same in both, and white is 4095."""
    rng = np.random.default_rng(0)
    for label, top in (("dark", 900), ("bright", 4095)):
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(2):
            deep = rng.integers(0, top + 1, (64, 64), dtype=np.uint16)
            deep[32, 32] = top
            save(deep, tmp_path / "d" / label / f"{i}.tif")
    index, _ = preprocessing.process(tmp_path / "d", tmp_path / "images.npy", crop=0, size=64)
    images = np.load(tmp_path / "images.npy")
    assert (index["black"] == 0).all() and (index["white"] == 4095).all()
    assert images[(index["label"] == "bright").to_numpy()].max() == 255
    assert images[(index["label"] == "dark").to_numpy()].max() == round(900 * 255 / 4095)
    dark = sources.of_index(tmp_path / "d", index)[2]
    np.testing.assert_array_equal(images[2], micrographs.read(dark))
    assert micrographs.read(dark.path).max() == round(900 * 255 / 1023)
    assert micrographs.read_colour(dark, 64).max() == round(900 * 255 / 4095)


def test_what_is_odd_but_usable_is_said_once(tiles, tmp_path):
    pages = [Image.fromarray(np.full((160, 160), level, np.uint8)) for level in (10, 20)]
    for name in ("a", "b"):
        picture = Image.open(tiles / "brick" / f"brick_{'ab'.index(name)}.png").rotate(90)
        picture.save(tiles / "brick" / f"{name}.tif", save_all=True, append_images=pages)
    save(np.full((160, 160), 7, np.uint8), tiles / "grass" / "flat.png")
    with pytest.warns(RunWarning) as caught:
        index, bad = preprocessing.process(tiles, tmp_path / "images.npy")
    assert [str(warning.message) for warning in caught] == [
        f"brick/a.tif and 1 more: {formats.MORE_PLANES}",
        "grass/flat.png: shows one grey level only",
    ]
    assert len(bad) == 0
    assert (np.load(tmp_path / "images.npy")[index["path"] == "grass/flat.png"] == 7).all()
    with pytest.warns(RunWarning, match=r"a\.tif: holds more than one page"):
        micrographs.read(tiles / "brick" / "a.tif")
    assert len(pores.measure_all([tiles / "brick" / "a.tif"], 1.0, n_jobs=1)) == 1


def test_strange_names_come_through_the_index(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("-a b", "ñ\nμ"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for name in ("two\nlines.png", ' "quoted", .png', "--out.png"):
            save(rng.integers(0, 256, (64, 64), dtype=np.uint8), tmp_path / "d" / label / name)
    index, _ = preprocessing.process(tmp_path / "d", tmp_path / "images.npy")
    run = Run(tmp_path)
    files.write_csv(run.index, index.assign(split="train"))
    pd.testing.assert_series_equal(run.load_index()["path"], index["path"], check_dtype=False)
    pd.testing.assert_series_equal(run.load_index()["label"], index["label"], check_dtype=False)
    (tmp_path / "d" / "-a b" / "two\nlines.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"two\\nlines\.png: is not an image") as caught:
        preprocessing.process(tmp_path / "d", tmp_path / "images.npy")
    assert "\n" not in str(caught.value)


def test_pillow_s_own_warnings_stay_inside(tiles):
    """A palette with transparency as bytes makes Pillow warn, and warnings are errors in these tests."""
    palette = Image.open(tiles / "brick" / "brick_0.png").rotate(180).convert("P")
    palette.save(tiles / "brick" / "palette.png", transparency=b"\0" * 255)
    assert problems_of(tiles) == {}
    assert micrographs.read(tiles / "brick" / "palette.png").shape == (160, 160)
    assert micrographs.read_colour(tiles / "brick" / "palette.png", 80).shape == (80, 80, 3)


def test_a_bad_row_leaves_no_trace_in_metadata_columns(tiles, tmp_path):
    """Further columns may be called like anything that preprocessing keeps for itself."""
    table = collection.list_folder(tiles)[["path", "group"]].assign(problem="none", remarks="", pixels=3)
    table.to_csv(tiles / "metadata.csv", index=False)
    index, _ = preprocessing.process(tiles, tmp_path / "images.npy")
    assert (index["problem"] == "none").all()
    assert (index["pixels"] == 3).all()
