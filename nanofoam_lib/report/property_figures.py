"""The figure of a run that shows its properties: measured against predicted by the descriptors named beforehand."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib import figures
from nanofoam_lib.images import targets
from nanofoam_lib.latent import property_study
from nanofoam_lib.models import control_registry, kinds

if TYPE_CHECKING:
    from nanofoam_lib.report.run_figures import Book


def properties(book: "Book") -> Iterator[tuple[str, Figure, pd.DataFrame]]:
    """Draw every property of the run's specimens as predicted against as measured; nothing where none is known."""
    index = book.run.load_index()
    known = targets.of_index(index).table
    vectors = {
        (kind, dim, name): own
        for kind in book.kinds if (foremost := kinds.get(kind).foremost)
        for dim in book.latent_dims[:1]
        for name, own in book.run.load_descriptors(kind, dim).items() if name == foremost
    }  # fmt: skip
    predicted = property_study.predictions(vectors, known, index, book.seed)
    if len(predicted):
        labels = control_registry.labels(book.lang)
        yield "properties", figures.properties(predicted, book.note, labels, **book.look), predicted
