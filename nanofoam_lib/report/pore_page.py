"""The page of ``nanofoam pores``: every picture with its outlines and verdict, the distributions, what was tested."""

import base64
import pathlib

import markupsafe
import numpy as np
import pandas as pd

from nanofoam_lib import figures
from nanofoam_lib.base import files, language
from nanofoam_lib.figures import style
from nanofoam_lib.images import pore_folder, pore_methods, pore_verdicts
from nanofoam_lib.latent import class_means
from nanofoam_lib.report import html_report, page
from nanofoam_lib.report.findings.pores import believed, verdicts

#: What classes are compared in.
MEASURES = ("porosity", "median_diameter_um", "density_per_mm2", "circularity", "wall_um")
MOST_PICTURES = 400  # that the page holds; the others lie beside it
_BINS = 40
_WORDS = {
    "summary": "Summary", "pictures": "Pictures", "classes": "Classes", "differences": "Differences between classes",
    "measures": "Measures of each picture", "sizes": "Distribution of pores", "files": "Files",
}  # fmt: skip


def write(out: files.StrPath, name: str, lang: str = "en") -> pathlib.Path:
    """Write ``index.html`` beside the tables of `pore_folder.measure`, with the tables of classes it shows.

    Parameters
    ----------
    out : path-like
        Holds ``pictures.csv``, ``pores.csv`` and ``overlays/``; gets ``classes.csv``, ``differences.csv``, the figure
        ``pore_sizes`` (PDF, PNG, CSV) and ``index.html``.
    name : str
        Of the data.
    lang : {"en", "es"}

    Returns
    -------
    pathlib.Path
        The page.
    """
    out = pathlib.Path(out)
    pictures = read_pictures(out / pore_folder.PICTURES)
    measured = pictures[pictures["verdict"].notna()]
    trusted = measured[believed(measured)]
    means = class_means.means(trusted[list(MEASURES)], trusted["label"], trusted["group"])
    tests = class_means.differences(trusted[list(MEASURES)], trusted["label"], trusted["group"])
    files.write_csv(out / "classes.csv", means)
    files.write_csv(out / "differences.csv", tests)
    drawn = len(trusted) > 0
    if drawn:
        sizes = distribution(out / pore_folder.PORES, set(trusted["path"]), "path")
        known = means[means["mean"].notna()]
        style.save(figures.pore_sizes(sizes, known, name, lang), out / "pore_sizes", sizes)
    shown = measured.assign(doubt=measured["verdict"] != pore_verdicts.DOUBTFUL).sort_values(
        ["doubt"], kind="stable"
    )["path"].head(MOST_PICTURES)  # fmt: skip
    text = page.render(
        "pores.html.j2",
        title=name,
        lang=lang,
        words={key: language.text(word, lang) for key, word in _WORDS.items()},
        summary=[html_report.paragraphs(said) for said in verdicts(pictures, lang)],
        picture=html_report.picture(out / "pore_sizes.png") if drawn else None,
        tables=[
            (key, _WORDS[key], *html_report.cells(own, lang, [False] * len(own)))
            for key, own in (("classes", means), ("differences", tests))
            if len(own)
        ],
        groups=[
            (label, [_shown(out, row, lang) for row in own[own["path"].isin(shown)].itertuples()])
            for label, own in measured.groupby("label")
        ],
        left_out=_left_out(len(measured), lang),
    )
    files.write_text(out / "index.html", text)
    return out / "index.html"


def read_pictures(path: files.StrPath) -> pd.DataFrame:
    """Read ``pictures.csv``: names and words stay strings, an empty reason or problem is one."""
    text = dict.fromkeys(("path", "label", "group", "verdict", "reasons", "method", "why", "problem"), str)
    table = pd.read_csv(path, dtype=text)
    for column in set(text) - set(table):
        table[column] = None
    return table.fillna({"reasons": "", "problem": ""})


def distribution(path: files.StrPath, chosen: set[str], by: str, bins: int = _BINS) -> pd.DataFrame:
    """Count pores by diameter in each class, reading the table of all pores in pieces.

    Parameters
    ----------
    path : path-like
        ``pores.csv``: columns ``path``, ``class``, ``diameter_um`` and ``counted``.
    chosen : set of str
        Which values of the column `by` count.
    by : str
    bins : int

    Returns
    -------
    pandas.DataFrame
        ``class``, ``diameter_um`` (middle of a bin), ``share`` of the class's pores, ``area_share`` of their area.
        Pores whose centre lies in the picture count, and those of unknown size do not.
    """
    widest = 0.0
    for own in _pieces(path, chosen, by):
        widest = max(widest, float(own["diameter_um"].max())) if len(own) else widest
    edges = np.linspace(0, widest * (1 + 1e-9) or 1.0, bins + 1)
    counts: dict[str, np.ndarray] = {}
    for own in _pieces(path, chosen, by):
        for label, part in own.groupby("class"):
            diameters = part["diameter_um"].to_numpy()
            found = [np.histogram(diameters, edges, weights=weights)[0] for weights in (None, diameters**2)]
            counts[str(label)] = counts.get(str(label), 0) + np.array(found, float)
    middle = (edges[:-1] + edges[1:]) / 2
    columns = ["class", "diameter_um", "share", "area_share"]
    rows = [
        pd.DataFrame(dict(zip(columns, (label, middle, number / number.sum(), area / area.sum()), strict=True)))
        for label, (number, area) in sorted(counts.items())
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _pieces(path, chosen, by):
    columns = {"path": str, "class": str}
    for own in pd.read_csv(path, dtype=columns, usecols=["path", "class", "diameter_um", "counted"], chunksize=100_000):
        yield own[own[by].isin(chosen) & own["counted"] & own["diameter_um"].notna()]


def _shown(out, row, lang):
    """Gather what the page says of a picture."""
    jpeg = pore_folder.place(out, row.path).overlay.read_bytes()
    numbers = [
        (language.text(name, lang), language.number(float(getattr(row, name)), lang))
        for name in ("n_pores", "porosity", "median_diameter_um", "wall_um")
    ]
    method = pore_methods.METHODS.get(row.method)
    reasons = pore_verdicts.reasons(row._asdict() | {"count": row.n_pores}, pore_methods.rule_of(row.method), lang)
    return {
        "path": row.path,
        "source": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}",
        "verdict": language.text(row.verdict, lang),
        "is_doubtful": row.verdict == pore_verdicts.DOUBTFUL,
        "method": method.label.in_language(lang) if method else language.text(row.method, lang),
        "why": language.text(row.why, lang),
        "numbers": numbers,
        "reasons": reasons if row.verdict == pore_verdicts.DOUBTFUL else [],
    }


def _left_out(n, lang):
    if n <= MOST_PICTURES:
        return ""
    said = "{shown} of {all} pictures are shown, the doubtful ones first; all lie in overlays/."
    return markupsafe.escape(language.text(said, lang).format(shown=MOST_PICTURES, all=n))
