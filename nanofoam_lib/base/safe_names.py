"""Names that come from a disk or a table: kept inside their folder, and shown on one line."""

import pathlib


def leads_out(name):
    r"""Tell whether a relative path, with ``/`` or ``\``, would leave its folder: absolute, or with ``..`` in it.

    Examples
    --------
    >>> [leads_out(name) for name in ("a/1.png", "a/../1.png", "/etc/passwd", "C:/1.png")]
    [False, True, True, True]
    """
    path = pathlib.PureWindowsPath(name)  # whose rules include those of the others
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
