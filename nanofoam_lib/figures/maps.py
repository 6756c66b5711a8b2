"""Grad-CAM maps, and whether to trust them.

Maps of one figure share one colour scale, which grows with the square root of the map: weak dimensions look weak, but
can be seen.
"""

from collections.abc import Collection, Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib.base.language import text
from nanofoam_lib.figures.style import (
    OTHER_COLOURS,
    OTHER_MARKERS,
    columns_for,
    grid,
    page_width,
    row_aspect,
    row_title,
    styled,
    wrapped,
)


@styled
def gradcam(
    images: NDArray[np.uint8],
    decoded: NDArray[Any],
    maps: NDArray[Any],
    mean_map: NDArray[Any],
    dims: Iterable[int],
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Show images, what the model makes of them, and where each dimension looks (thesis fig. 14 to 16).

    Parameters
    ----------
    images : ndarray of uint8, shape (n, S, S)
    decoded : ndarray of float in [0, 1], shape (n, S, S)
    maps : ndarray, shape (n, h, w, D)
        As `gradcam.latent_maps` gives them; smoothed between cells for the eye. One that is zero everywhere is
        crossed out.
    mean_map : ndarray, shape (n, h, w)
    dims : sequence of int, length D
    note : str
        Data set, split and seed, written below.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    titles = ["$x$", r"$\hat{x}$", *(f"$M^{{{dim}}}$" for dim in dims), r"$\overline{M}$"]
    figure, axes = grid(len(images), len(titles), cell_aspect=1.0, note=note)
    top = max(np.max(maps), np.max(mean_map)) or 1.0
    for row, (image, picture) in enumerate(zip(images, decoded, strict=True)):
        axes[row, 0].imshow(image, cmap="gray", vmin=0, vmax=255)
        axes[row, 1].imshow(picture, cmap="gray", vmin=0, vmax=1)
        for axis, values in zip(axes[row, 2:], [*np.moveaxis(maps[row], -1, 0), mean_map[row]], strict=True):
            drawn = _draw(axis, values, top)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, parse_math=True)
    _finish(figure, axes, drawn, text("map (units of the latent)", lang))
    return figure


