"""A data folder as a table: which images there are, and what their metadata says."""

import hashlib
import pathlib
import warnings
from collections.abc import Collection

import numpy as np
import pandas as pd

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import pore_masks

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

METADATA = "metadata.csv"
_COUNTS = {1: "one class is", 2: "two classes are"}

#: Columns of a run's index, before any further columns of the metadata.
INDEX_COLUMNS = ("id", "path", "label", "group", "split", "width", "height", "um_x", "um_y", "sha256", "bits")


def list_folder(folder: StrPath, fewest: int = 2) -> pd.DataFrame:
    """List the images of a data folder, with what ``metadata.csv`` says of them.

    Parameters
    ----------
    folder : path-like
        ``folder/<class>/<image>``, at least two classes; optional ``folder/metadata.csv`` with
        ``path,label,group,pixel_size_um``.
    fewest : int
        Classes that it must hold.

    Returns
    -------
    pandas.DataFrame
        One row per image in the order of its path: `path` (relative, with ``/``), `label` (the class folder),
        `group` (the image's own path where metadata names none), `pixel_size_um` (NaN where unknown), then any
        further metadata columns.

    Raises
    ------
    DataError
        If the folder is missing, holds fewer than two classes, or its metadata cannot be used.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(
            f"{safe_names.shown(folder)}: {what}; give a data folder with one sub-folder of images per class"
        )
    paths = _find_images(folder)
    classes = sorted({path.split("/")[0] for path in paths})
    if len(classes) < fewest:
        found = f"only the class '{safe_names.shown(classes[0])}'" if classes else "no images"
        raise DataError(
            f"{safe_names.shown(folder)}: {found} found; at least {_COUNTS[fewest]} needed, as "
            f"{safe_names.shown(folder.name)}/<class>/*.png (or {', '.join(SUFFIXES[1:])})"
        )
    table = pd.DataFrame({"path": paths, "label": [path.split("/")[0] for path in paths]})
    metadata = _read_metadata(folder)
    table = table.merge(metadata, on="path", how="left", validate="one_to_one")
    table["group"] = table["group"].where(table["group"].notna(), table["path"])
    return table


def compare_metadata(folder: StrPath, table: pd.DataFrame) -> list[str]:
    """Say where ``metadata.csv`` and the images of a data folder do not match.

    Parameters
    ----------
    folder : path-like
    table : pandas.DataFrame
        As `list_folder` gives it.

    Returns
    -------
    list of str
        Empty if they match, or if there is no metadata.
    """
    if not (pathlib.Path(folder) / METADATA).exists():
        return []
    described = _read_metadata(folder)["path"]
    said = []
    unknown = table["path"][~table["path"].isin(described)]
    if len(unknown):
        said.append(f"{METADATA} has no row for {first_of(unknown)}: each such image is taken for a group of its own")
    absent = described[~described.isin(table["path"])]
    if len(absent):
        said.append(f"{METADATA} lists {first_of(absent)}, which the data folder does not hold")
    return said


def check_apart(folder: StrPath, run_folder: StrPath) -> None:
    """Raise UsageError if a data folder is the run folder or lies in it, where a run removes what earlier ones left.

    A run folder inside the data folder is no harm: its images lie too deep to be taken for a class.
    """
    place, run = pathlib.Path(folder).resolve(), pathlib.Path(run_folder).resolve()
    if place == run or run in place.parents:
        inner, outer = safe_names.shown(folder), safe_names.shown(run_folder)
        raise UsageError(f"--data {inner}: lies in the run folder {outer}; choose another --out")


def check_unchanged(folder: StrPath, index: pd.DataFrame) -> None:
    """Raise DataError if an image is no longer what it was when it was read.

    Parameters
    ----------
    folder : path-like
    index : pandas.DataFrame
        Columns `path` and `sha256`.
    """
    pairs = zip(index["path"], index["sha256"], strict=True)
    for path, digest in track(pairs, "looking whether files changed", total=len(index)):
        place = pathlib.Path(folder, path)
        if not place.is_file() or hashlib.sha256(place.read_bytes()).hexdigest() != digest:
            raise DataError(
                f"{safe_names.shown(place)}: changed while it was read; run again when nothing writes there"
            )


def first_of(paths: Collection[str]) -> str:
    """Name the first of some paths, and say how many more there are."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return safe_names.shown(next(iter(paths))) + more


