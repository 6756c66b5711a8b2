"""Arrays in files: opened without being read, read in parts that are not kept, or put there for a while."""

import mmap
import tempfile
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import reading
from nanofoam_lib.base.files import StrPath


class Rows(Protocol):
    """What rows can be taken from: an array, or `augmentation.Chosen` of one."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: Any, /) -> Any: ...


def load(path: StrPath) -> NDArray[np.uint8]:
    """Open an array that `preprocessing.process` wrote, memory-mapped: uint8 (N, size, size)."""
    reading.open_plain(path).close()  # a pipe would keep the reader waiting
    return np.load(path, mmap_mode="r", allow_pickle=False)


def take(array: Rows, rows: slice | ArrayLike) -> NDArray[Any]:
    """Copy some rows of an array, and let go of the memory that a mapped file takes.

    Parameters
    ----------
    array : ndarray or augmentation.Chosen, shape (N, ...)
    rows : slice, or ndarray of int or bool

    Returns
    -------
    ndarray, shape (n, ...)

    Notes
    -----
    What is read of a mapped file counts as the process's memory, until the system needs it back: 100,000 images read
    in turn are 1.6 GB, which a limit on a batch job does not forgive. The file stays in the system's cache, so that
    reading on is as quick.

    Examples
    --------
    >>> take(np.arange(8).reshape(4, 2), slice(1, 3)).tolist()
    [[2, 3], [4, 5]]
    """
    taken = np.array(array[rows])
    _release(array)
    return taken


def park(array: Rows) -> NDArray[Any]:
    """Move an array, or rows that are made as they are asked for, into a temporary file, which ends with it: read-only.

    The descriptors of 100,000 images by all models and controls are a gigabyte, of which one is looked at at a time
    (`take`).

    Examples
    --------
    >>> park(np.arange(4).reshape(2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    first = np.asarray(array[:1])
    if not first.size:
        return np.asarray(array)
    with tempfile.TemporaryFile() as file:
        for part in slices(len(array)):
            np.asarray(array[part]).tofile(file)
        file.flush()
        return np.asarray(np.memmap(file, first.dtype, "r", shape=(len(array), *first.shape[1:])))


def _release(array):
    """Give the pages of the file back, unless they may hold changes that the file does not."""
    own_changes = False
    while isinstance(array, np.ndarray):
        own_changes |= getattr(array, "mode", None) == "c"
        array = array.base
    if isinstance(array, mmap.mmap) and not own_changes and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)


def slices(n: int, size: int = 4096) -> list[slice]:
    """Cut 0…n into slices of `size`, the last perhaps shorter: list of slice."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def evenly(rows: ArrayLike, most: int) -> NDArray[np.intp]:
    """Choose at most so many of some rows, from the first to the last in even steps.

    Examples
    --------
    >>> evenly(range(10, 20), 4).tolist(), evenly([5, 7], 4).tolist()
    ([10, 13, 16, 19], [5, 7])
    """
    rows = np.asarray(rows, np.intp)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]
