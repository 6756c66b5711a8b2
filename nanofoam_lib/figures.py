"""Every figure as a function of arrays: thesis width, colour-blind safe, in English or Spanish."""

import math
import pathlib

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patheffects import withStroke
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from nanofoam_lib import files

#: Okabe and Ito's colours, in the order in which classes (sorted by name) get them.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

SYMBOLS = {"mu": "μ", "sigma": "σ"}

#: Width of a figure in cm: the text width of the thesis's page.
WIDTH_CM = 16.0

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # fonts are embedded whole, so that a publisher can edit the text
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

_SPANISH = {
    "train": "entrenamiento",
    "test": "prueba",
    "epoch": "época",
    "reconstruction (nats per image)": "reconstrucción (nats por imagen)",
    "KL divergence (nats per image)": "divergencia KL (nats por imagen)",
    "input": "entrada",
    "pixel size unknown": "tamaño de píxel desconocido",
    "synthetic foam": "espuma sintética",
    "split by group, seed": "partición por grupo, semilla",
}


def text(phrase, lang="en"):
    """Give `phrase` in the language of the figure: "en" leaves it, "es" looks it up and leaves names as they are."""
    return _SPANISH.get(phrase, phrase) if lang == "es" else phrase


def number(value, lang="en", digits=3):
    """Write a number with at most `digits` significant digits, with a decimal comma in Spanish."""
    written = f"{value:.{digits}g}"
    return written.replace(".", ",") if lang == "es" else written


def class_colours(labels):
    """Give each class, in sorted order, its fixed colour: dict of label → hex colour."""
    return {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(sorted(set(labels)))}


@mpl.rc_context(STYLE)
def save(figure, stem, numbers):
    """Write ``stem.pdf`` (vector), ``stem.png`` (300 dpi) and ``stem.csv`` (the numbers drawn).

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : path-like
        Path without a suffix.
    numbers : pandas.DataFrame
        What the figure shows.
    """
    stem = pathlib.Path(stem)
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".png", {"Software": None})):
        with files.replacing(stem.with_name(stem.name + suffix)) as temporary:
            figure.savefig(temporary, dpi=300, metadata=metadata)
    files.write_csv(stem.with_name(stem.name + ".csv"), numbers)


@mpl.rc_context(STYLE)
def micrographs(images, labels, pixel_um, note="", lang="en"):
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
    figure, axes = _grid(len(classes), columns, cell_aspect=aspect, note=note)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, label in enumerate(classes):
        for column, i in enumerate(rows[label]):
            _show(axes[row, column], images[i], pixel_um[i], lang)
        _row_title(axes[row, 0], label)
    return figure


