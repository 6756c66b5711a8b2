import numpy as np
import pytest

from nanofoam_lib.images import exposure, micrographs


def said(grey, crop=0.0):
    return exposure.remarks(grey, micrographs.preprocess(grey, crop), crop)


@pytest.fixture
def grey():
    return np.random.default_rng(0).integers(20, 236, (200, 200), dtype=np.uint8)


def test_a_picture_well_exposed_needs_no_remark(grey):
    assert said(grey) == []


@pytest.mark.parametrize(("level", "text"), [(255, exposure.WHITE), (0, exposure.BLACK)])
def test_the_share_of_pixels_at_an_end_is_told_from_a_twentieth_on(grey, level, text):
    grey[:9] = level  # 4.5 %
    assert said(grey) == []
    grey[:60] = level
    assert said(grey) == [(text, 0.3)]


def test_what_is_cropped_away_does_not_count(grey):
    grey[:30] = 255
    assert said(grey, crop=0.15) == []


def test_masks_are_told_from_pictures_also_when_a_jpeg_blurred_them(grey):
    mask = np.where(np.hypot(*np.mgrid[-100:100, -100:100]) < 50, 255, 0).astype(np.uint8)
    assert said(mask) == [exposure.MASK]
    noise = np.random.default_rng(0).integers(0, 6, mask.shape)
    assert said(np.where(mask, 255 - noise, noise).astype(np.uint8)) == [exposure.MASK]
    assert said(np.where(mask, 190, grey).astype(np.uint8)) == []


def test_one_level_is_said_alone():
    assert said(np.full((64, 64), 255, np.uint8)) == [exposure.ONE_LEVEL]
