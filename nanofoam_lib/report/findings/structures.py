"""Which structure goes with a property, whether foams can be made to order for one, and what to make next."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import t

from nanofoam_lib.base import units
from nanofoam_lib.base.language import number, quantity, text, with_decimal_mark
from nanofoam_lib.latent import fulfilment, inverse_design, permutation
from nanofoam_lib.latent.property_orders import TOLERATED
from nanofoam_lib.models import kinds
from nanofoam_lib.report.claims import LEVEL
from nanofoam_lib.report.findings import foams
from nanofoam_lib.report.findings.phrases import enumerated, num, say

_LEFT_OUT = (
    "Nothing is drawn for a property: that takes one that is known of ten train specimens or more whose pores can be "
    "believed."
)
_GOES = "What goes with a property, drawn by the {model} at the mean latent vector of specimens that have it:"
_FROM_LOW_TO_HIGH = "- From low to high **{target}** ({low} to {high}), of what is drawn {changes}."
_FALLS, _RISES = "the {measure} falls from {first} to {last}", "the {measure} rises from {first} to {last}"
_STAYS = "the {measure} does not change by more than chance allows ({first} and {last})"
_UNTOLD = "- **{target}** is not predicted by more than chance allows, so that nothing is said of its structure."
_BY_LAW = (
    "What drawn foams have of {targets} follows from their pores by the laws of the synthetic specimens, adjusted to "
    "micrographs of 128×128 pixels."
)
_BY_REGRESSION = (
    "No law gives {targets}: what drawn foams have of it is what the regression predicts of them, encoded again. That "
    "is a prediction, judged by what predicts, and no measurement."
)
_INTERVAL = "- The 90% interval of a specimen's {target} is ± {half}."
_INTERVAL_OF_LAW = (
    "- The 90% interval of a specimen's {target} is ± {half}; about what is predicted of the pictures of an order, "
    "encoded again, it holds what the law gives in {n} of {all} orders."
)
_UNKNOWN_INTERVAL = "- There are too few specimens for an interval of {target}."
_HOW = (
    "An order is drawn like the train specimen whose pictures, in other fields of noise, come nearest to what is "
    "wanted. Nothing is ordered outside of what was measured."
)
_SEEN = (
    "Where the regression sees a property: erasing the tenth of the pixels that speaks most for a high value moves it"
)
_MOVES = "- **{target}**: {times}."
_TIMES = "{value} times as far as erasing {variant} (p = {p})"
_TIMES_BY_CHANCE = "{value} times as far as erasing {variant} (p = {p}, no more than chance allows)"
_NO_MAP = "- **{target}**: its maps nowhere speak for a high value, so that nothing was erased."
_NO_MAPS = "No maps of properties: that takes one that is known of ten train specimens or more."
_SUGGESTED = (
    "What to make next: **a suggestion, and no more**, of a Gaussian process that a few specimens have taught (± one "
    "standard deviation)."
)
_NEXT = "- **{target}**: {told}."
_ALL_ALIKE = "- **{target}**: nothing is known that tells one choice from another."
_SEEK = {
    "knowledge": "to know it better, {place} ({value} ± {sd})",
    "high": "for a high value, {place} ({value} ± {sd})",
    "low": "for a low value, {place} ({value} ± {sd})",
}
_NOTHING_NEXT = "Nothing is suggested: that takes a property that is known of ten specimens or more."


def carried(walks: pd.DataFrame, claims: pd.DataFrame, lang: str = "en") -> str:
    """Say how pores change from low to high values of each property.

    Parameters
    ----------
    walks : pandas.DataFrame
        As `property_pictures.Study` has it.
    claims : pandas.DataFrame
        As `claims.collect` gives it: of a property whose prediction is not claimed nothing is said.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown. "Falls" and "rises" are said where the ends of the way differ, over the fields of noise, by more than
        their 95 % interval (Student's, of the differences field by field).
    """
    if not len(walks):
        return text(_LEFT_OUT, lang)
    first = walks.iloc[0]
    held = set(claims.loc[claims["holds"].astype(bool), "id"])
    said = [say(_GOES, lang, model=kinds.get(first["kind"]).prose.in_language(lang))]
    for target, own in walks.groupby("target", sort=False):
        if f"property: mu of {first['kind']}-{first['latent_dim']}, {target}" not in held:
            said.append(say(_UNTOLD, lang, target=quantity(target, lang)))
            continue
        low, high = (_with_unit(value, target, lang) for value in (own["step"].min(), own["step"].max()))
        changes = enumerated(
            [_change(own, name, lang) for name in inverse_design.MEASURES if own[name].notna().any()], lang
        )
        said.append(say(_FROM_LOW_TO_HIGH, lang, target=quantity(target, lang), low=low, high=high, changes=changes))
    return "\n".join(said)


def _change(own, name, lang):
    """Say how a measure changes from the first to the last step."""
    by_step = own.pivot_table(index="noise", columns="step", values=name, dropna=False)
    ends = by_step.iloc[:, [0, -1]].dropna().to_numpy()
    if not len(ends):
        ends = np.full((1, 2), np.nan)
    moved, n = ends[:, 1] - ends[:, 0], len(ends)
    half = t.ppf(0.975, n - 1) * moved.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    phrase = _STAYS if not abs(moved.mean()) > half else _RISES if moved.mean() > 0 else _FALLS
    first, last = (_with_unit(value, name, lang) for value in ends.mean(axis=0))
    return say(phrase, lang, measure=quantity(name, lang), first=first, last=last)


def _with_unit(value, name, lang):
    return " ".join(filter(None, [number(value, lang), units.of_name(name)]))


def property_orders(ordered: pd.DataFrame, lang: str = "en") -> str:
    """Say how well foams can be made to order for a property, by what that is judged, and how sure the prediction is.

    Parameters
    ----------
    ordered : pandas.DataFrame
        As `property_pictures.Study` has it.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, as `foams.design` for pore measures, an order being filled within `TOLERATED`, 8 %.
    """
    if not len(ordered):
        return text(_LEFT_OUT, lang)
    drawn = ordered[ordered["picture"] == fulfilment.DESIGNED]
    ways = {fulfilment.LAW: _BY_LAW, fulfilment.REGRESSION: _BY_REGRESSION}
    said = [
        say(ways[by], lang, targets=enumerated([quantity(name, lang) for name in dict.fromkeys(own["measure"])], lang))
        for by, own in drawn.groupby("by")
    ]
    told = foams.design(fulfilment.summarise(ordered, TOLERATED), lang)
    limits = [_limits(name, own, lang) for name, own in drawn.groupby("measure", sort=False)]
    return "\n".join([" ".join([*said, text(_HOW, lang)]), told, *limits])


def _limits(name, own, lang):
    """Say how wide the interval is, and how often it holds what a law gives."""
    half = (own["pi_high"] - own["encoded"]).iloc[0]
    if not np.isfinite(half):
        return say(_UNKNOWN_INTERVAL, lang, target=quantity(name, lang))
    places = {"target": quantity(name, lang), "half": _with_unit(half, name, lang)}
    if (own["by"] == fulfilment.REGRESSION).all():
        return say(_INTERVAL, lang, **places)
    means = own.groupby("order")[["got", "pi_low", "pi_high"]].mean()
    holds = means["got"].between(means["pi_low"], means["pi_high"])
    return say(_INTERVAL_OF_LAW, lang, **places, n=int(holds.sum()), all=len(means))


def property_maps(table: pd.DataFrame, lang: str = "en") -> str:
    """Say whether what the map of a property marks matters to the prediction.

    Parameters
    ----------
    table : pandas.DataFrame
        As `property_maps.Maps` has it; p-values are corrected for all of its rows by Holm's method.
    lang : {"en", "es"}
    """
    if not len(table):
        return text(_NO_MAPS, lang)
    corrected = table.assign(p=permutation.holm(table["p_value"]))
    said = [_moves(target, own, lang) for target, own in corrected.groupby("target", sort=False)]
    return "\n".join([f"{text(_SEEN, lang)}:", *said])


def _moves(target, own, lang):
    """Say how far erasing what a map marks moves the prediction, if it marks anything."""
    if own["value"].isna().all():
        return say(_NO_MAP, lang, target=quantity(target, lang))
    times = enumerated([_times(row, lang) for row in own.to_dict("records")], lang)
    return say(_MOVES, lang, target=quantity(target, lang), times=times)


def _times(row, lang):
    phrase = _TIMES if row["p"] <= LEVEL else _TIMES_BY_CHANCE
    return say(
        phrase, lang, value=num(row["value"], lang, 1), variant=text(row["variant"], lang), p=num(row["p"], lang, 3)
    )


def suggested(table: pd.DataFrame, lang: str = "en") -> str:
    """Say what to make next, property by property: the first suggestion of each kind.

    Parameters
    ----------
    table : pandas.DataFrame
        As `suggestions.study` gives it.
    lang : {"en", "es"}
    """
    if not len(table):
        return text(_NOTHING_NEXT, lang)
    firsts = table.drop_duplicates(["target", "seek"])
    said = [_next(target, own, lang) for target, own in firsts.groupby("target", sort=False)]
    return "\n".join([text(_SUGGESTED, lang), *said])


def _next(target, own, lang):
    """Say what to make next for a property, unless all that is suggested is expected to be alike."""
    if np.ptp(own["predicted"]) < own["sd"].min():
        return say(_ALL_ALIKE, lang, target=quantity(target, lang))
    return say(_NEXT, lang, target=quantity(target, lang), told="; ".join(_sought(own.to_dict("records"), lang)))


def _sought(rows: Iterable[dict], lang: str) -> Iterable[str]:
    for row in rows:
        value, sd = number(row["predicted"], lang), _with_unit(row["sd"], row["target"], lang)
        numbers, *specimen = row["place"].partition(" (")  # whose name stays as it is
        yield say(
            _SEEK[row["seek"]], lang, place="".join([with_decimal_mark(numbers, lang), *specimen]), value=value, sd=sd
        )
