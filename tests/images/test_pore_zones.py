import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.images import pore_zones, synthetic


def disc(size=128, radius=30.0):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.hypot(x, y) <= radius


def test_every_pixel_is_in_one_zone_and_rims_follow_the_outline():
    masks = np.array([disc(), disc(radius=20)])
    found = pore_zones.split(masks)
    assert (sum(zone.astype(int) for zone in found.values()) == 1).all()
    y, x = np.mgrid[:128, :128] - 63.5
    distance = np.abs(np.hypot(x, y) - 30)
    assert found["rims"][0][distance < 1.2].all()
    assert not found["rims"][0][distance > 3].any()
    assert found["pores"][0][64, 64]
    assert found["walls"][0][0, 0]


@pytest.mark.parametrize("value", [False, True])
def test_an_image_without_an_outline_has_no_rim(value):
    found = pore_zones.split(np.full((1, 16, 16), value))
    assert not found["rims"].any()
    assert found["pores"].all() == value
    assert found["walls"].all() != value


def test_true_and_segmented_pores_of_a_synthetic_foam_agree():
    row = {"label": "CuNi2", "seed": 5, "specimen": 3, "width": 800, "height": 600, "pixel_size_um": 0.54}
    truth = pore_zones.of_synthetic(pd.DataFrame([row]))
    image, whole = synthetic.foam_micrograph("CuNi2", 5, (600, 800), 0.54, specimen=3)
    assert truth.shape == (1, 128, 128)
    assert truth.mean() == pytest.approx(whole["porosity"], abs=0.1)
    grey = np.asarray(image[90:-90, 120:-120].mean(axis=2), np.uint8)
    from nanofoam_lib.images import micrographs

    small = micrographs.preprocess(grey, crop=0)
    index = pd.DataFrame({"width": [560], "height": [420], "um_x": [560 / 128 * 0.54], "um_y": [420 / 128 * 0.54]})
    found = pore_zones.of_images(small[None], index)
    assert (truth & found).sum() / (truth | found).sum() > 0.7
    unknown = pore_zones.of_images(small[None], index.assign(um_x=np.nan, um_y=np.nan))
    assert np.array_equal(unknown, found)  # the same pores, whatever they measure
