"""One micrograph: read it, grey or in colour; crop and resize it."""

import contextlib
import pathlib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import formats

if TYPE_CHECKING:
    import pandas as pd

#: Fewer pixels than this on a side, after the crop, show no structure that a 128-pixel picture could keep.
SMALLEST_SIDE = 16


def read(path: StrPath, bits: int | None = None, max_megapixels: float = formats.MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """Read a micrograph as 8-bit grey.

    Parameters
    ----------
    path : path-like
        PNG, JPEG, TIFF (LZW included) or BMP; 8 or 16 bits; grey, RGB, RGBA, CMYK or palette.
    bits : int, optional
        Of a 16-bit grey file: ``2**bits - 1`` becomes white. `preprocessing.process` decides it once for all files of
        a folder, so that they stay comparable, and lists it in the index. If not given, it is the least of 8, 10, 12,
        14 and 16 that holds this file's brightest pixel.
    max_megapixels : float
        Larger pictures, in million pixels, are refused before they are decoded.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        Luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B) after the EXIF orientation is applied. Transparency is ignored.

    Raises
    ------
    DataError
        If the file is missing, is not an image, is damaged or too large, or has another number of bits.

    Warns
    -----
    RunWarning
        If the file holds more than one page or frame: the first is read.
    """
    path = pathlib.Path(path)
    with formats.quiet(), _naming(path):
        grey, remarks = formats.grey(contents(path), bits, max_megapixels)
    for remark in remarks:
        warnings.warn(f"{safe_names.shown(path)}: {remark}", RunWarning, stacklevel=2)
    return grey


def read_colour(
    path: StrPath, width: int, bits: int | None = None, max_megapixels: float = formats.MAX_MEGAPIXELS
) -> NDArray[np.uint8]:
    """Read a micrograph as the eye sees it, made smaller for display (other arguments and errors as in `read`).

    Returns
    -------
    ndarray of uint8, shape (h, width, 3)
        RGB with the aspect ratio kept; never enlarged.
    """
    path = pathlib.Path(path)
    with formats.quiet(), _naming(path):
        content = contents(path)
        colour = formats.colour(content, max_megapixels)
        if colour is None:
            colour = Image.fromarray(formats.grey(content, bits, max_megapixels)[0]).convert("RGB")
    colour.thumbnail((width, 16 * width), Image.Resampling.BILINEAR)
    return np.asarray(colour)


def thumbnail_pixels(index: "pd.DataFrame", thumbnails: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.float64]:
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


def preprocess(grey: NDArray[np.uint8], crop: float = 0.15, size: int = 128, margin: int = 0) -> NDArray[np.uint8]:
    """Crop the unlit border away and resize to a square.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    crop : float in [0, 0.45]
        Share of the width cut from the left and from the right, and of the height from top and bottom.
    size : int
        Side of the result in pixels.
    margin : int
        Pixels of the result that are left of the border on every side, at the same scale; the picture is mirrored
        where it ends before.

    Returns
    -------
    ndarray of uint8, shape (size + 2 margin, size + 2 margin)
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
    left, top, right, bottom = crop_box(width, height, crop)
    if min(right - left, bottom - top) < SMALLEST_SIDE:
        raise DataError(
            f"{width}×{height} pixels leave {right - left}×{bottom - top} after the crop; "
            f"at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed"
        )
    across, down = round(margin * (right - left) / size), round(margin * (bottom - top) / size)
    missing = max(across - left, 0), max(down - top, 0)
    grey = np.pad(grey, (missing[1:], missing[:1]), mode="symmetric")
    left, right = left - across + missing[0], right + across + missing[0]
    top, bottom = top - down + missing[1], bottom + down + missing[1]
    # Crop first: a box handed to `resize` would still let the filter see the pixels around it
    cropped = Image.fromarray(grey[top:bottom, left:right])
    side = size + 2 * margin
    return np.asarray(cropped.resize((side, side), Image.Resampling.BILINEAR))


def crop_box(width: int, height: int, crop: float) -> tuple[int, int, int, int]:
    """Give left, top, right and bottom of what `preprocess` keeps, in pixels."""
    left, top = round(crop * width), round(crop * height)
    return left, top, width - left, height - top


def contents(path: pathlib.Path) -> bytes:
    """Read the bytes of a file; DataError if it is something else, since a pipe or a device might never end."""
    check_regular(path)
    return path.read_bytes()


def check_regular(path: pathlib.Path) -> None:
    """Raise DataError if `path` is there, but is no file."""
    if path.exists() and not path.is_file():
        raise DataError("is not a file")


@contextlib.contextmanager
def _naming(path):
    """Begin the message of an error with the file's name, on one line."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{safe_names.shown(path)}: cannot be read ({error.strerror or error})") from error
    except DataError as error:
        raise DataError(f"{safe_names.shown(path)}: {error}") from error
