"""The network's architecture, drawn from the shapes of its layers."""

import math
from typing import Any

import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from nanofoam_lib.base.language import text
from nanofoam_lib.figures.canvas import INK, arrow, canvas, elbow, words
from nanofoam_lib.figures.style import page_width, styled

#: Colour of each kind of layer that is drawn; others (flatten) change nothing to see.
KINDS = {
    "convolution": "#0072B2",
    "max pooling": "#D55E00",
    "ReLU": "#F0E442",
    "batch normalisation": "#56B4E9",
    "upsampling": "#009E73",
    "dense": "#CC79A7",
    "reshape": "#999999",
    "sampling": "#E69F00",
    "sigmoid": "#333333",
}
INPUT = "#DDDDDD"
SYMBOLS = {"mu": "μ", "log_var": "log σ²", "conv": "conv", "z": "z"}
ROW = 3.9  # cm, height of a row of layers with its words
MIDDLE = 2.0  # cm, its axis above its lower edge
TALLEST = 1.9  # cm, height of the largest layer
SIDE = (0.36, 0.2)  # how far a layer's side runs back, as shares of its height


@styled
def architecture(
    layers: pd.DataFrame,
    image: NDArray[Any] | None = None,
    decoded: NDArray[Any] | None = None,
    note: str = "",
    lang: str = "en",
) -> Figure:
    """Draw a model's layers from the image to its reconstruction (thesis fig. 2).

    Heights follow the square root of a layer's height in pixels, thicknesses the logarithm of its depth. Below each
    column stand depth and height × width. Figures of less than 12 cm have the decoder below the encoder.

    Parameters
    ----------
    layers : pandas.DataFrame
        As `layer_shapes.of_model` gives it: columns part, layer, kind, detail, height, width, depth.
    image, decoded : ndarray, shape (S, S), optional
        An image in [0, 1] to show as the input, and what the model makes of it.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    narrow = page_width() < 12
    columns = _columns(layers)
    encoder = [column for column in columns if column[0].part == "encoder"]
    rows = [encoder, columns[len(encoder) :]] if narrow else [columns]
    handles = _legend(layers, lang)
    n_columns = 2 if narrow else 4
    bottom = 0.36 * math.ceil(len(handles) / n_columns) + 0.2
    figure, axes = canvas(bottom + ROW * len(rows), note)
    axes.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(page_width() / 2, 0.05), bbox_transform=axes.transData,
        ncols=n_columns, handlelength=0.9, handleheight=0.9, borderpad=0, borderaxespad=0,
    )  # fmt: skip
    pitch = page_width() / max(map(len, rows))
    scale = layers[["height", "depth"]].max()
    for i, row in enumerate(rows):
        base = bottom + ROW * (len(rows) - 1 - i)
        corners = [_column(axes, column, (j + 0.5) * pitch, base, pitch, scale) for j, column in enumerate(row)]
        for j in range(1, len(row)):
            arrow(axes, (j * pitch - 0.12, base + MIDDLE), (j * pitch + 0.12, base + MIDDLE))
        _parts(axes, row, base, pitch, lang)
        if image is not None and i == 0:
            _on_side(axes, image, *corners[0])
        if decoded is not None and row is rows[-1]:
            _on_side(axes, decoded, *corners[-1])
    if narrow:
        right, between = len(encoder) * pitch - 0.1, bottom + ROW + 0.03
        start, end = (right, bottom + ROW + MIDDLE), (0.25, bottom + MIDDLE)
        elbow(axes, [start, (right, between), (0.05, between), (0.05, end[1]), end])
    return figure


def _columns(layers):
    """Group the layers: one column for each with weights and the layers that follow it; the heads share a column."""
    columns = []
    for layer in layers.itertuples():
        beside_head = layer.part == "encoder" and columns and columns[-1][-1].kind == layer.kind == "dense"
        if layer.kind in ("input", "convolution", "dense", "sampling") and not beside_head:
            columns.append([layer])
        elif layer.kind in KINDS:
            columns[-1].append(layer)
    return columns


def _column(axes, column, x, base, pitch, scale):
    """Draw the layers of a column around `x`; return where its last one's side lies: x, y and height."""
    solids = [layer for layer in column if layer.height > 1 or layer.width > 1]
    vectors = [layer for layer in column if layer not in solids]
    sizes = [
        (_thickness(layer, scale.depth, pitch), TALLEST * math.sqrt(layer.height / scale.height)) for layer in solids
    ]
    side = SIDE[0] * max((height for _, height in sizes), default=0)
    left = x - (sum(thickness for thickness, _ in sizes) + side) / 2 - (0.12 if solids and vectors else 0)
    _vectors(axes, vectors, left if solids else x, base + MIDDLE)
    left += 0.24 if solids and vectors else 0
    corner = None
    for layer, (thickness, height) in zip(solids, sizes, strict=True):
        y = base + MIDDLE - (1 + SIDE[1]) * height / 2
        _solid(axes, left, y, thickness, height, KINDS.get(layer.kind, INPUT))
        left += thickness
        corner = (left, y, height)
    shape = solids[0] if solids else column[0]
    words(axes, x, base + 0.57, f"{shape.depth}", weight="bold")
    if solids:
        words(axes, x, base + 0.3, f"{shape.height}×{shape.width}", colour="0.35")
    return corner


