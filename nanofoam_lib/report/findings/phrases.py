"""Phrases that several findings share, and how their numbers are written."""

from collections.abc import Iterable

import pandas as pd

from nanofoam_lib.base import language
from nanofoam_lib.base.language import MISSING, fixed, percentage, text

_INTERVAL = "{value} (95 % interval {low} to {high})"

#: What is counted: how none, one and several of them are called.
_COUNTS = {
    "real held-out image": ("no real held-out images", "1 real held-out image", "{n} real held-out images"),
    "image": ("no images", "1 image", "{n} images"),
    "class": ("no classes", "1 class", "{n} classes"),
    "pair": ("no pairs", "1 pair", "{n} pairs"),
    "group": ("no groups", "1 group", "{n} groups"),
    "picture": ("no pictures", "1 picture", "{n} pictures"),
    "order": ("no orders", "1 order", "{n} orders"),
    "cluster": ("no clusters", "1 cluster", "{n} clusters"),
    "specimen": ("no specimens", "1 specimen", "{n} specimens"),
}


def say(phrase: str, lang: str, **places: object) -> str:
    """Give a phrase in the reader's language, its places filled in."""
    return text(phrase, lang).format(**places)


def num(value: float, lang: str = "en", decimals: int = 2) -> str:
    """Write a number with `decimals` decimals, and a dash for one that is missing or infinite.

    Examples
    --------
    >>> num(-0.125), num(3.0, "es", 0), num(0.5, "es"), num(float("inf")), num(pd.NA)
    ('−0.12', '3', '0,50', '–', '–')
    """
    return MISSING if pd.isna(value) else fixed(value, lang, decimals)


def percent(value: float, lang: str = "en") -> str:
    """Write a share as a percentage, and a dash for one that is missing or infinite."""
    return MISSING if pd.isna(value) else language.percent(percentage(value), lang)


def count(n: int, noun: str, lang: str = "en") -> str:
    """Write how many there are: "no pairs", "1 pair", "3 pairs"."""
    return say(_COUNTS[noun][min(n, 2)], lang, n=n)


def interval(row: pd.Series, lang: str = "en") -> str:
    """Write an accuracy with its interval, from a row of table 1."""
    value, low, high = (num(row[name], lang) for name in ("accuracy", "ci_low", "ci_high"))
    return say(_INTERVAL, lang, value=value, low=low, high=high)


def enumerated(items: Iterable[str], lang: str = "en") -> str:
    """List what belongs together: "a", "a and b", "a, b and c"."""
    *first, last = items
    return f"{', '.join(first)} {text('and', lang)} {last}" if first else last


def capital(sentence: str) -> str:
    """Begin a sentence with a capital."""
    return sentence[:1].upper() + sentence[1:]
