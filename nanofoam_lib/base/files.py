"""Files that appear whole or not at all."""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import archives, reading, safe_names, spreadsheet_cells
from nanofoam_lib.base.errors import DataError

#: Where a path is asked for.
StrPath = str | os.PathLike[str]

#: Set by a chain that keeps account of what its steps write: the file to which the path of every written file is added.
JOURNAL_VARIABLE = "NANOFOAM_JOURNAL"

#: Bytes of a file's name, on most disks.
LONGEST_NAME = 255
#: Columns of a table; that of a model's latent vectors has one for each dimension.
MOST_COLUMNS = 20_000
#: Characters of what a reader says of a damaged file.
MOST_REASON = 200

#: Errors of a disk that takes no more: full, beyond what a person may use, or beyond how large a file may be.
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}

#: Columns of tables that hold names from the disk: text, whatever they look like.
NAMES = {
    "data",
    "path",
    "label",
    "group",
    "split",
    "sha256",
    "class",
    "class_a",
    "class_b",
    "series",
    "true",
    "problem",
    "plane",
    "levels",
    "bar",
    "pixel_size_from",
    "name",
    "reasons",
    "predicted_class",
    "nearest",
    "known",
    "known_label",
    "in_run",
    "remark",
    "target",
}


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
    if len(os.fsencode(temporary.name)) > LONGEST_NAME:
        temporary = temporary.with_name(f"{temporary.name[:17]}{path.suffix}")
    try:
        with naming_full_disk(path, temporary):
            yield temporary
            keep(path)  # before the file is there: a kill in between leaves a name without a file, not the reverse
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def naming_full_disk(path: StrPath, written: StrPath, needed: int | None = None) -> Iterator[None]:
    """Say of an error for want of room which file it was, how much it needs and how much there is.

    Parameters
    ----------
    path : path-like
        The file to name.
    written : path-like
        What is written in its place.
    needed : int, optional
        Bytes of the whole; without, what had been written tells how much it is at least.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL and "requested and" not in str(error):  # numpy's words, without a number
            raise
        place = pathlib.Path(written)
        least = place.stat().st_size if place.exists() else 0
        told = f"{needed:,} bytes are needed" if needed else f"more than {least:,} bytes are needed"
        free, said = shutil.disk_usage(place.parent).free, os.strerror(error.errno or errno.ENOSPC)
        raise OSError(f"{path}: {said}; {told}, {free:,} are free") from error


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
    content = text.encode()
    with replacing(path) as temporary, naming_full_disk(path, temporary, len(content)):
        temporary.write_bytes(content)


def write_json(path: StrPath, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all; raises ValueError on NaN."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: StrPath, table: pd.DataFrame) -> None:
    """Write a `pandas.DataFrame` without its index to `path`, whole or not at all; see `spreadsheet_cells.guard`."""
    write_text(path, spreadsheet_cells.guard(table).to_csv(index=False, lineterminator="\n"))


def write_csv_blocks(path: StrPath, blocks: Iterable[pd.DataFrame]) -> None:
    """Write tables of the same columns below each other to `path`, as they come, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for number, block in enumerate(blocks):
            spreadsheet_cells.guard(block).to_csv(file, index=False, header=number == 0, lineterminator="\n")


def read_csv(path: StrPath) -> pd.DataFrame:
    """Read a table that a run has written: names stay text, columns of numbers and of truth values become such.

    A class may be called 5, 020, NA, true or 1e3, and is after that still called so.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    pandas.DataFrame
        Columns of `NAMES` are text as it stands, "" where a cell is empty; in all others an empty cell is missing.

    Raises
    ------
    DataError
        If it is missing or damaged; names it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> write_csv(path, pd.DataFrame({"label": ["020", "NA"], "r2": [0.5, np.nan]}))
    >>> read_csv(path)["label"].tolist(), read_csv(path)["r2"].tolist()
    (['020', 'NA'], [0.5, nan])
    """
    raw = read_csv_text(path)
    names = NAMES | ({"predicted"} if "true" in raw else set())  # a class in a confusion, a number in a regression
    # One by one: `DataFrame.apply` leaves the columns of an empty table as they are
    return pd.DataFrame({name: column if name in names else typed(column) for name, column in raw.items()})


def read_csv_text(path: StrPath) -> pd.DataFrame:
    """Read a table as it stands: a DataFrame of str, empty cells too; raises DataError if it is missing or damaged."""
    if not pathlib.Path(path).exists():
        raise DataError(f"{path}: cannot be read (it is missing); run the step that writes it")
    with diagnosing(path), reading.open_plain(path) as file:
        columns = file.readline().count(b",") + 1
        if columns > MOST_COLUMNS:
            raise ValueError(f"has {columns:,} columns")
        file.seek(0)
        return spreadsheet_cells.undo(pd.read_csv(file, dtype=str, keep_default_na=False))


def typed(column: pd.Series) -> pd.Series:
    """Turn a column of str into numbers or truth values if all that is written in it are; "" becomes missing."""
    filled = column[column != ""]
    if not len(filled):
        return pd.Series(np.nan, column.index)
    if filled.str.match(r"[+-]?0\d").any():  # a number of a batch or a phone: not one to reckon with
        return column.replace("", None)
    if len(filled) == len(column) and set(filled) <= {"True", "False"}:
        return column == "True"
    numbers = pd.to_numeric(filled, errors="coerce")
    if numbers.isna().any():
        return column.replace("", None)
    whole = pd.api.types.is_integer_dtype(numbers) and len(filled) < len(column)
    return (numbers.astype("Int64") if whole else numbers).reindex(column.index)


def write_npz(path: StrPath, **arrays: ArrayLike) -> None:
    """Write named arrays to the ``.npz`` file `path`, whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def read_npz(
    path: StrPath, check: Callable[[archives.Header], None] | None = None, most: int | None = None
) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file: dict of name to ndarray. Pickled objects are refused.

    Parameters
    ----------
    path : path-like
    check : callable, optional
        Gets shape and dtype of each array before any is read; raises ValueError if they are not as expected.
    most : int, optional
        Bytes that the file may hold.

    Raises
    ------
    DataError
        If it is damaged, compressed or not as expected; names it.
    """
    with diagnosing(path), reading.open_plain(path) as file:
        header = archives.read_header(file, most)
        if check is not None:
            check(header)
        return archives.read(file)


@contextlib.contextmanager
def diagnosing(path: StrPath) -> Iterator[None]:
    """Turn what a reader raises over a damaged file into a `DataError` that names it; a missing one is left alone."""
    try:
        yield
    except (DataError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # which kind depends on where the file stops making sense
        reason = safe_names.shown(" ".join(str(error).split())) or type(error).__name__
        reason = reason if len(reason) <= MOST_REASON else reason[: MOST_REASON - 1] + "…"
        raise DataError(
            f"{path}: damaged ({reason}); run the step that writes it again, or all with --force"
        ) from error
