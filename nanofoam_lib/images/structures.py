"""Grey pictures of microstructures of many kinds, from a seed.

Foams, closed cells, nanoporous metals, mats of fibres, steels, worn and rough surfaces: thousands of them teach an
encoder what textures there are, and their known geometry tests what a descriptor says. A specimen (`Structure`) is a
kind and its traits; each of its pictures is another part of it, taken another way. The kinds stand in
`structure_kinds.KINDS`.
"""

import numbers
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.images.structure_imaging import Imaging as Imaging
from nanofoam_lib.images.structure_imaging import draw_imaging, expose
from nanofoam_lib.images.structure_kinds import KINDS
from nanofoam_lib.images.synthetic import check_count, check_picture

_GEOMETRY, _SURFACE, _IMAGING = range(3)  # each picture's streams of random numbers


@dataclass(frozen=True)
class Structure:
    """What all pictures of one specimen share.

    Attributes
    ----------
    kind : str
        A key of `KINDS`: "pores", "cells", "waves", "fibres", "grains", "scratches" or "noise".
    parameters : mapping of str to float
        Traits of the specimen; those left out take the kind's defaults (`defaults`). Lengths are in pixels.

    Raises
    ------
    ValueError
        If the kind or a parameter is unknown, or a value is outside its limits.

    Examples
    --------
    >>> Structure("cells", {"size": 14.0, "wall": 2.0}).parameters["regularity"]
    0.8
    """

    kind: str
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_kind(self.kind)
        traits = KINDS[self.kind].traits
        for name, value in self.parameters.items():
            if name not in traits:
                raise ValueError(f"{self.kind}: expected one of {', '.join(sorted(traits))}, got {name!r}")
            low, high = traits[name].limits
            if not isinstance(value, numbers.Real) or not low <= value <= high:  # type: ignore[operator]
                raise ValueError(f"{self.kind}: {name}: expected a number from {low:g} to {high:g}, got {value!r}")
        given = {name: float(value) for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", defaults(self.kind) | given)


def check_kind(kind: Any) -> None:
    """Raise ValueError if `kind` is not one of `KINDS`."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")


def defaults(kind: str) -> dict[str, float]:
    """Give the default of each trait of a kind."""
    check_kind(kind)
    return {name: trait.default for name, trait in KINDS[kind].traits.items()}


def draw_structure(seed: int, kind: str | None = None) -> Structure:
    """Draw the traits of a random specimen.

    Parameters
    ----------
    seed : int
        Non-negative. The same arguments give the same structure.
    kind : str, optional
        A key of `KINDS`; by default drawn as well, each as often as the others.
    """
    check_count("seed", seed, 0)
    if kind is None:
        kind = str(np.random.default_rng((seed, 0)).choice(list(KINDS)))
    check_kind(kind)
    rng = np.random.default_rng((zlib.crc32(kind.encode()), seed))
    return Structure(kind, {name: trait.draw(rng) for name, trait in KINDS[kind].traits.items()})


def picture(
    structure: Structure, seed: int, size: tuple[int, int] = (128, 128), imaging: Imaging | None = None
) -> NDArray[np.uint8]:
    """Take a picture of a specimen.

    Parameters
    ----------
    structure : Structure
        The specimen.
    seed : int
        Non-negative: which part of the specimen, and how it is taken. The same arguments give the same bytes.
    size : tuple of int
        Height and width in pixels.
    imaging : Imaging, optional
        How it is taken; by default drawn from the seed (`structure_imaging.draw_imaging`).

    Returns
    -------
    numpy.ndarray
        uint8 (height, width).

    Examples
    --------
    >>> picture(draw_structure(1, "grains"), seed=2, size=(96, 128)).shape
    (96, 128)
    """
    kind = KINDS[structure.kind]
    surface = kind.surface(
        _geometry(structure, seed, size), _stream(structure, seed, _SURFACE), size, structure.parameters
    )
    rng = _stream(structure, seed, _IMAGING)
    drawn = draw_imaging(rng)
    return expose(surface, imaging or drawn, rng)


def phase(structure: Structure, seed: int, size: tuple[int, int] = (128, 128)) -> NDArray[np.bool_]:
    """Tell which pixels of `picture` (same arguments) are pore or cell, solid (waves) or fibre (fibres): bool (H, W).

    Raises
    ------
    ValueError
        If the kind has no two phases.
    """
    found = KINDS[structure.kind].phase
    if found is None:
        raise ValueError(f"phase: expected one of {_kinds_with('phase')}, got {structure.kind!r}")
    return found(_geometry(structure, seed, size), structure.parameters)


def labels(structure: Structure, seed: int, size: tuple[int, int] = (128, 128)) -> NDArray[np.intp]:
    """Tell which cell or grain each pixel of `picture` (same arguments) belongs to: int (H, W), from 0.

    Raises
    ------
    ValueError
        If the kind has no cells.
    """
    found = KINDS[structure.kind].labels
    if found is None:
        raise ValueError(f"labels: expected one of {_kinds_with('labels')}, got {structure.kind!r}")
    return np.unique(found(_geometry(structure, seed, size)), return_inverse=True)[1].reshape(size)


def _kinds_with(truth):
    return ", ".join(name for name, kind in KINDS.items() if getattr(kind, truth))


def _geometry(structure, seed, size):
    check_count("seed", seed, 0)
    check_picture(seed, size, 1.0)
    return KINDS[structure.kind].geometry(_stream(structure, seed, _GEOMETRY), size, structure.parameters)


def _stream(structure, seed, use):
    """Give the generator for one use. Specimens that differ in anything share no random numbers."""
    traits = repr((structure.kind, sorted(structure.parameters.items())))
    return np.random.default_rng((zlib.crc32(traits.encode()), seed, use))
