"""Structures of discs that fill the plane or lie in it: pores, closed cells and grains, from one power diagram.

Each kind has a geometry, which draws from a generator of its own, and a surface: the geometry as a microscope sees it.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.images.power_diagram import PowerDiagram, power_diagram
from nanofoam_lib.images.structure_fields import bumps, lit, plane, rough, scatter, smooth_step

Size = tuple[int, int]
Traits = Mapping[str, float]


class Discs(NamedTuple):
    """Discs in the plane with the diagram they make: the pixels' coordinates (H, W), centres (n, 2), radii (n,)."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    diagram: PowerDiagram


def disc_diagram(
    rng: np.random.Generator,
    size: Size,
    traits: Traits,
    spacing: float,
    radius: float,
    bend: float,
    borders: bool = True,
) -> Discs:
    """Scatter discs of log-normal radii and draw their diagram, in coordinates bent by a share of the spacing."""
    x, y = plane(size, traits["aspect"])
    extent = (float(x[-1]) + 0.5, float(y[-1]) + 0.5)
    centres = scatter(rng, extent, spacing, traits["regularity"], 2.5 * spacing)
    radii = radius * np.exp(traits["spread"] * np.clip(rng.standard_normal(len(centres)), -2.5, 2.0))
    x, y = np.broadcast_to(x, size), np.broadcast_to(y[:, None], size)
    if bend > 0:
        amount = np.float32(bend * spacing)
        bent = amount * bumps(rng, size, 1.5 * spacing, traits["aspect"])
        x, y = x + bent, y + bent[::-1, ::-1]  # far apart they have nothing in common
    return Discs(x, y, centres, radii, power_diagram(x, y, centres, radii, spacing, borders))


def _facing(discs, light):
    """Give how far each pixel lies on the lamp's side of its disc's centre, in pixels."""
    cx, cy = discs.centres.T.astype(np.float32)
    label = discs.diagram.label
    return (discs.x - cx[label]) * np.float32(math.cos(light)) + (discs.y - cy[label]) * np.float32(math.sin(light))


def pores(rng: np.random.Generator, size: Size, traits: Traits) -> Discs:
    """Scatter round pores over the plane so densely that discs which ignored each other would leave the porosity."""
    squares = math.pi / 4 * traits["size"] ** 2 * math.exp(2 * traits["spread"] ** 2)
    spacing = math.sqrt(squares / -math.log(1 - traits["porosity"]))
    return disc_diagram(
        rng, size, traits, spacing, traits["size"] / 2, traits["bend"] * traits["size"] / spacing, traits["wall"] > 0
    )


def _pore_depth(discs, wall):
    """How deep each pixel lies in its pore, from the outline or from the middle of the wall to the next, in pixels."""
    radius = discs.radii.astype(np.float32)[discs.diagram.label]
    inside = radius - np.sqrt(np.maximum(discs.diagram.power + radius * radius, 0))
    return (np.minimum(inside, discs.diagram.border - np.float32(wall / 2)) if wall > 0 else inside), radius


def pore_phase(discs: Discs, traits: Traits) -> NDArray[np.bool_]:
    """Tell which pixels lie in a pore."""
    return _pore_depth(discs, traits["wall"])[0] > 0


def pore_surface(discs: Discs, rng: np.random.Generator, size: Size, traits: Traits) -> NDArray[np.float32]:
    """Draw pores that darken towards their bottom, in a bumpy matrix: 1 is its mean grey."""
    depth, radius = _pore_depth(discs, traits["wall"])
    ground = bumps(rng, size, traits["grain"], traits["aspect"])
    depth = depth - np.float32(0.05 * traits["rough"] * traits["grain"]) * ground  # the bumps reach into the outlines
    slope = lit(ground, traits["light"])
    wall = 1 - np.clip(depth / (0.9 * radius), 0, 1)
    floor = traits["floor"] * rng.uniform(0.3, 1.7, len(discs.radii)).astype(np.float32)[discs.diagram.label]
    bottom = floor + wall * wall * (0.45 - floor - 0.35 * _facing(discs, traits["light"]) / radius)
    bottom *= 1 + np.float32(0.35 * traits["rough"]) * ground[::-1, ::-1]
    rim = np.float32(0.3 * traits["rim"]) * np.clip(1 - abs(depth + 1) / np.float32(1.5 + 0.1 * traits["size"]), 0, 1)
    matrix = 1 + np.float32(traits["rough"]) * (0.16 * slope + 0.1 * ground) + rim
    return matrix + smooth_step(depth / 1.5) * (bottom - matrix)


def cells(rng: np.random.Generator, size: Size, traits: Traits) -> Discs:
    """Fill the plane with cells of `size` squared pixels on average."""
    return disc_diagram(rng, size, traits, traits["size"], 0.5 * traits["size"], traits["bend"])


def cell_phase(discs: Discs, traits: Traits) -> NDArray[np.bool_]:
    """Tell which pixels lie in a cell, between the walls at their mean thickness."""
    return discs.diagram.border > traits["wall"] / 2


