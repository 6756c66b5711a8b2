"""A map of images on which neighbours mean something: once with their classes, once with the clusters they form."""

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.figures.spaces import class_legend, class_points
from nanofoam_lib.figures.style import OTHER_COLOURS, OTHER_MARKERS, columns_for, grid, page_width, styled

_GREY = "0.75"


@styled
def neighbours(points: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Scatter a neighbour map twice, coloured by class and by cluster.

    Parameters
    ----------
    points : pandas.DataFrame
        As `neighbourhood.study` gives it: columns label, x, y, cluster, trust, trust_of_plane.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    trust, plane = (fixed(points[name].iloc[0], lang) for name in ("trust", "trust_of_plane"))
    said = text("trustworthiness {trust}; of two principal components {plane}", lang).format(trust=trust, plane=plane)
    note = "\n".join(filter(None, [said, note]))
    figure, axes = grid(1, 2, cell_aspect=0.9 if page_width() >= 12 else 1.2, note=note)
    left, right = axes[0]
    class_points(left, points, "x", "y", points["label"])
    left.set_title(text("classes", lang))
    for number in sorted(set(points["cluster"])):
        own = points[points["cluster"] == number]
        is_none = number < 0
        right.scatter(
            own["x"], own["y"], s=14, linewidth=0.2, edgecolor="white",
            color=_GREY if is_none else OTHER_COLOURS[number % len(OTHER_COLOURS)],
            marker="o" if is_none else OTHER_MARKERS[number % len(OTHER_MARKERS)],
            label=text("in no cluster", lang) if is_none else f"{text('cluster', lang)} {number + 1}",
        )  # fmt: skip
    right.set_title(text("clusters", lang))
    for axis in (left, right):
        axis.set(xlabel="t-SNE 1", ylabel="t-SNE 2", xticks=[], yticks=[])
        axis.margins(0.06)
    columns = columns_for(points["cluster"].nunique(), 3.2)
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=max(1, columns // 2), handletextpad=0.2)
    class_legend(figure, points["label"])
    return figure
