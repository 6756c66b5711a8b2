"""Generated foams."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nanofoam_lib.base.language import quantity, text
from nanofoam_lib.latent import fulfilment, inverse_design, permutation
from nanofoam_lib.models import kinds
from nanofoam_lib.report import tables
from nanofoam_lib.report.claims import LEVEL
from nanofoam_lib.report.findings.phrases import capital, count, enumerated, num, percent, say

if TYPE_CHECKING:
    from nanofoam_lib.models import realism

CHANCE = 2.0  # standard errors by which the ratios of drawn and real half-widths may differ
PALE = 0.5  # of the contrast of real ones, below which pictures pass for none

_GAUGE = {
    kinds.CYCLE: (
        "Of {images}, the median lies {distance} times as far from its nearest train images as these lie from theirs, "
        "and comes back {error} such spacings from where it was decoded. Beyond the 99th percentile of real ones, "
        "{max_distance} or {max_error}, a generated picture is marked as extrapolation."
    ),
    kinds.STATISTICS: (
        "Of {images}, the median lies {distance} times as far from its nearest train images as these lie from theirs, "
        "and its redrawn picture differs in statistics from the nearest train image by {error} times what lies between "
        "two micrographs of one specimen of synthetic foam. Beyond the 99th percentile of real ones, {max_distance} or "
        "{max_error}, a generated picture is marked as extrapolation."
    ),
}
_MAP = "On the map of {name}, test images change in {changes}."
_ALONG = "{measure} along axis {axis} (ρ = {rho}, p = {p})"
_NO_MEASURE = "none of the pore measures by more than chance allows"

_NOTHING = "Nothing was decoded."
_AMONG = "{among} of {pictures} lie among real images; the farthest point is {farthest} spacings out."
_EXTRAPOLATION, _SERIES = "Extrapolation: {series}.", "{name} {n} of {all}"
_CONTRAST = "The pictures have {contrast} of the contrast of real ones (median)."
_PALE = "They are **too pale to pass for foams**, whatever their gauge says."

_REFUSED = "**Refused** ({reasons}): {what}."
_NO_FOAMS = "**The numbers come, foams not always**: {what}."
_WORKS = "Ordering it **works**: {what}."
_DIRECTION = "**The direction is right, the values are not**: {what}."
_TOGETHER = "{measure} (ordered together with other measures)"
_REASONS = {
    "regression": "the regression knows nothing of it on held-out images",
    "ranks": "the order of the wanted values does not come back",
    "constant": "one foam for all orders would do no worse",
    "reach": "nothing that was tried comes near what was wanted",
}
_MISS = (
    "{orders} miss what was wanted by {error} (median; 95 % interval {low} to {high}; rank correlation of wanted and "
    "got {rank})."
)
_MISS_OF_FIELDS = (
    "{orders}, each drawn from {fields} fields of noise, miss what was wanted by {error} (median; 95 % interval {low} "
    "to {high}; a single picture by {designed}; rank correlation of wanted and got {rank})."
)
_ONE_FOAM = (
    "One foam for all orders misses by {train} with the train median, by {middle} with the middle of the range: "
    "{verdict}."
)
_SURELY = "the orders beat both"
_UNSURELY = "the orders beat both, though not by more than chance allows"
_UNBEATEN = "the orders do not beat them"
_ROUND = (
    "Circularity is {circularity} where real ones have {real}. Filled, within {tolerated} and with pores as round as "
    "real ones: {filled} of {orders}."
)
_NOT_ROUND = (
    "Circularity is {circularity} where real ones have {real}: on average, what is drawn **is not as round as "
    "pores**, whatever it measures. Filled, within {tolerated} and with pores as round as real ones: {filled} of "
    "{orders}."
)
_WITHOUT = "In {pictures} there are no pores at all."
_BEYOND = (
    "Out of reach and **refused**: {orders} of {all}, as nothing that was tried comes within {tolerated} of what was "
    "wanted; the nearest misses by {nearest} (median), which no other number counts."
)
_LIMIT_TOGETHER = "An order counts as filled if all of its measures are."
_LIMIT = (
    "The regression has R² = {r2} on held-out images; their reconstructions miss by {reconstruction}, they themselves, "
    "reduced to 128×128, by {real}."
)
_JOINT = "- {measures} are **refused** together: the regressions cannot tell them apart."
_NO_ORDERS = "No pore measure is known to order by."

_HALF = "The two-point correlation of {pictures} falls to half at {x} pixels in x and {y} in y, a ratio of {ratio}."
_HALF_BESIDE_REAL = (
    "The two-point correlation of {pictures} falls to half at {x} pixels in x and {y} in y, a ratio of {ratio}; that "
    "of real held-out images at {real_x} and {real_y}, a ratio of {real_ratio}: {verdict}."
)
_ISOTROPIC = "they are **as isotropic as real ones**"
_STRETCHED = "they are **stretched as real ones are not**"


def gauge(yardstick: "realism.Yardstick", real: pd.DataFrame, lang: str = "en") -> str:
    """Say what the off-manifold gauge measures on real held-out images.

    Parameters
    ----------
    yardstick : realism.Yardstick
    real : pandas.DataFrame
        What `realism.measure` gives for the held-out images.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    numbers = {"distance": real["distance"].median(), "error": real[yardstick.error].median()}
    numbers |= {"max_distance": yardstick.gauge.max_distance, "max_error": yardstick.gauge.max_error}
    images = count(len(real), "real held-out image", lang)
    written = {name: num(value, lang) for name, value in numbers.items()}
    return say(_GAUGE[yardstick.error], lang, images=images, **written)


