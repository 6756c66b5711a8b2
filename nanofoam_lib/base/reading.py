"""How a file is opened that somebody else may have made: a plain one, no larger than it may be."""

import os
import pathlib
import stat
from collections.abc import Iterable
from typing import IO

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError

#: Bytes of a text that describes something: the manifest of 100,000 synthetic micrographs takes 20 million.
MOST_TEXT = 64 << 20


def open_plain(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file to read its bytes.

    Raises
    ------
    FileNotFoundError
    ValueError
        If it is a folder, a pipe, which would keep a reader waiting for ever, or a device, which never ends.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("is no plain file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: str | os.PathLike[str], most: int = MOST_TEXT) -> bytes:
    """Read a plain file of at most `most` bytes; ValueError if it is larger, or no file as `open_plain` takes."""
    with open_plain(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"is larger than {most >> 20} MB" if most >> 20 else f"is larger than {most} bytes")
    return content


def read_text(path: str | os.PathLike[str], most: int = MOST_TEXT) -> str:
    """Read a plain file of UTF-8, with or without the mark that some editors put first; else as `read_bytes`."""
    return read_bytes(path, most).decode("utf-8-sig")


def check_tree(folder: pathlib.Path, names: Iterable[str]) -> None:
    """Refuse a folder in which a program that writes there would write elsewhere, or wait for ever.

    Parameters
    ----------
    folder : pathlib.Path
    names : iterable of str
        Patterns of the files and folders in it that are looked at, the folders with all that they hold.

    Raises
    ------
    DataError
        Names the first link that leads out of `folder` or to nothing that is there, pipe, socket or device.
    """
    root = folder.resolve()
    places = [path for name in names for path in _named(folder, name)]
    while places:
        place = places.pop()
        mode = place.lstat().st_mode
        if stat.S_ISDIR(mode):
            places += [pathlib.Path(entry) for entry in os.scandir(place) if not entry.is_file(follow_symlinks=False)]
        elif not stat.S_ISREG(mode) and not (stat.S_ISLNK(mode) and _stays(root, place)):
            told = "a link that leads out of its folder" if stat.S_ISLNK(mode) else "no file and no folder"
            raise DataError(f"{safe_names.shown(place)}: is {told}; remove it, or give another --out")


def _named(folder, name):
    """List what a pattern names, also links to nothing."""
    return sorted(folder.glob(name)) if "*" in name else [path for path in [folder / name] if os.path.lexists(path)]


def _stays(root, place):
    """Tell whether a link leads to something in the folder `root`."""
    try:
        return root in place.resolve(strict=True).parents and (place.is_file() or place.is_dir())
    except (OSError, RuntimeError):
        return False