def _find_images(folder):
    """List the images by relative path, in an order that depends on their names alone."""
    classes = [place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")]
    classes = [place for place in classes if place.name != pore_masks.FOLDER]
    found = (file for place in classes for file in place.iterdir() if file.suffix.lower() in SUFFIXES)
    paths = sorted(f"{file.parent.name}/{file.name}" for file in found if not file.name.startswith("."))
    stems = {path.rpartition(".")[0] for path in paths}
    paths = [path for path in paths if not pore_masks.is_mask(path, stems)]
    for path in paths:
        if any("\ud800" <= c <= "\udfff" for c in path):  # Python's stand-ins for bytes that mean nothing
            raise DataError(f"{safe_names.shown(folder / path)}: its name is not UTF-8; rename it")
    return paths


def _read_metadata(folder):
    """Read path, group, pixel_size_um and any further columns of ``metadata.csv``; check what can be wrong."""
    path = folder / METADATA
    if not path.exists() and not path.is_symlink():
        return pd.DataFrame({"path": [], "group": [], "pixel_size_um": []}).astype({"path": str, "group": str})
    if not path.is_file() or not safe_names.is_inside(folder, METADATA):
        raise DataError(f"{safe_names.shown(path)}: is not a file in the data folder")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # rows that are longer than the header
            text = dict.fromkeys(("path", "label", "group", "pixel_size_um"), str)
            metadata = pd.read_csv(path, dtype=text, index_col=False)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise DataError(f"{safe_names.shown(path)}: cannot be read as CSV ({' '.join(str(error).split())})") from error
    if "path" not in metadata:
        raise DataError(f"{safe_names.shown(path)}: has no column 'path'; expected path,label,group,pixel_size_um")
    missing = [column for column in ("label", "group", "pixel_size_um") if column not in metadata]
    metadata = pd.concat([metadata, pd.DataFrame(None, metadata.index, missing, dtype=object)], axis=1)
    problem = _find_problem(metadata)
    if problem:
        raise DataError(f"{safe_names.shown(path)}: {problem}")
    metadata["pixel_size_um"] = pd.to_numeric(metadata["pixel_size_um"])
    ours = [name for name in metadata if name in INDEX_COLUMNS and name not in ("path", "group")]
    return metadata.drop(columns=ours)


def _find_problem(metadata):
    """Say what is wrong with the first bad row of ``metadata.csv``; None if nothing is."""
    paths, labels, sizes = metadata["path"], metadata["label"], metadata["pixel_size_um"]
    if paths.isna().any():
        return f"row {paths.isna().argmax() + 1} has no path"
    outside = paths[[safe_names.leads_out(path) for path in paths]]
    if len(outside):
        return f"'{safe_names.shown(outside.iloc[0])}' leads out of the data folder; give paths like <class>/<image>"
    if paths.duplicated().any():
        return f"lists {safe_names.shown(paths[paths.duplicated()].iloc[0])} twice"
    strange = metadata[labels.notna() & (labels != paths.str.split("/").str[0])]
    if len(strange):
        first = strange.iloc[0]
        return f"{safe_names.shown(first['path'])} has the label '{safe_names.shown(first['label'])}', not its folder's"
    lengths = pd.to_numeric(sizes, errors="coerce")
    strange = metadata[sizes.notna() & ~((lengths > 0) & np.isfinite(lengths))]
    if len(strange):
        first = strange.iloc[0]
        size = safe_names.shown(first["pixel_size_um"])
        return f"pixel_size_um of {safe_names.shown(first['path'])} is '{size}', not a length in µm"
    return None
