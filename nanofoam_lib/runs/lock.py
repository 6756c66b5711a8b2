"""One process at a time in a run folder, by a lock of the operating system that ends with its process."""

import contextlib
import os
import re
import stat

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt


@contextlib.contextmanager
def hold(folder):
    """Keep a folder to this process; a killed one, whatever it left behind, keeps nobody out.

    Parameters
    ----------
    folder : pathlib.Path
        Must exist; gets a file ``.lock`` that stays there and names the last process.

    Raises
    ------
    UsageError
        If another process holds the folder: names both. Or if what is called ``.lock`` there is no lock.
    """
    path = folder / ".lock"
    with _open(path) as file:
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise UsageError(
                f"--out {folder}: process {holder} is at work there; wait for it, or give another folder"
            ) from error
        except OSError:
            pass  # a file system that knows no locks: better a run without than none
        own = f"{os.getpid()}\n"
        with files.naming_full_disk(path, path, len(own)):
            file.seek(0)
            file.truncate(0)
            file.write(own)
            file.flush()
        yield


def _open(path):
    """Open or make the file of a lock, and nothing that lies elsewhere or never ends."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        if path.is_symlink() or path.is_dir() or path.is_fifo():
            raise _no_lock(path) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode) or path.is_symlink():
        os.close(handle)
        raise _no_lock(path)
    file = os.fdopen(handle, "r+", encoding="utf-8", errors="replace")
    try:
        if not re.fullmatch(r"[\d\s\0]*", file.read(64)):
            raise _no_lock(path)
    except BaseException:
        file.close()
        raise
    return file


def _no_lock(path):
    return UsageError(f"--out {path.parent}: {path} is no lock of this program; remove it, or give another folder")


def _lock(file):
    if os.name == "nt":
        file.seek(1 << 30)  # Windows bars others from reading what is locked: lock a byte beyond the text
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
