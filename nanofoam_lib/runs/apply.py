"""Micrographs that came after a run, taken through it: their descriptors, what these tell, and their pores, as files.

Images, descriptors and tables are written as they come, so that memory does not grow with their number.
"""

import contextlib
import itertools
import pathlib
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nanofoam_lib.base import files, memmap, safe_names
from nanofoam_lib.base.errors import DataError, RunWarning, UsageError
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import (
    contents,
    micrograph_tree,
    pore_methods,
    pore_study,
    pore_tables,
    preprocessing,
    same_reading,
)
from nanofoam_lib.images.pore_resolution import SIDE
from nanofoam_lib.report import apply_page
from nanofoam_lib.runs.finished_run import Study, open_run

#: Parameters that are about files, so that new ones may need another value than the run's.
PARAMETERS = ("bar", "stack", "pixel_size_um", "max_megapixels", "skip_bad", "pores")
BLOCK = 2048  # images of which is told at a time
OTHER_SCALE = "other scale"


class Applied(NamedTuple):
    """What came of it."""

    study: Study
    predictions: pd.DataFrame  # a row per image that was used
    said: list[str]  # what a reader must know, of bad images too


def apply(
    run_folder: files.StrPath, folder: files.StrPath, out: files.StrPath, given: Mapping[str, Any] | None = None,
    n_jobs: int = -1,
) -> Applied:  # fmt: skip
    """Take the micrographs of a folder through a finished run.

    Parameters
    ----------
    run_folder : path-like
        See `finished_run.open_run`; nothing in it is changed.
    folder : path-like
        See `micrograph_tree.survey`. What ``pores.yaml`` says there goes before `pores`.
    out : path-like
        Gets ``descriptors/<kind>-<latent_dim>.csv`` and ``.npz``, ``predictions.csv`` (see `finished_run.Study.judge`),
        ``nearest.csv`` (the run's micrographs that are most like each), ``pores.csv`` unless `pores` is "none",
        and ``images.npy``, the images as the networks see them.
    given : dict, optional
        Values of `PARAMETERS` that go before the run's.
    n_jobs : int
        See `preprocessing.process`.

    Returns
    -------
    Applied

    Raises
    ------
    DataError
        If the run or the folder cannot be used, or an image is bad and `skip_bad` is false.
    UsageError
        If `out` lies in the run folder.

    Warns
    -----
    RunWarning
        Of what `preprocessing.process` warns of, of other scales than the run's, and of bad images that are left out.
    """
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    _check_apart(run_folder, folder, out)
    study = open_run(run_folder)
    values = study.parameters | dict(given or {})
    options = contents.Options(
        values["crop"], values["pixel_size_um"], values["stack"], values["bar"], None, values["max_megapixels"], n_jobs
    )
    out.mkdir(parents=True, exist_ok=True)
    index, said = _read(study, folder, out, options, values["skip_bad"])
    for message in said:
        warnings.warn(message, RunWarning, stacklevel=2)
    with contextlib.closing(_begin_pores(folder, index, values, options)) as pores:
        _describe(study, index, out)
        if values["pores"] != pore_methods.NONE:
            _write_pores(index, out, pores)
    return Applied(study, files.read_csv(out / apply_page.PREDICTIONS), said)


def write_page(applied: Applied, out: files.StrPath, name: str, lang: str = "en") -> pathlib.Path:
    """Write ``index.html`` into the folder that `apply` has filled; give its path.

    Parameters
    ----------
    applied : Applied
    out : path-like
    name : str
        Of the micrographs.
    lang : {"en", "es"}
    """
    study = applied.study
    facts: dict[str, Any] = {"run": study.run.folder.resolve().name, "told_by": study.told_by}
    facts |= {"placed_by": study.placed_by, "level": study.detector.level, "n_groups": study.detector.n_groups}
    facts["properties"] = {
        name: (predictor.half_width, predictor.n_specimens) for name, predictor in study.predictors.items()
    }
    facts["by_pores"] = study.reader is not None
    table1 = study.run.table("table1")
    scores = files.read_csv(table1) if table1.exists() and study.is_supervised else None
    known = study.run.load_images()
    return apply_page.write(out, name, applied.predictions, facts, known, applied.said, scores, lang)


def _check_apart(run_folder, folder, out):
    run, place = pathlib.Path(run_folder).resolve(), out.resolve()
    if run == place or run in place.parents:
        raise UsageError(f"--out {safe_names.shown(out)}: lies in the run, which is not changed; choose another folder")
    if place == folder.resolve():
        raise UsageError(f"--out {safe_names.shown(out)}: is the folder of the micrographs; choose another one")


