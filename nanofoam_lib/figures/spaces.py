"""Latent spaces: their projections, and the distances in them."""

import math
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nanofoam_lib.base.language import percent, text
from nanofoam_lib.figures.style import (
    SYMBOLS,
    brief,
    class_colours,
    class_markers,
    columns_for,
    grid,
    page_width,
    styled,
    wrapped,
)


@styled
def projection(points: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Scatter 2-D projections, one descriptor per row, train beside test (thesis fig. 11, 12).

    Parameters
    ----------
    points : pandas.DataFrame
        As `projection.points` gives it: columns `descriptor`, `split` ("train" or "test"), `label`, `x`, `y`,
        `x_title`, `y_title`.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    descriptors = list(dict.fromkeys(points["descriptor"]))
    figure, axes = grid(len(descriptors), 2, cell_aspect=0.62 if page_width() >= 12 else 0.95, note=note)
    for row, descriptor in enumerate(descriptors):
        own = points[points["descriptor"] == descriptor]
        for axis, split in zip(axes[row], ("train", "test"), strict=True):
            part = own[own["split"] == split]
            class_points(axis, part, "x", "y", points["label"])
            axis.set(xlabel=percent(own["x_title"].iloc[0], lang), ylabel=percent(own["y_title"].iloc[0], lang))
            count = f"n = {len(part)}".replace(" ", "\N{NO-BREAK SPACE}")
            title = f"{SYMBOLS.get(descriptor, descriptor)}, {text(split, lang)} ({count})"
            axis.set_title(wrapped(title, 0.35 * page_width(), size=8))
            axis.set(xlim=_padded(own["x"]), ylim=_padded(own["y"]))
            axis.locator_params(nbins=5)
    class_legend(figure, points["label"])
    return figure


@styled
def distances(histograms: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Draw the distances within two classes and between them, one panel per pair of classes (thesis fig. 13).

    Parameters
    ----------
    histograms : pandas.DataFrame
        As `separation.histograms` gives it.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    pairs = list(dict.fromkeys(zip(histograms["class_a"], histograms["class_b"], strict=True)))
    colours = class_colours([name for pair in pairs for name in pair])
    columns = columns_for(len(pairs), 4.5)
    figure, axes = grid(math.ceil(len(pairs) / columns), columns, cell_aspect=0.85, note=note)
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    for axis, (a, b) in zip(axes.flat, pairs, strict=False):
        own = histograms[(histograms["class_a"] == a) & (histograms["class_b"] == b)]
        for within, label, colour in (
            (a, f"WSS {brief(a, 12)}", colours[a]),
            (b, f"WSS {brief(b, 12)}", colours[b]),
            ("", "BSS", "black"),
        ):
            part = own[own["within"] == within]
            edges = np.append(part["low"], part["high"].iloc[-1])
            axis.stairs(
                part["density"], edges, color=colour, label=label, fill=bool(within), alpha=0.55 if within else 1
            )
        axis.set(xlabel=text("distance", lang), ylabel=text("density", lang), title=f"{brief(a, 14)} – {brief(b, 14)}")
        axis.locator_params(nbins=4)
        axis.margins(y=0.35)
        axis.legend(loc="upper right", handlelength=1.2)
    return figure


def class_points(axis: Axes, points: pd.DataFrame, x: str, y: str, classes: Iterable[str]) -> None:
    """Scatter the columns `x` and `y` of `points`, each class of its column `label` in its own colour and shape.

    All lie in one collection, in the order of the rows. `classes` are all that the data has: they fix the colours.
    """
    colours = class_colours(classes)
    markers = class_markers(colours)
    sns.scatterplot(
        points, x=x, y=y, hue="label", style="label", palette=colours, markers=markers, hue_order=list(colours),
        style_order=list(colours), s=14, linewidth=0.2, ax=axis, legend=False,
    )  # fmt: skip


def class_legend(figure: Figure, shown: Collection[str], classes: Collection[str] | None = None) -> None:
    """Write above the figure what the colours and shapes mean: the classes that are `shown`, of all `classes`."""
    colours = class_colours(shown if classes is None else classes)
    markers = class_markers(colours)
    handles = [
        Line2D([], [], color=colour, marker=markers[label], linestyle="", markersize=4, label=label)
        for label, colour in colours.items()
        if label in set(shown)
    ]
    widest = max(len(handle.get_label()) for handle in handles)  # type: ignore[arg-type]
    figure.legend(handles=handles, loc="outside upper center", ncols=columns_for(len(handles), 0.13 * widest + 1))


def _padded(values):
    low, high = np.min(values), np.max(values)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
