"""The chain of notebooks: what has to run, running it, and keeping account of it in the manifest."""

import dataclasses
import itertools
import json
import pathlib
import warnings

from nanofoam_lib.base import files, language, provenance
from nanofoam_lib.base.errors import DataError, RunWarning, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import collection, metadata, sources
from nanofoam_lib.runs import (
    beginning,
    error_log,
    execution,
    kernels,
    ledger,
    lock,
    parameter_cells,
    parameters,
    step_groups,
)

PACKAGE = pathlib.Path(__file__).parents[1]
#: In a checkout the notebooks lie beside the package, in an installed wheel inside it.
NOTEBOOKS = next((f for f in (PACKAGE.parent / "notebooks", PACKAGE / "notebooks") if f.is_dir()), PACKAGE)

#: What cannot change a number, so that a new colour, word or label does not train a model anew.
ONLY_SHOWN = ("figures", "report", "base.language", provenance.LABELS)
#: What cannot change a figure either.
ONLY_SAID = ("report.findings", "report.notebook_text")
REPORT_CODE = "from nanofoam_lib.report import html_report, latex_document"
REPORT = PACKAGE / "report"
USUAL_SECONDS = {"02_train": 150.0}  # first guess of a step's length, for the bar; later the last run's is used
OTHER_SECONDS = 15.0


@dataclasses.dataclass(frozen=True)
class Step:
    """One notebook of the chain: its name, file, values in its ``parameters`` cell, its code, of which the imports."""

    name: str
    notebook: pathlib.Path
    defaults: dict
    code: str
    imports: str


