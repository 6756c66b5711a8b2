"""Scores against the parameters of a sweep."""

from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib.base.language import text
from nanofoam_lib.figures.style import COLOURS, MARKERS, columns_for, grid, letter, styled

#: What is drawn of each run, in this order: column of the sweep's table → label of the axis.
ACCURACIES = {
    "forest_mu": "accuracy from μ",
    "forest_sigma": "accuracy from σ",
    "forest_conv": "accuracy from conv",
}
USAGE = {
    "active": "active dimensions",
    "kl": "KL (nats per image)",
    "reconstruction": "reconstruction (nats)",
}
CONTROL = "best control"


def sweep_numbers(table: pd.DataFrame, swept: list[str], others: Iterable[str] = ()) -> pd.DataFrame:
    """Lay out the finished runs of a sweep as `sweep` draws them.

    Parameters
    ----------
    table : pandas.DataFrame
        As `sweeps.collect` gives it, finished runs alone.
    swept : list of str
        Columns whose values differ between runs, but for the seed: the first is the horizontal axis, the others
        together make the series.
    others : collection of str
        Further columns of accuracies to draw.

    Returns
    -------
    pandas.DataFrame
        One row per score, run and series: score, x_title, x, series, item, value, and mean, low and high of the values
        that differ in the seed alone.
    """
    x_title, rest = (swept or ["item"])[0], swept[1:]
    written = table[[x_title, *rest]].map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    series = [", ".join(f"{name} {row[name]}" for name in rest) for _, row in written.iterrows()]
    runs = pd.DataFrame({"x_title": x_title, "x": written[x_title], "series": series})
    runs["item"] = table["item"]
    parts = []
    for score in (score for score in [*ACCURACIES, *others, *USAGE] if score in table):
        parts.append(runs.assign(score=score, value=table[score]))
        if score.startswith("forest_"):
            parts.append(runs.assign(score=score, series=CONTROL, value=table["forest_control"]))
    numbers = pd.concat(parts, ignore_index=True).dropna(subset="value").astype({"value": float})
    alike = numbers.groupby(["score", "series", "x"], sort=False)["value"]
    numbers = numbers.assign(mean=alike.transform("mean"), low=alike.transform("min"), high=alike.transform("max"))
    return numbers[["score", "x_title", "x", "series", "item", "value", "mean", "low", "high"]]


@styled
def sweep(numbers: pd.DataFrame, note: str = "", lang: str = "en", others: Mapping[str, str] | None = None) -> Figure:
    """Draw scores against the first parameter of a sweep, one series for each value of the others.

    Parameters
    ----------
    numbers : pandas.DataFrame
        As `sweep_numbers` gives it. Points are runs, lines their means, bars reach from the least to the largest.
    note, lang
        See `micrographs`.
    others : dict of str to str, optional
        Labels of further accuracies, by their columns.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = {**ACCURACIES, **(others or {}), **USAGE}
    scores = [score for score in labels if (numbers["score"] == score).any()]
    columns = columns_for(len(scores), 5)
    figure, axes = grid(-(-len(scores) // columns), columns, cell_aspect=0.85, note=note)
    places = {value: place for place, value in enumerate(dict.fromkeys(numbers["x"]))}
    series = [CONTROL, *(name for name in dict.fromkeys(numbers["series"]) if name != CONTROL)]
    for axis, score in zip(axes.flat, scores, strict=False):
        own = numbers[numbers["score"] == score]
        for rank, name in enumerate(series):
            _draw_series(axis, own[own["series"] == name], places, rank, len(series), lang)
        axis.set(xticks=range(len(places)), xticklabels=list(places), xlim=(-0.5, len(places) - 0.5))
        axis.set(xlabel=text(own["x_title"].iloc[0], lang), ylabel=text(labels[score], lang))
    for axis in axes.flat[len(scores) :]:
        axis.set_axis_off()
    letter(axes.flat[: len(scores)])
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 5))
    return figure


def _draw_series(axis, rows, places, rank, n_series, lang):
    """Draw one series, a little beside the others so that bars do not hide each other."""
    if rows.empty:
        return
    name = rows["series"].iloc[0]
    is_control = name == CONTROL
    shift = 0 if is_control else 0.4 * (rank / n_series - 0.5)
    colour = "0.45" if is_control else COLOURS[(rank - 1) % len(COLOURS)]
    marker = "_" if is_control else MARKERS[(rank - 1) % len(MARKERS)]
    axis.plot(rows["x"].map(places) + shift, rows["value"], marker, color=colour, alpha=0.35, markersize=3)
    means = rows.drop_duplicates("x")
    at = means["x"].map(places) + shift
    axis.vlines(at, means["low"], means["high"], color=colour, linewidth=0.8)
    line = "--" if is_control else "-"
    axis.plot(at, means["mean"], line, marker=marker, color=colour, markersize=4, label=text(name, lang) or None)
