"""The chain of notebooks: what has to run, running it, and keeping account of it in the manifest."""

import ast
import dataclasses
import hashlib
import json
import os
import pathlib
import tempfile
import time

from nanofoam_lib import collection, execution, files, parameters, provenance, report, thesis
from nanofoam_lib.errors import DataError, StepError, UsageError
from nanofoam_lib.runs import Run

PACKAGE = pathlib.Path(__file__).parent
#: In a checkout the notebooks lie beside the package, in an installed wheel inside it.
NOTEBOOKS = next((f for f in (PACKAGE.parent / "notebooks", PACKAGE / "notebooks") if f.is_dir()), PACKAGE)

SYNTHETIC_NAME = "synthetic foam"
PICTURES = {"figures", "style"}  # modules that cannot change a number
USUAL_SECONDS = {"02_train": 150.0}  # first guess of a step's length, for the bar; later the last run's is used
OTHER_SECONDS = 15.0


@dataclasses.dataclass(frozen=True)
class Step:
    """One notebook of the chain: its name, file, the values in its ``parameters`` cell, and its code."""

    name: str
    notebook: pathlib.Path
    defaults: dict
    code: str


def run(out=None, profile=None, data=None, given=None, start=None, force=False, lang="en"):
    """Run the chain of notebooks into a run folder, leaving out what is unchanged.

    Parameters
    ----------
    out : path-like, optional
        Run folder; ``reports/<profile>`` if not given.
    profile : str, optional
        "quick" if not given; but the run's own earlier parameters with `start`.
    data : path-like, optional
        Data folder; synthetic foam if not given (with `start`: what the run used).
    given : dict, optional
        Parameter values that go before those of the profile.
    start : str, optional
        Two digits of the first notebook to run; it and the later ones run even if unchanged, the earlier ones do not.
    force : bool
        Run everything, changed or not.
    lang : {"en", "es"}
        Language of the figures.

    Returns
    -------
    runs.Run
        The finished run.

    Raises
    ------
    UsageError, DataError, StepError, OSError
        With a message of one line.
    """
    steps = find_steps()
    place = Run(_run_folder(out, profile))
    earlier = place.load_manifest()
    values = _merge(steps, profile, parameters.check(given or {}, "-p"), earlier if start else {})
    if start and data is None:
        data = earlier.get("data", {}).get("folder")
    source = _describe_data(data)
    _check_writable(place.folder)
    if data is not None:
        collection.check_apart(data, place.folder)
    manifest = _begin_manifest(earlier, profile, values, source, lang)
    todo = _plan(steps, place, manifest, values | {"lang": lang}, start, force)
    own = {
        "run_folder": str(place.folder.resolve()),
        "data_folder": str(pathlib.Path(data).resolve()) if data else "",
        "data_name": source["name"],
        "lang": lang,
    }
    seconds = {step.name: _expected_seconds(step, earlier) for step, _ in todo}
    with execution.ChainBar(seconds) as bar:
        for step, key in todo:
            _run_step(step, key, place, manifest, values | own, bar)
    if todo:
        manifest["finished"] = provenance.now()
        files.write_json(place.manifest, manifest)
        report.write(place)
        thesis.write(place)
    return place


def find_steps():
    """List the chain in order: the notebooks whose names begin with two digits."""
    return [_read_step(path) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]


def _read_step(path):
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    tags = [cell.get("metadata", {}).get("tags", []) for cell in cells]
    tagged = next(source for source, own in zip(sources, tags, strict=True) if "parameters" in own)
    assigned = (node for node in ast.parse(tagged).body if isinstance(node, ast.Assign))
    defaults = {node.targets[0].id: ast.literal_eval(node.value) for node in assigned}
    return Step(path.stem, path, defaults, "\n".join(sources))


def _run_folder(out, profile):
    name = pathlib.Path(profile or "quick").stem
    folder = pathlib.Path(out) if out is not None else pathlib.Path("reports") / name
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: is a file; give the name of a folder")
    return folder


def _check_writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"--out {folder}: cannot be written to ({error.strerror}); choose another folder") from error


def _merge(steps, profile, given, earlier):
    """Merge the notebooks' own values, the earlier run's or the profile's, and the given ones; later wins."""
    demo = {name: value for step in steps for name, value in step.defaults.items() if name in parameters.PARAMETERS}
    if profile is None and "parameters" in earlier:
        base = earlier["parameters"]
    else:
        base = parameters.load_profile(profile or "quick", NOTEBOOKS / "profiles")
    return parameters.check(demo | base | given)


def _describe_data(data):
    """Name, folder and content hash of the data; synthetic foam is decided by the parameters alone."""
    if data is None:
        return {"name": SYNTHETIC_NAME, "folder": None, "hash": None}
    folder = pathlib.Path(data)
    names = [*collection.list_folder(folder)["path"], "metadata.csv"]
    return {"name": folder.resolve().name, "folder": str(data), "hash": provenance.hash_files(folder, names)}


def _begin_manifest(earlier, profile, values, source, lang):
    return {
        "profile": profile or earlier.get("profile", "quick"),
        "parameters": values,
        "seed": values["seed"],
        "lang": lang,
        "data": source,
        "versions": provenance.versions(),
        "git": provenance.git_state(),
        "started": provenance.now(),
        "finished": None,
        "left_out": earlier.get("left_out", []),
        "steps": dict(earlier.get("steps", {})),
    }


