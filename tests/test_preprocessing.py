import hashlib

import numpy as np
import pandas as pd
import pytest
from conftest import save, write_tiles

from nanofoam_lib import micrographs, preprocessing
from nanofoam_lib.errors import DataError, RunWarning


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


def test_process_does_not_depend_on_the_number_of_threads(tiles, tmp_path):
    for n_jobs in (1, 2):
        preprocessing.process(tiles, tmp_path / f"{n_jobs}.npy", n_jobs=n_jobs)
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "2.npy").read_bytes()


def test_lengths_survive_the_squeeze(tmp_path):
    """A 1600×1200 micrograph squeezes x more than y; a length in µm must come out the same along both."""
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(2):
            picture = np.full((1200, 1600), 200, np.uint8)
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
        {"path": f"{name}/{name}_{i}.png", "label": name, "group": f"s{i % 2}", "pixel_size_um": 2.0, "current_mA": i}
        for name in ("brick", "grass", "gravel")
        for i in range(6)
    ]
    pd.DataFrame(rows[:-1]).to_csv(tiles / "metadata.csv", index=False)
    with pytest.warns(RunWarning, match=r"metadata\.csv has no row for gravel/gravel_5\.png: each"):
        index, _ = preprocessing.process(tiles, tmp_path / "images.npy", pixel_size_um=2.0)
    assert index.loc[index["path"] == "brick/brick_3.png", "group"].item() == "s1"
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
    problems = preprocessing.check(spoilt).set_index("path")["problem"]
    assert set(problems.index) == SPOILT
    assert "duplicate of brick/brick_1.png" in problems["gravel/copy.png"]
    assert "1 usable" in problems["lonely"]


def test_check_of_a_good_folder_is_empty(tiles):
    assert len(preprocessing.check(tiles)) == 0


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
    (tiles / "metadata.csv").write_text("path,pixel_size_um\nbrick/other.png,3\n")
    with pytest.warns(RunWarning) as caught:
        preprocessing.process(tiles, tmp_path / "images.npy", pixel_size_um=1.0)
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