def _thickness(layer, deepest, pitch):
    if layer.kind not in ("convolution", "reshape"):
        return 0.07
    return 0.06 + 0.2 * pitch * math.log(layer.depth + 1) / math.log(deepest + 1)


def _solid(axes, x, y, width, height, colour):
    """Draw a box in oblique view whose front has its lower left corner at (x, y)."""
    dx, dy = SIDE[0] * height, SIDE[1] * height
    right, top = x + width, y + height
    faces = (
        ([(x, y), (right, y), (right, top), (x, top)], 0.0),
        ([(x, top), (right, top), (right + dx, top + dy), (x + dx, top + dy)], 0.45),
        ([(right, y), (right + dx, y + dy), (right + dx, top + dy), (right, top)], 0.25),
    )
    for corners, white in faces:
        shade = [part + (1 - part) * white for part in to_rgb(colour)]
        axes.add_patch(Polygon(corners, facecolor=shade, edgecolor="white", linewidth=0.3))


def _vectors(axes, vectors, x, middle):
    """Draw vectors as upright bars, one above the other, each below its symbol."""
    height = {0: 0, 1: 1.5}.get(len(vectors), 0.8)
    for i, layer in enumerate(vectors):
        y = middle + ((len(vectors) - 1) / 2 - i) * (height + 0.45)
        axes.add_patch(
            Polygon(
                [
                    (x - 0.06, y - height / 2),
                    (x + 0.06, y - height / 2),
                    (x + 0.06, y + height / 2),
                    (x - 0.06, y + height / 2),
                ],
                facecolor=KINDS[layer.kind],
            )
        )
        if layer.layer in SYMBOLS:
            words(axes, x, y + height / 2 + 0.17, SYMBOLS[layer.layer])


def _parts(axes, row, base, pitch, lang):
    """Write the names of the parts above their columns."""
    for part in dict.fromkeys(column[0].part for column in row):
        places = [j for j, column in enumerate(row) if column[0].part == part]
        left, right = places[0] * pitch + 0.12, (places[-1] + 1) * pitch - 0.12
        axes.plot([left, right], [base + ROW - 0.45] * 2, color=INK, linewidth=0.6)
        words(axes, (left + right) / 2, base + ROW - 0.24, text(part, lang), size=8)


def _on_side(axes, image, x, y, height):
    """Show an image on the side of a solid whose front ends at (x, y)."""
    dx, dy = SIDE[0] * height, SIDE[1] * height
    place = Affine2D.from_values(dx, dy, 0, height, x, y) + axes.transData
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, 1, 0, 1), aspect="auto", transform=place, zorder=3)


def _legend(layers, lang):
    """Name each kind of layer beside its colour, with the sizes of its kernels."""
    sizes = layers.groupby("kind")["detail"].agg(lambda own: " ".join(dict.fromkeys(own)))
    kinds = [kind for kind in KINDS if kind in sizes.index]
    return [Patch(color=KINDS[kind], label=f"{text(kind, lang)} {sizes[kind]}".strip()) for kind in kinds]
