"""What can be predicted of the properties of specimens, and which columns beside the images are none."""

from collections.abc import Sequence

import pandas as pd

from nanofoam_lib.base.language import number, quantity, text
from nanofoam_lib.base.messages import message
from nanofoam_lib.latent import pore_readings, property_study
from nanofoam_lib.latent.pore_prediction import LABEL
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import num, percent, say
from nanofoam_lib.report.tables import value

#: Beside the descriptors named beforehand, and the pores as they tell them, these are told.
_BESIDE = ("pore measures", "true pore measures", LABEL)
_NONE = (
    "No property of specimens is known. Every further column of numbers in metadata.csv is taken for one, its unit "
    "from its name: `modulus_gpa`, `uptake_mg_g`."
)
_BY_LAW = (
    "The properties of synthetic specimens were not measured: they follow stated laws of the true pores (Gibson and "
    "Ashby, Kozeny and Carman), with a scatter of their own."
)
_HEAD = "R² by {model} regression, on specimens not seen:"
_PROPERTY = "- **{target}**, {n} specimens: {told}."
_TOLD = "{name} {r2}, off by {error}, 90% intervals hold {coverage}"
_TOLD_WITHIN = "{name} {r2}, {within} within classes, off by {error}, 90% intervals hold {coverage}"


def properties(table: pd.DataFrame, said: Sequence[str] = (), is_synthetic: bool = False, lang: str = "en") -> str:
    """Say how well properties are predicted, how far off, and how often the intervals hold.

    Parameters
    ----------
    table : pandas.DataFrame
        As `property_study.study` gives it.
    said : sequence of str
        What `targets.of_index` has to say of columns.
    is_synthetic : bool
        Whether the specimens are.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, numbers without a verdict: that is for `effects`.
    """
    own = table[table["model"] == property_study.NAMED]
    named = kinds.foremost(dict.fromkeys(zip(own["kind"], own["latent_dim"], own["descriptor"], strict=True)))
    lines = [f"- {message(column, lang)}." for column in said]
    for (target, unit), rows in own.groupby(["target", "unit"], sort=False, dropna=False):
        keys = list(zip(rows["kind"], rows["latent_dim"], rows["descriptor"], strict=True))
        told = [
            _told(row, unit, lang)
            for key, row in zip(keys, rows.to_dict("records"), strict=True)
            if (*key[:2], pore_readings.source(key[2])) in named or key[2] in _BESIDE
        ]
        n = rows["n_specimens"].iloc[0]
        lines.append(say(_PROPERTY, lang, target=quantity(target, lang), n=n, told="; ".join(told)))
    if not len(own):
        return "\n".join([text(_NONE, lang), *lines])
    head = say(_HEAD, lang, model=value(property_study.NAMED, lang))
    return "\n".join([head, *lines, *[text(_BY_LAW, lang)] * is_synthetic])


def _told(row, unit, lang):
    key = row["kind"], row["latent_dim"], row["descriptor"]
    name = value(row["descriptor"], lang) if row["kind"] == "control" else kinds.descriptor_name(*key, lang)
    error = " ".join(filter(None, [number(row["rmse"], lang, 2), unit if isinstance(unit, str) else ""]))
    return say(
        _TOLD if pd.isna(row["r2_within"]) else _TOLD_WITHIN, lang, name=name, r2=num(row["r2"], lang),
        within=num(row["r2_within"], lang), error=error, coverage=percent(row["coverage"], lang),
    )  # fmt: skip
