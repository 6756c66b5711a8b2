"""Names that come from a disk or a table: kept inside their folder, and shown on one line."""

import itertools
import pathlib

#: Characters of a value that an error quotes.
MOST_QUOTED = 80


def leads_out(name):
    r"""Tell whether a relative path would leave its folder by the rules of this system: absolute, or with ``..`` in it.

    What is a separator or a drive on Windows is a letter like any other elsewhere: a class may be called ``a:b``.

    Examples
    --------
    >>> [leads_out(name) for name in ("a/1.png", "a/../1.png", "/etc/passwd")]
    [False, True, True]
    """
    path = pathlib.PurePath(name)
    return bool(path.anchor) or ".." in path.parts


def is_inside(folder, name):
    """Tell whether a name stays in its folder: not absolute, not out through ``..`` or a symbolic link.

    Parameters
    ----------
    folder : path-like
    name : str
        Relative path; what it names need not exist.

    Returns
    -------
    bool
        False also for the folder itself, for links that run in a circle and for names that no disk can hold.

    Examples
    --------
    >>> [is_inside("data", name) for name in ("a/1.png", "a/../../1.png", "/etc/passwd", "")]
    [True, False, False, False]
    """
    try:
        root = pathlib.Path(folder).resolve()
        return root in pathlib.Path(root, name).resolve().parents
    except (OSError, RuntimeError, TypeError, ValueError):
        return False


def shown(name):
    r"""Write a name so that it fits on one line: what cannot be printed becomes an escape.

    Examples
    --------
    >>> print(shown("two\nlines, ñ"))
    two\nlines, ñ
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def inside(folder, name):
    """Find a file in a folder by the name that a list of it gives: pathlib.Path, resolved but for a link in the end.

    Raises
    ------
    ValueError
        If the name leads out of the folder, see `is_inside`.
    """
    if not is_inside(folder, name):
        raise ValueError(f"names '{shown(name)}', which leads out of its folder")
    path = pathlib.Path(folder).resolve() / name
    return path.parent.resolve() / path.name


def short(value):
    r"""Write a value of any type for an error: on one line, and cut short after `MOST_QUOTED` characters.

    Examples
    --------
    >>> short("a\n" * 50)[-5:], len(short("a\n" * 50)), short([1, 2])
    ('a\\na…', 80, '[1, 2]')
    """
    told = shown(_cut(value) if isinstance(value, str) else _written(value))
    return told if len(told) <= MOST_QUOTED else told[: MOST_QUOTED - 1] + "…"


def quoted(value):
    """Write a value as `short` does, text between apostrophes."""
    return f"'{short(value)}'" if isinstance(value, str) else short(value)


def _written(value):
    """Write a value with no more of it than is shown: a list may hold a million entries, a number as many digits."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)}: {_written(own)}" for key, own in _first(value.items())) + "}"
    if isinstance(value, list | tuple | set):
        return "[" + ", ".join(map(_written, _first(value))) + "]"
    if isinstance(value, int) and abs(value) >= 10**MOST_QUOTED:
        return "a whole number of more than 80 digits"
    return repr(_cut(value)) if isinstance(value, str) else str(value)


def _first(values):
    return itertools.islice(values, MOST_QUOTED)


def _cut(text):
    return text[: MOST_QUOTED + 1]
