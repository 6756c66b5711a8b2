import hashlib

import numpy as np
import pandas as pd
import pytest
from conftest import write_tiles
from PIL import Image

from nanofoam_lib import collection, micrographs, preprocessing
from nanofoam_lib.errors import DataError, RunWarning


@pytest.fixture
def ramp():
    """Grey levels 0…255 in 256 columns: every value is known."""
    return np.tile(np.arange(256, dtype=np.uint8), (192, 1))


def save(array, path, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("grey.png", None, {}),
        ("rgb.png", "RGB", {}),
        ("rgba.png", "RGBA", {}),
        ("palette.png", "P", {}),
        ("lzw.tif", None, {"compression": "tiff_lzw"}),
        ("rgb_lzw.tiff", "RGB", {"compression": "tiff_lzw"}),
        ("grey.bmp", None, {}),
        ("rgb.bmp", "RGB", {}),
    ],
)
def test_every_lossless_format_reads_the_same(tmp_path, ramp, name, mode, options):
    read = micrographs.read(save(ramp, tmp_path / name, mode, **options))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, ramp)


def test_jpeg_reads_within_its_own_loss(tmp_path, ramp):
    for mode in ("L", "RGB", "CMYK"):
        read = micrographs.read(save(ramp, tmp_path / f"{mode}.jpg", mode, quality=95))
        assert abs(read.astype(int) - ramp).max() <= 4


def test_colour_becomes_luma(tmp_path):
    colour = np.zeros((32, 32, 3), np.uint8)
    colour[:] = (200, 100, 50)
    read = micrographs.read(save(colour, tmp_path / "c.png"))
    assert abs(read[0, 0] - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)) <= 1


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_16_bits_scale_by_the_full_range(tmp_path, name):
    deep = np.array([[0, 128, 129, 257, 65535, 32768]], np.uint16).repeat(20, axis=0)
    read = micrographs.read(save(deep, tmp_path / name))
    np.testing.assert_array_equal(read[0], [0, 0, 1, 1, 255, 128])


def test_exif_orientation_is_applied(tmp_path, ramp):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90° clockwise to see it upright
    save(ramp, tmp_path / "turned.jpg", quality=95, exif=exif)
    read = micrographs.read(tmp_path / "turned.jpg")
    assert read.shape == (256, 192)
    assert abs(read.astype(int) - np.rot90(ramp, -1)).max() <= 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.png", b"not an image", "not an image"),
        ("empty.jpg", b"", "not an image"),
        ("missing.png", None, "cannot be read"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        micrographs.read(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
def test_truncated_files_are_refused(tmp_path, ramp, suffix):
    path = save(ramp, tmp_path / f"cut.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut\."):
        micrographs.read(path)


def test_32_bit_images_are_refused(tmp_path):
    with pytest.raises(DataError, match="32 bits"):
        micrographs.read(save(np.zeros((20, 20), np.float32), tmp_path / "float.tif"))


def test_preprocess_crops_15_percent_of_each_side():
    """A frame that fills exactly the cropped border must leave no trace."""
    grey = np.full((1200, 1600), 255, np.uint8)
    grey[180:1020, 240:1360] = 60
    assert (micrographs.preprocess(grey) == 60).all()
    grey[180:188, 240:248] = 255
    assert (micrographs.preprocess(grey) != 60).any()


def test_preprocess_averages_instead_of_sampling():
    """Stripes finer than the target pixels become their mean; sampling every n-th pixel would give 0 or 255."""
    stripes = np.zeros((1120, 1120), np.uint8)
    stripes[:, ::2] = 255
    assert abs(micrographs.preprocess(stripes, crop=0).astype(int) - 127).max() <= 8


def test_preprocess_commutes_with_flips():
    grey = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
    flipped = micrographs.preprocess(np.ascontiguousarray(grey[::-1, ::-1]))[::-1, ::-1]
    assert abs(flipped.astype(int) - micrographs.preprocess(grey)).max() <= 1


def test_preprocess_keeps_a_square_picture_of_the_right_size():
    tile = np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)
    np.testing.assert_array_equal(micrographs.preprocess(tile, crop=0), tile)
    assert micrographs.preprocess(tile, size=32).shape == (32, 32)


def test_preprocess_refuses_what_makes_no_picture():
    with pytest.raises(DataError, match="1×1"):
        micrographs.preprocess(np.zeros((1, 1), np.uint8))
    with pytest.raises(ValueError, match="crop"):
        micrographs.preprocess(np.zeros((99, 99), np.uint8), crop=0.5)
    with pytest.raises(ValueError, match="uint8"):
        micrographs.preprocess(np.zeros((99, 99)))


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,group\na,b\n", "no column 'path'"),
        ("path,label\nbrick/brick_0.png,grass\n", "label 'grass'"),
        ("path,pixel_size_um\nbrick/brick_0.png,large\n", "'large'"),
        ("path,pixel_size_um\nbrick/brick_0.png,-1\n", "not a length"),
        ("path,group\nbrick/brick_0.png,a\nbrick/brick_0.png,b\n", "twice"),
    ],
)
def test_metadata_that_cannot_be_used_is_named(tiles, text, message):
    (tiles / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        collection.list_folder(tiles)
    assert "metadata.csv" in str(caught.value)


def test_folders_that_are_no_data_are_named(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        collection.list_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        collection.list_folder(tmp_path / "file")
    with pytest.raises(DataError, match="no images"):
        collection.list_folder(tmp_path)
    (tmp_path / "only").mkdir()
    save(np.zeros((64, 64), np.uint8), tmp_path / "only" / "a.png")
    with pytest.raises(DataError, match="only the class 'only'"):
        collection.list_folder(tmp_path)


def test_suffixes_match_in_any_case_and_other_files_are_not_images(tiles):
    (tiles / "brick" / "brick_0.png").rename(tiles / "brick" / "B0.PNG")
    (tiles / "brick" / "notes.txt").write_text("not an image, and not called one")
    (tiles / ".cache").mkdir()
    save(np.zeros((64, 64), np.uint8), tiles / ".cache" / "a.png")
    paths = collection.list_folder(tiles)["path"]
    assert len(paths) == 18
    assert "brick/B0.PNG" in set(paths)


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


def test_read_colour_keeps_colour_and_proportions(tmp_path):
    colour = np.zeros((300, 400, 3), np.uint8)
    colour[:] = (200, 100, 50)
    small = micrographs.read_colour(save(colour, tmp_path / "c.png"), width=80)
    assert small.shape == (60, 80, 3)
    assert (small == (200, 100, 50)).all()
    deep = micrographs.read_colour(save(np.full((99, 99), 65535, np.uint16), tmp_path / "d.png"), width=80)
    assert (deep == 255).all()


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
