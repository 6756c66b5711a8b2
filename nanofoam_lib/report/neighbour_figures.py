"""The figure of a run that shows its images by their neighbours, with the clusters that they form."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib import figures
from nanofoam_lib.figures import style
from nanofoam_lib.models import kinds

if TYPE_CHECKING:
    from nanofoam_lib.report.run_figures import Book


def neighbours(book: "Book") -> Iterator[tuple[str, Figure, pd.DataFrame]]:
    """Draw the map of neighbours, if the run has one."""
    if book.run.table("neighbours").exists():
        points = book.table("neighbours")
        kind, _, name = kinds.placing(book.kinds, book.latent_dims[0])
        note = f"{style.SYMBOLS.get(name, name)}, {book.note_on(kind)}"
        yield "neighbours", figures.neighbours(points, note, **book.look), points
