"""What all figures share: size, fonts, colours, names of models, and how a figure is saved."""

import functools
import inspect
import io
import math
import pathlib
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base import files
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.language import data_set, text, with_decimal_mark
from nanofoam_lib.figures import palette

if TYPE_CHECKING:
    import pandas as pd

#: Okabe and Ito's colours, in the order in which classes (sorted by name) get them.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: Colours and shapes of what is no class, such as kinds of models or clusters, so that none is taken for a class.
OTHER_COLOURS = (*(COLOURS[i] for i in (7, 4, 5, 3, 6)), "0.5")
OTHER_MARKERS = MARKERS[3:] + MARKERS[:3]

SYMBOLS = {"mu": "μ", "sigma": "σ"}

#: Width of a figure in cm: the text width of the thesis's page; a column of a journal has about half of it.
WIDTH_CM = 16.0
HIGHEST_CM = 23.0  # what a page leaves for a figure above its caption
DPI = 300

STYLE: dict[Any, Any] = {
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
    "text.parse_math": False,  # the name of a class may hold dollars; formulas ask for it one by one
    "pdf.fonttype": 42,  # fonts are embedded whole, so that a publisher can edit the text
    "figure.figsize": (WIDTH_CM / 2.54, WIDTH_CM / 2.54),
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make a function that draws a figure from arrays follow the style of them all.

    It gets the keyword ``width_cm``, the width of the figure; where its argument ``lang`` is "es", ticks have a decimal
    comma.
    """
    signature = inspect.signature(draw)

    @functools.wraps(draw)
    def drawn(*arrays, width_cm=WIDTH_CM, **words):
        with mpl.rc_context(STYLE | {"figure.figsize": (width_cm / 2.54, width_cm / 2.54)}):
            figure = draw(*arrays, **words)
        if signature.bind(*arrays, **words).arguments.get("lang") == "es":
            _write_commas(figure)
        return figure

    return drawn


def page_width() -> float:
    """Width in cm of the figure that is being drawn."""
    return mpl.rcParams["figure.figsize"][0] * 2.54


def columns_for(n_panels: int, panel_cm: float) -> int:
    """Count the columns that `n_panels` of at least `panel_cm` fit into: all of them, or as many as the width allows.

    Examples
    --------
    >>> columns_for(3, 5.0), columns_for(3, 7.0)
    (3, 2)
    """
    return max(1, min(n_panels, int(page_width() / panel_cm)))


def class_colours(labels: Iterable[str]) -> dict[str, str]:
    """Give each class, in sorted order, its fixed colour: dict of label → hex colour."""
    return {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(sorted(set(labels)))}


def class_markers(labels: Iterable[str]) -> dict[str, str]:
    """Give each class, in sorted order, its fixed shape: dict of label → marker; of many classes some share one."""
    return {label: MARKERS[i % len(MARKERS)] for i, label in enumerate(sorted(set(labels)))}


@mpl.rc_context(STYLE)
def save(figure: Figure, stem: StrPath, numbers: "pd.DataFrame") -> Figure:
    """Write ``stem.pdf`` (vector), ``stem.png`` (300 dpi) and ``stem.csv`` (the numbers drawn).

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : path-like
        Path without a suffix.
    numbers : pandas.DataFrame
        What the figure shows.

    Returns
    -------
    matplotlib.figure.Figure
        `figure`, for the notebook to show.
    """
    stem = pathlib.Path(stem)
    with files.replacing(stem.with_name(stem.name + ".pdf")) as temporary:
        figure.savefig(temporary, dpi=DPI, metadata={"CreationDate": None})
    figure.set_layout_engine("none")  # the places are found; finding them again takes seconds
    with files.replacing(stem.with_name(stem.name + ".png")) as temporary:
        # Not optimised: that took up to nine times as long, for at most 3 % of the size
        palette.reduce(_drawn_pixels(figure)).save(temporary, dpi=(DPI, DPI))
    files.write_csv(stem.with_name(stem.name + ".csv"), numbers)
    return figure


def grid(rows: int, columns: int, cell_aspect: float, note: str) -> tuple[Figure, NDArray[Any]]:
    """Make a figure of the page's width: (figure, axes); cells are `cell_aspect` times as high as wide."""
    width = mpl.rcParams["figure.figsize"][0]
    height = width / columns * cell_aspect * rows + 0.3
    figure = plt.figure(figsize=(width, min(height, HIGHEST_CM / 2.54)), layout="constrained")
    plt.close(figure)  # pyplot need not remember it; Jupyter shows what a cell returns, once
    axes = figure.subplots(rows, columns, squeeze=False)
    if note:
        figure.supxlabel(wrapped(note), fontsize=6, color="0.35")
    return figure, axes


def wrapped(phrase: str, width_cm: float | None = None, size: float = 6) -> str:
    """Break the lines of a phrase at `width_cm` (the figure's width if not given), written in `size` points."""
    letter_cm = 0.021 * size  # on the average
    n = max(1, int((width_cm or page_width()) / letter_cm))
    return "\n".join(textwrap.fill(line, n) for line in phrase.split("\n"))


def letter(axes: Iterable[Axes]) -> None:
    """Name the panels of a figure a, b, c …, each at its upper left."""
    for name, axis in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        axis.set_title(name, loc="left", fontweight="bold")


def brief(name: str, longest: int = 36) -> str:
    """Leave out the middle of a name that no panel has room for.

    Examples
    --------
    >>> brief("CuNi1"), brief("a class that somebody has described at length", 15)
    ('CuNi1', 'a class… length')
    """
    return name if len(name) <= longest else f"{name[: longest // 2]}…{name[len(name) - longest + longest // 2 + 1 :]}"


def row_title(axis: Axes, title: str) -> None:
    """Write `title` upright at the left of an axes whose own labels are off, each of its lines in `brief`."""
    title = "\n".join(map(brief, title.split("\n")))
    where = {"transform": axis.transAxes, "rotation": 90, "ha": "right", "va": "center", "multialignment": "center"}
    axis.text(-0.04, 0.5, title, fontsize=_row_title_size(), **where)  # type: ignore[arg-type]


def row_aspect(titles: Collection[str], columns: int) -> float:
    """Give how many times as high as wide the cells of `columns` must be for square pictures and upright row titles."""
    letter_cm = 0.023 * _row_title_size()
    return max(
        1.0,
        letter_cm * max(len(brief(line)) for title in titles for line in title.split("\n")) * columns / page_width(),
    )


def scale_bar_length(width: float) -> float:
    """Choose the round length (1, 2 or 5 times a power of ten) nearest to a quarter of `width`.

    Examples
    --------
    >>> scale_bar_length(432)
    100.0
    """
    power = 10.0 ** math.floor(math.log10(width / 4))
    return min((factor * power for factor in (1, 2, 5, 10)), key=lambda length: abs(length - width / 4))


def describe(data_name: str, seed: int, lang: str = "en") -> str:
    """Name data set, split and seed in the words that stand under every figure."""
    return f"{data_set(data_name, lang)}, {text('split by group, seed', lang)} {seed}"


def names(table: "pd.DataFrame", lang: str = "en", labels: Mapping[str, str] | None = None) -> list[str]:
    """Write the columns kind, latent_dim and descriptor of `table` as one: list of str, such as "VAE 128 μ".

    What a control or a kind of model is called may be told by `labels`, dict of its name to str.
    """
    labels = labels or {}
    return [
        labels.get(row.descriptor) or _in_symbols(text(row.descriptor, lang))
        if row.kind == "control"
        else f"{labels.get(row.kind, row.kind)} {row.latent_dim:.0f} {_in_symbols(text(row.descriptor, lang))}"
        for row in table[["kind", "latent_dim", "descriptor"]].itertuples()
        if row.kind == row.kind
    ]


def _in_symbols(phrase):
    return " ".join(SYMBOLS.get(word, word) for word in phrase.split())


def _row_title_size():
    return 8 if page_width() >= 12 else 6


class _Comma(mpl.ticker.ScalarFormatter):
    """Ticks with a decimal comma."""

    def __call__(self, value, position=None):
        return with_decimal_mark(super().__call__(value, position), "es")

    def get_offset(self):
        return with_decimal_mark(super().get_offset(), "es")


def _write_commas(figure):
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if type(axis.get_major_formatter()) is mpl.ticker.ScalarFormatter:
                axis.set_major_formatter(_Comma())


def _drawn_pixels(figure):
    """Draw a figure at 300 dpi: an RGB picture."""
    pixels = io.BytesIO()
    figure.savefig(pixels, dpi=DPI, format="rgba")
    width, height = (int(inches * DPI) for inches in figure.get_size_inches())
    return Image.frombytes("RGBA", (width, height), pixels.getvalue()).convert("RGB")
