"""The small figures beside the answers that a report begins with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib import figures
from nanofoam_lib.base import files
from nanofoam_lib.base.language import alike
from nanofoam_lib.figures import style
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report import answers, tables

if TYPE_CHECKING:
    from nanofoam_lib.report.run_figures import Book

WIDTH_CM = 9.0  # a card is as wide, with letters of 12 pixels
PREFIX = "answer_"
#: Controls that anybody computes in a minute, beside the descriptors named beforehand.
SIMPLE = ("pore measures", "LBP", "multi-scale LBP", "scattering", "grey mean+std")
CEILING = "true pore measures"
_STEPS = 5  # pictures of a walk


def answer_figures(book: "Book") -> Iterator[tuple[str, Figure, pd.DataFrame]]:
    """Draw what stands beside each answer, as far as the run has it."""
    found = book.run.load_tables()
    for draw in (_materials, _separation, _difference, _trust):
        for name, figure, numbers in draw(book, found):
            yield PREFIX + name, figure, numbers


def _materials(book, found):
    index = book.run.load_index()
    thumbnails = files.read_npz(book.run.examples)
    labels = {int(i): str(index["label"][int(i)]) for i in reversed(thumbnails)}
    chosen = {label: thumbnails[str(i)] for i, label in labels.items()}
    names = sorted(chosen)
    sizes = found.get("pore_sizes", pd.DataFrame(columns=["class", "diameter_um", "share"]))
    pictures, classes = [chosen[name] for name in names], sorted(set(index["label"]))
    look = {"lang": book.lang, "width_cm": WIDTH_CM}
    yield "materials", figures.class_overview(pictures, names, sizes, classes, **look), sizes


def _separation(book, found):
    if not {"table1", "controls"} <= set(found):
        return
    index = book.run.load_index()
    scores = tables.headline(pd.concat([found["table1"], found["controls"]], ignore_index=True))
    named = scores["kind"].map({kind.name: kind.foremost for kind in kinds.known().values()})
    rows = scores[(scores["descriptor"] == named) | scores["descriptor"].isin(SIMPLE)]
    chance = index.loc[index["split"] == "test", "label"].value_counts(normalize=True).max()
    true = scores.loc[scores["descriptor"] == CEILING, "accuracy"]
    ceiling = float(true.iloc[0]) if len(true) else None
    labels = control_registry.labels(book.lang)
    look = {"lang": book.lang, "width_cm": WIDTH_CM}
    yield "separation", figures.accuracies(rows, chance, labels=labels, ceiling=ceiling, **look), rows


def _difference(book, found):
    kind, rows = answers.walk(found)
    path = book.run.drawing(kinds.of_kind("generated", kind))
    if not len(rows) or not path.exists():
        return
    chosen = [round(i * (len(rows) - 1) / (_STEPS - 1)) for i in range(_STEPS)]
    rows = rows.iloc[sorted(set(chosen))]
    drawn = files.read_npz(path)["pictures"][rows.index]
    measured = zip(*(alike(rows[name], book.lang) for name in ("median_diameter_um", "density_per_mm2")), strict=True)
    values = [f"{um} µm\n{n} mm⁻²" for um, n in measured]
    titles = ["" if pd.isna(label) else str(label) for label in rows["class"]]
    yield "difference", figures.walk(drawn, titles, values, lang=book.lang, width_cm=WIDTH_CM), rows


def _trust(book, found):
    table = found.get("specimens", pd.DataFrame())
    if not len(table):
        return
    first = table[table["latent_dim"] == table["latent_dim"].iloc[0]]
    first = first.assign(name=style.names(first, book.lang, control_registry.labels(book.lang)))
    colours = style.class_colours(book.run.load_index()["label"])
    yield "trust", figures.held_out_specimens(first, colours, lang=book.lang, width_cm=WIDTH_CM), first
