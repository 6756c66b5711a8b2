import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import formats, levels

GREY = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey(content, max_megapixels=100):
    """Read the first picture by its own scale: grey, remarks."""
    with formats.opened(io.BytesIO(content), max_megapixels=max_megapixels) as (picture,):
        found = picture.flatten("first")
        return levels.alone(levels.Range.of(found, picture.is_white_low)).apply(found), list(picture.remarks)


def white_of(content):
    with formats.opened(io.BytesIO(content)) as (picture,):
        return levels.alone(levels.Range.of(picture.flatten("first"))).white


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, bits, colour, rows):
    """Write a PNG by hand: Pillow itself writes no 16-bit colour, and nothing whose pixels are missing."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_colour(levels):
    """Write levels (H, W) as 16-bit RGB."""
    rows = b"".join(b"\0" + row.astype(">u2").repeat(3).tobytes() for row in levels)
    return png(levels.shape[1], levels.shape[0], 16, 2, rows)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", levels.DEPTHS)
def test_16_bit_files_with_fewer_used_bits_are_not_dark(kind, bits):
    """The same picture, whatever number of bits the camera has: each level keeps its share of white."""
    white = 2**bits - 1
    deep = (GREY.astype(np.uint32) * white // 255).astype(np.uint16)
    deep[0, 0] = white
    content = encoded(Image.fromarray(deep), kind)
    assert white_of(content) == white
    read, remarks = grey(content)
    assert abs(read[1:].astype(int) - GREY[1:]).max() <= 1
    assert read[0, 0] == 255
    assert remarks == []


def test_levels_round_to_the_nearest():
    deep = np.array([[0, 8, 9, 2048, 4095]], np.uint16)
    read, _ = grey(encoded(Image.fromarray(deep), "PNG"))
    np.testing.assert_array_equal(read[0], np.round(deep[0] / 4095 * 255))


def test_the_depth_of_a_series_goes_before_that_of_the_file():
    dark = encoded(Image.fromarray(np.full((20, 20), 200, np.uint16)), "PNG")
    assert (grey(dark)[0] == 200).all()
    with formats.opened(io.BytesIO(dark)) as (picture,):
        assert (levels.Scale(0, 4095).apply(picture.flatten("first")) == round(200 * 255 / 4095)).all()


def test_big_endian_and_lzw_make_no_difference():
    deep = GREY.astype(np.uint16) * 16
    expected = grey(encoded(Image.fromarray(deep), "PNG"))[0]
    np.testing.assert_array_equal(grey(encoded(Image.fromarray(deep), "TIFF", compression="tiff_lzw"))[0], expected)
    big_endian = encoded(Image.frombytes("I;16B", (50, 40), deep.astype(">u2").tobytes()), "TIFF")
    np.testing.assert_array_equal(grey(big_endian)[0], expected)


def test_8_bit_files_use_8_bits_and_are_never_stretched():
    for mode in ("L", "RGB", "P", "1", "CMYK"):
        content = encoded(Image.fromarray(GREY // 8).convert(mode), "TIFF")
        assert white_of(content) == 255
    assert grey(encoded(Image.fromarray(GREY // 8), "PNG"))[0].max() < 32


def test_16_bit_colour_is_read_by_its_upper_half_or_refused_if_that_is_empty():
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(grey(deep_colour(deep))[0], GREY)
    with pytest.raises(DataError, match="12 of 16 bits per colour"):
        grey(deep_colour(deep // 16))


@pytest.mark.parametrize(
    ("kind", "options"), [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("PNG", {}), ("MPO", {})]
)
def test_of_several_pages_the_first_is_read_and_that_is_said(kind, options):
    pages = [Image.fromarray(np.full((30, 40), level, np.uint8)).convert("RGB") for level in (10, 200, 90)]
    read, remarks = grey(encoded(pages[0], kind, save_all=True, append_images=pages[1:], **options))
    assert read.shape == (30, 40)
    assert (read == 10).all()
    assert remarks == [formats.MORE_PLANES]


def test_cmyk_jpeg_is_not_inverted():
    colour = Image.new("RGB", (32, 32), (200, 100, 50))
    read, _ = grey(encoded(colour.convert("CMYK"), "JPEG", quality=95))
    assert abs(read.astype(int) - grey(encoded(colour, "PNG"))[0]).max() <= 3


@pytest.mark.parametrize("side", [20_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(side):
    """Without pixels: whoever tried to decode this would say something else."""
    with pytest.raises(DataError, match=rf"^has {side}×{side} pixels, .*max_megapixels allows 100$"), formats.quiet():
        grey(png(side, side, 8, 0, b""))


def test_the_limit_can_be_set_either_way():
    content = encoded(Image.new("L", (1000, 1001)), "PNG")
    with pytest.raises(DataError, match=r"1\.001 million; max_megapixels allows 1$"):
        grey(content, max_megapixels=1)
    assert grey(content, max_megapixels=1.001)[0].shape == (1001, 1000)
    mosaic = io.BytesIO(png(20_000, 10_000, 8, 0, b""))  # above Pillow's own limit, 179 million
    with formats.quiet(), formats.opened(mosaic, max_megapixels=200) as (picture,):
        assert (picture.width, picture.height) == (20_000, 10_000)


def test_quiet_puts_everything_back():
    import warnings

    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with pytest.raises(ZeroDivisionError), formats.quiet():
        warnings.warn("not heard", stacklevel=1)
        raise ZeroDivisionError
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "ICO", "EPS", "PPM"])
def test_other_formats_are_refused_whatever_the_file_is_called(kind):
    with pytest.raises(DataError, match="not an image of a known format"):
        grey(encoded(Image.new("RGB", (64, 64)), kind))


def test_blocks_of_silence_that_overlap_end_in_what_was_before():
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    first, second = formats.quiet(), formats.quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert Image.MAX_IMAGE_PIXELS is None
    second.__exit__(None, None, None)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert filters == warnings.filters
