"""What the first screen of a report answers where there is one class or none: what is known without comparing any."""

from collections.abc import Mapping

import pandas as pd

from nanofoam_lib.base.language import number, text
from nanofoam_lib.latent import class_means
from nanofoam_lib.models import kinds
from nanofoam_lib.report import findings
from nanofoam_lib.report.findings.phrases import count, say

#: In place of those that ask for a comparison, by the name of the answer.
QUESTIONS = {"separation": "Do images form kinds of their own?", "difference": "What varies?"}
State = tuple[str, str, str]  # a key of `answers.SIGNS`, the verdict, the sentence
_MEASURED = "Means of {specimens}, ± how much these differ (standard deviation): {listed}."
_DRAWN = "Drawn along the first principal axis of the {model}: {changes}."


def materials(measures: pd.DataFrame, labels: pd.Series, groups: pd.Series, lang: str = "en") -> State:
    """Tell the pore measures (N, M) of pictures that can be believed, with their spread between specimens."""
    means = class_means.means(measures, labels, groups).dropna(subset="mean")
    listed = ", ".join(
        f"{text(row.measure, lang)} {number(row.mean, lang)}" + (f" ± {number(row.sd, lang, 2)}" if row.sd > 0 else "")
        for row in means.itertuples()
    )
    specimens = count(int(means["n_specimens"].max()), "specimen", lang)
    return "yes", "measured", say(_MEASURED, lang, specimens=specimens, listed=listed)


def groupings(found: Mapping[str, pd.DataFrame], lang: str = "en") -> State:
    """Tell whether images form clusters, and how many of these are found again when other specimens are drawn."""
    if not {"neighbours", "clusters"} <= found.keys() or not len(found["neighbours"]):
        return "unknown", "not tested", text("No clusters were looked for.", lang)
    stable = found["clusters"]["stable"].astype(bool)
    said = findings.neighbourhood(found["neighbours"], found["clusters"], lang).splitlines()[0].replace("**", "")
    if not len(stable):
        return "no", "no kinds of their own", said
    if stable.all():
        return "yes", "yes, found again in other specimens", said
    return ("partly", "some are found again", said) if stable.any() else ("no", "none that is found again", said)


def along_axis(kind: str, changes: str, lang: str = "en") -> str:
    """Say how the pores change of what a kind of model draws along its first principal axis."""
    return say(_DRAWN, lang, model=kinds.get(kind).prose.in_language(lang), changes=changes)
