"""Whether the pores that were found in a picture can be believed: one rule, on numbers that are kept with it.

A doubtful picture is one in which a threshold a little higher, a scale a little larger or another method would have
found other pores, or whose outlines do not stand out from the rest of the picture.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from nanofoam_lib.base.language import fixed, text
from nanofoam_lib.base.messages import message
from nanofoam_lib.images.pore_outlines import Outlines
from nanofoam_lib.images.pore_phases import Labels
from nanofoam_lib.images.pore_shapes import circularities
from nanofoam_lib.images.pore_space import boundary_length

OK, DOUBTFUL = "ok", "doubtful"
#: By how much threshold (of the difference between the two greys) and scale are moved.
MOVED = 0.1
_FEWEST = 5  # pores: fewer make neither a median nor a trial of how it moves


class Limit(NamedTuple):
    """The least or the largest value of a number with which a picture is believed, and what is wrong beyond it."""

    least: float
    largest: float
    reason: str  # in the catalogue of `base.language`; {value} and {limit} are filled in

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within; NaN does not."""
        return self.least <= value <= self.largest


def _at_least(limit, reason):
    return Limit(limit, math.inf, reason)


def _at_most(limit, reason):
    return Limit(-math.inf, limit, reason)


_MOVES = {
    "count_moves": "the number of pores moves by {value} when threshold or scale move by a tenth (at most {limit})",
    "diameter_moves": "the median diameter moves by {value} when threshold or scale move by a tenth (at most {limit})",
    "porosity_moves": "the porosity moves by {value} when threshold or scale move by a tenth (at most {limit})",
}
_EDGE = "the grey changes only {value} times as fast at the outlines as inside (at least {limit})"
_CONTRAST = "pores and walls differ by {value} times the unrest of their greys beside the outlines (at least {limit})"
_WIDTH = "the outlines are blurred over {value} of a pore's radius (at most {limit})"
_AGREEMENT = "outlines where the grey changes fastest agree by {value} only (Dice, at least {limit})"
_ROUND = "what was found is ragged: circularity {value} (at least {limit})"
_HALF = "outlines half a pixel off change the porosity by {value} (at most {limit})"
_FEW = "only {value} pores are in view (at least {limit})"

#: What is asked of a picture, by method. Chosen on synthetic structures of seeds from 1000 on and on noise.
RULES: Mapping[str, Mapping[str, Limit]] = {
    "threshold": {
        "count": _at_least(_FEWEST, _FEW),
        "edge": _at_least(3.3, _EDGE),
        "contrast": _at_least(5.3, _CONTRAST),
        "blur": _at_most(0.38, _WIDTH),
        "agreement": _at_least(0.935, _AGREEMENT),
        "half_pixel": _at_most(0.08, _HALF),
        "porosity_moves": _at_most(0.045, _MOVES["porosity_moves"]),
        "diameter_moves": _at_most(0.2, _MOVES["diameter_moves"]),
        "count_moves": _at_most(0.25, _MOVES["count_moves"]),
    },
    "cells": {
        "count": _at_least(_FEWEST, _FEW),
        "edge": _at_least(2.0, _EDGE),
        "roundness": _at_least(0.62, _ROUND),
        "half_pixel": _at_most(0.055, _HALF),  # walls of a few pixels, bright ones above all, come out too thick
        "porosity_moves": _at_most(0.075, _MOVES["porosity_moves"]),
        "diameter_moves": _at_most(0.07, _MOVES["diameter_moves"]),
        "count_moves": _at_most(0.06, _MOVES["count_moves"]),
    },
    "masks": {"count": _at_least(1, _FEW)},
}
#: The numbers, in the order of the tables.
NUMBERS = (
    "count_moves", "porosity_moves", "diameter_moves", "edge", "contrast", "blur", "agreement", "roundness",
    "half_pixel",
)  # fmt: skip


def standing(labels: Labels, outlines: Outlines, rule: str) -> dict[str, float]:
    """Give the numbers of a verdict that need no other trial.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        The pores that were found, 0 in the walls.
    outlines : Outlines
        Of these pores in the picture.
    rule : str
        A key of `RULES`.

    Returns
    -------
    dict
        Those of `of_labels`, and what the rule asks of the outlines.
    """
    asked = {name: getattr(outlines, name) for name in RULES[rule] if hasattr(Outlines, name)}
    return of_labels(labels) | asked


