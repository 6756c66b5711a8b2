import json
import stat

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_while_writing_a_reader_sees_the_earlier_file(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    files.write_text(path, "before")
    with files.replacing(path) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
        assert temporary.suffix == ".csv"
    assert path.read_text() == "after"


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    files.write_text(tmp_path / "ours", "")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_formats_round_trip(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": ["x, y", "ñ"]})
    files.write_csv(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), table)
    files.write_npz(tmp_path / "t.npz", id=np.arange(3), mu=np.eye(3, dtype=np.float32))
    assert files.read_npz(tmp_path / "t.npz")["mu"].dtype == np.float32
    files.write_json(tmp_path / "t.json", {"σ": 1.5})
    assert json.loads((tmp_path / "t.json").read_text()) == {"σ": 1.5}


def test_what_is_not_data_is_refused(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle"):
        files.write_npz(tmp_path / "t.npz", bad=np.array([object()]))
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "t.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_numbers_and_truth_values_are_read_as_such_and_names_as_they_are(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("label,active,kl,size,n,note,batch\n001,True,0.5,3,7,NA,020\nNA,False,,4,,,10\n")
    table = files.read_csv(path)
    assert table["label"].tolist() == ["001", "NA"]
    assert table["active"].tolist() == [True, False]
    assert table["kl"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert table["size"].tolist() == [3, 4]
    assert table["n"].tolist() == [7, pd.NA]
    assert table["note"][0] == "NA"
    assert table["batch"].tolist() == ["020", "10"]
    assert pd.isna(table["note"][1])
    path.write_text("label,got\n")
    assert files.read_csv(path)["got"].mean() is not None and files.read_csv(path)["label"].tolist() == []
    path.write_text("um_x,n\n,1\n,2\n")
    assert np.isnan(np.asarray(files.read_csv(path)["um_x"], float)).all()


def test_predicted_is_a_class_in_a_confusion_and_a_number_elsewhere(tmp_path):
    for header, expected in (("true,predicted", "2"), ("wanted,predicted", 2)):
        (tmp_path / "t.csv").write_text(f"{header}\n1,2\n")
        assert files.read_csv(tmp_path / "t.csv")["predicted"][0] == expected


def test_a_damaged_table_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("")
    with pytest.raises(DataError, match=r"t\.csv: damaged"):
        files.read_csv(path)
