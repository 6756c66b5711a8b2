"""Pores: their outlines over micrographs, and how their measures are distributed in each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base.language import number, text
from nanofoam_lib.figures.style import (
    COLOURS,
    brief,
    class_colours,
    class_markers,
    columns_for,
    grid,
    letter,
    styled,
    wrapped,
)

#: Columns of a distribution, and what they are a share of.
SHARES = {"share": "share of pores", "area_share": "share of their area"}


@styled
def pore_overlays(
    pictures: Sequence[NDArray[np.uint8]], titles: Sequence[str], note: str = "", lang: str = "en"
) -> Figure:
    """Show micrographs with the outlines of their pores, each with its verdict above.

    Parameters
    ----------
    pictures : sequence of ndarray, uint8 (H, W, 3)
        As `pore_overlays.draw` of the images gives them.
    titles : sequence of str
        Above each.
    note : str
    lang : {"en", "es"}
    """
    columns = columns_for(len(pictures), 5.0)
    rows = -(-len(pictures) // columns)
    aspect = max(picture.shape[0] / picture.shape[1] for picture in pictures)
    figure, axes = grid(rows, columns, aspect + 0.12, note)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, picture, title in zip(axes.flat, pictures, titles, strict=False):
        axis.imshow(picture, interpolation="none")
        axis.set_title(wrapped(title, 16.0 / columns, 7), fontsize=6)
    return figure


@styled
def pore_sizes(
    sizes: pd.DataFrame, means: pd.DataFrame, classes: Sequence[str], note: str = "", lang: str = "en"
) -> Figure:
    """Draw the distribution of pore diameters in each class, and the means over specimens with their intervals.

    Parameters
    ----------
    sizes : pandas.DataFrame
        Columns ``class``, ``diameter_um`` (middle of a bin), ``share`` (of the class's pores) and ``area_share`` (of
        their area).
    means : pandas.DataFrame
        As `class_means.means` gives it: columns ``class``, ``measure``, ``mean``, ``ci_low``, ``ci_high``.
    classes : sequence of str
        All that the data has, which fix the colours; those of which nothing is believed stay empty.
    note : str
    lang : {"en", "es"}
    """
    measures = list(dict.fromkeys(means["measure"]))
    colours = class_colours(classes)
    markers = class_markers(colours)
    panels = 2 + len(measures)
    columns = columns_for(panels, 4.5)
    figure, axes = grid(-(-panels // columns), columns, 0.85, note)
    flat = list(axes.flat)
    for axis, share in zip(flat, SHARES, strict=False):
        draw_sizes(axis, sizes, classes, share, lang)
    if len(sizes):
        flat[0].legend()
    for axis, measure in zip(flat[2:], measures, strict=False):
        _means(axis, means[means["measure"] == measure], colours, markers)
        axis.set_ylabel(text(measure, lang))
    for axis in flat[panels:]:
        axis.set_axis_off()
    letter(flat[:panels])
    return figure


def draw_sizes(axis: Any, sizes: pd.DataFrame, classes: Sequence[str], share: str, lang: str = "en") -> Any:
    """Draw the distribution of diameters of each class into an axes, by one of `SHARES`, and give it back."""
    colours = class_colours(classes)
    markers = class_markers(colours)
    for label, own in sizes.groupby("class"):
        style = {"color": colours[str(label)], "marker": markers[str(label)], "markersize": 2.5, "linewidth": 0.8}
        axis.step(own["diameter_um"], own[share], where="mid", label=brief(str(label), 16), **style)
    axis.set_xlabel(text("diameter (µm)", lang))
    axis.set_ylabel(text(SHARES[share], lang))
    axis.set_ylim(bottom=0)
    return axis


@styled
def diameters(values: NDArray[np.floating[Any]], note: str = "", lang: str = "en") -> Figure:
    """Draw how the diameters of one picture's pores are distributed, with the median.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In µm; those that are NaN are left out, and a picture of unknown scale stays empty.
    note : str
    lang : {"en", "es"}
    """
    figure, axes = grid(1, 1, 0.45, note)
    axis, known = axes.flat[0], values[np.isfinite(values)]
    if len(known):
        axis.hist(known, bins=np.linspace(0, known.max() * 1.02, 31), color=COLOURS[0])
        axis.axvline(np.median(known), color=COLOURS[1], linewidth=1.2)
        axis.annotate(
            number(float(np.median(known)), lang), (np.median(known), 1), xycoords=("data", "axes fraction"),
            xytext=(3, -9), textcoords="offset points", fontsize=7,
        )  # fmt: skip
    axis.set_xlabel(text("diameter (µm)", lang))
    axis.set_ylabel(text("n_pores", lang))
    return figure


def _means(axis: Any, means: pd.DataFrame, colours: dict[str, str], markers: dict[str, str]) -> None:
    for place, label in enumerate(colours):
        for row in means[means["class"] == label].itertuples():
            axis.plot(place, row.mean, markers[label], color=colours[label], markersize=4)
            axis.plot([place, place], [row.ci_low, row.ci_high], color=colours[label])
    axis.set_xticks(range(len(colours)), [brief(label, 16) for label in colours], rotation=30, ha="right")
    axis.set_xlim(-0.5, len(colours) - 0.5)
