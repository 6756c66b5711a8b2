"""Phrases that several findings share, and how their numbers are written."""

import math

import pandas as pd

from nanofoam_lib.base.language import MISSING, percentage


def num(value: float, decimals: int = 2) -> str:
    """Write a number with `decimals` decimals, and a dash for one that is missing or infinite.

    Examples
    --------
    >>> num(-0.125), num(3.0, 0), num(float("inf")), num(float("nan"))
    ('-0.12', '3', '–', '–')
    """
    return MISSING if pd.isna(value) or not math.isfinite(value) else f"{value:.{decimals}f}"


def percent(value: float) -> str:
    """Write a share as a percentage, and a dash for one that is missing or infinite."""
    return MISSING if pd.isna(value) else percentage(value)


def count(n: int, noun: str) -> str:
    """Write how many there are: "no pair", "1 pair", "3 pairs"."""
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def interval(row: pd.Series) -> str:
    """Write an accuracy with its interval, from a row of table 1."""
    return f"{num(row['accuracy'])} (95 % interval {num(row['ci_low'])} to {num(row['ci_high'])})"
