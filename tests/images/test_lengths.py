import pytest

from nanofoam_lib.images import lengths


@pytest.mark.parametrize(
    ("text", "um"),
    [
        ("0.27", 0.27), ("0,27", 0.27), ("270 nm", 0.27), ("270nm", 0.27), ("0.27 µm", 0.27), ("0.27 μm", 0.27),
        ("0.27um", 0.27), ("2.7e-7 m", 0.27), ("2,7E-4mm", 0.27), ("0.27 microns", 0.27), ("0.27 Âµm", 0.27),
        ("0,27 micrómetros", 0.27), ("0.27\u00a0µm", 0.27), (" 0.27 µm/px ", 0.27), ("270 nm/pixel", 0.27),
        ("0.27 µm per pixel", 0.27), (".27", 0.27), ("+1", 1.0), ("1,000.5", 1000.5), ("1.000,5 nm", 1.0005),
        ("2700 Å", 0.27), ("270000 pm", 0.27), ("1 cm", 10_000.0), ("1 inch", 25_400.0), ("12", 12.0), ("1e3", 1000.0),
    ],
)  # fmt: skip
def test_lengths_are_read_in_micrometres(text, um):
    assert lengths.parse(text) == pytest.approx(um, rel=1e-12)


@pytest.mark.parametrize("text", ["270 nm", "0,27 µm", "270000 pm"])
def test_a_length_is_the_same_number_in_whatever_unit(text):
    assert lengths.parse(text) == 0.27


@pytest.mark.parametrize(
    "text",
    ["", "large", "nm", "0", "-1", "inf", "nan", "1e999", "True", "0.27 parsec", "1.2.3", "0.27 µm wide", "27 0", "1 /",
     "1,2,3", "0x10", "700 X"],
)  # fmt: skip
def test_what_is_no_length_is_none(text):
    assert lengths.parse(text) is None


def test_a_bare_number_has_the_unit_that_is_asked_for():
    assert lengths.parse("270", unit="nm") == 0.27
    assert lengths.parse("0.27 µm", unit="nm") == 0.27


def test_units_by_name():
    assert (lengths.in_um("Micron"), lengths.in_um(" NM "), lengths.in_um("\\u00B5m")) == (1.0, 1e-3, 1.0)
    assert lengths.in_um("pixel") is None and lengths.in_um("") is None
