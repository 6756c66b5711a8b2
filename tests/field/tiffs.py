"""TIFFs written byte by byte from the published layout (TIFF 6.0), as no library would write them."""

import itertools
import struct

import numpy as np

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 16: 8}  # bytes of BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8
LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
KINDS = {"u": 1, "i": 2, "f": 3}


def tag(number, kind, *values):
    """A tag: its number, its type, and values (numbers, (numerator, denominator), or bytes)."""
    return number, kind, values


def text(number, content, kind=2):
    return tag(number, kind, content if isinstance(content, bytes) else content.encode("utf-8") + b"\0")


def _packed(order, kind, values):
    if kind in (2, 7) or (values and isinstance(values[0], bytes)):
        return values[0]
    if kind == 5:
        return b"".join(struct.pack(order + "II", *value) for value in values)
    return struct.pack(order + LETTERS[kind] * len(values), *values)


def page(array, *tags, samples=1, bits=None, photometric=1, compression=1, encode=bytes, planar=1, kind=None):
    """A page: what its tags say, and its strips. `encode` compresses the bytes of a strip."""
    array = np.asarray(array)
    height, width = array.shape[-2:] if planar == 2 else array.shape[:2]
    parts = list(array) if planar == 2 else [array]
    said = {
        256: tag(256, 4, width), 257: tag(257, 4, height),
        258: tag(258, 3, *[bits or array.dtype.itemsize * 8] * samples), 259: tag(259, 3, compression),
        262: tag(262, 3, photometric), 277: tag(277, 3, samples), 278: tag(278, 4, height), 284: tag(284, 3, planar),
        339: tag(339, 3, *[kind or KINDS[array.dtype.kind]] * samples),
    } | {own[0]: own for own in tags}  # fmt: skip
    return said, parts, encode


def write(path, *pages, order="<", big=False, after=b""):
    """Write pages, one directory each, and bytes `after` the pixels of the first."""
    offset = "Q" if big else "I"
    out = bytearray(b"II" if order == "<" else b"MM")
    out += struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 0) if big else (42, 0)))
    link, long, inline = len(out) - (8 if big else 4), 16 if big else 4, 8 if big else 4
    for said, parts, encode in pages:
        strips = []
        for part in parts:
            content = encode(np.ascontiguousarray(part).astype(part.dtype.newbyteorder(order)).tobytes())
            strips.append((len(out), len(content)))
            out += content
        out += after
        after = b""
        own = said | {273: tag(273, long, *(at for at, _ in strips)), 279: tag(279, long, *(n for _, n in strips))}
        out += b"\0" * (-len(out) % 8)
        struct.pack_into(order + offset, out, link, len(out))
        values = {number: _packed(order, kind, value) for number, kind, value in own.values()}
        end = len(out) + (8 if big else 2) + len(own) * (20 if big else 12) + (8 if big else 4)
        out += struct.pack(order + ("Q" if big else "H"), len(own))
        for number, kind, _ in sorted(own.values()):
            value = values[number]
            out += struct.pack(order + "HH" + offset, number, kind, len(value) // SIZES[kind])
            out += value.ljust(inline, b"\0") if len(value) <= inline else struct.pack(order + offset, end)
            end += (len(value) + 7) // 8 * 8 if len(value) > inline else 0
        link = len(out)
        out += struct.pack(order + offset, 0)
        for number in sorted(own):
            if len(values[number]) > inline:
                out += values[number] + b"\0" * (-len(values[number]) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(out))
    return path


def twelve_bits(levels):
    """Pack rows of 12-bit levels: two in three bytes."""
    high, low = levels[:, ::2].astype(np.uint16), levels[:, 1::2].astype(np.uint16)
    triples = np.stack([high >> 4, (high & 15) << 4 | low >> 8, low & 255], axis=-1)
    return triples.astype(np.uint8).reshape(len(levels), -1)


def pack_bits(content):
    """PackBits, as runs and single bytes."""
    out = bytearray()
    for value, run in itertools.groupby(content):
        n = len(list(run))
        while n > 0:
            out += bytes([257 - min(n, 128) if n > 1 else 0, value])
            n -= min(n, 128)
    return bytes(out)
