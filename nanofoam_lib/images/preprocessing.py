"""From a data folder to one array: read, crop and resize every image, index them, and say what is wrong with which."""

import dataclasses
import functools
import hashlib
import pathlib
import tempfile
import warnings
from typing import Any

import numpy as np
import pandas as pd

from nanofoam_lib.base import files, safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import (
    collection,
    field_of_view,
    folder_remarks,
    formats,
    levels,
    micrographs,
    sources,
    contents,
)

#: Pixels around an image that training may shift its window by.
MARGIN = 12


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a data folder holds.

    Parameters
    ----------
    index : pandas.DataFrame
        Of the pictures that can be used; see `process`.
    problems : pandas.DataFrame
        Columns `path` and `problem`, one row per problem: unreadable, damaged or too large files, links out of the
        folder, images too small, exact duplicates, classes with fewer than two usable images. Empty if all is well.
    remarks : list of str
        What is odd, but no reason to leave an image out.
    facts : list of str
        What was made of the pixels; see `folder_remarks.describe`.
    """

    index: pd.DataFrame
    problems: pd.DataFrame
    remarks: list[str]
    facts: list[str]


def inspect(folder: files.StrPath, size: int = 128, **options: Any) -> Inspection:
    """Read every image of a data folder as `process` does, with the same options, and keep none."""
    folder = pathlib.Path(folder)
    table = collection.list_folder(folder)
    chosen = contents.Options(**options)
    found, rows = _read_all(folder, table, chosen, [size], lambda pixels: None)
    problems = _find_problems(rows)
    good = np.flatnonzero(~_is_left_out(rows, problems))
    index = _finish_index(found, rows, good, chosen, size)
    remarks = _said_of(folder, table, found, rows, index)
    return Inspection(index, problems, remarks, folder_remarks.describe(index))


def check(folder: files.StrPath, **options: Any) -> pd.DataFrame:
    """Read every image of a data folder and list what is wrong with each bad one.

    Parameters
    ----------
    folder, **options
        As in `process`.

    Returns
    -------
    pandas.DataFrame
        The problems of `Inspection`.

    Raises
    ------
    DataError
        If the folder as a whole cannot be used (see `collection.list_folder`).

    Warns
    -----
    RunWarning
        Of what is odd, but no reason to leave an image out: see `process`.
    """
    found = inspect(folder, **options)
    _warn(found.remarks)
    return found.problems


def process(
    folder: files.StrPath, target: files.StrPath, crop: micrographs.Crop = 0.15, size: int = 128,
    pixel_size_um: float | None = None, skip_bad: bool = False,
    max_megapixels: float = formats.MAX_MEGAPIXELS, n_jobs: int = -1,
    wide: files.StrPath | None = None, stack: str = "first", bar: str | float = "auto",
    um_per_pixel: str | float | None = field_of_view.AUTO,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Read, grey, crop and resize every image of a data folder into one array on disk.

    Parameters
    ----------
    folder : path-like
        Data folder, see `collection.list_folder`.
    target : path-like
        Where to write the ``.npy``. Rows are written as they come: memory does not grow with their number.
    crop, size
        See `micrographs.preprocess`.
    pixel_size_um : float, optional
        Pixel size of the raw images in µm, for those whose size ``metadata.csv`` does not give; it goes before what
        files say of themselves.
    skip_bad : bool
        Leave bad images out instead of stopping.
    max_megapixels : float
        See `micrographs.read`.
    n_jobs : int
        Threads on this machine; -1 is all cores. The result does not depend on it, nor on where `scheduling.each`
        has the images read.
    wide : path-like, optional
        Where to write a second array, of the same pictures with `MARGIN` pixels more on every side: training draws its
        windows from them.
    stack : {"first", "max", "mean", "each"}
        What becomes of files with several planes; with ``each`` every plane is a picture of the group of its file.
    bar : "auto", "none" or int
        Whether data bars are found (`data_bars.find`) and cut off before the crop, or so many pixels at the bottom.
    um_per_pixel : "auto", "none" or float
        At what scale the results show the micrographs: see `field_of_view.decide`.

    Returns
    -------
    index : pandas.DataFrame
        One row per row of the array: `id`, `path`, `label`, `group`, `width`, `height` (raw, in pixels, without data
        bars), `um_x`, `um_y` (size of a pixel of the *result* in µm, NaN where unknown), `sha256` of the file,
        `picture` and `plane` (which of the file), `levels` (one of `levels.KINDS`), `black` and `white` (the levels
        that became 0 and 255, the same for all of a kind: see `levels.decide`), `bar` (what was cut off: see
        `sources.write_bar`), `pixel_size_um` and `pixel_size_from`, further metadata.
    bad : pandas.DataFrame
        `path` and `problem` of the images left out.

    Raises
    ------
    DataError
        If an image is bad and `skip_bad` is false, naming the first and the count; or if too few classes are left.

    Warns
    -----
    RunWarning
        If ``metadata.csv`` and the images do not match, files hold several pages, images show one grey level only, or
        image sizes, pixel sizes or bit depths are mixed.
    """
    folder, target = pathlib.Path(folder), pathlib.Path(target)
    table = collection.list_folder(folder)
    options = contents.Options(crop, pixel_size_um, stack, bar, um_per_pixel, max_megapixels, n_jobs)
    targets = {size: target} if wide is None else {size: target, size + 2 * MARGIN: wide}
    with tempfile.TemporaryFile(dir=target.parent) as pixels:
        found, rows = _read_all(folder, table, options, [*targets], pixels.write)
        bad = _find_problems(rows)
        good = _choose_good(folder, rows, bad, skip_bad)
        _copy_rows(pixels, good, targets)
    index = _finish_index(found, rows, good, options, size)
    _warn(_said_of(folder, table, found, rows.iloc[good], index))
    return index, bad


