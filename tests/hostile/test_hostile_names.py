"""Whatever classes and images are called: what `check` takes, `run` takes, and every program reads the results."""

import csv
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from conftest import save
from foreign import posix
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from nanofoam_lib.__main__ import main
from nanofoam_lib.base import file_names, files, spreadsheet_cells
from nanofoam_lib.base.run_folder import TAKEN, Run
from nanofoam_lib.images import checking, collection
from nanofoam_lib.report import captions, html_report, latex_document

#: Names of classes that mean something to LaTeX, to a spreadsheet, to Windows, to HTML, or to this program.
LABELS = (
    "=cmd|'c'!A1", "+1+1", "-1+1", "-", "@SUM(A1)", "\\input{x}", "a:b", "average", "cells", "x" * 240, "<script>",
    "$\\frac$", "_hidden", "A", "a", "CuNi1", "泡", "ñ", "{x}", "%s", "a^b~c", "vae", "texture", "con", "'", '"', "a,b",
    "NA", "1e3", "#NA",
)  # fmt: skip
FILES = ("a\\..\\b.png", "=1.png", "x" * 240 + ".png", "C:1.png")
CELL = re.compile(r"^[=+\-@\t\r]")


def draw(folder, labels, names=FILES, side=160):
    """Write a data folder of pieces of photographs."""
    pictures = [data.brick(), data.grass(), data.gravel()]
    for k, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for i, name in enumerate(names):
            y, x = 160 * (i // 2) + 5 * k, 160 * (i % 2) + 7 * k
            save(pictures[k % 3][y : y + side, x : x + side], folder / label / name)
    return folder


def dangerous(path):
    """List the cells of a CSV file that a spreadsheet takes for a formula; numbers are none."""
    with path.open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    return sorted(
        cell for cell in cells if CELL.match(cell) and not re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?|-inf", cell)
    )


@posix
def test_what_check_takes_can_be_read_again_from_the_index(tmp_path):
    folder = draw(tmp_path / "data", LABELS)
    found = checking.check(folder)
    assert found.problems.empty
    survey = collection.survey(folder)
    run = Run(tmp_path / "run")
    index = survey.table.assign(id=np.arange(len(survey.table)), split="train", sha256="0")
    files.write_csv(run.index, index)
    again = run.load_index()
    assert again["label"].tolist() == index["label"].tolist()
    assert again["path"].tolist() == index["path"].tolist()
    assert set(again["label"]) == set(LABELS)
    assert dangerous(run.index) == []


def test_names_of_files_are_short_plain_and_each_its_own():
    names = file_names.of_labels(LABELS, TAKEN)
    assert list(names) == sorted(LABELS)
    assert names["CuNi1"] == "CuNi1"
    assert len({name.casefold() for name in names.values()}) == len(LABELS)
    for label, name in names.items():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name), (label, name)
        assert len(name) <= file_names.LONGEST
        assert name not in TAKEN
    assert names == file_names.of_labels(reversed(LABELS), TAKEN)


@given(st.lists(st.text(max_size=300), max_size=20))
def test_any_labels_get_names_of_their_own(labels):
    names = file_names.of_labels(labels, TAKEN)
    assert set(names) == set(labels)
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", name) for name in names.values())


@pytest.mark.parametrize("name", ["x" * 250 + ".txt", "ñ" * 120 + ".csv", "a.txt"])
def test_a_file_of_a_long_name_is_written(tmp_path, name):
    files.write_text(tmp_path / name, "done")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with files.replacing(tmp_path / name) as temporary:
        assert temporary.suffix == pathlib.Path(name).suffix
        temporary.write_text("again")
    assert (tmp_path / name).read_text() == "again"


def test_no_cell_of_a_table_is_a_formula_and_all_come_back(tmp_path):
    path, texts = (
        tmp_path / "t.csv",
        [*LABELS, "'=a", "''@b", "\tc", "-3", "+2.5", "''", "'x", "", "-1e5", "-inf", "−3"],
    )
    table = pd.DataFrame({"label": texts, "=heading": texts, "n": np.arange(len(texts)) - 5.5})
    files.write_csv(path, table)
    assert dangerous(path) == []
    again = files.read_csv(path)
    assert again["label"].tolist() == texts
    assert list(again) == ["label", "=heading", "n"]
    assert again["n"].tolist() == table["n"].tolist()
    assert path.read_text().startswith("label,'=heading,n\n")


