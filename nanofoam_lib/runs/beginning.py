"""What a run looks at in its folder before it begins: whether it can write there, and what earlier runs have left."""

import tempfile
import warnings

from nanofoam_lib.base import files, safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.runs import ledger

LEAST_ROOM = 100_000_000  # bytes that the smallest run takes


def check_writable(place):
    """Make the folder of a run, and refuse one that takes no file, or in which a run would write elsewhere.

    Parameters
    ----------
    place : base.run_folder.Run

    Raises
    ------
    OSError
        If it cannot be made or written to, not even the few bytes with which a run begins.
    DataError
        If a link leads out of it, or what lies there is no file (``check_place`` of the run).
    """
    folder = place.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryFile(dir=folder, buffering=0) as file,
            files.naming_full_disk(folder, folder, LEAST_ROOM),
        ):
            file.write(b"\0" * 4096)
    except OSError as error:
        told = error.strerror or str(error).removeprefix(f"{folder}: ")
        raise OSError(f"--out {folder}: cannot be written to ({told}); choose another folder") from error
    place.check_place()


def load_earlier(place, steps):
    """Read the manifest that earlier runs have left; DataError if it tells of other steps than the chain has."""
    earlier = place.load_manifest()
    unknown = sorted(set(earlier.get("steps", {})) - {step.name for step in steps})
    if unknown:
        told = safe_names.quoted(unknown[0])
        raise DataError(f"{place.manifest}: damaged (steps: there is no {told}); delete it to start this run anew")
    return earlier


def is_cut_off(place, step):
    """Tell, with a warning, whether what was noted while a step ran is damaged, as after a loss of power."""
    journal = ledger.Journal(place, step.name)
    if journal.is_damaged:
        told = f"{journal.path}: damaged; {step.name} counts as not done, and takes over nothing"
        warnings.warn(told, RunWarning, stacklevel=4)
    return journal.is_damaged
