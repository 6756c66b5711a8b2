"""Rows of pictures that a model has drawn, a row for each way, with what is told of each picture below it."""

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base.language import alike, fixed, text
from nanofoam_lib.figures.style import COLOURS, columns_for, grid, page_width, row_title

EXTRAPOLATION = COLOURS[4]  # of the frames and words that mark it
_ON_A_MAP = re.compile(r"(PC|LD)2 ([+-][\d.]+)")  # a series at one height on a map
PER_LINE = 9  # pictures side by side, at most
PICTURE_CM = 1.45  # their least width: what is written below takes it
#: Writes below a picture what its row of the table tells.
Write = Callable[[Axes, pd.Series, str], None]


def draw(
    table: pd.DataFrame, pictures: NDArray[Any], write: Write, note: str, lang: str, margin_cm: float = 0.7,
    stepped: bool = False,
) -> Figure:  # fmt: skip
    """Draw every series of a table as a row of pictures, or several where the page is narrow.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `series`, `extrapolation`, and `class` and `step` where there are such; its index is the row in
        `pictures`.
    pictures : ndarray, shape (n, S, S)
        uint8, or float in [0, 1].
    write : callable
    note, lang
        See `micrographs`.
    margin_cm : float
        Between the rows, for what is written there.
    stepped : bool
        Whether steps stand above the pictures, once if all rows have the same.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = lines(table)
    if not rows:
        return say("nothing was decoded", note, lang)
    steps = [list(own["step"]) for own in rows] if stepped else []
    written = _written(rows, lang) if stepped else []
    titled = [i for i, own in enumerate(steps) if i == 0 or own != steps[i - 1]]
    columns = max(map(len, rows))
    margin_cm += 0.4 * (len(titled) > 1)
    figure, axes = grid(len(rows), columns, cell_aspect=1 + margin_cm * columns / page_width(), note=note)
    fill(axes, rows, pictures, write, lang)
    for axis, step in itertools.chain(*(zip(axes[i], written[i], strict=False) for i in titled)):
        axis.set_title(step)
    return figure


def _written(rows: list[pd.DataFrame], lang: str) -> list[list[str]]:
    """Write the steps of each line, those of a series with the same decimals."""
    told = {}
    for series, own in pd.concat(rows).groupby("series", sort=False):
        told[series] = dict(zip(own.index, alike(own["step"], lang), strict=True))
    on_a_map = [_ON_A_MAP.fullmatch(own["series"].iloc[0]) for own in rows]
    across = [f"{found[1]}1 " if found else "" for found in on_a_map]  # its other axis
    return [
        [axis + told[series][i] for i, series in own["series"].items()] for axis, own in zip(across, rows, strict=True)
    ]


def _named(series, lang):
    """Name a series for its reader: a place on a map with a true minus and the decimal mark."""
    if found := _ON_A_MAP.fullmatch(series):
        return f"{found[1]}2 {fixed(float(found[2]), lang, 1)}"
    return text(series, lang)


def say(phrase: str, note: str, lang: str) -> Figure:
    """Make a figure that only says why it is empty."""
    figure, axes = grid(1, 1, cell_aspect=0.1, note=note)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0.5, 0.5, text(phrase, lang), ha="center", va="center")
    return figure


def lines(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Cut each series into lines of at most `PER_LINE` pictures, fewer where the page is narrow."""
    most = columns_for(PER_LINE, PICTURE_CM)
    found = []
    for _, own in table.groupby("series", sort=False):
        n = math.ceil(len(own) / math.ceil(len(own) / most))
        found += [own.iloc[start : start + n] for start in range(0, len(own), n)]
    return found


def fill(axes: NDArray[Any], rows: list[pd.DataFrame], pictures: NDArray[Any], write: Write, lang: str) -> None:
    """Show the pictures of each line in a row of axes, named by its series, with what is written below each."""
    for axis in axes.flat:
        axis.set_axis_off()
    for own, line in zip(axes, rows, strict=True):
        series = line["series"].iloc[0]
        title = series if series == line.iloc[0].get("class") else _named(series, lang)  # a class is a name
        row_title(own[0], title.replace(" (", "\n("))
        for axis, (i, row) in zip(own, line.iterrows(), strict=False):
            show(axis, pictures[i], EXTRAPOLATION if row["extrapolation"] else None)
            write(axis, row, lang)


def show(axis: Axes, picture: NDArray[Any], frame: str | None) -> None:
    """Show a picture, in a frame of a colour if there is one."""
    top = 255 if picture.dtype == np.uint8 else 1.0
    axis.imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="nearest")
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(visible=frame is not None, color=frame or "none", linewidth=1.6)


def caption(axis: Axes, words: str, row: pd.Series, lang: str) -> None:
    """Write some words below a picture, and that it is an extrapolation where it is one."""
    said = [words, text("extrapolation", lang)] if row["extrapolation"] else [words]
    axis.set_xlabel("\n".join(said), fontsize=6, labelpad=2, color=EXTRAPOLATION if row["extrapolation"] else "black")
