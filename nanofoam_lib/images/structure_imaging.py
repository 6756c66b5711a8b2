"""What a microscope adds to a surface: brightness, contrast, gamma, blur, uneven light, noise and compression."""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter


@dataclass(frozen=True)
class Imaging:
    """How a picture is taken; the defaults add nothing.

    Attributes
    ----------
    brightness, contrast : float
        Mean and standard deviation of the grey levels, of 0 to 255, before gamma.
    gamma : float
        Exponent of the grey levels from 0 to 1.
    blur : float
        Standard deviation of the point spread, in pixels.
    noise : float
        Standard deviation of the noise in grey levels.
    gradient, direction : float
        Share by which the light falls off from the centre to the edge, and the angle it falls off in, in radians.
    jpeg : int
        Quality of JPEG compression, 1 to 95; 0 for none.
    """

    brightness: float = 118.0
    contrast: float = 45.0
    gamma: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    gradient: float = 0.0
    direction: float = 0.0
    jpeg: int = 0


def draw_imaging(rng: np.random.Generator) -> Imaging:
    """Draw how a picture is taken, within modest ranges; two in five are compressed."""
    return Imaging(
        brightness=rng.uniform(90, 150),
        contrast=rng.uniform(28, 58),
        gamma=math.exp(rng.uniform(-0.3, 0.3)),
        blur=max(rng.uniform(-0.3, 0.8), 0.0),
        noise=math.exp(rng.uniform(math.log(1.0), math.log(7.0))),
        gradient=rng.uniform(0, 0.15),
        direction=rng.uniform(0, 2 * math.pi),
        jpeg=int(rng.integers(50, 95)) if rng.random() < 0.4 else 0,
    )


def expose(surface: NDArray[np.float32], imaging: Imaging, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take a picture, uint8 (H, W), of a surface of any unit, float32 (H, W)."""
    grey = gaussian_filter(surface, imaging.blur, truncate=3.0) if imaging.blur > 0.2 else surface
    grey = (grey - grey.mean()) * np.float32(imaging.contrast / max(float(grey.std()), 1e-6))
    grey += np.float32(imaging.brightness)
    if imaging.gradient:
        y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in surface.shape)
        fall = x * np.float32(math.cos(imaging.direction)) + y[:, None] * np.float32(math.sin(imaging.direction))
        grey *= 1 - np.float32(imaging.gradient) * fall
    if imaging.gamma != 1:
        grey = 255 * np.clip(grey / 255, 0, 1) ** np.float32(imaging.gamma)
    if imaging.noise:
        grey += np.float32(imaging.noise) * rng.standard_normal(grey.shape, dtype=np.float32)
    picture = np.clip(grey + 0.5, 0, 255).astype(np.uint8)
    return _compress(picture, imaging.jpeg) if imaging.jpeg else picture


def _compress(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))
