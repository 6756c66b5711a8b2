"""TIFF: what its tags say of its pixels, decoded by Pillow or by tifffile, whichever knows them."""

import contextlib
import functools

import numpy as np
from PIL import Image, ImageOps

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import pixel_sizes, read_pillow
from nanofoam_lib.images.formats import MORE_PLANES, Picture, Reader

#: Values of tags (TIFF 6.0; 32844 and above are of cameras' raw data and of floating-point colour).
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
UNSIGNED, SIGNED, FLOATING, COMPLEX = 1, 2, 3, (5, 6)
REDUCED, MASK = 1, 4  # bits of NewSubfileType
#: Compressions that either decoder knows without an extra.
KNOWN = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000}
#: What others are called.
CALLED = {
    22610: "JPEG XR", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC",
    34892: "lossy JPEG", 34926: "Zstandard", 34933: "PNG", 34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL",
    52546: "JPEG XL",
}  # fmt: skip
MOST_SAMPLES = 64
MOST_TEXT = 1_000_000  # bytes of a tag

THUMBNAIL = "begins with a smaller picture, a thumbnail, which is not read"


@contextlib.contextmanager
def open_tiff(file, beside):
    """Open a TIFF: its pictures are one, of as many planes as there are pages of the largest size."""
    import tifffile

    try:
        tif = tifffile.TiffFile(file)
        pages = list(tif.pages)
        found = _describe(file, beside, tif, pages)
    except DataError:
        raise
    except Exception:  # what tifffile does not understand, Pillow may; if not, its message is as good
        file.seek(0)
        with read_pillow.open_with(file, beside, ("TIFF",)) as pictures:
            yield pictures
        return
    with tif:
        yield [found]


def _describe(file, beside, tif, pages):
    chosen = _largest(pages)
    page = pages[chosen[0]]
    _check(page)
    planes = _planes_that_follow(file, tif, page) if len(pages) == 1 else len(chosen)
    size = _pixel_size(file, beside, tif, pages[0], page)
    is_deep = page.bitspersample > 8 or page.sampleformat != UNSIGNED
    samples = page.samplesperpixel
    remarks = [MORE_PLANES] * (planes > 1) + [THUMBNAIL] * (chosen[0] > 0) + [size.remark] * bool(size.remark)
    if samples > 1 and page.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
        remarks.append(f"has {samples} values per pixel (a second detector, or transparency); the first is read")

    def load(plane):
        if len(chosen) == 1 and plane:
            return _turned(_following(file, page, plane), page)
        return _decode(file, pages, chosen[plane], remarks)

    colour = None if is_deep else functools.partial(_colour, file, page, chosen[0])
    return Picture(
        page.imagewidth, page.imagelength, load, planes, _is_white_low(page), is_deep, size,
        colour, remarks,
    )  # fmt: skip


def _colour(file, page, number):
    """Give a page in RGB, as Pillow sees it; None where it does not, and grey has to do."""
    if page.photometric == PALETTE and page.colormap.max(initial=0) < 256:
        return None
    try:
        return read_pillow.colour(file, ("TIFF",), number)
    except Exception:
        return None


def _largest(pages):
    """List the numbers of the pages that are planes: of the largest size, neither a thumbnail nor a mask."""
    own = [number for number, page in enumerate(pages) if not page.subfiletype & (REDUCED | MASK)] or [
        *range(len(pages))
    ]
    areas = [pages[number].imagewidth * pages[number].imagelength for number in own]
    return [number for number, area in zip(own, areas, strict=True) if area == max(areas)]


def _check(page):
    """Raise DataError for pixels that are no grey or colour."""
    if page.sampleformat in COMPLEX:
        raise DataError("holds complex numbers; save their magnitude")
    if page.photometric > 10:
        raise DataError(
            f"holds raw data of a sensor or colours of a rare kind ({_name(page.photometric)}); save it as grey"
        )
    if page.samplesperpixel > MOST_SAMPLES or page.imagedepth > 1:
        raise DataError(
            f"has {page.samplesperpixel} values per pixel and {page.imagedepth} slices in one; save it as grey"
        )


