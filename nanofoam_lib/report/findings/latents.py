"""What the latent vectors know of classes and pores."""

from collections.abc import Mapping

import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.base.messages import message
from nanofoam_lib.base.score_names import FOREST, SOFTMAX
from nanofoam_lib.latent.pore_prediction import LABEL
from nanofoam_lib.latent.projection import Projection
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report.findings.phrases import interval, num, percent, say
from nanofoam_lib.report.tables import value

_RIGHT = "Of the test images a random forest names right: {scores}; naming the largest class {chance}."
_TRUE = "On the true pore measures it reaches {score}."
_CONFOUNDED = (
    "A forest that knows nothing but the size of a pixel is right for {score}: **the classes differ in "
    "magnification**, and a score may be due to that alone."
)
_NOT_CONFOUNDED = (
    "A forest that knows nothing but the size of a pixel is right for {score}: the magnification does not give the "
    "class away."
)
_LABELS = "With labels, same epochs, the same convolutions reach {score}."
_REPEATED = "{score}, over {splits} further splits {mean} ± {sd}"
_VARIANCE = "The two principal components hold of the variance: {shares}."
_LDA, _LDA_NOTES = "LDA as it is.", "LDA on {notes}."
_OF_MODEL = "{descriptor} of the {model}"
_MEASURE = "R² of {measure}: {values}."
_ACTIVE = "{active} of {all} latent dimensions are active."
_R2 = {
    "r2": "{value} over all images",
    "r2_test": "{value} on test groups",
    "r2_within": "{value} within classes there",
}


def scores(table: pd.DataFrame, chance: float, lang: str = "en") -> str:
    """Say how often a random forest on the descriptors named beforehand is right, and what could be reached.

    Parameters
    ----------
    table : pandas.DataFrame
        Table 1 and the controls below each other, split by group.
    chance : float
        Accuracy of always naming the largest class.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, numbers without a verdict: that is for `effects`.
    """
    named = {kind.name: kind.foremost for kind in kinds.known().values()}
    forest = table[table["classifier"] == FOREST]
    ours = forest[forest["descriptor"] == forest["kind"].map(named)]
    told = [f"**{_called(row, lang)}** {_score(row, lang)}" for _, row in ours.iterrows()]
    told += [f"{value(row['descriptor'], lang)} {_score(row, lang)}" for row in _rows(forest, "pore measures")]
    said = [say(_RIGHT, lang, scores="; ".join(told), chance=num(chance, lang))]
    said += [say(_TRUE, lang, score=_score(row, lang)) for row in _rows(forest, "true pore measures")]
    said += [_confound(row, chance, lang) for row in _rows(forest, control_registry.MAGNIFICATION)]
    taught = table[table["classifier"] == SOFTMAX]
    return " ".join([*said, *(say(_LABELS, lang, score=interval(row, lang)) for _, row in taught.iterrows())])


def _called(row, lang):
    return kinds.descriptor_name(row["kind"], row["latent_dim"], row["descriptor"], lang)


def _confound(row, chance, lang):
    """Say how well the magnification alone tells the classes."""
    return say(_CONFOUNDED if row["ci_low"] > chance else _NOT_CONFOUNDED, lang, score=interval(row, lang))


def _rows(table, name):
    """List the rows of one descriptor."""
    return [row for _, row in table[table["descriptor"] == name].iterrows()]


def _score(row, lang):
    splits = row.get("splits", 0)
    if pd.isna(splits) or splits < 2:
        return interval(row, lang)
    mean, sd = num(row["mean"], lang), num(row["sd"], lang)
    return say(_REPEATED, lang, score=interval(row, lang), splits=num(splits, lang, 0), mean=mean, sd=sd)


def projections(pca: Mapping[str, Projection], lda: Mapping[str, Projection], lang: str = "en") -> str:
    """Say what the 2-D pictures hold: dicts of descriptor → `projection.Projection`."""
    shares = ", ".join(f"{name} {percent(found.explained.sum(), lang)}" for name, found in pca.items())
    notes = "; ".join(f"{name}: {message(found.note, lang)}" for name, found in lda.items() if found.note)
    said = [say(_VARIANCE, lang, shares=shares)]
    said += [say(_LDA_NOTES if notes else _LDA, lang, notes=notes)] if lda else []
    return " ".join(said)


def geometry(link: pd.DataFrame, identity: pd.DataFrame, measure: str = "median_diameter_um", lang: str = "en") -> str:
    """Say what the descriptors know of one pore measure, and how much of that is the class.

    Parameters
    ----------
    link : pandas.DataFrame
        As `pore_prediction.summarise` gives it.
    identity : pandas.DataFrame
        As `pore_prediction.identify` gives it.
    measure : str
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, numbers without a verdict: that is for `effects`.
    """
    named = {kind.name: kind.foremost for kind in kinds.known().values()}
    rows = link[link["row"] != "image"].astype({measure: float}).dropna(subset=measure)
    told = []
    for (kind, name), own in rows.groupby(["kind", "descriptor"], sort=False):
        r2 = own.drop_duplicates("row").set_index("row")[measure]
        if name in (named.get(kind), LABEL):
            values = [say(phrase, lang, value=num(r2[row], lang)) for row, phrase in _R2.items() if row in r2]
            called = text(name, lang)
            if kind != "control":
                called = say(_OF_MODEL, lang, descriptor=called, model=kinds.get(kind).prose.in_language(lang))
            told.append(f"{called} {', '.join(values)}")
    said = [say(_MEASURE, lang, measure=text(measure, lang), values="; ".join(told))] if told else []
    active = say(_ACTIVE, lang, active=identity["active"].sum(), all=len(identity))
    return " ".join([*said, active])
