"""What an image file holds: the pictures in it, each with its planes, and the registry of those who read them."""

import contextlib
import dataclasses
import functools
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images.pixel_sizes import PixelSize

#: Of Pillow's formats, those that are tried; its others are not (one starts Ghostscript).
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
#: Largest picture that is decoded unless told otherwise, in million pixels; a micrograph has 1 to 20.
MAX_MEGAPIXELS = 100.0

#: What becomes of several planes: the first, the greatest or the mean level of each pixel, or a picture of each.
STACKS = ("first", "max", "mean", "each")

MORE_PLANES = (
    "holds more than one page or frame, of which the first is read (-p stack=max, mean or each takes them all)"
)

_lock, _changes = threading.Lock(), []  # of the blocks of `quiet` that are open, taken back in reverse order


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture in a file, not decoded yet.

    Parameters
    ----------
    width, height : int
        Of what is stored, in pixels; the picture may have to be turned.
    load : callable
        Number of a plane → ndarray (H, W) of its levels, upright: of uint8 if they are grey, of another type as the
        detector counted them.
    planes : int
    is_white_low : bool
        Whether a low level is bright; never of uint8.
    is_deep : bool
        Whether it has more than 8 bits.
    pixel_size : PixelSize
    colour : callable, optional
        Gives the first plane as a `PIL.Image.Image` in mode RGB, where it has 8 bits, or None.
    remarks : list of str
        What must be known of it; loading a plane may add some.
    """

    width: int
    height: int
    load: Callable[[int], NDArray[Any]]
    planes: int = 1
    is_white_low: bool = False
    is_deep: bool = False
    pixel_size: PixelSize = dataclasses.field(default_factory=PixelSize)
    colour: Callable[[], Image.Image | None] | None = None
    remarks: list[str] = dataclasses.field(default_factory=list)

    def flatten(self, stack: str) -> NDArray[Any]:
        """Load the planes as one: `stack` is ``first``, ``max``, ``mean`` or the number of a plane."""
        if stack not in ("max", "mean") or self.planes == 1:
            return self.load(0 if stack in STACKS else int(stack))
        levels = self.load(0)
        brighter = np.minimum if self.is_white_low else np.maximum
        total = levels.astype(np.float32) if stack == "mean" else levels.copy()
        for plane in range(1, self.planes):
            other = self.load(plane)
            if other.shape != levels.shape:
                raise DataError("has planes of different sizes; read the first alone with -p stack=first")
            total = total + other if stack == "mean" else brighter(total, other)
        if stack == "max":
            return total
        total /= self.planes
        return total if levels.dtype.kind == "f" else np.rint(total).astype(levels.dtype)

    def parts(self, stack: str) -> list[str]:
        """List what becomes a picture of its own: `stack`, or with ``each`` the number of each plane."""
        return [str(plane) for plane in range(self.planes)] if stack == "each" else [stack]


@dataclasses.dataclass(frozen=True)
class Beside:
    """What lies beside a file in its folder: text by the ending of its name, empty where there is no such file."""

    text: Callable[[str], str] = lambda ending: ""


@dataclasses.dataclass(frozen=True)
class Reader:
    """Someone who reads a format.

    Parameters
    ----------
    name : str
        Of the format.
    suffixes : tuple of str
        Of its files.
    magic : tuple of bytes
        What its files begin with: they are told by that, whatever they are called.
    open : callable
        ``open(file, beside)`` → context manager of a list of `Picture`.
    is_there : callable
        Whether the libraries that it needs are installed.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]
    open: Callable[[BinaryIO, Beside], AbstractContextManager[list[Picture]]]
    is_there: Callable[[], bool] = lambda: True


def readers() -> list[Reader]:
    """List all readers."""
    from nanofoam_lib.images import read_pillow, read_tiff, read_vendor

    return [*read_pillow.READERS, read_tiff.READER, *read_vendor.READERS]


@functools.cache
def suffixes() -> tuple[str, ...]:
    """List the suffixes of files that are images: those of the readers that are installed."""
    return tuple(suffix for reader in readers() if reader.is_there() for suffix in reader.suffixes)


def unread(suffix: str) -> str:
    """Say why files with a suffix are not read though a reader is known; empty if none is, or if they are."""
    for reader in readers():
        if suffix.lower() in reader.suffixes and not reader.is_there():
            return f"{reader.name} needs an extra to be read: pip install 'nanofoam[vendor]'"
    return ""


@contextlib.contextmanager
def opened(
    file: BinaryIO, beside: Beside | None = None, max_megapixels: float = MAX_MEGAPIXELS
) -> Iterator[list[Picture]]:
    """Open an image file for a ``with`` block.

    Parameters
    ----------
    file : binary file object
        Only its head is read until a picture is loaded.
    beside : Beside, optional
    max_megapixels : float
        Larger pictures are refused before they are decoded.

    Yields
    ------
    list of Picture

    Raises
    ------
    DataError
        If it cannot be read, also in the block; the message follows the file's name.
    """
    try:
        reader = _find_reader(file)
        file.seek(0)
        with reader.open(file, beside or Beside()) as pictures:
            for picture in pictures:
                _check_size(picture, max_megapixels)
            yield pictures
    except (DataError, KeyboardInterrupt):
        raise
    except MemoryError:
        raise DataError("is too large for the memory") from None
    except Exception as error:  # a damaged file makes a decoder fail with whatever its damage happens to cause
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"cannot be decoded ({reason})") from error


def _find_reader(file):
    file.seek(0)
    head = file.read(64)
    for reader in readers():
        if head.startswith(reader.magic):
            if not reader.is_there():
                raise DataError(unread(reader.suffixes[0]))
            return reader
    raise DataError("is not an image of a known format")


def _check_size(picture, max_megapixels):
    if not picture.width * picture.height:
        raise DataError("has no pixels")
    megapixels = picture.width * picture.height / 1e6
    if megapixels > max_megapixels:
        raise DataError(
            f"has {picture.width}×{picture.height} pixels, {megapixels:.4g} million; "
            f"max_megapixels allows {max_megapixels:g}"
        )


@contextlib.contextmanager
def quiet():
    """Silence Pillow and tifffile, and leave the limit on pixels to this module, for the time of a ``with`` block.

    These are settings of the whole process, which the blocks of several threads share: the first that begins changes
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
    limit, logger = Image.MAX_IMAGE_PIXELS, logging.getLogger("tifffile")
    was_disabled = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS, logger.disabled = None, True
        yield
        Image.MAX_IMAGE_PIXELS, logger.disabled = limit, was_disabled
