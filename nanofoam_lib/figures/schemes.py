"""How the work goes from micrographs to findings, and how a Grad-CAM map comes about, drawn with a run's own arrays."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.figures.canvas import arrow, box, canvas, elbow, picture, words
from nanofoam_lib.figures.style import class_colours, page_width, styled

CHAIN = ("micrographs", "preprocessing", "autoencoder", "latent vectors")
USES = ("latent space", "classification", "Grad-CAM", "generation")
CARD_HEIGHT = 3.3
INSET = (0.15, 0.95, 1.75)  # cm: margin at the sides, lower edge and height of a card's picture
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MAP_SIDE = 2.3  # cm, side of a map in the Grad-CAM scheme


@styled
def workflow(numbers: Mapping[str, float], pictures: Mapping[str, Any], note: str = "", lang: str = "en") -> Figure:
    """Draw the way from micrographs to latent vectors and to what they are used for (thesis fig. 5).

    Figures of less than 12 cm have the chain in the left column, else in the upper row.

    Parameters
    ----------
    numbers : dict
        Name → int: images, classes, groups, side (of an image in pixels), train, test, epochs, latent_dim, active,
        dimension (of the Grad-CAM map); name → float: accuracy, chance.
    pictures : dict
        Step → what its card shows. "micrographs": dict of class → image; "preprocessing", "autoencoder" (an input and
        its reconstruction) and "generation": sequences of images; "latent vectors": ndarray, shape (n, D); "latent
        space": DataFrame with the columns x, y, label; "classification": ndarray of shares, true by predicted;
        "Grad-CAM": an image and its map.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    narrow = page_width() < 12
    rows, columns, gap_x, gap_y = (4, 2, 0.9, 0.35) if narrow else (2, 4, 0.55, 0.8)
    width = (page_width() - 0.1 - gap_x * (columns - 1)) / columns
    height = rows * CARD_HEIGHT + (rows - 1) * gap_y
    figure, axes = canvas(height + 0.05, note)
    corners = {}
    for i, steps in enumerate((CHAIN, USES)):
        for j, step in enumerate(steps):
            row, column = (j, i) if narrow else (i, j)
            corners[step] = 0.05 + column * (width + gap_x), height - CARD_HEIGHT - row * (CARD_HEIGHT + gap_y)
            _card(axes, *corners[step], width, step, pictures[step], _details(step, numbers, lang), lang)
    _connect(axes, corners, width, narrow)
    return figure


def _details(step, n, lang):
    """Say in one or two lines what a step is, with the run's numbers."""
    lines = {
        "micrographs": ("{images} images, {classes} classes", "{groups} groups"),
        "preprocessing": ("grey, cropped, {side}×{side} pixels", "train {train}, test {test}"),
        "autoencoder": ("encoder, z = μ + σ ε, decoder", "{epochs} epochs"),
        "latent vectors": ("{latent_dim} dimensions, {active} active", "one row per image"),
        "latent space": ("LDA of σ, test images", "one point per image"),
        "classification": ("accuracy {accuracy}, guessing {chance}", "random forest on σ"),
        "Grad-CAM": ("where dimension {dimension}", "of μ looks"),
        "generation": ("images decoded from", "new points, z ~ N(0, I)"),
    }[step]
    written = {name: str(value) if isinstance(value, int) else fixed(value, lang) for name, value in n.items()}
    return "\n".join(text(line, lang).format(**written) for line in lines)


def _card(axes, x, y, width, step, content, details, lang):
    """Draw one step: its name, a picture, and what it does."""
    margin, low, height = INSET
    box(axes, x, y, width, CARD_HEIGHT)
    words(axes, x + width / 2, y + CARD_HEIGHT - 0.28, text(step, lang), size=7, weight="bold")
    _INSETS.get(step, _row_of_images)(axes, content, x + margin, y + low, width - 2 * margin, height)
    words(axes, x + width / 2, y + 0.47, details)


def _connect(axes, corners, width, narrow):
    """Draw the arrows: along the chain, and from its end to every use."""
    for before, after in itertools.pairwise(CHAIN):
        (x, y), (next_x, next_y) = corners[before], corners[after]
        if narrow:
            arrow(axes, (x + width / 2, y), (x + width / 2, next_y + CARD_HEIGHT))
        else:
            arrow(axes, (x + width, y + CARD_HEIGHT / 2), (next_x, y + CARD_HEIGHT / 2))
    x, y = corners[CHAIN[-1]]
    for use in USES:
        to_x, to_y = corners[use]
        if narrow:
            bus, side = (x + width + to_x) / 2 - 0.1, to_y + CARD_HEIGHT / 2
            elbow(axes, [(x + width, y + CARD_HEIGHT / 2), (bus, y + CARD_HEIGHT / 2), (bus, side), (to_x, side)])
        else:
            bus, top = (y + to_y + CARD_HEIGHT) / 2 + 0.1, to_y + CARD_HEIGHT
            middle = to_x + width / 2
            elbow(axes, [(x + width / 2, y), (x + width / 2, bus), (middle, bus), (middle, top)])


