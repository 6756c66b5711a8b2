"""How pores are told from walls: a registry of methods, and the one that picks among them.

A new method is one more entry in `METHODS`: a function of a picture and a scale that gives a function of a level.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from nanofoam_lib.base.labels import Label
from nanofoam_lib.images import pore_cells, pore_outlines, pore_parting, pore_phases, pore_verdicts
from nanofoam_lib.images.pore_phases import Labels, Picture

AUTO, MASKS, NONE = "auto", "masks", "none"


class Method(NamedTuple):
    """One method.

    Attributes
    ----------
    label : Label
        What it is called.
    prepare : callable
        From a picture, float32 (h, w), and a scale, the factor of the method's own lengths, to a function that takes
        a level from 0 to 1, where between the greys of walls and pores the outlines lie, and gives the labels, or a
        mask that is still to be parted.
    part : callable
        From such a mask to the labels.
    rule : str
        What its pictures are judged by, a key of `pore_verdicts.RULES`.
    trial_pixels : int
        Of the picture on which threshold and scale are moved: the fewer, the quicker.
    """

    label: Label
    prepare: Callable[[Picture, float], Callable[[float], Any]]
    part: Callable[[Any], Labels]
    rule: str
    trial_pixels: int = 64_000

    def ready(self, picture: Picture, scale: float = 1.0) -> Callable[[float], Labels]:
        """Get ready to label a picture's pores: a function of the level."""
        outline = self.prepare(picture, scale)
        return lambda level: self.part(outline(level))


_PART = pore_parting.part
METHODS: Mapping[str, Method] = {
    "dark": Method(Label("pores are dark", "los poros son oscuros"), pore_phases.dark, _PART, "threshold"),
    "bright": Method(Label("pores are bright", "los poros son claros"), pore_phases.bright, _PART, "threshold"),
    "cells": Method(Label("walls are lines", "las paredes son líneas"), pore_cells.cells, np.asarray, "cells", 160_000),
}
#: What the parameter ``pores`` may be.
CHOICES = (AUTO, *METHODS, MASKS, NONE)

_ROUNDER = 0.1  # the brighter phase is taken for the pores if its parts are rounder by more than this
_WHY = {
    "dark": "the darker phase stands out and its parts are as round as those of the brighter one, or rounder",
    "bright": "the brighter phase stands out and its parts are rounder than those of the darker one",
    "cells": "no threshold parts two phases here, but lines enclose cells",
    "doubtful": "no method fits; what this one finds is rounder",
    MASKS: "the user's own mask",
    "given": "as asked for",
}


class Found(NamedTuple):
    """The pores of a picture: labels, the method that found them, why that one, and the numbers behind the verdict."""

    labels: Labels
    method: str
    why: str
    numbers: dict[str, float]

    @property
    def rule(self) -> str:
        """What the picture is judged by."""
        return rule_of(self.method)

    @property
    def verdict(self) -> str:
        """Tell whether the pores can be believed: "ok" or "doubtful"."""
        return pore_verdicts.DOUBTFUL if self.reasons() else pore_verdicts.OK

    def reasons(self, lang: str = "en") -> list[str]:
        """Say why not, in words."""
        return pore_verdicts.reasons(self.numbers, self.rule, lang)


def rule_of(method: str) -> str:
    """Name the rule by which the pictures of a method are judged."""
    return MASKS if method == MASKS else METHODS[method].rule


def find(picture: Picture, method: str = AUTO, level: float = 0.5, mask: Labels | None = None) -> Found:
    """Find the pores of a picture, and judge them.

    Parameters
    ----------
    picture : ndarray of float32, shape (h, w)
        Square pixels, see `pores.square`.
    method : str
        A key of `METHODS`; "auto", which picks one; or "masks".
    level : float in (0, 1)
        Where between the greys of walls (0) and pores (1) an outline lies.
    mask : ndarray of int32, shape (h, w), optional
        The labels, if the method is "masks".

    Returns
    -------
    Found

    Notes
    -----
    "auto" asks first whether a threshold parts two phases, and takes for the pores the one whose parts are rounder, in
    case of doubt the darker one. If outlines do not stand out, or the verdict is doubtful, it looks for cells between
    lines. If that is doubtful as well, it takes what is rounder, and the picture stays doubtful.
    """
    if method == MASKS:
        if mask is None:
            raise ValueError("mask: the method 'masks' needs one")
        outlines = pore_outlines.Outlines(picture, mask > 0)
        return Found(mask, MASKS, _WHY[MASKS], pore_verdicts.standing(mask, outlines, MASKS))
    if method != AUTO:
        return _Trial(picture, method, level).judged(_WHY["given"])
    dark = _Trial(picture, "dark", level)
    if pore_verdicts.parts_phases(dark.outlines):
        first = _brighter_or_darker(dark)
        if found := first.believed(_WHY[first.method]):
            return found
    second = _Trial(picture, "cells", level)
    if found := second.believed(_WHY["cells"]):
        return found
    return max((_brighter_or_darker(dark), second), key=lambda trial: trial.roundness).judged(_WHY["doubtful"])


def label(picture: Picture, method: str = "dark", level: float = 0.5) -> Labels:
    """Find the pores of a picture without judging them: int32 (h, w); arguments as in `find`."""
    return find(picture, method, level).labels if method == AUTO else METHODS[method].ready(picture)(level)


class _Trial:
    """A method on a picture, judged as far as is asked for: what stands out so little is not tried at other scales."""

    def __init__(self, picture, method, level):
        self.method, self.level, self.picture = method, level, picture
        self._own = METHODS[method]
        self._outline = self._own.prepare(picture, 1.0)
        self._found = self._outline(level)
        self.outlines = pore_outlines.Outlines(picture, self._found > 0)

    @functools.cached_property
    def labels(self):
        return self._own.part(self._found)

    @property
    def roundness(self):
        return self._standing["roundness"]

    @functools.cached_property
    def _standing(self):
        return pore_verdicts.standing(self.labels, self.outlines, self._own.rule)

    def believed(self, why):
        """Give what was found if its verdict is not doubtful, else None."""
        found = Found(self.labels, self.method, why, self._standing)
        if found.verdict == pore_verdicts.OK and (found := self.judged(why)).verdict == pore_verdicts.OK:
            return found
        return None

    def judged(self, why):
        """Give what was found, with all numbers behind its verdict."""
        return Found(self.labels, self.method, why, self._standing | self._moves)

    @functools.cached_property
    def _moves(self):
        small = _reduced(self.picture, self._own.trial_pixels)
        if small is self.picture:
            label, labels = lambda level: self._own.part(self._outline(level)), self.labels
        else:
            label = self._own.ready(small)
            labels = label(self.level)
        return pore_verdicts.moves(labels, label, functools.partial(self._own.ready, small), self.level)


def _reduced(picture, pixels):
    """Resize a picture to `pixels`, unless it has hardly more."""
    share = (pixels / picture.size) ** 0.5
    if share > 0.95:
        return picture
    size = [max(round(side * share), 1) for side in picture.shape[::-1]]
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _brighter_or_darker(dark):
    """Take the phase whose parts are rounder for the pores, in case of doubt the darker one."""
    if dark.roundness > 1 - _ROUNDER:
        return dark
    other = pore_parting.part(dark.labels == 0) if dark.labels.any() else dark.labels
    is_rounder = np.nan_to_num(pore_verdicts.roundness(other)) > np.nan_to_num(dark.roundness) + _ROUNDER
    return _Trial(dark.picture, "bright", dark.level) if is_rounder else dark
