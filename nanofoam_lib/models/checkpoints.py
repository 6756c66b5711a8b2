"""What lets a killed training go on: its state after an epoch, in a file that says which training it belongs to."""

import dataclasses
import hashlib
import json
import pathlib
import time
import warnings

import numpy as np

from nanofoam_lib.base import files, json_text
from nanofoam_lib.base.errors import DataError, RunWarning

NAME = "checkpoint.npz"
MARKER = "finished.json"
MAX_SHARE = 0.25  # of the time, for writing: every epoch, unless the disk is slow and epochs are shorter than seconds


@dataclasses.dataclass(frozen=True)
class State:
    """A training after some epochs.

    Parameters
    ----------
    history : list of dict
        One row per finished epoch.
    starts : list of int
        Rows of the history with which the stages began that have begun.
    weights, optimizer, best : list of ndarray
        The model's weights, the optimiser's variables, and the model's weights to go back to: its best so far where a
        stage may end early, else those with which the stage began.
    """

    history: list
    starts: list
    weights: list
    optimizer: list
    best: list


class Checkpoint:
    """The checkpoint of one training in its folder.

    Parameters
    ----------
    folder : path-like
        Of the model.
    identity : str
        As `identify` gives it.
    """

    def __init__(self, folder, identity):
        self.path = pathlib.Path(folder) / NAME
        self.identity = identity
        self._seconds = 0.0  # that the last writing took
        self._written = time.monotonic()

    def read(self):
        """Read the state that `offer` wrote, or give None where there is none of this training.

        Warns
        -----
        RunWarning
            If there is a file, but a damaged one or that of another training.
        """
        for torn in self.path.parent.glob(f".tmp-*-{NAME}"):  # killed while writing
            torn.unlink()
        if not self.path.exists():
            return None
        try:
            arrays = files.read_npz(self.path)
            if str(arrays["identity"]) == self.identity:
                parts = {name: _of(arrays, name) for name in ("weights", "optimizer", "best")}
                return State(*json.loads(str(arrays["history"])), **parts)
            problem = "belongs to another training"
        except Exception as error:  # which kind depends on where the file stops making sense
            problem = f"is damaged ({error})"
        warnings.warn(f"{self.path} {problem}; training starts anew", RunWarning, stacklevel=2)
        return None

    def offer(self, make_state):
        """Write the state that `make_state` gives, unless writing would then take more than `MAX_SHARE` of the time."""
        began = time.monotonic()
        if began - self._written < self._seconds / MAX_SHARE:
            return
        state = make_state()
        named = {f"{part}_{i}": array for part in ("weights", "optimizer", "best")
                 for i, array in enumerate(getattr(state, part))}  # fmt: skip
        files.write_npz(self.path, identity=self.identity, history=json.dumps([state.history, state.starts]), **named)
        self._written = time.monotonic()
        self._seconds = self._written - began

    def remove(self):
        """Remove the file: the training has ended."""
        self.path.unlink(missing_ok=True)


def identify(arrays, *values):
    """Give a name to a training: a hash of all that decides its result.

    Parameters
    ----------
    arrays : iterable of ndarray
        Weights, images and so on; an iterator need not hold more than one at a time.
    *values
        Anything JSON can hold.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps(values).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def mark_finished(folder, identity):
    """Note in `folder` that this training ended with the files that lie there."""
    folder = pathlib.Path(folder)
    files.write_json(folder / MARKER, {"training": identity, "files": _hash_files(folder)})


def is_finished(folder, identity):
    """Whether this training ended in `folder`, and its files are still those it left; a stale mark is removed."""
    marker = pathlib.Path(folder) / MARKER
    if not marker.exists():
        return False
    try:
        marked = json_text.read(marker)
    except (DataError, OSError):
        marked = None
    if marked == {"training": identity, "files": _hash_files(marker.parent)}:
        return True
    marker.unlink()
    return False


def keep(folder):
    """Count a finished training's files as made by the run that uses them (`files.keep`)."""
    for path in (*_outcome(folder), pathlib.Path(folder) / MARKER):
        files.keep(path)


def _outcome(folder):
    """List what a training leaves in its folder; its repetitions' folders are not its own."""
    paths = sorted(pathlib.Path(folder).glob("*"))
    return [path for path in paths if path.is_file() and path.name not in (NAME, MARKER) and path.name[0] != "."]


def _hash_files(folder):
    hashes = {}
    for path in _outcome(folder):
        with path.open("rb") as file:
            hashes[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _of(arrays, part):
    return [arrays[f"{part}_{i}"] for i in range(sum(name.startswith(f"{part}_") for name in arrays))]
