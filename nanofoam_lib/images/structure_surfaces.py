"""Structures of a rough surface: what noise of a power law looks like, and what scratches, cracks and pits do to it."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nanofoam_lib.images.structure_cells import disc_diagram
from nanofoam_lib.images.structure_fields import bumps, lit, rough, smooth_step
from nanofoam_lib.images.structure_phases import fibres

Size = tuple[int, int]
Traits = Mapping[str, float]


def noise_surface(geometry: None, rng: np.random.Generator, size: Size, traits: Traits) -> NDArray[np.float32]:
    """Draw a rough surface: folded into ridges, skewed into peaks or holes, seen by its height and by its slopes."""
    height = rough(rng, size, traits["alpha"], traits["size"], traits["aspect"])
    height = gaussian_filter(height, traits["smooth"]) if traits["smooth"] > 0 else height
    height /= max(float(height.std()), 1e-6)
    height = height + np.float32(traits["ridge"]) * (1.6 * (0.8 - abs(height)) - height)
    skew = np.float32(traits["skew"])
    if abs(skew) > 0.02:
        height = np.expm1(skew * np.clip(height, -3, 3)) / skew
    height /= max(float(height.std()), 1e-6)
    return height + np.float32(traits["relief"]) * (lit(height, traits["light"]) - height)


def scratch_surface(geometry: None, rng: np.random.Generator, size: Size, traits: Traits) -> NDArray[np.float32]:
    """Draw a rough surface with scratches, cracks and pits."""
    height = rough(rng, size, traits["alpha"], traits["size"], traits["aspect"])
    grey = 1 + np.float32(0.1 * traits["rough"]) * (height + lit(height, traits["light"]))
    if traits["scratches"] > 0:
        grey = _scratch(grey, rng, size, traits)
    if traits["cracks"] > 0:
        grey *= 1 - 0.8 * _cracks(rng, size, traits)
    for _ in range(rng.poisson(traits["pits"] * size[0] * size[1] / 1e4)):
        _pit(grey, rng, size, traits)
    return grey


def _scratch(grey, rng, size, traits):
    """Draw furrows, dark on the side towards the lamp and bright on the other, fainter the older they are."""
    area = traits["length"] * traits["width"]
    lines = {
        **traits,
        "density": traits["scratches"] * area / 1e4,
        "scatter": traits["scatter"],
        "curl": 0.05,
        "spread": 0.4,
    }
    rank, across, along, tone = fibres(rng, size, lines)
    flank = np.sin(along - traits["light"]) * across
    depth = np.where(rank > 0, np.exp(0.5 * tone), 0).astype(np.float32)
    mark = depth * (0.22 * flank - 0.25 * (1 - across * across))
    return grey + gaussian_filter(mark, 0.6)


def _cracks(rng, size, traits):
    """Give 1 in the cracks, some stretches of the borders between plates that shrank, and 0 elsewhere."""
    spacing = traits["spacing"]
    plates = {"aspect": traits["aspect"], "regularity": 0.5, "spread": 0.3}
    border = disc_diagram(rng, size, plates, spacing, spacing / 2, 0.06).diagram.border
    wander = rough(rng, size, 3.0, 12.0, traits["aspect"])
    opened = bumps(rng, size, 3 * spacing, traits["aspect"]) - np.float32(1.2 - 2.4 * traits["cracks"])
    width = np.float32(traits["width"]) * np.clip(opened, 0, 1.2) * (1 + np.float32(0.3) * wander)
    return smooth_step(width / 2 - border - 0.7 * abs(wander)) * np.clip(4 * width, 0, 1)


def _pit(grey, rng, size, traits):
    """Sink one pit, dark with a bright edge away from the lamp, into the surface."""
    radius = traits["pit_size"] / 2 * math.exp(0.35 * min(rng.standard_normal(), 2.0))
    cx, cy, floor = rng.random() * size[1], rng.random() * size[0], rng.uniform(0.1, 0.5)
    reach = math.ceil(1.5 * radius + 2)
    rows = slice(max(int(cy) - reach, 0), int(cy) + reach)
    columns = slice(max(int(cx) - reach, 0), int(cx) + reach)
    window = grey[rows, columns]
    x = np.arange(columns.start, columns.start + window.shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - cx)
    y = np.arange(rows.start, rows.start + window.shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - cy)
    distance = np.hypot(x, y)
    facing = (x * math.cos(traits["light"]) + y * math.sin(traits["light"])) / max(radius, 1)
    window += 0.25 * np.clip(-facing, 0, 1) * np.clip(1 - abs(distance - radius - 1) / 2, 0, 1)
    window += smooth_step((radius - distance) / 1.5) * (floor - 0.15 * facing - window)
