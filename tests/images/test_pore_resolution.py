import math

import numpy as np
import pytest

from nanofoam_lib.images import pore_resolution, pore_study, pores


def discs(pitch, shape=(400, 400)):
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    away = np.hypot(x % pitch - pitch / 2, y % pitch - pitch / 2)
    return (40 + 160 * np.clip(away - 0.3 * pitch + 0.5, 0, 1)).astype(np.float32)


def test_large_pores_measure_the_same_and_fine_ones_are_lost():
    found = pore_resolution.at_network_size(discs(50), 2.0, "dark")
    whole = pores.measure(discs(50), 2.0, crop=0)
    assert found["n_pores_at_128"] == whole["n_pores"] == 64
    assert found["median_diameter_um_at_128"] == pytest.approx(whole["median_diameter_um"], rel=0.03)
    assert found["porosity_at_128"] == pytest.approx(whole["porosity"], abs=0.02)
    assert found["density_per_mm2_at_128"] == pytest.approx(whole["density_per_mm2"], rel=0.01)
    fine = pore_resolution.at_network_size(discs(4), 2.0, "dark")  # 1.3 of the network's pixels from pore to pore
    assert fine["n_pores_at_128"] < 0.5 * pores.measure(discs(4), 2.0, crop=0)["n_pores"]


def test_pixels_of_another_shape_give_the_same_pores():
    wide = discs(50, (300, 600))
    found = pore_resolution.at_network_size(wide, 2.0, "dark")
    assert found["n_pores_at_128"] == 72
    assert found["circularity_at_128"] > 0.93


def test_of_a_mask_nothing_can_be_told():
    assert all(map(math.isnan, pore_resolution.at_network_size(discs(50), 2.0, "masks").values()))


def test_a_study_holds_both_and_a_brief_one_does_not():
    row = pore_study.of_picture(discs(50), 2.0, pore_study.Request("dark", crop=0.0)).row
    assert row["n_pores"] == row["n_pores_at_128"] == 64
    brief = pore_study.of_picture(discs(50), 2.0, pore_study.Request("dark", crop=0.0), is_brief=True).row
    assert "n_pores_at_128" not in brief
