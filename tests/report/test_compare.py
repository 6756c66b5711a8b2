import json
import re
import shutil

import pytest

from nanofoam_lib import __main__
from nanofoam_lib.base import files
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.report import compare


@pytest.fixture
def two_runs(small_run):
    """Give two runs on the same data that differ in seed, and in one accuracy."""
    other = Run(small_run.folder.with_name("other"))
    shutil.copytree(small_run.folder, other.folder)
    change(other, parameters={"seed": 4})
    text = other.table("table1").read_text()
    other.table("table1").write_text(text.replace("1.0,0.875,1.0", "0.5,0.25,0.75"))
    return small_run, other


def change(run, **values):
    manifest = run.load_manifest()
    for name, value in values.items():
        manifest[name] = manifest[name] | value if isinstance(value, dict) else value
    files.write_json(run.manifest, manifest)


def test_only_parameters_that_differ_are_shown(two_runs):
    found = compare.compare([run.folder for run in two_runs])
    assert found.parameters.to_dict("index") == {"seed": {"small": "3", "other": "4"}}
    assert found.same_data


def test_headline_numbers_are_those_of_the_tables(two_runs):
    found = compare.compare([run.folder for run in two_runs]).headlines
    assert found["small"].to_dict() == {
        "vae-4 μ, random forest": "0.75 (0.50–0.88)",
        "vae-4 μ, best classifier": "0.75 (0.50–0.88) random forest",
        "vae-4 σ, random forest": "1.00 (0.88–1.00)",
        "vae-4 σ, best classifier": "1.00 (0.88–1.00) random forest",
        "LBP, random forest": "0.75 (0.50–0.88)",
        "LBP, best classifier": "0.75 (0.50–0.88) random forest",
        "active dimensions, vae-4": "3 of 4",
        "R² of median diameter, vae-4 μ": "−0.25",
        "R² of median diameter, LBP": "0.88",
        "seconds": "2",
    }
    differing = found[found["small"] != found["other"]]
    assert differing["other"].tolist() == ["0.50 (0.25–0.75)", "0.50 (0.25–0.75) random forest"]


def test_what_one_run_lacks_is_a_dash(two_runs):
    text = two_runs[1].table("controls").read_text()
    two_runs[1].table("controls").write_text(text.replace("LBP", "pixel PCA"))
    found = compare.compare([run.folder for run in two_runs]).headlines
    assert found.loc["LBP, random forest"].tolist() == ["0.75 (0.50–0.88)", "–"]
    assert found.loc["pixel PCA, random forest"].tolist() == ["–", "0.75 (0.50–0.88)"]


def test_the_text_is_aligned_and_warns_of_different_data(two_runs, capsys):
    change(two_runs[1], data={"name": "tiles", "hash": "f00d"})
    assert __main__.main(["compare", *(str(run.folder) for run in two_runs)]) == 0
    out = capsys.readouterr().out
    assert (
        "These runs are of different data (small: a_b%c&d #<i>, other: tiles): their numbers do not compare.\n" in out
    )
    heading, first = (next(line for line in out.splitlines() if line.startswith(s)) for s in ("headline", "vae-4 σ, r"))
    assert heading.index("small") == first.index("1.00 (")
    assert heading.index("other") == first.index("0.50 (")


def test_the_comparison_as_json_holds_every_number(two_runs, capsys):
    folders = [str(run.folder) for run in two_runs]
    assert __main__.main(["compare", "--json", *folders]) == 0
    found, table = json.loads(capsys.readouterr().out), compare.compare(folders)
    assert found["data"] == table.data and found["same_data"] is True
    assert found["parameters"] == {"small": {"seed": "3"}, "other": {"seed": "4"}}
    assert found["headlines"] == {name: table.headlines[name].to_dict() for name in ("small", "other")}


def test_the_same_data_give_no_warning_and_synthetic_foams_are_told_apart_by_what_draws_them(two_runs, capsys):
    folders = [str(run.folder) for run in two_runs]
    __main__.main(["compare", *folders])
    assert "different data" not in capsys.readouterr().out
    for run in two_runs:
        change(run, data={"hash": None})
    __main__.main(["compare", *folders])
    assert "different data" in capsys.readouterr().out


def test_folders_of_one_name_are_told_apart_by_their_paths(small_run):
    copy = small_run.folder.parent / "deep" / "small"
    shutil.copytree(small_run.folder, copy)
    assert list(compare.compare([small_run.folder, copy]).data) == [str(small_run.folder), str(copy)]


def test_the_page_stands_alone_and_escapes_names(two_runs, tmp_path, capsys):
    page = tmp_path / "out" / "both.html"
    __main__.main(["compare", *(str(run.folder) for run in two_runs), "--html", str(page)])
    text = page.read_text()
    assert "a_b%c&amp;d #&lt;i&gt;" in text
    assert "<i>" not in text
    assert "0.50 (0.25–0.75)" in text
    assert not re.search(r"\b(src|href)=", text)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: shutil.rmtree(run.folder), "is not the folder of a run"),
        (lambda run: run.manifest.write_text("{"), "damaged"),
        (lambda run: run.manifest.write_text("[1]"), "damaged"),
        (lambda run: run.manifest.write_text(json.dumps({"finished": "now"})), "damaged"),
        (lambda run: change(run, finished=None), "unfinished"),
        (lambda run: run.table("table1").unlink(), "table1.csv: cannot be read"),
        (lambda run: run.table("controls").write_text("a,b\n1,2\n"), "damaged"),
    ],
)
def test_a_missing_or_damaged_run_is_one_line(two_runs, capsys, damage, message):
    damage(two_runs[1])
    assert __main__.main(["compare", *(str(run.folder) for run in two_runs)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(two_runs[1].folder) in err
    assert message in err
