"""How large a pixel is, by what a file or its neighbour says: one function for each way to say it."""

import dataclasses
import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.images import lengths

#: Coarsest pixel of a micrograph in µm. Resolution tags of 72, 96 or 300 dpi are about paper: 353, 265 and 85 µm.
COARSEST_UM = 20.0
#: By how much two sides of a pixel, or two pixel sizes, may differ and still be called the same.
SAME_WITHIN = 0.01

#: Tags of a TIFF whose text is looked at: ImageDescription, Zeiss SEM, FEI and Thermo Fisher (two).
DESCRIPTION, ZEISS, FEI_OLD, FEI = 270, 34118, 34680, 34682
TEXT_TAGS = (DESCRIPTION, ZEISS, FEI_OLD, FEI)

#: Endings of files beside an image, put in place of its suffix, that may describe it.
BESIDE = (".txt", ".TXT", ".hdr", "-tif.hdr", "-png.hdr")


@dataclasses.dataclass(frozen=True)
class Hints:
    """What may tell the pixel size of an image.

    Parameters
    ----------
    width : int
        Of the image, in pixels.
    tags : dict
        Text of a TIFF's tags by number, those of `TEXT_TAGS`.
    resolution : (float, float), optional
        Pixels along x and y per `resolution_unit`.
    resolution_unit : str
        ``inch``, ``cm``, or empty where the file names none.
    voxel_um : (float, float), optional
        Where a format has a field of its own for it.
    beside : str
        Text of the files beside the image.
    """

    width: int
    tags: Mapping[int, str] = dataclasses.field(default_factory=dict)
    resolution: tuple[float, float] | None = None
    resolution_unit: str = ""
    voxel_um: tuple[float, float] | None = None
    beside: str = ""


@dataclasses.dataclass(frozen=True)
class PixelSize:
    """A pixel size in µm, NaN where unknown; who says so; and what must be said of it."""

    um: float = float("nan")
    source: str = ""
    remark: str = ""


def find(hints: Hints) -> PixelSize:
    """Find the pixel size of an image: the first of `SOURCES` that knows one has the word."""
    for source, look in SOURCES.items():
        found = look(hints)
        if found and all(um and 0 < um < float("inf") for um in found):
            um_x, um_y = found
            if abs(um_x / um_y - 1) > SAME_WITHIN:
                return PixelSize(remark=f"has pixels of {um_x:.4g}×{um_y:.4g} µm ({source}), which are no squares: "
                                        "that size is not used")  # fmt: skip
            return PixelSize(float(f"{um_x:.6g}"), source)
    return PixelSize()


def alike(um: ArrayLike) -> NDArray[np.float64]:
    """Give for each pixel size the least of those that are the same but for rounding: ndarray (N,), NaN stays.

    Examples
    --------
    >>> alike([0.2703, 0.27, 0.135]).tolist()
    [0.27, 0.27, 0.135]
    """
    sizes = np.asarray(um, float)
    result = sizes.copy()
    while (left := np.isfinite(sizes)).any():
        least = sizes[left].min()
        same = left & (sizes <= least * (1 + SAME_WITHIN))
        result[same], sizes = least, np.where(same, np.nan, sizes)
    return result


def _fei(hints):
    """[Scan] PixelWidth in metres, of an image as wide as [Image] ResolutionX."""
    text = hints.tags.get(FEI) or hints.tags.get(FEI_OLD) or ""
    sides = [_metres(_value(text, name)) for name in ("PixelWidth", "PixelHeight")]
    return _of_width(sides, _number(_value(text, "ResolutionX")), hints)


def _zeiss(hints):
    """Name the size after ``Image Pixel Size``, with a unit, at the width of ``Store resolution``."""
    text = hints.tags.get(ZEISS, "")
    um = lengths.parse(_value(text, "Image Pixel Size") or _value(text, "Pixel Size"), "m")
    return _of_width([um, um], _number(_value(text, "Store resolution")), hints)


def _ome(hints):
    """PhysicalSizeX of the first Pixels, in PhysicalSizeXUnit, by default µm (schema of 2016-06)."""
    pixels = re.search(r"<(?:\w+:)?Pixels\s([^>]*)>", hints.tags.get(DESCRIPTION, "")[:100_000])
    if not pixels:
        return None
    named = dict(re.findall(r'(\w+)\s*=\s*["\']([^"\']*)["\']', pixels[1]))
    units = [named.get(f"PhysicalSize{side}Unit", "µm") for side in "XY"]
    return [lengths.parse(named.get(f"PhysicalSize{side}", ""), unit) for side, unit in zip("XY", units, strict=True)]


def _imagej(hints):
    """Pixels per ``unit`` of the description, in the resolution tags."""
    text = hints.tags.get(DESCRIPTION, "")
    um = lengths.in_um(_value(text, "unit")) if text.startswith("ImageJ=") else None
    return [um / dots for dots in hints.resolution] if um and hints.resolution and all(hints.resolution) else None


def _jeol(hints):
    """$$SM_MICRON_BAR, in pixels of an image as wide as $CM_FULL_SIZE, is $$SM_MICRON_MARKER long."""
    bar, marker, full = (
        _value(hints.beside, name) for name in ("$$SM_MICRON_BAR", "$$SM_MICRON_MARKER", "$CM_FULL_SIZE")
    )
    pixels, um = _number(bar), lengths.parse(marker)
    return _of_width([um / pixels] * 2, _number(full), hints) if pixels and um else None


def _hitachi(hints):
    """PixelSize in nm of an image of DataSize, in a file [SemImageFile]."""
    if "[SemImageFile]" not in hints.beside:
        return None
    um = lengths.parse(_value(hints.beside, "PixelSize"), "nm")
    return _of_width([um, um], _number(_value(hints.beside, "DataSize")), hints)


def _tescan(hints):
    """PixelSizeX and PixelSizeY in metres."""
    return [_metres(_value(hints.beside, name)) for name in ("PixelSizeX", "PixelSizeY")]


def _voxel(hints):
    return hints.voxel_um


def _resolution(hints):
    """Pixels per inch or centimetre, where that cannot be about paper."""
    um = lengths.in_um(hints.resolution_unit)
    if not um or not hints.resolution or not all(hints.resolution):
        return None
    sides = [um / dots for dots in hints.resolution]
    return sides if max(sides) <= COARSEST_UM else None


#: Who may say it, in the order in which they are asked.
SOURCES: dict[str, Callable] = {
    "FEI tag": _fei,
    "Zeiss tag": _zeiss,
    "JEOL text file": _jeol,
    "Hitachi text file": _hitachi,
    "TESCAN header file": _tescan,
    "microscope's metadata": _voxel,
    "OME-XML": _ome,
    "ImageJ": _imagej,
    "resolution tag": _resolution,
}


def _value(text, name):
    """Give what stands after a name, ``=``, ``:`` or a space at the beginning of a line; empty if it is not there."""
    found = re.search(rf"^\s*{re.escape(name)}(?:\s*[=:]\s*|\s+)(\S[^\r\n]*?)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def _number(text):
    """Read the number that a text begins with; None if there is none."""
    found = re.match(r"[\d.]+(?:[eE][+-]?\d+)?", text)
    try:
        return float(found[0]) if found else None
    except ValueError:
        return None


def _metres(text):
    return lengths.parse(text, "m")


def _of_width(sides, recorded, hints):
    """Take into account that an image may have been made smaller since it was recorded with so many pixels."""
    factor = recorded / hints.width if recorded and recorded >= 1 else 1.0
    return [um and um * factor for um in sides]