def run(out=None, profile=None, data=None, given=None, start=None, force=False, lang="en", until=None):
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
        Run everything, changed or not, and take nothing over from earlier runs.
    lang : {"en", "es"}
        Language of the figures.
    until : str, optional
        Two digits of the last notebook to run; the report holds what there is then.

    Returns
    -------
    base.run_folder.Run
        The finished run.

    Raises
    ------
    UsageError, DataError, StepError, OSError
        With a message of one line.

    Notes
    -----
    Stopped or killed at any moment and called again with the same arguments, it goes on with the step that was
    running, which finds again what it had written. Only one process at a time works in a run folder.
    """
    steps = find_steps()
    _check_numbers(steps, start, until)
    place = Run(_run_folder(out, profile))
    earlier = beginning.load_earlier(place, steps)
    values = _merge(steps, profile, parameters.check(given or {}, "-p"), earlier if start else {})
    if start and data is None:
        data = earlier.get("data", {}).get("folder")
    source = _describe_data(data, values.get("synthetic", "foam"), values.get("subfolders", "auto"))
    beginning.check_writable(place)
    if data is not None:
        collection.check_apart(data, place.folder)
    own = {
        "run_folder": str(place.folder.resolve()),
        "data_folder": str(pathlib.Path(data).resolve()) if data else "",
        "data_name": source["name"],
        "lang": lang,
    }
    with lock.hold(place.folder), error_log.kept(place):
        _tidy(place)
        earlier = beginning.load_earlier(place, steps)  # another process may have ended meanwhile
        manifest = _begin_manifest(earlier, profile, values, source, lang)
        todo = _plan(steps, place, manifest, values | {"lang": lang}, start, force)
        todo = [(step, key) for step, key in todo if until is None or step.name[:2] <= until]
        expected = {step.name: _expected_seconds(step, earlier) for step, _ in todo}
        with execution.ChainBar(expected, lang) as bar, kernels.Queue(place, bar.variables) as queue:
            groups = step_groups.group(todo)
            for group, following in itertools.zip_longest(groups, groups[1:], fillvalue=()):
                taken = [(step, ledger.Account(place, manifest, step.name), queue.take(step)) for step, _ in group]
                for (_, account, _), (_, key) in zip(taken, group, strict=True):
                    account.begin(key, force)
                for step, _ in following:
                    queue.prepare(step)
                step_groups.run(taken, manifest, values | own, bar, queue)
        _remove_outdated(place, manifest)
        key = _report_key(manifest)
        if manifest["report"].get("key") != key or ledger.find_damage(place, manifest["report"]["outputs"]):
            _finish(place, manifest, key)
    return place


def find_steps():
    """List the chain in order: the notebooks whose names begin with two digits."""
    return [_read_step(path) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]


def _read_step(path):
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    tags = [cell.get("metadata", {}).get("tags", []) for cell in cells]
    tagged = next(source for source, own in zip(sources, tags, strict=True) if "parameters" in own)
    return Step(path.stem, path, parameter_cells.read(tagged), "\n".join(sources), sources[0])


def _check_numbers(steps, start, until):
    numbers = [step.name[:2] for step in steps]
    for option, number in (("--from", start), ("--until", until)):
        if number is not None and number not in numbers:
            raise UsageError(f"{option} {number}: no such notebook; give one of {', '.join(numbers)}")


def _run_folder(out, profile):
    name = pathlib.Path(profile or "quick").stem
    folder = pathlib.Path(out) if out is not None else pathlib.Path("reports") / name
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: is a file; give the name of a folder")
    return folder


def _tidy(place):
    """End what still works for a killed run of this folder, and remove the files that it had begun to write."""
    kernels.end_processes(lambda journal: journal.parent == place.folder.resolve())
    ledger.clean(place)


def _merge(steps, profile, given, earlier):
    """Merge the notebooks' own values, the earlier run's or the profile's, and the given ones; later wins.

    Whoever asks for epochs does not mean the steps of the profile.
    """
    demo = {name: value for step in steps for name, value in step.defaults.items() if name in parameters.PARAMETERS}
    if profile is None and "parameters" in earlier:
        base = parameters.check(earlier["parameters"], "manifest.json")
    else:
        base = parameters.load_profile(profile or "quick", NOTEBOOKS / "profiles")
    asked = {"steps": None} | given if "epochs" in given else given
    return parameters.check(demo | base | asked)


def _describe_data(data, kind, subfolders):
    """Name, folder and content hash of the data; synthetic ones are decided by the parameters alone."""
    if data is None:
        return {"name": f"{language.SYNTHETIC} {kind}", "folder": None, "hash": None, "classes": None}
    from nanofoam_lib.images import pore_choices, pore_masks  # late: without a data folder nobody waits for them

    folder = pathlib.Path(data)
    listed = collection.list_folder(folder, subfolders)
    paths = listed["path"].tolist()
    texts = {text for path in paths for text in sources.names_beside(path) if (folder / text).is_file()}
    names = [*paths, metadata.find(folder) or metadata.NAMES[0], *sorted(texts)]
    names += [pore_choices.NAME, *pore_masks.list_all(folder, paths)]
    described = {"name": folder.resolve().name, "folder": str(data), "hash": provenance.hash_files(folder, names)}
    return described | {"classes": listed["label"].nunique()}


def _begin_manifest(earlier, profile, values, source, lang):
    return {
        "profile": profile or earlier.get("profile", "quick"),
        "parameters": values,
        "seed": values["seed"],
        "lang": lang,
        "data": source,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "git": provenance.git_state(),
        "started": provenance.now(),
        "finished": None,
        "left_out": earlier.get("left_out", []),
        "steps": dict(earlier.get("steps", {})),
        "report": earlier.get("report", {}),
    }


def _plan(steps, place, manifest, values, start, force):
    """List the steps to run, each with its key.

    A key hashes all that can change a step's result: its code, the library modules it uses, its parameters, the data
    and the key of the step before. A step is unchanged if its key is the recorded one and its files still have the
    recorded contents; after a step that runs, all run.
    """
    todo, key = [], manifest["data"]["hash"]
    for step in steps:
        used = {name: values[name] for name in step.defaults if name in values and (name != "lang" or _draws(step))}
        key = provenance.hash_value([step.code, used, hash_code(step), key])
        done = manifest["steps"].get(step.name, {})
        is_done = not beginning.is_cut_off(place, step) and done.get("status") == "done"
        damaged = ledger.find_damage(place, done["outputs"]) if is_done else []
        if start is not None and step.name[:2] < start:
            _check_usable(step, is_done, damaged, place, start)
            key = done["key"]
        elif force or start is not None or todo or done.get("key") != key or not is_done:
            todo.append((step, key))
        elif damaged:
            told = (
                f"{place.folder / damaged[0]}: missing or changed since {step.name} wrote it; running that step again"
            )
            warnings.warn(told, RunWarning, stacklevel=2)
            todo.append((step, key))
    return todo


def hash_code(step):
    """SHA-256 over the library modules that can change what a step writes: hex str."""
    return provenance.hash_modules(step.code, ONLY_SAID if _draws(step) else ONLY_SHOWN)


def _draws(step):
    """Whether a step only shows what others have written: it alone runs again for another language."""
    return "figures" in step.name


def _check_usable(step, is_done, damaged, place, start):
    """Refuse to begin after a step whose files are not all there as it wrote them."""
    if not is_done:
        raise DataError(f"--from {start}: {step.name} has not been run in {place.folder}; leave --from out")
    if damaged:
        path = place.folder / damaged[0]
        what = "damaged or changed" if path.exists() else "missing"
        raise DataError(f"{path}: {what} since {step.name} wrote it; leave --from out, or give --from {step.name[:2]}")


def _expected_seconds(step, earlier):
    last = earlier.get("steps", {}).get(step.name, {}).get("seconds")
    return last or USUAL_SECONDS.get(step.name, OTHER_SECONDS)


def _remove_outdated(place, manifest):
    """Forget the steps that came after those of an earlier run, and were not to be run again."""
    outdated = [name for name, record in manifest["steps"].items() if record["status"] == "outdated"]
    for name in outdated:
        ledger.remove(place, manifest["steps"].pop(name)["outputs"])


def _report_key(manifest):
    """Hash all that the report is made from: its code, words and templates, and what the steps have written."""
    templates = [
        path.relative_to(REPORT).as_posix() for path in REPORT.rglob("*") if path.suffix in {".j2", ".css", ".js"}
    ]
    made_from = {name: manifest[name] for name in ("parameters", "lang", "data", "left_out", "steps")}
    return provenance.hash_value(
        [provenance.hash_modules(REPORT_CODE), provenance.hash_files(REPORT, sorted(templates)), made_from]
    )


def _finish(place, manifest, key):
    """Write what stands at the end of a run: the report, and the document for a thesis."""
    from nanofoam_lib.report import answers, html_report, latex_document  # late: an unchanged run needs none of them

    manifest |= {"finished": provenance.now(), "report": {}}
    files.write_json(place.manifest, manifest)
    with ledger.Journal(place, "report") as journal:
        html_report.write(place)
        latex_document.write(place)
    said = answers.in_three_lines(manifest, place.load_index(), place.load_tables())
    manifest["report"] = {"key": key, "outputs": ledger.hash_files(place, journal.names()), "said": said}
    files.write_json(place.manifest, manifest)
    journal.forget()
