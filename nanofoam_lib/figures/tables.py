"""Table 1 and the controls as pictures."""

import textwrap
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.figures.canvas import INK, SMALL, canvas, words
from nanofoam_lib.figures.style import names, page_width, styled

ROW = 0.44  # cm
NARROW_ROW = 0.82  # room for names on three lines
NARROWEST = 1.16  # cm of a column in whose width an interval can be read
LETTER = 0.13  # cm that a letter of a name takes


@styled
def score_table(
    table: pd.DataFrame, note: str = "", lang: str = "en", labels: Mapping[str, str] | None = None
) -> Figure:
    """Write accuracies with their 95 % intervals, descriptors by classifiers (thesis table 1).

    Parameters
    ----------
    table : pandas.DataFrame
        Columns kind, latent_dim, descriptor, classifier, protocol, accuracy, ci_low, ci_high, best; what is best is
        bold. Each protocol has its own heading where there are several.
    note, lang
        See `micrographs`. The note names data set and protocol.
    labels
        See `accuracies`.

    Returns
    -------
    matplotlib.figure.Figure
        In figures of less than 12 cm the interval stands below the accuracy, else beside it.
    """
    classifiers = list(dict.fromkeys(table["classifier"]))
    lines = _lines(table, lang, labels)
    step = NARROW_ROW if page_width() < 12 else ROW
    height = step * (len(lines) + 1) + 0.2
    figure, axes = canvas(height, note)
    first = min(LETTER * max(len(name) for name, _ in lines) + 0.3, 0.4 * page_width())
    first = min(first, page_width() - 0.1 - NARROWEST * len(classifiers))
    column = (page_width() - first - 0.1) / len(classifiers)
    places = {name: first + (i + 0.5) * column for i, name in enumerate(classifiers)}
    for name, x in places.items():
        head = text(name, lang)
        # A word is broken nowhere: beside the longest there is room above KNN and SVM
        _name(axes, x, height - 0.1 - step / 2, head, max(column, 1.01 * LETTER * max(map(len, head.split()))))
    y = height - 0.1 - step
    _rule(axes, height - 0.1, 0.9)
    _rule(axes, y, 0.5)
    for name, own in lines:
        y -= step
        _name(axes, 0.1, y + step / 2, name, first if len(own) else page_width(), ha="left")
        for row in own.itertuples():
            _cell(axes, places[row.classifier], y + step / 2, row, lang)
    _rule(axes, y, 0.9)
    return figure


def _lines(table, lang, labels):
    """List the lines below the head: (name, rows of the table), or (name of a protocol, no rows)."""
    lines, protocols = [], list(dict.fromkeys(table["protocol"]))
    for protocol in protocols:
        own = table[table["protocol"] == protocol]
        if len(protocols) > 1:
            lines.append((text(protocol, lang), own.iloc[:0]))
        groups = own.groupby(["kind", "latent_dim", "descriptor"], sort=False)
        lines += [(names(rows.head(1), lang, labels)[0], rows) for _, rows in groups]
    return lines


def _name(axes, x, y, name, width, ha="center"):
    """Write a name at the height of its row, on two lines where it is wider than `width` cm."""
    size = 7 if page_width() >= 12 else SMALL
    words(axes, x, y, "\n".join(textwrap.wrap(name, int(width / LETTER))), size=size, ha=ha)


def _cell(axes, x, y, row, lang):
    """Write an accuracy and its interval, beside it or, in a narrow figure, below it."""
    dx, dy = (0, 0.16) if page_width() < 12 else (0.5, 0)
    words(axes, x - dx, y + dy, fixed(row.accuracy, lang), size=7, weight="bold" if row.best else "normal")
    interval = f"{fixed(row.ci_low, lang)}–{fixed(row.ci_high, lang)}"
    words(axes, x + dx, y - dy, interval, SMALL, colour="0.35")


def _rule(axes, y, width):
    axes.plot([0.05, page_width() - 0.05], [y, y], color=INK, linewidth=width)
