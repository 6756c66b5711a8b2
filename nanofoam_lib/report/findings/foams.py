"""Generated foams."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd

from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import count

if TYPE_CHECKING:
    from nanofoam_lib.models import realism


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
        f"Of {count(len(real), 'real held-out image')}, the median lies {real['distance'].median():.2f} times as far "
        f"from its nearest train images as these lie from theirs, and {_error(yardstick.error, real)}. Beyond the 99th "
        f"percentile, {yardstick.gauge.max_distance:.2f} or {yardstick.gauge.max_error:.2f}, a generated picture is "
        f"marked as extrapolation; so are "
        f"{real['extrapolation'].mean():.0%} of the real ones."
    )


def _error(name, real):
    median = f"{real[name].median():.2f}"
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
        rho = own[["x", "y"]].rename(columns={"x": 1, "y": 2}).apply(values.corrwith, method="spearman").dropna()
        closest = [
            f"{measure} along axis {row.abs().idxmax()} (ρ = {row[row.abs().idxmax()]:.2f})"
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
        f"{table['distance'].max():.2f} spacings out. {f'Extrapolation: {where}. ' if where else ''}The pictures have "
        f"{contrast:.0%} of the contrast of real ones (median).{verdict}"
    )


def design(summary: pd.DataFrame) -> str:
    """Say plainly how well foams can be made to order.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `inverse_design.summarise` gives it.

    Returns
    -------
    str
        Markdown, one item per measure. "Works" is said if the order of the wanted values comes back (rank correlation
        above 0.8) with a median error below 10 %; "the direction is right, the values are not" if the order alone does.
    """
    return "\n".join(f"- {_verdict(row)}" for row in summary.itertuples()) or "No pore measure is known to order by."


def _verdict(row):
    if not row.rank_correlation > 0.8:
        verdict = "Ordering it **does not work**"
    elif row.designed < 0.1:
        verdict = "Ordering it **works**"
    else:
        verdict = "**The direction is right, the values are not**"
    without = f" In {count(row.without_pores, 'picture')} there are no pores at all." if row.without_pores else ""
    return (
        f"{verdict}: {row.measure}, where {count(row.orders, 'decoded picture')} miss what was wanted by "
        f"{row.designed:.0%} (median; rank correlation of wanted and got {row.rank_correlation:.2f}).{without} The "
        f"regression has R² = {row.r2:.2f} on held-out images; their reconstructions miss by {row.reconstruction:.0%}, "
        f"they themselves, reduced to 128×128, by {row.real:.0%}."
    )
