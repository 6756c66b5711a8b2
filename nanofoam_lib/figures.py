"""Every figure as a function of arrays, in English or Spanish.

All take ``note``, the data set, split and seed that stand below the figure, and ``lang``, "en" or "es"; all return a
`matplotlib.figure.Figure`.
"""

import math

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.patheffects import withStroke
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from nanofoam_lib.style import (
    COLOURS,
    MARKERS,
    MEASURES,
    STYLE,
    SYMBOLS,
    class_colours,
    grid,
    names,
    number,
    scale_bar_length,
    text,
)


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
    figure, axes = grid(len(classes), columns, cell_aspect=aspect, note=note)
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
    figure, axes = grid(1, 2, cell_aspect=0.7, note=note)
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
        if column == "kl":
            axis.set_yscale("log")  # it falls by orders of magnitude before it rises again
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
    figure, axes = grid(len(rows), len(labels), cell_aspect=1.0, note=note)
    for row, (name, pictures) in enumerate(rows.items()):
        top = 255 if np.asarray(pictures).dtype == np.uint8 else 1.0
        for column, picture in enumerate(pictures):
            axes[row, column].imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="nearest")
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
        As `projection.points` gives it: columns `descriptor`, `split` ("train" or "test"), `label`, `x`, `y`,
        `x_title`, `y_title`.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    descriptors = list(dict.fromkeys(points["descriptor"]))
    colours = class_colours(points["label"])
    markers = dict(zip(colours, MARKERS, strict=False))
    figure, axes = grid(len(descriptors), 2, cell_aspect=0.62, note=note)
    for row, descriptor in enumerate(descriptors):
        own = points[points["descriptor"] == descriptor]
        for axis, split in zip(axes[row], ("train", "test"), strict=True):
            part = own[own["split"] == split]
            sns.scatterplot(
                part, x="x", y="y", hue="label", style="label", palette=colours, markers=markers,
                hue_order=list(colours), style_order=list(colours), s=14, linewidth=0.2, ax=axis, legend=False,
            )  # fmt: skip
            axis.set(xlabel=own["x_title"].iloc[0], ylabel=own["y_title"].iloc[0])
            axis.set_title(f"{SYMBOLS.get(descriptor, descriptor)}, {text(split, lang)} (n = {len(part)})")
            axis.set(xlim=_padded(own["x"]), ylim=_padded(own["y"]))
            axis.locator_params(nbins=5)
    handles = [
        mpl.lines.Line2D([], [], color=colours[label], marker=markers[label], linestyle="", markersize=4, label=label)
        for label in colours
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


@mpl.rc_context(STYLE)
def distances(histograms, note="", lang="en"):
    """Draw the distances within two classes and between them, one panel per pair of classes (thesis fig. 13).

    Parameters
    ----------
    histograms : pandas.DataFrame
        As `separation.histograms` gives it.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    pairs = list(dict.fromkeys(zip(histograms["class_a"], histograms["class_b"], strict=True)))
    colours = class_colours([name for pair in pairs for name in pair])
    columns = min(len(pairs), 3)
    figure, axes = grid(math.ceil(len(pairs) / columns), columns, cell_aspect=0.85, note=note)
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    for axis, (a, b) in zip(axes.flat, pairs, strict=False):
        own = histograms[(histograms["class_a"] == a) & (histograms["class_b"] == b)]
        for within, label, colour in ((a, f"WSS {a}", colours[a]), (b, f"WSS {b}", colours[b]), ("", "BSS", "black")):
            part = own[own["within"] == within]
            edges = np.append(part["low"], part["high"].iloc[-1])
            axis.stairs(
                part["density"], edges, color=colour, label=label, fill=bool(within), alpha=0.55 if within else 1
            )
        axis.set(xlabel=text("distance", lang), ylabel=text("density", lang), title=f"{a} – {b}")
        axis.locator_params(nbins=4)
        axis.margins(y=0.35)
        axis.legend(loc="upper right", handlelength=1.2)
    return figure


@mpl.rc_context(STYLE)
def accuracies(table, chance, note="", lang="en"):
    """Draw the accuracy of every descriptor with its interval, models above controls, against guessing.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns kind, latent_dim, descriptor, accuracy, ci_low, ci_high: one row per line drawn.
    chance : float
        Accuracy of always naming the largest class, drawn as a vertical line.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = len(table)
    figure, axes = grid(1, 1, cell_aspect=0.02 * rows + 0.12, note=note)
    axis = axes[0, 0]
    is_control = table["kind"].to_numpy() == "control"
    for y, (row, control) in enumerate(zip(table.itertuples(), is_control, strict=True)):
        colour = COLOURS[1] if control else COLOURS[0]
        axis.plot([row.ci_low, row.ci_high], [y, y], color=colour, linewidth=1)
        axis.plot(row.accuracy, y, "s" if control else "o", color=colour, markersize=4)
    axis.axvline(chance, color="0.5", linestyle=":", linewidth=1)
    axis.set(yticks=range(rows), yticklabels=names(table, lang), xlim=(0, 1.02), ylim=(rows - 0.4, -0.6))
    axis.set_xlabel(text("accuracy on test groups (dotted: naming the largest class)", lang))
    return figure


@mpl.rc_context(STYLE)
def confusion(confusions, note="", lang="en"):
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
    columns = min(len(titles), 4)
    figure, axes = grid(math.ceil(len(titles) / columns), columns, cell_aspect=1.3, note=note)
    for axis in axes.flat[len(titles) :]:
        axis.set_axis_off()
    for i, (axis, title) in enumerate(zip(axes.flat, titles, strict=False)):
        own = confusions[confusions["title"] == title]
        counts = own.pivot(index="true", columns="predicted", values="count")
        shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
        sns.heatmap(
            shares, annot=counts, fmt="d", vmin=0, vmax=1, cmap="Blues", cbar=False, square=True, ax=axis,
            annot_kws={"size": 7}, yticklabels=i % columns == 0,
        )  # fmt: skip
        axis.set(title=title, xlabel=text("predicted", lang), ylabel=text("true", lang) if i % columns == 0 else "")
        axis.tick_params(axis="x", rotation=90)
    return figure


@mpl.rc_context(STYLE)
def predictability(table, measures, note="", lang="en"):
    """Draw how well each descriptor predicts each pore measure: R² as a map, negative values as 0.

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
    figure, axes = grid(1, 1, cell_aspect=0.03 * len(table) + 0.2, note=note)
    values = table.set_index("name")[list(measures)].astype(float)
    values.columns = [text(MEASURES.get(measure, measure), lang) for measure in measures]
    values.index.name = None
    written = values.map(lambda value: f"{value:.2f}" if np.isfinite(value) else "–")
    if lang == "es":
        written = written.apply(lambda column: column.str.replace(".", ","))
    sns.heatmap(
        values.clip(lower=0), annot=written, fmt="", vmin=0, vmax=1, cmap="viridis", ax=axes[0, 0],
        annot_kws={"size": 6}, cbar_kws={"label": "R²"}, linewidths=0.5,
    )  # fmt: skip
    axes[0, 0].tick_params(axis="x", rotation=30)
    return figure


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


def _row_title(axis, title):
    """Write `title` upright at the left of an axes whose own labels are off."""
    axis.text(-0.04, 0.5, title, transform=axis.transAxes, rotation=90, ha="right", va="center")


def _padded(values):
    low, high = np.min(values), np.max(values)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
