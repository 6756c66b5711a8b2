"""From a data folder to one array: read, crop and resize every image, index them, and say what is wrong with which."""

import functools
import hashlib
import pathlib
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from nanofoam_lib.base import files, safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import (
    collection,
    consistency,
    contents,
    exposure,
    field_of_view,
    formats,
    levels,
    metadata,
    micrographs,
    sources,
)

#: Pixels around an image that training may shift its window by.
MARGIN = 12


class Reading(NamedTuple):
    """All that is known of the pictures of a data folder, but for their pixels."""

    table: pd.DataFrame  # as `collection.list_folder` gives it, with a row per picture
    rows: pd.DataFrame  # of each: that of `contents.Contents`, width, height, sha256, problem, remarks
    field: field_of_view.Field | None  # what is shown of each
    bad: pd.DataFrame  # path and problem, a row per problem
    said: list[str]  # of the folder as a whole

    @property
    def good(self) -> np.ndarray:
        """Rows without a problem, of classes without one."""
        paths, labels = self.table["path"], self.table["label"]
        return np.flatnonzero(~(paths.isin(self.bad["path"]) | labels.isin(self.bad["path"])).to_numpy())


def process(
    folder: files.StrPath, target: files.StrPath, crop: micrographs.Crop = 0.15, size: int = 128,
    pixel_size_um: float | None = None, skip_bad: bool = False,
    max_megapixels: float = formats.MAX_MEGAPIXELS, n_jobs: int = -1,
    wide: files.StrPath | None = None, subfolders: str = "auto", stack: str = "first", bar: str | float = "auto",
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
    subfolders : {"auto", "groups", "ignore"}
        See `collection.survey`.
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
        If an image is bad and `skip_bad` is false, naming the first and the count; or if of several classes too few are
        left.

    Warns
    -----
    RunWarning
        Of all that is odd, but no reason to leave an image out: metadata and images that do not match, files that are
        not looked at, several pages in one file, one grey level, saturation, mixed sizes, pixel sizes or bit depths.
    """
    folder, target = pathlib.Path(folder), pathlib.Path(target)
    targets = {size: target} if wide is None else {size: target, size + 2 * MARGIN: wide}
    options = contents.Options(crop, pixel_size_um, stack, bar, um_per_pixel, max_megapixels, n_jobs)
    with tempfile.TemporaryFile(dir=target.parent) as rows:
        reading = read_folder(folder, [*targets], rows.write, options, subfolders)
        good = _choose_good(folder, reading, skip_bad)
        copy_rows(rows, good, targets)
    index, said = index_of(reading, good, crop, size)
    for message in said:
        warnings.warn(message, RunWarning, stacklevel=2)
    return index, reading.bad


def read_folder(
    folder: pathlib.Path, sides: Sequence[int], write: Callable[[bytes], Any], options: contents.Options,
    subfolders: str = "auto",
) -> Reading:  # fmt: skip
    """Read every image of a data folder: `write` its pixels once for each of `sides`, zeros for a bad one.

    Parameters
    ----------
    folder : pathlib.Path
    sides : sequence of int
        The first is that of the picture; those that follow have margins around it.
    write : callable
        Takes bytes, one image after the other.
    options : contents.Options
    subfolders
        As in `process`.

    Returns
    -------
    Reading
    """
    return read_listed(folder, collection.survey(folder, subfolders), sides, write, options)


def read_listed(
    folder: pathlib.Path, listed: collection.Survey, sides: Sequence[int], write: Callable[[bytes], Any],
    options: contents.Options, decided: contents.Decided | None = None,
) -> Reading:  # fmt: skip
    """Read images that are listed already, as `read_folder` does.

    With `decided`, they are read as others were, and each is judged by itself: two of the same content, or one alone
    in its class, are no problem then.
    """
    found = contents.look(folder, listed.table, options, decided)
    rows = pd.concat([found.rows.drop(columns="bar"), _read_all(folder, found, options, sides, write)], axis=1)
    rows["remarks"] = rows.pop("of_head") + rows["remarks"]
    bad = _find_problems(rows) if decided is None else _own_problems(rows)
    return Reading(found.table, rows, found.field, bad, [*listed.said, *found.said])


def index_of(
    reading: Reading, chosen: np.ndarray, crop: micrographs.Crop = 0.15, size: int = 128, in_pixels: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """Index some pictures of a `Reading`, and say what a reader of results must know: as `process` does of the good.

    Mixed sizes and scales are said only where pictures will be compared `in_pixels`.
    """
    names = [name for name in metadata.INDEX_COLUMNS if name in reading.rows and name not in reading.table]
    measured = reading.rows[[*names, "pixel_size_um"]]
    index = pd.concat([reading.table.drop(columns="pixel_size_um"), measured], axis=1).iloc[chosen]
    index = _finish_index(index.reset_index(drop=True), crop, size, reading.field)
    own = consistency.remarks(index["path"], reading.rows.iloc[chosen].to_dict("records"))
    mixed = consistency.mixtures(index, reading.field is not None) if in_pixels else []
    return index, [*reading.said, *own, *mixed, *consistency.odd_lengths(index)]


def _read_all(folder, found, options, sides, write):
    """Read all pictures, `write` the pixels of each (zeros for a bad one), and tabulate what else is known of each.

    Each is written once for each of `sides`, the first without a margin.
    """
    names = [*sources.COLUMNS, "is_cut", "pixel_size_um"]
    parts = [(path, own[names].to_dict("records")) for path, own in found.rows.groupby("path", sort=False)]
    one = functools.partial(_process_file, options=options, field=found.field, sides=sides)
    results = []
    for own in contents.each_file(one, folder, parts, "reading micrographs", options.n_jobs):
        for result in own:
            for pixels in result.pop("pixels") or [np.zeros((side, side), np.uint8) for side in sides]:
                write(pixels.tobytes())
            results.append(result)
    return pd.DataFrame(results)


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
            beside = sources.beside(folder / path)
            with formats.quiet(), formats.opened(file, beside, options.max_megapixels) as pictures:
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
    n_known = len(picture.remarks)
    found = picture.flatten(row["plane"])
    late = list(dict.fromkeys(picture.remarks[n_known:]))
    edges = sources.parse_bar(row["bar"]) if row["is_cut"] else options.edges(found)
    grey = levels.Scale(row["black"], row["white"]).apply(edges.cut(found))
    result["height"], result["width"] = grey.shape
    result["bar"] = sources.write_bar(edges)
    margins = [(side - sides[0]) // 2 for side in sides]
    try:
        if field is None:
            pixels = [micrographs.preprocess(grey, options.crop, sides[0], margin) for margin in margins]
        else:
            um = row["pixel_size_um"]
            pixels = [field_of_view.show(grey, options.crop, um, field, sides[0], margin) for margin in margins]
    except DataError as error:
        result["problem"] = str(error)
        return
    result["pixels"] = pixels
    result["remarks"] = [*late, *exposure.remarks(grey, pixels[0], options.crop)]


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


def _own_problems(rows):
    bad = rows.loc[rows["problem"] != "", ["path", "problem"]]
    return bad.drop_duplicates().reset_index(drop=True)


def _choose_good(folder, reading, skip_bad):
    """Give the rows that are used: ndarray of int; DataError if that is too few, or if any is bad and must not be."""
    bad, good = reading.bad, reading.good
    if len(bad) and not skip_bad:
        raise DataError(
            f"{safe_names.shown(folder / bad['path'][0])}: {bad['problem'][0]}; {len(bad)} bad in all. See them with "
            f"'nanofoam check {safe_names.shown(folder)}', or leave them out with -p skip_bad=true"
        )
    left = reading.table["label"].iloc[good].nunique()
    if left < min(2, reading.table["label"].nunique()):
        what = "fewer than two classes are" if left else "nothing is"
        raise DataError(f"{safe_names.shown(folder)}: {what} left without the {len(bad)} bad images")
    return good


def copy_rows(rows: IO[bytes], keep: np.ndarray, targets: Mapping[int, files.StrPath]) -> None:
    """Write the pictures numbered `keep` of the raw file `rows` as ``.npy`` arrays: `targets` by the side of each."""
    lengths = [side * side for side in targets]
    for number, (side, target) in enumerate(targets.items()):
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(keep), side, side)}
        with files.replacing(target) as temporary, temporary.open("wb") as array:
            np.lib.format.write_array_header_1_0(array, header)
            for row in keep:
                rows.seek(int(row) * sum(lengths) + sum(lengths[:number]))
                array.write(rows.read(lengths[number]))


def _finish_index(index, crop, size, field):
    if field is None:
        boxes = [micrographs.crop_box(*shape, crop) for shape in zip(index["width"], index["height"], strict=True)]
        index["um_x"] = index["pixel_size_um"] * [(right - left) / size for left, _, right, _ in boxes]
        index["um_y"] = index["pixel_size_um"] * [(bottom - top) / size for _, top, _, bottom in boxes]
    else:
        index["um_x"] = index["um_y"] = field.side_um / size
    index["id"] = np.arange(len(index))
    first = [name for name in metadata.INDEX_COLUMNS if name in index]
    return index[first + [name for name in index if name not in first]]