def _classes(axes, images, x, y, width, height):
    """Show an image of each class, framed in the colour of the class."""
    colours = class_colours(images)
    shown = [images[label] for label in colours]
    for (left, low, side, own), colour in zip(
        _row_of_images(axes, shown, x, y, width, height), colours.values(), strict=True
    ):
        axes.add_patch(Rectangle((left, low), side, own, fill=False, edgecolor=colour, linewidth=1.5, zorder=4))


def _row_of_images(axes, images, x, y, width, height):
    """Show images side by side, as large as they fit; return their places: left, lower edge, width, height."""
    gap = 0.1
    aspect = max(image.shape[0] / image.shape[1] for image in images)
    side = min(height / aspect, (width - gap * (len(images) - 1)) / len(images))
    left = x + (width - len(images) * side - (len(images) - 1) * gap) / 2
    heights = [side * image.shape[0] / image.shape[1] for image in images]
    places = [(left + i * (side + gap), y + (height - own) / 2, side, own) for i, own in enumerate(heights)]
    for image, place in zip(images, places, strict=True):
        picture(axes, image, *place, limits=(0, 255 if image.dtype == np.uint8 else 1))
    return places


def _hourglass(axes, images, x, y, width, height):
    """Show an image, the encoder and the decoder as narrowing and widening shapes, and the reconstruction."""
    side, middle = 0.8, y + height / 2
    left, right, centre = x + side, x + width - side, x + width / 2
    for image, start in zip(images, (x, right), strict=True):
        picture(axes, image, start, middle - side / 2, side, side, limits=(0, 1))
    for start, colour in ((left, "#0072B2"), (right, "#009E73")):
        near, far = start + (0.08 if start < centre else -0.08), centre + (-0.12 if start < centre else 0.12)
        axes.fill(
            [near, near, far, far], [middle - 0.7, middle + 0.7, middle + 0.25, middle - 0.25], colour, linewidth=0
        )
    axes.fill_between([centre - 0.06, centre + 0.06], middle - 0.32, middle + 0.32, color="#E69F00", linewidth=0)


def _vectors(axes, vectors, x, y, width, height):
    """Show latent vectors as rows of a map whose colours tell negative from positive."""
    limit = np.abs(vectors).max() or 1.0
    picture(axes, vectors, x, y, width, height, cmap="RdBu_r", limits=(-limit, limit))


def _points(axes, points, x, y, width, height):
    """Scatter points in the colours of their classes, without axes."""
    colours = class_colours(points["label"])
    for label, colour in colours.items():
        own = points[points["label"] == label]
        places = [
            start + 0.06 + (size - 0.12) * (own[name] - points[name].min()) / (np.ptp(points[name]) or 1.0)
            for name, start, size in (("x", x, width), ("y", y, height))
        ]
        axes.scatter(*places, s=6, color=colour, linewidth=0, label=label)


def _confusion(axes, shares, x, y, width, height):
    picture(axes, shares, x + (width - height) / 2, y, height, height, cmap="Blues", limits=(0, 1))


def _overlay(axes, pair, x, y, width, height):
    """Show an image beside itself below its map."""
    image, activation = pair
    side = min(height, (width - 0.1) / 2)
    left, low = x + width / 2 - side - 0.05, y + (height - side) / 2
    picture(axes, image, left, low, side, side, limits=(0, 1))
    _show_over(axes, image, activation, left + side + 0.1, low, side)


def _show_over(axes, image, activation, x, y, side):
    picture(axes, image, x, y, side, side, limits=(0, 1))
    top = activation.max() or 1.0
    extent = (x, x + side, y, y + side)
    axes.imshow(activation, cmap="viridis", vmin=0, vmax=top, alpha=0.55, extent=extent, aspect="auto",
                interpolation="bilinear", zorder=2.5)  # fmt: skip


_INSETS = {
    "micrographs": _classes,
    "autoencoder": _hourglass,
    "latent vectors": _vectors,
    "latent space": _points,
    "classification": _confusion,
    "Grad-CAM": _overlay,
}