def _read_all(folder, table, options, sides, write):
    """Read all images, `write` the pixels of each (zeros for a bad one), and list what else is known of each.

    Each is written once for each of `sides`, the first without a margin.
    """
    found = contents.look(folder, table, options)
    rows = found.rows
    names = [*sources.COLUMNS, "is_cut", "pixel_size_um"]
    parts = [(path, own[names].to_dict("records")) for path, own in rows.groupby("path", sort=False)]
    one = functools.partial(_process_file, options=options, field=found.field, sides=sides)
    results = []
    for own in contents.each_file(one, folder, parts, "reading micrographs", options.n_jobs):
        for result in own:
            for pixels in result.pop("pixels") or [np.zeros((side, side), np.uint8) for side in sides]:
                write(pixels.tobytes())
            results.append(result)
    read = pd.DataFrame(results)
    read["remarks"] = [[*head, *own] for head, own in zip(rows["remarks"], read["remarks"], strict=True)]
    return found, pd.concat([rows.drop(columns=["bar", "remarks", "is_cut", "is_read", "is_deep"]), read], axis=1)


def _process_file(folder, path, wanted, options, field, sides):
    """Give of each picture pixels (one array for each of `sides`), width, height, sha256, bar, problem and remarks."""
    results = [
        {"pixels": None, "width": 0, "height": 0, "sha256": "", "bar": "", "problem": "", "remarks": []} for _ in wanted
    ]
    try:
        if not safe_names.is_inside(folder, path):
            raise DataError("is a link that leads out of the data folder; copy the image into it")
        sources.check_regular(folder / path)
        with (folder / path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            with (
                formats.quiet(),
                formats.opened(file, sources.beside(folder / path), options.max_megapixels) as pictures,
            ):
                for result, row in zip(results, wanted, strict=True):
                    result["sha256"] = digest
                    _process_one(pictures[row["picture"]], row, result, options, field, sides)
    except OSError as error:
        _complain(results, f"cannot be read ({error.strerror or error})")
    except DataError as error:
        _complain(results, str(error))
    return results


def _complain(results, problem):
    for result in results:
        if result["pixels"] is None and not result["problem"]:
            result["problem"] = problem


def _process_one(picture, row, result, options, field, sides):
    """Fill in the result of one picture."""
    found = picture.flatten(row["plane"])
    edges = sources.parse_bar(row["bar"]) if row["is_cut"] else options.edges(found)
    grey = levels.Scale(row["black"], row["white"]).apply(edges.cut(found))
    result["height"], result["width"] = grey.shape
    result["bar"] = sources.write_bar(edges)
    size = sides[0]
    try:
        if field is None:
            pixels = [micrographs.preprocess(grey, options.crop, size, (side - size) // 2) for side in sides]
        else:
            um = row["pixel_size_um"]
            pixels = [field_of_view.show(grey, options.crop, um, field, size, (side - size) // 2) for side in sides]
    except DataError as error:
        result["problem"] = str(error)
        return
    result["pixels"] = pixels
    if pixels[0].min() == pixels[0].max():
        result["remarks"].append("shows one grey level only")


def _find_problems(rows):
    """List bad files, exact duplicates and classes that are left with fewer than two images."""
    found, first_with = [], {}
    usable = dict.fromkeys(rows["label"], 0)
    for row in rows.itertuples():
        original = first_with.setdefault(row.sha256, row.path) if row.sha256 else row.path
        if row.problem:
            found.append((row.path, row.problem))
        elif original != row.path:
            found.append((row.path, f"is an exact duplicate of {safe_names.shown(original)}"))
        else:
            usable[row.label] += 1
    for label, count in usable.items():
        if count < 2:
            found.append((label, f"class with {count} usable images; at least 2 are needed"))
    return pd.DataFrame(list(dict.fromkeys(found)), columns=["path", "problem"])


def _is_left_out(table, bad):
    return (table["path"].isin(bad["path"]) | table["label"].isin(bad["path"])).to_numpy()


def _choose_good(folder, table, bad, skip_bad):
    """Give the rows that are used: ndarray of int; DataError if that is too few, or if any is bad and must not be."""
    if len(bad) and not skip_bad:
        raise DataError(
            f"{safe_names.shown(folder / bad['path'][0])}: {bad['problem'][0]}; {len(bad)} bad in all. See them with "
            f"'nanofoam check {safe_names.shown(folder)}', or leave them out with -p skip_bad=true"
        )
    good = np.flatnonzero(~_is_left_out(table, bad))
    if table["label"].iloc[good].nunique() < 2:
        raise DataError(
            f"{safe_names.shown(folder)}: fewer than two classes are left without the {len(bad)} bad images"
        )
    return good


def _copy_rows(rows, keep, targets):
    """Write the pictures numbered `keep` of the raw file `rows` as ``.npy`` arrays: `targets` by the side of each."""
    lengths = [side * side for side in targets]
    for number, (side, target) in enumerate(targets.items()):
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(keep), side, side)}
        with files.replacing(target) as temporary, temporary.open("wb") as array:
            np.lib.format.write_array_header_1_0(array, header)
            for row in keep:
                rows.seek(int(row) * sum(lengths) + sum(lengths[:number]))
                array.write(rows.read(lengths[number]))


def _finish_index(found, rows, good, options, size):
    measured = rows.drop(columns=["path", "label", "problem", "remarks"])
    index = pd.concat([found.table.drop(columns="pixel_size_um"), measured], axis=1).iloc[good].reset_index(drop=True)
    field = found.field
    if field is None:
        shapes = zip(index["width"], index["height"], strict=True)
        boxes = [micrographs.crop_box(*shape, options.crop) for shape in shapes]
        index["um_x"] = index["pixel_size_um"] * [(right - left) / size for left, _, right, _ in boxes]
        index["um_y"] = index["pixel_size_um"] * [(bottom - top) / size for _, top, _, bottom in boxes]
    else:
        index["um_x"] = index["um_y"] = field.side_um / size
    index["id"] = np.arange(len(index))
    first = [name for name in collection.INDEX_COLUMNS if name in index]
    return index[first + [name for name in index if name not in first]]


def _said_of(folder, table, found, rows, index):
    said = [*collection.compare_metadata(folder, table), *folder_remarks.of_files(rows)]
    return [*said, *folder_remarks.mixtures(index, found.field is not None), *found.said]


def _warn(messages):
    for message in messages:
        warnings.warn(message, RunWarning, stacklevel=3)
