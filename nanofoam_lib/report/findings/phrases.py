"""Phrases that several findings share."""

import pandas as pd


def count(n: int, noun: str) -> str:
    """Write how many there are: "no pair", "1 pair", "3 pairs"."""
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def interval(row: pd.Series) -> str:
    """Write an accuracy with its interval, from a row of table 1."""
    return f"{row['accuracy']:.2f} (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f})"
