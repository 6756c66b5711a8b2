"""A data folder as a table: which images there are, in which classes, and what lies there that is not used."""

import collections
import hashlib
import os
import pathlib
import sys
import unicodedata
from typing import NamedTuple

import pandas as pd

from nanofoam_lib.base import safe_names, terminal
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import folder_walk, formats, metadata, pore_masks, sources
from nanofoam_lib.images.folder_walk import is_image, is_left_over
from nanofoam_lib.images.metadata import first_of

#: Folders of these names hold no material, as a rule.
NO_CLASS = frozenset(["mask", "masks", "result", "results", "output", "thumbnails", "overlay", "overlays", "segmented"])
#: At the top of a folder these may be meant to describe the images; other files there are nobody's business.
TABLES = {".csv", ".tsv", ".xls", ".xlsx", ".xlsm", ".ods"}


class Survey(NamedTuple):
    """The images of a data folder."""

    table: pd.DataFrame  # as `list_folder` gives it
    said: list[str]  # how metadata and folders were understood, and what is not used


class _Class(NamedTuple):
    """What lies in the folder of a class, as paths relative to the data folder."""

    own: list[str]
    nested: list[str]  # images in its sub-folders
    deep: list[str]  # images below these
    masks: list[str]  # images that are called as masks are, or lie in a folder of such
    others: list[str]


def list_folder(folder: StrPath, subfolders: str = "auto") -> pd.DataFrame:
    """List the images of a data folder, with what its metadata says of them; as `survey`, whose table it gives."""
    return survey(folder, subfolders).table


def survey(folder: StrPath, subfolders: str = "auto") -> Survey:
    """Look at what a data folder holds.

    Parameters
    ----------
    folder : path-like
        ``folder/<class>/<image>`` or ``folder/<class>/<specimen>/<image>``; or, where no sub-folder holds images,
        ``folder/<image>``: one class, called as the folder. Optional ``folder/metadata.csv``, see
        `metadata.read`. Masks, see `pore_masks`, are no images.
    subfolders : {"auto", "groups", "ignore"}
        Whether the images in folders within a class are used, each such folder as a group: always, never, or if no
        class is without such folders and none has images beside them.

    Returns
    -------
    Survey
        Its table has one row per image in the order of its path: `path` (relative, with ``/``), `label` (the class
        folder), `group` (where metadata names none, its folder within the class, or else the image's own path),
        `pixel_size_um` (NaN where unknown), then any further metadata columns.

    Raises
    ------
    DataError
        If the folder is missing, holds no images, or its metadata cannot be used.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(
            f"{safe_names.shown(folder)}: {what}; give a data folder with one sub-folder of images per class"
        )
    classes = {place.name: _look_into(folder, place) for place in _class_folders(folder)}
    flat = _flat(folder, classes)
    classes = flat or classes
    nests = subfolders == "groups" or (subfolders == "auto" and _is_nested(classes))
    paths = sorted(path for found in classes.values() for path in (*found.own, *(found.nested if nests else ())))
    if not paths:
        raise DataError(f"{safe_names.shown(folder)}: {_none(folder, classes)}")
    for path in paths:
        if any("\ud800" <= c <= "\udfff" for c in path):  # Python's stand-ins for bytes that mean nothing
            advice = "rename it" if sys.getfilesystemencoding() == "utf-8" else terminal.ADVICE
            raise DataError(f"{safe_names.shown(folder / path)}: its name is not UTF-8; {advice}")
    known = metadata.read(folder, paths)
    names = [next(iter(flat)) if flat else path.split("/")[0] for path in paths]
    labels = [unicodedata.normalize("NFC", name) for name in names]
    if len(set(labels)) < len(set(names)):  # two folders of one name, as two systems write it
        labels = names
    table = pd.DataFrame({"path": paths, "label": labels})
    table = pd.concat([table, known.table], axis=1)
    specimens = [path.rpartition("/")[0] if path.count("/") > 1 else path for path in paths]
    table["group"] = table["group"].where(table["group"] != "", pd.Series(specimens, dtype=str))
    odd = [*_shared(table), *_of_classes(classes, nests), *_masks(folder, classes, paths)]
    return Survey(table, [*known.said, *odd, *_unused(folder, classes, nests, bool(flat))])


def check_apart(folder: StrPath, run_folder: StrPath) -> None:
    """Raise UsageError if a data folder is the run folder or lies in it, where a run removes what earlier ones left.

    A run folder inside the data folder is no harm: it is not taken for a class.
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
    files = index[["path", "sha256"]].drop_duplicates()
    for path, digest in track(files.itertuples(index=False), "looking whether files changed", total=len(files)):
        place = pathlib.Path(folder, path)
        if not place.is_file() or _hash(place) != digest:
            raise DataError(
                f"{safe_names.shown(place)}: changed while it was read; run again when nothing writes there"
            )


def _hash(place):
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _class_folders(folder):
    """List what may be the folder of a class: not a left-over, not a run, not a link back to where it lies."""
    own = folder.resolve()
    places = sorted(place for place in folder.iterdir() if place.is_dir() and not is_left_over(place.name))
    places = [place for place in places if place.name != pore_masks.FOLDER]
    places = [place for place in places if place.resolve() not in (own, *own.parents)]
    return [place for place in places if not (place / "manifest.json").is_file()]


def _flat(folder, classes):
    """Give the images directly in a folder as its one class, if no folder in it holds images; else nothing."""
    if any(found.own or found.nested or found.deep for found in classes.values()):
        return {}
    names = sorted(place.name for place in folder.iterdir() if not is_left_over(place.name))
    found = _without_masks(_Class([name for name in names if is_image(name)], [], [], [], []))
    masks = [path for one in classes.values() for path in one.masks]
    return {folder.resolve().name or "images": found._replace(masks=found.masks + masks)} if found.own else {}


