import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.images import synthetic, synthetic_folder, synthetic_properties, targets


def test_the_laws_scale_as_stated():
    assert synthetic_properties.modulus_gpa(0) == synthetic_properties.SOLID_GPA
    assert synthetic_properties.modulus_gpa(1) == 0
    halved = synthetic_properties.modulus_gpa(0.75) / synthetic_properties.modulus_gpa(0.5)
    assert halved == pytest.approx(1 / 4)  # the square of the solid
    once, twice = (synthetic_properties.permeability_um2(0.4, d) for d in (10, 20))
    assert twice == pytest.approx(4 * once)
    assert once == pytest.approx(10**2 * 0.4**3 / (180 * 0.6**2))


def table_of(n=400, label="CuNi1", diameter=25.0):
    rng = np.random.default_rng(0)
    groups = np.arange(n).repeat(2)
    return pd.DataFrame(
        {"label": label, "group": groups, "specimen": groups, "porosity": rng.uniform(0.3, 0.5, 2 * n),
         "median_diameter_um": diameter}
    )  # fmt: skip


def test_all_pictures_of_a_specimen_share_its_properties_scattered_about_the_laws():
    table = table_of()
    found = synthetic_properties.of_specimens(table)
    by_specimen = found.groupby(table["group"])
    pd.testing.assert_frame_equal(by_specimen.min(), by_specimen.max())
    assert found["cu_m"].eq(0.30).all()
    phi = table.groupby("group")["porosity"].mean()
    for name, law, scatter in (
        ("modulus_gpa", synthetic_properties.modulus_gpa(phi), 0.01),
        ("permeability_um2", synthetic_properties.permeability_um2(phi, 25.0), 0.05),
    ):
        off = np.log(found[name].iloc[::2].to_numpy() / law)
        assert off.std() == pytest.approx(scatter, rel=0.15) and abs(off.mean()) < scatter / 5


def test_what_a_structure_does_not_have_it_gets_no_property_of():
    assert list(synthetic_properties.of_specimens(table_of(3, "fine", np.nan))) == ["modulus_gpa"]


def test_a_synthetic_folder_has_properties(tmp_path):
    table = synthetic_folder.write_folder(tmp_path, 2, 1, size=(75, 100), pixel_size_um=1.08, n_jobs=1)
    found = targets.of_index(table)
    assert list(found.table) == ["cu_m", "modulus_gpa", "permeability_um2"]
    assert table.groupby("label")["cu_m"].first().to_dict() == {
        name: made.copper_molar for name, made in synthetic.COMPOSITIONS.items()
    }


def test_the_laws_give_of_true_pores_what_specimens_have_but_for_their_scatter():
    table = table_of(n=200)
    found, mean = synthetic_properties.of_specimens(table), table.groupby("group").transform("mean", numeric_only=True)
    for name, spread in (("modulus_gpa", 0.01), ("permeability_um2", 0.05)):
        ratio = np.log(found[name] / synthetic_properties.LAWS[name](mean))
        assert abs(ratio.mean()) < 0.2 * spread and ratio.std() == pytest.approx(spread, rel=0.15)
    assert set(synthetic_properties.LAWS) == set(found) - {"cu_m"}
