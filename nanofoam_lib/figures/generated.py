"""Foams that a model generates, each with the gauge that tells how far it is from real ones."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from numpy.typing import NDArray

from nanofoam_lib.base.language import fixed, percent, text
from nanofoam_lib.figures import strips
from nanofoam_lib.figures.spaces import class_legend
from nanofoam_lib.figures.style import (
    OTHER_COLOURS,
    OTHER_MARKERS,
    class_colours,
    class_markers,
    columns_for,
    grid,
    page_width,
    styled,
    wrapped,
)

#: What stands below a picture, by the error that the table holds.
GAUGES = {
    "cycle_error": "below each picture: distance to train images | cycle error, in units of their spacing",
    "statistics_error": "below each picture: distance to train images, in units of their spacing | error of "
    "statistics, beside the nearest of them",
}
REAL = "real"  # series of the rows that hold real micrographs' measures


@styled
def latent_map(points: pd.DataFrame, images: NDArray[np.uint8], note: str = "", lang: str = "en") -> Figure:
    """Draw 2-D latent maps coloured by class, with the micrographs at the ends of each class (thesis fig. 17).

    Parameters
    ----------
    points : pandas.DataFrame
        As `projection.points` gives it, one descriptor (map) or more, and the column `shown`: whether the micrograph
        is drawn beside the map. Test images are solid, train images faint.
    images : ndarray of uint8, shape (N, S, S)
        Row `id` is the micrograph of a point.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    maps = list(dict.fromkeys(points["descriptor"]))
    rows = max(math.ceil(points.groupby("descriptor")["shown"].sum().max() / 2), 1)
    figure, axes = grid(rows * len(maps), 3, cell_aspect=1.7 / rows, note=note)
    axes[0, 0].get_gridspec().set_width_ratios((1, 3.2, 1))
    for panel, name in zip(np.split(axes, len(maps)), maps, strict=True):
        _draw_map(figure, panel, points[points["descriptor"] == name], images, lang)
    class_legend(figure, points["label"])
    return figure


def _draw_map(figure, panel, points, images, lang):
    """Draw one map on the middle column of a panel's axes, the pictures on the outer ones."""
    middle = [axis.get_subplotspec() for axis in panel[:, 1]]
    for axis in panel.flat:
        axis.set_axis_off()
    axis = figure.add_subplot(middle[0].get_gridspec()[middle[0].rowspan.start : middle[-1].rowspan.stop, 1])
    colours = class_colours(points["label"])
    markers = class_markers(colours)
    for (label, split), own in points.groupby(["label", "split"]):
        look = {"alpha": 0.35, "s": 6} if split == "train" else {"alpha": 1, "s": 16}
        axis.scatter(own["x"], own["y"], color=colours[label], marker=markers[label], linewidth=0, **look)
    axis.set(
        xlabel=percent(points["x_title"].iloc[0], lang),
        ylabel=percent(points["y_title"].iloc[0], lang),
        title=points["descriptor"].iloc[0],
    )
    axis.patch.set_visible(False)
    axis.yaxis.label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    shown = points[points["shown"]].sort_values("x")
    axis.scatter(shown["x"], shown["y"], s=30, facecolor="none", edgecolor="black", linewidth=0.8)
    half = math.ceil(len(shown) / 2)
    for column, edge, side in ((0, 1, shown.iloc[:half]), (2, 0, shown.iloc[half:])):
        # From top to bottom as on the map, so that the lines do not cross
        for picture, point in zip(panel[:, column], side.sort_values("y", ascending=False).itertuples(), strict=False):
            colour = colours[point.label]
            strips.show(picture, images[point.id], colour)
            line = ConnectionPatch((edge, 0.5), (point.x, point.y), "axes fraction", "data", axesA=picture, axesB=axis)
            line.set(color=colour, linewidth=0.7, zorder=-1)  # below the axes and the names of their units
            figure.add_artist(line)


