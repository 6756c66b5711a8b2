"""Pore measures against exact discs, against the truth of freshly drawn foams, and their invariances."""

import math

import numpy as np
import pytest
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import micrographs, pores, synthetic

LENGTHS = ["median_diameter_um", "mean_diameter_um", "spacing_um", "wall_um"]
CROP = 0.15


def discs(shape, centres, radii):
    """Dark discs on bright ground, with edges one pixel soft; x and y in pixels from the top left corner."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    wall = np.full(shape, np.inf)
    for (cx, cy), radius in zip(centres, np.broadcast_to(radii, len(centres)), strict=True):
        wall = np.minimum(wall, np.hypot(x - cx, y - cy) - radius)
    return (40 + 160 * np.clip(wall + 0.5, 0, 1)).astype(np.uint8)


def grid(shape, pitch, offset):
    return [(x, y) for y in np.arange(offset, shape[0], pitch) for x in np.arange(offset, shape[1], pitch)]


def foam(composition, seed, size=(600, 800), pixel_size_um=0.54):
    """Draw a foam: its grey picture, and the truth of its cropped area."""
    image, truth = synthetic.foam_micrograph(composition, seed, size, pixel_size_um)
    mask = synthetic.foam_mask(composition, seed, size, pixel_size_um)
    top, left = (round(CROP * side) for side in size)
    inside = np.s_[top : size[0] - top, left : size[1] - left]
    x, y = (truth["centres_um"] / pixel_size_um).T
    kept = (x >= left) & (x < size[1] - left) & (y >= top) & (y < size[0] - top)
    area = (size[0] - 2 * top) * (size[1] - 2 * left) * pixel_size_um**2 * 1e-6
    return np.asarray(Image.fromarray(image).convert("L")), {
        "median_diameter_um": np.median(truth["diameters_um"][kept]),
        "density_per_mm2": kept.sum() / area,
        "porosity": mask[inside].mean(),
    }


@pytest.fixture(scope="module")
def grey():
    return foam("CuNi2", 77)[0]


@pytest.mark.parametrize(("size", "pixel_size_um"), [((1200, 1600), 0.27), ((600, 800), 0.54)])
@pytest.mark.parametrize("composition", synthetic.COMPOSITIONS)
@pytest.mark.parametrize("seed", [301, 302])
def test_fresh_foams_equal_their_truth(composition, seed, size, pixel_size_um):
    picture, truth = foam(composition, seed, size, pixel_size_um)
    found = pores.measure(picture, pixel_size_um, CROP)
    assert found["median_diameter_um"] == pytest.approx(truth["median_diameter_um"], rel=0.1)
    assert found["density_per_mm2"] == pytest.approx(truth["density_per_mm2"], rel=0.15)
    assert found["porosity"] == pytest.approx(truth["porosity"], abs=0.05)
    assert 0.85 < found["circularity"] <= 1


def test_no_bias_over_many_foams():
    errors = []
    for k, composition in enumerate(synthetic.COMPOSITIONS):
        for seed in range(400 + 10 * k, 404 + 10 * k):
            picture, truth = foam(composition, seed)
            found = pores.measure(picture, 0.54, CROP)
            diameter, density = (found[key] / truth[key] - 1 for key in ("median_diameter_um", "density_per_mm2"))
            errors.append([diameter, density, found["porosity"] - truth["porosity"]])
    assert (np.abs(np.mean(errors, axis=0)) < [0.03, 0.03, 0.025]).all()


@pytest.mark.parametrize("shape", [(480, 600), (96, 120), (960, 1200)])
def test_grid_of_whole_discs(shape):
    pitch, radius, um = shape[0] / 8, shape[0] / 24, 3.0
    found = pores.measure(discs(shape, grid(shape, pitch, pitch / 2), radius), um, crop=0)
    assert found["n_pores"] == 80
    assert found["density_per_mm2"] == pytest.approx(1e6 / (pitch * um) ** 2)
    assert found["median_diameter_um"] == pytest.approx(2 * radius * um, rel=0.01)
    assert found["mean_diameter_um"] == pytest.approx(2 * radius * um, rel=0.01)
    assert found["porosity"] == pytest.approx(math.pi * radius**2 / pitch**2, abs=0.005)
    assert found["spacing_um"] == pytest.approx(pitch * um, rel=0.003)
    assert found["wall_um"] == pytest.approx((pitch - 2 * radius) * um, rel=0.03)
    assert found["circularity"] > 0.97


def test_discs_stay_round_where_the_shape_of_pixels_is_known_but_not_their_size():
    whole = discs((480, 640), grid((480, 640), 80, 40), 24)
    squeezed = np.asarray(Image.fromarray(whole).resize((128, 128), Image.Resampling.BOX))
    known = pores.measure(squeezed, (5.0, 3.75), crop=0)
    unknown = pores.measure(squeezed, None, crop=0, aspect=640 / 480)
    assert known["circularity"] == unknown["circularity"] > 0.95
    assert known["porosity"] == unknown["porosity"] and math.isnan(unknown["median_diameter_um"])
    assert pores.measure(squeezed, None, crop=0)["circularity"] < known["circularity"] - 0.01
    table = pores.measure_pictures(squeezed[None], math.nan, n_jobs=1, aspect=640 / 480)
    assert table["n_pores"].tolist() == [known["n_pores"]]


@pytest.mark.parametrize("offset", [8, 25, 50])
def test_cut_discs_count_by_their_centre(offset):
    # the grid's last row and column are cut beyond their centre, just before it, or not at all
    shape, pitch, radius = (420, 540), 60, 20
    centres = grid((shape[0] + 60, shape[1] + 60), pitch, offset - 60)
    found = pores.measure(discs(shape, centres, radius), 1.0, crop=0)
    assert found["n_pores"] == len(grid(shape, pitch, offset)) == 63
    assert found["mean_diameter_um"] == pytest.approx(2 * radius, rel=0.01)
    assert found["spacing_um"] == pytest.approx(pitch, rel=0.01)


def test_no_size_bias_at_the_edge():
    # one of the two large discs is cut, and none of the small: complete discs alone would be too small on average
    centres = [(60, 60), (60, 140), (170, 100), (20, 20), (280, 60), (280, 140)]
    table = pores.regions(*pores.segment(discs((200, 300), centres, [15, 15, 40, 12, 40, 15]), 1.0, crop=0))
    assert table["cut"].sum() == 1
    assert sorted(table.loc[table["counted"], "diameter_um"].round().astype(int)) == [24, 30, 30, 30, 80, 80]


def test_region_centres_and_circle_of_a_cut_disc():
    labels, side_um = pores.segment(discs((200, 300), [(100, 60), (290, 120)], [20, 30]), 2.0, crop=0)
    assert labels.shape[1] * side_um == pytest.approx(600, rel=0.002)
    whole, cut = pores.regions(labels, side_um).sort_values("x_um").itertuples()
    assert (whole.cut, cut.cut, whole.counted, cut.counted) == (False, True, True, True)
    np.testing.assert_allclose([whole.x_um, whole.y_um, whole.diameter_um], [200, 120, 80], rtol=0.01)
    np.testing.assert_allclose([cut.x_um, cut.y_um, cut.diameter_um], [580, 240, 120], rtol=0.01)
    assert math.isnan(cut.circularity)
    assert whole.nearest_um == pytest.approx(math.hypot(380, 120), rel=0.01)


@pytest.mark.parametrize(("distance", "n"), [(34, 2), (6, 1)])
def test_overlapping_discs_are_parted_at_a_neck(distance, n):
    # two discs of radius 20: the neck is half as wide as they are, or nearly as wide
    centres = [(150 - distance / 2, 100), (150 + distance / 2, 100)]
    labels, side_um = pores.segment(discs((200, 300), centres, 20), 1.0, crop=0)
    assert labels.max() == n
    if n == 2:
        assert pores.walls(labels, side_um)[0].tolist() == [0]


def test_walls_of_three_discs():
    # gaps of 10 and 30; between the outer two stands the middle one
    labels, side_um = pores.segment(discs((200, 400), [(80, 100), (150, 100), (240, 100)], 30), 0.5, crop=0)
    thickness, length = pores.walls(labels, side_um)
    np.testing.assert_allclose(np.sort(thickness), [5, 15], atol=0.4)
    assert (length > 50).all()


def test_unit_of_length(grey):
    one, two = pores.measure(grey, 0.54), pores.measure(grey, 1.08)
    for key in LENGTHS:
        assert two[key] == pytest.approx(2 * one[key], rel=1e-9)
    assert two["density_per_mm2"] == pytest.approx(one["density_per_mm2"] / 4, rel=1e-9)
    assert [two[key] for key in ("n_pores", "porosity", "circularity")] == [
        one[key] for key in ("n_pores", "porosity", "circularity")
    ]


@pytest.mark.parametrize("unknown", [None, math.nan, (0.5, math.nan)])
def test_unknown_unit_of_length(grey, unknown):
    known, found = pores.measure(grey, 0.54), pores.measure(grey, unknown)
    for key in ("n_pores", "porosity", "circularity"):
        assert found[key] == known[key]
    assert all(math.isnan(found[key]) for key in [*LENGTHS, "density_per_mm2"])


@pytest.mark.parametrize("move", [np.fliplr, np.flipud, np.rot90, np.transpose])
def test_flips_and_turns(grey, move):
    assert pores.measure(move(grey), 0.54) == pytest.approx(pores.measure(grey, 0.54), rel=0.01)


@pytest.mark.parametrize(("gain", "offset"), [(0.3, 100), (1 / 255, 0), (40, -1000)])
def test_brightness_and_contrast(grey, gain, offset):
    changed = grey.astype(float) * gain + offset
    assert pores.measure(changed, 0.54) == pytest.approx(pores.measure(grey, 0.54), rel=2e-3)


def test_uneven_light():
    shape = (480, 600)
    picture = discs(shape, grid(shape, 60, 30), 20).astype(float)
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    found = pores.measure(picture + 150 * x - 60 * x * y - 50 * y**2, 1.0, crop=0)  # pores brighter than far walls
    assert found == pytest.approx(pores.measure(picture, 1.0, crop=0), rel=0.02)


def test_pixels_that_are_not_square(grey):
    known = pores.measure(grey, 0.54)
    squeezed = np.asarray(Image.fromarray(grey).resize((800, 300), Image.Resampling.BOX))
    assert pores.measure(squeezed, (0.54, 1.08)) == pytest.approx(known, rel=0.06)
    decoded = micrographs.preprocess(grey, CROP, 128)
    um = (0.7 * 800 * 0.54 / 128, 0.7 * 600 * 0.54 / 128)
    found = pores.measure(decoded, um, crop=0)
    for key, rel in {"median_diameter_um": 0.05, "density_per_mm2": 0.05, "porosity": 0.06, "spacing_um": 0.05}.items():
        assert found[key] == pytest.approx(known[key], rel=rel)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_constant_picture_has_no_pores(level):
    found = pores.measure(np.full((60, 80), level, np.uint8), 1.0)
    assert (found["n_pores"], found["density_per_mm2"], found["porosity"]) == (0, 0, 0)
    assert all(math.isnan(found[key]) for key in [*LENGTHS, "circularity"])


def test_pictures_without_pores_do_no_harm():
    rng = np.random.default_rng(0)
    ramp = np.tile(np.linspace(0, 255, 200), (150, 1)).astype(np.uint8)
    step = np.where(np.arange(200) < 100, 0, 255) * np.ones((150, 1))
    for picture in (ramp, step, rng.integers(0, 256, (150, 200)), rng.integers(0, 256, (16, 16)), ramp == 9):
        found = pores.measure(picture, 1.0, crop=0)
        assert 0 <= found["porosity"] <= 1
        assert found["n_pores"] == 0 or not found["circularity"] > 0.85


def test_one_pore_has_no_neighbour():
    found = pores.measure(discs((200, 300), [(150, 100)], 40), 1.0, crop=0)
    assert found["n_pores"] == 1
    assert math.isnan(found["spacing_um"]) and math.isnan(found["wall_um"])


@pytest.mark.parametrize(
    ("shape", "um", "crop"),
    [((9, 99), 1, 0), ((99, 99, 3), 1, 0), ((99, 99), 1, 0.6), ((99, 99), 0, 0), ((99, 99), (1, -1), 0)],
)
def test_wrong_arguments(shape, um, crop):
    with pytest.raises(ValueError, match=r"grey|crop|pixel_size_um"):
        pores.measure(np.zeros(shape), um, crop)


def test_many_files(tmp_path, grey):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, picture in zip(paths, (grey, grey[::-1], np.full((50, 60), 7, np.uint8)), strict=True):
        Image.fromarray(picture).save(path)
    table = pores.measure_all(paths, [0.54, math.nan, 0.54], n_jobs=1)
    assert table.iloc[0].to_dict() == pores.measure(grey, 0.54)
    assert table["n_pores"].iloc[0] == table["n_pores"].iloc[1] > table["n_pores"].iloc[2] == 0
    assert table["wall_um"].isna().tolist() == [False, True, True]
    assert pores.measure_all(paths, 0.54, n_jobs=2).iloc[0].equals(table.iloc[0])
    with pytest.raises(DataError, match=r"gone\.png"):
        pores.measure_all([tmp_path / "gone.png"], 1.0, n_jobs=1)
