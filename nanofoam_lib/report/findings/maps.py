"""Grad-CAM maps, and whether to trust them."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from numpy.typing import NDArray


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
            times = f"{strength[high, d] / strength[low, d]:.1f} times" if strength[low, d] else "infinitely"
            said.append(f"dimension {dim} responds most to {labels[high]} ({times} as much as to {labels[low]})")
        else:
            said.append(f"dimension {dim} has no map")
    total, inner = maps.sum(), maps[:, 1:-1, 1:-1].sum()
    share = f" {1 - inner / total:.0%} of all maps lies in their outermost cells, " if total else ""
    cells = 1 - (maps.shape[1] - 2) * (maps.shape[2] - 2) / (maps.shape[1] * maps.shape[2])
    return f"{'; '.join(said).capitalize()}.{share}{f'which are {cells:.0%} of the area.' if total else ''}"


def map_checks(table: pd.DataFrame) -> str:
    """Say whether the maps can be trusted, check by check, and which dimensions look at what.

    Parameters
    ----------
    table : pandas.DataFrame
        As `gradcam_checks.summarise` gives it.

    Returns
    -------
    str
        Markdown.
    """
    whole = table[table["dimension"].isna() & table["value"].notna()]
    if whole.empty:
        return "**No map is other than zero**: there is nothing to check."
    said = [_sum_up_check(check, rows) for check, rows in whole.groupby("check", sort=False)]
    zones = table[(table["check"] == "localisation") & table["dimension"].notna() & table["value"].notna()]
    far = zones[(zones["ci_low"] > 1) & (zones["variant"] != "image edge")]
    seen = [
        f"dimension {row.dimension} at {row.variant} ({row.value:.1f} × their share)"
        for row in far.sort_values("value", ascending=False).drop_duplicates("dimension").itertuples()
    ]
    said.append(f"More than chance allows look: {', '.join(seen)}." if seen else "No dimension prefers a zone.")
    return "\n".join(f"- {sentence}" for sentence in said)


def _sum_up_check(check, rows):
    values = ", ".join(
        f"{row.variant} {row.value:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})" for row in rows.itertuples()
    )
    verdicts = {
        "deletion": (rows["ci_low"] > 1, "erasing what the map marks moves the latent farther", "it need not matter"),
        "randomisation": (rows["value"].abs() < 0.5, "the maps depend on what was learnt", "they survive shuffling"),
        "stability": (rows["value"] > 0.5, "the maps go with the structure", "they do not"),
        "localisation": (rows["ci_low"] > 1, "every zone is preferred", "not all zones are preferred"),
    }
    holds, yes, no = verdicts[check]
    verdict = yes if holds.all() else f"{no} ({', '.join(rows['variant'][~holds])})"
    return f"**{check}** ({rows['expected'].iloc[0]}): {values}" + ("." if check == "localisation" else f"; {verdict}.")
