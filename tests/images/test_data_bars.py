import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data

from nanofoam_lib.images import data_bars, synthetic
from nanofoam_lib.images.data_bars import Edges

PHOTOGRAPHS = {name: getattr(data, name)() for name in ("brick", "grass", "gravel", "camera", "coins", "page", "text")}


def bar(width, height, black=0, white=255, frame=False):
    """Draw a data bar as SEMs do: cells with text, a scale bar, perhaps a frame of lines."""
    image = Image.new("L", (width, height), black)
    draw = ImageDraw.Draw(image)
    for cell, words in enumerate(("HV 10.0 kV", "mag 700 x", "WD 5.1 mm", "det ETD")):
        draw.text((10 + cell * width // 5, height // 2 - 6), words, fill=white)
    draw.line([(width * 4 // 5, height * 2 // 3), (width - 12, height * 2 // 3)], fill=white, width=2)
    if frame:
        draw.rectangle([0, 0, width - 1, height - 1], outline=white)
        for cell in range(1, 5):
            draw.line([(cell * width // 5 - 4, 0), (cell * width // 5 - 4, height)], fill=white)
    return np.asarray(image)


def lossy(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("name", ["brick", "grass", "gravel", "camera"])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.25])
@pytest.mark.parametrize(
    ("black", "white", "frame"), [(0, 255, False), (255, 0, False), (0, 255, True), (40, 230, True)]
)
def test_a_bar_is_found_to_the_pixel_at_any_edge(name, share, black, white, frame):
    picture = PHOTOGRAPHS[name]
    height = round(share * len(picture))
    barred = np.concatenate([picture, bar(picture.shape[1], height, black, white, frame)])
    assert data_bars.find(barred) == Edges(bottom=height)
    np.testing.assert_array_equal(data_bars.find(barred).cut(barred), picture)
    on_top = np.concatenate([barred[-height:], picture])
    assert data_bars.find(on_top) == Edges(top=height)
    assert data_bars.find(np.rot90(barred)) == Edges(right=height)
    assert data_bars.find(np.rot90(barred, -1)) == Edges(left=height)


@pytest.mark.parametrize("quality", [60, 90])
def test_losses_of_jpeg_hide_no_bar(quality):
    picture = PHOTOGRAPHS["gravel"]
    found = data_bars.find(lossy(np.concatenate([picture, bar(512, 48)]), quality))
    assert (found.top, found.left, found.right) == (0, 0, 0) and abs(found.bottom - 48) <= 1


def test_bars_of_many_bits_are_found_whatever_the_scale():
    barred = np.concatenate([PHOTOGRAPHS["grass"].astype(np.uint16) * 13, bar(512, 40).astype(np.uint16) * 257])
    for levels in (barred, barred.astype(np.float32) / 65535, barred.astype(np.int32) - 40_000):
        assert data_bars.find(levels) == Edges(bottom=40)


def test_two_bars_are_both_cut_off():
    barred = np.concatenate([bar(512, 30), PHOTOGRAPHS["grass"], bar(512, 50, 255, 0)])
    assert data_bars.find(barred) == Edges(30, 0, 50, 0)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_have_none(name):
    assert data_bars.find(PHOTOGRAPHS[name]) == data_bars.NONE
    assert data_bars.find(lossy(PHOTOGRAPHS[name], 80)) == data_bars.NONE


def test_micrographs_have_none_nor_masks_nor_what_is_saturated():
    pictures = [
        synthetic.foam_micrograph(name, seed, (300, 400))[0][..., 1] for name in ("CuNi1", "CuNi3") for seed in (0, 1)
    ]
    for picture in pictures:
        for own in (picture, 255 - picture, np.where(picture > 120, 255, 0).astype(np.uint8), np.minimum(picture, 130)):
            assert data_bars.find(own) == data_bars.NONE


@pytest.mark.parametrize("level", [0, 255])
def test_a_border_without_text_is_none(level):
    """An unlit frame, and the padding of a drawing: nothing says that it is no part of the picture."""
    picture = PHOTOGRAPHS["gravel"]
    assert data_bars.find(np.pad(picture, 40, constant_values=level)) == data_bars.NONE
    assert data_bars.find(np.pad(picture, ((0, 40), (0, 0)), constant_values=level)) == data_bars.NONE


@pytest.mark.parametrize("picture", [np.zeros((50, 60), np.uint8), np.zeros((3, 4)), np.zeros((1, 1), np.uint16)])
def test_a_picture_of_nothing_has_none(picture):
    assert data_bars.find(picture) == data_bars.NONE


def test_edges_cut_as_css_counts():
    picture = np.arange(30).reshape(5, 6)
    np.testing.assert_array_equal(Edges(1, 2, 1, 1).cut(picture), picture[1:4, 1:4])
    np.testing.assert_array_equal(data_bars.NONE.cut(picture), picture)
