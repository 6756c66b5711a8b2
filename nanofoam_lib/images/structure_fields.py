"""Random fields and random points: what `structures` is made of. Lengths are in pixels.

A material is drawn in coordinates of its own, which a picture sees squeezed by an `aspect`: x by its root, and y by one
over its root, so areas stay what they are.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.spatial import cKDTree

_SIDE = 64  # of the periodic square of evenly spread points, in spacings


def plane(size: tuple[int, int], aspect: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the material's coordinates of a picture's pixels: x, float32 (width,), and y, float32 (height,)."""
    x, y = ((np.arange(side) + 0.5).astype(np.float32) for side in size[::-1])
    return x * np.float32(math.sqrt(aspect)), y / np.float32(math.sqrt(aspect))


def field(
    rng: np.random.Generator,
    size: tuple[int, int],
    weight: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    aspect: float = 1.0,
    highest: float = math.inf,
) -> NDArray[np.float32]:
    """Draw a Gaussian field of mean 0 and standard deviation 1.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width.
    weight : callable
        Amplitude (H, K) of the waves of these wave numbers (H, K), in radians per pixel of the material.
    aspect : float
        How the picture is squeezed.
    highest : float
        Wave number above which no wave need be drawn.

    Returns
    -------
    numpy.ndarray
        float32 (height, width), not periodic: it is cut from a larger one.
    """
    height, width = (fft.next_fast_len(side + side // 8 + 8, real=True) for side in size)
    # The root of the aspect stretches frequencies the other way than lengths
    kx = np.float32(2 * math.pi / math.sqrt(aspect)) * fft.rfftfreq(width).astype(np.float32)
    ky = np.float32(2 * math.pi * math.sqrt(aspect)) * fft.fftfreq(height).astype(np.float32)
    columns = max(int(np.searchsorted(kx, highest)), 2)
    rows = np.flatnonzero((abs(ky) <= highest) | (abs(ky) <= ky[1]))
    k = np.sqrt(kx[:columns] ** 2 + (ky[rows] ** 2)[:, None])
    k[0, 0] = k[0, 1]  # whatever is done to the mean is undone below
    drawn = rng.standard_normal((len(rows), 2 * columns), dtype=np.float32).view(np.complex64) * weight(k)
    drawn[:, 0] *= np.float32(math.sqrt(2))  # of waves along y, the inverse transform takes the real part alone
    waves = np.zeros((height, len(kx)), np.complex64)
    waves[rows, :columns] = drawn
    # Along y first, and there only the columns that are not 0
    waves[:, :columns] = fft.ifft(waves[:, :columns], axis=0)
    values = fft.irfft(waves[: size[0]], n=width, axis=1)[:, : size[1]]
    values = values - values.mean()
    return values / max(float(values.std()), 1e-9)


def bumps(rng: np.random.Generator, size: tuple[int, int], length: float, aspect: float = 1.0) -> NDArray[np.float32]:
    """Draw a smooth field whose bumps are about `length` apart: an octave of wave numbers (`field`)."""
    scale = np.float32(length / (2 * math.pi))
    return field(rng, size, lambda k: (k * scale) * np.exp(-((k * scale) ** 2)), aspect, 2.5 / float(scale))


def rough(
    rng: np.random.Generator, size: tuple[int, int], alpha: float, length: float, aspect: float = 1.0
) -> NDArray[np.float32]:
    """Draw a rough field: spectral density 1 / k^alpha below the wave length `length`, level above it (`field`)."""
    low = np.float32((2 * math.pi / length) ** 2)
    return field(rng, size, lambda k: (k * k + low) ** np.float32(-alpha / 4), aspect)


def lit(height: NDArray[np.float32], light: float) -> NDArray[np.float32]:
    """Give the slope of a surface that rises away from a lamp at the angle `light`, with standard deviation 1."""
    x, y = np.float32(math.cos(light)), np.float32(math.sin(light))
    slope = np.zeros_like(height)
    slope[:, 1:-1] += x * (height[:, :-2] - height[:, 2:])
    slope[1:-1] += y * (height[:-2] - height[2:])
    return slope / max(float(slope.std()), 1e-6)


def smooth_step(value: NDArray[Any]) -> NDArray[Any]:
    """Rise smoothly from 0 at -0.5 to 1 at 0.5."""
    t = np.clip(value + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def scatter(
    rng: np.random.Generator, extent: tuple[float, float], spacing: float, regularity: float, margin: float
) -> NDArray[np.float64]:
    """Scatter points, one per `spacing` squared.

    Parameters
    ----------
    rng : numpy.random.Generator
    extent : tuple of float
        Width and height of the rectangle.
    spacing : float
        Root of the area per point.
    regularity : float
        From 0, where points fall almost as a Poisson process lets them, to 1, where they keep their distance.
    margin : float
        How far around the rectangle points are scattered too.

    Returns
    -------
    numpy.ndarray
        (n, 2), x and y, from the rectangle's corner.
    """
    even = _even_points()
    start = rng.uniform(0, _SIDE, 2)
    reach = (np.asarray(extent) + 2 * margin) / spacing
    turned = even[:, ::-1] if rng.random() < 0.5 else even
    copies = np.stack(np.meshgrid(*(np.arange(math.ceil(side / _SIDE) + 1) for side in reach)), -1).reshape(-1, 1, 2)
    points = (turned + _SIDE * copies).reshape(-1, 2) - start
    points = points[((points > 0) & (points < reach)).all(axis=1)]
    points += (1 - regularity) * rng.standard_normal(points.shape)
    return points * spacing - margin


@functools.cache
def _even_points():
    """Push random points apart, in a periodic square with one point per unit of area."""
    points = np.random.default_rng(0).uniform(0, _SIDE, (_SIDE * _SIDE, 2))
    for _ in range(25):
        near, index = cKDTree(points, boxsize=_SIDE).query(points, k=7)
        away = points[:, None] - points[index[:, 1:]]
        away -= _SIDE * np.round(away / _SIDE)
        push = np.maximum(1.15 - near[:, 1:], 0) / np.maximum(near[:, 1:], 1e-3)
        points = (points + 0.3 * (away * push[..., None]).sum(axis=1)) % _SIDE
    return points
