import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image
from skimage import data

from nanofoam_lib.figures import palette


def rgb(pixels):
    return Image.fromarray(np.asarray(pixels, np.uint8))


@pytest.fixture
def picture():
    """A grey micrograph with one small word in colour."""
    pixels = np.repeat(data.gravel()[..., None], 3, axis=2)
    pixels[100:103, 200:203] = 213, 94, 0
    return rgb(pixels)


def test_few_colours_stay_within_half_a_level():
    colours = np.random.default_rng(0).integers(0, 256, (200, 3))
    pixels = colours[np.random.default_rng(1).integers(0, 200, (300, 400))]
    reduced = palette.reduce(rgb(pixels))
    assert reduced.mode == "P"
    assert np.abs(np.asarray(reduced.convert("RGB"), int) - pixels).max() <= 2
    for exact in ("black", "white"):
        assert palette.reduce(Image.new("RGB", (3, 2), exact)).convert("RGB").getcolors() == [
            (6, (0, 0, 0) if exact == "black" else (255, 255, 255))
        ]


def test_greys_and_a_word_in_colour_are_kept(picture):
    reduced = palette.reduce(picture)
    found, pixels = np.asarray(reduced.convert("RGB"), int), np.asarray(picture, int)
    assert reduced.mode == "P"
    assert np.abs(found - pixels).max() <= 2  # 64 greys and one colour
    assert np.ptp(found[101, 201]) > 200


def test_each_pixel_has_the_nearest_of_the_colours_that_were_chosen():
    grey, other = data.gravel()[:64, :64], data.grass()[:64, :64]
    tinted = rgb(np.stack([grey, 0.8 * grey, 0.6 * grey + 0.2 * other], axis=2))
    reduced = palette.reduce(tinted)
    chosen = np.array(reduced.getpalette(), int).reshape(-1, 3)
    levels = np.round(np.round(np.asarray(tinted, float) * 63 / 255) * 255 / 63)
    apart = np.square(levels.reshape(-1, 1, 3) - chosen).sum(axis=2)
    own = apart[np.arange(64 * 64), np.asarray(reduced).ravel()]
    np.testing.assert_array_equal(own, apart.min(axis=1))
    assert 0 < np.sqrt(own.mean() / 3) < palette.WORST


def test_a_picture_of_too_many_colours_is_left_alone():
    noise = rgb(np.random.default_rng(0).integers(0, 256, (200, 200, 3)))
    assert palette.reduce(noise) is noise


def test_a_small_bar_of_colours_beside_large_maps_has_no_broad_stripes():
    """Of 768 colours and greys, those of mostly dark or mostly pale maps do not take all that the bar needs."""
    rng, bar = np.random.default_rng(0), np.round(colormaps["PuOr"](np.linspace(0, 1, 512))[:, :3] * 255)
    page = np.full((512, 1200, 3), 255.0)
    page[:, 300:500] = np.round(colormaps["inferno"](rng.beta(1, 4, (512, 200)))[..., :3] * 255)
    page[:, 500:700] = np.round(colormaps["PuOr"](rng.beta(20, 20, (512, 200)))[..., :3] * 255)
    page[:, 700:900] = rng.integers(0, 256, (512, 200, 1))
    page[:, :6] = bar[:, None]
    found = np.asarray(palette.reduce(rgb(page)).convert("RGB"), float)
    apart = np.linalg.norm(found[:, 3] - bar, axis=1)
    assert apart.max() < 20 and apart.mean() < 5  # chosen by how often they occur: 30 and 7
