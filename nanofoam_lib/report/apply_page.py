"""The page of ``nanofoam apply``: what a run tells of new micrographs, each beside the known ones most like it."""

import base64
import io
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base import files, language, messages
from nanofoam_lib.report import findings, html_report, page, tables

PREDICTIONS, NEAREST, PORES = "predictions.csv", "nearest.csv", "pores.csv"
MOST_PICTURES = 120  # that the page holds
_WORDS = {
    "summary": "Summary", "warnings": "Keep in mind", "predictions": "What is told of each image",
    "images": "Images, and the known ones most like them", "pores": "Measures of each picture",
}  # fmt: skip
_ENDS = {"_low": "{name}, from", "_high": "{name}, to"}
_HEADED = {"probability_": "probability of {name}"} | _ENDS
#: Pore measures that the page shows; the file holds all.
_MEASURES = ("n_pores", "porosity", "median_diameter_um", "wall_um")
_MORE = "{shown} of {all} images are shown, those off what the run has seen first; images.npy holds them all."


def write(
    out: files.StrPath,
    name: str,
    predictions: pd.DataFrame,
    facts: dict[str, Any],
    known: NDArray[np.uint8],
    said: Sequence[str] = (),
    table1: pd.DataFrame | None = None,
    lang: str = "en",
) -> pathlib.Path:
    """Write ``index.html`` beside the tables of `runs.apply.apply`.

    Parameters
    ----------
    out : path-like
        Holds ``nearest.csv``, ``images.npy`` and perhaps ``pores.csv``.
    name : str
        Of the micrographs.
    predictions : pandas.DataFrame
        What ``predictions.csv`` holds.
    facts : dict
        As in `findings.application.application`.
    known : ndarray of uint8, shape (N, 128, 128)
        The run's images.
    said : sequence of str
        What a reader must know.
    table1 : pandas.DataFrame, optional
        That of the run.
    lang : {"en", "es"}

    Returns
    -------
    pathlib.Path
        The page.
    """
    out = pathlib.Path(out)
    farthest = -predictions["distance"].where(predictions["off_manifold"], 0.0).to_numpy()
    order = np.lexsort([farthest, ~predictions["off_manifold"].to_numpy(bool)])  # what lies farthest off stands first
    shown = {"predictions": predictions.iloc[order]}
    if (out / PORES).exists():
        shown["pores"] = files.read_csv(out / PORES).iloc[order][["path", "label", "verdict", *_MEASURES, "problem"]]
    text = page.render(
        "apply.html.j2",
        title=name,
        lang=lang,
        words={key: language.text(word, lang) for key, word in _WORDS.items()},
        said=[messages.message(line, lang) for line in said],
        summary=[html_report.paragraphs(one) for one in findings.application(predictions, facts, table1, lang)],
        tables=[(key, *_table(own, lang)) for key, own in shown.items()],
        images=_pictures(out, predictions, order[:MOST_PICTURES], known, lang),
        left_out=_left_out(len(predictions), lang),
    )
    files.write_text(out / "index.html", text)
    return out / "index.html"


def _table(table, lang):
    """Give columns and rows of what is shown of a table, and what is to be said of those that are not."""
    file = f"{'pores' if 'verdict' in table else 'predictions'}.csv"
    first = table.head(html_report.LONGEST_TABLE)
    rest = language.text(tables.ROWS_OF, lang).format(shown=len(first), all=len(table), file=file)
    first = first.rename(columns={name: _headed(name, lang) for name in first})
    columns, rows = html_report.cells(first.loc[:, (first != "").any()], lang, [False] * len(first))
    return columns, rows, rest if len(first) < len(table) else ""


def _headed(name, lang):
    """Give what a column that is called after a class or a property is headed; others keep their names."""
    for affix, heading in _HEADED.items():
        rest = name.removesuffix(affix) if affix.startswith("_") else name.removeprefix(affix)
        if rest != name:
            return language.text(heading, lang).format(name=language.text(rest, lang) if affix in _ENDS else rest)
    return name


def _pictures(out, predictions, order, known, lang):
    """Gather what is shown of images, by their rows."""
    images = np.load(out / "images.npy", mmap_mode="r", allow_pickle=False)
    nearest = _nearest(out / NEAREST, set(order.tolist()))
    found = []
    for row in order:
        one = predictions.iloc[row]
        found.append(
            {
                "path": one["path"],
                "source": _embed(images[row]),
                "is_off": bool(one["off_manifold"]),
                "verdict": language.text(
                    "off what the run has seen" if one["off_manifold"] else "like the run's", lang
                ),
                "told": _told(one, lang),
                "beside": [
                    {"source": _embed(known[int(other.known_id)]), "path": other.known}
                    for other in nearest[row].itertuples()
                ],
            }
        )
    return found


def _nearest(path, shown):
    """Read the table of nearest micrographs piece by piece; give those of the images that are shown, by their rows."""
    found, begun = {}, 0
    for piece in pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=50_000):
        image = begun + np.cumsum(piece["rank"] == "1") - 1  # each image's nearest begin with the first
        begun = int(image.iloc[-1]) + 1
        for row, own in piece.groupby(image):
            if row in shown:
                found[row] = pd.concat([found[row], own]) if row in found else own
    return found


def _told(one, lang):
    """Name the likeliest class with its probability, if there are classes."""
    if "predicted_class" not in one.index:
        return ""
    label = one["predicted_class"]
    return f"{label} {language.fixed(one[f'probability_{label}'], lang)}"


def _embed(image):
    """Give an image as a data address."""
    target = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(target, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(target.getvalue()).decode('ascii')}"


def _left_out(n, lang):
    return language.text(_MORE, lang).format(shown=MOST_PICTURES, all=n) if n > MOST_PICTURES else ""
