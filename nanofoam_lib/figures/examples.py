"""Ideas of the thesis shown on a run's own latent vectors: PCA, reparametrisation, WSS and BSS."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from nanofoam_lib.base.language import fixed, percent, percentage, text
from nanofoam_lib.figures.spaces import class_legend, class_points
from nanofoam_lib.figures.style import COLOURS, class_colours, columns_for, grid, letter, styled

PANEL_CM = 5.0  # least width of a panel
GREY = "0.7"
TIGHT = {"shrinkA": 0, "shrinkB": 0}  # an arrow that ends where it is told to


@styled
def pca_example(example: pd.DataFrame, dimensions: Sequence[int], note: str = "", lang: str = "en") -> Figure:
    """Scatter two latent dimensions with their principal axes, beside the coordinates on those (thesis fig. 3).

    Parameters
    ----------
    example : pandas.DataFrame
        As `figure_data.pca_example` gives it.
    dimensions : (int, int)
        The latent dimensions, to name the axes.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (before, after) = _panels(note)
    images, axes = (example[example["kind"] == kind] for kind in ("image", "axis"))
    class_points(before, images, "x", "y", images["label"])
    class_points(after, images, "pc1", "pc2", images["label"])
    for axis in axes.itertuples():
        tip, tail = (axis.x + axis.dx, axis.y + axis.dy), (axis.x, axis.y)
        before.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "linewidth": 1.2, "color": "black"} | TIGHT)
        _beside_tip(before, axis)
    before.set(xlabel=_dimension(dimensions[0], lang), ylabel=_dimension(dimensions[1], lang))
    titles = [percent(f"{axis.label} ({percentage(axis.share)})", lang) for axis in axes.itertuples()]
    after.set(xlabel=titles[0], ylabel=titles[1])
    after.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    after.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    class_legend(figure, images["label"])
    return figure


@styled
def reparametrisation(draws: pd.DataFrame, dimensions: Sequence[int], note: str = "", lang: str = "en") -> Figure:
    """Show draws of ε, and where they take z = μ + σ ε of one image (thesis fig. 6).

    Parameters
    ----------
    draws : pandas.DataFrame
        As `figure_data.reparametrisation` gives it.
    dimensions : (int, int)
        The latent dimensions, to name the axes.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
        Ellipses enclose one and two standard deviations; three outer draws are marked in both panels.
    """
    figure, (left, right) = _panels(note)
    own, image, others = (draws[draws["kind"] == kind] for kind in ("draw", "image", "other"))
    marked = own.loc[[own["e_x"].idxmin(), own["e_y"].idxmax(), own["e_x"].idxmax()]]
    centre, sigma = image[["x", "y"]].to_numpy()[0], image[["sigma_x", "sigma_y"]].to_numpy()[0]
    right.scatter(others["x"], others["y"], s=6, color=GREY, linewidth=0, label=text("μ of other images", lang))
    for axis, x, y, middle, spread, name in (
        (left, "e_x", "e_y", (0, 0), (1, 1), "ε ~ N(0, I)"),
        (right, "x", "y", centre, sigma, "z = μ + σ ε"),
    ):
        axis.scatter(own[x], own[y], s=6, color=COLOURS[5], linewidth=0, label=name)
        for k in (1, 2):
            axis.add_patch(
                Ellipse(middle, *(2 * k * np.asarray(spread)), fill=False, edgecolor=COLOURS[0], linewidth=0.8)
            )
        axis.scatter(marked[x], marked[y], s=22, marker="D", color=COLOURS[4], edgecolor="white", linewidth=0.5)
        axis.plot(*middle, "+", color="black", markersize=8, label="μ" if axis is right else "0")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=3, handletextpad=0.2, columnspacing=1)
    left.set(xlabel=text("first ε", lang), ylabel=text("second ε", lang))
    right.set(xlabel=_dimension(dimensions[0], lang), ylabel=_dimension(dimensions[1], lang))
    return figure


@styled
def wss_bss_scheme(distances: pd.DataFrame, classes: Collection[str], note: str = "", lang: str = "en") -> Figure:
    """Show the distances within two classes, beside those between them (thesis fig. 10).

    Parameters
    ----------
    distances : pandas.DataFrame
        As `figure_data.wss_bss` gives it.
    classes : sequence of str
        All classes of the data, so that the two have their usual colours.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
        The titles tell the mean distances of the points shown.
    """
    figure, (within, between) = _panels(note)
    colours, titles = class_colours(classes), {within: [], between: []}
    for (a, b), lines in distances.groupby(["class_a", "class_b"]):
        axis, name, colour = (within, f"WSS {a}", colours[a]) if a == b else (between, "BSS", "black")
        ends = lines[["x", "y", "to_x", "to_y"]].to_numpy().reshape(-1, 2, 2)
        axis.add_collection(LineCollection(ends, colors=colour, linewidth=0.4, alpha=0.5, zorder=1))
        titles[axis].append(f"{name} = {fixed(lines['distance'].mean(), lang)}")
    points = _ends(distances)
    for axis, parts in titles.items():
        class_points(axis, points, "x", "y", classes)
        axis.set(title="\n".join(parts), xlabel=percent(distances["x_title"].iloc[0], lang))
        axis.set_ylabel(percent(distances["y_title"].iloc[0], lang))
    class_legend(figure, points["label"], classes)
    return figure


def _panels(note):
    """Make two square panels, a and b, side by side or, in a narrow figure, one above the other."""
    columns = columns_for(2, PANEL_CM)
    figure, axes = grid(2 // columns, columns, cell_aspect=0.85, note=note)
    for axis in axes.flat:
        axis.set_aspect("equal", adjustable="datalim")
        axis.locator_params(nbins=5)
    letter(axes.flat)
    return figure, axes.flat


def _beside_tip(axis, arrow):
    """Write the name of an arrow beyond its tip."""
    step = np.array([arrow.dx, arrow.dy]) / np.hypot(arrow.dx, arrow.dy)
    axis.annotate(arrow.label, (arrow.x + arrow.dx, arrow.y + arrow.dy), 8 * step, textcoords="offset points",
                  ha="center", va="center", fontweight="bold")  # fmt: skip


def _dimension(number, lang):
    return f"μ, {text('dimension', lang)} {number}"


def _ends(distances):
    """List the points that the distances lie between, each once."""
    starts = distances[["class_a", "x", "y"]].set_axis(["label", "x", "y"], axis=1)
    ends = distances[["class_b", "to_x", "to_y"]].set_axis(["label", "x", "y"], axis=1)
    return pd.concat([starts, ends]).drop_duplicates(ignore_index=True)
