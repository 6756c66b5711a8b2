"""What a sweep is: values shared by all of its runs, and a grid of others, read from a YAML file."""

import collections
import itertools
import math
import re
from typing import NamedTuple

from nanofoam_lib.base import safe_names, yaml_text
from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.runs import parameters

#: Points of a grid: that many runs of a demo would take a year on a cluster of some hundred cores.
MOST_POINTS = 100_000
KEYS = ("profile", "data", "lang", "until", "parameters", "grid")


class Item(NamedTuple):
    """One point of a grid."""

    name: str  # of its run folder, such as "beta=0.5_seed=1"
    point: dict  # parameter → value


class Sweep(NamedTuple):
    """A grid of runs."""

    profile: str | None
    data: str | None
    lang: str
    until: str | None
    common: dict  # parameter → value, the same for all
    items: list  # of Item; the last parameter of the grid changes fastest


def load(path, lang="en"):
    """Read a sweep.

    Parameters
    ----------
    path : path-like
        YAML: ``grid``, a list of values for each parameter that changes; optional ``parameters``, values of others;
        ``profile``, ``data``, ``lang`` and ``until`` as of ``nanofoam run``. Where a parameter takes a list, a single
        number stands for the list of it.
    lang : {"en", "es"}
        Where the file names none.

    Returns
    -------
    Sweep

    Raises
    ------
    UsageError
        If the file is missing or does not say that; names it and what is wrong.
    """
    values = _read(path)
    unknown = [str(key) for key in values if key not in KEYS]
    if unknown:
        raise UsageError(f"{path}: unknown entry {safe_names.quoted(unknown[0])}; known are {', '.join(KEYS)}")
    for key in ("profile", "data", "lang", "until"):
        if not isinstance(values.get(key, ""), str):
            raise UsageError(f"{path}: {key} must be text, in quotes if it looks like a number")
    if values.get("lang", "en") not in ("en", "es"):
        raise UsageError(f"{path}: lang must be en or es")
    common, axes = (_mapping(path, values, key) for key in ("parameters", "grid"))
    common = parameters.check(common, f"{path}: parameters")
    both = sorted(common.keys() & axes.keys())
    if both:
        raise UsageError(f"{path}: {both[0]} stands in both parameters and grid")
    axes = {name: _values(path, name, listed) for name, listed in axes.items()}
    count = math.prod(map(len, axes.values()))
    if count > MOST_POINTS:
        raise UsageError(f"{path}: grid: {count:,} points; a sweep may have {MOST_POINTS:,}")
    points = [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]
    items = [Item(_name(point), point) for point in points]
    for item in items:
        parameters.check(common | item.point, f"{path}: {item.name}")
    _check_names(path, items)
    profile, data, until = map(values.get, ("profile", "data", "until"))
    return Sweep(profile, data, values.get("lang", lang), until, common, items)


def _read(path):
    try:
        values = yaml_text.read(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(values, dict) or not values.get("grid"):
        raise UsageError(f"{path}: expected an entry 'grid' with a list of values for each parameter that changes")
    return values


def _mapping(path, values, key):
    found = values.get(key) or {}
    if not isinstance(found, dict):
        raise UsageError(f"{path}: {key} must hold lines 'name: value'")
    return found


def _values(path, name, listed):
    """Check the values that a parameter takes; where it takes lists, a single value becomes one."""
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"{path}: grid: {name} must be a list of the values to run")
    known = parameters.PARAMETERS.get(name)
    takes_lists = known is not None and known.type.startswith("list")
    listed = [[value] if takes_lists and not isinstance(value, list) else value for value in listed]
    return [parameters.check({name: value}, f"{path}: grid")[name] for value in listed]


def _name(point):
    return "_".join(f"{name}={_text(value)}" for name, value in point.items())


def _text(value):
    """Write a value with letters, digits and .+- alone."""
    if isinstance(value, list):
        return "-".join(map(_text, value)) or "none"
    written = (
        f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", written)


def _check_names(path, items):
    counts = collections.Counter(item.name for item in items)
    name, count = counts.most_common(1)[0]
    if count > 1:
        raise UsageError(f"{path}: grid: {count} points have the name {name}; give each value once")
    odd = [item.name for item in items if len(item.name) > 200 or not safe_names.is_inside(".", item.name)]
    if odd:
        raise UsageError(
            f"{path}: grid: {safe_names.short(odd[0])} cannot be the name of a folder; change fewer parameters"
        )
