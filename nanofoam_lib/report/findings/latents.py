"""What the latent vectors know of classes and pores."""

from collections.abc import Mapping

import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.base.score_names import FOREST, SOFTMAX
from nanofoam_lib.latent.pore_prediction import LABEL
from nanofoam_lib.latent.projection import Projection
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report.findings.phrases import interval, num, percent


def scores(table: pd.DataFrame, chance: float) -> str:
    """Say how often a random forest on the descriptors named beforehand is right, and what could be reached.

    Parameters
    ----------
    table : pandas.DataFrame
        Table 1 and the controls below each other, split by group.
    chance : float
        Accuracy of always naming the largest class.

    Returns
    -------
    str
        Markdown, numbers without a verdict: that is for `effects`.
    """
    named = {kind.name: kind.foremost for kind in kinds.known().values()}
    forest = table[table["classifier"] == FOREST]
    ours = forest[forest["descriptor"] == forest["kind"].map(named)]
    said = [f"**{_called(row)}** {_score(row)}" for _, row in ours.iterrows()]
    said += [f"{name} {_score(row)}" for name, row in _rows(forest, ["pore measures"])]
    ceiling = [
        f"The ceiling is what it reaches on the true pore measures: {_score(row)}."
        for _, row in _rows(forest, ["true pore measures"])
    ]
    confound = [_confound(row, chance) for _, row in _rows(forest, [control_registry.MAGNIFICATION])]
    labels = [
        f"With labels, same epochs, the same convolutions reach {interval(row)}."
        for _, row in table[table["classifier"] == SOFTMAX].iterrows()
    ]
    told = f"Of the test images a random forest names right: {'; '.join(said)}; naming the largest class {num(chance)}."
    return " ".join([told, *ceiling, *confound, *labels])


def _called(row):
    return kinds.descriptor_name(row["kind"], row["latent_dim"], row["descriptor"])


def _confound(row, chance):
    """Say how well the magnification alone tells the classes."""
    told = f"A forest that knows nothing but the size of a pixel is right for {interval(row)}"
    if row["ci_low"] > chance:
        return f"{told}: **the classes differ in magnification**, and a score may be due to that alone."
    return f"{told}: the magnification does not give the class away."


def _rows(table, names):
    """Choose the rows of some descriptors: pairs of the name of one and its row."""
    return [(row["descriptor"], row) for _, row in table[table["descriptor"].isin(names)].iterrows()]


def _score(row):
    splits = row.get("splits", 0)
    more = (
        ""
        if pd.isna(splits) or splits < 2
        else f", over {num(splits, 0)} further splits {num(row['mean'])} ± {num(row['sd'])}"
    )
    return f"{interval(row)}{more}"


def projections(pca: Mapping[str, Projection], lda: Mapping[str, Projection]) -> str:
    """Say what the 2-D pictures hold: dicts of descriptor → `projection.Projection`."""
    shares = ", ".join(f"{name} {percent(found.explained.sum())}" for name, found in pca.items())
    notes = "; ".join(f"{name}: {found.note}" for name, found in lda.items() if found.note)
    held = f"The two principal components hold of the variance: {shares}."
    return f"{held} LDA {f'on {notes}' if notes else 'as it is'}." if lda else held


def geometry(link: pd.DataFrame, identity: pd.DataFrame, measure: str = "median_diameter_um") -> str:
    """Say what the descriptors know of one pore measure, and how much of that is the class.

    Parameters
    ----------
    link : pandas.DataFrame
        As `pore_prediction.summarise` gives it.
    identity : pandas.DataFrame
        As `pore_prediction.identify` gives it.
    measure : str

    Returns
    -------
    str
        Markdown, numbers without a verdict: that is for `effects`.
    """
    named = {kind.name: kind.foremost for kind in kinds.known().values()}
    rows = link[link["row"] != "image"].astype({measure: float}).dropna(subset=measure)
    said = []
    for (kind, name), own in rows.groupby(["kind", "descriptor"], sort=False):
        r2 = own.drop_duplicates("row").set_index("row")[measure]
        if name in (named.get(kind), LABEL):
            numbers = [f"{num(round(r2[row], 2) + 0)} {what}" for row, what in _R2.items() if row in r2]  # no "-0.00"
            model = "" if kind == "control" else f" of the {kinds.get(kind).prose.en}"
            said.append(f"{text(name)}{model} {', '.join(numbers)}")
    told = f"R² of {text(measure)}: {'; '.join(said)}. " if said else ""
    return f"{told}{identity['active'].sum()} of {len(identity)} latent dimensions are active."


_R2 = {
    "r2": "over all images",
    "r2_test": "on test groups",
    "r2_within": "within classes there",
}
