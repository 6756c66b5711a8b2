"""The kinds of structures that `structures` draws: a registry with each kind's traits, their ranges and their defaults.

A new kind is one more entry in `KINDS`: traits, and functions that draw its geometry and its surface.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanofoam_lib.images import structure_cells, structure_phases, structure_surfaces


@dataclass(frozen=True)
class Trait:
    """One number of a specimen: default, the range it is drawn from, how far a caller may go, and how it is drawn.

    Lengths are drawn log-uniformly (`log`), since a picture may be of any magnification. `none` is the share of
    specimens that do without the trait, which then is `plain`.
    """

    default: float
    low: float
    high: float
    limits: tuple[float, float]
    log: bool = False
    none: float = 0.0
    plain: float = 0.0

    def draw(self, rng: np.random.Generator) -> float:
        """Draw the trait of a random specimen."""
        share = rng.random()
        value = (
            math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            if self.log
            else rng.uniform(self.low, self.high)
        )
        return float(self.plain if share < self.none else value)


@dataclass(frozen=True)
class Kind:
    """One kind: its traits and how it is drawn.

    Attributes
    ----------
    traits : mapping
        `Trait` by name.
    geometry : callable
        From a generator, a size and the traits to what the next three take; None if the kind has only a surface.
    surface : callable
        From the geometry, a generator, a size and the traits to float32 (H, W), any unit.
    phase : callable or None
        From the geometry and the traits to bool (H, W).
    labels : callable or None
        From the geometry to int (H, W).
    """

    traits: Mapping[str, Trait]
    surface: Callable[..., Any]
    geometry: Callable[..., Any] = lambda rng, size, traits: None
    phase: Callable[..., Any] | None = None
    labels: Callable[..., Any] | None = None


def _length(default, low, high, **options):
    """Describe a length in pixels; longer ones are allowed than are drawn, as pictures may be larger."""
    return Trait(default, low, high, (min(low, 2.0), 8 * high), log=True, **options)


def _share(default, low=0.0, high=1.0, limits=(0.0, 1.0), **options):
    return Trait(default, low, high, limits, **options)


_COMMON = {
    "aspect": Trait(1.0, 0.7, 1.4, (0.25, 4.0), log=True, none=0.4, plain=1.0),  # squeezed to a square
    "light": Trait(0.8, 0.0, 2 * math.pi, (-7.0, 7.0)),  # angle of the lamp, radians
}
_DISCS = {
    "regularity": _share(0.8),
    "spread": _share(0.2, 0.0, 0.45),  # standard deviation of the logarithm of radii
    "bend": _share(0.03, 0.0, 0.08, (0.0, 0.3), none=0.3),  # of outlines, in sizes
}


def _disc_labels(discs):
    return discs.diagram.label


KINDS: dict[str, Kind] = {
    "pores": Kind(
        _COMMON
        | _DISCS
        | {
            "size": _length(14.0, 5.0, 40.0),  # median diameter
            "porosity": _share(0.4, 0.08, 0.65, (0.01, 0.9)),
            "wall": Trait(1.5, 0.5, 3.0, (0.0, 20.0), none=0.3),  # least wall that is left between pores
            "floor": _share(0.15, 0.02, 0.35),  # grey at the bottom
            "grain": _length(6.0, 3.0, 20.0),  # of the matrix: distance of its bumps
            "rough": _share(0.5, 0.1, 1.2, (0.0, 2.0)),
            "rim": _share(0.4),
        },
        structure_cells.pore_surface,
        structure_cells.pores,
        phase=structure_cells.pore_phase,
    ),
    "cells": Kind(
        _COMMON
        | _DISCS
        | {
            "size": _length(18.0, 6.0, 44.0),  # root of the mean area of a cell
            "wall": Trait(2.0, 1.0, 4.5, (0.0, 40.0), log=True),
            "wall_grey": Trait(1.0, 0.75, 1.2, (-1.0, 2.0), none=0.3, plain=0.0),  # bright, or dark
            "shade": _share(0.6, 0.1, 1.2, (0.0, 2.0)),
            "glints": _share(0.1, 0.02, 0.3, none=0.5),
            "open": _share(0.3, 0.1, 0.8, none=0.5),
        },
        structure_cells.cell_surface,
        structure_cells.cells,
        phase=structure_cells.cell_phase,
        labels=_disc_labels,
    ),
    "waves": Kind(
        _COMMON
        | {
            "size": _length(16.0, 6.0, 48.0),  # wave length
            "fraction": _share(0.4, 0.2, 0.8, (0.01, 0.99)),  # solid
            "band": _share(0.1, 0.0, 0.4, none=0.3),
            "relief": _share(0.8, 0.3, 1.0, none=0.35),
            "soft": _share(0.0, 0.2, 1.0, none=0.7),
            "grain": _length(4.0, 3.0, 8.0),
            "rough": _share(0.3, 0.0, 1.0),
        },
        structure_phases.wave_surface,
        structure_phases.waves,
        phase=structure_phases.wave_phase,
    ),
    "fibres": Kind(
        _COMMON
        | {
            "width": _length(4.0, 1.6, 16.0),
            "length": _length(120.0, 50.0, 250.0),
            "density": Trait(1.2, 0.3, 2.5, (0.01, 6.0), log=True),  # area of all fibres over that of the picture
            "angle": Trait(0.0, 0.0, math.pi, (-math.pi, math.pi)),
            "scatter": Trait(0.6, 0.05, 1.8, (0.0, 4.0), log=True),  # of directions: standard deviation, radians
            "curl": Trait(0.3, 0.0, 1.5, (0.0, 4.0), none=0.3),  # radians a fibre turns by
            "spread": _share(0.2, 0.0, 0.4),
            "shade": _share(0.5),
            "rim": _share(0.2, none=0.3),  # edges that emit more
            "depth": _share(0.7, 0.4, 0.95),
        },
        structure_phases.fibre_surface,
        structure_phases.fibres,
        phase=structure_phases.fibre_phase,
    ),
    "grains": Kind(
        _COMMON
        | _DISCS
        | {
            "size": _length(22.0, 8.0, 48.0),
            "wall": Trait(1.2, 0.8, 2.5, (0.0, 20.0), none=0.25),
            "wall_grey": Trait(0.15, 0.0, 0.35, (-1.0, 2.0), none=0.15, plain=1.0),
            "contrast": _share(0.5, 0.15, 1.0),
            "lamellar": _share(0.0, 0.2, 1.0, none=0.55),  # share of the grains
            "period": _length(5.0, 3.0, 10.0),
            "particles": _share(0.0, 0.02, 0.2, (0.0, 0.6), none=0.6),  # area of the second phase
            "particle_size": _length(4.0, 3.0, 9.0),
            "particle_grey": Trait(0.8, -1.0, 1.0, (-1.0, 1.0)),
        },
        structure_cells.grain_surface,
        structure_cells.grains,
        labels=_disc_labels,
    ),
    "scratches": Kind(
        _COMMON
        | {
            "size": _length(20.0, 3.0, 40.0),  # wave length up to which the surface is rough
            "alpha": Trait(2.0, 0.8, 3.0, (0.0, 6.0)),
            "rough": _share(0.5, 0.15, 1.2, (0.0, 3.0)),
            "scratches": Trait(8.0, 2.0, 40.0, (0.0, 400.0), log=True, none=0.25),  # per 100 x 100 pixels
            "length": _length(120.0, 60.0, 300.0),
            "width": Trait(1.5, 0.9, 2.2, (0.5, 20.0), log=True),
            "angle": Trait(0.0, 0.0, math.pi, (-math.pi, math.pi)),
            "scatter": Trait(0.2, 0.02, 1.0, (0.0, 4.0), log=True),
            "cracks": _share(0.0, 0.3, 1.0, none=0.6),
            "spacing": _length(40.0, 20.0, 80.0),  # of cracks
            "pits": Trait(3.0, 1.0, 20.0, (0.0, 200.0), log=True, none=0.4),  # per 100 x 100 pixels
            "pit_size": _length(6.0, 3.0, 14.0),
        },
        structure_surfaces.scratch_surface,
    ),
    "noise": Kind(
        _COMMON
        | {
            "size": _length(20.0, 4.0, 80.0),  # wave length above which the spectrum is level
            "alpha": Trait(2.0, 0.8, 4.5, (0.0, 8.0)),
            "skew": Trait(0.0, -1.0, 1.0, (-2.0, 2.0), none=0.3),
            "ridge": _share(0.0, 0.3, 1.0, none=0.6),
            "relief": _share(0.3, none=0.3),
            "smooth": Trait(0.0, 0.5, 4.0, (0.0, 20.0), log=True, none=0.35),
        },
        structure_surfaces.noise_surface,
    ),
}
