"""JSON that is read back: as deep as what this program writes, and of the form that its reader relies on."""

import itertools
import os
import re
from typing import Any

from nanofoam_lib.base import reading, safe_names
from nanofoam_lib.base.errors import DataError

#: Brackets within each other; a manifest has five.
DEEPEST = 64
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[][{}]")


def decode(content: bytes, form: Any = Any) -> Any:
    """Decode JSON of a form.

    Parameters
    ----------
    content : bytes
        UTF-8.
    form : type
        Such as ``dict[str, int]`` or a ``TypedDict``; entries that it does not name may be there, too.

    Returns
    -------
    object
        What stands there, of that form.

    Raises
    ------
    ValueError
        If it is no JSON (NaN, numbers out of range and halves of surrogate pairs are none), deeper than `DEEPEST`
        brackets or of another form: says which entry is of what type instead of which.

    Examples
    --------
    >>> decode(b'{"seconds": 2}', dict[str, float])
    {'seconds': 2}
    """
    import msgspec  # late: asking for help reads nothing

    if _depth(content) > DEEPEST:
        raise ValueError(f"has more than {DEEPEST} brackets within each other")
    try:
        msgspec.json.decode(content, type=form)
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        said, _, where = str(error).replace("`", "").partition(" - at ")
        where = where.removeprefix("$").lstrip(".")
        raise ValueError(safe_names.shown(f"{where}: {said}" if where else said)) from None


def read(path: str | os.PathLike[str], form: Any = Any, advice: str = "run the step that writes it again") -> Any:
    """Read a file of JSON of a form, as `decode`.

    Raises
    ------
    FileNotFoundError
    DataError
        If it is damaged or of another form: names file and entry, and gives the `advice`.
    """
    try:
        return decode(reading.read_bytes(path), form)
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error}); {advice}") from error


def _depth(content):
    brackets = _BRACKET.findall(_STRING.sub(b"", content))
    steps = (1 if bracket in (b"[", b"{") else -1 for bracket in brackets)
    return max(itertools.accumulate(steps), default=0)