def latent_map(
    points: pd.DataFrame, measures: pd.DataFrame, names: Collection[str], groups: ArrayLike, lang: str = "en"
) -> str:
    """Say which pore measures change along the axes of the latent maps, by more than chance allows.

    Parameters
    ----------
    points : pandas.DataFrame
        As `projection.points` gives it; the test images count.
    measures : pandas.DataFrame
        Pore measures of all images; row `id` is that of a point.
    names : sequence of str
        The measures to look at.
    groups : array-like, shape (N,)
        Of all images.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, with Spearman's rank correlation ρ, over groups, of the axis that follows each measure most closely
        (`permutation.correlations`, corrected for all axes and measures).
    """
    said = []
    for name, own in points[points["split"] == "test"].groupby("descriptor"):
        of_points = np.asarray(groups, str)[own["id"]]
        rho, p_values = permutation.correlations(own[["x", "y"]], measures.iloc[own["id"]][list(names)], of_points)
        closest = [
            say(_ALONG, lang, measure=quantity(measure, lang), axis=axis + 1, rho=num(rho[axis, column], lang),
                p=num(p_values[axis, column], lang, 3))
            for column, measure in enumerate(names)
            if np.isfinite(rho[:, column]).any() and np.nanmin(p_values[:, column]) <= LEVEL
            for axis in [int(np.nanargmax(np.abs(rho[:, column])))]
        ]  # fmt: skip
        said.append(say(_MAP, lang, name=name, changes=", ".join(closest) or text(_NO_MEASURE, lang)))
    return " ".join(said)


