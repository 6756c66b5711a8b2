"""A micrograph with the outlines of its pores, the part that was measured, and a scale bar: to judge them by eye."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from nanofoam_lib.base.language import number

_OUTLINE = {"ok": (0, 158, 115), "doubtful": (213, 94, 0)}  # Okabe and Ito's green and vermilion
_FRAME = (240, 228, 66)


def draw(
    grey: NDArray[Any],
    labels: NDArray[np.integer],
    crop: float,
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
        The pores of what the crop leaves, on any grid.
    crop : float
        Share of each side that was cut off; a thin frame shows what was left.
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
    low, high = np.quantile(grey, [0.002, 0.998])
    levels = np.clip((grey - float(low)) * (255 / max(float(high - low), 1e-9)), 0, 255).astype(np.uint8)
    scale = min(width / grey.shape[1], 1.0)
    size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
    shown = Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    left, top = round(crop * size[0]), round(crop * size[1])
    box = size[0] - 2 * left, size[1] - 2 * top
    rim = Image.fromarray(_rims(_nearest(labels, (box[1], box[0]))))
    shown.paste(Image.new("RGB", box, _OUTLINE[verdict]), (left, top), rim)
    pen = ImageDraw.Draw(shown)
    if crop > 0:
        pen.rectangle((left - 1, top - 1, left + box[0], top + box[1]), outline=_FRAME)
    if pixel_size_um and math.isfinite(pixel_size_um):
        _scale_bar(pen, size, pixel_size_um / scale)
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


def _scale_bar(pen, size, um):
    """Draw a bar of a round length, about a fifth of the width, at the lower right."""
    wanted = size[0] * um / 5
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= wanted)
    right, bottom = size[0] - 12, size[1] - 12
    left = right - length / um
    pen.rectangle((left - 6, bottom - 24, right + 6, bottom + 6), fill=(0, 0, 0))
    pen.rectangle((left, bottom - 3, right, bottom), fill=(255, 255, 255))
    font = ImageFont.load_default(13)
    # The font that Pillow brings has no µ
    pen.text(((left + right) / 2, bottom - 14), f"{number(length)} um", fill=(255, 255, 255), font=font, anchor="mm")
