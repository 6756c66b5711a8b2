"""What a person has decided about the pores of a data folder: ``pores.yaml`` beside its metadata.

    all: {method: dark}
    classes: {CuNi1: {method: cells, smallest_um: 2}}
    pictures: {CuNi1/a.png: {level: 0.4}}

A picture's own choice goes before its class's, and that before the one for all; what none of them says is as it would
be without the file.
"""

import dataclasses
import difflib
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from nanofoam_lib.base import files, safe_names, yaml_text
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import pore_methods
from nanofoam_lib.images.pore_study import Request

NAME = "pores.yaml"
ALL, CLASSES, PICTURES = "all", "classes", "pictures"
#: What may be chosen: the least and the largest value of a number.
LIMITS = {"level": (0.05, 0.95), "smallest_um": (0.0, 1e6)}
METHODS = tuple(method for method in pore_methods.CHOICES if method != pore_methods.NONE)


def read(folder: files.StrPath) -> dict[str, Any]:
    """Read the choices of a data folder: dict of ``all``, ``classes`` and ``pictures``; empty ones without a file.

    Raises
    ------
    DataError
        If the file cannot be read or says what cannot be; names it, and the entry.
    """
    path = pathlib.Path(folder) / NAME
    nothing: dict[str, Any] = {ALL: {}, CLASSES: {}, PICTURES: {}}
    if not path.exists():
        return nothing
    try:
        written = yaml_text.read(path) or {}
    except (OSError, ValueError) as error:
        raise DataError(f"{safe_names.shown(path)}: cannot be read ({error})") from error
    if not isinstance(written, dict) or set(written) - set(nothing):
        raise DataError(f"{safe_names.shown(path)}: expected {ALL}, {CLASSES} and {PICTURES}, each with its choices")
    found = nothing | {name: own or {} for name, own in written.items()}
    for where, choice in _entries(found):
        _check(path, where, choice)
    return found


def request_for(choices: Mapping[str, Any], path: str, base: Request) -> Request:
    """Give how the pores of one micrograph are to be found: what was chosen for it, and otherwise as `base` says."""
    own = choices[ALL] | choices[CLASSES].get(path.split("/")[0], {}) | choices[PICTURES].get(path, {})
    return dataclasses.replace(base, **own)


def unmatched(choices: Mapping[str, Any], paths: Iterable[str]) -> list[str]:
    """Say which choices are of no class and no micrograph that there is, and what may be meant.

    Parameters
    ----------
    choices : mapping
        As `read` gives them.
    paths : iterable of str
        Of the micrographs.

    Returns
    -------
    list of str

    Examples
    --------
    >>> unmatched({"classes": {}, "pictures": {"a/0.PNG": {"level": 0.4}}}, ["a/0.png", "b/1.png"])
    ['pores.yaml: a/0.PNG is no micrograph of this folder, and nothing is done with its choice; is a/0.png meant?']
    """
    pictures = sorted(set(paths))
    there = {CLASSES: sorted({path.split("/")[0] for path in pictures}), PICTURES: pictures}
    said = []
    for part, known in there.items():
        for name in map(str, choices[part]):
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                meant = f"; is {safe_names.shown(near[0])} meant?" if near else ""
                what = "class" if part == CLASSES else "micrograph"
                said.append(
                    f"{NAME}: {safe_names.shown(name)} is no {what} of this folder, and nothing is done with its "
                    f"choice{meant}"
                )
    return said


def write(folder: files.StrPath, scope: str, name: str, choice: Mapping[str, Any]) -> None:
    """Add a choice to the file of a data folder.

    Parameters
    ----------
    folder : path-like
    scope : {"all", "classes", "pictures"}
        What is chosen for more than one picture replaces the choices for those it holds for.
    name : str
        Of the class, or the path of the micrograph; of all, nothing.
    choice : mapping
        Of method, level and smallest_um.
    """
    found = read(folder)
    if scope == ALL:
        found = {ALL: dict(choice), CLASSES: {}, PICTURES: {}}
    else:
        found[scope][name] = dict(choice)
    if scope == CLASSES:
        found[PICTURES] = {path: own for path, own in found[PICTURES].items() if path.split("/")[0] != name}
    said = {part: own for part, own in found.items() if own}
    files.write_text(pathlib.Path(folder) / NAME, yaml.safe_dump(said, allow_unicode=True, sort_keys=False))


def _entries(found):
    yield ALL, found[ALL]
    for part in (CLASSES, PICTURES):
        yield from found[part].items() if isinstance(found[part], dict) else [(part, None)]


def _check(path, where, choice):
    place = f"{safe_names.shown(path)}: {safe_names.short(where)}"
    if not isinstance(choice, dict) or set(choice) - {"method", *LIMITS}:
        raise DataError(f"{place}: expected some of method, {', '.join(LIMITS)}")
    if choice.get("method", METHODS[0]) not in METHODS:
        raise DataError(
            f"{place}: method must be one of {', '.join(METHODS)}, not {safe_names.quoted(choice['method'])}"
        )
    for name, (low, high) in LIMITS.items():
        value = choice.get(name, low)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise DataError(
                f"{place}: {name} must be a number from {low:g} to {high:g}, not {safe_names.quoted(value)}"
            )
