"""What stopped a run: one line for a person, and the traceback in a file of the run folder."""

import contextlib
import re
import traceback

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError, StepError, UsageError


@contextlib.contextmanager
def kept(run):
    """Turn whatever stops a ``with`` block into a `StepError` of one line that names ``error.log``.

    `DataError` and `UsageError`, whose line says all there is to say, are left alone. A block that comes to its end
    removes the log of an earlier one.

    Parameters
    ----------
    run : base.run_folder.Run
    """
    try:
        yield
    except (DataError, UsageError):
        raise
    except Exception as error:
        kind = "" if isinstance(error, StepError | OSError) else f"{type(error).__name__}: "
        raise StepError(f"{kind}{error}{_write(run)}") from error
    run.log.unlink(missing_ok=True)


def _write(run):
    """Write the traceback of the error at hand, if the disk still takes it, and say where it is."""
    told = re.sub(r"\x1b\[[0-9;]*m", "", traceback.format_exc())  # without the colours of a notebook
    with contextlib.suppress(OSError):
        files.write_text(run.log, told.encode(errors="backslashreplace").decode())
        return f"; the traceback is in {run.log}"
    return ""
