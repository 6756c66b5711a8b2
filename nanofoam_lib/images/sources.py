"""How a micrograph of a run is read: which picture of which file, without what edges, by what scale."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import data_bars, formats, levels, pixel_sizes

if TYPE_CHECKING:
    import pandas as pd

#: Columns of an index that say how its micrographs are read.
COLUMNS = ("picture", "plane", "black", "white", "bar")

#: Largest text file beside an image that is looked at, in bytes.
MOST_TEXT = 65_536


@dataclasses.dataclass(frozen=True)
class Source:
    """A way to read a micrograph.

    Parameters
    ----------
    path : path-like
    picture : int
        Which of the pictures in the file.
    plane : str
        ``first``, ``max`` or ``mean`` of its planes, or the number of one.
    scale : levels.Scale, optional
        Of more than 8 bits; found from this picture alone if not given.
    edges : data_bars.Edges
        Pixels to cut off.
    max_megapixels : float
        Larger pictures are refused before they are decoded.
    """

    path: pathlib.Path
    picture: int = 0
    plane: str = "first"
    scale: levels.Scale | None = None
    edges: data_bars.Edges = data_bars.NONE
    max_megapixels: float = formats.MAX_MEGAPIXELS

    def grey(self) -> tuple[NDArray[np.uint8], list[str]]:
        """Read it as 8-bit grey, ndarray of uint8 (H, W), and list what must be said of it; DataError as `opened`."""
        with opened(self.path, self.max_megapixels) as pictures:
            picture = pictures[self.picture]
            found = self.edges.cut(picture.flatten(self.plane))
            scale = self.scale or levels.alone(levels.Range.of(found, picture.is_white_low))
            return scale.apply(found), list(picture.remarks)

    def colour(self) -> Any:
        """Read it in colour: `PIL.Image.Image` in mode RGB, or None if it is grey of more than 8 bits."""
        with opened(self.path, self.max_megapixels) as pictures:
            picture = pictures[self.picture]
            if picture.colour is None or (picture.planes > 1 and self.plane != "first"):
                return None
            image = picture.colour()
            if image is None:
                return None
            top, right, bottom, left = self.edges
            return image.crop((left, top, image.width - right, image.height - bottom))


def of(source: "StrPath | Source", max_megapixels: float = formats.MAX_MEGAPIXELS) -> Source:
    """Give the reading of a file, whole and by its own scale, or the reading that was given."""
    return source if isinstance(source, Source) else Source(pathlib.Path(source), max_megapixels=max_megapixels)


def of_index(folder: StrPath, index: "pd.DataFrame", max_megapixels: float = formats.MAX_MEGAPIXELS) -> list[Source]:
    """Give the sources of a run's micrographs, in the order of its index.

    Parameters
    ----------
    folder : path-like
        The data folder.
    index : pandas.DataFrame
        Column `path`, and `COLUMNS`.
    max_megapixels : float
    """
    root = pathlib.Path(folder).absolute()
    rows = zip(*(index[name] for name in ("path", *COLUMNS)), strict=True)
    return [
        Source(
            root / path,
            int(picture),
            str(plane),
            levels.Scale(float(black), float(white)),
            parse_bar(bar),
            max_megapixels,
        )
        for path, picture, plane, black, white, bar in rows
    ]


def write_bar(edges: data_bars.Edges) -> str:
    """Write edges for a table: ``0 0 70 0`` is 70 pixels at the bottom (top, right, bottom, left); empty is none."""
    return " ".join(map(str, edges)) if any(edges) else ""


def parse_bar(text: Any) -> data_bars.Edges:
    """Read what `write_bar` wrote."""
    return data_bars.Edges(*map(int, str(text).split())) if isinstance(text, str) and text else data_bars.NONE


@contextlib.contextmanager
def opened(path: pathlib.Path, max_megapixels: float) -> Iterator[Sequence[formats.Picture]]:
    """Open an image file as `formats.opened` does, with what lies beside it.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    DataError
        If it is a pipe or a device, which might never end, or cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file, formats.opened(file, beside(path), max_megapixels) as pictures:
        yield pictures


def beside(path: pathlib.Path) -> formats.Beside:
    """Give access to the texts beside a file: small regular files of its own folder, no links out of it."""
    return formats.Beside(functools.partial(_text_beside, path))


def names_beside(path: str) -> list[str]:
    """List the names of files beside an image, by its relative path, that are looked at where they are there."""
    place = pathlib.PurePosixPath(path)
    return [str(place.with_name(place.stem + ending)) for ending in pixel_sizes.BESIDE]


def _text_beside(path, ending):
    name = path.stem + ending
    place = path.with_name(name)
    try:
        if place == path or not place.is_file() or not safe_names.is_inside(path.parent, name):
            return ""
        with place.open("rb") as file:
            content = file.read(MOST_TEXT)
    except (OSError, ValueError):
        return ""
    is_wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def check_regular(path: pathlib.Path) -> None:
    """Raise DataError if `path` is there, but is no file."""
    if path.exists() and not path.is_file():
        raise DataError("is not a file")


@contextlib.contextmanager
def naming(path: StrPath) -> Iterator[None]:
    """Begin the message of an error with the file's name, on one line."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{safe_names.shown(path)}: cannot be read ({error.strerror or error})") from error
    except DataError as error:
        raise DataError(f"{safe_names.shown(path)}: {error}") from error