def generated(table: pd.DataFrame, lang: str = "en") -> str:
    """Say which walks through the latent space stay among real images, and whether there is anything to see.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `series`, `distance`, `extrapolation`, `contrast`: the pictures of one figure.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    if table.empty:
        return text(_NOTHING, lang)
    beyond = table["extrapolation"].astype(bool)
    rows = table.assign(beyond=beyond).groupby("series", sort=False)["beyond"].agg(["sum", "size"])
    where = [
        say(_SERIES, lang, name=tables.series(name, lang), n=row["sum"], all=row["size"])
        for name, row in rows.iterrows()
        if row["sum"]
    ]
    pictures, farthest = count(len(table), "picture", lang), num(table["distance"].max(), lang)
    contrast = table["contrast"].median()
    said = [say(_AMONG, lang, among=(~beyond).sum(), pictures=pictures, farthest=farthest)]
    said += [say(_EXTRAPOLATION, lang, series=", ".join(where))] if where else []
    said.append(say(_CONTRAST, lang, contrast=percent(contrast, lang)))
    return " ".join([*said, text(_PALE, lang)] if contrast < PALE else said)


def design(summary: pd.DataFrame, lang: str = "en") -> str:
    """Say plainly how well foams can be made to order, and refuse the measures that cannot be ordered.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `fulfilment.summarise` gives it.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, one item per measure, and one per measure that was ordered together with others. "Works" is said of a
        median error below what is tolerated, "the direction is right, the values are not" of a larger one; before
        either, whether the measure is refused, and whether what is drawn are pores at all.
    """
    said = [f"- {_verdict(row, lang)}" for row in summary.itertuples()]
    measures = set(summary["measure"]) if len(summary) else set()
    if said and fulfilment.TOGETHER not in set(summary["picture"]) and {*inverse_design.JOINT} <= measures:
        joint = enumerated([quantity(measure, lang) for measure in inverse_design.JOINT], lang)
        said.append(say(_JOINT, lang, measures=joint))
    return "\n".join(said) or text(_NO_ORDERS, lang)


def _verdict(row, lang):
    if row.refused == "reach":
        return f"{_judged(row, lang)} {_beyond(row, lang)}"
    said = [_judged(row, lang), _numbers(row, lang), _beaten(row, lang), _foams(row, lang)]
    if row.out_of_reach:
        said.append(_beyond(row, lang))
    if row.without_pores:
        said.append(say(_WITHOUT, lang, pictures=count(row.without_pores, "picture", lang)))
    return " ".join([*said, _limits(row, lang)])


def _judged(row, lang):
    what = quantity(row.measure, lang)
    if row.picture == fulfilment.TOGETHER:
        what = say(_TOGETHER, lang, measure=what)
    if row.refused:
        reasons = "; ".join(text(_REASONS[reason], lang) for reason in row.refused.split(", "))
        return say(_REFUSED, lang, reasons=reasons, what=what)
    if not row.round:
        return say(_NO_FOAMS, lang, what=what)
    return say(_WORKS if row.error < row.tolerated else _DIRECTION, lang, what=what)


def _numbers(row, lang):
    shares = {"error": row.error, "low": row.ci_low, "high": row.ci_high, "designed": row.designed}
    return capital(
        say(_MISS_OF_FIELDS if row.fields > 1 else _MISS, lang,
            orders=count(row.orders - row.out_of_reach, "order", lang), fields=row.fields,
            rank=num(row.rank_correlation, lang),
            **{name: percent(value, lang) for name, value in shares.items()})
    )  # fmt: skip


def _beyond(row, lang):
    """Say how many orders were refused as out of reach, and by how much what was drawn for them misses."""
    return say(
        _BEYOND, lang, orders=row.out_of_reach, all=count(row.orders, "order", lang),
        tolerated=percent(row.tolerated, lang), nearest=percent(row.nearest, lang),
    )  # fmt: skip


def _beaten(row, lang):
    """Say whether orders come closer than one foam for all of them."""
    verdict = _UNBEATEN
    if row.beats_constant:
        verdict = _SURELY if row.ci_high < min(row.train_median, row.middle) else _UNSURELY
    train, middle = percent(row.train_median, lang), percent(row.middle, lang)
    return say(_ONE_FOAM, lang, train=train, middle=middle, verdict=text(verdict, lang))


def _foams(row, lang):
    """Say whether what was drawn are pores, and how many orders are filled."""
    return say(
        _ROUND if row.round else _NOT_ROUND, lang, circularity=num(row.circularity, lang),
        real=num(row.real_circularity, lang), tolerated=percent(row.tolerated, lang), filled=row.filled,
        orders=row.orders,
    )  # fmt: skip


def _limits(row, lang):
    if row.picture == fulfilment.TOGETHER:
        return text(_LIMIT_TOGETHER, lang)
    reconstruction, real = percent(row.reconstruction, lang), percent(row.real, lang)
    return say(_LIMIT, lang, r2=num(row.r2, lang), reconstruction=reconstruction, real=real)


def isotropy(drawn: pd.DataFrame, real: pd.DataFrame, lang: str = "en") -> str:
    """Say whether drawn foams are as isotropic as real ones.

    Parameters
    ----------
    drawn, real : pandas.DataFrame
        Pictures, and real held-out images: columns half_width_x, half_width_y, as `descriptors.half_widths` gives them.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown. "As isotropic" is said of mean ratios that differ by no more than twice their standard error.
    """
    (x, y), (real_x, real_y) = (own[["half_width_x", "half_width_y"]].mean() for own in (drawn, real))
    places = {"pictures": count(len(drawn), "picture", lang), "x": num(x, lang, 1), "y": num(y, lang, 1)}
    places["ratio"] = num(x / y, lang)
    if real.empty:
        return say(_HALF, lang, **places)
    ratios = [own["half_width_x"] / own["half_width_y"] for own in (drawn, real)]
    differ, errors = abs(ratios[0].mean() - ratios[1].mean()), [own.sem() for own in ratios]
    same = differ <= CHANCE * math.hypot(*(0.0 if math.isnan(error) else error for error in errors)) + 1e-9
    places |= {"real_x": num(real_x, lang, 1), "real_y": num(real_y, lang, 1), "real_ratio": num(real_x / real_y, lang)}
    return say(_HALF_BESIDE_REAL, lang, verdict=text(_ISOTROPIC if same else _STRETCHED, lang), **places)
