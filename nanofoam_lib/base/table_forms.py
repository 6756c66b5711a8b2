"""What readers rely on in the tables of a run: columns, and what stands in them."""

import numpy as np
import pandas as pd

from nanofoam_lib.base import safe_names

TEXT, NUMBER, COUNT, SHARE, TRUTH = "text", "a number", "a whole number", "a number from 0 to 1", "True or False"

_SCORED = {
    "kind": TEXT, "latent_dim": COUNT, "descriptor": TEXT, "classifier": TEXT, "protocol": TEXT, "accuracy": SHARE,
    "ci_low": SHARE, "ci_high": SHARE,
}  # fmt: skip
#: Name of a table → column → what stands in each filled cell of it. Tables may have further columns.
FORMS = {
    "index": {"path": TEXT, "label": TEXT, "group": TEXT, "split": TEXT, "sha256": TEXT},
    "table1": _SCORED,
    "controls": _SCORED,
    "confusion": {"kind": TEXT, "latent_dim": COUNT, "descriptor": TEXT, "classifier": TEXT, "protocol": TEXT,
                  "true": TEXT, "predicted": TEXT, "count": COUNT},
    "dimensions": {"kind": TEXT, "latent_dim": COUNT, "dimension": COUNT, "active": TRUTH, "effect_size": NUMBER,
                   "best_measure": TEXT, "best_rho": NUMBER},
    "geometry": {"row": TEXT, "kind": TEXT, "latent_dim": COUNT, "descriptor": TEXT, "median_diameter_um": NUMBER},
    "models": {"kind": TEXT, "latent_dim": COUNT, "has_skill": TRUTH},
    "layers": {"part": TEXT, "layer": TEXT, "kind": TEXT, "height": COUNT, "width": COUNT, "depth": COUNT},
    "separation": {"kind": TEXT, "latent_dim": COUNT, "descriptor": TEXT, "class_a": TEXT, "class_b": TEXT,
                   "wss_a": NUMBER, "wss_b": NUMBER, "bss": NUMBER, "r": NUMBER},
    "claims": {"id": TEXT, "claim": TEXT, "value": NUMBER, "p_corrected": SHARE, "holds": TRUTH},
    "gradcam_checks": {"check": TEXT, "variant": TEXT, "maps": TEXT, "dimension": COUNT, "value": NUMBER},
    "generated": {"what": TEXT, "series": TEXT, "class": TEXT, "step": NUMBER, "extrapolation": TRUTH},
    "latent_map": {"id": COUNT, "label": TEXT, "split": TEXT, "x": NUMBER, "y": NUMBER, "shown": TRUTH},
    "design": {"picture": TEXT, "measure": TEXT, "wanted": NUMBER, "got": NUMBER, "extrapolation": TRUTH},
    "property_predictions": {"target": TEXT, "kind": TEXT, "latent_dim": COUNT, "descriptor": TEXT, "r2": NUMBER,
                             "label": TEXT, "measured": NUMBER, "predicted": NUMBER, "unit": TEXT, "low": NUMBER,
                             "high": NUMBER},
    "property_walks": {"target": TEXT, "kind": TEXT, "latent_dim": COUNT, "step": NUMBER, "noise": COUNT,
                       "extrapolation": TRUTH},
    "property_orders": {"picture": TEXT, "measure": TEXT, "wanted": NUMBER, "got": NUMBER, "extrapolation": TRUTH,
                        "by": TEXT, "encoded": NUMBER, "pi_low": NUMBER, "pi_high": NUMBER},
    "property_maps": {"target": TEXT, "variant": TEXT, "value": NUMBER, "p_value": SHARE},
    "suggestions": {"target": TEXT, "seek": TEXT, "place": TEXT, "predicted": NUMBER, "sd": NUMBER},
    "generated_quality": {"kind": TEXT, "latent_dim": COUNT, "features": TEXT, "accuracy": SHARE, "ci_low": SHARE,
                          "ci_high": SHARE},
    "history": {"total": NUMBER},
}  # fmt: skip
#: What stands in further columns of these, where there are such.
OPTIONAL = {
    "claims": {"claim_es": TEXT},
    "index": {"id": COUNT, "width": COUNT, "height": COUNT, "um_x": NUMBER, "um_y": NUMBER},
    "models": {"model": TEXT, "active": COUNT, "test_kl": NUMBER, "test_reconstruction": NUMBER},
    "geometry": {"id": COUNT, "label": TEXT, "group": TEXT, "split": TEXT},
    "property_orders": {"out_of_reach": TRUTH},
}
#: The table of pore measures, which holds nothing but numbers.
MEASURES = "measures"
#: Tables that have rows in every run.
FILLED = ("index", "table1", "controls", "confusion", "dimensions", "models", "history")
MOST_COUNT = 2**53


def check(name: str, table: pd.DataFrame) -> None:
    """Check a table that was read back.

    Parameters
    ----------
    name : str
        As its file is called; that of another kind of model may have its name behind it (``generated_texture``).
    table : pandas.DataFrame
        As `files.read_csv` gives it.

    Raises
    ------
    ValueError
        Names the first column that is missing or holds something else. A table that is not known is not checked.
    """
    name = name if name in FORMS or name == MEASURES else name.rpartition("_")[0]
    required = FORMS.get(name, {})
    if missing := [column for column in required if column not in table]:
        raise ValueError(f"has no column {missing[0]}")
    others = dict.fromkeys(table, NUMBER) if name == MEASURES else OPTIONAL.get(name, {})
    for column, expected in (required | others).items():
        if column in table and len(wrong := _wrong(table[column], expected)):
            row = int(wrong[0])
            raise ValueError(
                f"{column} in row {row + 1} is {safe_names.quoted(table[column].iloc[row])}, not {expected}"
            )
    if name in FILLED and not len(table):
        raise ValueError("has no rows")


def _wrong(column, expected):
    """Find the rows of a column that hold something else: ndarray of int."""
    filled = column.notna().to_numpy()
    if expected == TEXT:
        return np.flatnonzero(filled & ~column.map(lambda cell: isinstance(cell, str)).to_numpy(bool))
    if expected == TRUTH:
        return np.flatnonzero(~filled | ~column.map(lambda cell: isinstance(cell, bool | np.bool_)).to_numpy(bool))
    if pd.api.types.is_bool_dtype(column):
        return np.flatnonzero(filled)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        fits = {
            NUMBER: ~np.isnan(numbers),
            COUNT: (numbers % 1 == 0) & (np.abs(numbers) <= MOST_COUNT),
            SHARE: (numbers >= 0) & (numbers <= 1),
        }[expected]
    return np.flatnonzero(filled & ~fits)