def _name(value):
    return getattr(value, "name", str(value)).replace("_", " ")


def _planes_that_follow(file, tif, page):
    """Count the planes of a large ImageJ stack: it describes the first page alone, and the others follow its pixels."""
    said = (tif.imagej_metadata or {}).get("images", 1)
    if page.compression != 1 or not page.is_contiguous or not isinstance(said, int) or said < 2:
        return 1
    room = file.seek(0, 2) - page.dataoffsets[0]
    return max(min(said, room // max(page.nbytes, 1)), 1)


def _following(file, page, plane):
    file.seek(page.dataoffsets[0] + plane * page.nbytes)
    stored = np.frombuffer(file.read(page.nbytes), page.dtype.newbyteorder(page.parent.byteorder))
    return _first_sample(stored.reshape(page.shape).astype(page.dtype), page)


def _decode(file, pages, number, remarks):
    """Give the levels of a page, by the decoder that should know them, or else by the other."""
    page = pages[number]
    is_plain = page.bitspersample <= 8 and page.sampleformat == UNSIGNED
    decoders = [_by_pillow, _by_tifffile] if is_plain else [_by_tifffile, _by_pillow]
    problems = []
    for decode in decoders:
        try:
            return decode(file, page, number, remarks)
        except DataError:
            raise
        except Exception as error:
            problems.append(error)
    if page.compression not in KNOWN:
        number = int(page.compression)
        raise DataError(
            f"is compressed with {CALLED.get(number, 'an unknown method')} ({number}), which takes an extra "
            "(pip install 'nanofoam[codecs]'); or save it uncompressed or with LZW"
        ) from problems[0]
    raise problems[0]


def _by_pillow(file, page, number, remarks):
    file.seek(0)
    with Image.open(file, formats=("TIFF",)) as image:
        image.seek(number)
        if page.photometric == PALETTE:
            return _looked_up(np.asarray(ImageOps.exif_transpose(image)), page)
        levels = read_pillow.grey(image, remarks)
    if levels.dtype != np.uint8 and page.samplesperpixel > 1:
        raise ValueError(f"{page.samplesperpixel} values of {page.bitspersample} bits per pixel")
    return -levels if _is_negated(page) else levels


def _by_tifffile(file, page, number, remarks):
    end = file.seek(0, 2)
    if not all(0 < n <= end - at for at, n in zip(page.dataoffsets, page.databytecounts, strict=True)):
        raise ValueError("image file is truncated")
    if page.photometric == PALETTE:
        return _looked_up(_turned(page.asarray(maxworkers=1), page), page)
    if page.photometric > RGB:
        raise ValueError(f"{_name(page.photometric)} of {page.bitspersample} bits")
    is_packed = page.bitspersample not in (8, 16, 32, 64) and page.sampleformat == UNSIGNED
    levels = _unpacked(file, page) if is_packed else page.asarray(maxworkers=1)
    return _turned(_first_sample(levels, page), page)


def _looked_up(numbers, page):
    """Give the luma (ITU-R 601, rounded as Pillow does) of colours of a palette by their numbers."""
    palette = page.colormap.astype(np.uint32)
    if palette.max(initial=0) > 255:  # or else it has 8 bits, though the standard asks for 16
        palette >>= 8
    red, green, blue = palette
    return ((red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16).astype(np.uint8)[numbers]


def _unpacked(file, page):
    """Give levels of 12 bits, or another number, that follow each other without gaps but at the ends of rows."""
    bits, across, down = page.bitspersample, page.imagewidth, page.imagelength
    if page.compression != 1 or page.samplesperpixel > 1 or page.is_tiled or not 8 < bits < 16:
        raise ValueError(f"{page.samplesperpixel} values of {bits} bits per pixel")
    content = b"".join(
        file.seek(at) * b"" + file.read(n) for at, n in zip(page.dataoffsets, page.databytecounts, strict=True)
    )
    rows = np.frombuffer(content, np.uint8).reshape(down, -(-across * bits // 8))
    single = np.unpackbits(rows, axis=1)[:, : across * bits].reshape(down, across, bits)
    levels = np.zeros((down, across), np.uint16)
    for bit in range(bits):
        levels = levels << 1 | single[:, :, bit]
    return levels


def _first_sample(levels, page):
    """Give one value per pixel: of colours the luma (ITU-R 601), of others the first."""
    if page.samplesperpixel > 1:
        samples = np.moveaxis(levels, 0, -1) if page.planarconfig == 2 else levels
        if page.photometric == RGB:
            luma = samples[..., 0] * np.float32(0.299) + samples[..., 1] * np.float32(0.587)
            luma += samples[..., 2] * np.float32(0.114)
            levels = luma if levels.dtype.kind == "f" else np.rint(luma).astype(levels.dtype)
        else:
            levels = np.ascontiguousarray(samples[..., 0])
    levels = np.squeeze(levels).reshape(page.imagelength, page.imagewidth)
    if levels.dtype == np.uint8 and page.photometric == WHITE_IS_ZERO:
        return 255 - levels
    return -levels.astype(np.promote_types(levels.dtype, np.int32)) if _is_negated(page) else levels


def _is_white_low(page):
    """Tell whether low levels are bright, and how many bits they use has to be found out."""
    return page.photometric == WHITE_IS_ZERO and page.sampleformat == UNSIGNED and page.bitspersample > 8


def _is_negated(page):
    """Tell whether low levels are bright, and have a sign, so that there is no end to count from."""
    return page.photometric == WHITE_IS_ZERO and page.sampleformat in (SIGNED, FLOATING)


#: What to do with the rows of each Orientation (tag 274).
TURNS = {
    2: np.fliplr, 3: lambda levels: np.rot90(levels, 2), 4: np.flipud, 5: np.transpose,
    6: lambda levels: np.rot90(levels, -1), 7: lambda levels: np.rot90(levels, 2).T, 8: np.rot90,
}  # fmt: skip


def _turned(levels, page):
    turn = TURNS.get(page.tags.valueof(274))
    return np.ascontiguousarray(turn(levels)) if turn else levels


def _pixel_size(file, beside, tif, first, page):
    """Gather what the tags of a page, and of the first, tell of the pixel size."""
    tags = {}
    for number in pixel_sizes.TEXT_TAGS:
        tag = page.tags.get(number) or first.tags.get(number)
        if tag is not None:
            file.seek(tag.valueoffset)
            tags[number] = _text(file.read(min(tag.count, MOST_TEXT)))
    unit = {2: "inch", 3: "cm"}.get(page.tags.valueof(296, default=2), "")
    hints = pixel_sizes.Hints(
        page.imagewidth, tags, _resolution(page), unit, _voxel(tif),
        "\n".join(beside.text(ending) for ending in pixel_sizes.BESIDE),
    )  # fmt: skip
    return pixel_sizes.find(hints)


def _text(content):
    """Decode a tag: UTF-8, as OME writes it, or else the code page of SEMs."""
    content = content.rstrip(b"\0")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _resolution(page):
    sides = [page.tags.valueof(number) for number in (282, 283)]
    if not all(isinstance(side, tuple) and len(side) == 2 and side[1] for side in sides):
        return None
    return tuple(top / bottom for top, bottom in sides)


def _voxel(tif):
    """Give what LSM (in metres) and Olympus's SIS (in metres) keep for it: (x, y) in µm, or None."""
    for own, names in (
        (tif.lsm_metadata, ("VoxelSizeX", "VoxelSizeY")),
        (tif.sis_metadata, ("pixelsizex", "pixelsizey")),
    ):
        if own and all(isinstance(own.get(name), int | float) for name in names):
            return tuple(own[name] * 1e6 for name in names)
    return None


READER = Reader("TIFF", (".tif", ".tiff", ".lsm"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), open_tiff)
