"""Grad-CAM maps, and whether to trust them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.report.claims import LEVEL
from nanofoam_lib.report.findings.phrases import capital, enumerated, num, percent, say

_RESPONDS = "dimension {dimension} responds most to {high} ({times} times as much as to {low})"
_RESPONDS_ALONE = "dimension {dimension} responds most to {high}, and not at all to {low}"
_ALIKE = "no dimension responds more to one class than chance allows"
_BLANK = "dimension {dimension} has no map"
_EDGE = "{share} of all maps lies in their outermost cells, which are {cells} of the area."

_NOTHING = "**No map is other than zero**: there is nothing to check."
_CHECK = "**{check}** ({expected}). {told}."
_MAPS, _MAPS_TOLD = "the maps {maps}", "the maps {maps}: {values}"
_PASS, _FAIL = "the maps {maps} pass ({why}): {values}", "the maps {maps} fail ({why}): {values}"
_VALUE = "{variant} {value} ({low} to {high})"
#: What it means that maps pass a check, and that they fail.
_VERDICTS = {
    "deletion": ("erasing what they mark moves the latent farther", "what they mark is not shown to matter"),
    "randomisation": ("they depend on what was learnt", "they survive shuffling"),
    "stability": ("they go with the structure", "they do not go with the structure"),
}
_PASS_ALL, _FAIL_ALL = "The maps {maps} pass {passed}.", "The maps {maps} fail {failed}."
_PASS_SOME = "The maps {maps} pass {passed}, and fail {failed}."
_TRUST_NONE = "**No map is to be trusted**: none passes both deletion and randomisation."
_TRUST = "**Trust {trusted}**: what they mark matters to the latent, and depends on what was learnt."
_TRUST_SOME = "**Trust {trusted}, not {others}**: only they mark what matters to the latent and was learnt."


def average_maps(
    maps: NDArray[Any], labels: Sequence[str], dims: Iterable[int], p_values: ArrayLike, lang: str = "en"
) -> str:
    """Say which dimension's maps differ between classes by more than chance, and how much of them lies at the edge.

    Parameters
    ----------
    maps : ndarray, shape (C, h, w, D + 1)
        Class-average maps; last the mean map.
    labels : sequence of str, length C
    dims : sequence of int, length D
    p_values : array-like of float, shape (D,)
        Of differences in strength between classes, as `permutation.differences` gives them.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown. The edge is the outermost cells of the map.
    """
    strength = maps.mean(axis=(1, 2))
    said, blank = [], [say(_BLANK, lang, dimension=dim) for d, dim in enumerate(dims) if not strength[:, d].any()]
    for d, dim in enumerate(dims):
        if np.asarray(p_values)[d] <= LEVEL:
            high, low = strength[:, d].argmax(), strength[:, d].argmin()
            weakest = strength[low, d]
            times = num(strength[high, d] / weakest, lang, 1) if weakest else ""
            phrase, names = _RESPONDS if weakest else _RESPONDS_ALONE, {"high": labels[high], "low": labels[low]}
            said.append(say(phrase, lang, dimension=dim, times=times, **names))
    told = capital("; ".join([*(said or [text(_ALIKE, lang)]), *blank]))
    total, inner = maps.sum(), maps[:, 1:-1, 1:-1].sum()
    cells = 1 - (maps.shape[1] - 2) * (maps.shape[2] - 2) / (maps.shape[1] * maps.shape[2])
    edge = say(_EDGE, lang, share=percent(1 - inner / total, lang), cells=percent(cells, lang)) if total else ""
    return f"{told}. {edge}".strip()


def map_checks(table: pd.DataFrame, claims: pd.DataFrame, lang: str = "en") -> str:
    """Say which kind of maps can be trusted, then why, check by check.

    Parameters
    ----------
    table : pandas.DataFrame
        As `gradcam_checks.compare` gives it.
    claims : pandas.DataFrame
        As `claims.collect` gives it: whether deletion passes is decided there.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown. A kind of maps is to be trusted if it passes deletion and randomisation; a dimension that cares where
        things lie cannot have stable maps.
    """
    known = table[table["value"].notna()]
    whole = known[known["dimension"].isna()]
    if whole.empty:
        return text(_NOTHING, lang)
    held = set(claims.loc[claims["holds"].astype(bool), "id"])
    whole = whole.assign(passed=[_passes(row, held) for row in whole.itertuples()])
    said = [_whom_to_trust(whole, list(dict.fromkeys(table["maps"])), lang)]
    said += [_sum_up_kind(kind, rows, lang) for kind, rows in whole.groupby("maps", sort=False)]
    said += [_sum_up_check(check, rows, lang) for check, rows in whole.groupby("check", sort=False)]
    return "\n".join(f"- {sentence}" for sentence in said if sentence)


def _passes(row, held):
    """Tell whether a row is as that of maps to be trusted."""
    if row.check == "deletion":
        return f"deletion: {row.maps}, {row.variant}" in held
    return abs(row.value) < 0.5 if row.check == "randomisation" else row.value > 0.5


def _sum_up_check(check, rows, lang):
    told = [_of_maps(check, kind, own, lang) for kind, own in rows.groupby("maps", sort=False)]
    names = {"check": text(check, lang), "expected": text(rows["expected"].iloc[0], lang)}
    return say(_CHECK, lang, told=capital("; ".join(told)), **names)


def _of_maps(check, kind, rows, lang):
    places = {"maps": text(kind, lang), "values": ", ".join(_value(row, lang) for row in rows.itertuples())}
    if check not in _VERDICTS:
        return say(_MAPS_TOLD, lang, **places)
    passed = rows["passed"].all()
    why = _VERDICTS[check][0 if passed else 1]
    return say(_PASS if passed else _FAIL, lang, why=text(why, lang), **places)


def _value(row, lang):
    value, low, high = (fixed(number, lang) for number in (row.value, row.ci_low, row.ci_high))
    return say(_VALUE, lang, variant=text(row.variant, lang), value=value, low=low, high=high)


def _passed(rows):
    """Tell which checks one kind of maps passes: dict of check to bool."""
    checks = rows[rows["check"].isin(_VERDICTS)].groupby("check", sort=False)
    return {check: bool(own["passed"].all()) for check, own in checks}


def _sum_up_kind(kind, rows, lang):
    checks = _passed(rows)
    passed, failed = ([text(c, lang) for c in checks if checks[c] == wanted] for wanted in (True, False))
    if not checks:
        return ""
    phrase = _PASS_SOME if passed and failed else _PASS_ALL if passed else _FAIL_ALL
    places = {name: enumerated(own, lang) for name, own in (("passed", passed), ("failed", failed)) if own}
    return say(phrase, lang, maps=text(kind, lang), **places)


def _whom_to_trust(whole, kinds, lang):
    passed = {kind: _passed(rows) for kind, rows in whole.groupby("maps", sort=False)}
    trusted = [kind for kind, own in passed.items() if own.get("deletion") and own.get("randomisation", True)]
    if not trusted:
        return text(_TRUST_NONE, lang)
    called = {kind: say(_MAPS, lang, maps=text(kind, lang)) for kind in kinds}
    names = enumerated([called[kind] for kind in kinds if kind in trusted], lang)
    others = [called[kind] for kind in kinds if kind not in trusted]
    if not others:
        return say(_TRUST, lang, trusted=names)
    return say(_TRUST_SOME, lang, trusted=names, others=enumerated(others, lang))
