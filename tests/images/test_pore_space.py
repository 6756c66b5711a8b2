"""Measures of the space of pores against closed forms: stripes, random discs, and discs painted one by one."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from skimage import measure

from nanofoam_lib.images import pore_precision, pore_shapes, pore_sizes, pore_space, structures


def stripes(pore, solid, shape=(240, 240)):
    return np.broadcast_to(np.arange(shape[1]) % (pore + solid) < pore, shape)


def random_discs(radius, per_pixel, side, rng):
    """Scatter discs that may overlap; True in none of them."""
    away = np.ones((side, side), bool)
    count = rng.poisson(per_pixel * (side + 2 * radius) ** 2)
    y, x = np.mgrid[:side, :side] + 0.5
    for cx, cy in rng.uniform(-radius, side + radius, (count, 2)):
        window = np.s_[max(int(cy - radius), 0) : int(cy + radius) + 2, max(int(cx - radius), 0) : int(cx + radius) + 2]
        away[window] &= np.hypot(x[window] - cx, y[window] - cy) > radius
    return away


def test_local_thickness_is_the_largest_disc_painted_one_by_one():
    rng = np.random.default_rng(0)
    mask = ndimage.gaussian_filter(rng.standard_normal((60, 80)), 3) > 0
    radius = ndimage.distance_transform_edt(mask)
    y, x = np.mgrid[:60, :80]
    expected = np.zeros(mask.shape)
    for row, column in zip(*np.nonzero(mask), strict=True):
        disc = np.hypot(y - row, x - column) < radius[row, column]
        expected[disc] = np.maximum(expected[disc], 2 * radius[row, column])
    found = pore_space.local_thickness(mask)
    np.testing.assert_array_equal(found > 0, mask)
    np.testing.assert_allclose(found[mask], expected[mask], rtol=1e-6)


def test_local_thickness_of_some_pixels_is_that_of_all(rng):
    mask = ndimage.gaussian_filter(rng.standard_normal((61, 80)), 4) > 0
    whole = pore_space.local_thickness(mask)
    for step in (2, 3, 5):
        np.testing.assert_array_equal(pore_space.local_thickness(mask, step), whole[::step, ::step])
    y, x = np.mgrid[:400, :400] - 200
    assert pore_space.mean_thickness(np.hypot(y, x) < 150) == pytest.approx(300, rel=0.01)


def test_local_thickness_of_stripes():
    mask = stripes(12, 20)
    found = pore_space.local_thickness(mask)
    assert set(found[:, 40:200][mask[:, 40:200]]) == {12.0}
    assert (pore_space.local_thickness(np.ones((9, 9), bool)) == math.inf).all()
    assert not pore_space.local_thickness(np.zeros((9, 9), bool)).any()


def test_chords_boundary_and_correlation_of_stripes():
    mask = stripes(12, 20, (256, 320))
    along_rows = pore_space.chords(mask[:1])
    assert np.bincount(along_rows.length)[12] == 10
    # 19 boundaries; four directions see |cos| of the angle to them
    four = (1 + 2 / math.sqrt(2)) / 4 * math.pi / 2
    assert pore_space.boundary_length(mask) == pytest.approx(19 / 319 * four, rel=0.01)
    distance, probability = pore_space.two_point_correlation(mask)
    assert probability[0] == pytest.approx(mask.mean())
    assert distance[:3].tolist() == [0, 1, 2]


def test_random_discs_equal_their_closed_forms():
    radius, share = 8.0, 0.5
    per_pixel = -math.log(share) / (math.pi * radius**2)
    rng = np.random.default_rng(1)
    masks = [random_discs(radius, per_pixel, 500, rng) for _ in range(4)]
    assert np.mean([mask.mean() for mask in masks]) == pytest.approx(share, abs=0.02)
    lengths = np.array([0, 5, 10, 20])
    expected = np.exp(-per_pixel * (math.pi * radius**2 + 2 * radius * lengths))
    found = np.mean([pore_space.lineal_path(mask, lengths) for mask in masks], axis=0)
    np.testing.assert_allclose(found, expected, rtol=0.1)
    chord = np.mean([pore_space.chords(mask).mean for mask in masks])
    assert chord == pytest.approx(1 / (2 * radius * per_pixel), rel=0.08)
    r = np.array([4, 8, 12, 20])
    overlap = 2 * radius**2 * np.arccos(np.minimum(r / 16, 1)) - r / 2 * np.sqrt(np.maximum(256 - r**2, 0))
    pair = np.exp(-per_pixel * (2 * math.pi * radius**2 - overlap))
    found = np.mean([pore_space.two_point_correlation(mask, 20)[1][r] for mask in masks], axis=0)
    np.testing.assert_allclose(found, pair, rtol=0.08)
    boundary = per_pixel * 2 * math.pi * radius * share
    assert np.mean([pore_space.boundary_length(mask) for mask in masks]) == pytest.approx(boundary, rel=0.06)


def test_euler_number_counts_pores_less_islands():
    mask = np.zeros((100, 100), bool)
    mask[10:40, 10:40] = mask[60:90, 60:90] = True
    mask[20:30, 20:30] = False
    assert pore_space.summarise(mask, 2.0)["euler_per_mm2"] == pytest.approx((2 - 1) / (200 * 200 * 1e-6))


def test_lengths_follow_the_unit():
    mask = stripes(12, 20)
    one, two = pore_space.summarise(mask, 1.0), pore_space.summarise(mask, 2.0)
    for name in one:
        power = {"euler_per_mm2": -2, "boundary_per_um": -1}.get(name, 1)
        assert two[name] == pytest.approx(one[name] * 2.0**power)
    assert all(math.isnan(value) for value in pore_space.summarise(mask, math.nan).values())


def test_shapes_of_discs_and_ellipses():
    y, x = np.mgrid[:200, :300] + 0.5
    labels = np.zeros((200, 300), np.int32)
    labels[np.hypot(x - 60, y - 60) < 30] = 1
    turn = math.radians(30)
    along = (x - 190) * math.cos(turn) - (y - 100) * math.sin(turn)
    across = (x - 190) * math.sin(turn) + (y - 100) * math.cos(turn)
    labels[np.hypot(along / 60, across / 20) < 1] = 2
    labels[150:, :30] = 3
    disc, ellipse, cut = pore_shapes.shapes(labels, 0.5).itertuples()
    np.testing.assert_allclose([disc.feret_max_um, disc.feret_min_um, disc.diameter_um], 30, rtol=0.03)
    assert disc.aspect_ratio == pytest.approx(1, abs=0.02)
    assert (ellipse.feret_max_um, ellipse.feret_min_um) == (pytest.approx(60, rel=0.02), pytest.approx(20, rel=0.04))
    assert ellipse.aspect_ratio == pytest.approx(3, rel=0.02)
    assert ellipse.orientation_deg == pytest.approx(30, abs=0.5)
    assert disc.area_um2 == pytest.approx(math.pi * 15**2, rel=0.01)
    assert disc.perimeter_um == pytest.approx(math.pi * 30, rel=0.03)
    assert math.isnan(cut.feret_max_um) and math.isnan(cut.aspect_ratio)
    assert {disc.neighbours, ellipse.neighbours, cut.neighbours} == {2}


def test_quantiles_by_number_and_area():
    found = pore_sizes.quantiles(pd.Series([1.0] * 90 + [10.0] * 10))
    assert [found[f"d{share}_um"] for share in (10, 50, 90)] == [1, 1, 1]
    assert [found[f"d{share}_area_um"] for share in (10, 50, 90)] == [10, 10, 10]
    assert all(math.isnan(value) for value in pore_sizes.quantiles(pd.Series([], dtype=float)).values())


def test_ellipses_are_those_of_scikit_image():
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(200, 260)), 3)
    labels = measure.label(field > 0.15).astype(np.int32)
    names = ("label", "area", "axis_major_length", "axis_minor_length", "orientation")
    known = pd.DataFrame(measure.regionprops_table(labels, properties=names))
    found = pore_shapes.shapes(labels, 1.0)
    whole = ~found["cut"] & (known["area"] > 5)  # a line of pixels has no minor axis
    assert whole.sum() > 50
    np.testing.assert_array_equal(found["area_um2"], known["area"])
    ratio = known["axis_major_length"] / known["axis_minor_length"]
    np.testing.assert_allclose(found["aspect_ratio"][whole], ratio[whole], rtol=1e-9)
    turned = np.degrees(known["orientation"])
    angle = np.where(turned > 0, turned - 90, turned + 90)
    np.testing.assert_allclose(found["orientation_deg"][whole], angle[whole], atol=1e-9)


def test_porosity_error_covers_the_porosity_of_the_material():
    waves = structures.Structure("waves", {"size": 24.0, "fraction": 0.5, "relief": 0.0})
    masks = [structures.phase(waves, seed, (240, 320)) for seed in range(300, 340)]
    shares = np.array([mask.mean() for mask in masks])
    errors = np.array([pore_precision.porosity_error(mask) for mask in masks])
    assert 0.85 <= (abs(shares - 0.5) < pore_precision.STUDENT * errors).mean() <= 1
    assert np.median(errors) == pytest.approx(shares.std(), rel=0.4)
    # four times the area, half the error
    four_times = [structures.phase(waves, seed, (480, 640)) for seed in range(300, 310)]
    larger = np.median([pore_precision.porosity_error(mask) for mask in four_times])
    assert larger == pytest.approx(np.median(errors) / 2, rel=0.4)


def test_porosity_error_is_that_of_independent_pixels(rng):
    """Of white noise of porosity p it is √(p (1 − p) / n), whatever the shape of the picture."""
    for share, shape in ((0.3, (300, 300)), (0.5, (200, 450))):
        variance = np.mean([pore_precision.porosity_error(rng.random(shape) < share) ** 2 for _ in range(300)])
        assert variance == pytest.approx(share * (1 - share) / math.prod(shape), rel=0.12)


def test_porosity_error_of_what_has_one_phase_or_no_parts_is_unknown():
    for mask in (np.zeros((40, 40), bool), np.ones((40, 40), bool), np.eye(2, dtype=bool)):
        assert math.isnan(pore_precision.porosity_error(mask))


def test_pictures_that_are_needed():
    assert pore_precision.pictures_needed(0.4, 0.02) == math.ceil((1.96 * 0.02 / 0.02) ** 2)
    assert pore_precision.pictures_needed(0.4, 0.0001) == 1
    assert math.isnan(pore_precision.pictures_needed(0.0, 0.1))