def of_labels(labels: Labels) -> dict[str, float]:
    """Give the numbers of a verdict that labels alone tell.

    Returns
    -------
    dict
        ``count``, pores, each that the edge cuts for a half; ``roundness``, mean circularity; ``half_pixel``, how far
        the porosity moves when every outline does by half a pixel, nearer than which none is known.
    """
    half_pixel = 0.5 * boundary_length(labels > 0)
    return {"count": _summary(labels)[0], "roundness": roundness(labels), "half_pixel": half_pixel}


def parts_phases(outlines: Outlines) -> bool:
    """Tell whether outlines found by a threshold part two phases, whichever of the two is pores."""
    return all(RULES["threshold"][name].holds(getattr(outlines, name)) for name in ("edge", "contrast"))


def moves(
    labels: Labels,
    label: Callable[[float], Labels],
    prepare: Callable[[float], Callable[[float], Labels]],
    level: float = 0.5,
) -> dict[str, float]:
    """Give how far what is found moves when the method's threshold or scale does.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        What was found.
    label : callable
        From a level to labels: the method, ready for the picture.
    prepare : callable
        From a scale to such a function.
    level : float
        At which the pores were found.

    Returns
    -------
    dict
        How far count and median diameter (relative) and porosity (absolute) move at most when the level moves by a
        tenth of the way between the two greys, or the method's own lengths by a tenth: ``count_moves``,
        ``diameter_moves``, ``porosity_moves``; infinite if there are no pores, before or after.
    """
    count, porosity, diameter = _summary(labels)
    trials = [_summary(label(level + move)) for move in (-MOVED, MOVED)]
    trials += [_summary(prepare(1 + move)(level)) for move in (-MOVED, MOVED)]
    if not count or not all(trial[0] for trial in trials):
        return {"count_moves": math.inf, "porosity_moves": math.inf, "diameter_moves": math.inf}
    return {
        "count_moves": max(abs(trial[0] / count - 1) for trial in trials),
        "porosity_moves": max(abs(trial[1] - porosity) for trial in trials),
        "diameter_moves": max(abs(trial[2] / diameter - 1) for trial in trials),
    }


def recorded(written: str, lang: str = "en") -> list[str]:
    """Give the reasons that a table holds, in English behind each other, in the reader's language.

    The numbers that a table holds do not tell all of them again: it counts pores by their centres, the verdict every
    pore in view.

    Examples
    --------
    >>> recorded("only 3 pores are in view (at least 5)", "es"), recorded("")
    (['solo hay 3 poros a la vista (al menos 5)'], [])
    """
    phrases = {limit.reason for rule in RULES.values() for limit in rule.values()}
    return [message(reason, lang, phrases) for reason in written.split("; ") if reason]


def reasons(found: Mapping[str, float], rule: str, lang: str = "en") -> list[str]:
    """Say what is doubtful about a picture, in words; an empty list if it can be believed.

    Parameters
    ----------
    found : mapping
        Of `standing` and `moves`; what is not there is not asked for.
    rule : str
        A key of `RULES`.
    lang : {"en", "es"}
    """
    said = []
    for name, limit in RULES[rule].items():
        if name in found and not limit.holds(found[name]):
            bound = limit.least if math.isfinite(limit.least) else limit.largest
            digits = 0 if name == "count" else 2
            words = {"value": fixed(found[name], lang, digits), "limit": fixed(bound, lang, digits)}
            said.append(text(limit.reason, lang).format(**words))
    return said


def _summary(labels):
    """Give number, porosity and median diameter in pixels: quickly, with half of each pore that the edge cuts."""
    area = np.bincount(labels.ravel())[1:]
    cut = np.zeros(len(area) + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        cut[side] = True
    there = area > 0
    weights = np.where(cut[1:], 0.5, 1.0)[there]
    if not there.any():
        return 0.0, 0.0, math.nan
    median = np.quantile(np.sqrt(area[there]), 0.5, weights=weights, method="inverted_cdf")
    return float(weights.sum()), float(area.sum() / labels.size), float(median)


def roundness(labels: Labels) -> float:
    """Give the mean circularity of the pores that the edge does not cut, NaN if there are none."""
    return float(circularities(labels)["circularity"].mean()) if labels.any() else math.nan
