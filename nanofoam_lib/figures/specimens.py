"""Properties of specimens: measured against predicted, the structure that goes with them, and where it is seen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base import units
from nanofoam_lib.base.language import alike, fixed, text
from nanofoam_lib.figures import strips
from nanofoam_lib.figures.spaces import class_legend, class_points
from nanofoam_lib.figures.style import (
    brief,
    class_colours,
    columns_for,
    grid,
    names,
    page_width,
    row_title,
    styled,
    wrapped,
)


@styled
def properties(
    table: pd.DataFrame, note: str = "", labels: Mapping[str, str] | None = None, lang: str = "en"
) -> Figure:
    """Scatter properties as predicted against as measured, with intervals, a panel per property and descriptor.

    Parameters
    ----------
    table : pandas.DataFrame
        As `property_study.Study` has its predictions: columns target, unit, kind, latent_dim, descriptor, r2, label,
        measured, predicted, low, high. Limits that are infinite are not drawn.
    labels : dict, optional
        Name of a control or a kind of model → what it is called.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not len(table):
        figure, axes = grid(1, 1, cell_aspect=0.1, note=note)
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, text("no property is known", lang), ha="center", va="center")
        return figure
    panels = list(table.groupby(["kind", "latent_dim", "descriptor", "target"], sort=False))
    columns = columns_for(min(len(panels), max(table["target"].nunique(), 3)), 3.9)
    note = f"{text('bars: intervals that hold 90 % of specimens; line: equal', lang)}; {note}" if note else note
    figure, axes = grid(
        math.ceil(len(panels) / columns), columns, cell_aspect=min(1.1, 7 * columns / page_width()), note=note
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    classes = sorted(set(table["label"]))
    for axis, (_, own) in zip(axes.flat, panels, strict=False):
        width = min(5.0, page_width() / columns - 0.6)
        _panel(axis, own, classes, names(own.head(1), lang, labels)[0], width, lang)
    class_legend(figure, classes)
    return figure


def _panel(axis, own, classes, name, width, lang):
    axis.axline([own["measured"].mean()] * 2, slope=1, color="0.6", linewidth=0.8)
    for label, colour in class_colours(classes).items():
        part = own[own["label"] == label]
        axis.vlines(part["measured"], part["low"], part["high"], color=colour, linewidth=0.5, alpha=0.5)
    class_points(axis, own, "measured", "predicted", classes)
    first = own.iloc[0]
    title = f"{titled(first['target'], first['unit'], lang)}\n{name}, R²\N{NO-BREAK SPACE}{fixed(first['r2'], lang)}"
    axis.set(xlabel=text("measured", lang), ylabel=text("predicted value", lang))
    axis.set_title("\n".join(wrapped(brief(line, 75), width, 8) for line in title.split("\n")))
    axis.locator_params(nbins=4)


@styled
def property_walks(
    table: pd.DataFrame, pictures: NDArray[Any], measures: Sequence[str], note: str = "", lang: str = "en"
) -> Figure:
    """Draw the structure that goes with low to high values of each property, with its pore measures below.

    Parameters
    ----------
    table : pandas.DataFrame
        A row per picture, its index the row in `pictures`: columns target, unit, step (the value of the property, which
        stands above), extrapolation, and those of `measures`.
    pictures : ndarray, shape (n, S, S)
        uint8, or float in [0, 1].
    measures : sequence of str
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    told = {name: dict(zip(table.index, alike(table[name], lang), strict=True)) for name in measures if len(table)}

    def write(axis, row, lang):
        strips.caption(axis, "\n".join(told[name][row.name] for name in measures), row, lang)

    below = text("below each picture", lang)
    named = f"{below}: {', '.join(text(name, lang) for name in measures)}"
    series = [titled(target, unit, lang) for target, unit in zip(table["target"], table["unit"], strict=True)]
    note = "\n".join(filter(None, [named, note]))
    return strips.draw(table.assign(series=series), pictures, write, note, lang, margin_cm=1.2, stepped=True)


@styled
def property_maps(
    targets: NDArray[Any], measured: NDArray[Any], predicted: NDArray[Any], images: NDArray[np.uint8],
    maps: NDArray[Any], note: str = "", lang: str = "en",
) -> Figure:  # fmt: skip
    """Show where micrographs of low, middle and high properties speak for a high value, and where for a low one.

    Parameters
    ----------
    targets : ndarray of str, shape (P,)
    measured, predicted : ndarray, shape (P, L)
    images : ndarray of uint8, shape (P, L, S, S)
    maps : ndarray, shape (P, L, h, w)
        Signed; each property has a colour scale of its own, in its unit.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not len(targets):
        return strips.say("no property is known", note, lang)
    told = text("above each map: predicted; orange speaks for a high value, violet for a low one", lang)
    n = images.shape[1]
    figure, axes = grid(len(targets), 2 * n, 1.25 if page_width() >= 12 else 1.8, "\n".join(filter(None, [told, note])))
    for row, target, *parts in zip(axes, targets, measured, predicted, images, maps, strict=True):
        parts[:2] = np.split(np.array(alike([*parts[0], *parts[1]], lang)), 2)
        limit = np.abs(parts[-1]).max() or 1.0
        for column, (value, expected, image, own) in enumerate(zip(*parts, strict=True)):
            shown, mapped = row[2 * column : 2 * column + 2]
            strips.show(shown, image, None)
            strips.show(mapped, image, None)
            size = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
            mapped.imshow(own, cmap="PuOr_r", vmin=-limit, vmax=limit, alpha=0.6, extent=size, interpolation="bilinear")
            shown.set_title(value)
            mapped.set_title(expected)
        row_title(row[0], titled(target, units.of_name(target), lang).replace(" (", "\n("))
    return figure


def titled(target: str, unit: str, lang: str = "en") -> str:
    """Name a property with its unit: "modulus (GPa)"; one that no word is known for by its column.

    Examples
    --------
    >>> titled("modulus_gpa", "GPa", "es"), titled("uptake_mg_g", "mg/g"), titled("hardness", "")
    ('módulo (GPa)', 'uptake_mg_g (mg/g)', 'hardness')
    """
    known = text(target, lang)
    return f"{target} ({unit})" if known == target and isinstance(unit, str) and unit else known
