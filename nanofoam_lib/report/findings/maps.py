"""Grad-CAM maps, and whether to trust them."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.report.findings.phrases import num, percent


def average_maps(maps: NDArray[Any], labels: Sequence[str], dims: Iterable[int]) -> str:
    """Say for which class each dimension's map is strongest, and how much of it lies at the edge.

    Parameters
    ----------
    maps : ndarray, shape (C, h, w, D + 1)
        Class-average maps; last the mean map.
    labels : sequence of str, length C
    dims : sequence of int, length D

    Returns
    -------
    str
        Markdown. The edge is the outermost cells of the map.
    """
    strength = maps.mean(axis=(1, 2))
    said = []
    for d, dim in enumerate(dims):
        if strength[:, d].any():
            high, low = strength[:, d].argmax(), strength[:, d].argmin()
            times = f"{num(strength[high, d] / strength[low, d], 1)} times" if strength[low, d] else "infinitely"
            said.append(f"dimension {dim} responds most to {labels[high]} ({times} as much as to {labels[low]})")
        else:
            said.append(f"dimension {dim} has no map")
    total, inner = maps.sum(), maps[:, 1:-1, 1:-1].sum()
    share = f" {percent(1 - inner / total)} of all maps lies in their outermost cells, " if total else ""
    cells = 1 - (maps.shape[1] - 2) * (maps.shape[2] - 2) / (maps.shape[1] * maps.shape[2])
    return f"{'; '.join(said).capitalize()}.{share}{f'which are {percent(cells)} of the area.' if total else ''}"


def map_checks(table: pd.DataFrame) -> str:
    """Say which kind of maps can be trusted, check by check, and which dimensions look at what.

    Parameters
    ----------
    table : pandas.DataFrame
        As `gradcam_checks.compare` gives it.

    Returns
    -------
    str
        Markdown. A kind of maps is to be trusted if it passes deletion and randomisation; a dimension that cares where
        things lie cannot have stable maps.
    """
    known = table[table["value"].notna()]
    whole = known[known["dimension"].isna()]
    if whole.empty:
        return "**No map is other than zero**: there is nothing to check."
    said = [_sum_up_check(check, rows) for check, rows in whole.groupby("check", sort=False)]
    zones = known[(known["check"] == "localisation") & known["dimension"].notna()]
    said += [_sum_up_zones(kind, rows) for kind, rows in zones.groupby("maps", sort=False)]
    said += [_sum_up_kind(kind, rows) for kind, rows in whole.groupby("maps", sort=False)]
    said.append(_whom_to_trust(whole, list(dict.fromkeys(table["maps"]))))
    return "\n".join(f"- {sentence}" for sentence in said)


#: What it means that maps pass a check, and that they fail.
_VERDICTS = {
    "deletion": ("erasing what they mark moves the latent farther", "what they mark need not matter"),
    "randomisation": ("they depend on what was learnt", "they survive shuffling"),
    "stability": ("they go with the structure", "they do not go with the structure"),
}


def _holds(check, rows):
    """Tell which rows of a check are as those of maps to be trusted: Series of bool."""
    if check == "deletion":
        return rows["ci_low"] > 1
    return rows["value"].abs() < 0.5 if check == "randomisation" else rows["value"] > 0.5


def _maps_of(kind):
    return f"{text('maps')} {text(kind)}"


def _sum_up_check(check, rows):
    kinds = [
        f"{_maps_of(kind)}{_verdict(check, own)}: {_values(own)}" for kind, own in rows.groupby("maps", sort=False)
    ]
    return f"**{check}** ({rows['expected'].iloc[0]}). The {'; the '.join(kinds)}."


def _values(rows):
    return ", ".join(
        f"{text(row.variant)} {fixed(row.value)} ({fixed(row.ci_low)} to {fixed(row.ci_high)})"
        for row in rows.itertuples()
    )


def _verdict(check, rows):
    if check not in _VERDICTS:
        return ""
    yes, no = _VERDICTS[check]
    return f" pass ({yes})" if _holds(check, rows).all() else f" fail ({no})"


def _sum_up_zones(kind, zones):
    far = zones[(zones["ci_low"] > 1) & (zones["variant"] != "image edge")]
    seen = [
        f"dimension {row.dimension} at {row.variant} ({num(row.value)} × their share)"
        for row in far.sort_values("value", ascending=False).drop_duplicates("dimension").itertuples()
    ]
    if not seen:
        return f"By the {_maps_of(kind)}, no dimension prefers a zone."
    return f"By the {_maps_of(kind)}, more than chance allows look: {', '.join(seen)}."


def _passed(rows):
    """Tell which checks one kind of maps passes: dict of check to bool."""
    checks = rows[rows["check"].isin(_VERDICTS)].groupby("check", sort=False)
    return {check: bool(_holds(check, own).all()) for check, own in checks}


def _sum_up_kind(kind, rows):
    passed = _passed(rows)
    parts = {"pass": [check for check in passed if passed[check]], "fail": [c for c in passed if not passed[c]]}
    said = [f"{verb} {' and '.join(checks)}" for verb, checks in parts.items() if checks]
    return f"The {_maps_of(kind)} {', and '.join(said)}."


def _whom_to_trust(whole, kinds):
    passed = {kind: _passed(rows) for kind, rows in whole.groupby("maps", sort=False)}
    trusted = [kind for kind, own in passed.items() if own.get("deletion") and own.get("randomisation", True)]
    if not trusted:
        return "**No map is to be trusted**: none passes both deletion and randomisation."
    names, others = (
        " and the ".join(_maps_of(kind) for kind in kinds if (kind in trusted) == wanted) for wanted in (True, False)
    )
    if not others:
        return f"**Trust the {names}**: what they mark matters to the latent, and depends on what was learnt."
    return f"**Trust the {names}, not the {others}**: only they mark what matters to the latent and was learnt."