@styled
def traversals(table: pd.DataFrame, pictures: NDArray[Any], note: str = "", lang: str = "en") -> Figure:
    """Draw walks through a latent space: one row per series, one column per step, the gauge under each picture.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `series`, `step`, `distance`, `extrapolation`, and `cycle_error` or `statistics_error`; its index is the
        row in `pictures`. Steps stand above the pictures, once if all series have the same.
    pictures : ndarray, shape (n, S, S)
        uint8, or float in [0, 1].
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return _strips(table, pictures, note, lang, stepped=True)


@styled
def sampled(table: pd.DataFrame, pictures: NDArray[Any], note: str = "", lang: str = "en") -> Figure:
    """Draw foams sampled from the prior and from each class, one row each, the gauge under each picture.

    Parameters and return value as in `traversals`.
    """
    return _strips(table, pictures, note, lang)


@styled
def interpolation(
    table: pd.DataFrame, pictures: NDArray[Any], measures: Iterable[str], note: str = "", lang: str = "en"
) -> Figure:
    """Draw the ways between class means as strips, and the pore measures along them beside those of real foams.

    Parameters
    ----------
    table : pandas.DataFrame
        As `decode_plan.beside_real` gives it: columns as in `traversals`, `class`, and those of `measures`; the rows of
        series "real" have no picture.
    pictures : ndarray, shape (n, S, S)
    measures : sequence of str
        Columns to draw; those that are nowhere known are left out.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    walked = table[table["series"] != REAL]
    known = [name for name in measures if walked[name].notna().any()]
    lines = strips.lines(walked)
    columns = columns_for(max(len(known), 1), 4.5)
    heights = (len(lines) * 1.35 / max(map(len, lines)), (4.0 * math.ceil(len(known) / columns) + 0.8) / page_width())[
        : 2 if known else 1
    ]
    figure, axes = grid(1, 1, cell_aspect=sum(heights), note="")
    axes[0, 0].remove()
    above, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
    axes = above.subplots(len(lines), max(map(len, lines)), squeeze=False)
    strips.fill(axes, lines, pictures, _write_gauge, lang)
    for part in below:
        axes = part.subplots(math.ceil(len(known) / columns), columns, squeeze=False)
        for axis in axes.flat[len(known) :]:
            axis.set_axis_off()
        for axis, name in zip(axes.flat, known, strict=False):
            _draw_along(axis, table, name, lang)
        handles = axes[0, 0].get_legend_handles_labels()
        part.legend(*handles, loc="outside upper center", ncols=columns_for(len(handles[0]), 3.8))
    (below or [above])[-1].supxlabel(wrapped(_joined(GAUGES[_error(walked)], note, lang)), fontsize=6, color="0.35")
    return figure


def _draw_along(axis, table, name, lang):
    """Draw a measure along each way, extrapolations hollow, and the real classes' medians."""
    for (series, own), colour, line in zip(
        table.groupby("series", sort=False), OTHER_COLOURS, ("-", "--", ":"), strict=False
    ):
        if series == REAL:
            axis.plot(own["step"], own[name], "k_", markersize=12, markeredgewidth=2, label=text("real median", lang))
            axis.set_xticks(own["step"], own["class"])
            continue
        axis.plot(own["step"], own[name], line, color=colour, label=text(series, lang))
        for beyond, part in own.groupby(own["extrapolation"].astype(bool)):
            face = "white" if beyond else colour
            axis.plot(part["step"], part[name], "o", color=colour, markerfacecolor=face, markersize=3)
    axis.set_ylabel(text(name, lang))


@styled
def wanted_got(table: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Scatter the pore measures that were wanted against those of the pictures, one panel per measure.

    Parameters
    ----------
    table : pandas.DataFrame
        As `fulfilment.over_noise` gives it: columns picture, measure, wanted, got, extrapolation, and spread, the
        standard deviation of got over the pictures of an order, drawn as a bar; NaN where there is one picture. Beside
        designed pictures it may hold reconstructions of real images, and real images: how well got can be measured at
        all.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = list(dict.fromkeys(table["measure"]))
    if not measures:
        return strips.say("no pore measure is known", note, lang)
    looks = dict(zip(sorted(set(table["picture"])), zip(OTHER_COLOURS, OTHER_MARKERS, strict=False), strict=False))
    columns = columns_for(len(measures), 4.5)
    bars = "bars: standard deviation over the pictures of one order" if table["spread"].notna().any() else ""
    note = _joined("hollow: extrapolation", _joined(bars, note, lang), lang)
    figure, axes = grid(
        math.ceil(len(measures) / columns), columns, cell_aspect=min(1.05, 7 * columns / page_width()), note=note
    )
    for axis in axes.flat[len(measures) :]:
        axis.set_axis_off()
    for axis, measure in zip(axes.flat, measures, strict=False):
        own = table[table["measure"] == measure]
        axis.axline([own["wanted"].mean()] * 2, slope=1, color="0.6", linewidth=0.8)
        for picture, part in own.groupby("picture"):
            colour, marker = looks[picture]
            beyond = part["extrapolation"].astype(bool)
            axis.errorbar(part["wanted"], part["got"], part["spread"], fmt="none", ecolor=colour, elinewidth=0.7)
            axis.scatter(part["wanted"], part["got"], s=14, marker=marker, edgecolor=colour, linewidth=0.7,
                         color=np.where(beyond, "white", colour), label=text(picture, lang))  # fmt: skip
        label = text(measure, lang)
        axis.set(title=label, xlabel=text("wanted", lang), ylabel=text("got", lang))
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=columns_for(len(handles), 3.8))
    return figure


def _strips(table, pictures, note, lang, stepped=False):
    """Draw each series of a table with the gauge under each picture."""
    note = _joined(GAUGES[_error(table)], note, lang) if len(table) else note
    return strips.draw(table, pictures, _write_gauge, note, lang, stepped=stepped)


def _write_gauge(axis, row, lang):
    strips.caption(axis, f"{fixed(row['distance'], lang)} | {fixed(row[_error(row)], lang)}", row, lang)


def _error(table):
    """Find which error the rows of a table, or one of them, hold."""
    return next(name for name in GAUGES if name in table)


def _joined(phrase, note, lang):
    return "\n".join(filter(None, [text(phrase, lang), note]))
