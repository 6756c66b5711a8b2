"""The pores of every micrograph of a data folder: tables, label images and overlays, picture by picture.

What is done of a picture is kept in files of its own, and named by all that it depends on: a command that was stopped
goes on with the next picture, and memory does not grow with their number.
"""

import dataclasses
import functools
import hashlib
import inspect
import math
import pathlib
import sys
import warnings
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base import files, json_text, provenance, reading, safe_names, scheduling, spreadsheet_cells
from nanofoam_lib.base.errors import DataError, RunWarning, UsageError
from nanofoam_lib.base.progress import track
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import (
    contents,
    pore_choices,
    pore_masks,
    pore_methods,
    pore_overlays,
    pore_study,
    preprocessing,
    sources,
)
from nanofoam_lib.images.metadata import first_of

PICTURES, PORES = "pictures.csv", "pores.csv"
FOLDERS = ("parts", "labels", "overlays")
OVERLAY_WIDTH = 640
_WIDEST = 2**16 - 1  # labels that a 16-bit image holds
_SIDE = 128  # of the picture by which `preprocessing` judges a micrograph


class Place(NamedTuple):
    """Where what is found in one micrograph lies in the folder of results."""

    row: pathlib.Path
    pores: pathlib.Path
    labels: pathlib.Path
    overlay: pathlib.Path


class Kept(TypedDict):
    """What ``parts/<name>.json`` holds: the key of all that the results depend on, and the row of the picture."""

    key: str
    row: dict[str, str | int | float | bool | None]


def check_out(folder: files.StrPath, out: files.StrPath) -> None:
    """Raise UsageError if results may not go to `out`: a file, in a run, or among the micrographs of `folder`."""
    place, data = pathlib.Path(out).resolve(), pathlib.Path(folder).resolve()
    shown = safe_names.shown(out)
    if any(part.exists() and not part.is_dir() for part in (place, *place.parents)):
        raise UsageError(f"--out {shown}: is a file; choose a folder")
    if any(run.manifest.exists() and run.index.exists() for run in map(Run, (place, *place.parents))):
        raise UsageError(f"--out {shown}: lies in a run, which is not changed; choose another folder")
    if data == place or data in place.parents:
        raise UsageError(f"--out {shown}: lies in the folder of the micrographs; choose another one")


def place(out: pathlib.Path, name: str) -> Place:
    """Give the places of the results of a micrograph, by its name in the table of pictures."""
    return Place(
        out / "parts" / f"{name}.json",
        out / "parts" / f"{name}.csv",
        out / "labels" / f"{name}.tif",
        out / "overlays" / f"{name}.jpg",
    )


def measure(
    folder: files.StrPath,
    out: files.StrPath,
    request: pore_study.Request,
    subfolders: str = "auto",
    **options: Any,
) -> pd.DataFrame:
    """Measure the pores of every micrograph of a data folder, read as a run reads it.

    Parameters
    ----------
    folder : path-like
        As for `collection.survey`. What ``pores.yaml`` says there goes first.
    out : path-like
        Gets ``pictures.csv``, ``pores.csv``, and for each micrograph ``labels/<name>.tif`` and ``overlays/<name>.jpg``.
    request : pore_study.Request
    subfolders : {"auto", "groups", "ignore"}
    **options
        Of `contents.Options`, but for those of the crop and of one scale for all: pixel_size_um, stack, bar,
        max_megapixels, n_jobs.

    Returns
    -------
    pandas.DataFrame
        One row per micrograph: name, path, label, group, pixel_size_um, `pore_study.WORDS`, the measures, and
        ``problem``, why one could not be measured. The same is in ``pictures.csv``. A name is the path, with the
        number of the picture and its plane where a file holds several.

    Raises
    ------
    DataError
        If the folder as a whole cannot be used.

    Warns
    -----
    RunWarning
        Of what `preprocessing.process` warns of, but for mixed sizes and scales, and of unknown pixel sizes.
    """
    folder, out = pathlib.Path(folder).absolute(), pathlib.Path(out).absolute()
    chosen = contents.Options(crop=request.crop, um_per_pixel=None, **options)
    known, readings = look(folder, chosen, subfolders)
    choices = pore_choices.read(folder)
    reading.check_tree(out, FOLDERS)
    for message in pore_choices.unmatched(choices, known["path"]):
        warnings.warn(message, RunWarning, stacklevel=2)
    code = provenance.hash_modules(inspect.getsource(sys.modules[__name__]))
    one = functools.partial(_measure_one, folder, out, code)
    items = [
        (row.name, source, row.sha256, row.pixel_size_um, pore_choices.request_for(choices, row.path, request))
        for row, source in zip(known[known["problem"] == ""].itertuples(), readings, strict=True)
    ]
    done = track(scheduling.each(one, items, chosen.n_jobs), "pores", total=len(items))
    rows = [{"problem": problem} if problem else next(done) for problem in known.pop("problem")]
    rows = [dict.fromkeys(pore_study.WORDS) | row | {"problem": row.get("problem")} for row in rows]
    pictures = pd.concat([known.drop(columns="sha256"), pd.DataFrame(rows)], axis=1)
    files.write_csv(out / PICTURES, pictures)
    _gather(out, pictures)
    return pictures


