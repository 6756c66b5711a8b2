"""How the diameters of pores are distributed: quantiles of a picture, and shares in bins of a class."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHARES = 10, 50, 90  # per cent of the pores, or of their area, that lie in smaller ones
COLUMNS = "class", "diameter_um", "share", "area_share"
BINS = 40


def quantiles(diameters: pd.Series) -> dict[str, float]:
    """Give the diameters below which 10, 50 and 90 % of the pores lie, and of their area.

    Returns
    -------
    dict
        ``d10_um``, ``d50_um``, ``d90_um`` by number; ``d10_area_um``, ``d50_area_um``, ``d90_area_um`` by area. NaN
        without pores.

    Examples
    --------
    >>> found = quantiles(pd.Series([1.0] * 8 + [4.0]))
    >>> found["d50_um"], found["d50_area_um"]
    (1.0, 4.0)
    """
    own = np.sort(diameters.dropna().to_numpy(float))
    found = {}
    for name, weights in (("", np.ones(len(own))), ("_area", own**2)):
        for share in SHARES:
            place = np.searchsorted(np.cumsum(weights), share / 100 * weights.sum() * (1 - 1e-12))
            found[f"d{share}{name}_um"] = float(own[place]) if len(own) else math.nan
    return found


def distribution(pieces: Callable[[], Iterable[pd.DataFrame]], bins: int = BINS) -> pd.DataFrame:
    """Count pores by diameter in each class.

    Parameters
    ----------
    pieces : callable
        Gives tables of pores, columns ``class`` and ``diameter_um``, each time anew: they are read twice.
    bins : int
        From 0 to the largest diameter.

    Returns
    -------
    pandas.DataFrame
        ``class``, ``diameter_um`` (middle of a bin), ``share`` of the class's pores, ``area_share`` of their area.
        Pores of unknown diameter do not count.

    Examples
    --------
    >>> table = distribution(lambda: [pd.DataFrame({"class": "a", "diameter_um": [1.0, 3.0]})], bins=2)
    >>> table["share"].tolist(), table["area_share"].tolist()
    ([0.5, 0.5], [0.1, 0.9])
    """
    widest = max((float(own["diameter_um"].max()) for own in pieces() if own["diameter_um"].notna().any()), default=1.0)
    edges = np.linspace(0, widest * (1 + 1e-9), bins + 1)
    counts: dict[str, NDArray[np.float64]] = {}
    for piece in pieces():
        for label, own in piece.dropna(subset="diameter_um").groupby("class"):
            diameters = own["diameter_um"].to_numpy()
            found = np.array([np.histogram(diameters, edges, weights=w)[0] for w in (None, diameters**2)], float)
            counts[str(label)] = counts.get(str(label), np.zeros_like(found)) + found
    middle = (edges[:-1] + edges[1:]) / 2
    rows = [
        pd.DataFrame(dict(zip(COLUMNS, (label, middle, number / number.sum(), area / area.sum()), strict=True)))
        for label, (number, area) in sorted(counts.items())
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*COLUMNS])
