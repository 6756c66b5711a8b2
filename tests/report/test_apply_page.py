import pytest

from nanofoam_lib.report import apply_page


@pytest.mark.parametrize(
    "column, english, spanish",
    [
        ("probability_CuNi1", "probability of CuNi1", "probabilidad de CuNi1"),
        ("modulus_gpa_low", "modulus (GPa), from", "módulo (GPa), desde"),
        ("uptake_mg_g_high", "uptake_mg_g, to", "uptake_mg_g, hasta"),
        ("distance", "distance", "distance"),
    ],
)
def test_columns_called_after_classes_and_properties_are_headed_in_words(column, english, spanish):
    assert (apply_page._headed(column, "en"), apply_page._headed(column, "es")) == (english, spanish)
