"""A micrograph with the outlines of its pores, the part that was measured, and a scale bar: to judge them by eye."""

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.language import number
from nanofoam_lib.images import data_bars, micrographs, sources

_OUTLINE = {"ok": (0, 158, 115), "doubtful": (213, 94, 0)}  # Okabe and Ito's green and vermilion
_FRAME = (240, 228, 66)


def of_file(
    source: sources.Source,
    labels: NDArray[np.integer],
    crop: micrographs.Crop,
    verdict: str,
    pixel_size_um: float | None = None,
    width: int = 640,
) -> NDArray[np.uint8]:
    """Read a micrograph with its data bars, and `draw` the outlines over what was measured of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunWarning)  # of several pages: `preprocessing` says so
        whole = micrographs.read(dataclasses.replace(source, edges=data_bars.NONE))
    height, across = source.edges.cut(whole).shape
    left, top, right, bottom = micrographs.crop_box(across, height, crop)
    dx, dy = source.edges.left, source.edges.top
    return draw(whole, labels, (left + dx, top + dy, right + dx, bottom + dy), verdict, pixel_size_um, width)


def draw(
    grey: NDArray[Any],
    labels: NDArray[np.integer],
    box: tuple[int, int, int, int],
    verdict: str,
    pixel_size_um: float | None = None,
    width: int = 640,
) -> NDArray[np.uint8]:
    """Draw the outlines over a micrograph.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        The whole micrograph.
    labels : ndarray of int, shape (h, w)
        The pores of what was measured, on any grid.
    box : (int, int, int, int)
        Left, top, right and bottom of what was measured, in pixels; a thin frame shows it.
    verdict : {"ok", "doubtful"}
        Colours the outlines green or red.
    pixel_size_um : float, optional
        Of the micrograph; draws a scale bar.
    width : int
        Of the result in pixels; never enlarged.

    Returns
    -------
    ndarray of uint8, shape (H', width, 3)
    """
    left, top, right, bottom = box
    low, high = np.quantile(grey[top:bottom, left:right], [0.002, 0.998])
    levels = np.clip((grey - float(low)) * (255 / max(float(high - low), 1e-9)), 0, 255).astype(np.uint8)
    scale = min(width / grey.shape[1], 1.0)
    size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
    shown = Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    left, top, right, bottom = (round(side * scale) for side in box)
    part = right - left, bottom - top
    rim = Image.fromarray(_rims(_nearest(labels, part[::-1])))
    shown.paste(Image.new("RGB", part, _OUTLINE[verdict]), (left, top), rim)
    pen = ImageDraw.Draw(shown)
    if part != size:
        pen.rectangle((left - 1, top - 1, right, bottom), outline=_FRAME)
    if pixel_size_um and math.isfinite(pixel_size_um):
        _scale_bar(pen, size[0], (right, bottom), pixel_size_um / scale)
    return np.asarray(shown)


def _nearest(labels, shape):
    rows, columns = (((np.arange(n) + 0.5) * side / n).astype(int) for n, side in zip(shape, labels.shape, strict=True))
    return labels[np.ix_(rows, columns)]


def _rims(labels):
    """Mark the pixels on both sides of an outline."""
    rim = np.zeros(labels.shape, bool)
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = labels[one] != labels[other]
        rim[one] |= meet
        rim[other] |= meet
    return rim


def _scale_bar(pen, width, corner, um):
    """Draw a bar of a round length, about a fifth of the width, at the lower right of what was measured."""
    wanted = width * um / 5  # a data bar, which has a scale bar of its own, stays in sight to be compared
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= wanted)
    em = max(13, round(width / 24))  # of 640 pixels in a third of a page, these are six points
    right, bottom = corner[0] - em, corner[1] - em
    left = right - max(length / um, 1)
    font, said = ImageFont.load_default(em), f"{number(length)} um"
    across = pen.textlength(said, font)
    middle, half = (left + right) / 2, max(right - left, across) / 2
    middle -= max(0.0, middle + half - right)
    pen.rectangle((middle - half - em / 3, bottom - 1.7 * em, right + em / 3, bottom + em / 3), fill=(0, 0, 0))
    pen.rectangle((left, bottom - em / 5, right, bottom), fill=(255, 255, 255))
    start = middle - across / 2
    pen.text((start, bottom - 0.5 * em), said, fill=(255, 255, 255), font=font, anchor="ls")
    # The font that Pillow brings has no µ: a u with a stem below it
    stem = start + pen.textlength(said[:-2], font) + em / 10
    pen.line((stem, bottom - em, stem, bottom - 0.3 * em), fill=(255, 255, 255), width=max(1, em // 12))
