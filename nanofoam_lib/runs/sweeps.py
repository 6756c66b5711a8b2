"""The runs of a sweep, and what came out of them side by side."""

import functools
import json
import os
import pathlib
import subprocess
import sys
from urllib.parse import quote

import markupsafe
import pandas as pd

from nanofoam_lib import figures
from nanofoam_lib.base import files, language, safe_names, scheduling
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.base.messages import message
from nanofoam_lib.base.progress import REPORT_VARIABLE, track
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.figures import style
from nanofoam_lib.figures.sweeps import ACCURACIES, CONTROL
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report import html_report, page, tables
from nanofoam_lib.runs import parameters, pipeline

#: Starts the command line in a process of its own.
COMMAND = (sys.executable, "-m", "nanofoam_lib")
#: How many threads the numerical libraries and joblib take.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT")


def run_item(sweep, number, folder):
    """Run one point of a sweep in this process, see `pipeline.run`.

    Parameters
    ----------
    sweep : sweep_spec.Sweep
    number : int
        Of the point, from 0.
    folder : path-like
        Gets the run folder.

    Returns
    -------
    base.run_folder.Run
    """
    if not 0 <= number < len(sweep.items):
        raise UsageError(f"--item {number}: this sweep has items 0 to {len(sweep.items) - 1}")
    item = sweep.items[number]
    out = pathlib.Path(folder) / item.name
    return pipeline.run(out, sweep.profile, sweep.data, sweep.common | item.point, lang=sweep.lang, until=sweep.until)


