"""One process at a time in a run folder, by a lock of the operating system that ends with its process."""

import contextlib
import os

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
        If another process holds the folder: names both.
    """
    with (folder / ".lock").open("a+", encoding="utf-8") as file:
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
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _lock(file):
    if os.name == "nt":
        file.seek(1 << 30)  # Windows bars others from reading what is locked: lock a byte beyond the text
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
