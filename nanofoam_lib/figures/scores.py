"""Scores: how well descriptors tell classes apart and predict the pores."""

import functools
import itertools
import math
import re
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from nanofoam_lib.base.language import MISSING, fixed, text
from nanofoam_lib.figures.style import (
    OTHER_COLOURS,
    OTHER_MARKERS,
    brief,
    columns_for,
    grid,
    names,
    page_width,
    styled,
    wrapped,
)

ACCURACY = "accuracy on test groups (dotted: naming the largest class)"
ACCURACY_BELOW = "accuracy (dotted: guessing; dashed: true pore measures)"
_NAME = 20  # letters of a class beside a matrix


@styled
def accuracies(
    table: pd.DataFrame,
    chance: float,
    note: str = "",
    lang: str = "en",
    labels: Mapping[str, str] | None = None,
    ceiling: float | None = None,
) -> Figure:
    """Draw the accuracy of every descriptor with its interval, models above controls, against guessing.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns kind, latent_dim, descriptor, classifier, accuracy, ci_low, ci_high: one row per line drawn; the
        classifier is named where it is a network's own decision, "softmax".
    chance : float
        Accuracy of always naming the largest class, drawn as a vertical line.
    note, lang
        See `micrographs`.
    labels : dict of str to str, optional
        What controls are called, by their names; the others as in `style.names`.
    ceiling : float, optional
        What the true pore measures reach, drawn as a dashed line.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = len(table)
    figure, axes = grid(1, 1, cell_aspect=(0.32 * rows + 1.9) / page_width(), note=note)
    axis = axes[0, 0]
    is_control = table["kind"].to_numpy() == "control"
    for y, (row, control) in enumerate(zip(table.itertuples(), is_control, strict=True)):
        colour = "0.55" if control else OTHER_COLOURS[0]
        axis.plot([row.ci_low, row.ci_high], [y, y], color=colour, linewidth=1)
        axis.plot(row.accuracy, y, "s" if control else "o", color=colour, markersize=4)
    axis.axvline(chance, color="0.5", linestyle=":", linewidth=1)
    if ceiling is not None:
        axis.axvline(ceiling, color="0.5", linestyle="--", linewidth=1)
    ends = table["classifier"].map({"softmax": ", softmax"}).fillna("")
    labels = [name + end for name, end in zip(names(table, lang, labels), ends, strict=True)]
    axis.set(yticks=range(rows), yticklabels=labels, xlim=(0, 1.02), ylim=(rows - 0.4, -0.6))
    label = text(ACCURACY if ceiling is None else ACCURACY_BELOW, lang)
    axis.set_xlabel(wrapped(label, page_width() - 4, size=8))
    return figure


@styled
def told_apart(table: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Draw how often a forest tells the pictures of each model from real ones, with its interval, against guessing.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns name (of the model), features, accuracy, ci_low, ci_high: one row per point.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    models, features = (list(dict.fromkeys(table[column])) for column in ("name", "features"))
    height = 0.5 * len(features) * max(len(models), 1) + 2.2
    figure, axes = grid(1, 1, cell_aspect=height / page_width(), note=note)
    axis = axes[0, 0]
    for i, (model, colour) in enumerate(zip(models, itertools.cycle(OTHER_COLOURS), strict=False)):
        own = table[table["name"] == model]
        places = [features.index(name) + 0.5 * ((i + 0.5) / len(models) - 0.5) for name in own["features"]]
        axis.hlines(places, own["ci_low"], own["ci_high"], color=colour, linewidth=1)
        marker = OTHER_MARKERS[i % len(OTHER_MARKERS)]
        axis.plot(own["accuracy"], places, marker, color=colour, markersize=4, clip_on=False, label=model)
    axis.axvline(0.5, color="0.5", linestyle=":", linewidth=1)
    axis.set(yticks=range(len(features)), yticklabels=[text(name, lang) for name in features], xlim=(0, 1.02))
    axis.set_ylim(max(len(features), 1) - 0.5, -0.5)
    label = text("how often a forest tells them from micrographs (dotted: guessing)", lang)
    axis.set_xlabel(wrapped(label, page_width() - 4, size=8))
    if models:
        handles = axis.get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper center", ncols=columns_for(len(models), 3.8))
    return figure


@styled
def confusion(confusions: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Draw confusion matrices side by side, as shares of each true class.

    Parameters
    ----------
    confusions : pandas.DataFrame
        Columns title, true, predicted, count.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    titles = list(dict.fromkeys(confusions["title"]))
    columns = columns_for(len(titles), 3.6)
    longest = 0.14 * max(
        len(brief(name, _NAME)) for name in confusions["true"]
    )  # cm that the names of the classes take
    written = functools.partial(brief, longest=_NAME)
    side = (page_width() - longest - 0.7) / columns
    figure, axes = grid(
        math.ceil(len(titles) / columns), columns, (side + longest + 1.6) * columns / page_width(), note
    )
    for axis in axes.flat[len(titles) :]:
        axis.set_axis_off()
    for i, (axis, title) in enumerate(zip(axes.flat, titles, strict=False)):
        own = confusions[confusions["title"] == title]
        counts = own.pivot(index="true", columns="predicted", values="count")
        shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
        shares = shares.rename(index=written, columns=written)
        sns.heatmap(
            shares, annot=counts, fmt="d", vmin=0, vmax=1, cmap="Blues", cbar=False, square=True, ax=axis,
            annot_kws={"size": 7}, yticklabels=i % columns == 0,
        )  # fmt: skip
        axis.set(title=title, xlabel=text("predicted", lang), ylabel=text("true", lang) if i % columns == 0 else "")
        axis.tick_params(length=0)
        axis.tick_params(axis="x", rotation=90)
        axis.tick_params(axis="y", rotation=0)
    return figure


@styled
def predictability(table: pd.DataFrame, measures: Collection[str], note: str = "", lang: str = "en") -> Figure:
    """Draw how well each descriptor predicts each pore measure: R² as a map, negative values as 0.

    Figures of less than 12 cm have no colour bar, and negative values are written as <0, so that two decimals find
    their place.

    Parameters
    ----------
    table : pandas.DataFrame
        Column `name`, and one column of R² per measure.
    measures : sequence of str
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    values = table.set_index("name")[list(measures)].astype(float)
    values.columns = [text(measure, lang) for measure in measures]
    wide = page_width() >= 12
    height = (0.48 if wide else 0.6) * len(values) + 0.15 * values.columns.str.len().max() + 0.5
    figure, axes = grid(1, 1, cell_aspect=height / page_width(), note=note)
    values.index.name = None
    values.index = [
        name if wide else wrapped(re.sub(r" (?=\S$)", "\N{NO-BREAK SPACE}", name), 2.8, size=7) for name in values.index
    ]
    written = values.map(lambda value: "<0" if round(value, 2) < 0 and not wide else fixed(value, lang))
    sns.heatmap(
        values.clip(lower=0), annot=written, fmt="", vmin=0, vmax=1, cmap="viridis", ax=axes[0, 0],
        annot_kws={"size": 6}, cbar=wide, cbar_kws={"label": "R²"} if wide else None, linewidths=0.5,
    )  # fmt: skip
    for row, column in np.argwhere(values.isna().to_numpy()):  # which seaborn leaves empty
        axes[0, 0].text(column + 0.5, row + 0.5, MISSING, ha="center", va="center", size=6)
    axes[0, 0].tick_params(axis="both", length=0)
    axes[0, 0].tick_params(axis="x", rotation=90)
    return figure
