"""The sentences on effects: made from the rows of `claims.collect` alone."""

import pandas as pd

from nanofoam_lib.base.language import number, text
from nanofoam_lib.report.claims import GATE, LEVEL
from nanofoam_lib.report.findings.phrases import num, say
from nanofoam_lib.report.tables import sentences

#: What a family of claims is called, and what is said of it where none of them holds.
FAMILIES = {
    GATE: "**Are the materials told apart?**",
    "differ": "**Do the materials differ in their pores?** In porosity only beyond half a pixel at the outlines.",
    "control": "**More than controls?**",
    "training": "**Does training add to it?**",
    "labels": "**What would labels add?**",
    "apart": "**Do classes lie apart?**",
    "pores": "**What is known of the pores, beyond the class?**",
    "property": "**Which properties can be predicted?**",
    "within": "**Which of them beyond the class?**",
    "dimension": "**In which dimension do the materials differ?**",
    "follows": "**Does a dimension follow a measure?**",
    "deletion": "**Does what a map marks matter?**",
    "looks": "**What does a dimension look at?**",
}

#: Families on the classes, and on what the latents and the maps of them show.
TOLD_APART = (GATE, "control", "training", "labels", "apart")
PREDICTED = ("property", "within")
SEEN = ("pores", "dimension", "follows", "looks", "deletion")

LEAST_P = 0.001  # below which a p-value is not written out

#: Said of all other families where the first claim does not hold.
CLOSED = "Nothing else is claimed, as no descriptor that was named beforehand tells the materials apart."

_NO_EFFECT = "No effect was tested."
_NONE, _NONE_OF_ONE = "None of {n} is more than chance allows.", "No more than chance allows."
_NO_OTHERS, _NO_OTHER = (
    "Of the other {n}, none is more than chance allows.",
    "The other is not more than chance allows.",
)
_UNSEEN = "Not claimed, as chance allows them or they are too small to be seen: {n}."
_ESTIMATE, _WITH_INTERVAL = "{statistic} {value}", "{statistic} {value}, 95 % interval {low} to {high}"
_TESTED, _TESTED_ON_GROUPS = "{estimate}; {null} by chance; {p}", "{estimate}; {null} by chance; {p}, {n} groups"


def effects(claims: pd.DataFrame, *families: str, lang: str = "en") -> str:
    """Tell the claims that hold, family by family, and say "none" of a family in which none does.

    Where the materials are not told apart, nothing else is claimed, whatever its p-value; but in a run of one class.

    Parameters
    ----------
    claims : pandas.DataFrame
        As `claims.collect` gives it.
    families : str
        Those to tell; all of `FAMILIES` if none is named.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, one item per family that has claims.
    """
    family = claims["id"].str.split(": ").str[0]  # also where there is none
    asked = [name for name in families or FAMILIES if (family == name).any()]
    gate = claims.loc[family == GATE, "holds"]
    if gate.any() or not len(gate):
        said = [_of_family(name, claims[family == name], lang) for name in asked]
    else:
        said = [_of_family(GATE, claims[family == GATE], lang)] if GATE in asked else []
        said += [f"- {text(CLOSED, lang)}"] if set(asked) - {GATE} else []
    return "\n".join(said) or text(_NO_EFFECT, lang)


def _of_family(name, own, lang):
    return f"- {text(FAMILIES[name], lang)} {_told(own, lang)}"


def _told(own, lang):
    holding = own[own["holds"]]
    if not len(holding):
        return say(_NONE if len(own) > 1 else _NONE_OF_ONE, lang, n=len(own))
    rows = zip(sentences(holding, lang), holding.to_dict("records"), strict=True)
    said = [f"{_capital(sentence)} ({_numbers(row, lang)})." for sentence, row in rows]
    if rest := len(own) - len(holding):
        by_chance = own.loc[~own["holds"], "p_corrected"].gt(LEVEL).all()
        said.append(say((_NO_OTHERS if rest > 1 else _NO_OTHER) if by_chance else _UNSEEN, lang, n=rest))
    return " ".join(said)


def _capital(sentence):
    """Begin a sentence, but not the name of a descriptor, with a capital."""
    first, _, rest = sentence.partition(" ")
    return sentence if first in {"μ", "σ", "z", "conv"} else f"{first.capitalize()} {rest}"


def _numbers(row, lang):
    # Differences of pore measures have units, so that two decimals are none or too many
    write = number if row["statistic"] == "difference" else num
    value, low, high = (write(row[name], lang) for name in ("value", "ci_low", "ci_high"))
    places = {"statistic": text(row["statistic"], lang), "value": value, "low": low, "high": high}
    estimate = say(_ESTIMATE if pd.isna(row["ci_low"]) else _WITH_INTERVAL, lang, **places)
    p = row["p_corrected"]
    written = f"p < {number(LEAST_P, lang)}" if p < LEAST_P else f"p = {num(p, lang, 3)}"
    groups = row["n_groups"]
    phrase = _TESTED if pd.isna(groups) else _TESTED_ON_GROUPS
    return say(phrase, lang, estimate=estimate, null=number(row["null"], lang, 2), p=written, n=groups)
