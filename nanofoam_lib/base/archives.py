"""Zip files of arrays, ``.npz`` and ``.keras``: what they say of their size is checked before anything is read."""

import math
import os
import zipfile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

#: Kinds of dtype: truth values, numbers and text; nothing that must be unpickled, and no structures.
KINDS = "biufcUS"
#: Bytes more than expected that a file may hold: names, headers, the text of a history.
SLACK = 1 << 20
#: Members of a file: a checkpoint holds a few for each layer.
MOST_MEMBERS = 20_000


class Header(dict[str, tuple[tuple[int, ...], np.dtype]]):
    """Shape and dtype of each array of an ``.npz`` file, by its name."""


def check(file: IO[bytes], most: int | None = None) -> list[zipfile.ZipInfo]:
    """List the members of a zip file as this program writes them: not compressed, so that none is larger than the file.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If it is another one, or holds more than `most` bytes and a little.
    """
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    if len(members) > MOST_MEMBERS or len({member.filename for member in members}) < len(members):
        raise ValueError(f"has {len(members)} members, more than there can be or several of one name")
    total = sum(member.file_size for member in members)
    if total > size or any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError(f"would be {total:,} bytes of {size:,}: it is compressed, as none that this program wrote")
    if most is not None and total > most + SLACK:
        raise ValueError(f"holds {total:,} bytes, where {most:,} are expected")
    return members


def read_header(file: IO[bytes], most: int | None = None) -> Header:
    """Read of an ``.npz`` file which arrays it holds, none of them larger than what is there.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If it is none, see `check`, or an array is not of `KINDS` or not of the size that its head tells.
    """
    found = Header()
    members = check(file, most)
    with zipfile.ZipFile(file) as archive:
        for member in members:
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as array:
                shape, _, dtype = _read_head(array)
                told = math.prod(shape) * dtype.itemsize
                if dtype.kind not in KINDS or told != member.file_size - array.tell():
                    raise ValueError(f"{name} tells of {told:,} bytes of {dtype}, and is not of that size")
            found[name] = shape, dtype
    return found


def _read_head(file):
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array is of the unknown version {version}")
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return reader(file)


def check_rows(header: Header, n: int, width: int) -> None:
    """Check that an ``.npz`` file holds latent vectors: arrays of numbers (n, width), and ``id`` (n,).

    Raises
    ------
    ValueError
        Names the first array that is none, and what it is.
    """
    if "id" not in header:
        raise ValueError("holds no id")
    for name, (shape, dtype) in header.items():
        expected = (n,) if name == "id" else (n, width)
        if shape != expected or dtype.kind not in "iuf":
            raise ValueError(f"{name} is {dtype} {shape}, where the index and the model have {expected}")


def read(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file that was checked: dict of name to ndarray. Pickled objects are refused."""
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
