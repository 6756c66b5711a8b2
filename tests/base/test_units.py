import pytest

from nanofoam_lib.base import units


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("modulus_gpa", "GPa"), ("cu_m", "M"), ("uptake_mg_g", "mg/g"), ("area_m2_g", "m²/g"),
        ("conductivity_w_m_k", "W/(m·K)"), ("density_g_cm3", "g/cm³"), ("density_per_mm2", "1/mm²"),
        ("current_ma_per_cm2", "mA/cm²"), ("permeability_um2", "µm²"), ("temperature_c", "°C"),
        ("yield_wt_pct", "wt%"), ("Modulus (GPa)", "GPa"), ("E [N/mm²]", "N/mm²"), ("Dicke µm", "µm"),
        ("hardness", ""), ("gpa", ""), ("phase_a", ""), ("c11", ""), ("strain_2", ""),
    ],
)  # fmt: skip
def test_units_are_read_from_names(name, unit):
    assert units.of_name(name) == unit
