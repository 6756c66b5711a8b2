"""Account of what the steps of a chain wrote: a journal while a step runs, hashes in the manifest when it is done."""

import contextlib
import os
import pathlib
import re
import threading

from nanofoam_lib.base import files, json_text, provenance, reading
from nanofoam_lib.base.run_folder import FOLDERS

#: What `files.replacing` and `pipeline` call a file that they have not finished.
TEMPORARY = re.compile(r"\.tmp-[0-9a-f]+[-.].*", re.DOTALL)

_WRITING = threading.Lock()  # steps beside each other write one manifest


class Journal:
    """What a step writes, in a file that outlives a kill: its kernel keeps it, or this process in a ``with`` block.

    Parameters
    ----------
    run : base.run_folder.Run
    name : str
        Of the step.
    """

    def __init__(self, run, name):
        self._run, self._folder = run, run.folder.resolve()
        self.path = self._folder / f".journal-{name}"

    def __enter__(self):
        self.begin()
        os.environ[files.JOURNAL_VARIABLE] = str(self.path)
        return self

    def __exit__(self, *_):
        os.environ.pop(files.JOURNAL_VARIABLE, None)

    def begin(self):
        """Go on with what an unfinished step has left, unless it is damaged."""
        if self.is_damaged:
            self.forget()

    def names(self):
        """Files of the run folder that were written and are still there: set of relative paths.

        Of a journal that `is_damaged` none: what it names may be anything.
        """
        paths = self._read() or []
        real = [path.resolve() for path in paths if _is_there(path)]
        return {path.relative_to(self._folder).as_posix() for path in real if self._folder in path.parents}

    @property
    def is_damaged(self):
        """Whether there is a journal, but not as a step leaves it: cut off by a loss of power, or made by another."""
        return self._read() is None

    def _read(self):
        """Read the paths; None if something else stands there, or nothing."""
        if not os.path.lexists(self.path):
            return []
        try:
            *lines, last = reading.read_bytes(self.path).split(b"\n")
            if self.path.is_symlink() or not (lines or last) or last[:1] not in (b"", b'"'):
                return None
            lines += [last] if last[1:].endswith(b'"') else []  # one that was cut short has no end
            named = [json_text.decode(line, str) for line in lines]
        except (OSError, ValueError):
            return None
        is_odd = any("\0" in name or not pathlib.Path(name).is_absolute() for name in named)
        return None if is_odd else list(map(pathlib.Path, named))

    def forget(self):
        """Begin anew."""
        self.path.unlink(missing_ok=True)


class Account:
    """The manifest's record of one step, from its begin to its end, however that comes.

    Parameters
    ----------
    run : base.run_folder.Run
    manifest : dict
        Changed in place, and written at each call.
    name : str
        Of the step.
    """

    def __init__(self, run, manifest, name):
        self.run, self._manifest, self._name = run, manifest, name
        self._earlier = manifest["steps"].get(name, {})
        self._text = run.manifest.read_text(encoding="utf-8") if run.manifest.exists() else None
        self.journal = Journal(run, name)

    def begin(self, key, fresh):
        """Record that the step runs and what it finds of its own; remove of that what it must not take over.

        An unfinished run of the step leaves files to go on from. A finished one leaves files to replace: those that
        are damaged go at once, the others when this run is done and has not written them.

        Parameters
        ----------
        key : str
            Hash of all that decides the step's result.
        fresh : bool
            Whether to take over nothing at all.
        """
        found = dict.fromkeys(self.journal.names()) | self._earlier.get("outputs", {})
        own = {"key": key, "status": "running", "seconds": None, "warnings": [], "outputs": found}
        steps = self._manifest["steps"]
        later = {name: done | {"status": "outdated"} for name, done in steps.items() if name > self._name}
        self._write(later | {self._name: own})
        was_done = self._earlier.get("status") == "done"
        remove(self.run, found if fresh else find_damage(self.run, found) if was_done else [])
        if fresh or was_done or self._earlier.get("key") != key:
            self.journal.forget()

    def close(self, seconds, warned):
        """Record that the step is done and what it wrote; remove what earlier runs of it wrote and this one did not."""
        record = self._manifest["steps"][self._name]
        written = self.journal.names() | {self.run.notebook(self._name).relative_to(self.run.folder).as_posix()}
        remove(self.run, record["outputs"].keys() - written)
        own = {"status": "done", "seconds": seconds, "warnings": warned, "outputs": hash_files(self.run, written)}
        self._manifest["left_out"] = self.run.load_left_out()
        self._write({self._name: record | own})
        self.journal.forget()

    def fail(self, error):
        """Record that the step has failed or was stopped, if the disk still takes it."""
        status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
        own = {"status": status, "error": " ".join(str(error).split())}
        with contextlib.suppress(OSError):
            self._write({self._name: self._manifest["steps"][self._name] | own})

    def leave(self):
        """Record that the step was stopped, if it has neither ended nor failed."""
        if self._manifest["steps"][self._name]["status"] == "running":
            self.fail(KeyboardInterrupt())

    def refuse(self, error):
        """Let an earlier run stand if the step refused its input before it wrote anything; else it has failed.

        Beside a step that runs it has failed, since that one writes the same manifest.
        """
        is_alone = [record["status"] for record in self._manifest["steps"].values()].count("running") == 1
        if is_alone and self._earlier.get("status") == "done" and not self.journal.names():
            self._manifest["steps"][self._name] = self._earlier
            files.write_text(self.run.manifest, self._text)
        else:
            self.fail(error)

    def _write(self, records):
        with _WRITING:
            self._manifest["steps"] = dict(sorted((self._manifest["steps"] | records).items()))
            files.write_json(self.run.manifest, self._manifest)


def hash_files(run, names):
    """SHA-256 of files of a run: dict of relative path to hex str, sorted."""
    return {name: provenance.hash_file(run.inside(name)) for name in sorted(names)}


def find_damage(run, outputs):
    """List the files that are missing or not as they were recorded.

    Parameters
    ----------
    run : base.run_folder.Run
    outputs : dict
        Relative path → SHA-256; None where it was not yet known.

    Returns
    -------
    list of str
    """
    return [name for name, digest in outputs.items() if not _is_same(run.inside(name), digest)]


def remove(run, names):
    """Remove files of a run where they are still there: those in places where a run writes, whatever is named."""
    for name in names:
        path = run.inside(name)
        if run.is_written(name) and (path.is_file() or path.is_symlink()):
            path.unlink(missing_ok=True)


def clean(run):
    """Remove the temporary files that a killed process left in a run folder."""
    folders = [run.folder, *(run.folder / name for name in FOLDERS)]
    found = [*run.folder.glob(".tmp-*"), *(path for place in folders[1:] for path in place.rglob(".tmp-*"))]
    for path in found:
        if TEMPORARY.fullmatch(path.name) and not path.is_dir():
            path.unlink(missing_ok=True)


def _is_same(path, digest):
    return _is_there(path) and (digest is None or provenance.hash_file(path) == digest)


def _is_there(path):
    """Tell whether there is a file of this name, however odd a name it is."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
