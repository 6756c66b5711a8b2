"""The page of ``nanofoam pores``: every picture with its outlines and verdict, the distributions, what was tested."""

import base64
import math
import pathlib

import markupsafe
import numpy as np
import pandas as pd

from nanofoam_lib import figures
from nanofoam_lib.base import files, language, spreadsheet_cells
from nanofoam_lib.figures import style
from nanofoam_lib.images import pore_folder, pore_methods, pore_resolution, pore_sizes, pore_tables, pore_verdicts
from nanofoam_lib.latent import class_means
from nanofoam_lib.report import findings, html_report, page

MOST_PICTURES = 400  # that the page holds; the others lie beside it
_WORDS = {
    "summary": "Summary", "pictures": "Pictures", "classes": "Classes", "differences": "Differences between classes",
    "measures": "Measures of each picture", "sizes": "Distribution of pores", "spheres": "Sizes in space",
    "resolution": "At 128×128 pixels, as the network sees the pictures",
}  # fmt: skip


def write(out: files.StrPath, name: str, lang: str = "en", stereology: str = pore_tables.NO_STEREOLOGY) -> pathlib.Path:
    """Write ``index.html`` beside the tables of `pore_folder.measure`, with the tables of classes it shows.

    Parameters
    ----------
    out : path-like
        Holds ``pictures.csv``, ``pores.csv`` and ``overlays/``; gets ``classes.csv``, ``differences.csv``,
        ``resolution.csv``, the figure ``pore_sizes`` (PDF, PNG, CSV) and ``index.html``.
    name : str
        Of the data.
    lang : {"en", "es"}
    stereology : {"none", "spheres"}
        Whether sizes in space are told from those in the section; then ``spheres.csv`` is written as well.

    Returns
    -------
    pathlib.Path
        The page.
    """
    out = pathlib.Path(out)
    pictures = files.read_csv(out / pore_folder.PICTURES)
    measured = pictures[pictures["verdict"].notna()]
    trusted = measured[pore_tables.believed(measured)]
    compared = trusted[list(pore_tables.COMPARED)], trusted["label"], trusted["group"]
    means, tests = class_means.means(*compared), class_means.differences(*compared)
    files.write_csv(out / "classes.csv", means)
    files.write_csv(out / "differences.csv", tests)
    resolution = _resolution(trusted)
    files.write_csv(out / "resolution.csv", resolution)
    spheres = pore_tables.sphere_sizes(_pieces(out / pore_folder.PORES, set(trusted["name"])), stereology)
    if len(spheres):
        files.write_csv(out / "spheres.csv", spheres)
    drawn = len(trusted) > 0
    if drawn:
        sizes = pore_sizes.distribution(lambda: _pieces(out / pore_folder.PORES, set(trusted["name"])))
        known = means[means["mean"].notna()]
        classes = sorted(set(measured["label"]))
        figure = figures.pore_sizes(sizes, known, class_means.by_specimen(*compared), classes, name, lang)
        style.save(figure, out / "pore_sizes", sizes)
    shown = measured.assign(doubt=measured["verdict"] != pore_verdicts.DOUBTFUL).sort_values(
        ["doubt"], kind="stable"
    )["name"].head(MOST_PICTURES)  # fmt: skip
    shown_tables = {"classes": _classes(means, lang), "differences": _differences(tests, lang)}
    shown_tables |= {"resolution": _in_words(resolution, lang), "spheres": spheres}
    text = page.render(
        "pores.html.j2",
        title=name,
        lang=lang,
        words={key: language.text(word, lang) for key, word in _WORDS.items()},
        summary=[html_report.paragraphs(said) for said in (*findings.pores(pictures, lang), findings.how_far(lang))],
        picture=html_report.picture(out / "pore_sizes.png") if drawn else None,
        tables=[
            (key, *html_report.cells(own, lang, [False] * len(own))) for key, own in shown_tables.items() if len(own)
        ],
        groups=[
            (label, [_shown(out, row, lang) for row in own[own["name"].isin(shown)].itertuples()])
            for label, own in measured.groupby("label")
        ],
        left_out=_left_out(len(measured), lang),
    )
    files.write_text(out / "index.html", text)
    return out / "index.html"


def _pieces(path, chosen):
    """Read the table of all pores piece by piece: those of the chosen pictures whose centre lies in them."""
    columns = ["name", "class", "diameter_um", "counted"]
    # Names stay text, as in `files.read_csv`, which would read the whole
    pieces = pd.read_csv(
        path, dtype={"name": str, "class": str}, usecols=columns, chunksize=100_000,
        keep_default_na=False, na_values={"diameter_um": [""]},
    )  # fmt: skip
    for own in map(spreadsheet_cells.undo, pieces):
        yield own[own["name"].isin(chosen) & own["counted"]]


def _classes(means, lang):
    """Write the means as a reader wants them: each with its interval in one cell."""
    written = [
        f"{language.number(row.mean, lang)} ({language.number(row.ci_low, lang)}…{language.number(row.ci_high, lang)})"
        for row in means.itertuples()
    ]
    return means[["class", "measure", "n_images", "n_specimens"]].assign(mean=written)


def _resolution(pictures):
    """Tell how each measure changes at the resolution of the network: means over pictures of the ratio of both."""
    ratios = {
        name: pictures[name + pore_resolution.SUFFIX] / pictures[name].replace(0, np.nan)
        for name in pore_resolution.MEASURES
    }
    rows = [
        {"measure": name, "ratio_at_128": ratio.mean(), "sd": ratio.std(), "n_images": int(ratio.notna().sum())}
        for name, ratio in ratios.items()
    ]
    return pd.DataFrame(rows)


def _in_words(resolution, lang):
    known = resolution[resolution["n_images"] > 0]
    written = {name: [language.number(own, lang) for own in known[name]] for name in ("ratio_at_128", "sd")}
    return known.assign(**written)


def _differences(tests, lang):
    written = [language.number(value, lang) for value in tests["difference"]]
    return tests.assign(difference=written)


def _shown(out, row, lang):
    """Gather what the page says of a picture."""
    jpeg = pore_folder.place(out, row.name).overlay.read_bytes()
    measures = ("n_pores", "porosity", "median_diameter_um", "wall_um")
    written = {name: language.number(float(getattr(row, name)), lang) for name in measures}
    if math.isfinite(row.half_pixel):
        written["porosity"] += f" ± {language.number(row.half_pixel, lang, 1)}"
    method = pore_methods.METHODS.get(row.method)
    return {
        "path": row.name,
        "source": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}",
        "verdict": language.text(row.verdict, lang),
        "is_doubtful": row.verdict == pore_verdicts.DOUBTFUL,
        "method": method.label.in_language(lang) if method else language.text(row.method, lang),
        "why": language.text(row.why, lang),
        "numbers": [(language.text(name, lang), value) for name, value in written.items()],
        "reasons": pore_verdicts.recorded(row.reasons, lang) if isinstance(row.reasons, str) else [],
    }


def _left_out(n, lang):
    if n <= MOST_PICTURES:
        return ""
    said = "{shown} of {all} pictures are shown, the doubtful ones first; all lie in overlays/."
    return markupsafe.escape(language.text(said, lang).format(shown=MOST_PICTURES, all=n))