def cell_surface(discs: Discs, rng: np.random.Generator, size: Size, traits: Traits) -> NDArray[np.float32]:
    """Draw cells as bowls between walls, some with a reflection, some open to the walls of the layer underneath."""
    label, _, border = discs.diagram
    n, scale = len(discs.radii), np.float32(traits["size"])
    bowl = 1 - np.clip(border / (0.5 * scale), 0, 1)
    facing = _facing(discs, traits["light"]) / scale
    tone = rng.normal(0, 0.12, n).astype(np.float32)[label]
    inner = 0.45 + tone + np.float32(traits["shade"]) * (0.3 * bowl * bowl - 0.5 * facing * (0.4 + bowl))
    inner = inner + 0.05 * bumps(rng, size, 0.4 * traits["size"] + 2, traits["aspect"])
    if traits["glints"] > 0:
        shining = (rng.random(n) < traits["glints"]).astype(np.float32)[label]
        beside = _facing(discs, traits["light"] + math.pi / 2) / scale
        spot = np.exp(-(((facing + 0.2) / 0.1) ** 2) - (beside / 0.22) ** 2)
        inner += shining * spot * smooth_step(border / scale * 8 - 1)
    if traits["open"] > 0:
        opened = (rng.random(n) < traits["open"]).astype(np.float32)[label]
        opened *= smooth_step((border - np.float32(0.5 * traits["wall"] + 0.1 * scale)) / 2)
        # The layer underneath is the same one from its other corner
        deeper = (
            0.06 + 0.4 * smooth_step(np.float32(0.35 * traits["wall"]) - border)[::-1, ::-1] + 0.3 * inner[::-1, ::-1]
        )
        inner += opened * (0.6 * deeper - inner)
    thick = np.float32(0.5 * traits["wall"]) * (1 + 0.25 * bumps(rng, size, 2 * traits["size"], traits["aspect"]))
    walls = smooth_step((thick - border) / 1.2)
    grey = traits["wall_grey"] * (1 - 0.25 * np.clip(border / np.maximum(thick, 0.5), 0, 1))
    return inner + walls * (grey - inner)


def grains(rng: np.random.Generator, size: Size, traits: Traits) -> Discs:
    """Fill the plane with grains of `size` squared pixels on average."""
    return disc_diagram(rng, size, traits, traits["size"], 0.5 * traits["size"], traits["bend"])


def grain_surface(discs: Discs, rng: np.random.Generator, size: Size, traits: Traits) -> NDArray[np.float32]:
    """Draw etched grains of different grey, some of lamellae, with particles of a second phase and boundaries."""
    label, _, border = discs.diagram
    n = len(discs.radii)
    grey = 0.6 + np.float32(0.25 * traits["contrast"]) * rng.uniform(-1, 1, n).astype(np.float32)[label]
    grey += 0.03 * rough(rng, size, 2.0, 30.0)
    if traits["lamellar"] > 0:
        grey = _lamellae(discs, grey, rng, size, traits)
    if traits["particles"] > 0:
        share = traits["particles"]
        round_ones = {**traits, "spread": 0.35, "regularity": 0.5}
        spacing = traits["particle_size"] * math.sqrt(math.pi / 4 / share)
        speck = disc_diagram(
            rng, size, round_ones, spacing, traits["particle_size"] / 2 / math.exp(0.35**2), 0.0, False
        )
        depth, radius = _pore_depth(speck, 0.0)
        tone = 0.6 + traits["particle_grey"] * (0.45 + 0.1 * np.clip(depth / radius, 0, 1))
        grey += smooth_step(depth / 1.2) * (tone - grey)
    if traits["wall"] > 0:
        groove = smooth_step((np.float32(0.5 * traits["wall"]) - border) / 1.2)
        strength = 0.8 + 0.2 * bumps(rng, size, 1.5 * traits["size"], traits["aspect"])
        grey += groove * strength * (np.float32(traits["wall_grey"]) - grey)
    return grey


def _lamellae(discs, grey, rng, size, traits):
    """Replace the grey of some grains by stripes, as wide and as dark in all, of the grain's own orientation."""
    label, n = discs.diagram.label, len(discs.radii)
    angle = rng.uniform(0, math.pi, n)
    striped = (rng.random(n) < traits["lamellar"]).astype(np.float32)[label]
    period = traits["period"] * np.exp(0.2 * rng.standard_normal(n))  # a section cuts each stack at its own slant
    kx, ky = (np.float32(2 * math.pi) * turn(angle) / period for turn in (np.cos, np.sin))
    wobble = 1.2 * bumps(rng, size, 5 * traits["period"], traits["aspect"])
    wave = np.sin(discs.x * kx.astype(np.float32)[label] + discs.y * ky.astype(np.float32)[label] + wobble)
    stripes = smooth_step((wave + 0.25) * np.float32(0.12 * traits["period"]) + 0.0)
    return grey + striped * (stripes - 0.5) * np.float32(0.5)
