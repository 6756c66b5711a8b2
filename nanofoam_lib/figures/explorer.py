"""The explorer's picture on paper: where one looks on the latent map, and what is seen there."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from nanofoam_lib.style import MARKERS, MEASURES, STYLE, WIDTH_CM, class_colours, text


@mpl.rc_context(STYLE)
def explorer(points, colour, titles, here, pictures, maps, mix, note="", lang="en"):
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
    figure = plt.figure(figsize=(WIDTH_CM / 2.54, 3.3), layout="constrained")
    plt.close(figure)
    left, right = figure.subfigures(1, 2, width_ratios=(0.95, 1.05))
    _draw_map(left.subplots(), points, colour, titles, here, lang)
    above, below = right.subfigures(2, 1, height_ratios=(1.25, 1))
    _draw_pictures(above, pictures)
    if maps:
        _draw_pictures(below, maps)
    else:
        _draw_mix(below.subplots(), mix, lang)
    figure.supxlabel(note, fontsize=6, color="0.35", wrap=True)
    return figure


def _draw_map(axis, points, colour, titles, here, lang):
    if colour == "label":
        colours = class_colours(points["label"])
        for (label, own), marker in zip(colours.items(), MARKERS * len(colours), strict=False):
            part = points[points["label"] == label]
            axis.scatter(
                part["x"], part["y"], s=9, color=own, marker=marker, linewidths=0, label=_short(label), alpha=0.8
            )
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=min(len(colours), 4), handletextpad=0.1)
    else:
        drawn = axis.scatter(points["x"], points["y"], s=9, c=points[colour], cmap="viridis", linewidths=0)
        axis.figure.colorbar(drawn, ax=axis, location="top", aspect=40, label=text(MEASURES.get(colour, colour), lang))
    chosen = points[points["selected"]]
    axis.scatter(chosen["x"], chosen["y"], s=26, facecolors="none", edgecolors="black", linewidths=0.7)
    axis.plot(*np.transpose(here), color="black", linewidth=0.8)
    axis.plot(*here[1], marker="+", color="black", markersize=8)
    axis.set(xlabel=titles[0], ylabel=titles[1])
    axis.locator_params(nbins=5)


def _draw_pictures(figure, pictures):
    for axis, (title, picture) in zip(
        figure.subplots(1, len(pictures), squeeze=False)[0], pictures.items(), strict=True
    ):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(title, fontsize=7)
        axis.set_axis_off()


def _draw_mix(axis, mix, lang):
    colours = class_colours(mix.index)
    rows = range(len(mix))
    axis.barh(rows, mix, color=[colours[label] for label in mix.index], height=0.6)
    axis.set_yticks(rows, labels=[_short(label) for label in mix.index])
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel=text("share of the selected images", lang))


def _short(label, length=16):
    return label if len(label) <= length else f"{label[: length - 1]}…"
