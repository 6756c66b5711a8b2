"""Files that appear whole or not at all."""

import contextlib
import json
import os
import pathlib
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: Where a path is asked for.
StrPath = str | os.PathLike[str]

#: Set by a chain that keeps account of what its steps write: the file to which the path of every written file is added.
JOURNAL_VARIABLE = "NANOFOAM_JOURNAL"


@contextlib.contextmanager
def replacing(path: StrPath) -> Iterator[pathlib.Path]:
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
        keep(path)  # before the file is there: a kill in between leaves a name without a file, not the reverse
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep(path: StrPath) -> None:
    """Count `path` among the files that the running step of a chain wrote; `replacing` does so by itself.

    For a file that an earlier, unfinished run of the step left and this one takes over as it is.
    """
    journal = os.environ.get(JOURNAL_VARIABLE)
    if journal:
        with pathlib.Path(journal).open("a", encoding="utf-8") as file:
            file.write(json.dumps(str(pathlib.Path(path).resolve())) + "\n")


def write_text(path: StrPath, text: str) -> None:
    """Write `text` (UTF-8, newlines as they are) to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: StrPath, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all; raises ValueError on NaN."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: StrPath, table: "pd.DataFrame") -> None:
    """Write a `pandas.DataFrame` without its index to `path`, whole or not at all."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_npz(path: StrPath, **arrays: ArrayLike) -> None:
    """Write named arrays to the ``.npz`` file `path`, whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def read_npz(path: StrPath) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file: dict of name to ndarray. Pickled objects are refused.

    Raises
    ------
    DataError
        If it is damaged; names it.
    """
    # The file is opened here because numpy leaves it open when it is damaged
    with diagnosing(path), pathlib.Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


@contextlib.contextmanager
def diagnosing(path: StrPath) -> Iterator[None]:
    """Turn what a reader raises over a damaged file into a `DataError` that names it; a missing one is left alone."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: damaged ({reason}); run the step that writes it again, or all with --force"
        ) from error
