"""What a synthetic data folder can show: kinds of material, three classes of each, with the truth of every picture.

A new kind is one more entry in `KINDS`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.images import stereology, structures, synthetic
from nanofoam_lib.images.structure_imaging import Imaging, expose

#: From class, seed, size (height, width), pixel size in µm and specimen to the picture, uint8, and its truth.
Draw = Callable[[str, int, tuple[int, int], float, int], tuple[NDArray[np.uint8], dict[str, Any]]]


class SyntheticKind(NamedTuple):
    """A kind: its classes, and how a picture of one is drawn.

    The truth holds ``porosity`` and ``diameters_um`` (of cells and sections; empty where "a pore" has no meaning).
    """

    classes: tuple[str, ...]
    draw: Draw


#: Root of the mean area of a cell, wave length, and median diameter of spheres, in µm.
_SIZES = {"fine": 24.0, "medium": 30.0, "coarse": 40.0}
_FRACTION, _SPREAD, _COVERED = 0.5, 0.2, 0.3
_WALL = 0.07  # of a cell's size


def _cells(label, seed, size, pixel_size_um, specimen):
    """Draw Laguerre cells between bright walls, with reflections in them and uneven light."""
    scale, rng = _specimen("cells", specimen, seed)
    cell = _SIZES[label] * scale / pixel_size_um
    wall = _WALL * cell
    traits = {
        "size": cell, "wall": wall, "wall_grey": 1.0, "regularity": 0.8, "spread": _SPREAD, "shade": 0.6,
        "glints": 0.5, "open": 0.0, "light": rng.uniform(0, 6),
    }  # fmt: skip
    structure = structures.Structure("cells", traits)
    true = structures.labels(structure, seed, size) + 1
    inside = structures.phase(structure, seed, size)
    areas = np.bincount((true * inside).ravel())[1:] * pixel_size_um**2
    truth = {"porosity": float(inside.mean()), "diameters_um": np.sqrt(4 / math.pi * areas[areas > 0])}
    return structures.picture(structure, seed, size, _imaging(rng, 0.3)), truth


def _bicontinuous(label, seed, size, pixel_size_um, specimen):
    """Draw a section through a levelled wave, half of it solid."""
    scale, rng = _specimen("bicontinuous", specimen, seed)
    traits = {"size": _SIZES[label] * scale / pixel_size_um, "fraction": _FRACTION, "relief": 0.0, "band": 0.1}
    structure = structures.Structure("waves", traits)
    pores = ~structures.phase(structure, seed, size)
    truth = {"porosity": float(pores.mean()), "diameters_um": np.zeros(0)}
    return structures.picture(structure, seed, size, _imaging(rng, 0.1)), truth


def _sections(label, seed, size, pixel_size_um, specimen):
    """Draw spherical pores that a plane cuts: discs, of which no two overlap."""
    scale, rng = _specimen("sections", specimen, seed)
    field = np.array(size[::-1]) * pixel_size_um
    median = _SIZES[label] * scale
    spheres = median * np.exp(_SPREAD * rng.standard_normal(4096))
    circles = stereology.cut(spheres, rng)
    circles = np.sort(circles[: np.searchsorted(np.cumsum(math.pi / 4 * circles**2), _COVERED * field.prod())])[::-1]
    centres = _apart(circles / 2, field, rng)
    y, x = (np.arange(side, dtype=np.float32) + 0.5 for side in size)
    depth = np.full(size, -np.inf, np.float32)
    for (cx, cy), circle in zip(centres / pixel_size_um, circles / pixel_size_um, strict=True):
        inside = circle / 2 - np.hypot(x - np.float32(cx), y[:, None] - np.float32(cy))
        np.maximum(depth, inside, out=depth)
    surface = 1 - 0.8 * np.clip(depth + 0.5, 0, 1) + 0.05 * rng.standard_normal(size, dtype=np.float32)
    truth = {
        "porosity": float((depth > 0).mean()), "diameters_um": circles, "sphere_mean_um": float(spheres.mean()),
    }  # fmt: skip
    return expose(surface, _imaging(rng, 0.1), rng), truth


def _foam(label, seed, size, pixel_size_um, specimen):
    return synthetic.foam_micrograph(label, seed, size, pixel_size_um, specimen)


KINDS: Mapping[str, SyntheticKind] = {
    "foam": SyntheticKind(tuple(synthetic.COMPOSITIONS), _foam),
    "cells": SyntheticKind(tuple(_SIZES), _cells),
    "bicontinuous": SyntheticKind(tuple(_SIZES), _bicontinuous),
    "sections": SyntheticKind(tuple(_SIZES), _sections),
}


def _specimen(kind, specimen, seed):
    """Give how much larger or smaller a specimen is than its class, and the generator of a picture's light."""
    own = np.random.default_rng((len(kind), specimen))
    return math.exp(0.04 * own.standard_normal()), np.random.default_rng((len(kind), specimen, seed))


def _imaging(rng, gradient):
    return Imaging(
        brightness=rng.normal(112, 6), contrast=rng.normal(44, 3), blur=rng.uniform(0.4, 1.0), noise=rng.uniform(2, 5),
        gradient=rng.uniform(0.3, 1) * gradient, direction=rng.uniform(0, 2 * math.pi),
    )  # fmt: skip


def _apart(radii, field, rng):
    """Place discs, the largest first, where they touch none; after a hundred trials, where it happens to be."""
    centres = np.empty((len(radii), 2))
    for i, radius in enumerate(radii):
        tried = rng.random((100, 2)) * field
        gap = np.hypot(*(tried[:, None] - centres[None, :i]).transpose(2, 0, 1)) - radii[:i] - radius
        free = np.flatnonzero(gap.min(axis=1, initial=np.inf) > 0)
        centres[i] = tried[free[0] if len(free) else 0]
    return centres
