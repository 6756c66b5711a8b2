"""Foams that a model generates, each with the gauge that tells how far it is from real ones."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from numpy.typing import NDArray

from nanofoam_lib.base.language import fixed, number, percent, text
from nanofoam_lib.figures.spaces import class_legend
from nanofoam_lib.figures.style import (
    COLOURS,
    MARKERS,
    class_colours,
    class_markers,
    columns_for,
    grid,
    page_width,
    row_title,
    styled,
    wrapped,
)

EXTRAPOLATION = COLOURS[4]  # of the frames and words that mark it
PER_LINE = 9  # pictures side by side, at most
PICTURE_CM = 1.45  # their least width: what the gauge takes
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
            _show(picture, images[point.id], colour)
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
    lines = _lines(table)
    titled = [i == 0 or list(line["step"]) != list(lines[i - 1]["step"]) for i, line in enumerate(lines)]
    figure, axes = _strips(table, pictures, note, lang, margin_cm=1.1 if sum(titled) > 1 else 0.7)
    for own, line in zip(axes[titled], itertools.compress(lines, titled), strict=False):
        for axis, step in zip(own, line["step"], strict=False):
            axis.set_title(number(step, lang, digits=4))
    return figure


@styled
def sampled(table: pd.DataFrame, pictures: NDArray[Any], note: str = "", lang: str = "en") -> Figure:
    """Draw foams sampled from the prior and from each class, one row each, the gauge under each picture.

    Parameters and return value as in `traversals`.
    """
    return _strips(table, pictures, note, lang)[0]


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
    lines = _lines(walked)
    columns = columns_for(max(len(known), 1), 4.5)
    heights = (len(lines) * 1.35 / max(map(len, lines)), (4.0 * math.ceil(len(known) / columns) + 0.8) / page_width())[
        : 2 if known else 1
    ]
    figure, axes = grid(1, 1, cell_aspect=sum(heights), note="")
    axes[0, 0].remove()
    above, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
    _fill(above.subplots(len(lines), max(map(len, lines)), squeeze=False), lines, pictures, lang)
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
        table.groupby("series", sort=False), COLOURS, ("-", "--", ":"), strict=False
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
        return _say("no pore measure is known", note, lang)[0]
    looks = dict(zip(sorted(set(table["picture"])), zip(COLOURS, MARKERS, strict=True), strict=False))
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


def _strips(table, pictures, note, lang, margin_cm=0.7):
    """Draw a grid of pictures with `margin_cm` between the rows for what is written there: figure, axes."""
    lines = _lines(table)
    if not lines:
        return _say("nothing was decoded", note, lang)
    columns = max(map(len, lines))
    aspect = 1 + margin_cm * columns / page_width()
    figure, axes = grid(len(lines), columns, cell_aspect=aspect, note=_joined(GAUGES[_error(table)], note, lang))
    _fill(axes, lines, pictures, lang)
    return figure, axes


def _say(phrase, note, lang):
    """Make a figure that only says why it is empty, and its axes."""
    figure, axes = grid(1, 1, cell_aspect=0.1, note=note)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0.5, 0.5, text(phrase, lang), ha="center", va="center")
    return figure, axes


def _lines(table):
    """Cut each series into lines of at most `PER_LINE` pictures, fewer where the page is narrow."""
    most = columns_for(PER_LINE, PICTURE_CM)
    lines = []
    for _, own in table.groupby("series", sort=False):
        n = math.ceil(len(own) / math.ceil(len(own) / most))
        lines += [own.iloc[start : start + n] for start in range(0, len(own), n)]
    return lines


def _fill(axes, lines, pictures, lang):
    """Show the pictures of each line in a row of axes, named by its series, the gauge under each."""
    for axis in axes.flat:
        axis.set_axis_off()
    for own, line in zip(axes, lines, strict=True):
        series = line["series"].iloc[0]
        title = series if series == line.iloc[0].get("class") else text(series, lang)  # a class is a name
        row_title(own[0], title.replace(" (", "\n("))
        for axis, (i, row) in zip(own, line.iterrows(), strict=False):
            _show(axis, pictures[i], EXTRAPOLATION if row["extrapolation"] else None)
            _write_gauge(axis, row, lang)


def _show(axis, picture, frame):
    top = 255 if picture.dtype == np.uint8 else 1.0
    axis.imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="nearest")
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(visible=frame is not None, color=frame or "none", linewidth=1.6)


def _write_gauge(axis, row, lang):
    words = f"{fixed(row['distance'], lang)} | {fixed(row[_error(row)], lang)}"
    if row["extrapolation"]:
        words += "\n" + text("extrapolation", lang)
    axis.set_xlabel(words, fontsize=6, labelpad=2, color=EXTRAPOLATION if row["extrapolation"] else "black")


def _error(table):
    """Find which error the rows of a table, or one of them, hold."""
    return next(name for name in GAUGES if name in table)


def _joined(phrase, note, lang):
    return "\n".join(filter(None, [text(phrase, lang), note]))
