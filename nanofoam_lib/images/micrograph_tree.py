"""Micrographs that came after a run: all that lie in a folder of whatever shape, and what their folders call them."""

import os
import pathlib
import unicodedata
from collections.abc import Collection

import pandas as pd

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import folder_walk, formats, metadata, pore_masks
from nanofoam_lib.images.collection import Survey


def survey(folder: StrPath, classes: Collection[str] = (), without: Collection[StrPath] = ()) -> Survey:
    """List the images below a folder, at any depth.

    Parameters
    ----------
    folder : path-like
        Images directly in it, in folders, in folders of folders; optional ``metadata.csv``, see `metadata.read`. Masks
        (`pore_masks`), run folders and results of this library are no images.
    classes : collection of str
        Names of classes that are known.
    without : collection of path-like
        Folders that are not looked into.

    Returns
    -------
    Survey
        As `collection.survey`, but `label` is the innermost folder that is called as one of `classes`, or empty; and
        `group`, where metadata names none, the image's own path.

    Raises
    ------
    DataError
        If there is no such folder, or no image in it, or its metadata cannot be used.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(f"{safe_names.shown(folder)}: {what}; give a folder of micrographs")
    paths = _images(folder, {pathlib.Path(other).resolve() for other in without})
    if not paths:
        known = ", ".join(formats.suffixes())
        raise DataError(f"{safe_names.shown(folder)}: no images found; give a folder of micrographs ({known})")
    for path in paths:
        if any("\ud800" <= letter <= "\udfff" for letter in path):  # Python's stand-ins for bytes that mean nothing
            raise DataError(f"{safe_names.shown(folder / path)}: its name is not UTF-8; rename it")
    known = metadata.read(folder, paths)
    table = pd.DataFrame({"path": paths, "label": [_label(path, classes) for path in paths]}, dtype=str)
    table = pd.concat([table, known.table], axis=1)
    table["group"] = table["group"].where(table["group"] != "", table["path"])
    return Survey(table, list(known.said))


def _images(folder, without):
    """List the images by their paths relative to the folder, in order."""
    found = []
    for root, folders, names in os.walk(folder):
        place = pathlib.Path(root)
        folders[:] = [
            name
            for name in folders
            if not folder_walk.is_left_over(name)
            and not (place / name / "manifest.json").is_file()  # a run
            and (place / name).resolve() not in without
        ]
        inner = place.relative_to(folder)
        found += [
            (inner / name).as_posix()
            for name in names
            if folder_walk.is_image(name) and not folder_walk.is_left_over(name)
        ]
    stems = {path.rpartition(".")[0] for path in found}
    return sorted(path for path in found if not pore_masks.is_mask(path, stems))


def _label(path, classes):
    """Give the innermost folder of a path that is the name of a class, or an empty str."""
    folders = [unicodedata.normalize("NFC", part) for part in path.split("/")[:-1]]
    return next((part for part in reversed(folders) if part in classes), "")
