"""Whatever happens to a file, it is read or named: damage at random, on real photographs in every format."""

import functools
import io
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import collection, formats, micrographs

LIMIT = 4  # megapixels: damaged heads that ask for more are refused, so that the examples stay small


@functools.cache
def photographs():
    """Encode one photograph in each format: dict of name to bytes, each of which can be read."""
    brick = Image.fromarray(data.brick()[:72, :96])
    cat = Image.fromarray(data.chelsea()[:72, :96])
    deep = Image.fromarray(np.asarray(brick).astype(np.uint16) * 16)
    exif = Image.Exif()
    exif[0x0112] = 6
    tags = {270: "a micrograph", 282: 3.5, 305: "a microscope"}
    pages = {"save_all": True, "append_images": [brick, brick]}
    return {
        "grey.png": encoded(brick, "PNG"),
        "palette.png": encoded(cat.quantize(200), "PNG", transparency=b"\0" * 100),
        "deep.png": encoded(deep, "PNG"),
        "animated.png": encoded(brick, "PNG", **pages),
        "colour.jpg": encoded(cat, "JPEG", exif=exif),
        "progressive.jpg": encoded(brick, "JPEG", progressive=True),
        "cmyk.jpg": encoded(cat.convert("CMYK"), "JPEG"),
        "several.jpg": encoded(cat, "MPO", save_all=True, append_images=[cat]),
        "plain.tif": encoded(brick, "TIFF", tiffinfo=tags),
        "lzw.tif": encoded(cat, "TIFF", compression="tiff_lzw", exif=exif),
        "deflate.tif": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        "pages.tif": encoded(brick, "TIFF", compression="tiff_lzw", **pages),
        "colour.bmp": encoded(cat, "BMP"),
        "palette.bmp": encoded(cat.quantize(16), "BMP"),
    }


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@st.composite
def damage(draw, content):
    """Change a file in one to four places, more often near its beginning, where most of what it says of itself is."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        last = max(len(content) - 1, 0)
        at = draw(st.integers(0, min(last, 400)) | st.integers(0, last))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "overwrite", "extreme", "cut out", "repeat", "truncate"])):
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "overwrite":
                content[at : at + length] = draw(st.binary(min_size=1, max_size=16))
            case "extreme":
                content[at : at + 4] = draw(st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"]))
            case "cut out":
                del content[at : at + length]
            case "repeat":
                content[at:at] = content[at : at + length] * draw(st.sampled_from([1, 50]))
            case "truncate":
                del content[at:]
    return bytes(content)


def read_or_name(path, content):
    """Check that a file is read as 8-bit grey, or refused with its name in one line: True if it was read."""
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RunWarning)  # of several pages; Pillow's own warnings are errors here
            grey = micrographs.read(path, max_megapixels=LIMIT)
            colour = micrographs.read_colour(path, 50, max_megapixels=LIMIT)
    except DataError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        return False
    assert grey.dtype == np.uint8
    assert grey.ndim == 2
    assert 0 < grey.size <= LIMIT * 1e6
    assert colour.dtype == np.uint8
    assert colour.shape[2] == 3
    return True


def settle(n):
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=checks)


NAMES = (
    "grey.png", "palette.png", "deep.png", "animated.png", "colour.jpg", "progressive.jpg", "cmyk.jpg", "several.jpg",
    "plain.tif", "lzw.tif", "deflate.tif", "pages.tif", "colour.bmp", "palette.bmp",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_undamaged_files_are_read(tmp_path, name):
    assert read_or_name(tmp_path / name, photographs()[name])


@pytest.mark.parametrize("name", NAMES)
@settle(40)
@given(example=st.data())
def test_damaged_files_are_read_or_named(tmp_path, name, example):
    read_or_name(tmp_path / name, example.draw(damage(photographs()[name])))


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
@settle(5_000)
@given(example=st.data())
def test_damaged_files_are_read_or_named_for_long(tmp_path, name, example):
    read_or_name(tmp_path / name, example.draw(damage(photographs()[name])))


@pytest.mark.parametrize("name", NAMES)
def test_files_cut_anywhere_are_read_or_named(tmp_path, name):
    """Cut within the pixels, all but the formats that keep something behind them are refused."""
    content = photographs()[name]
    read = [read_or_name(tmp_path / name, content[: len(content) * part // 24]) for part in range(24)]
    assert not all(read)
    assert not read[0]


METADATA = 'path,label,group,pixel_size_um,note\na/1.png,a,s1,0.5,ñ\nb/1.png,b,s2,,"two\nlines"\nc/9.png,,,1e-3,\n'


def list_or_name(folder, content):
    (folder / "metadata.csv").write_bytes(content)
    try:
        table, said = collection.survey(folder)
    except DataError as error:
        assert "metadata.csv" in str(error)
        assert "\n" not in str(error)
        return
    assert table["path"].tolist() == ["a/1.png", "b/1.png"]
    assert table["group"].notna().all()
    sizes = pd.to_numeric(table["pixel_size_um"])
    assert (sizes.isna() | ((sizes > 0) & np.isfinite(sizes))).all()
    assert not any("\n" in line for line in said)


@pytest.fixture
def two_images(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(photographs()["grey.png"])
    return tmp_path


@settle(80)
@given(content=damage(METADATA.encode()))
def test_damaged_metadata_is_used_or_named(two_images, content):
    list_or_name(two_images, content)


@pytest.mark.soak
@settle(5_000)
@given(content=damage(METADATA.encode()))
def test_damaged_metadata_is_used_or_named_for_long(two_images, content):
    list_or_name(two_images, content)


@settle(50)
@given(content=st.binary(max_size=300))
def test_noise_is_named(tmp_path, content):
    assert not read_or_name(tmp_path / "noise.png", content)


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_holds_for_every_format(name):
    with pytest.raises(DataError, match=r"max_megapixels allows 0\.005"), formats.quiet():
        formats.opened(io.BytesIO(photographs()[name]), max_megapixels=0.005).__enter__()