@styled
def gradcam_scheme(
    image: NDArray[Any], parts: pd.DataFrame, latent: NDArray[Any], dimension: int, note: str = "", lang: str = "en"
) -> Figure:
    """Draw how the map of one latent dimension comes about: M = ReLU(Σₖ αₖ Aₖ) (thesis fig. 7, eq. 16 and 17).

    Parameters
    ----------
    image : ndarray, shape (S, S)
        In [0, 1].
    parts : pandas.DataFrame
        As `figure_data.gradcam` gives it: three channels with their weights, the sum over all channels, the map.
    latent : ndarray, shape (D,)
        μ of the image.
    dimension : int
        Which of the D dimensions.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    narrow = page_width() < 12
    pictures = {
        name: own.pivot(index="row", columns="column", values="value").to_numpy()
        for name, own in parts.groupby("picture", sort=False)
    }
    total, activation = pictures.pop("sum"), pictures.pop("map")
    figure, axes = canvas(7.9 if narrow else 4.6, note)
    left, in_row = (0.5, 3) if narrow else (0.05, 5)
    pitch = (page_width() - left - 0.05 - MAP_SIDE) / (in_row - 1)
    columns = [left + i * pitch for i in range(in_row)]
    places = [(1.0, 5.1), (4.4, 5.1), *((x, 0.4) for x in columns)] if narrow else [(x, 1.8) for x in columns]
    titles = (
        "image",
        f"A, {_size(total)}×{parts['depth'].iloc[0]}",
        "Σₖ αₖ Aₖ",
        "M = ReLU(Σₖ αₖ Aₖ)",
        "M on the image",
    )
    sizes = (_size(image), "", _size(total), _size(total), _size(image))
    for (x, y), title, size in zip(places, titles, sizes, strict=False):
        words(axes, x + MAP_SIDE / 2, y + MAP_SIDE + 0.25, text(title, lang), size=7)
        words(axes, x + MAP_SIDE / 2, y - 0.22, size, colour="0.35")
    picture(axes, image, *places[0], MAP_SIDE, MAP_SIDE, limits=(0, 1))
    _channels(axes, pictures, parts.groupby("picture")["weight"].first(), *places[1], lang)
    _gradient(axes, latent, dimension, *places[1])
    limit = np.abs(total).max() or 1.0
    picture(axes, total, *places[2], MAP_SIDE, MAP_SIDE, cmap="RdBu_r", limits=(-limit, limit))
    picture(axes, activation, *places[3], MAP_SIDE, MAP_SIDE, cmap="viridis", limits=(0, limit))
    _show_over(axes, image, activation, *places[4], MAP_SIDE)
    _join(axes, places, narrow)
    return figure


def _size(image):
    return "×".join(map(str, image.shape))


def _channels(axes, pictures, weights, x, y, lang):
    """Show channels one above the other, each beside its weight."""
    side = (MAP_SIDE - 0.2) / 3
    for i, (name, values) in enumerate(pictures.items()):
        low = y + (2 - i) * (side + 0.1)
        picture(axes, values, x, low, side, side, cmap="viridis")
        weight = fixed(weights[name], lang, 3)
        words(axes, x + side + 0.08, low + side / 2, f"α{name[1:].translate(SUBSCRIPTS)} = {weight}", ha="left")


def _gradient(axes, latent, dimension, x, y):
    """Show μ below the channels, its chosen dimension marked, and how the weights follow from it."""
    low, limit = y - 1.3, np.abs(latent).max() or 1.0
    picture(axes, latent[None], x, low, MAP_SIDE, 0.25, cmap="RdBu_r", limits=(-limit, limit))
    cell = MAP_SIDE / len(latent)
    at = x + (dimension + 0.5) * cell
    axes.plot(at, low + 0.125, "s", markersize=5, markerfacecolor="none", markeredgecolor="black", zorder=4)
    words(axes, x + MAP_SIDE / 2, low - 0.22, f"μ, D = {len(latent)}", colour="0.35")
    arrow(axes, (x + 0.36, y - 0.08), (x + 0.36, low + 0.32))
    arrow(axes, (x + 1.3, low + 0.32), (x + 1.3, y - 0.08), dashed=True)
    words(axes, x + 1.4, y - 0.5, "∂μ / ∂A", ha="left")


def _join(axes, places, narrow):
    """Draw an arrow from each picture to the next."""
    for i, ((x, y), (to_x, to_y)) in enumerate(itertools.pairwise(places[:5])):
        middle = y + MAP_SIDE / 2
        if narrow and i == 1:
            right, between, end = page_width() - 0.1, to_y + MAP_SIDE + 0.6, to_y + MAP_SIDE / 2
            way = [(right, middle), (right, between), (0.1, between), (0.1, end), (to_x - 0.08, end)]
            elbow(axes, [(x + MAP_SIDE + 0.1, middle), *way])
        else:
            arrow(axes, (x + MAP_SIDE + 0.08, middle), (to_x - 0.08, middle))
