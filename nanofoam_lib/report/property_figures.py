"""The figures of a run on its properties: as predicted, what goes with them, made to order, and where they are seen."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib import figures
from nanofoam_lib.base import files
from nanofoam_lib.latent import fulfilment, inverse_design, property_axes
from nanofoam_lib.models import control_registry, kinds

if TYPE_CHECKING:
    from nanofoam_lib.report.run_figures import Book


def properties(book: "Book") -> Iterator[tuple[str, Figure, pd.DataFrame]]:
    """Draw every property of the run's specimens, as far as something is known of it."""
    predicted = book.run.load_numbers("property_predictions", "03_latent_space")
    if len(predicted):
        labels = control_registry.labels(book.lang)
        yield "properties", figures.properties(predicted, book.note, labels, **book.look), predicted
    note = book.note_on(kinds.placing(book.kinds, book.latent_dims[0])[0])
    if (path := book.run.drawing("property_walks")).exists():
        walks = property_axes.over_noise(book.table("property_walks"))
        if len(walks):
            pictures = files.read_npz(path)["pictures"]
            figure = figures.property_walks(walks, pictures, inverse_design.MEASURES, note, **book.look)
            yield "property_walks", figure, walks
        orders = fulfilment.over_noise(book.table("property_orders"))
        if len(orders):
            yield "property_orders", figures.wanted_got(orders, note, **book.look), orders
    if (path := book.run.drawing("property_maps")).exists():
        drawing = files.read_npz(path)
        if len(drawing["targets"]):
            figure = figures.property_maps(**drawing, note=note, **book.look)
            yield "property_maps", figure, _cells(drawing)


def _cells(drawing):
    """List the values of the maps, cell by cell, with what was measured and predicted."""
    n, levels, height, width = drawing["maps"].shape
    steps = pd.MultiIndex.from_product([range(n), range(levels), range(height), range(width)])
    target, level, row, column = (steps.get_level_values(i) for i in range(4))
    named = {"target": drawing["targets"][target], "measured": drawing["measured"][target, level]}
    named |= {"predicted": drawing["predicted"][target, level], "row": row, "column": column}
    return pd.DataFrame(named | {"value": drawing["maps"].reshape(-1)})
