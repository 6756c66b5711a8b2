import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.images import consistency


def index(**columns):
    usual = {"path": list("wxyz"), "label": ["a", "a", "b", "b"], "width": 480, "height": 360}
    return pd.DataFrame(usual | {"pixel_size_um": 0.27, "levels": "8-bit"} | columns)


def test_what_is_the_same_is_not_remarked_on():
    assert consistency.mixtures(index()) == []
    assert consistency.mixtures(index(pixel_size_um=np.nan)) == []


def test_what_differs_within_a_class_is_not_said_to_go_with_it():
    (said,) = consistency.mixtures(index(width=[480, 640, 480, 640]))
    assert said == "mixed image sizes (480×360, 640×360): the same structure will look different in size"


def test_what_differs_between_the_classes_alone_is_said_to_tell_them():
    (said,) = consistency.mixtures(index(pixel_size_um=[0.27, 0.27, np.nan, np.nan]))
    assert said.startswith("mixed pixel sizes (0.27, –): ")
    assert said.endswith("; they go with the class (a 0.27, b –), which can then be told by them alone")


@pytest.mark.parametrize(
    ("um", "width"),
    [(2.7e-7, "0.13 nm"), (270, "130 mm"), (101, "48.5 mm"), (0.27, None), (1e-3, None), (np.nan, None)],
)
def test_fields_of_view_that_no_microscope_has_are_told(um, width):
    said = consistency.odd_lengths(index(pixel_size_um=um))
    assert [f"is {width} wide" in line and "w and 3 more" in line for line in said] == [True] * (width is not None)


def test_a_remark_with_shares_is_one_line_with_their_range():
    results = [{"remarks": [("has {} white", 0.621)]}, {"remarks": ["is odd", ("has {} white", 0.5)]}]
    assert consistency.remarks(["a", "b"], results) == ["a and 1 more: has 50–62 % white", "b: is odd"]
