"""Pores: their outlines over micrographs, and how their measures are distributed in each class."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base.language import number, text
from nanofoam_lib.figures.spaces import class_legend
from nanofoam_lib.figures.style import (
    COLOURS,
    brief,
    class_colours,
    class_markers,
    columns_for,
    grid,
    letter,
    page_width,
    styled,
    wrapped,
)

#: Columns of a distribution, and what they are a share of.
SHARES = {"share": "share of pores", "area_share": "share of their area"}

_FEW = 40  # specimens of a class, of which each is shown


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
    sizes: pd.DataFrame,
    means: pd.DataFrame,
    specimens: pd.DataFrame,
    classes: Sequence[str],
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Draw how pore diameters are distributed in each class, and pore measures over specimens.

    Each measure's panel shows the density of specimens, the specimens themselves where they are fewer than 40 of a
    class, and their mean with its interval.

    Parameters
    ----------
    sizes : pandas.DataFrame
        Columns ``class``, ``diameter_um`` (middle of a bin), ``share`` (of the class's pores) and ``area_share`` (of
        their area).
    means : pandas.DataFrame
        As `class_means.means` gives it: columns ``class``, ``measure``, ``n_specimens``, ``mean``, ``ci_low``,
        ``ci_high``.
    specimens : pandas.DataFrame
        As `class_means.by_specimen` gives it: columns ``class``, ``measure``, ``value``.
    classes : sequence of str
        All that the data has, which fix the colours; those of which nothing is believed stay empty.
    note : str
    lang : {"en", "es"}
    """
    measures = list(dict.fromkeys(means["measure"]))
    counts = sorted(set(means["n_specimens"]))
    told = "–".join(str(n) for n in dict.fromkeys(counts[:1] + counts[-1:]))
    note = ", ".join(filter(None, [note, text("{n} specimens per class", lang).format(n=told)]))
    columns = columns_for(max(len(measures), 1), 3.1)
    lines = math.ceil(len(measures) / columns)
    figure, axes = grid(1, 1, (4.8 + 3.2 * lines) / page_width(), note="")
    axes[0, 0].remove()
    above, *below = figure.subfigures(1 + (lines > 0), 1, height_ratios=[4.8, 3.2 * lines][: 1 + (lines > 0)],
                                      squeeze=False).flat  # fmt: skip
    flat = list(above.subplots(1, 2))
    for axis, share in zip(flat, SHARES, strict=True):
        draw_sizes(axis, sizes, classes, share, lang)
    class_legend(above, classes)
    for part in below:
        flat += list(part.subplots(lines, columns, squeeze=False).flat)
    (below or [above])[-1].supxlabel(wrapped(note), fontsize=6, color="0.35")
    for axis, measure in zip(flat[2:], measures, strict=False):
        _rain_clouds(axis, specimens[specimens["measure"] == measure], means[means["measure"] == measure], classes)
        axis.set_ylabel(wrapped(text(measure, lang), 2.8, 8))
    for axis in flat[2 + len(measures) :]:
        axis.set_axis_off()
    letter(flat[: 2 + len(measures)])
    return figure


def draw_sizes(axis: Any, sizes: pd.DataFrame, classes: Sequence[str], share: str, lang: str = "en") -> Any:
    """Draw the distribution of diameters of each class into an axes, by one of `SHARES`, and give it back."""
    colours = class_colours(classes)
    markers = class_markers(colours)
    for label, own in sizes.groupby("class"):
        style = {
            "color": colours[str(label)],
            "marker": markers[str(label)],
            "markersize": 3,
            "linewidth": 1,
            "markevery": 3,
        }
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
    axis.yaxis.get_major_locator().set_params(integer=True)
    return figure


def _rain_clouds(axis: Any, specimens: pd.DataFrame, means: pd.DataFrame, classes: Sequence[str]) -> None:
    """Draw of each class the density of its specimens, to its right themselves, and between them mean and interval."""
    colours = class_colours(classes)
    markers = class_markers(colours)
    for place, label in enumerate(colours):
        values, colour = specimens.loc[specimens["class"] == label, "value"].to_numpy(), colours[label]
        if len(set(values)) > 1:
            sns.violinplot(
                x=np.full(len(values), place - 0.2), y=values, native_scale=True, split=True, inner=None, cut=0,
                width=0.4, linewidth=0, color=colour, alpha=0.35, ax=axis,
            )  # fmt: skip
        if len(values) < _FEW:
            beside = place + 0.1 + 0.05 * (np.arange(len(values)) % 5)
            axis.plot(beside, values, markers[label], color=colour, alpha=0.5, markersize=2, markeredgewidth=0)
        for row in means[means["class"] == label].itertuples():
            axis.plot([place, place], [row.ci_low, row.ci_high], color="0.2", linewidth=1)
            axis.plot(place, row.mean, markers[label], color=colour, markersize=4, markeredgecolor="0.2")
    axis.set_xticks([])
    axis.set_xlim(-0.6, len(colours) - 0.4)
    axis.set_xlabel("")
