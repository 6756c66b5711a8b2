"""Whether anybody could be fooled by generated pictures."""

import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.models import kinds
from nanofoam_lib.report import tables
from nanofoam_lib.report.findings.phrases import enumerated, num, percent, say

#: By what pictures are told apart, by its name in a sentence.
BY = {"pores": "pore measures", "spectrum": "power spectrum"}
HARDLY, NEARLY_EVERY_TIME = 0.65, 0.9  # accuracies up to which, and above which, that is said
SOME = 0.05  # share of nearest pictures up to which chance, 1 % of few, may have its hand in it

_NO_MODEL = "No model draws new pictures."
_MODEL = "The {model} ({name}): {told}"
_TOO_FEW = "whether its pictures can be told from micrographs takes two held-out specimens or more to say."
_TOLD = "a forest tells its pictures from micrographs {verdicts}. Guessing is right in 50% of cases."
_IS_HARDLY, _IS_OFTEN = "**hardly** by {features}", "**often** by {features}"
_IS_NEARLY_ALWAYS = "**nearly every time** by {features}"
_BY = "{features} (right in {accuracy} of cases, 95 % interval {low} to {high})"
_NOT_KNOWN = "Whether they are copies is not known."
_NO_COPY = "None is a copy of a train image."
_BY_CHANCE = "{share} lie nearer to a train image than 99% of held-out micrographs do, hardly more than chance allows."
_COPIES = "**{share} lie nearer to a train image than 99% of held-out micrographs do**: they may be copies."
_VARIED = "At fixed z their median diameter varies {times} times as much as within a specimen."
_VARIED_UNKNOWN = "How much they vary at fixed z is not known: no held-out specimen has two images with pores."
_ONE = "It draws one picture for each z."


def told_apart(table: pd.DataFrame, lang: str = "en") -> str:
    """Say of each model whether its pictures are told from real ones, are copies, and vary as foams do.

    Parameters
    ----------
    table : pandas.DataFrame
        Tables of `generated.quality`.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, one item per model. "Hardly" is said of an accuracy up to 0.65, "nearly every time" above 0.9, "often"
        between them; half is guessing.
    """
    models = table.groupby(["kind", "latent_dim"], sort=False)
    said = [f"- {_of_model(kind, size, own, lang)}" for (kind, size), own in models]
    return "\n".join(said) or text(_NO_MODEL, lang)


def _of_model(kind, latent_dim, rows, lang):
    called = kinds.get(kind).prose.in_language(lang)
    first = say(_MODEL, lang, model=called, name=kinds.model_name(kind, latent_dim, lang), told=_told(rows, lang))
    return " ".join([first, _copied(rows["copies"].iloc[0], lang), _varied(kind, rows["diversity"].iloc[0], lang)])


def _told(rows, lang):
    if rows["accuracy"].isna().all():
        return text(_TOO_FEW, lang)
    said = [
        say(verdict, lang, features=enumerated([_by(row, lang) for row in own.itertuples()], lang))
        for verdict, own in rows.groupby(rows["accuracy"].map(_verdict), sort=False)
    ]
    return say(_TOLD, lang, verdicts="; ".join(said))


def _by(row, lang):
    shares = {"accuracy": row.accuracy, "low": row.ci_low, "high": row.ci_high}
    shares = {name: percent(share, lang) for name, share in shares.items()}
    return say(_BY, lang, features=tables.value(BY.get(row.features, row.features), lang), **shares)


def _verdict(accuracy):
    if accuracy <= HARDLY:
        return _IS_HARDLY
    return _IS_NEARLY_ALWAYS if accuracy > NEARLY_EVERY_TIME else _IS_OFTEN


def _copied(share, lang):
    if pd.isna(share):
        return text(_NOT_KNOWN, lang)
    if share == 0:
        return text(_NO_COPY, lang)
    return say(_BY_CHANCE if share <= SOME else _COPIES, lang, share=percent(share, lang))


def _varied(kind, diversity, lang):
    if pd.notna(diversity):
        return say(_VARIED, lang, times=num(diversity, lang, 1))
    return text(_VARIED_UNKNOWN if kinds.get(kind).redraws else _ONE, lang)
