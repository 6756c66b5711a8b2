"""From a folder of micrographs to one array: read, grey, crop, resize, index."""

import hashlib
import io
import pathlib
import tempfile
import warnings

import joblib
import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from nanofoam_lib import collection, files
from nanofoam_lib.errors import DataError, RunWarning
from nanofoam_lib.progress import track

#: Fewer pixels than this on a side, after the crop, show no structure that a 128-pixel picture could keep.
SMALLEST_SIDE = 16


def read(path):
    """Read a micrograph as 8-bit grey.

    Parameters
    ----------
    path : path-like
        PNG, JPEG, TIFF (LZW included) or BMP; 8 or 16 bits; grey, RGB, RGBA or palette.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        Luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B) after the EXIF orientation is applied. 16-bit grey is scaled by
        its full range, 0…65535 to 0…255, so that files of one series stay comparable. Transparency is ignored.

    Raises
    ------
    DataError
        If the file is missing, is not an image, is cut short, or has a pixel type other than 8 or 16 bits.
    """
    path = pathlib.Path(path)
    try:
        return _decode(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def read_colour(path, width):
    """Read a micrograph as the eye sees it, made smaller for display.

    Returns
    -------
    ndarray of uint8, shape (h, width, 3)
        RGB with the aspect ratio kept; never enlarged.
    """
    with Image.open(path) as image:
        if image.mode.startswith("I;16"):
            colour = Image.fromarray(read(path)).convert("RGB")
        else:
            colour = ImageOps.exif_transpose(image).convert("RGB")
    colour.thumbnail((width, 16 * width), Image.Resampling.BILINEAR)
    return np.asarray(colour)


def load(path):
    """Open an array that `process` wrote, memory-mapped: uint8 (N, size, size)."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def thumbnail_pixels(index, thumbnails):
    """Give the pixel sizes of thumbnails in µm: ndarray (n, 2), NaN where the micrograph's is unknown.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `width` (of the micrograph, in pixels) and `pixel_size_um`, one row per thumbnail.
    thumbnails : dict
        Name → ndarray (h, w, 3), in the order of `index`.
    """
    widths = np.array([image.shape[1] for image in thumbnails.values()])
    pixel_um = index["pixel_size_um"].to_numpy(float) * index["width"].to_numpy() / widths
    return np.column_stack([pixel_um, pixel_um])


def preprocess(grey, crop=0.15, size=128):
    """Crop the unlit border away and resize to a square.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    crop : float in [0, 0.45]
        Share of the width cut from the left and from the right, and of the height from top and bottom.
    size : int
        Side of the result in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        The triangle filter is as wide as a target pixel, so nothing aliases. A picture that is not square is
        squeezed: 1600×1200 becomes 1120×840, then 128×128 with pixels 8.75 wide and 6.56 high.

    Raises
    ------
    DataError
        If fewer than 16 pixels are left on a side.

    Examples
    --------
    >>> import numpy as np
    >>> preprocess(np.full((1200, 1600), 7, np.uint8)).shape
    (128, 128)
    """
    grey = np.asarray(grey)
    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"grey must be uint8 of shape (H, W), not {grey.dtype} of shape {grey.shape}")
    if not 0 <= crop <= 0.45:
        raise ValueError(f"crop must lie in 0…0.45, not {crop}")
    height, width = grey.shape
    left, top, right, bottom = _crop_box(width, height, crop)
    if min(right - left, bottom - top) < SMALLEST_SIDE:
        raise DataError(
            f"{width}×{height} pixels leave {right - left}×{bottom - top} after the crop; "
            f"at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed"
        )
    # Crop first: a box handed to `resize` would still let the filter see the pixels around it
    cropped = Image.fromarray(grey[top:bottom, left:right])
    return np.asarray(cropped.resize((size, size), Image.Resampling.BILINEAR))


def check(folder, crop=0.15, n_jobs=-1):
    """Read every image of a data folder and list what is wrong with each bad one.

    Returns
    -------
    pandas.DataFrame
        Columns `path` and `problem`, one row per problem: unreadable or truncated files, images too small,
        exact duplicates, classes with fewer than two usable images. Empty if all is well.

    Raises
    ------
    DataError
        If the folder as a whole cannot be used (see `collection.list_folder`).
    """
    table = collection.list_folder(folder)
    results = _process_all(pathlib.Path(folder), table["path"], crop, 128, n_jobs)
    return _find_problems(table, [result | {"pixels": None} for result in results])


def process(folder, target, crop=0.15, size=128, pixel_size_um=None, skip_bad=False, n_jobs=-1):
    """Read, grey, crop and resize every image of a data folder into one array on disk.

    Parameters
    ----------
    folder : path-like
        Data folder, see `collection.list_folder`.
    target : path-like
        Where to write the ``.npy``. Rows are written as they come: memory does not grow with their number.
    crop, size
        See `preprocess`.
    pixel_size_um : float, optional
        Pixel size of the raw images in µm, for those whose size ``metadata.csv`` does not give.
    skip_bad : bool
        Leave bad images out instead of stopping.
    n_jobs : int
        Threads; -1 is all cores. The result does not depend on it.

    Returns
    -------
    index : pandas.DataFrame
        One row per row of the array: `id`, `path`, `label`, `group`, `width`, `height` (raw, in pixels), `um_x`,
        `um_y` (size of a pixel of the *result* in µm, NaN where unknown), `sha256` of the file, further metadata.
    bad : pandas.DataFrame
        `path` and `problem` of the images left out.

    Raises
    ------
    DataError
        If an image is bad and `skip_bad` is false, naming the first and the count; or if too few classes are left.

    Warns
    -----
    RunWarning
        If image sizes or pixel sizes are mixed.
    """
    folder, target = pathlib.Path(folder), pathlib.Path(target)
    table = collection.list_folder(folder)
    results = []
    with tempfile.TemporaryFile(dir=target.parent) as rows:
        for result in _process_all(folder, table["path"], crop, size, n_jobs):
            pixels = result.pop("pixels")
            rows.write(pixels.tobytes() if pixels is not None else bytes(size * size))
            results.append(result)
        bad = _find_problems(table, results)
        if len(bad) and not skip_bad:
            raise DataError(
                f"{folder / bad['path'][0]}: {bad['problem'][0]}; {len(bad)} bad in all. See them with "
                f"'nanofoam check {folder}', or leave them out with -p skip_bad=true"
            )
        good = np.flatnonzero(~_is_left_out(table, bad))
        if table["label"].iloc[good].nunique() < 2:
            raise DataError(f"{folder}: fewer than two classes are left without the {len(bad)} bad images")
        _copy_rows(rows, good, size, target)
    index = pd.concat([table, pd.DataFrame(results)], axis=1).iloc[good].reset_index(drop=True)
    return _finish_index(index, crop, size, pixel_size_um), bad


def _decode(content):
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("L", image.size)  # JPEG: decode the luma alone, at full size
            image = ImageOps.exif_transpose(image)
            return _to_grey(image)
    except UnidentifiedImageError:
        raise DataError("is not an image of a known format") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"cannot be decoded ({error})") from error


def _to_grey(image):
    if image.mode.startswith("I;16"):
        return ((np.asarray(image).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if image.mode in ("I", "F"):
        raise DataError("has 32 bits per pixel; save it with 8 or 16")
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _crop_box(width, height, crop):
    left, top = round(crop * width), round(crop * height)
    return left, top, width - left, height - top


def _process_all(folder, paths, crop, size, n_jobs):
    """Yield pixels, width, height, sha256 and problem of each path, in order."""
    # Threads suffice: decoding, resizing and hashing all release the interpreter lock
    work = joblib.Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    results = work(joblib.delayed(_process_one)(folder / path, crop, size) for path in paths)
    yield from track(results, "reading micrographs", total=len(paths))


def _process_one(path, crop, size):
    result = {"pixels": None, "width": 0, "height": 0, "sha256": "", "problem": ""}
    try:
        content = path.read_bytes()
        result["sha256"] = hashlib.sha256(content).hexdigest()
        grey = _decode(content)
        result["height"], result["width"] = grey.shape
        result["pixels"] = preprocess(grey, crop, size)
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
            rows.append((path, f"is an exact duplicate of {original}"))
        else:
            usable[label] += 1
    for label, count in usable.items():
        if count < 2:
            rows.append((label, f"class with {count} usable images; at least 2 are needed"))
    return pd.DataFrame(rows, columns=["path", "problem"])


def _is_left_out(table, bad):
    return (table["path"].isin(bad["path"]) | table["label"].isin(bad["path"])).to_numpy()


def _copy_rows(rows, keep, size, target):
    """Write the rows numbered `keep` of the raw file `rows` as an ``.npy`` array."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(keep), size, size)}
    with files.replacing(target) as temporary, temporary.open("wb") as array:
        np.lib.format.write_array_header_1_0(array, header)
        for row in keep:
            rows.seek(int(row) * size * size)
            array.write(rows.read(size * size))


def _finish_index(index, crop, size, pixel_size_um):
    if pixel_size_um is not None:
        index["pixel_size_um"] = index["pixel_size_um"].fillna(pixel_size_um)
    boxes = [_crop_box(*shape, crop) for shape in zip(index["width"], index["height"], strict=True)]
    index["um_x"] = index["pixel_size_um"] * [(right - left) / size for left, _, right, _ in boxes]
    index["um_y"] = index["pixel_size_um"] * [(bottom - top) / size for _, top, _, bottom in boxes]
    index["id"] = np.arange(len(index))
    for names, what in ((["width", "height"], "image sizes"), (["pixel_size_um"], "pixel sizes")):
        kinds = index[names].drop_duplicates()
        if len(kinds) > 1:
            shown = ", ".join("×".join(f"{value:g}" for value in row) for row in kinds.head(3).to_numpy())
            warnings.warn(
                f"mixed {what} ({shown}{', …' if len(kinds) > 3 else ''}): "
                "the same structure will look different in size",
                RunWarning,
                stacklevel=3,
            )
    first = [name for name in collection.INDEX_COLUMNS if name in index]
    return index[first + [name for name in index if name not in (*first, "problem")]]
