"""Tables for a LaTeX document: booktabs rules, the best value bold, the 95 % interval beside every estimate."""

import unicodedata

import pandas as pd

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.report import tables

LONGEST = 40  # rows of a table; more do not fit a page beside its caption

#: Scales what is wider than the column or too high for a page down to it; each table brings it, to be used on its own.
FIT = r"""\providecommand{\fit}[1]{\sbox0{#1}%
  \ifdim\wd0>\linewidth\sbox0{\resizebox{\linewidth}{!}{\usebox0}}\fi
  \ifdim\dimexpr\ht0+\dp0>.8\textheight\sbox0{\resizebox{!}{.8\textheight}{\usebox0}}\fi\usebox0}"""

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "-": "{-}", "−": r"\textminus{}", "×": r"\texttimes{}",
    "µ": r"\textmu{}", "²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}", "⁻": r"\textsuperscript{\textminus}",
    "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}", "→": r"\ensuremath{\rightarrow}",
    "μ": r"\ensuremath{\mu}", "σ": r"\ensuremath{\sigma}", "ρ": r"\ensuremath{\rho}", "α": r"\ensuremath{\alpha}",
    "β": r"\ensuremath{\beta}", "ε": r"\ensuremath{\varepsilon}", "λ": r"\ensuremath{\lambda}",
}  # fmt: skip
_PRINTABLE = "–—‘’“”…"


def escape(words):
    r"""Write `words` so that pdflatex prints it as it is; what its fonts lack becomes its code point.

    Examples
    --------
    >>> print(escape("a_b%c&d"), escape("泡"))
    a\_b\%c\&d [U+6CE1]
    """
    return "".join(map(_escape, unicodedata.normalize("NFC", str(words))))


def _escape(character):
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isspace():
        return " "
    known = character.isprintable() and (ord(character) < 0x100 or character in _PRINTABLE)
    return character if known else f"[U+{ord(character):04X}]"


def path(name):
    r"""Write a file's name for ``\includegraphics`` and ``\input``; thesis.tex defines the macros that stand in it."""
    macros = {"%": r"\charpercent ", "#": r"\charhash ", "{": r"\charopen ", "}": r"\charclose "}
    macros |= {character: rf"\string{character}" for character in "&_^~$"}
    return name.translate(str.maketrans(macros))


def scores(table, best, caption, label, lang):
    r"""Lay out accuracies as the thesis's table 1 does: descriptors by classifiers, a block for each protocol.

    Parameters
    ----------
    table : pandas.DataFrame
        As `classify.table1` gives it.
    best : list of bool
        Rows whose accuracy is bold.
    caption : str
        Plain text.
    label : str
    lang : {"en", "es"}

    Returns
    -------
    str
        A ``table`` for the packages booktabs and graphicx: ``0.98 (0.95--1.00)``, the 95 % interval in brackets.
    """
    shown = table.assign(
        score=[_score(row, is_best, lang) for row, is_best in zip(table.itertuples(), best, strict=True)],
        name=[escape(_name(row, lang)) for row in table.itertuples()],
    )
    classifiers = list(dict.fromkeys(table["classifier"]))
    heads = [text(name, lang) for name in ("latent_dim", "descriptor", *classifiers)]
    lines = [_row(map(escape, heads)), r"\midrule"]
    for protocol, block in shown.groupby("protocol", sort=False):
        if len(set(table["protocol"])) > 1:
            said = escape(text(protocol, lang))
            lines.append(rf"\addlinespace \multicolumn{{{len(heads)}}}{{l}}{{\textit{{{said}}}}} \\")
        wide = block.pivot(index=["latent_dim", "name"], columns="classifier", values="score").fillna("--")
        order = block[["latent_dim", "name"]].drop_duplicates().itertuples(index=False)
        lines += [_row([str(dim), name, *wide.loc[(dim, name), classifiers]]) for dim, name in order]
    return _float(lines, "rl" + "c" * len(classifiers), escape(caption), label)


def _score(row, is_best, lang):
    accuracy, low, high = (escape(fixed(value, lang)) for value in (row.accuracy, row.ci_low, row.ci_high))
    written = f"{accuracy} ({low}--{high})"
    return rf"\textbf{{{written}}}" if is_best else written


def _name(row, lang):
    own = tables.value(row.descriptor, lang)
    return own if row.kind == "control" else f"{row.kind} {own}"


def table(frame, caption, label, file, lang):
    r"""Lay out any table: constant columns are said in the caption, empty ones left out, intervals put in brackets.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ci_low and ci_high belong to the column before them. The first `LONGEST` rows are shown.
    caption : str
        Plain text.
    label, file : str
        Label, and the file that holds all rows.
    lang : {"en", "es"}

    Returns
    -------
    str
        A ``table`` for the packages booktabs and graphicx.
    """
    frame, notes = tables.condense(frame, lang)
    if len(frame) > LONGEST:
        notes = f"{notes} {text(tables.ROWS_OF, lang).format(shown=LONGEST, all=len(frame), file=file)}"
    frame = frame.head(LONGEST)
    cells = _join_intervals(tables.cells(frame, lang))
    lines = [_row(_heads([tables.head(name, lang) for name in cells])), r"\midrule"]
    lines += [_row(map(escape, row)) for row in cells.itertuples(index=False)]
    sides = "".join("r" if pd.api.types.is_numeric_dtype(frame[name]) else "l" for name in cells)
    return _float(lines, sides, escape(f"{caption} {notes}".strip()), label)


def _heads(heads):
    """Set the words of headings above each other where many columns would else run beyond the page."""
    if len(heads) <= 6:
        return map(escape, heads)
    return (r"\shortstack{" + r"\\".join(map(escape, head.split())) + "}" for head in heads)


def _join_intervals(cells):
    if not (columns := tables.interval(cells)):
        return cells
    estimate, low, high = columns
    joined = cells[estimate] + " (" + cells[low] + "–" + cells[high] + ")"
    return cells.assign(**{estimate: joined}).drop(columns=[low, high])


def _row(cells):
    return " & ".join(cells) + r" \\"


def _float(lines, sides, caption, label):
    rows = "\n".join(lines)
    return rf"""{FIT}
\begin{{table}}[htb]
\centering
\caption{{{caption}}}\label{{tab:{label}}}
\small
\fit{{\begin{{tabular}}{{{sides}}}
\toprule
{rows}
\bottomrule
\end{{tabular}}}}
\end{{table}}
"""
