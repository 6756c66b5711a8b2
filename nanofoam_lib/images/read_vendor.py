"""Files of microscopes, through readers that the extra ``vendor`` installs: each series or scene is a picture.

Of several channels the first is read; depths, times and other dimensions are planes.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import pixel_sizes
from nanofoam_lib.images.formats import MORE_PLANES, Picture, Reader

#: Bytes that one scene may take, decoded.
MOST_BYTES = 1_000_000_000

MORE_CHANNELS = "holds several channels, of which the first is read"


@dataclasses.dataclass(frozen=True)
class Scene:
    """A scene of a file, as its reader tells of it.

    Parameters
    ----------
    sizes : dict
        Elements along each axis, in the order of the array: Y and X, perhaps C (channels), S (colours), others.
    itemsize : int
        Bytes of an element.
    read : callable
        Gives the array.
    um : tuple of two float, optional
        Size of a pixel.
    objective : str
        What the file calls it.
    """

    sizes: dict[str, int]
    itemsize: int
    read: Callable[[], NDArray[Any]]
    um: tuple[float, float] | None = None
    objective: str = ""


def picture(scene: Scene, name: str) -> Picture:
    """Make a picture of a scene of a file in the format `name`."""
    if not {"X", "Y"} <= scene.sizes.keys():
        raise DataError("holds a series that is no picture; export those that are as TIFF")
    n_bytes = math.prod(scene.sizes.values()) * scene.itemsize
    if n_bytes > MOST_BYTES:
        raise DataError(f"holds a series of {n_bytes / 1e9:.1f} GB; export its planes as TIFF")
    others = [axis for axis in scene.sizes if axis not in "YXSC"]
    planes = math.prod(scene.sizes[axis] for axis in others)
    source = f"{name}, objective {scene.objective}" if scene.objective else name
    size = pixel_sizes.find(pixel_sizes.Hints(scene.sizes["X"], voxel_um=scene.um))
    size = dataclasses.replace(size, source=size.source and source)
    remarks = [MORE_PLANES] * (planes > 1) + [MORE_CHANNELS] * (scene.sizes.get("C", 1) > 1)
    remarks += [size.remark] * bool(size.remark)
    whole = functools.cache(lambda: _arranged(scene, others))
    return Picture(
        scene.sizes["X"], scene.sizes["Y"], lambda plane: whole()[plane], planes,
        is_deep=scene.itemsize > 1, pixel_size=size, remarks=remarks,
    )  # fmt: skip


def _arranged(scene, others):
    """Give the planes: ndarray (P, Y, X), of colours the luma (ITU-R 601)."""
    axes = list(scene.sizes)
    levels = np.moveaxis(
        np.asarray(scene.read()), [axes.index(axis) for axis in [*others, "Y", "X"]], range(len(others) + 2)
    )
    rest = [axis for axis in axes if axis in "SC"]
    levels = levels.reshape(-1, scene.sizes["Y"], scene.sizes["X"], *(scene.sizes[axis] for axis in rest))
    if "C" in rest:
        levels = np.take(levels, 0, axis=3 + rest.index("C"))
    if "S" in rest:
        weights = [0.299, 0.587, 0.114] if levels.shape[-1] >= 3 else [1.0]
        luma = levels[..., : len(weights)] @ np.array(weights, np.float32)
        levels = np.rint(luma).astype(levels.dtype)
    return levels


@contextlib.contextmanager
def _czi(file, beside):
    import czifile

    with czifile.CziFile(file.name) as czi:
        axes = czi.axes.replace("S", "s").replace("0", "S")  # theirs: S are scenes, 0 is colour; here S is colour
        text = czi.metadata() or ""
        found = [re.search(rf'<Distance Id="{side}">\s*<Value>([^<]+)</Value>', text) for side in "XY"]
        um = tuple(float(match[1]) * 1e6 for match in found) if all(found) else None
        objective = re.search(r'<Objective\s[^>]*Name="([^"]*)"', text)
        whole = functools.cache(czi.asarray)
        boxes = list(_boxes(czi, axes))
        if math.prod(czi.shape) * czi.dtype.itemsize > MOST_BYTES * max(len(boxes), 1):
            raise DataError(
                f"holds {math.prod(czi.shape) * czi.dtype.itemsize / 1e9:.1f} GB; export its scenes as TIFF"
            )
        yield [
            picture(
                Scene(
                    {axis: part.stop - part.start for axis, part in zip(axes, box, strict=True) if axis != "s"},
                    czi.dtype.itemsize,
                    lambda box=box: np.squeeze(whole()[box], axes.index("s")) if "s" in axes else whole()[box],
                    um, objective[1] if objective else "",
                ),
                "CZI",
            )
            for box in boxes
        ]  # fmt: skip


def _boxes(czi, axes):
    """Give for each scene where it lies in the array of the whole file: a tuple of slice."""
    entries = [(np.subtract(entry.start, czi.start), entry.shape) for entry in czi.filtered_subblock_directory]
    if "s" not in axes:
        yield tuple(slice(0, n) for n in czi.shape)
        return
    scene = axes.index("s")
    for number in range(czi.shape[scene]):
        own = [(at, np.add(at, shape)) for at, shape in entries if at[scene] == number]
        if own:
            low, high = np.min([at for at, _ in own], axis=0), np.max([end for _, end in own], axis=0)
            yield tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


@contextlib.contextmanager
def _lif(file, beside):
    import liffile

    with liffile.LifFile(file) as lif:
        if lif.type.name != "LIF":  # the others are lists of further files
            raise DataError(f"is a {lif.type.name} and not a LIF")
        yield [
            picture(
                Scene(
                    dict(image.sizes), image.dtype.itemsize, image.asarray, _steps(image.coords), _lif_objective(image)
                ),
                "LIF",
            )
            for image in lif.images
            if {"X", "Y"} <= set(image.sizes)
        ]


def _steps(coords):
    """Give the distance of pixels from coordinates in metres: (x, y) in µm, or None."""
    if not all(len(coords.get(side, ())) > 1 for side in "XY"):
        return None
    return tuple(abs(float(coords[side][1] - coords[side][0])) * 1e6 for side in "XY")


def _lif_objective(image):
    found = re.search(r"'ObjectiveName': '([^']*)'", str(image.attrs))
    return found[1].strip() if found else ""


@contextlib.contextmanager
def _nd2(file, beside):
    import nd2

    with nd2.ND2File(file.name) as stack:
        sizes = {axis: n for axis, n in stack.sizes.items() if axis != "P"}
        voxel = stack.voxel_size()
        channels = stack.metadata.channels or []
        name = channels[0].microscope.objectiveName if channels else ""
        positions = range(stack.sizes["P"]) if "P" in stack.sizes else [None]
        yield [
            picture(
                Scene(
                    sizes, stack.dtype.itemsize, functools.partial(_nd2_position, stack, number),
                    (voxel.x, voxel.y), name or "",
                ),
                "ND2",
            )
            for number in positions
        ]  # fmt: skip


def _nd2_position(stack, number):
    """Read one position, without the axis of positions."""
    levels = stack.asarray(position=number)
    return levels if number is None else np.take(levels, 0, axis=list(stack.sizes).index("P"))


@contextlib.contextmanager
def _oib(file, beside):
    import oiffile

    with oiffile.OifFile(file.name) as oib:
        series = oib.series[0]
        settings = oib.mainfile.get("Reference Image Parameter", {})
        um = tuple(
            settings.get(f"{side}ConvertValue", math.nan) * _UM.get(settings.get(f"{side}Unit", "um"), math.nan)
            for side in ("Width", "Height")
        )
        sizes = dict(zip([*series.axes, "Y", "X"], [*series.shape, *oib.shape[-2:]], strict=True))
        yield [picture(Scene(sizes, oib.dtype.itemsize, oib.asarray, um), "OIB")]


_UM = {"um": 1.0, "nm": 1e-3, "mm": 1e3}


def _reader(name, library, suffix, magic, open_file):
    return Reader(name, (suffix,), magic, open_file, lambda: importlib.util.find_spec(library) is not None)


READERS = [
    _reader("CZI of Zeiss", "czifile", ".czi", (b"ZISRAWFILE",), _czi),
    _reader("LIF of Leica", "liffile", ".lif", (b"\x70\x00\x00\x00",), _lif),
    _reader("ND2 of Nikon", "nd2", ".nd2", (b"\xda\xce\xbe\x0a", b"\x00\x00\x00\x0cjP  \r\n\x87\n"), _nd2),
    _reader("OIB of Olympus", "oiffile", ".oib", (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",), _oib),
]
