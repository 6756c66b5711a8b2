"""Whether the pores of a folder or a run can be believed, class by class, and what to do where they cannot."""

import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.base.messages import message
from nanofoam_lib.images.pore_tables import MOST_DOUBTFUL
from nanofoam_lib.images.pore_verdicts import DOUBTFUL

ADVICE = (
    "What to do: look at the outlines; draw masks (Fiji, ilastik, Cellpose), put them into masks/ and ask for "
    "them by `-p pores=masks`; choose another method, for a class or a picture, in pores.yaml; or take sharper, more "
    "evenly lit pictures"
)
_ALL = "{n} pictures, of which **{doubtful}** are doubtful."
_CLASS = "{label}: {doubtful} of {n} pictures are doubtful"
_NOT_USED = "{label}: {doubtful} of {n} pictures are doubtful, so that **nothing is said of its pores**"
_PROBLEM = "{path} could not be measured: {problem}"
_HOW_FAR = (
    "What is measured lies within the thin frame in each picture (`-p crop`). The ± of a porosity is what outlines "
    "half a pixel off would change: walls of a few pixels leave it unsure, whatever the verdict."
)


def pores(table: pd.DataFrame, lang: str = "en") -> list[str]:
    """Say how many pictures are doubtful, class by class, and what to do.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``label`` and ``verdict``; perhaps ``path`` and ``problem``.
    lang : {"en", "es"}

    Returns
    -------
    list of str
        Markdown.
    """
    said = [text(_PROBLEM, lang).format(path=row.path, problem=_why(row, lang)) for row in _problems(table)]
    measured = table[table["verdict"].notna()]
    doubtful = measured["verdict"] == DOUBTFUL
    said.append(text(_ALL, lang).format(n=len(measured), doubtful=int(doubtful.sum())))
    lines = []
    for label, own in measured[doubtful].groupby("label"):
        n = int((measured["label"] == label).sum())
        phrase = _NOT_USED if len(own) / n > MOST_DOUBTFUL else _CLASS
        line = text(phrase, lang).format(label=label, doubtful=len(own), n=n)
        lines.append(f"- {line}.")
    if lines:
        said += ["\n".join(lines), f"{text(ADVICE, lang)}."]
    return said


def how_far(lang: str = "en") -> str:
    """Say where in a picture pores were measured, and how far a porosity is known."""
    return text(_HOW_FAR, lang)


def _why(row, lang):
    """Say what is wrong with a file without saying again which one."""
    return message(row.problem.rpartition(f"{row.path}: ")[2], lang)


def _problems(table):
    return table[table["problem"] != ""].itertuples() if "problem" in table else []
