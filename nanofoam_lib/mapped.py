"""Arrays in files: opened without being read, and read in parts that are not kept."""

import mmap

import numpy as np


def load(path):
    """Open an array that `preprocessing.process` wrote, memory-mapped: uint8 (N, size, size)."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def take(images, rows):
    """Copy some rows of an array, and let go of the memory that a mapped file takes.

    Parameters
    ----------
    images : ndarray or splits.Chosen, shape (N, ...)
    rows : slice or ndarray of int

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
    taken = np.array(images[rows])
    _release(images)
    return taken


def _release(images):
    """Give the pages of the file back, unless they may hold changes that the file does not."""
    own_changes = False
    while isinstance(images, np.ndarray):
        own_changes |= getattr(images, "mode", None) == "c"
        images = images.base
    if isinstance(images, mmap.mmap) and not own_changes and hasattr(mmap, "MADV_DONTNEED"):
        images.madvise(mmap.MADV_DONTNEED)