def _look_into(folder, place):
    found = _Class([], [], [], [], [])
    for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
        path = f"{place.name}/{entry.name}"
        if is_left_over(entry.name):
            continue
        if is_image(entry.name):  # a folder that is called so is named when it is read
            found.own.append(path)
        elif not entry.is_dir():
            found.others.append(path)
        elif not entry.is_symlink():
            for inner, name in folder_walk.walk(folder, path):
                kind = found.others if not is_image(name) else found.nested if inner == path else found.deep
                kind.append(f"{inner}/{name}")
    return _without_masks(found)


def _without_masks(found):
    """Put what is called as masks are with the masks."""
    stems = {path.rpartition(".")[0] for path in (*found.own, *found.nested, *found.deep)}
    kept = _Class([], [], [], found.masks, found.others)
    for images, own in zip(found[:3], kept[:3], strict=True):
        for path in images:
            (kept.masks if pore_masks.is_mask(path, stems) else own).append(path)
    return kept


def _is_nested(classes):
    """Tell whether all images lie in sub-folders of two classes or more."""
    filled = [found for found in classes.values() if found.own or found.nested]
    return len(filled) > 1 and not any(found.own for found in filled)


def _none(folder, classes):
    """Say why there are no images."""
    inner = {path.split("/")[1] for found in classes.values() for path in (*found.nested, *found.deep)}
    wanted = (
        f"they are looked for as {safe_names.shown(folder.name)}/<class>/*.png (or {', '.join(formats.suffixes()[1:])})"
    )
    if len(classes) == 1 and len(inner) > 1:
        (outer,) = classes
        return (
            f"the classes lie one level down ({safe_names.shown(', '.join(sorted(inner)))}); give its sub-folder "
            + (safe_names.shown(folder / outer))
        )
    if inner:
        deepest = next(path for found in classes.values() for path in (*found.deep, *found.nested))
        return f"images lie too deep, such as {safe_names.shown(deepest)}; {wanted}"
    return f"no images found; {wanted}"


def _images(paths):
    verb = "image lies" if len(paths) == 1 else "images lie"
    return f"{len(paths)} {verb}"


def _shared(table):
    """Say which groups stand in several classes."""
    classes = table.groupby("group")["label"].nunique()
    shared = sorted(classes.index[classes > 1])
    if not shared:
        return []
    return [
        f"group {first_of(shared)} stands in several classes, and counts as one specimen; if these are different ones, "
        "name them apart"
    ]


def _of_classes(classes, nests):
    """Say what is odd about the folders of classes, and how those within them were understood."""
    said = []
    nested = [path for found in classes.values() for path in found.nested]
    if nested and nests:
        folders = sorted({path.rpartition("/")[0] for path in nested})
        said.append(f"folders within classes are taken for specimens, each a group: {first_of(folders)}")
    filled = {name for name, found in classes.items() if found.own or (nests and found.nested)}
    said += [f"class folder '{safe_names.shown(name)}' holds no images" for name in classes if name not in filled]
    said += [
        f"class folder '{safe_names.shown(name)}' is called like no material; if it is none, move it away"
        for name in filled
        if name.lower() in NO_CLASS
    ]
    alike = collections.defaultdict(list)
    for name in sorted(filled):
        alike[metadata.fold(name)].append(f"'{safe_names.shown(name)}'")
    return said + [f"class folders {' and '.join(same)} are taken for two" for same in alike.values() if len(same) > 1]


def _masks(folder, classes, paths):
    """Say which masks there are, and which belong to no image."""
    known = set(pore_masks.list_all(folder, paths))
    top = [f"{inner}/{name}" for inner, name in folder_walk.walk(folder, pore_masks.FOLDER) if is_image(name)]
    every = [*top, *(path for found in classes.values() for path in found.masks)]
    used, unused = ([path for path in every if (path in known) is is_used] for is_used in (True, False))
    said = [f"masks, used by -p pores=masks: {first_of(used)}"] if used else []
    return said + ([f"masks of no image that is used, and not looked at: {first_of(unused)}"] if unused else [])


def _unused(folder, classes, nests, is_flat):
    """Say what is not looked at: images out of place, files of other kinds, further tables."""
    said = []
    direct = sorted(place.name for place in folder.iterdir() if not is_left_over(place.name) and place.is_file())
    images = [name for name in direct if is_image(name)]
    if images and not is_flat:
        said.append(f"{_images(images)} in no class, such as {safe_names.shown(images[0])}, and not used")
    for kind, way in (("nested", "; -p subfolders=groups takes each sub-folder for a specimen"), ("deep", "")):
        unused = [path for found in classes.values() for path in getattr(found, kind)]
        if unused and (kind == "deep" or not nests):
            lie = f"{_images(unused)} in sub-folders of a class"
            said.append(f"{lie}, such as {safe_names.shown(unused[0])}, and not used{way}")
    used = metadata.find(folder)
    others = [name for name in direct if name != used and pathlib.PurePath(name).suffix.lower() in TABLES]
    images = [path for found in classes.values() for path in (*found.own, *found.nested)]
    beside = {name for path in images for name in sources.names_beside(path)}
    others += [path for found in classes.values() for path in found.others if path not in beside]
    lacking = collections.defaultdict(list)
    for path in others:
        lacking[formats.unread(pathlib.PurePath(path).suffix)].append(path)
    others = lacking.pop("", [])
    said += [f"{first_of(paths)}: {why}" for why, paths in lacking.items()]
    if others:
        kinds = ", ".join(sorted({pathlib.PurePath(path).suffix.lower() or "without suffix" for path in others}))
        said.append(f"not looked at: {first_of(others)} ({safe_names.shown(kinds)})")
    return said
