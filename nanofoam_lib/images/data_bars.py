"""The strip with text that microscopes put beside a picture: found, so that it can be cut off."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Share of the picture's height or width that a strip may take.
LARGEST = 0.35
#: A strip of fewer pixels holds no legible text.
SMALLEST = 8
#: How far from the background, as a share of the range of levels, a pixel may lie (losses of JPEG) or must (letters).
SAME, INK = 0.04, 0.25
#: Share of a line that must be background: of any in the strip, of those next to its edges, and at most of the lines
#: of the picture next to it, which begins abruptly.
ANY_LINE, EDGE_LINE, PICTURE_LINE = 0.3, 0.93, 0.7
#: Share of letters in a strip.
LEAST_INK, MOST_INK = 0.002, 0.5
#: Changes from background to letters along the densest line of text.
LEAST_STROKES = 8
#: Pixels that a drawn line is thick, at most.
LINE = 4


class Edges(NamedTuple):
    """Pixels to cut off at each side, clockwise as in CSS."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0

    def cut(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Give a picture (H, W, …) without its edges."""
        height, width = picture.shape[:2]
        return picture[self.top : height - self.bottom, self.left : width - self.right]

    def around(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Give the height and width of a picture that has the shape (H, W, …) without its edges."""
        return shape[0] + self.top + self.bottom, shape[1] + self.left + self.right


NONE = Edges()


def find(levels: NDArray[Any]) -> Edges:
    """Find data bars at the edges of a picture.

    Parameters
    ----------
    levels : ndarray, shape (H, W)
        Grey levels of any type.

    Returns
    -------
    Edges

    Notes
    -----
    A data bar is a strip along a whole edge, 8 pixels to 35 % high, of one level but for letters and lines: next to the
    edge and next to the picture its lines are of one level, in between nearly a third of each line is background, and
    there are letters. Where it ends, the background ends along the whole line. A dark border without text, a row of
    dark pores or a white margin around a drawing are none, and stay.
    """
    found = [_at_bottom(np.rot90(levels, turns)) for turns in (2, 3, 0, 1)]  # each edge in turn is put at the bottom
    return Edges(*found)


def _at_bottom(levels):
    """Give the height of a bar at the bottom; 0 if there is none."""
    height = len(levels)
    lowest, highest = max(height - int(LARGEST * height), LINE + 1), height - SMALLEST
    if highest <= lowest or not _is_plain(levels[-3:]):
        return 0
    low, high = np.quantile(levels[:: max(height // 200, 1)], [0.01, 0.99])
    span = float(high) - float(low)
    if not span > 0:
        return 0
    strip = levels[lowest - LINE - 1 :].astype(np.float32)
    background = _background(strip)
    share = (abs(strip - background) <= SAME * span).mean(axis=1)
    is_line = _own_share(strip, SAME * span) >= EDGE_LINE
    is_bar = share >= ANY_LINE
    is_bar |= ndimage.binary_closing(is_bar, np.ones(LINE + 1)) & is_line
    is_bar[-LINE:] |= is_line[-LINE:]  # of a frame
    in_bar = np.logical_and.accumulate(is_bar[::-1])[::-1]
    for top in range(LINE + 1, len(strip) - SMALLEST + 1):  # the highest bar first
        begins = share[top : top + 2].max() >= EDGE_LINE and share[top - 3 : top].max() <= PICTURE_LINE
        if in_bar[top] and begins and _has_letters(abs(strip[top:] - background) > INK * span):
            return len(strip) - top + _lines_on(strip[top - LINE - 1 : top], is_line[top - LINE : top], 2 * SAME * span)
    return 0


def _lines_on(above, is_line, apart):
    """Count the lines drawn between picture and bar among those `above` it, of which the first is picture."""
    level = np.median(above, axis=1)
    is_drawn = is_line & (abs(level[1:] - level[0]) > apart)
    return int(np.logical_and.accumulate(is_drawn[::-1]).sum())


def _is_plain(lines):
    """Tell, quickly, whether the outermost lines could be those of a bar."""
    median = np.median(lines, axis=1, keepdims=True)
    low, high = np.quantile(lines, [0.05, 0.95])
    return bool((abs(lines - median) <= max(0.1 * (high - low), 8 if lines.dtype == np.uint8 else 0)).mean() > 0.8)


def _background(strip):
    """Give the level of the outer lines; a frame of one or two pixels around the bar does not count."""
    return float(np.median(strip[-SMALLEST:]))


def _own_share(strip, within):
    return (abs(strip - np.median(strip, axis=1, keepdims=True)) <= within).mean(axis=1)


def _has_letters(ink):
    strokes = np.count_nonzero(ink[:, 1:] & ~ink[:, :-1], axis=1).max(initial=0)
    strokes = max(strokes, np.count_nonzero(ink[1:] & ~ink[:-1], axis=0).max(initial=0))
    return LEAST_INK <= ink.mean() <= MOST_INK and strokes >= LEAST_STROKES