def _plan(steps, place, manifest, values, start, force):
    """List the steps to run, each with its key.

    A key hashes all that can change a step's result: its code, the library modules it uses, its parameters, the data
    and the key of the step before. A step is unchanged if its key is the recorded one and its files still have the
    recorded contents; after a step that runs, all run.
    """
    numbers = [step.name[:2] for step in steps]
    if start is not None and start not in numbers:
        raise UsageError(f"--from {start}: no such notebook; give one of {', '.join(numbers)}")
    todo, key = [], manifest["data"]["hash"]
    for step in steps:
        used = {name: values[name] for name in step.defaults if name in values}
        key = _hash([step.code, used, _hash_modules(step), key])
        done = manifest["steps"].get(step.name, {})
        if start is not None and step.name[:2] < start:
            if done.get("status") != "done":
                raise DataError(f"--from {start}: {step.name} has not been run in {place.folder}; leave --from out")
            key = done["key"]
        elif force or start is not None or todo or done.get("key") != key or not _is_intact(place, done):
            todo.append((step, key))
    return todo


def _is_intact(place, done):
    """Whether a step ended well and each of its files still has the recorded content."""
    if done.get("status") != "done":
        return False
    paths = {place.folder / name: digest for name, digest in done["outputs"].items()}
    return all(path.is_file() and provenance.hash_file(path) == digest for path, digest in paths.items())


def _hash(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _hash_modules(step):
    """Hash the library modules that a step imports, directly or not.

    Pictures count only in the step that writes them: a new colour must not train a model anew.
    """
    waiting, seen = _imported(step.code), {}
    while waiting:
        name = waiting.pop()
        paths = _sources(name)
        if name in seen or not paths or (name in PICTURES and "figures" not in step.name):
            continue
        trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
        seen[name] = [ast.dump(tree) for tree in trees]  # comments and line breaks do not count
        waiting = waiting.union(*map(_imported, trees))
    return _hash(seen)


def _sources(name):
    """List the files of a module of the library, or of a package of modules; none if it is something else."""
    return [path for path in (PACKAGE / f"{name}.py", *sorted((PACKAGE / name).glob("*.py"))) if path.is_file()]


def _imported(source):
    """Names of the library's modules that `source` (text or syntax tree) imports."""
    names = set()
    for node in ast.walk(ast.parse(source) if isinstance(source, str) else source):
        if isinstance(node, ast.ImportFrom) and node.module == "nanofoam_lib":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nanofoam_lib."):
            names.add(node.module.split(".")[1])
    return names


def _expected_seconds(step, earlier):
    last = earlier.get("steps", {}).get(step.name, {}).get("seconds")
    return last or USUAL_SECONDS.get(step.name, OTHER_SECONDS)


def _run_step(step, key, place, manifest, values, bar):
    """Execute one notebook, record what it wrote, and remove what an earlier run of it wrote and this one did not."""
    began, before = time.monotonic(), _snapshot(place.folder)
    earlier = manifest["steps"].get(step.name, {})
    record = {"key": key, "status": "failed", "seconds": None, "warnings": [], "outputs": {}}
    own = {name: values[name] for name in step.defaults}
    executed = place.notebook(step.name).with_name(f".tmp-{os.getpid()}-{step.name}.ipynb")
    executed.parent.mkdir(exist_ok=True)
    try:
        with bar.step(step.name) as on_progress:
            record["warnings"] = execution.execute(step.notebook, executed, own, on_progress)
        executed.replace(place.notebook(step.name))
    except StepError as error:
        if executed.exists():  # there is none if no kernel could be started
            executed.replace(place.notebook(step.name))
        # What came after this step in an earlier run no longer follows from it
        manifest["steps"] = {name: done for name, done in manifest["steps"].items() if name < step.name}
        manifest["steps"][step.name] = record | {"seconds": round(time.monotonic() - began, 1), "error": str(error)}
        files.write_json(place.manifest, manifest)
        raise StepError(f"{error} (see {place.notebook(step.name)})") from error
    finally:
        # A DataError comes before anything is written: an earlier run then stays as it was, manifest included
        executed.unlink(missing_ok=True)
    written = {name for name, state in _snapshot(place.folder).items() if before.get(name) != state}
    for name in set(earlier.get("outputs", {})) - written:
        (place.folder / name).unlink(missing_ok=True)
    record["outputs"] = {name: provenance.hash_file(place.folder / name) for name in sorted(written)}
    manifest["steps"][step.name] = record | {"status": "done", "seconds": round(time.monotonic() - began, 1)}
    manifest["left_out"] = place.load_left_out()
    files.write_json(place.manifest, manifest)


def _snapshot(folder):
    """Tell versions of a run's files apart: relative path → time, size and inode; the chain's own files left out."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    stats = {path.relative_to(folder).as_posix(): path.stat() for path in paths}
    own = ("manifest.json", "index.html")
    return {name: (s.st_mtime_ns, s.st_size, s.st_ino) for name, s in stats.items() if name not in own}
