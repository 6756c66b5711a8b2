"""Files that appear whole or not at all."""

import contextlib
import json
import pathlib
import uuid

import numpy as np


@contextlib.contextmanager
def replacing(path):
    """Give a temporary path beside `path` to write to; move it there if the block succeeds, else remove it.

    Parameters
    ----------
    path : path-like
        The file to write. Missing parent folders are made. The temporary name ends in the same suffix,
        because some writers choose the format by it.

    Yields
    ------
    pathlib.Path
        Where to write. A reader of `path` sees the old file or the new one, never a part.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "a" / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("done")
    >>> target.read_text()
    'done'
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text):
    """Write `text` (UTF-8, newlines as they are) to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path, value):
    """Write `value` as indented JSON to `path`, whole or not at all; raises ValueError on NaN."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path, table):
    """Write a `pandas.DataFrame` without its index to `path`, whole or not at all."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_npz(path, **arrays):
    """Write named arrays to the ``.npz`` file `path`, whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def read_npz(path):
    """Read the arrays of an ``.npz`` file: dict of name to ndarray. Pickled objects are refused."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
