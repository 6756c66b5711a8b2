import json

import pytest

from nanofoam_lib import __main__
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.report import cited_numbers

ROW = "{kind: vae, latent_dim: 4, descriptor: sigma, classifier: random forest}"
GOOD = f"- {{table: table1, row: {ROW}, column: accuracy, value: 1.0, tolerance: 0.01}}\n"


def write(run, text):
    (run.folder / cited_numbers.FILE).write_text(text)
    return run


def verify(run, capsys):
    status = __main__.main(["verify", str(run.folder)])
    return status, *capsys.readouterr()


def test_numbers_that_hold_are_counted(small_run, capsys):
    other = "- {table: dimensions, row: {dimension: 1}, column: best_rho, value: -0.25}\n"
    assert verify(write(small_run, GOOD + other), capsys) == (0, "2 of 2 cited numbers hold\n", "")


def test_a_number_that_moved_is_named_with_file_row_column_and_both_values(small_run, capsys):
    status, out, err = verify(write(small_run, GOOD.replace("value: 1.0", "value: 0.98")), capsys)
    moved, count = out.splitlines()
    assert (status, err, count) == (1, "", "0 of 1 cited numbers hold")
    assert moved.startswith(str(small_run.table("table1")))
    assert moved.endswith("descriptor sigma, classifier random forest: accuracy: cited as 0.98, now 1")


def test_cited_numbers_as_json(small_run, capsys):
    write(small_run, GOOD.replace("value: 1.0", "value: 0.98") + GOOD.replace("table1", "table9"))
    assert __main__.main(["verify", "--json", str(small_run.folder)]) == 1
    found = json.loads(capsys.readouterr().out)
    (cited,), (problem,) = found["cited"], found["problems"]
    assert (cited["cited"], cited["now"], cited["tolerance"], cited["holds"]) == (0.98, 1.0, 0.01, False)
    assert "entry 2: 'table9' is no table of this run" in problem


@pytest.mark.parametrize(("value", "holds"), [(0.995, True), (0.9949, False), (1.005, True), (1.0051, False)])
def test_the_tolerance_counts_itself_and_is_0_005_if_left_out(small_run, value, holds):
    text = GOOD.replace("value: 1.0, tolerance: 0.01", f"value: {value}")
    (citation,), problems = cited_numbers.verify(write(small_run, text))
    assert (citation.holds, problems) == (holds, [])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("table1", "table9", "'table9' is no table of this run; it has claims, controls, dimensions, geometry, table1"),
        ("table1", "../small/tables/table1", "is no table of this run"),
        ("table1", "/etc/passwd", "is no table of this run"),
        ("column: accuracy", "column: exactness", "has no column 'exactness'"),
        ("kind: vae", "sort: vae", "has no column 'sort'"),
        ("latent_dim: 4", "latent_dim: 5", "no rows match"),
        (", classifier: random forest", "", "2 rows match"),
        ("value: 1.0", "value: '0,98'", "value must be a number, not '0,98'"),
        ("value: 1.0", "value: yes", "value must be a number, not True"),
        ("value: 1.0", "value: .nan", "value must be a number, not nan"),
        ("tolerance: 0.01", "tolerance: -1", "tolerance must not be negative"),
        ("value: 1.0, ", "", "missing value"),
        ("value: 1.0", "value: 1.0, rows: 3", "unknown rows"),
        ("column: accuracy", "column: data", "not a number"),
        (ROW, "sigma", "row must be {column: value, ...}, not 'sigma'"),
        (GOOD, "- 0.98\n", "0.98 is not of the form"),
    ],
)
def test_a_bad_entry_is_one_line_that_names_it_and_the_others_are_still_read(small_run, capsys, old, new, message):
    status, out, err = verify(write(small_run, GOOD + GOOD.replace(old, new)), capsys)
    assert (status, out) == (1, "1 of 2 cited numbers hold\n")
    assert err.startswith(f"nanofoam: error: {small_run.folder / cited_numbers.FILE}: entry 2: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "table: table1", "- [", "\x00"])
def test_a_damaged_file_is_one_line(small_run, capsys, text):
    status, out, err = verify(write(small_run, text), capsys)
    assert (status, out) == (1, "")
    assert "see nanofoam verify --help" in err
    assert err.count("\n") == 1


def test_a_missing_file_says_how_to_write_one(small_run, capsys):
    with pytest.raises(DataError, match=r"cited\.yaml: missing; .* nanofoam verify --help"):
        cited_numbers.verify(small_run)
    with pytest.raises(SystemExit):
        __main__.main(["verify", "--help"])
    lines = capsys.readouterr().out.split("an entry for each:")[1].split("row names")[0]
    example = lines.replace("latent_dim: 128", "latent_dim: 4").replace("0.65", "1.0")
    (citation,), problems = cited_numbers.verify(write(small_run, example))
    assert (citation.holds, problems) == (True, [])
