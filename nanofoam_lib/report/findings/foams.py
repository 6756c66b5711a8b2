"""Generated foams."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd

from nanofoam_lib.latent import fulfilment, inverse_design
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import count, num, percent

if TYPE_CHECKING:
    from nanofoam_lib.models import realism

CHANCE = 2.0  # standard errors by which the ratios of drawn and real half-widths may differ


def gauge(yardstick: "realism.Yardstick", real: pd.DataFrame) -> str:
    """Say what the off-manifold gauge measures on real held-out images.

    Parameters
    ----------
    yardstick : realism.Yardstick
    real : pandas.DataFrame
        What `realism.measure` gives for the held-out images.

    Returns
    -------
    str
        Markdown.
    """
    return (
        f"Of {count(len(real), 'real held-out image')}, the median lies {num(real['distance'].median())} times as far "
        f"from its nearest train images as these lie from theirs, and {_error(yardstick.error, real)}. Beyond the 99th "
        f"percentile, {num(yardstick.gauge.max_distance)} or {num(yardstick.gauge.max_error)}, a generated picture is "
        f"marked as extrapolation; so are "
        f"{percent(real['extrapolation'].mean())} of the real ones."
    )


def _error(name, real):
    median = f"{num(real[name].median())}"
    if name == kinds.CYCLE:
        return f"comes back {median} such spacings from where it was decoded"
    return (
        f"its redrawn picture differs in statistics from the nearest train image by {median} times what lies between "
        "two micrographs of one specimen of synthetic foam"
    )


def latent_map(points: pd.DataFrame, measures: pd.DataFrame, names: Collection[str]) -> str:
    """Say which pore measures change along the axes of the latent maps.

    Parameters
    ----------
    points : pandas.DataFrame
        As `projection.points` gives it; the test images count.
    measures : pandas.DataFrame
        Pore measures of all images; row `id` is that of a point.
    names : sequence of str
        The measures to look at.

    Returns
    -------
    str
        Markdown, with Spearman's rank correlation ρ of the axis that follows each measure most closely.
    """
    said = []
    for name, own in points[points["split"] == "test"].groupby("descriptor"):
        values = measures.iloc[own["id"]][list(names)].set_axis(own.index)
        values = values.loc[:, values.max() > values.min()]  # what is the same everywhere changes along no axis
        rho = own[["x", "y"]].rename(columns={"x": 1, "y": 2}).apply(values.corrwith, method="spearman").dropna()
        closest = [
            f"{measure} along axis {row.abs().idxmax()} (ρ = {num(row[row.abs().idxmax()])})"
            for measure, row in rho.iterrows()
        ]
        said.append(f"On the map of {name}, test images change in {', '.join(closest) or 'no known pore measure'}")
    return ". ".join(said) + "."


def generated(table: pd.DataFrame) -> str:
    """Say which walks through the latent space stay among real images, and whether there is anything to see.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `series`, `distance`, `extrapolation`, `contrast`: the pictures of one figure.

    Returns
    -------
    str
        Markdown.
    """
    if table.empty:
        return "Nothing was decoded."
    beyond = table["extrapolation"].astype(bool)
    rows = table.assign(beyond=beyond).groupby("series", sort=False)["beyond"].agg(["sum", "size"])
    where = ", ".join(f"{name} {row['sum']} of {row['size']}" for name, row in rows.iterrows() if row["sum"])
    contrast = table["contrast"].median()
    verdict = " They are **too pale to pass for foams**, whatever their gauge says." if contrast < 0.5 else ""
    return (
        f"{(~beyond).sum()} of {count(len(table), 'picture')} lie among real images; the farthest point is "
        f"{num(table['distance'].max())} spacings out. {f'Extrapolation: {where}. ' if where else ''}The pictures have "
        f"{percent(contrast)} of the contrast of real ones (median).{verdict}"
    )


def design(summary: pd.DataFrame) -> str:
    """Say plainly how well foams can be made to order, and refuse the measures that cannot be ordered.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `fulfilment.summarise` gives it.

    Returns
    -------
    str
        Markdown, one item per measure, and one per measure that was ordered together with others. "Works" is said of a
        median error below 10 %, "the direction is right, the values are not" of a larger one; before either, whether
        the measure is refused, and whether what is drawn are pores at all.
    """
    said = [f"- {_verdict(row)}" for row in summary.itertuples()]
    measures = set(summary["measure"]) if len(summary) else set()
    if said and fulfilment.TOGETHER not in set(summary["picture"]) and {*inverse_design.JOINT} <= measures:
        said.append(
            f"- {' and '.join(inverse_design.JOINT)} are **refused** together: the regressions cannot tell them apart."
        )
    return "\n".join(said) or "No pore measure is known to order by."


def _verdict(row):
    what = row.measure
    if row.picture == fulfilment.TOGETHER:
        what += " (ordered together with other measures)"
    without = f" In {count(row.without_pores, 'picture')} there are no pores at all." if row.without_pores else ""
    return f"{_judged(row)}: {what}. {_numbers(row)} {_foams(row)}{without} {_limits(row)}"


def _judged(row):
    if row.refused:
        return f"**Refused** ({'; '.join(_REASONS[reason] for reason in row.refused.split(', '))})"
    if not row.round:
        return "**The numbers come, the foams do not**"
    if row.error < fulfilment.TOLERATED:
        return "Ordering it **works**"
    return "**The direction is right, the values are not**"


_REASONS = {
    "regression": "the regression knows nothing of it on held-out images",
    "ranks": "the order of the wanted values does not come back",
    "constant": "one foam for all orders would do no worse",
}


def _numbers(row):
    each = f", each drawn from {row.fields} fields of noise," if row.fields > 1 else ""
    one = f"; a single picture by {percent(row.designed)}" if row.fields > 1 else ""
    surely = "" if row.ci_high < min(row.train_median, row.middle) else ", though not by more than chance allows"
    beaten = f"the orders beat both{surely}" if row.beats_constant else "the orders do not beat them"
    return (
        f"{count(row.orders, 'order').capitalize()}{each} miss what was wanted by {percent(row.error)} (median; 95 % "
        f"interval {percent(row.ci_low)} to {percent(row.ci_high)}{one}; rank correlation of wanted and got "
        f"{num(row.rank_correlation)}). "
        f"One foam for all orders misses by {percent(row.train_median)} with the train median, by "
        f"{percent(row.middle)} with the middle of the range: {beaten}."
    )


def _foams(row):
    """Say whether what was drawn are pores, and how many orders are filled."""
    are = "" if row.round else ": what is drawn **are no pores**, whatever their measures"
    return (
        f"Circularity is {num(row.circularity)} where real ones have {num(row.real_circularity)}{are}. Filled, within "
        f"{percent(fulfilment.TOLERATED)} and with pores as round as real ones: {row.filled} of {row.orders}."
    )


def _limits(row):
    if row.picture == fulfilment.TOGETHER:
        return "An order counts as filled if all of its measures are."
    return (
        f"The regression has R² = {num(row.r2)} on held-out images; their reconstructions miss by "
        f"{percent(row.reconstruction)}, they themselves, reduced to 128×128, by {percent(row.real)}."
    )


def isotropy(drawn: pd.DataFrame, real: pd.DataFrame) -> str:
    """Say whether drawn foams are as isotropic as real ones.

    Parameters
    ----------
    drawn, real : pandas.DataFrame
        Pictures, and real held-out images: columns half_width_x, half_width_y, as `descriptors.half_widths` gives them.

    Returns
    -------
    str
        Markdown. "As isotropic" is said of mean ratios that differ by no more than twice their standard error.
    """
    (x, y), (real_x, real_y) = (own[["half_width_x", "half_width_y"]].mean() for own in (drawn, real))
    said = (
        f"The two-point correlation of {count(len(drawn), 'picture')} falls to half at {num(x, 1)} pixels in x and "
        f"{num(y, 1)} in y, a ratio of {num(x / y)}"
    )
    if real.empty:
        return f"{said}."
    ratios = [own["half_width_x"] / own["half_width_y"] for own in (drawn, real)]
    differ, errors = abs(ratios[0].mean() - ratios[1].mean()), [own.sem() for own in ratios]
    same = differ <= CHANCE * math.hypot(*(0.0 if math.isnan(error) else error for error in errors)) + 1e-9
    verdict = "they are **as isotropic as real ones**" if same else "they are **stretched as real ones are not**"
    return (
        f"{said}; that of real held-out images at {num(real_x, 1)} and {num(real_y, 1)}, a ratio of "
        f"{num(real_x / real_y)}: {verdict}."
    )