@mpl.rc_context(STYLE)
def training(history, note="", lang="en"):
    """Draw the loss of each model, epoch by epoch, on train and test images.

    Parameters
    ----------
    history : pandas.DataFrame
        Columns `model`, `epoch`, `reconstruction`, `kl`, `test_reconstruction`, `test_kl`.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _grid(1, 2, cell_aspect=0.7, note=note)
    models = list(dict.fromkeys(history["model"]))
    panels = (("reconstruction", "reconstruction (nats per image)"), ("kl", "KL divergence (nats per image)"))
    for axis, (column, label) in zip(axes[0], panels, strict=True):
        for colour, model in zip(COLOURS, models, strict=False):
            rows = history[history["model"] == model]
            if column == "kl" and not rows[column].notna().any():
                continue
            for prefix, line in (("", "-"), ("test_", "--")):
                name = f"{model}, {text('test' if prefix else 'train', lang)}"
                axis.plot(rows["epoch"], rows[prefix + column], line, color=colour, label=name)
        axis.set(xlabel=text("epoch", lang), ylabel=text(label, lang))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    return figure


@mpl.rc_context(STYLE)
def reconstructions(originals, decoded, labels, note="", lang="en"):
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
    rows = {text("input", lang): originals} | decoded
    figure, axes = _grid(len(rows), len(labels), cell_aspect=1.0, note=note)
    for row, (name, pictures) in enumerate(rows.items()):
        top = 255 if np.asarray(pictures).dtype == np.uint8 else 1.0
        for column, picture in enumerate(pictures):
            axes[row, column].imshow(picture, cmap="gray", vmin=0, vmax=top)
            axes[row, column].set_axis_off()
        _row_title(axes[row, 0], name)
    for axis, label in zip(axes[0], labels, strict=True):
        axis.set_title(label)
    return figure


@mpl.rc_context(STYLE)
def projection(points, note="", lang="en"):
    """Scatter 2-D projections, one descriptor per row, train beside test (thesis fig. 11, 12).

    Parameters
    ----------
    points : pandas.DataFrame
        Columns `descriptor`, `split` ("train" or "test"), `label`, `x`, `y`, `x_title`, `y_title`.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    descriptors = list(dict.fromkeys(points["descriptor"]))
    colours = class_colours(points["label"])
    markers = dict(zip(colours, MARKERS, strict=False))
    figure, axes = _grid(len(descriptors), 2, cell_aspect=0.62, note=note)
    for row, descriptor in enumerate(descriptors):
        own = points[points["descriptor"] == descriptor]
        for axis, split in zip(axes[row], ("train", "test"), strict=True):
            part = own[own["split"] == split]
            sns.scatterplot(
                part, x="x", y="y", hue="label", style="label", palette=colours, markers=markers,
                hue_order=list(colours), style_order=list(colours), s=14, linewidth=0.2, ax=axis, legend=False,
            )  # fmt: skip
            axis.set(xlabel=own["x_title"].iloc[0], ylabel=own["y_title"].iloc[0])
            axis.set_title(f"{descriptor}, {text(split, lang)} (n = {len(part)})")
            axis.set(xlim=_padded(own["x"]), ylim=_padded(own["y"]))
            axis.locator_params(nbins=5)
    handles = [
        mpl.lines.Line2D([], [], color=colours[label], marker=markers[label], linestyle="", markersize=4, label=label)
        for label in colours
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _grid(rows, columns, cell_aspect, note):
    """Make a figure of the page's width with a grid of axes whose cells are `cell_aspect` times as high as wide."""
    width = WIDTH_CM / 2.54
    height = width / columns * cell_aspect * rows + 0.3
    figure = plt.figure(figsize=(width, min(height, 23 / 2.54)), layout="constrained")
    plt.close(figure)  # pyplot need not remember it; Jupyter shows what a cell returns, once
    axes = figure.subplots(rows, columns, squeeze=False)
    if note:
        figure.supxlabel(note, fontsize=6, color="0.35")
    return figure, axes


def _show(axis, image, pixel_um, lang):
    """Show an image in its true proportions, with a scale bar if the pixel size is known."""
    height, width = image.shape[:2]
    known = bool(np.isfinite(pixel_um).all())
    um_x, um_y = pixel_um if known else (1.0, 1.0)
    extent = (0, width * um_x, height * um_y, 0)
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    outline = [withStroke(linewidth=1.5, foreground="black")]
    if not known:
        label = axis.text(0.97, 0.04, text("pixel size unknown", lang), transform=axis.transAxes, ha="right")
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


def scale_bar_length(width):
    """Choose the round length (1, 2 or 5 times a power of ten) nearest to a quarter of `width`.

    Examples
    --------
    >>> scale_bar_length(432)
    100.0
    """
    power = 10.0 ** math.floor(math.log10(width / 4))
    return min((factor * power for factor in (1, 2, 5, 10)), key=lambda length: abs(length - width / 4))


def _row_title(axis, title):
    """Write `title` upright at the left of an axes whose own labels are off."""
    axis.text(-0.04, 0.5, title, transform=axis.transAxes, rotation=90, ha="right", va="center")


def _padded(values):
    low, high = np.min(values), np.max(values)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def projection_points(projections, index, axis):
    """Lay out 2-D projections as the rows that `projection` draws.

    Parameters
    ----------
    projections : dict
        Descriptor → `projection.Projection` of the train and the test rows.
    index : pandas.DataFrame
        Columns `id`, `label`, `split`; its train and test rows in the order of the projected ones.
    axis : str
        Name of the axes, such as "PC".

    Returns
    -------
    pandas.DataFrame
        Columns descriptor, id, label, split, x, y, x_title, y_title; the titles tell the share of variance.
    """
    parts = []
    for descriptor, found in projections.items():
        titles = [f"{axis}{i} ({share:.0%})" for i, share in enumerate(found.explained, start=1)]
        for split, points in (("train", found.train), ("test", found.test)):
            rows = index.loc[index["split"] == split, ["id", "label", "split"]].assign(x=points[:, 0], y=points[:, 1])
            parts.append(
                rows.assign(descriptor=SYMBOLS.get(descriptor, descriptor), x_title=titles[0], y_title=titles[1])
            )
    return pd.concat(parts, ignore_index=True)


def thumbnail_pixels(index, thumbnails):
    """Give the pixel sizes of thumbnails in µm: ndarray (n, 2), NaN where the micrograph's is unknown.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `width` (of the micrograph, in pixels) and `pixel_size_um`, one row per thumbnail.
    thumbnails : dict
        Name → ndarray (h, w, 3), in the order of `index`.
    """
    widths = np.array([image.shape[1] for image in thumbnails.values()])
    pixel_um = index["pixel_size_um"].to_numpy(float) * index["width"].to_numpy() / widths
    return np.column_stack([pixel_um, pixel_um])


def describe(data_name, seed, lang="en"):
    """Name data set, split and seed in the words that stand under every figure."""
    return f"{text(data_name, lang)}, {text('split by group, seed', lang)} {seed}"
