"""Foams that a model generates, each with the gauge that tells how far it is from real ones."""

import itertools
import math

import matplotlib as mpl
import numpy as np
from matplotlib.patches import ConnectionPatch

from nanofoam_lib.style import COLOURS, MARKERS, MEASURES, STYLE, WIDTH_CM, class_colours, grid, row_title, text

EXTRAPOLATION = COLOURS[4]  # of the frames and words that mark it
PER_LINE = 9  # pictures side by side, at most
GAUGE = "below each picture: distance to train images | cycle error, in units of their spacing"
REAL = "real"  # series of the rows that hold real micrographs' measures


@mpl.rc_context(STYLE)
def latent_map(points, images, note="", lang="en"):
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
        _draw_map(figure, panel, points[points["descriptor"] == name], images)
    handles = _class_handles(points["label"])
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 6))
    return figure


def _draw_map(figure, panel, points, images):
    """Draw one map on the middle column of a panel's axes, the pictures on the outer ones."""
    middle = [axis.get_subplotspec() for axis in panel[:, 1]]
    for axis in panel.flat:
        axis.set_axis_off()
    axis = figure.add_subplot(middle[0].get_gridspec()[middle[0].rowspan.start : middle[-1].rowspan.stop, 1])
    colours = class_colours(points["label"])
    markers = dict(zip(colours, MARKERS, strict=False))
    for (label, split), own in points.groupby(["label", "split"]):
        look = {"alpha": 0.35, "s": 6} if split == "train" else {"alpha": 1, "s": 16}
        axis.scatter(own["x"], own["y"], color=colours[label], marker=markers[label], linewidth=0, **look)
    axis.set(xlabel=points["x_title"].iloc[0], ylabel=points["y_title"].iloc[0], title=points["descriptor"].iloc[0])
    shown = points[points["shown"]].sort_values("x")
    axis.scatter(shown["x"], shown["y"], s=30, facecolor="none", edgecolor="black", linewidth=0.8)
    half = math.ceil(len(shown) / 2)
    for column, edge, side in ((0, 1, shown.iloc[:half]), (2, 0, shown.iloc[half:])):
        # From top to bottom as on the map, so that the lines do not cross
        for picture, point in zip(panel[:, column], side.sort_values("y", ascending=False).itertuples(), strict=False):
            colour = colours[point.label]
            _show(picture, images[point.id], colour)
            line = ConnectionPatch((edge, 0.5), (point.x, point.y), "axes fraction", "data", axesA=picture, axesB=axis)
            line.set(color=colour, linewidth=0.7)
            figure.add_artist(line)


@mpl.rc_context(STYLE)
def traversals(table, pictures, note="", lang="en"):
    """Draw walks through a latent space: one row per series, one column per step, the gauge under each picture.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `series`, `step`, `distance`, `cycle_error`, `extrapolation`; its index is the row in `pictures`. Steps
        stand above the pictures, once if all series have the same.
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
            axis.set_title(_decimal(f"{step:.4g}".replace("-", "−"), lang))
    return figure


@mpl.rc_context(STYLE)
def sampled(table, pictures, note="", lang="en"):
    """Draw foams sampled from the prior and from each class, one row each, the gauge under each picture.

    Parameters and return value as in `traversals`.
    """
    return _strips(table, pictures, note, lang)[0]


@mpl.rc_context(STYLE)
def interpolation(table, pictures, measures, note="", lang="en"):
    """Draw the ways between class means as strips, and the pore measures along them beside those of real foams.

    Parameters
    ----------
    table : pandas.DataFrame
        As `walks.beside_real` gives it: columns as in `traversals`, `class`, and those of `measures`; the rows of
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
    heights = (len(lines) * 1.35 / PER_LINE, 0.3)[: 2 if known else 1]
    figure, axes = grid(1, 1, cell_aspect=sum(heights), note="")
    axes[0, 0].remove()
    above, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
    _fill(above.subplots(len(lines), max(map(len, lines)), squeeze=False), lines, pictures, lang)
    for part in below:
        axes = part.subplots(1, len(known), squeeze=False)[0]
        for axis, name in zip(axes, known, strict=True):
            _draw_along(axis, table, name, lang)
        handles = axes[0].get_legend_handles_labels()
        part.legend(*handles, loc="outside upper center", ncols=len(handles[0]))
    (below or [above])[-1].supxlabel(_joined(GAUGE, note, lang), fontsize=6, color="0.35")
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
    axis.set_ylabel(text(MEASURES.get(name, name), lang))