def look(
    folder: pathlib.Path, options: contents.Options, subfolders: str = "auto"
) -> tuple[pd.DataFrame, list[sources.Source]]:
    """Look at all files of a data folder.

    Parameters
    ----------
    folder : pathlib.Path
        Absolute.
    options, subfolders
        As in `preprocessing.read_folder`.

    Returns
    -------
    known : pandas.DataFrame
        One row per picture: name, path, label, group, pixel_size_um, sha256, and problem, empty if there is none.
    readings : list of sources.Source
        Of those without a problem, in this order.
    """
    reading = preprocessing.read_folder(folder, [_SIDE], len, options, subfolders)
    bad = {
        path: f"{safe_names.shown(folder / path)}: {problem}"
        for path, problem in reading.bad[::-1].itertuples(index=False)  # the first of each counts
    }
    known = pd.concat([reading.table[["path", "label", "group"]], reading.rows[["pixel_size_um", "sha256"]]], axis=1)
    known["problem"] = [bad.get(path, "") for path in known["path"]]
    several = known["path"].duplicated(keep=False)
    parts = reading.rows["picture"].astype(str) + "." + reading.rows["plane"].astype(str)
    known.insert(0, "name", known["path"].where(~several, known["path"] + "." + parts))
    good = np.flatnonzero(known["problem"] == "")
    if not len(good):
        return known, []
    index, said = preprocessing.index_of(reading, good, options.crop, in_pixels=False)
    unknown = index["path"][index["pixel_size_um"].isna()].tolist()
    if unknown:
        said.append(f"{first_of(unknown)}: the pixel size is unknown, and every length of the pores stays empty")
    for message in said:
        warnings.warn(message, RunWarning, stacklevel=3)
    return known, sources.of_index(folder, index, options.max_megapixels)


def _measure_one(folder, out, code, name, source, digest, um, request):
    """Measure one micrograph, unless that is done; give its row."""
    where = place(out, name)
    try:
        key = _key(folder, source, digest, um, request, code)
        kept = _kept(where.row)
        if kept.get("key") == key and all(file.exists() for file in where):
            return _from_json(kept["row"])
        study = pore_study.of_file(folder, source, um, request)
    except (DataError, OSError) as error:
        for file in where:
            file.unlink(missing_ok=True)
        return {"problem": str(error)}
    _write(where, source, um, request, study)
    files.write_json(where.row, {"key": key, "row": _to_json(study.row)})  # last: with it, all is there
    return study.row


def _kept(path):
    """Read what was kept of a micrograph; nothing if it is damaged: it is then measured again."""
    try:
        return json_text.read(path, Kept) if path.exists() else {}
    except DataError:
        return {}


def _key(folder, source, digest, um, request, code):
    """Name the results of a micrograph by the file, its mask, how it is read and measured, and the code."""
    path = source.path.relative_to(folder)
    mask = pore_masks.find(folder, path.as_posix()) if request.method == pore_methods.MASKS else None
    how = digest, dataclasses.replace(source, path=path), um, request, provenance.hash_file(mask) if mask else ""
    return hashlib.sha256(repr((*how, code)).encode()).hexdigest()


def _write(where, source, um, request, study):
    files.write_csv(where.pores, study.pores)
    with files.replacing(where.labels) as temporary:
        write_labels(temporary, study.labels, study.side_um)
    shown = pore_overlays.of_file(source, study.labels, request.crop, study.row["verdict"], um, OVERLAY_WIDTH)
    with files.replacing(where.overlay) as temporary:
        Image.fromarray(shown).save(temporary, format="JPEG", quality=85)


def write_labels(path: files.StrPath, labels: NDArray[np.integer], side_um: float) -> None:
    """Write a label image as a TIFF file that ImageJ and Fiji open with its scale, if that is known.

    16 bits while the labels fit, else 32-bit floating point, the only other format of ImageJ that holds them.
    """
    kind = np.uint16 if labels.max(initial=0) <= _WIDEST else np.float32
    scale: dict[str, Any] = {}
    if math.isfinite(side_um):
        scale = {"resolution": (1 / side_um, 1 / side_um), "metadata": {"unit": "um", "axes": "YX"}}
    tifffile.imwrite(path, labels.astype(kind), imagej=True, **scale)


def _gather(out, pictures):
    """Write the table of all pores from those of each picture, one after the other."""
    with files.replacing(out / PORES) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        is_first = True
        for row in pictures.itertuples():
            part = place(out, row.name).pores
            if not isinstance(row.verdict, str) or not part.exists():
                continue
            own = files.read_csv_text(part)
            named = {"name": row.name, "path": row.path, "class": row.label, "group": row.group, "verdict": row.verdict}
            for number, (column, value) in enumerate(named.items()):
                own.insert(number, column, value)
            spreadsheet_cells.guard(own).to_csv(file, index=False, header=is_first, lineterminator="\n")
            is_first = False


def _to_json(row):
    """Write NaN and infinity, which JSON has not, as words."""
    known = {name: isinstance(value, str) or math.isfinite(value) for name, value in row.items()}
    return {name: value if known[name] else str(value) for name, value in row.items()}


def _from_json(row):
    return {name: float(value) if value in ("nan", "inf", "-inf") else value for name, value in row.items()}
