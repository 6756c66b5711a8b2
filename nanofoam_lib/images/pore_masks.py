"""Masks that a user has made, with Fiji, ilastik, Cellpose or by hand: which belongs to a micrograph, and what it says.

A mask is an image of the micrograph's size. It lies beside the micrograph, with one of `ENDINGS` after its name, or in
a folder ``masks``: ``DIR/masks/<class>/``, ``DIR/masks/`` or ``DIR/<class>/masks/``, with or without such an ending.
"""

import functools
import math
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import formats, micrographs
from nanofoam_lib.images.pore_phases import Labels

FOLDER = "masks"
#: What follows the name of the micrograph, in capitals or not: ours, Cellpose's, ilastik's.
ENDINGS = ("_mask", "-mask", "_masks", "_labels", "-labels", "_cp_masks", "_Simple Segmentation", "_Object Identities")
SUFFIXES = (".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg")
_TWO_GREYS = 0.9  # share of black and white pixels from which on a grey picture is a binary one with soft edges


def is_mask(path: str, stems: set[str]) -> bool:
    """Tell whether an image is a mask: in a folder of such, or named after another of `stems`, paths without suffix.

    Examples
    --------
    >>> is_mask("foam/a_mask.png", {"foam/a", "foam/a_mask"}), is_mask("foam/a_mask.png", {"foam/a_mask"})
    (True, False)
    >>> is_mask("foam/masks/a.png", set())
    True
    """
    if FOLDER in path.split("/")[:-1]:
        return True
    stem = path.rpartition(".")[0]
    return any(stem.lower().endswith(end.lower()) and stem[: -len(end)] in stems for end in ENDINGS)


def find(folder: pathlib.Path, path: str) -> pathlib.Path | None:
    """Find the mask of a micrograph, by its path in the data folder; as `find_all`."""
    return find_all(folder, [path])[0]


def find_all(folder: pathlib.Path, paths: Iterable[str]) -> list[pathlib.Path | None]:
    """Find the masks of micrographs.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    paths : iterable of str
        Of the micrographs, relative to it.

    Returns
    -------
    list of pathlib.Path or None

    Raises
    ------
    DataError
        If one has two.
    """
    listed = functools.cache(_images_by_name)
    found = []
    for path in paths:
        named = next((own for own in _in_places(folder, path, listed) if own), [])
        if len(named) > 1:
            one, other = (safe_names.shown(file.name) for file in sorted(named)[:2])
            raise DataError(f"{safe_names.shown(folder / path)}: has two masks, {one} and {other}; keep one")
        found.append(named[0] if named else None)
    return found


def list_all(folder: pathlib.Path, paths: Iterable[str]) -> list[str]:
    """List all masks of micrographs, relative to the data folder, also where one has several."""
    listed = functools.cache(_images_by_name)
    every = (file for path in paths for own in _in_places(folder, path, listed) for file in own)
    return sorted({file.relative_to(folder).as_posix() for file in every})


def _in_places(folder, path, listed):
    """Yield the masks of a micrograph in each place where they may lie: those that go first, first."""
    own = folder / path
    kind = own.parent.relative_to(folder)
    masks = ((place, ("", *ENDINGS)) for place in (folder / FOLDER / kind, folder / FOLDER, own.parent / FOLDER))
    for place, endings in ((own.parent, ENDINGS), *masks):
        yield [file for end in endings for file in listed(place).get(f"{own.stem}{end}".lower(), ()) if file != own]


def _images_by_name(place):
    """List the images of a folder by their names without suffix, in small letters."""
    found = {}
    for file in place.iterdir() if place.is_dir() else ():
        if file.suffix.lower() in SUFFIXES:
            found.setdefault(file.stem.lower(), []).append(file)
    return found


def read(path: pathlib.Path, shape: tuple[int, int], max_megapixels: float = formats.MAX_MEGAPIXELS) -> Labels:
    """Read a mask.

    Parameters
    ----------
    path : pathlib.Path
        An image of two levels, whose connected parts above 0 are pores; or of more, where each level above 0 is one.
    shape : (int, int)
        Height and width of the micrograph.
    max_megapixels : float
        Larger ones are refused.

    Returns
    -------
    ndarray of int32, shape (H, W)
        0 in the walls, 1…n in the pores.

    Raises
    ------
    DataError
        If it cannot be read, is of another size, or shows no walls.
    """
    name = safe_names.shown(path)
    try:
        with formats.quiet(), Image.open(path, formats=formats.FORMATS) as image:
            size, mode = image.size, image.mode
            if size[0] * size[1] > 1e6 * max_megapixels:
                raise DataError(f"{name}: has {size[0]}×{size[1]} pixels; max_megapixels allows {max_megapixels:g}")
            levels = np.asarray(image.convert("L") if mode in ("RGB", "RGBA", "1", "LA") else image)
            is_lossy = image.format == "JPEG"
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{name}: cannot be read as a mask ({' '.join(str(error).split())})") from error
    if levels.shape != tuple(shape):
        raise DataError(
            f"{name}: has {size[0]}×{size[1]} pixels, its micrograph {shape[1]}×{shape[0]}; a mask is as large as that"
        )
    if levels.min(initial=1) > 0:
        raise DataError(f"{name}: no pixel is 0; walls are 0 in a mask, and pores more")
    return _labels(levels, is_lossy)


def on_grid(labels: Labels, crop: micrographs.Crop, shape: tuple[int, int]) -> Labels:
    """Crop a mask as its micrograph, and bring it to the grid (h, w) on which that is measured: the nearest label."""
    left, top, right, bottom = micrographs.crop_box(labels.shape[1], labels.shape[0], crop)
    labels = labels[top:bottom, left:right]
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * side / n).astype(int), side - 1)
        for n, side in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def of_micrograph(folder: pathlib.Path, path: str, shape: tuple[int, int], **limits: Any) -> Labels:
    """Find and read the mask of a micrograph; DataError if it has none, or a link that leads out of the folder."""
    found = find(folder, path)
    if found is None:
        wanted = safe_names.shown(pathlib.PurePath(path).stem + ENDINGS[0] + SUFFIXES[0])
        raise DataError(f"{safe_names.shown(folder / path)}: has no mask; put {wanted} beside it or into {FOLDER}/")
    if not safe_names.is_inside(folder, str(found.relative_to(folder))):
        raise DataError(
            f"{safe_names.shown(found)}: is a link that leads out of the data folder; copy the mask into it"
        )
    return read(found, shape, **limits)


def _labels(levels: NDArray[Any], is_lossy: bool) -> Labels:
    values = np.unique(levels)
    ends = math.fsum(np.mean(levels == end) for end in (values[0], values[-1]))
    if is_lossy or (len(values) > 2 and values[-1] == 255 and ends > _TWO_GREYS):
        levels = levels > 127
        values = np.unique(levels)
    if len(values) > 2:
        return np.searchsorted(values, levels).astype(np.int32)
    return ndimage.label(levels > 0)[0].astype(np.int32)
