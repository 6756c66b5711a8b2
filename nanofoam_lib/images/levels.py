"""Levels as a detector counted them, and how they become 8-bit grey: the same for all files of a folder."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bits that cameras use of the 16 in a file.
DEPTHS = (8, 10, 12, 14, 16)
#: Share of the pixels that may be left darker than black and as many brighter than white, as ImageJ saturates by
#: default: hot pixels, scale bars and letters decide nothing.
SATURATED = 0.0035

#: Pixels up to which all are measured; of larger pictures every second, third, … of every such row.
MEASURED = 2**24

#: How near to the full range of some bits a white must come out to be taken for it.
NEAR = 0.05

#: Kinds of levels, as a table and a sentence call them.
BYTES, UNSIGNED, WHITE_LOW, SIGNED, FLOATING = "8-bit", "16-bit", "white-is-zero 16-bit", "signed", "floating-point"
KINDS = (BYTES, UNSIGNED, WHITE_LOW, SIGNED, FLOATING)
_BY_LETTER = {"u": UNSIGNED, "b": BYTES, "i": SIGNED, "f": FLOATING}  # of NumPy's types


@dataclasses.dataclass(frozen=True)
class Scale:
    """The levels that become black (0) and white (255).

    Parameters
    ----------
    black, white : float
        White is the greater, but where the file says that low levels are bright.
    """

    black: float = 0.0
    white: float = 255.0

    def apply(self, levels: NDArray[Any]) -> NDArray[np.uint8]:
        """Turn levels into 8-bit grey, rounded to the nearest: ndarray of uint8 of the same shape; uint8 stays."""
        if levels.dtype == np.uint8:
            return levels
        if self.black > self.white:
            return np.uint8(255) - Scale(self.white, self.black).apply(levels)
        if levels.dtype.kind == "u" and self.black == 0 and float(self.white).is_integer() and self.white < 2**24:
            white = int(self.white)
            return ((np.minimum(levels, white).astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
        part = levels.astype(np.float32, copy=True)  # in place from here on: these may be large
        np.nan_to_num(part, copy=False, nan=self.black, posinf=self.white, neginf=self.black)
        part -= self.black
        part *= 255 / (self.white - self.black)
        part += 0.5
        return np.clip(part, 0, 255, out=part).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Range:
    """The `kind` of some levels (of `KINDS`), and the quantiles between which all but few of them lie."""

    kind: str
    low: float
    high: float

    @classmethod
    def of(cls, levels: NDArray[Any], is_white_low: bool = False) -> "Range":
        """Measure levels; those that are no finite number, or letters drawn into the picture, do not count."""
        kind = BYTES if levels.dtype == np.uint8 else WHITE_LOW if is_white_low else _BY_LETTER[levels.dtype.kind]
        step = math.isqrt(levels.size // MEASURED) + 1
        levels = levels[::step, ::step]
        values = levels[np.isfinite(levels)] if kind == FLOATING else _without_letters(levels)
        if not values.size:
            return cls(kind, 0.0, 1.0)
        low, high = _quantiles(values.ravel(), [SATURATED, 1 - SATURATED])
        return cls(kind, float(low), float(high))


def _without_letters(levels):
    """Leave out what was drawn into a picture: the greatest number of its type, where no other comes near it."""
    greatest = np.iinfo(levels.dtype).max
    if levels.dtype.kind != "u" or levels.dtype == np.uint8 or levels.max(initial=0) < greatest:
        return levels
    others = levels[levels < greatest]
    return others if others.size and others.max() < greatest / 2 else levels


def _quantiles(values, shares):
    """Give the least values that are not exceeded by these shares of all."""
    if values.dtype in (np.uint8, np.uint16):  # counting is several times faster than sorting
        below = np.cumsum(np.bincount(values)) / values.size
        return [int(np.searchsorted(below, share)) for share in shares]
    return np.quantile(values, shares, method="inverted_cdf")


def white_of(level: float) -> float:
    """Give the white of the least of `DEPTHS` that holds a level; beyond 16 bits, the level itself."""
    return next((2.0**bits - 1 for bits in DEPTHS if level < 2**bits), level)


def decide(ranges: Iterable[Range]) -> dict[str, Scale]:
    """Decide one scale for all levels of a kind.

    Parameters
    ----------
    ranges : iterable of Range
        Of the pictures of a folder.

    Returns
    -------
    dict
        Kind → `Scale`. 8-bit grey stays as it is. Of 16 bits, white is what the least of 8, 10, 12, 14 and 16 bits that
        holds the brightest picture's quantile can hold, so that all stay comparable and a camera of 12 bits gives no
        dark pictures. Signed and floating-point levels reach from the lowest to the highest quantile. Of several kinds
        in one folder, quantiles come to lie where those of the first kind (in the order of `KINDS`) lie: how many bits
        somebody saved must not tell one class from another. Where low levels are bright, as many bits as hold the
        highest quantile are black.
    """
    ranges = list(ranges)
    scales, shown = {}, None
    for kind in KINDS:
        own = [one for one in ranges if one.kind == kind]
        if own:
            low, high = min(one.low for one in own), max(one.high for one in own)
            scale = _scale(kind, low, high) if shown is None else _matched(kind, low, high, *shown)
            scales[kind] = scale
            if shown is None:
                shown = sorted(255 * (level - scale.black) / (scale.white - scale.black) for level in (low, high))
    return scales


def alone(one: Range) -> Scale:
    """Decide the scale of one picture."""
    return decide([one])[one.kind]


def _scale(kind, low, high):
    if kind == BYTES:
        return Scale()
    if kind in (UNSIGNED, WHITE_LOW):
        return Scale(0.0, white_of(high)) if kind == UNSIGNED else Scale(white_of(high), 0.0)
    return Scale(low, high if high > low else low + 1)


def _matched(kind, low, high, shown_low, shown_high):
    """Give the scale that shows `low` and `high` as the grey levels `shown_low` and `shown_high`, whose zero counts."""
    if kind == WHITE_LOW or (kind == UNSIGNED and shown_high <= 0):
        return _scale(kind, low, high)
    if kind == UNSIGNED:
        white = 255 * high / shown_high
        full = [2.0**bits - 1 for bits in range(8, 17)]  # probably it is one of these, and the pictures are the same
        near = [one for one in full if abs(white / one - 1) < NEAR]
        return Scale(0.0, near[0] if near else float(max(round(white), 1)))
    step = (high - low) / (shown_high - shown_low) if high > low and shown_high > shown_low else 1.0
    return Scale(low - step * shown_low, low + step * (255 - shown_low))


def describe(kinds: Sequence[str], scales: Sequence[Scale]) -> list[str]:
    """Say how levels were turned into grey.

    Parameters
    ----------
    kinds, scales : sequence, one item per picture

    Returns
    -------
    list of str
        Empty if all pictures were 8-bit.
    """
    pairs = sorted(set(zip(kinds, scales, strict=True)), key=lambda pair: KINDS.index(pair[0]))
    return [
        f"{kind} levels of {kinds.count(kind)} images: {scale.black:g} is black and {scale.white:g} is white, whatever "
        f"{SATURATED:.2%} of the pixels inside the crop are"
        for kind, scale in pairs
        if kind != BYTES
    ]
