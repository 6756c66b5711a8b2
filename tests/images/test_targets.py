import numpy as np
import pandas as pd

from nanofoam_lib.images import collection, metadata, targets


def index_of(**columns):
    """Make the index of twelve specimens of two images."""
    groups = [f"s{i:02d}" for i in range(12) for _ in range(2)]
    return pd.DataFrame({"id": range(24), "label": "a", "group": groups, "split": "train", "um_x": 1.0, **columns})


PLAIN = np.arange(12.0).repeat(2)


def test_further_columns_of_numbers_are_properties_and_what_a_run_knows_itself_is_not():
    found = targets.of_index(
        index_of(
            modulus_gpa=PLAIN, porosity=PLAIN, seed=PLAIN, specimen=PLAIN, width=4, pixel_size_um=0.1, cu_m=PLAIN / 10
        )
    )
    assert list(found.table) == ["modulus_gpa", "cu_m"]
    assert found.table["cu_m"].dtype == float and not found.said


def test_what_cannot_be_used_is_said():
    mixed = pd.Series(PLAIN.astype(str)).mask(pd.Series(range(24)) == 3, "<5")
    found = targets.of_index(
        index_of(
            operator="Ana", batch=[f"{i:03d}" for i in range(24)], uptake_mg_g=mixed, rate=2.5, none=np.nan, wet=True
        )
    )
    assert found.table.shape == (24, 0)
    assert found.said == [
        "uptake_mg_g: holds '<5' among numbers, and is not used; leave a cell empty where nothing is known",
        "rate: is 2.5 for all specimens, so that nothing can be learnt of it",
        "none: holds no value",
        "operator, batch, wet: text, and so no property",
    ]


def test_what_is_missing_few_or_differs_within_a_specimen_is_said():
    some = pd.Series(PLAIN).mask(PLAIN == 3)
    half = pd.Series(PLAIN).mask(np.arange(24) % 2 == 1)  # of each specimen one image
    few = pd.Series(PLAIN.astype(str)).where(PLAIN < 4, "n/a")
    found = targets.of_index(index_of(some=some, half=half, few=few, run=np.arange(24)))
    assert list(found.table) == ["some", "half", "few", "run"]
    assert found.table["few"].notna().sum() == 8
    assert found.said == [
        "some: known of 11 of 12 specimens; the others are left out",
        "few: known of 4 of 12 specimens; the others are left out",
        "few: known of 4 specimens, fewer than 10: no claim can be made of it",
        "run: differs between images of one specimen; their mean is taken",
    ]


def test_columns_come_through_from_the_table_beside_the_images(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"")
    (tmp_path / "metadata.csv").write_text('path,group,Modulus (GPa),note\na/1.png,s,"1,5",x\nb/1.png,t,"2,5",\n')
    found = targets.of_index(collection.list_folder(tmp_path))
    assert found.table["Modulus (GPa)"].tolist() == [1.5, 2.5]
    assert found.said[-1] == "note: text, and so no property"


def test_no_column_of_a_run_is_taken_for_a_property():
    index = index_of(
        **{name: PLAIN for name in metadata.INDEX_COLUMNS if name not in ("id", "label", "group", "split")}
    )
    assert targets.of_index(index).table.empty
