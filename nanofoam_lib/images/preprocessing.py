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

from nanofoam_lib.base import files, safe_names, scheduling
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import collection, consistency, exposure, formats, metadata, micrographs

#: Pixels around an image that training may shift its window by.
MARGIN = 12


class Reading(NamedTuple):
    """All that is known of the images of a data folder, but for their pixels."""

    table: pd.DataFrame  # as `collection.list_folder` gives it
    results: list[dict[str, Any]]  # of each row: width, height, sha256, bits, depth, problem, remarks
    bad: pd.DataFrame  # path and problem, a row per problem
    said: list[str]  # of the folder as a whole

    @property
    def good(self) -> np.ndarray:
        """Rows without a problem, of classes without one."""
        paths, labels = self.table["path"], self.table["label"]
        return np.flatnonzero(~(paths.isin(self.bad["path"]) | labels.isin(self.bad["path"])).to_numpy())


def process(
    folder: files.StrPath, target: files.StrPath, crop: float = 0.15, size: int = 128,
    pixel_size_um: float | None = None, skip_bad: bool = False,
    max_megapixels: float = formats.MAX_MEGAPIXELS, n_jobs: int = -1,
    wide: files.StrPath | None = None, subfolders: str = "auto",
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
        Pixel size of the raw images in µm, for those whose size ``metadata.csv`` does not give.
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

    Returns
    -------
    index : pandas.DataFrame
        One row per row of the array: `id`, `path`, `label`, `group`, `width`, `height` (raw, in pixels), `um_x`,
        `um_y` (size of a pixel of the *result* in µm, NaN where unknown), `sha256` of the file, `bits` (used of
        16-bit grey files, the same for all: see `micrographs.read`), further metadata.
    bad : pandas.DataFrame
        `path` and `problem` of the images left out.

    Raises
    ------
    DataError
        If an image is bad and `skip_bad` is false, naming the first and the count; or if too few classes are left.

    Warns
    -----
    RunWarning
        Of all that is odd, but no reason to leave an image out: metadata and images that do not match, files that are
        not looked at, several pages in one file, one grey level, saturation, mixed sizes, pixel sizes or bit depths.
    """
    folder, target = pathlib.Path(folder), pathlib.Path(target)
    targets = {size: target} if wide is None else {size: target, size + 2 * MARGIN: wide}
    with tempfile.TemporaryFile(dir=target.parent) as rows:
        reading = read_folder(folder, [*targets], rows.write, crop, max_megapixels, n_jobs, subfolders)
        good = _choose_good(folder, reading, skip_bad)
        copy_rows(rows, good, targets)
    index, said = index_of(reading, good, crop, size, pixel_size_um)
    for message in said:
        warnings.warn(message, RunWarning, stacklevel=2)
    return index, reading.bad


def read_folder(
    folder: pathlib.Path, sides: Sequence[int], write: Callable[[bytes], Any], crop: float = 0.15,
    max_megapixels: float = formats.MAX_MEGAPIXELS, n_jobs: int = -1, subfolders: str = "auto",
) -> Reading:  # fmt: skip
    """Read every image of a data folder: `write` its pixels once for each of `sides`, zeros for a bad one.

    Parameters
    ----------
    folder : pathlib.Path
    sides : sequence of int
        The first is that of the picture; those that follow have margins around it.
    write : callable
        Takes bytes, one image after the other.
    crop, max_megapixels, n_jobs, subfolders
        As in `process`.

    Returns
    -------
    Reading
    """
    table, said = collection.survey(folder, subfolders)
    results = _read_all(folder, table["path"], crop, sides, max_megapixels, n_jobs, write)
    return Reading(table, results, _find_problems(table, results), said)


def index_of(
    reading: Reading, rows: np.ndarray, crop: float = 0.15, size: int = 128, pixel_size_um: float | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Index some images of a `Reading`, and say what a reader of results must know: as `process` does of the good."""
    measured = pd.DataFrame(reading.results)[["width", "height", "sha256", "bits"]]
    index = pd.concat([reading.table, measured], axis=1).iloc[rows].reset_index(drop=True)
    index = _finish_index(index, crop, size, pixel_size_um)
    own = [reading.results[row] for row in rows]
    mixed = consistency.mixtures(index.assign(depth=[result["depth"] for result in own]))
    return index, [*reading.said, *consistency.remarks(index["path"], own), *mixed, *consistency.odd_lengths(index)]


def _read_all(folder, paths, crop, sides, max_megapixels, n_jobs, write):
    """Read all images, `write` the pixels of each (zeros for a bad one), and list what else is known of each.

    Each is written once for each of `sides`, the first without a margin.
    """
    results = []
    depths = [*_of_each(_depth, folder, paths, n_jobs, "looking for 16-bit files", max_megapixels=max_megapixels)]
    options = {"crop": crop, "sides": sides, "bits": max(depths, default=8), "max_megapixels": max_megapixels}
    read = _of_each(_process_one, folder, paths, n_jobs, "reading micrographs", **options)
    for result, depth in zip(read, depths, strict=True):
        pixels = result.pop("pixels") or [np.zeros((side, side), np.uint8) for side in sides]
        for own in pixels:
            write(own.tobytes())
        results.append(result | {"depth": depth if depth == 8 else result["bits"]})  # 16 bits are scaled alike
    return results


def _of_each(function, folder, paths, n_jobs, what, **options):
    """Yield ``function(folder, path, **options)`` of each path, in order."""
    items = ((folder.absolute(), path) for path in paths)
    # Threads suffice: decoding, resizing and hashing all release the interpreter lock
    work = scheduling.each(functools.partial(function, **options), items, n_jobs, prefer="threads")
    yield from track(work, what, total=len(paths))


def _depth(folder, path, max_megapixels):
    """Count the bits that a file uses, 8 if it cannot be read: why is said when its pixels are."""
    try:
        micrographs.check_regular(folder / path)
        with formats.quiet(), (folder / path).open("rb") as file:
            return formats.depth(file, max_megapixels)
    except (OSError, DataError):
        return 8


def _process_one(folder, path, crop, sides, bits, max_megapixels):
    """Give pixels (one array for each of `sides`), width, height, sha256, bits, problem and remarks of one image."""
    result = {"pixels": None, "width": 0, "height": 0, "sha256": "", "bits": bits, "problem": "", "remarks": []}
    try:
        if not safe_names.is_inside(folder, path):
            raise DataError("is a link that leads out of the data folder; copy the image into it")
        content = micrographs.contents(folder / path)
        result["sha256"] = hashlib.sha256(content).hexdigest()
        with formats.quiet():
            grey, result["remarks"] = formats.grey(content, bits, max_megapixels)
        result["height"], result["width"] = grey.shape
        size = sides[0]
        pixels = [micrographs.preprocess(grey, crop, size, (side - size) // 2) for side in sides]
        result["pixels"] = pixels
        result["remarks"] = [*result["remarks"], *exposure.remarks(grey, pixels[0], crop)]
    except OSError as error:
        result["problem"] = f"cannot be read ({error.strerror or error})"
    except DataError as error:
        result["problem"] = str(error)
    return result


def _find_problems(table, results):
    """List bad files, exact duplicates and classes that are left with fewer than two images."""
    rows, first_with = [], {}
    usable = dict.fromkeys(table["label"], 0)
    for path, label, result in zip(table["path"], table["label"], results, strict=True):
        original = first_with.setdefault(result["sha256"], path) if result["sha256"] else path
        if result["problem"]:
            rows.append((path, result["problem"]))
        elif original != path:
            rows.append((path, f"is an exact duplicate of {safe_names.shown(original)}"))
        else:
            usable[label] += 1
    for label, count in usable.items():
        if count < 2:
            rows.append((label, f"class with {count} usable images; at least 2 are needed"))
    return pd.DataFrame(rows, columns=["path", "problem"])


def _choose_good(folder, reading, skip_bad):
    """Give the rows that are used: ndarray of int; DataError if that is too few, or if any is bad and must not be."""
    bad, good = reading.bad, reading.good
    if len(bad) and not skip_bad:
        raise DataError(
            f"{safe_names.shown(folder / bad['path'][0])}: {bad['problem'][0]}; {len(bad)} bad in all. See them with "
            f"'nanofoam check {safe_names.shown(folder)}', or leave them out with -p skip_bad=true"
        )
    if reading.table["label"].iloc[good].nunique() < 2:
        raise DataError(
            f"{safe_names.shown(folder)}: fewer than two classes are left without the {len(bad)} bad images"
        )
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


def _finish_index(index, crop, size, pixel_size_um):
    if pixel_size_um is not None:
        index["pixel_size_um"] = index["pixel_size_um"].fillna(pixel_size_um)
    boxes = [micrographs.crop_box(*shape, crop) for shape in zip(index["width"], index["height"], strict=True)]
    index["um_x"] = index["pixel_size_um"] * [(right - left) / size for left, _, right, _ in boxes]
    index["um_y"] = index["pixel_size_um"] * [(bottom - top) / size for _, top, _, bottom in boxes]
    index["id"] = np.arange(len(index))
    first = [name for name in metadata.INDEX_COLUMNS if name in index]
    return index[first + [name for name in index if name not in first]]
