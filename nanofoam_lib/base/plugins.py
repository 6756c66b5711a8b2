"""Modules of a user's own that add kinds of models or controls: those that ``NANOFOAM_PLUGINS`` names.

The variable lists modules that Python can import, separated by commas; their folder is installed, or stands in
``PYTHONPATH`` as an absolute path. Each is imported once in every process that asks a registry (`models.kinds`,
`models.control_registry`) what there is, and calls its ``register``. Their source counts as the library's own: what
changes there runs again, but for docstrings, comments and the words in a ``Label(...)``.
"""

import importlib
import importlib.util
import os
import pathlib

from nanofoam_lib.base.errors import UsageError

VARIABLE = "NANOFOAM_PLUGINS"


def names():
    """List the modules that `VARIABLE` names, in their order."""
    listed = (name.strip() for name in os.environ.get(VARIABLE, "").split(","))
    return [name for name in listed if name]


def load():
    """Import the modules that are named and not imported yet; raise `UsageError` if one cannot be."""
    for name in names():
        try:
            importlib.import_module(name)
        except Exception as error:  # a user's module may fail in any way
            raise UsageError(f"{VARIABLE}: {name} cannot be imported ({error!r})") from error


def sources():
    """Read the source of the modules, without importing them: dict of file name to text.

    Of a package, all its modules; of what has no source, none.
    """
    found = {}
    for name in names():
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None  # what is amiss, `load` says
        path = pathlib.Path(spec.origin or "") if spec else pathlib.Path()
        if path.suffix == ".py":
            files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
            found |= {f"{name}/{file.relative_to(path.parent)}": file.read_text(encoding="utf-8") for file in files}
    return found