@mpl.rc_context(STYLE)
def wanted_got(table, note="", lang="en"):
    """Scatter the pore measures that were wanted against those of the pictures, one panel per measure.

    Parameters
    ----------
    table : pandas.DataFrame
        As `design.compare` gives it: columns picture, measure, wanted, got, extrapolation. Beside designed pictures
        it may hold reconstructions of real images, and real images: how well got can be measured at all.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = list(dict.fromkeys(table["measure"]))
    if not measures:
        return _say("no pore measure is known", note, lang)[0]
    figure, axes = grid(1, len(measures), cell_aspect=1.05, note=_joined("hollow: extrapolation", note, lang))
    for axis, measure in zip(axes[0], measures, strict=True):
        own = table[table["measure"] == measure]
        axis.axline([own["wanted"].mean()] * 2, slope=1, color="0.6", linewidth=0.8)
        for (picture, part), colour, marker in zip(own.groupby("picture"), COLOURS, MARKERS, strict=False):
            beyond = part["extrapolation"].astype(bool)
            axis.scatter(part["wanted"], part["got"], s=14, marker=marker, edgecolor=colour, linewidth=0.7,
                         color=np.where(beyond, "white", colour), label=text(picture, lang))  # fmt: skip
        label = text(MEASURES.get(measure, measure), lang)
        axis.set(title=label, xlabel=text("wanted", lang), ylabel=text("got", lang) if axis is axes[0, 0] else "")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(handles))
    return figure


def _strips(table, pictures, note, lang, margin_cm=0.7):
    """Draw a grid of pictures with `margin_cm` between the rows for what is written there: figure, axes."""
    lines = _lines(table)
    if not lines:
        return _say("nothing was decoded", note, lang)
    columns = max(map(len, lines))
    aspect = 1 + margin_cm * columns / WIDTH_CM
    figure, axes = grid(len(lines), columns, cell_aspect=aspect, note=_joined(GAUGE, note, lang))
    _fill(axes, lines, pictures, lang)
    return figure, axes


def _say(phrase, note, lang):
    """Make a figure that only says why it is empty, and its axes."""
    figure, axes = grid(1, 1, cell_aspect=0.1, note=note)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0.5, 0.5, text(phrase, lang), ha="center", va="center")
    return figure, axes


def _lines(table):
    """Cut each series into lines of at most `PER_LINE` pictures."""
    starts = range(0, len(table), PER_LINE)
    cut = (own.iloc[start : start + PER_LINE] for _, own in table.groupby("series", sort=False) for start in starts)
    return [line for line in cut if len(line)]


def _fill(axes, lines, pictures, lang):
    """Show the pictures of each line in a row of axes, named by its series, the gauge under each."""
    for axis in axes.flat:
        axis.set_axis_off()
    for own, line in zip(axes, lines, strict=True):
        series = line["series"].iloc[0]
        row_title(own[0], text(MEASURES.get(series, series), lang).replace(" (", "\n("))
        for axis, row in zip(own, line.itertuples(), strict=False):
            _show(axis, pictures[row.Index], EXTRAPOLATION if row.extrapolation else None)
            _write_gauge(axis, row, lang)


def _show(axis, picture, frame):
    top = 255 if picture.dtype == np.uint8 else 1.0
    axis.imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="nearest")
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(visible=frame is not None, color=frame or "none", linewidth=1.6)


def _write_gauge(axis, row, lang):
    words = _decimal(f"{row.distance:.2f} | {row.cycle_error:.2f}", lang)
    if row.extrapolation:
        words += "\n" + text("extrapolation", lang)
    axis.set_xlabel(words, fontsize=5, labelpad=2, color=EXTRAPOLATION if row.extrapolation else "black")


def _joined(phrase, note, lang):
    return "\n".join(filter(None, [text(phrase, lang), note]))


def _decimal(written, lang):
    return written.replace(".", ",") if lang == "es" else written


def _class_handles(labels):
    colours = class_colours(labels)
    marked = zip(colours.items(), MARKERS, strict=False)
    return [
        mpl.lines.Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4, label=label)
        for (label, colour), marker in marked
    ]
