"""What an image file holds: each format that is read, and all that can be wrong with one."""

import contextlib
import io
import threading
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nanofoam_lib.base.errors import DataError

#: Told from the content, whatever a file is called; Pillow's other formats are never tried (one starts Ghostscript).
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
#: Bits that cameras use of the 16 in a file.
DEPTHS = (8, 10, 12, 14, 16)
#: Largest picture that is decoded unless told otherwise, in million pixels; a micrograph has 1 to 20.
MAX_MEGAPIXELS = 100.0

_lock, _changes = threading.Lock(), []  # of the blocks of `quiet` that are open, taken back in reverse order

MORE_PAGES = "holds more than one page or frame, of which the first is read"


@contextlib.contextmanager
def quiet():
    """Silence Pillow, and leave the limit on pixels to this module, for the time of a ``with`` block.

    Both are settings of the whole process, which the blocks of several threads share: the first that begins changes
    them, and the last that ends takes the change back.
    """
    with _lock:
        _changes.append(_silenced())
        _changes[-1].__enter__()
    try:
        yield
    finally:
        with _lock:
            _changes.pop().__exit__(None, None, None)


@contextlib.contextmanager
def _silenced():
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        yield
        Image.MAX_IMAGE_PIXELS = limit


def grey(content, bits=None, max_megapixels=MAX_MEGAPIXELS):
    """Decode an image file as 8-bit grey.

    Parameters
    ----------
    content : bytes
        The whole file.
    bits : int, optional
        Of 16-bit grey: ``2**bits - 1`` becomes white. If not given, the `depth` of this file.
    max_megapixels : float
        Larger pictures are refused before they are decoded.

    Returns
    -------
    grey : ndarray of uint8, shape (H, W)
        Luma (ITU-R 601) after the EXIF orientation is applied; transparency is ignored.
    remarks : list of str
        What a reader must know of a file that was read.

    Raises
    ------
    DataError
        If it cannot be read; the message follows the file's name.
    """
    with _opened(io.BytesIO(content), max_megapixels) as image:
        remarks = [MORE_PAGES] if getattr(image, "is_animated", False) else []
        image.draft("L", image.size)  # JPEG: decode the luma alone, at full size
        is_deep_colour = ";16" in str(image.tile) and not _is_deep_grey(image)
        levels = _levels(ImageOps.exif_transpose(image), bits)
    if is_deep_colour and levels.max(initial=0) < 16:
        raise DataError("uses at most 12 of 16 bits per colour, of which only the upper 8 are read; save it as grey")
    return levels, remarks


def colour(content, max_megapixels=MAX_MEGAPIXELS):
    """Decode an image file as 8-bit colour, upright: `PIL.Image.Image` in mode RGB, or None if it is 16-bit grey.

    Raises
    ------
    DataError
        As `grey`.
    """
    with _opened(io.BytesIO(content), max_megapixels) as image:
        return None if _is_deep_grey(image) else ImageOps.exif_transpose(image).convert("RGB")


def depth(file, max_megapixels=MAX_MEGAPIXELS):
    """Count the bits that an image uses for its grey levels.

    Parameters
    ----------
    file : binary file object
        Only its head is read, unless it is 16-bit grey.
    max_megapixels : float
        As in `grey`.

    Returns
    -------
    int
        The least of `DEPTHS` that holds the brightest pixel of a 16-bit grey image; 8 for any other.

    Raises
    ------
    DataError
        As `grey`.
    """
    with _opened(file, max_megapixels) as image:
        return _bits(np.asarray(image)) if _is_deep_grey(image) else 8


@contextlib.contextmanager
def _opened(file, max_megapixels):
    try:
        with Image.open(file, formats=FORMATS) as image:
            megapixels = image.width * image.height / 1e6
            if megapixels > max_megapixels:
                raise DataError(
                    f"has {image.width}×{image.height} pixels, {megapixels:.4g} million; "
                    f"max_megapixels allows {max_megapixels:g}"
                )
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError("is not an image of a known format") from None
    except Exception as error:  # a damaged file makes a decoder fail with whatever its damage happens to cause
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"cannot be decoded ({reason})") from error


def _is_deep_grey(image):
    return image.mode.startswith("I;16")


def _bits(levels):
    needed = int(levels.max(initial=0)).bit_length()
    return next(bits for bits in DEPTHS if bits >= needed)


def _levels(image, bits):
    if _is_deep_grey(image):
        levels = np.asarray(image).astype(np.uint32)
        white = 2 ** (bits or _bits(levels)) - 1
        return ((np.minimum(levels, white) * 255 + white // 2) // white).astype(np.uint8)
    if image.mode in ("I", "F"):
        raise DataError("has 32 bits per pixel; save it with 8 or 16")
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))
