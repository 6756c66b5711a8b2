"""A data folder as a table: which images there are, and what their metadata says."""

import pathlib

import numpy as np
import pandas as pd

from nanofoam_lib.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

#: Columns of a run's index, before any further columns of the metadata.
INDEX_COLUMNS = ("id", "path", "label", "group", "split", "width", "height", "um_x", "um_y", "sha256")


def list_folder(folder):
    """List the images of a data folder, with what ``metadata.csv`` says of them.

    Parameters
    ----------
    folder : path-like
        ``folder/<class>/<image>``, at least two classes; optional ``folder/metadata.csv`` with
        ``path,label,group,pixel_size_um``.

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
        raise DataError(f"{folder}: {what}; give a data folder with one sub-folder of images per class")
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.glob("*/*")
        if path.suffix.lower() in SUFFIXES and not path.parent.name.startswith(".") and not path.name.startswith(".")
    )
    classes = sorted({path.split("/")[0] for path in paths})
    if len(classes) < 2:
        found = f"only the class '{classes[0]}'" if classes else "no images"
        raise DataError(
            f"{folder}: {found} found; at least two classes are needed, as {folder.name}/<class>/*.png "
            f"(or {', '.join(SUFFIXES[1:])})"
        )
    table = pd.DataFrame({"path": paths, "label": [path.split("/")[0] for path in paths]})
    metadata = _read_metadata(folder / "metadata.csv", table)
    table = table.merge(metadata, on="path", how="left", validate="one_to_one")
    table["group"] = table["group"].where(table["group"].notna(), table["path"])
    return table


def _read_metadata(path, table):
    """Read path, group, pixel_size_um and any further columns for the images of `table`; check what can be wrong."""
    if not path.exists():
        return pd.DataFrame({"path": table["path"], "group": None, "pixel_size_um": np.nan})
    try:
        metadata = pd.read_csv(path, dtype={"path": str, "label": str, "group": str})
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})".replace("\n", " ")) from error
    if "path" not in metadata:
        raise DataError(f"{path}: has no column 'path'; expected path,label,group,pixel_size_um")
    for column in ("label", "group", "pixel_size_um"):
        if column not in metadata:
            metadata[column] = np.nan
    twice = metadata[metadata["path"].duplicated()]
    if len(twice):
        raise DataError(f"{path}: lists {twice['path'].iloc[0]} twice")
    folder_of = metadata["path"].str.split("/").str[0]
    strange = metadata[metadata["label"].notna() & (metadata["label"] != folder_of)]
    if len(strange):
        raise DataError(
            f"{path}: {strange['path'].iloc[0]} has the label '{strange['label'].iloc[0]}', not its folder's"
        )
    sizes = pd.to_numeric(metadata["pixel_size_um"], errors="coerce")
    strange = metadata[metadata["pixel_size_um"].notna() & ~(sizes > 0)]
    if len(strange):
        row = strange.iloc[0]
        raise DataError(f"{path}: pixel_size_um of {row['path']} is '{row['pixel_size_um']}', not a length in µm")
    metadata["pixel_size_um"] = sizes
    ours = [name for name in metadata if name in INDEX_COLUMNS and name not in ("path", "group")]
    return metadata.drop(columns=ours)
