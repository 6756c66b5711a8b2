"""Runs side by side: the parameters that differ, and the numbers that a reader asks for first."""

import json
import os
import pathlib
from typing import NamedTuple

import pandas as pd

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.language import MISSING, fixed, text, with_decimal_mark
from nanofoam_lib.base.messages import message
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.report import page, tables

#: Parameters that decide which foams are drawn.
SYNTHESIS = ("n_per_class", "image_width", "image_height", "seed")


LONGEST_CELL = 200


class Comparison(NamedTuple):
    """Runs side by side."""

    data: dict  # run → name of its data set
    same_data: bool
    parameters: pd.DataFrame  # one column for each run, a row for each parameter that differs
    headlines: pd.DataFrame  # one column for each run, a row for each number


def compare(folders):
    """Set runs side by side.

    Parameters
    ----------
    folders : sequence of path-like
        Run folders.

    Returns
    -------
    Comparison
        Values as text; – where a run has none.

    Raises
    ------
    DataError
        If a run is missing, unfinished or damaged.
    """
    folders = [pathlib.Path(folder) for folder in folders]
    runs = dict(zip(_names(folders), map(_load, folders), strict=True))
    parameters = _side_by_side({name: run.parameters for name, run in runs.items()})
    return Comparison(
        {name: run.data for name, run in runs.items()},
        len({run.identity for run in runs.values()}) == 1,
        parameters[parameters.ne(parameters.iloc[:, 0], axis=0).any(axis=1)],
        _side_by_side({name: run.headlines for name, run in runs.items()}),
    )


def as_text(comparison, lang="en"):
    """Write a comparison as aligned text."""
    differing, headlines = _tables(comparison, lang)
    parts = [_align(differing, text("parameters that differ", lang))]
    parts += [_warning(comparison, lang)] if not comparison.same_data else []
    return "\n\n".join([*parts, _align(headlines, text("headline numbers", lang))]) + "\n"


def as_data(comparison):
    """Give a comparison as plain dicts and texts, for JSON: data, same_data, parameters and headlines of each run."""
    tables_ = {"parameters": comparison.parameters, "headlines": comparison.headlines}
    return {"data": comparison.data, "same_data": comparison.same_data} | {
        name: table.to_dict() for name, table in tables_.items()
    }


def as_html(comparison, lang="en"):
    """Write a comparison as a page that stands alone."""
    blocks = dict(zip(("Parameters that differ", "Numbers"), _tables(comparison, lang), strict=True))
    return page.render(
        "compare.html.j2", lang=lang, title=" · ".join(comparison.data),
        warning="" if comparison.same_data else _warning(comparison, lang),
        blocks=[
            (text(heading, lang), [{"name": name, "head": name, "numeric": False} for name in ("", *table)],
             [[{"text": cell, "best": False} for cell in (label, *row)] for label, *row in table.itertuples()])
            for heading, table in blocks.items()
        ],
    )  # fmt: skip


def _tables(comparison, lang):
    """Give the parameters, below the data, and the numbers in the reader's language."""
    data = pd.DataFrame([comparison.data], index=["data"])
    numbers = comparison.headlines.rename(index=lambda label: message(label, lang))
    return (
        pd.concat([data, comparison.parameters]).rename(index={"data": text("data", lang)}),
        numbers.map(lambda cell: with_decimal_mark(message(cell, lang), lang)),
    )


def _warning(comparison, lang):
    listed = ", ".join(f"{_shown(name)}: {_shown(data)}" for name, data in comparison.data.items())
    told = text("These runs are of different data ({listed}): their numbers do not compare.", lang)
    return told.format(listed=listed)


def _names(folders):
    """Name each run by its folder; by its whole path where two folders have one name."""
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else list(map(str, folders))


class _Loaded(NamedTuple):
    data: str
    identity: str  # of the data: their hash, or for synthetic foams the parameters that they are drawn from
    parameters: dict
    headlines: dict


def _load(folder):
    run = Run(folder)
    if not os.path.lexists(run.manifest):
        raise DataError(f"{run.manifest}: missing; {folder} is not the folder of a run")
    try:
        return _read(run, run.load_manifest())
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{folder}: manifest or table damaged or of another version ({safe_names.short(repr(error))}); run it again"
        ) from error


def _read(run, manifest):
    if not manifest.get("finished"):
        raise DataError(f"{run.folder}: the run is unfinished; go on with nanofoam run --out {run.folder}")
    data, parameters = manifest["data"], manifest["parameters"]
    drawn = [data["name"], *(parameters.get(name) for name in SYNTHESIS)]
    written = {name: json.dumps(value) for name, value in parameters.items()}
    numbers = {}
    for name in ("table1", "controls") if data.get("classes") != 1 else ():
        numbers |= _accuracies(run.load_table(name))
    numbers |= _active(run.load_table("dimensions")) | _predictability(run.load_table("geometry"))
    seconds = sum(step.get("seconds") or 0 for step in manifest["steps"].values())
    return _Loaded(data["name"], data["hash"] or json.dumps(drawn), written, numbers | {"seconds": f"{seconds:.0f}"})


def _accuracies(table):
    """Accuracy of the random forest and of the best classifier on each descriptor, in the split by group."""
    found = {}
    scores = tables.by_group(table)
    for name, rows in scores.groupby(_labels(scores), sort=False):
        found |= {f"{name}, {row.classifier}": _score(row) for row in tables.headline(rows).itertuples()}
        best = next(rows.nlargest(1, "accuracy").itertuples())
        found[f"{name}, best classifier"] = f"{_score(best)} {best.classifier}"
    return found


def _score(row):
    return f"{fixed(row.accuracy)} ({fixed(row.ci_low)}–{fixed(row.ci_high)})"


def _active(table):
    counts = table.groupby(["kind", "latent_dim"])["active"].agg(["sum", "size"])
    return {f"active dimensions, {kind}-{dim}": f"{n} of {of}" for (kind, dim), n, of in counts.itertuples()}


def _predictability(table):
    rows = table[table["row"] == "r2"].dropna(subset="median_diameter_um")
    names = [f"R² of median diameter, {name}" for name in _labels(rows)]
    return dict(zip(names, rows["median_diameter_um"].map(fixed), strict=True))


def _labels(table):
    """Name the descriptor of each row; a control by its size too, if the table has it in several."""
    sizes = table.drop_duplicates(["kind", "descriptor", "latent_dim"])["descriptor"].value_counts()
    return [
        tables.value(row.descriptor) + (f" ({row.latent_dim:.0f})" if sizes[row.descriptor] > 1 else "")
        if row.kind == "control"
        else f"{row.kind}-{row.latent_dim:.0f} {tables.value(row.descriptor)}"
        for row in table.itertuples()
    ]


def _side_by_side(columns):
    """Make a table of dicts, rows in the order in which they first appear."""
    rows = list(dict.fromkeys(label for column in columns.values() for label in column))
    return pd.DataFrame(
        {name: [column.get(label, MISSING) for label in rows] for name, column in columns.items()},
        index=rows,
        dtype=str,
    )


def _align(table, title):
    rows = [[title, *table.columns], *([label, *row] for label, *row in table.itertuples())]
    rows = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _shown(cell):
    """Write a cell so that it fits on a line, with nothing in it that a terminal obeys."""
    told = safe_names.shown(cell)
    return told if len(told) <= LONGEST_CELL else f"{told[: LONGEST_CELL - 1]}…"
