"""One micrograph: read it, grey or in colour; crop and resize it."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import formats, sources

if TYPE_CHECKING:
    import pandas as pd

#: Share that is cropped at each side, or shares at [top, right, bottom, left].
Crop = float | Sequence[float]

#: Fewer pixels than this on a side, after the crop, show no structure that a 128-pixel picture could keep.
SMALLEST_SIDE = 16


def read(source: StrPath | sources.Source, max_megapixels: float = formats.MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """Read a micrograph as 8-bit grey.

    Parameters
    ----------
    source : path-like or Source
        PNG, JPEG, TIFF or BMP, or what the extra ``vendor`` reads; of 8 or more bits, signed or floating-point; grey,
        RGB, RGBA, CMYK, LAB or palette. A file is read whole, and of more than 8 bits by its own scale
        (`levels.decide`); `sources.of_index` gives the sources of a run, by one scale for all and without data bars.
    max_megapixels : float
        Larger pictures, in million pixels, are refused before they are decoded (a source has its own limit).

    Returns
    -------
    ndarray of uint8, shape (H, W)
        Luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B), upright. Transparency is ignored.

    Raises
    ------
    DataError
        If the file is missing, is not an image, is damaged or too large, or holds pixels of an unknown kind.

    Warns
    -----
    RunWarning
        Of what is odd: the file holds several planes, of which the first is read.
    """
    reading = sources.of(source, max_megapixels)
    with formats.quiet(), sources.naming(reading.path):
        grey, remarks = reading.grey()
    for remark in remarks:
        warnings.warn(f"{safe_names.shown(reading.path)}: {remark}", RunWarning, stacklevel=2)
    return grey


def read_colour(
    source: StrPath | sources.Source, width: int, max_megapixels: float = formats.MAX_MEGAPIXELS
) -> NDArray[np.uint8]:
    """Read a micrograph as the eye sees it, made smaller for display (other arguments and errors as in `read`).

    Returns
    -------
    ndarray of uint8, shape (h, width, 3)
        RGB with the aspect ratio kept; never enlarged.
    """
    reading = sources.of(source, max_megapixels)
    with formats.quiet(), sources.naming(reading.path):
        colour = reading.colour() or Image.fromarray(reading.grey()[0]).convert("RGB")
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


def preprocess(grey: NDArray[np.uint8], crop: Crop = 0.15, size: int = 128, margin: int = 0) -> NDArray[np.uint8]:
    """Crop the unlit border away and resize to a square.

    Parameters
    ----------
    grey : ndarray of uint8, shape (H, W)
    crop : float in [0, 0.45], or four of them
        Share of the width cut from the left and from the right, and of the height from top and bottom; or the share at
        each side, as [top, right, bottom, left].
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
    height, width = grey.shape
    left, top, right, bottom = crop_box(width, height, crop)
    if min(right - left, bottom - top) < SMALLEST_SIDE:
        raise DataError(
            f"{width}×{height} pixels leave {right - left}×{bottom - top} after the crop; "
            f"at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed"
        )
    across, down = round(margin * (right - left) / size), round(margin * (bottom - top) / size)
    side = size + 2 * margin
    box = (left - across, top - down, right + across, bottom + down)
    # Crop first: a box handed to `resize` would still let the filter see the pixels around it
    return np.asarray(Image.fromarray(mirrored(grey, box)).resize((side, side), Image.Resampling.BILINEAR))


def mirrored(grey: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Cut out a box (left, top, right, bottom), in pixels; beyond the picture lies its mirror image."""
    left, top, right, bottom = box
    height, width = grey.shape
    across, down = (max(-left, 0), max(right - width, 0)), (max(-top, 0), max(bottom - height, 0))
    grey = np.pad(grey, (down, across), mode="symmetric")
    return grey[top + down[0] : bottom + down[0], left + across[0] : right + across[0]]


def crop_box(width: int, height: int, crop: Crop) -> tuple[int, int, int, int]:
    """Give left, top, right and bottom of what `preprocess` keeps, in pixels; ValueError if `crop` makes no sense."""
    shares = [crop] * 4 if isinstance(crop, int | float) else list(crop)
    if len(shares) != 4 or not all(0 <= share <= 0.45 for share in shares):
        raise ValueError(f"crop must lie in 0…0.45, or be four such numbers, not {crop}")
    top, right, bottom, left = shares
    return round(left * width), round(top * height), width - round(right * width), height - round(bottom * height)