def _read(study, folder, out, options, skip_bad):
    """Write the images as the networks see them; give their index, and what a reader must know."""
    listed = micrograph_tree.survey(folder, study.classes, without=[out])
    with tempfile.TemporaryFile(dir=out) as rows:
        reading = preprocessing.read_listed(folder, listed, [SIDE], rows.write, options, study.reading)
        good = _choose_good(folder, reading, skip_bad)
        preprocessing.copy_rows(rows, good, {SIDE: out / "images.npy"})
    index, said = preprocessing.index_of(reading, good, options.crop, SIDE, in_pixels=False)
    index["remark"] = np.where(same_reading.of_another_scale(index, study.index), OTHER_SCALE, "")
    bad = [f"{safe_names.shown(path)}: {why}; left out" for path, why in reading.bad.itertuples(index=False)]
    return index, [*said, *_of_scale(index, study.index), *bad]


def _choose_good(folder, reading, skip_bad):
    """Give the rows that are used; DataError if any is bad and must not be, or if none is left."""
    bad, good = reading.bad, reading.good
    if len(bad) and not skip_bad:
        raise DataError(
            f"{safe_names.shown(folder / bad['path'][0])}: {bad['problem'][0]}; {len(bad)} bad in all, which "
            "-p skip_bad=true leaves out"
        )
    if not len(good):
        raise DataError(f"{safe_names.shown(folder)}: none of its {len(reading.table)} images can be used")
    return good


def _of_scale(index, known):
    """Say what the scale of new images makes of comparing them with the run's."""
    other, unknown = index["remark"] == OTHER_SCALE, index["um_x"].isna()
    said = []
    if other.any():
        um, seen = (np.sqrt(table["um_x"] * table["um_y"]) for table in (index[other], known))
        said.append(
            f"{other.sum()} images show other scales ({um.min():.3g} to {um.max():.3g} µm per pixel as networks see "
            f"them) than the run has seen ({seen.min():.3g} to {seen.max():.3g}): they are held to lie off it, and "
            "what is told of them is worth little"
        )
    if unknown.any() and known["um_x"].notna().any():
        said.append(
            f"the pixel size of {unknown.sum()} images is unknown: whether they show the run's scale cannot be told; "
            "give it in metadata.csv or by -p pixel_size_um"
        )
    return said


def _describe(study, index, out):
    """Write the descriptors of all images, and what they tell."""
    from nanofoam_lib.models import descriptors

    images = memmap.load(out / "images.npy")
    latents = study.encode(images)
    for model in track(study.models, "writing descriptors"):
        own = descriptors.of_model(latents, model)
        descriptors.write(out / "descriptors" / study.run.descriptors(*model).name, index, own)
    for name, blocks in ((apply_page.PREDICTIONS, _judged), (apply_page.NEAREST, _nearest)):
        n = len(memmap.slices(len(index), BLOCK))
        files.write_csv_blocks(out / name, track(blocks(study, index, latents), f"writing {name}", total=n))


def _judged(study, index, latents):
    """Yield the table of predictions block by block."""
    known = study.index.drop_duplicates("sha256").set_index("sha256")["split"]
    several = ["picture", "plane"] if index["path"].duplicated().any() else []  # of one file
    for rows in memmap.slices(len(index), BLOCK):
        own, found = index.iloc[rows].reset_index(drop=True), study.judge(latents, rows)
        found["off_manifold"] |= own["remark"] == OTHER_SCALE
        found["in_run"] = own["sha256"].map(known).fillna("")
        yield pd.concat([own[["path", *several, "label", "group"]], found, own["remark"]], axis=1)


def _nearest(study, index, latents):
    """Yield the run's micrographs that are most like each image, the nearest first."""
    for rows in memmap.slices(len(index), BLOCK):
        away, places = study.nearest(memmap.take(latents[study.placed_by], rows))
        n, k = away.shape
        known = study.index.iloc[places.ravel()]
        named = {"path": np.repeat(index["path"].iloc[rows].to_numpy(str), k), "rank": np.tile(np.arange(1, k + 1), n)}
        shown = {"known": known["path"].to_numpy(), "known_label": known["label"].to_numpy(), "known_id": known["id"]}
        yield pd.DataFrame(named | shown | {"distance": away.ravel()})


def _begin_pores(folder, index, values, options):
    """Yield a row per image: the measures that a run follows. Other processes begin at once, not when asked."""
    if values["pores"] == pore_methods.NONE:
        return (row for row in ())
    rows = pore_tables.each(folder, index, values["pores"], options.crop, options.max_megapixels, options.n_jobs)
    first = next(rows)
    return (row for row in itertools.chain([first], rows))


def _write_pores(index, out, rows):
    """Write a row per image: the measures that a run follows, and whether they can be believed."""
    columns = [*pore_study.WORDS, *pore_tables.MEASURES, "problem"]
    done = iter(track(rows, "pores", total=len(index)))
    blocks = (
        index[["path", "label", "group"]].iloc[part].reset_index(drop=True).join(
            pd.DataFrame(list(itertools.islice(done, part.stop - part.start)), columns=columns)
        )
        for part in memmap.slices(len(index), BLOCK)
    )  # fmt: skip
    files.write_csv_blocks(out / apply_page.PORES, blocks)
