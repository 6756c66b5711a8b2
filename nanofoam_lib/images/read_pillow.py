"""Pictures that Pillow decodes: PNG, JPEG, BMP, and the 8-bit ones among TIFFs."""

import contextlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import pixel_sizes
from nanofoam_lib.images.formats import MORE_PLANES, Picture, Reader

TRANSPARENT = "has transparent pixels, which are shown in the median grey of the others"


@contextlib.contextmanager
def open_with(file, beside, formats):
    """Open a file as one of some of Pillow's formats, of `FORMATS`."""
    try:
        image = Image.open(file, formats=formats)
    except UnidentifiedImageError:
        raise DataError("is not an image of a known format") from None
    with image:
        frames = getattr(image, "n_frames", 1)
        resolution = image.info.get("dpi")
        hints = pixel_sizes.Hints(
            image.width, resolution=resolution and tuple(map(float, resolution)), resolution_unit="inch",
            beside="\n".join(beside.text(ending) for ending in pixel_sizes.BESIDE),
        )  # fmt: skip
        size = pixel_sizes.find(hints)
        remarks = [MORE_PLANES] * (frames > 1) + [size.remark] * bool(size.remark)
        is_deep = _is_deep_grey(image)
        yield [
            Picture(
                image.width, image.height, lambda plane: grey(_at(image, plane), remarks), frames, is_deep=is_deep,
                pixel_size=size, colour=None if is_deep else lambda: colour(file, formats), remarks=remarks,
            )
        ]  # fmt: skip


def grey(image, remarks):
    """Decode a Pillow image: ndarray (H, W), upright; of uint8, luma (ITU-R 601), or of 16-bit grey as it is.

    Pixels that are wholly transparent, such as the corners of a picture that was turned, get the median of the others,
    so that nobody takes them for pores; that is added to `remarks`.
    """
    image.draft("L", image.size)  # JPEG: decode the luma alone, at full size
    is_deep_colour = ";16" in str(image.tile) and not _is_deep_grey(image)
    turned = ImageOps.exif_transpose(image)
    levels = _levels(turned)
    hidden = _hidden(turned)
    if hidden is not None and hidden.any() and not hidden.all():
        levels = np.where(hidden, np.median(levels[~hidden]).astype(levels.dtype), levels)
        remarks.append(TRANSPARENT)
    if is_deep_colour and levels.max(initial=0) < 16:
        raise DataError("uses at most 12 of 16 bits per colour, of which only the upper 8 are read; save it as grey")
    return levels


def _at(image, plane):
    if image.tell() != plane:
        image.seek(plane)
    return image


def _is_deep_grey(image):
    return image.mode.startswith("I;16")


def _hidden(image):
    """Tell which pixels are wholly transparent; None where none can be."""
    if "A" in image.getbands():
        return np.asarray(image.getchannel("A")) == 0
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return np.asarray(image.convert("RGBA").getchannel("A")) == 0
    return None


def _levels(image):
    if _is_deep_grey(image):
        return np.asarray(image).astype(np.uint16, copy=False)
    if image.mode in ("I", "F"):
        return np.asarray(image)
    if image.mode == "LAB":
        return np.asarray(image.getchannel("L"))
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def colour(file, formats, plane=0):
    """Decode a plane in colour, upright: `PIL.Image.Image` in mode RGB."""
    file.seek(0)
    with Image.open(file, formats=formats) as image:
        turned = ImageOps.exif_transpose(_at(image, plane))
        return turned.getchannel("L").convert("RGB") if turned.mode == "LAB" else turned.convert("RGB")


def _reader(name, suffixes, *magic):
    return Reader(name, suffixes, magic, lambda file, beside: open_with(file, beside, (name,)))


READERS = [
    _reader("PNG", (".png",), b"\x89PNG\r\n\x1a\n"),
    _reader("JPEG", (".jpg", ".jpeg"), b"\xff\xd8\xff"),
    _reader("BMP", (".bmp",), b"BM"),
]
