import numpy as np
import pytest
from conftest import save
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import micrographs


@pytest.fixture
def ramp():
    """Grey levels 0…255 in 256 columns: every value is known."""
    return np.tile(np.arange(256, dtype=np.uint8), (192, 1))


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


def test_preprocess_crops_15_percent_of_each_side():
    """A frame that fills exactly the cropped border must leave no trace."""
    grey = np.full((1200, 1600), 255, np.uint8)
    grey[180:1020, 240:1360] = 60
    assert (micrographs.preprocess(grey) == 60).all()
    grey[180:188, 240:248] = 255
    assert (micrographs.preprocess(grey) != 60).any()


def test_each_side_has_a_crop_of_its_own(rng):
    grey = rng.integers(256, size=(200, 100), dtype=np.uint8)
    assert micrographs.crop_box(100, 200, [0.1, 0.2, 0.3, 0.4]) == (40, 20, 80, 140)
    cropped = micrographs.preprocess(grey, [0.1, 0.2, 0.3, 0.4], 32)
    np.testing.assert_array_equal(cropped, micrographs.preprocess(grey[20:140, 40:80], 0, 32))
    np.testing.assert_array_equal(micrographs.preprocess(grey, [0.15] * 4), micrographs.preprocess(grey))
    for wrong in ([0.1, 0.1], [0.1, 0.1, 0.1, 0.5]):
        with pytest.raises(ValueError, match="crop must lie in"):
            micrographs.preprocess(grey, wrong)


def test_preprocess_averages_instead_of_sampling():
    """Stripes finer than the target pixels become their mean; sampling every n-th pixel would give 0 or 255."""
    stripes = np.zeros((1120, 1120), np.uint8)
    stripes[:, ::2] = 255
    assert abs(micrographs.preprocess(stripes, crop=0).astype(int) - 127).max() <= 8


def test_preprocess_commutes_with_flips():
    grey = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
    flipped = micrographs.preprocess(np.ascontiguousarray(grey[::-1, ::-1]))[::-1, ::-1]
    assert abs(flipped.astype(int) - micrographs.preprocess(grey)).max() <= 1


def test_a_margin_shows_what_lies_around_at_the_same_scale():
    grey = np.random.default_rng(0).integers(256, size=(400, 500), dtype=np.uint8)
    plain, wide = micrographs.preprocess(grey, 0.18, 64), micrographs.preprocess(grey, 0.18, 64, margin=8)
    assert wide.shape == (80, 80)
    # one pixel of the result is 5 wide and 4 high: the margin is a whole number of raw pixels
    np.testing.assert_array_equal(wide[9:-9, 9:-9], plain[1:-1, 1:-1])
    np.testing.assert_array_equal(wide, micrographs.preprocess(grey[40:-40, 50:-50], 0, 80))


def test_beyond_the_picture_the_margin_is_its_mirror():
    grey = np.random.default_rng(0).integers(256, size=(64, 64), dtype=np.uint8)
    wide = micrographs.preprocess(grey, 0, 64, margin=8)
    np.testing.assert_array_equal(wide[8:-8, 8:-8], grey)
    np.testing.assert_array_equal(wide[:8, 8:-8], grey[:8][::-1])
    np.testing.assert_array_equal(wide[8:-8, -8:], grey[:, -8:][:, ::-1])


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


def test_read_colour_keeps_colour_and_proportions(tmp_path):
    colour = np.zeros((300, 400, 3), np.uint8)
    colour[:] = (200, 100, 50)
    small = micrographs.read_colour(save(colour, tmp_path / "c.png"), width=80)
    assert small.shape == (60, 80, 3)
    assert (small == (200, 100, 50)).all()
    deep = micrographs.read_colour(save(np.full((99, 99), 65535, np.uint16), tmp_path / "d.png"), width=80)
    assert (deep == 255).all()
