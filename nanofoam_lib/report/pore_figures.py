"""The figures of a run that show its pores: outlines by class, and how diameters are distributed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib import figures
from nanofoam_lib.base import files
from nanofoam_lib.base.language import text
from nanofoam_lib.images import pore_tables
from nanofoam_lib.latent import class_means

if TYPE_CHECKING:
    from nanofoam_lib.report.run_figures import Book


def pores(book: "Book") -> Iterator[tuple[str, Figure, pd.DataFrame]]:
    """Show the outlines of some pictures of each class, and the distributions of what can be believed."""
    if not book.run.table("pores").exists():
        return
    pictures = book.table("pores")
    classes = sorted(set(pictures["label"]))
    for _label, name in book.run.class_names(classes).items():
        path = book.run.drawing(f"pores_{name}")
        if path.exists():
            drawing = files.read_npz(path)
            shown = pictures.set_index("id").loc[drawing["id"]].reset_index()
            titles = [f"{row.path}: {text(row.verdict, book.lang)}" for row in shown.itertuples()]
            yield f"pores_{name}", figures.pore_overlays(drawing["pictures"], titles, book.note, **book.look), shown
    used = pictures[pore_tables.believed(pictures)] if len(pictures) else pictures
    if len(used):
        sizes = book.table("pore_sizes")
        measured = used[list(pore_tables.COMPARED)], used["label"], used["group"]
        means, specimens = class_means.means(*measured).dropna(subset="mean"), class_means.by_specimen(*measured)
        yield "pore_sizes", figures.pore_sizes(sizes, means, specimens, classes, book.note, **book.look), sizes
