"""Methods and verdicts against pictures whose truth is known, and against pictures without any."""

import math

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from nanofoam_lib.images import pore_cells, pore_methods, pore_verdicts, pores, structures, synthetic
from nanofoam_lib.images.structure_imaging import Imaging

CELLS = {"size": 60.0, "wall": 5.0, "regularity": 0.8, "spread": 0.2, "glints": 0.5, "shade": 0.6, "open": 0.0}
LIT = Imaging(brightness=110, contrast=40, blur=1.0, noise=4, gradient=0.3, direction=1.0)


def square(grey, crop=0.0):
    return pores.square(grey, 1.0, crop)[0]


def foam(seed, size=(600, 800)):
    image, _ = synthetic.foam_micrograph("CuNi2", seed, size, 0.54)
    return np.asarray(Image.fromarray(image).convert("L"))


def cells(seed, wall_grey):
    """Draw closed cells with reflections: the grey picture and the true cells, 0 in their walls, on the same grid."""
    structure = structures.Structure("cells", {**CELLS, "wall_grey": wall_grey})
    picture = square(structures.picture(structure, seed, (450, 600), LIT))
    truth = (structures.labels(structure, seed, (450, 600)) + 1) * structures.phase(structure, seed, (450, 600))
    return picture, np.asarray(Image.fromarray(truth.astype(np.int32)).resize(picture.shape[::-1], 0))


def dice(found, truth):
    """Area-weighted mean over the true cells of the Dice with the found one that fits best."""
    table = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(table, (truth, found), 1)
    both, of_truth, of_found = table[1:, 1:], table.sum(axis=1)[1:], table.sum(axis=0)[1:]
    best = (2 * both / (of_truth[:, None] + of_found)).max(axis=1)
    return np.average(best, weights=of_truth)


@pytest.mark.parametrize("wall_grey", [1.0, 0.0])
def test_cells_are_found_between_lines_whatever_shines_in_them(wall_grey):
    picture, truth = cells(300, wall_grey)
    found = pore_methods.find(picture)
    assert (found.method, found.verdict) == ("cells", "ok")
    assert dice(found.labels, truth) > 0.85
    n_true = (np.bincount(truth.ravel())[1:] > 30).sum()
    assert found.labels.max() > 0 and abs(len(np.unique(found.labels)) - 1 - n_true) <= 0.15 * n_true
    by_threshold = pore_methods.find(picture, "dark")
    assert by_threshold.verdict == "doubtful"
    assert any("Dice" in reason for reason in by_threshold.reasons())


def test_a_spot_of_light_is_no_wall():
    y, x = np.mgrid[:300, :400]
    grid = np.minimum(abs(x % 50 - 25.0), abs(y % 50 - 25.0))  # of lines 50 apart
    picture = np.float32(60 + 100 * np.exp(-((grid / 2) ** 2)))
    spots = 220 * np.exp(-(((x % 50) - 4.0) ** 2 + ((y % 50) - 6.0) ** 2) / 8)
    found = pore_methods.label(ndimage.gaussian_filter(np.float32(picture + spots), 0.5), "cells")
    assert len(np.unique(found)) - 1 == 63  # 5 × 7 whole ones, and those that the edge cuts
    assert (found[6::50, 4::50] == found[18::50, 4::50][: len(found[6::50])]).all()  # the spot, and beside it


def test_a_wide_blur_is_the_gaussian_filter(rng):
    picture = np.float32(rng.random((60, 85)))
    for sigma in (2.0, 9.0, 30.0):
        expected = ndimage.gaussian_filter(picture, sigma, truncate=8)
        np.testing.assert_allclose(pore_cells._wide_gaussian(picture, sigma), expected, atol=2e-5)


def test_a_foam_is_dark_and_its_negative_bright():
    grey = foam(300)
    one, other = (pore_methods.find(square(own, 0.15)) for own in (grey, 255 - grey))
    assert (one.method, other.method, one.verdict, other.verdict) == ("dark", "bright", "ok", "ok")
    np.testing.assert_array_equal(one.labels > 0, other.labels > 0)
    assert "rounder than those of the darker one" in other.why


def test_noise_is_doubtful_at_every_scale():
    rng = np.random.default_rng(0)
    for sigma in (0.0, 2.0, 6.0):
        field = ndimage.gaussian_filter(rng.standard_normal((300, 400)), sigma)
        found = pore_methods.find(square(128 + 40 * field / field.std()))
        assert found.verdict == "doubtful", sigma
    # of a Gaussian field, gradient and grey are independent
    assert found.numbers["edge"] < 2


def test_foam_out_of_focus_is_doubtful_and_says_why():
    found = pore_methods.find(square(ndimage.gaussian_filter(foam(301).astype(float), 12), 0.15))
    assert found.verdict == "doubtful"
    assert any(reason.startswith("the grey changes only") for reason in found.reasons())
    assert any(reason.startswith("el gris cambia solo") for reason in found.reasons("es"))


def test_light_that_falls_off_by_two_fifths_changes_nothing():
    grey = foam(302)
    x = np.linspace(-1, 1, grey.shape[1])
    one, other = (pores.measure(own, 0.54) for own in (grey, np.uint8(np.minimum(grey * (1 + 0.4 * x), 255))))
    assert other["porosity"] == pytest.approx(one["porosity"], abs=0.01)
    assert other["median_diameter_um"] == pytest.approx(one["median_diameter_um"], rel=0.02)
    assert other["n_pores"] == pytest.approx(one["n_pores"], abs=2)


def test_porosity_of_levelled_waves_has_no_bias():
    waves = structures.Structure("waves", {"size": 40.0, "fraction": 0.5, "relief": 0.0})
    errors = []
    for seed in range(300, 304):
        grey = structures.picture(waves, seed, (450, 600), Imaging(blur=1.0, noise=3))
        found = pores.measure(grey, 1.0, crop=0)["porosity"]
        errors.append(found - (~structures.phase(waves, seed, (450, 600))).mean())
    assert abs(np.mean(errors)) < 0.005


def test_a_mask_is_taken_as_it_is():
    picture = square(foam(300), 0.15)
    mask = np.zeros(picture.shape, np.int32)
    mask[40:80, 50:90] = 1
    found = pore_methods.find(picture, "masks", mask=mask)
    assert (found.method, found.verdict) == ("masks", "ok")
    np.testing.assert_array_equal(found.labels, mask)
    assert pore_methods.find(picture, "masks", mask=np.zeros_like(mask)).verdict == "doubtful"
    with pytest.raises(ValueError, match="mask"):
        pore_methods.find(picture, "masks")


def test_an_even_picture_has_no_pores_and_is_doubtful():
    for method in (pore_methods.AUTO, *pore_methods.METHODS):
        found = pore_methods.find(np.full((120, 160), 7, np.float32), method)
        assert not found.labels.any()
        assert found.verdict == "doubtful"


def test_every_number_that_a_rule_asks_for_is_a_column():
    asked = {name for rule in pore_verdicts.RULES.values() for name in rule} - {"count"}
    assert asked <= set(pore_verdicts.NUMBERS)
    numbers = {"count": 9.0, "edge": 5.0, "contrast": 9.0, "blur": math.nan}
    (reason,) = pore_verdicts.reasons(numbers, "threshold")
    assert reason.startswith("the outlines are blurred")
