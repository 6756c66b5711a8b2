"""Properties of specimens: measured against predicted."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.figures.spaces import class_legend, class_points
from nanofoam_lib.figures.style import (
    brief,
    class_colours,
    columns_for,
    grid,
    names,
    page_width,
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
        As `property_study.predictions` gives it: columns target, unit, kind, latent_dim, descriptor, r2, label,
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
    columns = columns_for(min(len(panels), max(table["target"].nunique(), 3)), 4.5)
    note = f"{text('bars: intervals that hold 90 % of specimens; line: equal', lang)}; {note}" if note else note
    figure, axes = grid(
        math.ceil(len(panels) / columns), columns, cell_aspect=min(1.1, 7 * columns / page_width()), note=note
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    classes = sorted(set(table["label"]))
    for axis, (_, own) in zip(axes.flat, panels, strict=False):
        _panel(axis, own, classes, names(own.head(1), lang, labels)[0], lang)
    class_legend(figure, classes)
    return figure


def _panel(axis, own, classes, name, lang):
    axis.axline([own["measured"].mean()] * 2, slope=1, color="0.6", linewidth=0.8)
    for label, colour in class_colours(classes).items():
        part = own[own["label"] == label]
        axis.vlines(part["measured"], part["low"], part["high"], color=colour, linewidth=0.5, alpha=0.5)
    class_points(axis, own, "measured", "predicted", classes)
    first = own.iloc[0]
    title = f"{titled(first['target'], first['unit'], lang)}\n{name}, R² {fixed(first['r2'], lang)}"
    axis.set(xlabel=text("measured", lang), ylabel=text("predicted value", lang))
    axis.set_title("\n".join(wrapped(brief(line, 40), 5.0, 8) for line in title.split("\n")))
    axis.locator_params(nbins=4)


def titled(target: str, unit: str, lang: str = "en") -> str:
    """Name a property with its unit: "modulus (GPa)"; one that no word is known for by its column.

    Examples
    --------
    >>> titled("modulus_gpa", "GPa", "es"), titled("uptake_mg_g", "mg/g"), titled("hardness", "")
    ('módulo (GPa)', 'uptake_mg_g (mg/g)', 'hardness')
    """
    known = text(target, lang)
    return f"{target} ({unit})" if known == target and isinstance(unit, str) and unit else known