@given(st.lists(st.text(), min_size=1))
def test_guarding_is_undone(texts):
    table = pd.DataFrame({"label": texts}, dtype=object)
    guarded = spreadsheet_cells.guard(table)
    assert spreadsheet_cells.undo(guarded)["label"].tolist() == texts
    assert not any(CELL.match(cell) and not spreadsheet_cells._NUMBER.fullmatch(cell) for cell in guarded["label"])


def test_ordinary_tables_are_written_as_they_always_were(tmp_path):
    table = pd.DataFrame(
        {"label": ["CuNi1", "a b", "ñ,x"], "r2": [-0.5, np.nan, 1e-9], "n": [-1, 2, 3], "active": [True, False, True],
         "mixed": [1, "a", None]}
    )  # fmt: skip
    assert spreadsheet_cells.guard(table) is table
    files.write_csv(tmp_path / "t.csv", table)
    assert (tmp_path / "t.csv").read_bytes() == table.to_csv(index=False, lineterminator="\n").encode()


def rename(run, labels):
    """Give the two classes of a run other names, and each a picture."""
    index = files.read_csv(run.index)
    index = index.assign(label=index["label"].map(dict(zip(sorted(set(index["label"])), labels, strict=True))))
    files.write_csv(run.index, index)
    for name in run.class_names(labels).values():
        for suffix in ("png", "pdf"):
            with files.replacing(run.figure(f"gradcam_{name}").with_suffix(f".{suffix}")) as temporary:
                Image.new("RGB", (640, 320), "white").save(temporary)


def test_captions_have_the_whole_name_of_a_class(foreign_run):
    label = "average"
    rename(foreign_run, ("x" * 240, label))
    name = foreign_run.class_names(("x" * 240, label))[label]
    assert name != label
    manifest = foreign_run.load_manifest()
    assert captions.caption("figures", f"gradcam_{name}", manifest, {name: label}).title == "Grad-CAM of average"
    html_report.write(foreign_run)
    page = foreign_run.report.read_text()
    assert f"Grad-CAM of {'x' * 240}" in page
    assert "Grad-CAM of average<" in page


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex; see .ci/run")
@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_document_compiles_whatever_classes_are_called(foreign_run, lang):
    pairs = list(zip(LABELS[::2], LABELS[1::2], strict=True))
    for pair in pairs:
        rename(foreign_run, pair)
    index = files.read_csv(foreign_run.index)
    labels = [LABELS[i % len(LABELS)] for i in range(len(index) * 2)]
    index = pd.concat([index, index], ignore_index=True).assign(label=labels[: 2 * len(index)])
    files.write_csv(foreign_run.index, index)
    files.write_json(foreign_run.manifest, foreign_run.load_manifest() | {"lang": lang})
    latex_document.write(foreign_run)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "thesis.tex"]
    done = subprocess.run(command, cwd=foreign_run.folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    text = (foreign_run.folder / "thesis.tex").read_text()
    shown = re.findall(r"includegraphics\{([^{}]*)\}", text)
    assert len(shown) >= len(LABELS) - 2
    for path in shown:
        assert (foreign_run.folder / path.replace(r"\string", "")).exists(), path


@posix
@pytest.mark.soak
def test_a_whole_run_takes_every_name(tmp_path, capsys):
    """From micrographs to the thesis's document, with the real notebooks."""
    labels = (
        "=cmd|'c'!A1",
        "@SUM(A1)",
        "-1+1",
        "\\input{x}",
        "a:b",
        "average",
        "x" * 240,
        "<script>",
        "$\\frac$",
        "_hidden",
    )
    folder, out = draw(tmp_path / "data", labels, (*FILES[:2], "2.png", "3.png")), tmp_path / "out"
    assert main(["check", str(folder)]) == 0
    assert main(["run", "--profile", "demo", "--data", str(folder), "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["compare", str(out), str(out)]) == 0
    tables = list(out.rglob("*.csv"))
    assert len(tables) > 40
    assert {path.name: dangerous(path) for path in tables if dangerous(path)} == {}
    assert set(Run(out).load_index()["label"]) == set(labels)
    if shutil.which("pdflatex"):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "thesis.tex"]
        assert subprocess.run(command, cwd=out, capture_output=True, check=False).returncode == 0
