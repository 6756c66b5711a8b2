"""YAML that somebody wrote by hand: no aliases, no name with two values, no deeper than it must be."""

import functools
import os
from typing import Any

from nanofoam_lib.base import reading, safe_names

#: Bytes: more than anyone writes by hand.
MOST = 1 << 20
DEEPEST = 32


def read(path: str | os.PathLike[str]) -> Any:
    """Read a file of YAML: dicts, lists, text, numbers and truth values.

    Raises
    ------
    OSError
        If it is missing or cannot be read.
    ValueError
        In one line: if it is no YAML, larger than `MOST` bytes, deeper than `DEEPEST`, holds an alias (``*name``:
        written in a few lines, such values fill all memory) or gives a value to one name twice.
    """
    return parse(reading.read_text(path, MOST))


def parse(text: str) -> Any:
    r"""Read YAML, as `read`.

    Examples
    --------
    >>> parse("beta: [0.5, 1]")
    {'beta': [0.5, 1]}
    >>> parse("a: &x [1]\\nb: *x")
    Traceback (most recent call last):
    ValueError: line 2: *x is an alias; write out what it stands for
    """
    import yaml

    try:
        _check_events(text)
        loader = _loader()(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError, OverflowError, AttributeError, TypeError) as error:
        raise ValueError(_in_one_line(error)) from None


def _check_events(text):
    """Look at what a text is made of before any of it is put together."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        line = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"{line}: *{safe_names.short(event.anchor)} is an alias; write out what it stands for")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"{line}: more than {DEEPEST} brackets or indents within each other")


@functools.cache
def _loader():
    """Make the loader that refuses a second value of a name."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node, deep=False):
            seen = set()
            for key, _ in node.value:
                name = self.construct_object(key, deep=True)
                if name.__hash__ is None:
                    raise ValueError(f"line {key.start_mark.line + 1}: a list or map cannot be a name")
                if name in seen:
                    raise ValueError(f"line {key.start_mark.line + 1}: {safe_names.quoted(name)} stands there twice")
                seen.add(name)
            return super().construct_mapping(node, deep=deep)

    return Loader


def _in_one_line(error):
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error) or type(error).__name__
    return (f"line {mark.line + 1}: " if mark else "") + safe_names.short(said)
