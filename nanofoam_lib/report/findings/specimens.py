"""What can be predicted of the properties of specimens, and which columns beside the images are none."""

from collections.abc import Sequence

import pandas as pd

from nanofoam_lib.latent import property_study
from nanofoam_lib.latent.pore_prediction import LABEL
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import num, percent

#: Beside the descriptors named beforehand these are told.
_BESIDE = ("pore measures", "true pore measures", LABEL)
_NONE = (
    "No property of specimens is known. Every further column of numbers in metadata.csv is taken for one, its unit "
    "from its name: `modulus_gpa`, `uptake_mg_g`."
)
_BY_LAW = (
    "The properties of synthetic specimens were not measured: they follow stated laws of the true pores (Gibson and "
    "Ashby, Kozeny and Carman), with a scatter of their own."
)


def properties(table: pd.DataFrame, said: Sequence[str] = (), is_synthetic: bool = False) -> str:
    """Say how well properties are predicted, how far off, and how often the intervals hold.

    Parameters
    ----------
    table : pandas.DataFrame
        As `property_study.study` gives it.
    said : sequence of str
        What `targets.of_index` has to say of columns.
    is_synthetic : bool
        Whether the specimens are.

    Returns
    -------
    str
        Markdown, numbers without a verdict: that is for `effects`.
    """
    own = table[table["model"] == property_study.NAMED]
    named = kinds.foremost(dict.fromkeys(zip(own["kind"], own["latent_dim"], own["descriptor"], strict=True)))
    lines = [f"- {column}." for column in said]
    for (target, unit), rows in own.groupby(["target", "unit"], sort=False, dropna=False):
        keys = list(zip(rows["kind"], rows["latent_dim"], rows["descriptor"], strict=True))
        told = [
            row for key, row in zip(keys, rows.to_dict("records"), strict=True) if key in named or key[2] in _BESIDE
        ]
        lines.append(
            f"- **{target}**, {rows['n_specimens'].iloc[0]} specimens: {'; '.join(_told(r, unit) for r in told)}."
        )
    if not len(own):
        return "\n".join([_NONE, *lines])
    return "\n".join(
        [f"R² by {property_study.NAMED} regression, on specimens not seen:", *lines, *[_BY_LAW] * is_synthetic]
    )


def _told(row, unit):
    name = f"{row['descriptor']} of {row['kind']}" if row["kind"] != "control" else row["descriptor"]
    within = "" if pd.isna(row["r2_within"]) else f", {num(row['r2_within'] + 0)} within classes"
    off = f"off by {row['rmse']:.2g}{f' {unit}' if isinstance(unit, str) and unit else ''}"
    return f"{name} {num(row['r2'] + 0)}{within}, {off}, 90% intervals hold {percent(row['coverage'])}"
