"""Micrographs, and what a model makes of them."""

from collections.abc import Collection, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar
from numpy.typing import NDArray

from nanofoam_lib.base.language import number, text
from nanofoam_lib.figures.style import grid, page_width, row_aspect, row_title, scale_bar_length, styled, wrapped


@styled
def micrographs(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    labels: Collection[str],
    pixel_um: Sequence[Sequence[float]] | NDArray[np.float64],
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Show example micrographs, one class per row, in their true proportions and with scale bars (thesis fig. 8, 9).

    Parameters
    ----------
    images : sequence of ndarray
        Grey (H, W) or RGB (H, W, 3), uint8.
    labels : sequence of str
        Class of each image.
    pixel_um : sequence of (float, float)
        Width and height of a pixel of each image in µm; NaN draws no bar, and says so.
    note : str
        Data set and seed, written below.
    lang : {"en", "es"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    classes = sorted(set(labels))
    rows = {label: [i for i, own in enumerate(labels) if own == label] for label in classes}
    columns = max(len(members) for members in rows.values())
    shapes = np.array([image.shape[:2] for image in images], float)
    scale = np.where(np.isfinite(pixel_um), pixel_um, 1.0)
    aspect = np.median(shapes[:, 0] * scale[:, 1] / (shapes[:, 1] * scale[:, 0]))
    figure, axes = grid(len(classes), columns, cell_aspect=aspect, note=note)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, label in enumerate(classes):
        for column, i in enumerate(rows[label]):
            _show(axes[row, column], images[i], pixel_um[i], page_width() / columns, lang)
        row_title(axes[row, 0], label)
    return figure


@styled
def reconstructions(
    originals: NDArray[Any],
    decoded: dict[str, NDArray[Any]],
    labels: Collection[str],
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Show images above what each model makes of them.

    Parameters
    ----------
    originals : ndarray, shape (n, S, S)
        Float in [0, 1] or uint8.
    decoded : dict
        Name of the model → ndarray of float in [0, 1], shape (n, S, S).
    labels : sequence of str
        Class of each image.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = {wrapped(name, 2.0, size=8): own for name, own in ({text("input", lang): originals} | decoded).items()}
    figure, axes = grid(len(rows), len(labels), row_aspect(rows, len(labels)), note)
    for row, (name, pictures) in enumerate(rows.items()):
        top = 255 if np.asarray(pictures).dtype == np.uint8 else 1.0
        for column, picture in enumerate(pictures):
            axes[row, column].imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="nearest")
            axes[row, column].set_axis_off()
        row_title(axes[row, 0], name)
    for axis, label, before in zip(axes[0], labels, [None, *labels], strict=False):
        if label != before:
            axis.set_title(label, loc="left")  # of this image and of those of its class beside it
    return figure


def _show(axis, image, pixel_um, panel_cm, lang):
    """Show an image in its true proportions, with a scale bar if the pixel size is known."""
    height, width = image.shape[:2]
    known = bool(np.isfinite(pixel_um).all())
    um_x, um_y = pixel_um if known else (1.0, 1.0)
    extent = (0, width * um_x, height * um_y, 0)
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    outline = [withStroke(linewidth=1.5, foreground="black")]
    if not known:
        words = wrapped(text("pixel size unknown", lang), 0.8 * panel_cm)
        label = axis.text(0.97, 0.04, words, transform=axis.transAxes, ha="right")
        label.set(color="white", fontsize=6, path_effects=outline)
        return
    length = scale_bar_length(width * um_x)
    bar = AnchoredSizeBar(
        axis.transData, length, f"{number(length, lang)} µm", "lower right", pad=0.3, sep=2, frameon=False,
        color="white", size_vertical=height * um_y / 60, fontproperties=mpl.font_manager.FontProperties(size=6),
    )  # fmt: skip
    bar.txt_label.get_children()[0].set_path_effects(outline)
    bar.size_bar.get_children()[0].set_path_effects(outline)
    axis.add_artist(bar)
