"""The explorer's picture on paper: where one looks on the latent map, and what is seen there."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base.language import percent, text
from nanofoam_lib.figures.spaces import class_legend, class_points
from nanofoam_lib.figures.style import class_colours, page_width, styled, wrapped

_LABEL_CM = 2.6  # that the name of a class may take beside its bar


@styled
def explorer(
    points: pd.DataFrame,
    colour: str,
    titles: Sequence[str],
    here: NDArray[Any],
    pictures: Mapping[str, NDArray[Any]],
    maps: Mapping[str, NDArray[Any]],
    mix: pd.Series,
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Show a latent map beside what is looked at: an image with its strongest Grad-CAM maps, or a region's average.

    Parameters
    ----------
    points : pandas.DataFrame
        Columns label, x, y, selected (bool), and `colour`.
    colour : str
        "label", or the pore measure that colours the points; points where it is unknown are left out.
    titles : (str, str)
        Of the axes of the map.
    here : ndarray, shape (2, 2)
        Map coordinates of the latent vector to start from, and of where it was moved to.
    pictures, maps : dict
        Title → picture, grey (S, S) in [0, 1] or uint8 (S, S, 3). `maps` may be empty.
    mix : pandas.Series
        Share of each class among the selected points; drawn if `maps` is empty.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    wide = page_width() >= 12
    inches = page_width() / 2.54
    figure = plt.figure(figsize=(inches, (0.55 if wide else 1.6) * inches), layout="constrained")
    plt.close(figure)
    if wide:
        first, second = figure.subfigures(1, 2)  # type: ignore[misc]
    else:
        first, second = figure.subfigures(2, 1, height_ratios=(1, 0.75))  # type: ignore[misc]
    _draw_map(first.subplots(), points, colour, titles, here, lang)
    if colour == "label":
        class_legend(figure, points["label"])
    above, below = second.subfigures(2, 1, height_ratios=(1.3, 1))
    _draw_pictures(above, pictures)
    if maps:
        _draw_pictures(below, maps)
    else:
        _draw_mix(below.subplots(), mix, lang)
    figure.supxlabel(wrapped(note), fontsize=6, color="0.35")
    return figure


def _draw_map(axis, points, colour, titles, here, lang):
    if colour == "label":
        class_points(axis, points, "x", "y", points["label"])
    else:
        drawn = axis.scatter(points["x"], points["y"], s=14, c=points[colour], cmap="viridis", linewidths=0)
        axis.figure.colorbar(drawn, ax=axis, location="top", aspect=40, label=text(colour, lang))
    chosen = points[points["selected"]]
    axis.scatter(chosen["x"], chosen["y"], s=36, facecolors="none", edgecolors="black", linewidths=0.7)
    axis.plot(*np.transpose(here), color="black", linewidth=0.8)
    axis.plot(*here[1], marker="+", color="black", markersize=8)
    axis.set(xlabel=percent(titles[0], lang), ylabel=percent(titles[1], lang))
    axis.locator_params(nbins=5)


def _draw_pictures(figure, pictures):
    row = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axis, (title, picture) in zip(row, pictures.items(), strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(title, fontsize=6)
        axis.set_axis_off()


def _draw_mix(axis, mix, lang):
    colours = class_colours(mix.index)
    rows = range(len(mix))
    axis.barh(rows, mix, color=[colours[label] for label in mix.index], height=0.6)
    axis.set_yticks(rows, labels=[wrapped(label, _LABEL_CM) for label in mix.index])
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel=text("share of the selected images", lang))
