"""Structures of two phases that are not discs: levelled waves and mats of fibres.

References
----------
.. [1] C. Soyarslan, S. Bargmann, M. Pradas, J. Weissmüller, "3D stochastic bicontinuous microstructures: generation,
   topology and elasticity", Acta Mater. 149 (2018) 326-340, :doi:`10.1016/j.actamat.2018.01.005`
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import erfinv

from nanofoam_lib.images.structure_fields import bumps, lit, plane, smooth_step

Size = tuple[int, int]
Traits = Mapping[str, float]

_WAVES = 80
_LAYERS = 6  # of a relief, a ninth of the wave length apart
_SPILL = 0.6  # pixels by which a painted fibre comes out wider, as it takes every pixel that a point of it falls in
_STEP = 0.7  # pixels between the points that paint a fibre: no pixel lies between four of them


def waves(rng: np.random.Generator, size: Size, traits: Traits) -> list[NDArray[np.float32]]:
    """Draw sections through a levelled wave, the highest first: how far above 0, in the solid, float32 (H, W).

    The wave f = sqrt(2 / n) · Σ cos(k·x + φ) has vectors k of random directions in space, of length 2π / `size` with a
    relative standard deviation of `band`; solid is where f < sqrt(2) · erfinv(2 · `fraction` - 1) [1]_.
    """
    up = rng.uniform(-1, 1, _WAVES)
    turn = rng.uniform(0, 2 * math.pi, _WAVES)
    k = 2 * math.pi / traits["size"] * np.clip(1 + traits["band"] * rng.standard_normal(_WAVES), 0.3, 2.5)
    flat = k * np.sqrt(1 - up * up)
    phase = rng.uniform(0, 2 * math.pi, _WAVES)
    level = math.sqrt(2) * erfinv(2 * traits["fraction"] - 1)
    x, y = plane(size, traits["aspect"])
    along_y = np.outer(y, (flat * np.sin(turn)).astype(np.float32))
    left = np.concatenate([np.cos(along_y), -np.sin(along_y)], axis=1) * np.float32(-math.sqrt(2 / _WAVES))
    along_x = np.outer((flat * np.cos(turn)).astype(np.float32), x)
    cosine, sine = np.cos(along_x), np.sin(along_x)
    sections = []
    for layer in range(_LAYERS if traits["relief"] > 0 else 1):
        shift = (phase + k * up * traits["size"] / 9 * layer)[:, None]
        c, s = np.cos(shift).astype(np.float32), np.sin(shift).astype(np.float32)
        section = left @ np.concatenate([c * cosine - s * sine, s * cosine + c * sine])
        section += np.float32(level)
        sections.append(section)
    return sections


def wave_phase(sections: list[NDArray[np.float32]], traits: Traits) -> NDArray[np.bool_]:
    """Tell which pixels of the highest section are solid."""
    return sections[0] > 0


def wave_surface(
    sections: list[NDArray[np.float32]], rng: np.random.Generator, size: Size, traits: Traits
) -> NDArray[Any]:
    """Draw a section through the structure: soft, polished, or as a relief whose pores show what lies deeper."""
    top = sections[0]
    ground = bumps(rng, size, traits["grain"], traits["aspect"])
    texture = 1 + np.float32(0.12 * traits["rough"]) * (lit(ground, traits["light"]) + 0.5 * ground)
    if traits["relief"] > 0:
        depth = _depth(sections)
        facing = np.clip(lit(depth, traits["light"] + math.pi), -2, 2)
        edge = np.exp(-3 * abs(top)) * (depth < 1)  # edges emit more
        shade = texture + np.float32(traits["relief"]) * (0.22 * facing + 0.35 * edge)
        grey = gaussian_filter(shade * np.exp(np.float32(-0.5) * depth), 0.5)
    else:
        slope = 2 * math.pi / traits["size"] * math.sqrt(2 / 3)  # of the wave where it crosses a level, per pixel
        grey = texture * smooth_step(top / np.float32(1.3 * slope))
    return grey + np.float32(traits["soft"]) * (0.5 + 0.5 * np.tanh(top) - grey)


def _depth(sections):
    """Give how deep the solid is first met from above, in sections: 0 on the highest, their number if it is not met."""
    depth = np.full(sections[0].shape, np.float32(len(sections)))
    for i in range(len(sections) - 1, 0, -1):
        above, below = sections[i - 1], sections[i]
        # Between a section in a pore and one in the solid the surface is met where a straight line crosses 0
        np.copyto(depth, i - below / np.maximum(below - above, np.float32(1e-6)), where=(above <= 0) & (below > 0))
    depth[sections[0] > 0] = 0
    return depth


def fibres(rng: np.random.Generator, size: Size, traits: Traits) -> tuple[NDArray[np.float32], ...]:
    """Lay fibres upon each other, and give for each pixel what the uppermost one shows there, float32 (H, W) each.

    Returns
    -------
    rank : numpy.ndarray
        From just above 0, the lowest fibre, to 1; 0 where there is none.
    across : numpy.ndarray
        From -1 to 1, the sides.
    along, tone : numpy.ndarray
        Direction in radians; a number of the fibre's own, normal with mean 0 and standard deviation 1.
    """
    x, y = plane(size, traits["aspect"])
    extent = np.array([x[-1], y[-1]]) + 0.5
    margin = traits["length"] / 2 + 2 * traits["width"]
    field_area = float(np.prod(extent + 2 * margin))
    n = max(round(traits["density"] * field_area / (traits["length"] * traits["width"])), 1)
    pieces = _fibre_pieces(rng, n, extent, margin, traits)
    painter, across = _paint(pieces, size, traits["aspect"])
    bare = painter < 0
    _, _, along, number, _, _ = pieces[:, painter]
    tone = rng.standard_normal(n).astype(np.float32)[number.astype(np.intp)]
    rank = (number + 1) / np.float32(n)
    return tuple(np.where(bare, np.float32(0), part) for part in (rank, across, along, tone))


def _paint(pieces, size, aspect):
    """Paint the pieces in their order: the last one at each pixel, -1 for none, and how far across it, -1 to 1."""
    x, y, angle, _, length, half = pieces
    half = np.maximum(half - np.float32(_SPILL), np.float32(0.2))
    steps = np.ceil(2 * half / _STEP).astype(np.intp) + 1
    piece = np.repeat(np.arange(len(x), dtype=np.int32), steps)
    s = (np.arange(len(piece)) - np.repeat(np.cumsum(steps) - steps, steps)) / np.repeat(steps - 1, steps) * 2 - 1
    s = s.astype(np.float32)
    t = np.arange(-0.5, length[0] + 0.5, _STEP, dtype=np.float32)
    # Lines across the pieces, each a row of points along them, so that the last to paint a pixel is the uppermost
    to_x, to_y = np.float32(1 / math.sqrt(aspect)), np.float32(math.sqrt(aspect))
    cosine, sine = np.cos(angle), np.sin(angle)
    columns = ((x[piece] - s * (half * sine)[piece]) * to_x)[:, None] + (cosine * to_x)[piece][:, None] * t
    lines = ((y[piece] + s * (half * cosine)[piece]) * to_y)[:, None] + (sine * to_y)[piece][:, None] * t
    inside = (columns >= 0) & (columns < size[1]) & (lines >= 0) & (lines < size[0])
    pixel = np.where(inside, lines.astype(np.int32) * np.int32(size[1]) + columns.astype(np.int32), size[0] * size[1])
    painted = np.full(size[0] * size[1] + 1, -1, np.int32)
    painted[pixel.ravel()] = np.repeat(np.arange(len(piece), dtype=np.int32), len(t))
    painted = painted[:-1].reshape(size)
    return np.where(painted < 0, -1, piece[painted]), s[painted]


def _fibre_pieces(rng, n, extent, margin, traits):
    """Bend fibres and cut them into straight pieces: start x and y, angle, fibre, length, half width."""
    piece = min(max(2.0, 0.8 * traits["width"]), traits["length"] / 2)
    count = math.ceil(traits["length"] / piece)
    t = (np.arange(count) - count / 2) / count
    turning = traits["curl"] * rng.standard_normal((3, n, 1))
    start = traits["angle"] + traits["scatter"] * rng.standard_normal((n, 1))
    wavy = 0.4 * turning[1] * np.sin(2 * math.pi * t + 6 * turning[2])
    angle = start + turning[0] * t + wavy
    steps = piece * np.stack([np.cos(angle), np.sin(angle)])
    path = np.cumsum(steps, axis=2) - steps
    centre = rng.uniform(-margin, extent[:, None] + margin, (2, n))
    path += (centre - path[:, :, count // 2])[..., None]
    half = traits["width"] / 2 * np.exp(traits["spread"] * np.clip(rng.standard_normal((n, 1)), -2, 2))
    number = np.arange(n)[:, None]
    seen = ((path > -piece - half) & (path < extent[:, None, None] + piece + half)).all(axis=0)
    seen[-1, -1] = True  # at least one
    parts = (path[0], path[1], angle, number, np.float64(piece), half)
    return np.stack([np.broadcast_to(part, angle.shape)[seen] for part in parts]).astype(np.float32)


def fibre_phase(mat: tuple[NDArray[np.float32], ...], traits: Traits) -> NDArray[np.bool_]:
    """Tell which pixels a fibre covers."""
    return mat[0] > 0


def fibre_surface(
    mat: tuple[NDArray[np.float32], ...], rng: np.random.Generator, size: Size, traits: Traits
) -> NDArray[np.float32]:
    """Draw fibres as lit cylinders, darker the deeper they lie, and smooth the jags of the painting."""
    rank, across, along, tone = mat
    hull = np.sqrt(1 - across * across)
    lamp = np.sin(traits["light"] - along) * across  # how far the side faces the lamp
    body = (
        0.45
        + 0.4 * hull
        + np.float32(0.3 * traits["shade"]) * lamp
        + np.float32(traits["rim"]) * (0.75 * (across * across) ** 2 - 0.3 * hull)
    )
    depth = 1 - np.float32(traits["depth"]) * (1 - rank)
    grey = np.where(rank > 0, (body + 0.06 * tone) * depth, np.float32(0.06))
    grey *= 1 + np.float32(0.08) * bumps(rng, size, 4 + traits["width"], traits["aspect"])
    return gaussian_filter(grey, 0.5)