@styled
def gradcam_average(
    maps: NDArray[Any], labels: Collection[str], dims: Iterable[int], note: str = "", lang: str = "en"
) -> Figure:
    """Show the class-average map of each dimension, and of their mean.

    Parameters
    ----------
    maps : ndarray, shape (C, h, w, D + 1)
        Mean over the images of each class; last the mean map.
    labels : sequence of str, length C
    dims : sequence of int, length D
    note, lang
        See `gradcam`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    titles = [*(f"$M^{{{dim}}}$" for dim in dims), r"$\overline{M}$"]
    figure, axes = grid(len(labels), len(titles), row_aspect(labels, len(titles)), note)
    for row, label in enumerate(labels):
        for axis, values in zip(axes[row], np.moveaxis(maps[row], -1, 0), strict=True):
            drawn = _draw(axis, values, np.max(maps) or 1.0)
        row_title(axes[row, 0], label)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, parse_math=True)
    _finish(figure, axes, drawn, text("map (units of the latent)", lang))
    return figure


@styled
def class_maps(
    images: NDArray[np.uint8],
    labels: Collection[str],
    cams: NDArray[Any],
    maps: NDArray[Any],
    classes: Collection[str],
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Show what speaks for and against each class: CAM and Grad-CAM of a supervised classifier (section 1.4).

    Parameters
    ----------
    images : ndarray of uint8, shape (n, S, S)
    labels : sequence of str, length n
        True class of each image.
    cams, maps : ndarray, shape (n, h, w, C)
        As `gradcam.cam` and `gradcam.class_maps` give them.
    classes : sequence of str, length C
    note, lang
        See `gradcam`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = grid(len(images), 1 + 2 * len(classes), row_aspect(labels, 1 + 2 * len(classes)), note)
    limit, top = np.abs(cams).max() or 1.0, np.max(maps) or 1.0
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        axes[row, 0].imshow(image, cmap="gray", vmin=0, vmax=255)
        row_title(axes[row, 0], label)
        for c in range(len(classes)):
            signed = axes[row, 1 + c].imshow(cams[row, ..., c], cmap="PuOr_r", vmin=-limit, vmax=limit)
            drawn = _draw(axes[row, 1 + len(classes) + c], maps[row, ..., c], top)
    upright = 0 if page_width() >= 12 else 90
    for c, label in enumerate(classes):
        axes[0, 1 + c].set_title(f"CAM\n{label}", rotation=upright)
        axes[0, 1 + len(classes) + c].set_title(f"Grad-CAM\n{label}", rotation=upright)
    _finish(figure, axes[:, 1 + len(classes) :], drawn, "Grad-CAM")
    _finish(figure, axes[:, : 1 + len(classes)], signed, "CAM", location="left")
    return figure


@styled
def gradcam_checks(table: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Draw what each check found of each kind of maps, with its interval, against what a map to be trusted gives.

    Parameters
    ----------
    table : pandas.DataFrame
        As `gradcam_checks.compare` gives it; rows of single dimensions are left out.
    note, lang
        See `gradcam`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = table[table["dimension"].isna()]
    checks, kinds = (list(dict.fromkeys(table[column])) for column in ("check", "maps"))
    columns = columns_for(2, 7)
    figure, axes = grid(4 // columns, columns, cell_aspect=1.3 / columns, note=note)
    lines = {"deletion": 1, "randomisation": 0, "localisation": 1, "stability": 1}
    labels = {"deletion": "movement, relative to erasing", "localisation": "times its share of the image"}
    for axis, check in zip(axes.flat, checks, strict=True):
        own = table[table["check"] == check]
        variants = list(dict.fromkeys(own["variant"]))
        for i, kind in enumerate(kinds):
            rows = own[own["maps"] == kind]
            places = [variants.index(variant) + 0.3 * (i - (len(kinds) - 1) / 2) for variant in rows["variant"]]
            axis.hlines(places, rows["ci_low"], rows["ci_high"], color=OTHER_COLOURS[i], linewidth=1)
            named = f"{text('maps', lang)} {text(kind, lang)}"
            axis.plot(rows["value"], places, OTHER_MARKERS[i], color=OTHER_COLOURS[i], markersize=4, label=named)
        axis.axvline(lines[check], color="0.5", linestyle=":", linewidth=1)
        axis.set(yticks=range(len(variants)), yticklabels=[text(variant, lang) for variant in variants])
        label = text(labels.get(check, "rank correlation"), lang)
        axis.set(title=text(check, lang), xlabel=wrapped(label, page_width() / columns - 3.5, size=8))
        axis.set_ylim(len(variants) - 0.5, -0.5)
        axis.locator_params(axis="x", nbins=4)
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(kinds))
    return figure


def map_numbers(maps: NDArray[Any], mean_map: NDArray[Any], dims: Iterable[int], ids: Iterable[Any]) -> pd.DataFrame:
    """List the values of the maps that `gradcam` draws.

    Returns
    -------
    pandas.DataFrame
        Columns id, map ("mean" or the number of the dimension), row, column, value.
    """
    every = np.concatenate([maps, mean_map[..., None]], axis=-1)
    names = [*(str(dim) for dim in dims), "mean"]
    height, width = every.shape[1:3]
    levels = [list(ids), range(height), range(width), names]
    index = pd.MultiIndex.from_product(levels, names=["id", "row", "column", "map"])
    return pd.DataFrame({"value": every.reshape(-1)}, index=index).reset_index()[
        ["id", "map", "row", "column", "value"]
    ]


def _draw(axis, values, top):
    """Show a map from zero to `top`; cross out one that is zero everywhere."""
    scale = mpl.colors.PowerNorm(0.5, vmin=0, vmax=top)  # a few bright cells, often at the edge, must not hide the rest
    drawn = axis.imshow(values, cmap="magma", norm=scale, interpolation="bilinear")
    if not np.any(values):
        axis.plot([0, 1], [0, 1], [0, 1], [1, 0], transform=axis.transAxes, color="0.6", linewidth=0.8)
    return drawn


def _finish(figure, axes, drawn, label, location="right"):
    for axis in axes.flat:
        axis.set_axis_off()
    label = wrapped(label, 2.5, size=8) if page_width() < 12 else label
    bar = figure.colorbar(drawn, ax=axes, location=location, shrink=0.8, pad=0.01, aspect=30, label=label)
    bar.locator = mpl.ticker.MaxNLocator(3)
    bar.update_ticks()
    bar.outline.set_visible(False)