def run(sweep, folder, n_jobs=None):
    """Run every point of a sweep, each in a process of its own, here or on a cluster (`scheduling.each`).

    Parameters
    ----------
    sweep : sweep_spec.Sweep
    folder : path-like
        Gets a run folder for each. What is finished there is skipped, what was stopped goes on.
    n_jobs : int, optional
        Runs at a time on this machine; half the cores if not given. They share its cores.

    Returns
    -------
    dict of str to str
        The runs that failed, by name, each with its last words.
    """
    if n_jobs is not None and n_jobs < 1:
        raise UsageError(f"--jobs {n_jobs}: give 1 or more")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    n_jobs = min(n_jobs or max(1, cores // 2), len(sweep.items))
    threads = max(1, cores // n_jobs) if n_jobs > 1 else None
    items = [(call_of(sweep, item, folder),) for item in sweep.items]
    ended = scheduling.each(functools.partial(_call, threads=threads), items, n_jobs)
    problems = list(track(ended, "runs of the sweep", total=len(items)))
    return {item.name: problem for item, problem in zip(sweep.items, problems, strict=True) if problem}


def call_of(sweep, item, folder):
    """Write a point as a call of ``nanofoam run`` that means the same in any working directory."""
    arguments = [*COMMAND, "run", "--out", str(pathlib.Path(folder, item.name).absolute()), "--lang", sweep.lang]
    if sweep.profile:
        path = pathlib.Path(sweep.profile)
        arguments += ["--profile", str(path.absolute()) if path.suffix in (".yaml", ".yml") else sweep.profile]
    if sweep.data:
        arguments += ["--data", str(pathlib.Path(sweep.data).absolute())]
    if sweep.until:
        arguments += ["--until", sweep.until]
    for name, value in (sweep.common | item.point).items():
        arguments += ["-p", f"{name}={json.dumps(value)}"]
    return arguments


def _call(command, threads):
    """Call a command; give the last line that it wrote if it failed, else ""."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in (scheduling.VARIABLE, REPORT_VARIABLE)
    }
    limits = dict.fromkeys(THREADS, str(threads)) if threads else {}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=limits | inherited
    ) as process:  # fmt: skip
        try:
            said = process.communicate()[1].strip().splitlines()
        except BaseException:
            process.terminate()  # ends its kernel too
            raise
    if process.returncode == 0:
        return ""
    return said[-1].removeprefix("nanofoam: error: ") if said else f"ended with status {process.returncode}"


def collect(sweep, folder):
    """Gather the headline numbers of the runs of a sweep.

    Parameters
    ----------
    sweep : sweep_spec.Sweep
    folder : path-like

    Returns
    -------
    pandas.DataFrame
        One row per run and latent size, in the order of the grid: item; status, "done" or what is amiss; the
        parameters of the grid; latent_dim; ``forest_<descriptor>``, accuracy of the random forest on the test groups
        from mu, sigma, z and conv (``forest_<kind>_<descriptor>`` of further kinds of models); forest_control and
        control, the best of the controls that saw no labels and its name; active, latent dimensions in use; kl and
        reconstruction of the VAE on test, in nats per image; seconds.
    """
    rows = []
    for item in sweep.items:
        place = Run(pathlib.Path(folder) / item.name)
        point = {name: _plain(value) for name, value in item.point.items() if name != "latent_dims"}
        status, manifest = _status(place, sweep.common | item.point)
        unknown = [{"latent_dim": dim} for dim in item.point.get("latent_dims", [None])]
        try:
            found = list(_headlines(place, manifest)) if status == "done" else unknown
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            status, found = f"damaged: {safe_names.shown(str(error))}", unknown
        rows += [{"item": item.name, "status": status} | point | numbers for numbers in found]
    table = pd.DataFrame(rows)
    return table.astype({name: "Int64" for name in ("latent_dim", "active") if name in table})


def _plain(value):
    """Write a parameter's value so that it fits into a cell: a list of one as its entry, other lists as JSON."""
    if isinstance(value, list):
        return value[0] if len(value) == 1 else json.dumps(value)
    return value


def _status(place, wanted):
    """Tell whether a run is finished with the values `wanted`; give the manifest too."""
    try:
        manifest = place.load_manifest()
    except DataError as error:
        return f"damaged: {error}", {}
    if not manifest:
        return "not begun", {}
    failed = {name: step for name, step in manifest.get("steps", {}).items() if step["status"] == "failed"}
    if failed:
        name, step = next(iter(failed.items()))
        return f"failed in {name}: {safe_names.shown(step.get('error', ''))}", {}
    same = all(manifest.get("parameters", {}).get(name) == value for name, value in wanted.items())
    return ("done" if manifest.get("finished") and same else "unfinished"), manifest


def _headlines(place, manifest):
    """Give a row of numbers for each latent size of a finished run."""
    table1, controls, models = (place.load_table(name) for name in ("table1", "controls", "models"))
    if "model" not in models:
        raise DataError(f"{place.table('models')}: has no column model")
    models = models.set_index("model")
    seconds = sum(step.get("seconds") or 0 for step in manifest["steps"].values())
    plain = tables.headline(controls[~controls["descriptor"].isin(control_registry.taught())])
    best = plain.loc[plain["accuracy"].idxmax()]
    dims = manifest["parameters"]["latent_dims"]
    if not parameters.PARAMETERS["latent_dims"].accepts(dims):
        raise DataError(f"{place.manifest}: latent_dims are {safe_names.short(dims)}")
    for dim in dims:
        own = tables.headline(table1, latent_dim=dim)
        scores = {_column(row.kind, row.descriptor): row.accuracy for row in own.itertuples()}
        control = {"forest_control": best["accuracy"], "control": best["descriptor"]}
        main = models.reindex([f"{kinds.MAIN}-{dim}"]).iloc[0]  # missing where none was asked for
        numbers = {"active": main["active"], "kl": main["test_kl"], "reconstruction": main["test_reconstruction"]}
        yield {"latent_dim": dim} | scores | control | numbers | {"seconds": round(seconds, 1)}


def _column(kind, descriptor):
    """Name the column of a score: by the descriptor, and the kind of model if it is neither of the thesis's two."""
    return f"forest_{descriptor}" if kinds.get(kind).in_thesis else f"forest_{kind}_{descriptor}"


def _other_scores(lang):
    """Label the accuracies of kinds that are not the thesis's: dict of column to str; z is not drawn."""
    return {
        _column(kind.name, name): f"{language.text(f'accuracy from {style.SYMBOLS.get(name, name)}', lang)} "
        f"({kind.short.in_language(lang)})"
        for kind in kinds.known().values()
        for name in kind.descriptors
        if name != "z" and not kind.in_thesis
    }


def write(sweep, folder):
    """Compare the runs of a sweep: ``sweep.csv``, the figure ``scores`` (PDF, PNG, CSV) and ``index.html``.

    Parameters
    ----------
    sweep : sweep_spec.Sweep
    folder : path-like

    Returns
    -------
    pandas.DataFrame
        As `collect` gives it.
    """
    folder, table = pathlib.Path(folder), collect(sweep, folder)
    files.write_csv(folder / "sweep.csv", table)
    finished = table[table["status"] == "done"]
    drawn = len(finished) > 0
    if drawn:
        others = _other_scores(sweep.lang)
        numbers = figures.sweep_numbers(finished, swept(sweep, finished), others)
        name = next(Run(folder / item).load_manifest()["data"]["name"] for item in finished["item"])
        note = f"{language.data_set(name, sweep.lang)}, {language.text('random forest on test groups', sweep.lang)}"
        style.save(figures.sweep(numbers, note, sweep.lang, others), folder / "scores", numbers)
    files.write_text(folder / "index.html", _page(folder, table, drawn, sweep.lang))
    return table


def swept(sweep, table):
    """Name the columns of `table` that differ between runs but for the seed: those of the grid, and the latent size."""
    names = dict.fromkeys(["latent_dim", *sweep.items[0].point])
    return [name for name in names if name in table and name != "seed" and len(set(table[name])) > 1]


#: Of the page, as the template names them.
WORDS = {
    "scores": "Scores against the parameters of the sweep",
    "caption": "Points are runs, lines their means; bars reach from the least to the largest of the seeds.",
    "runs": "Runs of the sweep",
}


def _page(folder, table, drawn, lang):
    accuracies = {**ACCURACIES, "forest_control": CONTROL, **_other_scores(lang)}
    shown = table.assign(status=[_in_words(status, lang) for status in table["status"]]).rename(
        columns={column: language.text(label, lang) for column, label in accuracies.items()}
    )
    columns, rows = html_report.cells(shown, lang, [False] * len(table))
    for row in rows:
        name = row[0]["text"]
        if (folder / name / "index.html").exists():
            row[0]["text"] = markupsafe.Markup('<a href="{}/index.html">{}</a>').format(quote(name), name)
    picture = html_report.picture(folder / "scores.png") if drawn else None
    words = {name: language.text(phrase, lang) for name, phrase in WORDS.items()}
    title = folder.resolve().name
    return page.render(
        "sweep.html.j2", lang=lang, title=title, words=words, picture=picture, columns=columns, rows=rows
    )


def _in_words(status, lang):
    known = language.text(phrase := f"status {status}", lang)
    return message(status, lang) if known == phrase else known
