import numpy as np
import pytest

from nanofoam_lib.images import levels
from nanofoam_lib.images.levels import BYTES, FLOATING, SIGNED, UNSIGNED, WHITE_LOW, Range, Scale

RAMP = np.arange(10_000).reshape(100, 100)


def test_bytes_stay_whatever_the_scale():
    grey = RAMP.astype(np.uint8)
    assert Scale(10, 20).apply(grey) is grey


@pytest.mark.parametrize("white", [255, 1023, 4095, 9999, 65535])
def test_levels_round_to_the_nearest_and_what_is_brighter_is_white(white):
    expected = np.minimum(np.floor(RAMP / white * 255 + 0.5), 255)
    np.testing.assert_array_equal(Scale(0, white).apply(RAMP.astype(np.uint16)), expected)


def test_a_scale_upside_down_inverts():
    plain, turned = Scale(0, 9999).apply(RAMP.astype(np.uint16)), Scale(9999, 0).apply(RAMP.astype(np.uint16))
    np.testing.assert_array_equal(turned, 255 - plain)


def test_black_and_white_of_numbers_with_a_sign():
    assert Scale(-100, 155).apply(np.array([[-200, -100, 0, 155, 400]], np.int16)).tolist() == [[0, 0, 100, 255, 255]]
    assert Scale(-1, 1).apply(np.array([[-1, 0, 1, np.nan]], np.float64)).tolist() == [[0, 128, 255, 0]]


def test_a_range_leaves_out_what_few_pixels_show():
    found = Range.of(RAMP.astype(np.uint16))
    assert (found.kind, found.low, found.high) == (UNSIGNED, 34, 9964)
    hot = RAMP.astype(np.uint16)
    hot[:3, :10] = 60_000
    assert Range.of(hot).high < 10_000
    assert Range.of(RAMP.astype(np.float32) - 5000) == Range(FLOATING, -4966, 4964)
    assert Range.of(RAMP.astype(np.int16)).kind == SIGNED
    assert Range.of(RAMP.astype(np.uint16), is_white_low=True).kind == WHITE_LOW


def test_letters_count_for_nothing_however_many():
    lettered = RAMP.astype(np.uint16)
    lettered[:20] = 65535
    assert Range.of(lettered).high < 10_000
    saturated = np.minimum(RAMP * 10, 65535).astype(np.uint16)  # a picture that is overexposed, and no drawing
    assert Range.of(saturated).high == 65535


def test_a_picture_of_no_number_has_a_range():
    assert Range.of(np.full((5, 5), np.nan)) == Range(FLOATING, 0, 1)


def test_large_pictures_are_measured_by_a_part(monkeypatch):
    monkeypatch.setattr(levels, "MEASURED", 500)
    part = Range.of(RAMP.astype(np.uint16))
    assert part.low < 150 and part.high > 9500


def test_the_brightest_picture_of_a_folder_decides_for_all():
    dark, bright = Range(UNSIGNED, 10, 900), Range(UNSIGNED, 20, 3000)
    assert levels.decide([dark, bright]) == {UNSIGNED: Scale(0, 4095)}
    assert levels.alone(dark) == Scale(0, 1023)
    assert levels.decide([Range(SIGNED, -50, 40), Range(SIGNED, -20, 90)]) == {SIGNED: Scale(-50, 90)}
    assert levels.alone(Range(WHITE_LOW, 100, 3000)) == Scale(4095, 0)
    assert levels.alone(Range(FLOATING, 7.0, 7.0)) == Scale(7.0, 8.0)
    assert levels.alone(Range(UNSIGNED, 0, 100_000)) == Scale(0, 100_000)


def test_kinds_meet_in_grey():
    """What 8-bit files show at 200, files of more bits show there; what looks like a full range is taken for it."""
    eight = Range(BYTES, 30, 200)
    assert levels.decide([eight, Range(UNSIGNED, 480, 3200)])[UNSIGNED] == Scale(0, 4095)
    assert levels.decide([eight, Range(UNSIGNED, 480, 2000)])[UNSIGNED] == Scale(0, 2550)
    scale = levels.decide([eight, Range(FLOATING, 0.0, 1.0)])[FLOATING]
    assert scale.apply(np.array([[0.0, 1.0]], np.float32)).tolist() == [[30, 200]]


def test_what_was_done_is_said_of_all_but_bytes():
    assert levels.describe([BYTES] * 3, [Scale()] * 3) == []
    assert levels.describe([BYTES, UNSIGNED, UNSIGNED], [Scale(), Scale(0, 4095), Scale(0, 4095)]) == [
        "16-bit levels of 2 images: 0 is black and 4095 is white, whatever 0.35% of the pixels inside the crop are"
    ]
