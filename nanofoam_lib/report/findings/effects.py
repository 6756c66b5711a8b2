"""The sentences on effects: made from the rows of `claims.collect` alone."""

import pandas as pd

from nanofoam_lib.report.claims import GATE
from nanofoam_lib.report.findings.phrases import num

#: What a family of claims is called, and what is said of it where none of them holds.
FAMILIES = {
    GATE: "**Are the materials told apart?**",
    "differ": "**Do the materials differ in their pores?**",
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

#: Said of all other families where the first claim does not hold.
CLOSED = "- Nothing else is claimed, as no descriptor that was named beforehand tells the materials apart."


def effects(claims: pd.DataFrame, *families: str) -> str:
    """Tell the claims that hold, family by family, and say "none" of a family in which none does.

    Where the materials are not told apart, nothing else is claimed, whatever its p-value.

    Parameters
    ----------
    claims : pandas.DataFrame
        As `claims.collect` gives it.
    families : str
        Those to tell; all of `FAMILIES` if none is named.

    Returns
    -------
    str
        Markdown, one item per family that has claims.
    """
    family = claims["id"].str.partition(": ")[0]
    asked = [name for name in families or FAMILIES if (family == name).any()]
    if claims.loc[family == GATE, "holds"].any():
        said = [f"- {FAMILIES[name]} {_told(claims[family == name])}" for name in asked]
    else:
        said = [f"- {FAMILIES[GATE]} {_told(claims[family == GATE])}"] if GATE in asked else []
        said += [CLOSED] if set(asked) - {GATE} else []
    return "\n".join(said) or "No effect was tested."


def _told(own):
    holding = own[own["holds"]]
    sentences = [f"{_capital(row.claim)} ({_numbers(row)})." for row in holding.itertuples()]
    if not len(holding):
        return f"None of {len(own)} is more than chance allows." if len(own) > 1 else "No more than chance allows."
    rest = len(own) - len(holding)
    left = f" Of the other {rest}, none is more than chance allows." if rest > 1 else ""
    return " ".join(sentences) + (" The other is not more than chance allows." if rest == 1 else left)


def _capital(text):
    """Begin a sentence, but not the name of a descriptor, with a capital."""
    first, _, rest = text.partition(" ")
    return text if first in {"μ", "σ", "z", "conv"} else f"{first.capitalize()} {rest}"


def _numbers(row):
    limits = "" if pd.isna(row.ci_low) else f", 95 % interval {num(row.ci_low)} to {num(row.ci_high)}"
    p = "p < 0.001" if row.p_corrected < 0.001 else f"p = {num(row.p_corrected, 3)}"
    groups = "" if pd.isna(row.n_groups) else f", {row.n_groups} groups"
    return f"{row.statistic} {num(row.value)}{limits}; {row.null:.2g} by chance; {p}{groups}"
