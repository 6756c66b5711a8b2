import hashlib
import os
import pathlib

import numpy as np
import pandas as pd
import pytest
from conftest import save

from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.images import collection


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("note,group\na,b\n", "no column 'path'; expected path,label,group,pixel_size_um, not note, group"),
        ("path,label\nbrick/brick_0.png,grass\n", "label 'grass'"),
        ("path,pixel_size_um\nbrick/brick_0.png,large\n", "'large'"),
        ("path,pixel_size_um\nbrick/brick_0.png,-1\n", "not a length"),
        ("path,pixel_size_um\nbrick/brick_0.png,0\n", "'0', not a length"),
        ("path,pixel_size_um\nbrick/brick_0.png,inf\n", "'inf', not a length"),
        ("path,pixel_size_um\nbrick/brick_0.png,1e999\n", "not a length"),
        ("path,pixel_size_um\nbrick/brick_0.png,True\n", "'True', not a length"),
        ('path,pixel_size_um\nbrick/brick_0.png,"0,2,7"\n', "'0,2,7', not a length"),
        ("path,group,Group\nbrick/brick_0.png,a,b\n", "columns 'group' and 'Group' may both be group"),
        ("path,note,note\nbrick/brick_0.png,a,b\n", "two columns are called 'note'"),
        ("path,\nbrick/brick_0.png,a\n", "column 2 has no name"),
        ("path,group\nbrick/brick_0.png,a\nbrick/brick_0.png,b\n", "lists brick/brick_0.png twice"),
        ("path,group\nabsent.png,a\nabsent.png,b\n", "lists absent.png twice"),
        ("path,group\nbrick/brick_0.png,a\n,b\n", "row 2 has no path"),
        ("path,group\n../brick_0.png,a\n", "leads out of the data folder"),
        ("path,group\nbrick/../../brick_0.png,a\n", "leads out of the data folder"),
        ("path,group\n/etc/passwd,a\n", "'/etc/passwd' leads out"),
        ('path,group\n"../two\nlines",a\n', r"'\.\./two\\nlines' leads out"),
        ("path,group\nbrick/brick_0.png,a,b\n", "cannot be read as CSV"),
        ('path,group\n"brick', "cannot be read as CSV"),
        ("", "cannot be read as CSV"),
    ],
)
def test_metadata_that_cannot_be_used_is_named(tiles, text, message):
    (tiles / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        collection.list_folder(tiles)
    assert "metadata.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_of_another_system_is_a_name_that_is_not_there(tiles):
    (tiles / "metadata.csv").write_text("path,group\nC:\\images\\1.png,a\n")
    said = collection.survey(tiles).said
    assert any(r"lists C:\images\1.png, which the data folder does not hold; write paths as" in own for own in said)


def test_metadata_that_is_no_file_of_the_folder_is_named(tiles, tmp_path):
    place = tiles / "metadata.csv"
    place.mkdir()
    with pytest.raises(DataError, match="is not a file in the data folder"):
        collection.list_folder(tiles)
    place.rmdir()
    (tmp_path / "elsewhere.csv").write_text("path\n")
    for target in (tmp_path / "elsewhere.csv", place, tmp_path / "nowhere"):
        place.symlink_to(target)
        with pytest.raises(DataError, match="is not a file in the data folder"):
            collection.list_folder(tiles)
        place.unlink()


def test_metadata_that_does_not_match_the_images_is_told(tiles):
    table, said = collection.survey(tiles)
    assert said == []
    described = table[["path"]].iloc[2:]
    described.assign(group="s").to_csv(tiles / "metadata.csv", index=False)
    unknown = "metadata.csv has no row for brick/brick_0.png and 1 more: each such image counts as a group of its own"
    shared = (
        "group s stands in several classes, and counts as one specimen; if these are different ones, name them apart"
    )
    assert collection.survey(tiles).said == [unknown, shared]
    foreign = pd.DataFrame({"path": ["gone/1.png", "brick\\brick_9.png"]})
    pd.concat([table[["path", "group"]], foreign]).to_csv(tiles / "metadata.csv", index=False)
    absent = (
        "metadata.csv lists gone/1.png and 1 more, which the data folder does not hold; write paths as <class>/<image>"
    )
    assert collection.survey(tiles).said == [absent]
    table[["path"]].to_csv(tiles / "metadata.csv", index=False)
    alone = "metadata.csv has no column 'group', nor 'specimen' or 'sample': each image counts as a group of its own"
    assert collection.survey(tiles).said == [alone]


def test_a_second_column_of_specimens_is_told_where_it_would_form_other_groups(tiles):
    table = collection.list_folder(tiles)[["path"]].head(4).assign(group=["a", "a", "b", "c"])
    said = "metadata.csv has a column 'specimen' too, which is not used to form groups"
    for specimens, is_told in (([7, 7, 8, 9], False), ([7, 7, 8, 8], True), ([6, 7, 8, 9], True)):
        table.assign(specimen=specimens).to_csv(tiles / "metadata.csv", index=False)
        assert (said in collection.survey(tiles).said) == is_told


def test_a_table_of_many_columns_is_read(tiles):
    paths = "".join(f"brick/brick_{i}.png{',x' * 300}\n" for i in range(2))
    (tiles / "metadata.csv").write_text(f"path,{','.join(f'note {i}' for i in range(300))}\n{paths}")
    table = collection.list_folder(tiles)
    assert table.loc[0, "note 299"] == "x"
    assert table["group"].tolist() == table["path"].tolist()


def test_names_in_metadata_stay_text(tiles):
    """Specimens called 007, NaN-like words in further columns, and a byte-order mark as Excel writes it."""
    rows = "path,group,pixel_size_um,note\nbrick/brick_0.png,007,0.5,x\nbrick/brick_1.png,1e3,,\n"
    (tiles / "metadata.csv").write_text(rows, encoding="utf-8-sig")
    table = collection.list_folder(tiles).set_index("path")
    assert table.loc["brick/brick_0.png", "group"] == "007"
    assert table.loc["brick/brick_1.png", "group"] == "1e3"
    assert table.loc["brick/brick_0.png", "pixel_size_um"] == 0.5
    assert np.isnan(table.loc["brick/brick_1.png", "pixel_size_um"])


def test_columns_of_the_index_in_metadata_do_not_stand_in_the_way(tiles):
    (tiles / "metadata.csv").write_text(
        "path,id,split,sha256,width,white,label\nbrick/brick_0.png,9,test,x,1,2,brick\n"
    )
    table = collection.list_folder(tiles)
    assert list(table.columns) == ["path", "label", "group", "pixel_size_um"]


STRANGE = ["with space.png", "-rf.png", "ñandú μ.png", "two\nlines.png", 'quote"comma,.png', "$x_{$.png", "%s {0}.png"]


def test_strange_names_are_listed_as_they_are(tmp_path):
    for label in ("- class", "línea\nnueva"):
        (tmp_path / label).mkdir()
        for i, name in enumerate(STRANGE):
            save(np.full((64, 64), i, np.uint8), tmp_path / label / name)
    table = collection.list_folder(tmp_path)
    assert set(table["path"]) == {f"{label}/{name}" for label in ("- class", "línea\nnueva") for name in STRANGE}
    table.to_csv(tmp_path / "metadata.csv", index=False)
    again, said = collection.survey(tmp_path)
    pd.testing.assert_frame_equal(again, table)
    assert said == []


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
def test_names_that_are_not_utf_8_are_named(tiles):
    try:
        pathlib.Path(os.fsdecode(bytes(tiles / "brick") + b"/\xe9.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system holds no such name")
    with pytest.raises(DataError, match=r"brick/\\udce9\.png: its name is not UTF-8"):
        collection.list_folder(tiles)


def test_the_order_of_images_does_not_depend_on_the_disk(tiles, monkeypatch):
    expected = collection.list_folder(tiles)
    iterdir = pathlib.Path.iterdir
    monkeypatch.setattr(pathlib.Path, "iterdir", lambda self: sorted(iterdir(self), reverse=True))
    pd.testing.assert_frame_equal(collection.list_folder(tiles), expected)


def test_links_in_a_circle_do_not_hang(tiles):
    expected = list(collection.list_folder(tiles)["path"])
    (tiles / "self").symlink_to(tiles)
    (tiles / "brick" / "up").symlink_to("..")
    (tiles / "circle").symlink_to(tiles / "circle")
    assert list(collection.list_folder(tiles)["path"]) == expected


def test_a_run_inside_the_data_folder_is_no_class(tiles):
    expected = collection.list_folder(tiles)
    for name in ("manifest.json", "figures/pca.png", "data/synthetic/CuNi1/CuNi1_000.jpg", "data/index.csv"):
        (tiles / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tiles / "run" / name).write_bytes((tiles / expected["path"][0]).read_bytes())
    collection.check_apart(tiles, tiles / "run")
    pd.testing.assert_frame_equal(collection.list_folder(tiles), expected)


def test_a_data_folder_in_the_run_folder_is_refused(tiles, tmp_path):
    (tmp_path / "alias").symlink_to(tiles)
    for run_folder in (tiles, tiles.parent, tmp_path / "alias", tiles / ".." / tiles.name):
        with pytest.raises(UsageError, match="choose another --out"):
            collection.check_apart(tiles, run_folder)
    collection.check_apart(tiles, tmp_path / "reports")


def test_files_that_changed_since_they_were_read_are_named(tiles):
    index = collection.list_folder(tiles)
    index["sha256"] = [hashlib.sha256((tiles / path).read_bytes()).hexdigest() for path in index["path"]]
    collection.check_unchanged(tiles, index)
    victim = tiles / index["path"][7]
    content = victim.read_bytes()
    victim.write_bytes(content[:-1])
    with pytest.raises(DataError, match=rf"{victim.name}: changed while it was read"):
        collection.check_unchanged(tiles, index)
    victim.unlink()
    with pytest.raises(DataError, match=rf"{victim.name}: changed"):
        collection.check_unchanged(tiles, index)
    victim.write_bytes(content)
    collection.check_unchanged(tiles, index)


def test_folders_that_are_no_data_are_named(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        collection.list_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        collection.list_folder(tmp_path / "file")
    with pytest.raises(DataError, match="no images"):
        collection.list_folder(tmp_path)
    (tmp_path / "only").mkdir()
    save(np.zeros((64, 64), np.uint8), tmp_path / "only" / "a.png")
    assert collection.list_folder(tmp_path)["label"].tolist() == ["only"]  # one class is enough


def test_suffixes_match_in_any_case_and_other_files_are_not_images(tiles):
    (tiles / "brick" / "brick_0.png").rename(tiles / "brick" / "B0.PNG")
    (tiles / "brick" / "notes.txt").write_text("not an image, and not called one")
    (tiles / ".cache").mkdir()
    save(np.zeros((64, 64), np.uint8), tiles / ".cache" / "a.png")
    paths = collection.list_folder(tiles)["path"]
    assert len(paths) == 18
    assert "brick/B0.PNG" in set(paths)


def test_a_flat_folder_is_one_class_called_as_it_is(tmp_path):
    folder = tmp_path / "foams"
    (folder / "notes").mkdir(parents=True)
    (folder / "masks").mkdir()
    for name in ("b.png", "a.png", "a_mask.png", "masks/b.png"):
        save(np.zeros((64, 64), np.uint8), folder / name)
    (folder / "metadata.csv").write_text("path,specimen,modulus_gpa\na.png,S1,2.5\nb.png,S1,2.5\n")
    found = collection.survey(folder)
    assert found.table["path"].tolist() == ["a.png", "b.png"]
    assert set(found.table["label"]) == {"foams"} and set(found.table["group"]) == {"S1"}
    assert found.table["modulus_gpa"].tolist() == [2.5, 2.5]
    assert "masks, used by -p pores=masks: masks/b.png and 1 more" in found.said
    assert not any("in no class" in line for line in found.said)
    (folder / "foam").mkdir()
    save(np.zeros((64, 64), np.uint8), folder / "foam" / "c.png")  # from here on folders are classes
    found = collection.survey(folder)
    assert found.table["path"].tolist() == ["foam/c.png"]
    assert "3 images lie in no class, such as a.png, and not used" in found.said
