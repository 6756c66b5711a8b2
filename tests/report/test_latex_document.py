import re
import shutil
import subprocess

import pandas as pd
import pytest
from conftest import ODD

from nanofoam_lib.base import files
from nanofoam_lib.report import latex_document, latex_tables


def rows_of(text):
    body = re.search(r"\\toprule\n(.*)\\bottomrule", text, re.DOTALL)[1]
    return [line.removesuffix(r" \\").split(" & ") for line in body.splitlines() if "&" in line]


def test_special_characters_are_escaped():
    assert latex_tables.escape("a_b%c&d #$x") == r"a\_b\%c\&d \#\$x"
    assert latex_tables.escape("{~^\\}") == r"\{\textasciitilde{}\textasciicircum{}\textbackslash{}\}"
    assert latex_tables.escape("a\nb\tñ «é»") == "a b ñ «é»"
    assert latex_tables.escape("n\u0303") == "ñ"
    assert latex_tables.escape("泡🧽") == "[U+6CE1][U+1F9FD]"


@pytest.mark.parametrize(("lang", "point", "forest"), [("en", ".", "random forest"), ("es", ",", "bosque aleatorio")])
def test_table_1_has_classifiers_by_descriptor_with_intervals_and_the_best_bold(small_run, lang, point, forest):
    table = pd.read_csv(small_run.table("table1"))
    text = latex_tables.scores(table, [False, False, False, True], "A 50 % caption", "table1", lang)
    heads, mu, sigma = rows_of(text)
    assert heads[-2:] == ["KNN", forest]
    assert mu == [
        "4",
        r"vae \ensuremath{\mu}",
        *(s.replace(".", point) for s in ("0.50 (0.12--0.75)", "0.75 (0.50--0.88)")),
    ]
    assert sigma[-1] == r"\textbf{1.00 (0.88--1.00)}".replace(".", point)
    assert text.count(r"\textbf") == 1
    assert r"\caption{A 50 \% caption}\label{tab:table1}" in text


def test_two_protocols_stand_in_two_blocks_and_a_missing_score_is_a_dash(small_run):
    table = pd.read_csv(small_run.table("table1"))
    leaky = table.assign(protocol="thesis (leaky)").iloc[1:]
    text = latex_tables.scores(pd.concat([table, leaky]), [False] * 7, "c", "l", "en")
    first, second = text.index(r"\textit{split by group}"), text.index("(leaky)")
    assert first < second < text.index(r"& -- & 0.75")


def test_other_tables_join_intervals_and_say_what_all_rows_share():
    frame = pd.DataFrame(
        {"kind": "vae", "class_a": ["x_1", "y"], "r": [0.5, 0.625], "ci_low": 0.25, "ci_high": [0.75, 1]}
    )
    text = latex_tables.table(frame, "Caption.", "separation", "tables/separation.csv", "en")
    assert rows_of(text) == [["class a", "R"], [r"x\_1", "0.500 (0.250–0.750)"], ["y", "0.625 (0.250–1.000)"]]
    assert r"\caption{Caption. All rows: kind: VAE.}" in text


def test_many_columns_have_their_headings_in_several_lines():
    frame = pd.DataFrame({f"heading no_{i}": [i, "x"] for i in range(7)})
    heads = rows_of(latex_tables.table(frame, "C.", "w", "tables/w.csv", "en"))[0]
    assert heads[0] == r"\shortstack{heading\\no\_0}"
    assert rows_of(latex_tables.table(frame.iloc[:, :6], "C.", "w", "tables/w.csv", "en"))[0][0] == r"heading no\_0"


def test_a_long_table_is_shortened_and_says_so():
    longest = latex_tables.LONGEST
    text = latex_tables.table(pd.DataFrame({"dimension": range(longest + 1)}), "C.", "d", "tables/d.csv", "es")
    assert f"{longest} de {longest + 1} filas; todas están en tables/d.csv." in text
    assert rf"{longest - 1} \\" in text
    assert rf"{longest} \\" not in text


def test_the_document_shows_every_figure_and_table(small_run):
    latex_document.write(small_run)
    text = (small_run.folder / "thesis.tex").read_text()
    assert text.count(r"\includegraphics") == 2
    for name in ("table1", "controls", "dimensions", "geometry"):
        assert rf"\input{{tables/{name}.tex}}" in text
        assert r"\toprule" in small_run.table(name).with_suffix(".tex").read_text()
    assert r"Latent vectors on two principal components. The components are" in text
    index = small_run.load_index()
    on_test = index.loc[index["split"] == "test", "group"].nunique()
    n = f"n = {len(index)} images of {index['group'].nunique()} specimens, {on_test} of them on test"
    data = r"Data: a\_b\%c\&d \#\textless{}i\textgreater{}"
    assert f"{data}, {n}; split by group, seed 3; latent size 4." in text
    assert text.index(r"\section{Do the descriptors") < text.index(r"\section{What do the latent")


@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_document_compiles_and_nothing_sticks_out(small_run, lang):
    if not shutil.which("pdflatex"):
        pytest.skip("no pdflatex; apt-get install texlive-latex-recommended texlive-lang-spanish lmodern latexmk")
    manifest = small_run.load_manifest()
    files.write_json(
        small_run.manifest, manifest | {"lang": lang, "data": manifest["data"] | {"name": f"{ODD}~^$\\{{ μ² 泡 ñß"}}
    )
    for figure in small_run.folder.glob("figures/gradcam_*.pdf"):
        shutil.copy(figure, figure.with_name("gradcam_$x_{$ }}.pdf"))
    wide = {f"a rather long heading {i}": ["word " * 4, "x"] for i in range(12)}
    files.write_csv(small_run.table("wide"), pd.DataFrame(wide))
    latex_document.write(small_run)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "thesis.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=small_run.folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    log = (small_run.folder / "thesis.log").read_text(errors="replace")
    assert [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(points) > 3] == []
    assert "Overfull \\vbox" not in log
    assert "undefined" not in log
    for name in (ODD, "$x_{$ }}"):
        assert f"figures/gradcam_{name}.pdf" in log.replace("\n", "")
