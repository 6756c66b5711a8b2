"""The small pictures beside the answers that a report begins with: as wide as a column, no title, little text."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base.language import text
from nanofoam_lib.figures.pores import draw_sizes
from nanofoam_lib.figures.spaces import class_legend
from nanofoam_lib.figures.style import brief, grid, styled

_MOST = 4  # micrographs beside each other


@styled
def class_overview(
    pictures: Sequence[NDArray[Any]],
    labels: Sequence[str],
    sizes: pd.DataFrame,
    classes: Sequence[str],
    lang: str = "en",
) -> Figure:
    """Show a micrograph of each class, and how the diameters of its pores are distributed.

    Parameters
    ----------
    pictures : sequence of ndarray, shape (H, W) or (H, W, 3)
        The first four are shown.
    labels : sequence of str
        Of each.
    sizes : pandas.DataFrame
        As for `pore_sizes`; nothing is drawn if it is empty.
    classes : sequence of str
        All that the data has, which fix the colours.
    lang : {"en", "es"}
    """
    figure, axes = grid(1, 1, 0.5, "")
    axes[0, 0].remove()
    above, *below = figure.subfigures(2 if len(sizes) else 1, 1, height_ratios=[1, 1.35][: 2 if len(sizes) else 1],
                                      squeeze=False).flat  # fmt: skip
    row = above.subplots(1, min(len(pictures), _MOST), squeeze=False)[0]
    for axis, picture, label in zip(row, pictures, labels, strict=False):
        axis.imshow(picture, cmap="gray")
        axis.set_title(brief(label, 16), fontsize=8)
        axis.set_axis_off()
    for part in below:
        axis = draw_sizes(part.subplots(), sizes, classes, "share", lang)
        axis.legend(ncols=1 if len(classes) < _MOST else 2)
        axis.yaxis.label.set_size(7)  # the panel is low
        axis.locator_params(axis="y", nbins=3)
    return figure


@styled
def walk(pictures: Sequence[NDArray[Any]], titles: Sequence[str], values: Sequence[str], lang: str = "en") -> Figure:
    """Show pictures drawn on the way from one class to another, with pore measures under each.

    Parameters
    ----------
    pictures : sequence of ndarray, uint8 (S, S)
    titles : sequence of str
        Above each; empty where it is neither class.
    values : sequence of str
        Under each, on lines of their own.
    lang : {"en", "es"}
    """
    figure, axes = grid(1, len(pictures), 1.75, "")
    for axis, picture, title, value in zip(axes[0], pictures, titles, values, strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="none")
        axis.set(xticks=[], yticks=[])
        axis.set_title(brief(title, 12) or "→", fontsize=8)
        axis.set_xlabel(value, fontsize=7.5)
    return figure


@styled
def held_out_specimens(table: pd.DataFrame, colours: dict[str, str], lang: str = "en") -> Figure:
    """Show of each specimen that was held out which share of its images is named right, one row per descriptor.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns name (of the descriptor), true (class) and right.
    colours : dict of str to str
        Class → colour.
    lang : {"en", "es"}
    """
    names = list(dict.fromkeys(table["name"]))
    figure, axes = grid(1, len(names), 0.9 if len(names) > 1 else 0.45, "")
    for axis, name in zip(axes[0], names, strict=True):
        _draw_specimens(axis, table[table["name"] == name], colours)
        axis.set_title(name, fontsize=8)
        axis.yaxis.get_major_locator().set_params(integer=True, nbins=5)
    class_legend(figure, colours)
    axes[0, 0].set_ylabel(text("held-out specimens", lang))
    figure.supxlabel(text("share of a specimen's images named right", lang), fontsize=8)
    return figure


def _draw_specimens(axis: Any, table: pd.DataFrame, colours: dict[str, str]) -> None:
    """Stack the specimens of each share, class by class."""
    shares = (table["right"] * 10).round() / 10
    bottom: dict[float, int] = {}
    for label, colour in colours.items():
        for share, n in shares[table["true"] == label].value_counts().items():
            axis.bar(share, n, 0.08, bottom.get(share, 0), color=colour)
            bottom[share] = bottom.get(share, 0) + n
    axis.set(xlim=(-0.08, 1.08), xticks=[0, 0.5, 1])
