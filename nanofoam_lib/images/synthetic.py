"""Foam micrographs from a seed, with the pores that made them.

The pictures imitate copper-nickel foams grown with the dynamic hydrogen bubble template (DHBT): hydrogen bubbles rising
from the cathode keep the deposit away, so round pores stay open between walls of nodular metal [1]_. Four steps, each
a function of the one before: the pores (`_grow`), their depth map (`_paint`), the lit surface (`_surface`), the camera
(`_expose`). Lengths are in µm up to the depth map, so one foam can be drawn at any resolution. Compositions differ in
pore size, and so in pore density, and in nothing else.

References
----------
.. [1] B. J. Plowman, L. A. Jones, S. K. Bhargava, "Building with bubbles: the formation of high surface area
   honeycomb-like films via hydrogen bubble templated electrodeposition", Chem. Commun. 51 (2015) 4331-4346,
   :doi:`10.1039/C4CC06638C`
"""

import math
import numbers
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.images import distances


@dataclass(frozen=True)
class Composition:
    """One electrolyte and the pores it grows: molarities, median pore diameter (µm), log-normal width, porosity."""

    copper_molar: float
    nickel_molar: float
    median_diameter_um: float
    sigma: float = 0.26
    porosity: float = 0.46


#: Width of the microscope's field of view in µm: 1600 pixels of 0.27 µm.
FIELD_WIDTH_UM = 432.0

COMPOSITIONS = {
    "CuNi1": Composition(0.30, 0.10, 22.0),
    "CuNi2": Composition(0.25, 0.15, 25.5),
    "CuNi3": Composition(0.20, 0.20, 35.0),
}

_CUT = 1.9  # the log-normal ends at this many widths: smaller pores would be lost at the 2.4 µm pixels of the analysis
_WALL_UM = 2.5  # thinnest wall that is normally left between two pores
_BAND = 2**15  # pixels that are worked on at a time: a dozen arrays of them fit into a cache of 2 MB
_BLEND_UM = 4.0  # how far outside its outline a pore still shapes the surface


def foam_micrograph(
    composition: str,
    seed: int,
    size: tuple[int, int] = (1200, 1600),
    pixel_size_um: float = 0.27,
    specimen: int | None = None,
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Draw one foam micrograph, and list the pores in it.

    Parameters
    ----------
    composition : str
        A key of `COMPOSITIONS`: "CuNi1", "CuNi2" or "CuNi3".
    seed : int
        Non-negative. The same arguments give the same bytes.
    size : tuple of int
        Height and width of the picture, in pixels.
    pixel_size_um : float
        Side of a pixel, in µm. Halving `size` and doubling this draws the same foam with half the resolution.
    specimen : int, optional
        Non-negative. Images with the same composition and specimen share the specimen's own offsets in light, tint,
        brightness and pore size, as images of one piece of foam do. By default each seed is a specimen of its own.

    Returns
    -------
    image : numpy.ndarray
        uint8 (height, width, 3), RGB. The border is unlit; the central 70 % of each side is free of it.
    truth : dict
        "centres_um", float (n, 2): x and y from the top left corner, of the pores whose centre lies in the picture;
        "diameters_um", float (n,): diameter of the disc with the same area as each of these pores;
        "porosity": fraction in [0, 1] of the picture's pixels that lie in a pore;
        "density_per_mm2": n over the area of the picture.

    Raises
    ------
    ValueError
        If an argument is not one of the above.

    Examples
    --------
    >>> image, truth = foam_micrograph("CuNi1", seed=7, size=(300, 400), pixel_size_um=1.08)
    >>> image.shape, image.dtype.name
    ((300, 400, 3), 'uint8')
    >>> len(truth["centres_um"]) == len(truth["diameters_um"])
    True
    """
    traits, pores, surface_rng, camera_rng = _foam(composition, seed, size, pixel_size_um, specimen)
    depth, bottom = _paint(pores, size, pixel_size_um, traits["light"])
    surface = _surface(depth, bottom, pixel_size_um, traits["light"], surface_rng)
    image = _expose(surface, traits, camera_rng)
    height_um, width_um = size[0] * pixel_size_um, size[1] * pixel_size_um
    x, y = pores["centres"].T
    inside = (x >= 0) & (x < width_um) & (y >= 0) & (y < height_um)
    return image, {
        "centres_um": pores["centres"][inside],
        "diameters_um": pores["diameters"][inside],
        "porosity": float((depth > 0).mean()),
        "density_per_mm2": float(inside.sum() / (height_um * width_um * 1e-6)),
    }


def foam_mask(
    composition: str,
    seed: int,
    size: tuple[int, int] = (1200, 1600),
    pixel_size_um: float = 0.27,
    specimen: int | None = None,
) -> NDArray[np.bool_]:
    """Tell which pixels of `foam_micrograph` (same arguments) lie in a pore: bool (height, width)."""
    traits, pores, *_ = _foam(composition, seed, size, pixel_size_um, specimen)
    return _paint(pores, size, pixel_size_um, traits["light"])[0] > 0


def check_count(name: str, value: Any, least: int) -> None:
    """Raise ValueError if the argument `name` is not a whole number of at least `least`."""
    if not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name}: expected a whole number, {least} or more, got {value!r}")


def check_picture(seed: Any, size: Any, pixel_size_um: Any) -> None:
    """Raise ValueError if one of these arguments of `foam_micrograph` cannot be used."""
    check_count("seed", seed, 0)
    whole = isinstance(size, tuple | list) and all(isinstance(side, numbers.Integral) for side in size)
    if not whole or len(size) != 2 or min(size) < 1:
        raise ValueError(f"size: expected (height, width) in pixels, got {size!r}")
    if not (isinstance(pixel_size_um, numbers.Real) and 0 < pixel_size_um < math.inf):  # type: ignore[operator]
        raise ValueError(f"pixel_size_um: expected a positive number of µm, got {pixel_size_um!r}")


def _foam(composition, seed, size, pixel_size_um, specimen):
    """Check the arguments; give the specimen's traits, the pores, and the generators of the surface and the camera."""
    if composition not in COMPOSITIONS:
        raise ValueError(f"composition: expected one of {', '.join(COMPOSITIONS)}, got {composition!r}")
    check_picture(seed, size, pixel_size_um)
    if specimen is not None:
        check_count("specimen", specimen, 0)
    name = zlib.crc32(composition.encode())  # unlike hash(), the same in every process
    piece = (name, 0, seed) if specimen is None else (name, 1, specimen)
    traits = _traits(np.random.default_rng(piece))
    streams = np.random.SeedSequence((*piece, seed)).spawn(3)
    pore_rng, surface_rng, camera_rng = (np.random.default_rng(stream) for stream in streams)
    field_um = (size[0] * pixel_size_um, size[1] * pixel_size_um)
    pores = _grow(COMPOSITIONS[composition], field_um, traits["size"], pore_rng)
    return traits, pores, surface_rng, camera_rng


def _traits(rng):
    """Draw what all images of a specimen share."""
    angle = rng.uniform(0, 2 * math.pi)
    return {
        "size": math.exp(0.04 * rng.standard_normal()),
        "light": np.float32([math.cos(angle), math.sin(angle)]),  # towards the lamp, x and y
        "gradient": rng.uniform(0.04, 0.14),
        "tint": 0.025 * rng.standard_normal(2),
        "mean": rng.normal(106, 9),
        "std": rng.normal(49, 4),
    }


def _grow(composition, field_um, size, rng):
    """Place pores by random sequential addition, the largest first, over the field and a margin around it."""
    median = composition.median_diameter_um * size * math.exp(0.03 * rng.standard_normal())
    porosity = composition.porosity + 0.012 * rng.standard_normal()
    margin = median  # wide enough for the pores that reach into the picture from outside
    height, width = (side + 2 * margin for side in field_um)
    needed = porosity * height * width
    normal = rng.standard_normal(int(3 * needed / median**2) + 64)  # more than will be used
    drawn = median * np.exp(composition.sigma * normal[abs(normal) < _CUT])
    enough = np.searchsorted(np.cumsum(math.pi / 4 * drawn**2), needed)
    radii = np.sort(drawn[: enough + 1])[::-1] / 2
    centres = np.full((len(radii), 2), np.inf)
    wall = _WALL_UM * np.where(rng.random(len(radii)) < 0.05, -0.4, 1)  # now and then two bubbles merged
    for i, radius in enumerate(radii):
        for _ in range(16):
            candidates = rng.random((24, 2)) * (width, height)
            squares = (candidates[:, :1] - centres[:i, 0]) ** 2 + (candidates[:, 1:] - centres[:i, 1]) ** 2
            gap = (np.sqrt(squares) - radii[:i]).min(axis=1, initial=1e6) - radius
            free = np.flatnonzero(gap > wall[i])[:2]
            if free.size:  # bubbles gather, so of two free places take the one nearer to another pore
                centres[i] = candidates[free[gap[free].argmin()]]
                break
    placed = np.isfinite(centres[:, 0])
    n = placed.sum()
    waves = rng.standard_normal((n, 4)) + 1j * rng.standard_normal((n, 4))
    return {
        "centres": centres[placed] - margin,
        "diameters": 2 * radii[placed],
        "waves": (waves * (0.032, 0.018, 0.011, 0.008)).astype(np.complex64),  # harmonics 2 to 5 of the outline
        "floor": rng.uniform(0.0, 0.12, n).astype(np.float32),  # brightness at the bottom
    }


def _paint(pores, size, pixel_size_um, light):
    """Draw the pores: their depth map and their bottoms, float32 (height, width).

    The depth is in µm along the ray from the pore's centre, above 0 inside an outline and -`_BLEND_UM` far from any.
    The bottom is the brightness, 1 on top of the foam, that would be seen if the pore were cut off right there.
    """
    depth = np.full(size, -_BLEND_UM, np.float32)
    bottom = np.ones(size, np.float32)
    for (cx, cy), diameter, waves, floor in zip(*pores.values(), strict=True):
        radius = diameter / 2 / math.sqrt(1 + (abs(waves) ** 2).sum() / 2)  # so that the area is that of the disc
        reach = radius * (1 + abs(waves).sum()) + _BLEND_UM
        x0, x1 = (min(max(round((cx + side) / pixel_size_um), 0), size[1]) for side in (-reach, reach))
        y0, y1 = (min(max(round((cy + side) / pixel_size_um), 0), size[0]) for side in (-reach, reach))
        if x0 == x1 or y0 == y1:
            continue
        window = np.s_[y0:y1, x0:x1]
        x = ((np.arange(x0, x1) + 0.5) * pixel_size_um - cx).astype(np.float32)
        y = ((np.arange(y0, y1) + 0.5) * pixel_size_um - cy).astype(np.float32)[:, None]
        # As C's hypotf does it, but many at a time
        distance = np.sqrt(np.square(x, dtype=float) + np.square(y, dtype=float)).astype(np.float32) + np.float32(1e-6)
        ray, inverse = np.empty(distance.shape, np.complex64), 1 / distance
        ray.real, ray.imag = x * inverse, y * inverse
        a, b, c, d = waves
        outline = (ray * ray * (a + ray * (b + ray * (c + ray * d)))).real
        inside = np.float32(radius) * (1 + outline) - distance
        wall = 1 - np.clip(inside / np.float32(0.9 * radius), 0, 1)
        facing = (x * (-light[0]) + y * (-light[1])) / np.float32(radius)  # the wall across from the light is lit
        seen = floor + wall * wall * (0.42 - floor + 0.34 * facing)
        nearer = inside > depth[window]
        np.copyto(depth[window], inside, where=nearer)
        np.copyto(bottom[window], seen, where=nearer)
    return depth, bottom


def _surface(depth, bottom, pixel_size_um, light, rng):
    """Cover the foam with nodules, large and small, and light it from the side; the flat matrix is about 1."""
    size = depth.shape
    field_um = (size[0] * pixel_size_um, size[1] * pixel_size_um)
    large, small = _nodules(6.5, field_um, size, rng), _nodules(2.6, field_um, size, rng)
    height = large + 0.55 * small + 1.5 * _nodules(17.0, field_um, size, rng)
    ahead = [-round(1.2 * float(step) / pixel_size_um) for step in light[::-1]]
    slope = height - np.roll(height, ahead, axis=(0, 1))  # above 0 on the side of a nodule that faces the light
    turned, surface = large[::-1, ::-1], np.empty(size, np.float32)
    for rows in bands(*size):
        surface[rows] = _lit(*(own[rows] for own in (depth, bottom, large, small, turned, slope)))
    return surface


def _lit(depth, bottom, large, small, turned, slope):
    """Light some rows of the surface; `turned` are other large nodules, those of the layer underneath."""
    lean = 1.0 * (large - 0.7) + 0.9 * (small - 0.7)  # nodules lean over the mouth of the pore
    within = np.clip((depth + 1.05 - lean) / 2.4 + 0.5, 0, 1)
    within *= within * (3 - 2 * within)
    bottom = bottom * (0.6 + 0.6 * turned)
    rim = np.clip(1 - abs(depth + 1) / 3, 0, 1)
    grain = 0.6 + 0.3 * large + 0.26 * small + slope * (0.6 + 0.25 * slope) + 0.24 * rim
    return np.maximum(grain, 0.3) * (1 + within * (bottom - 1))


def bands(height: int, width: int) -> list[slice]:
    """Cut the rows of a picture into bands that stay in the processor's cache while they are worked on."""
    rows = max(1, _BAND // width)
    return [slice(first, first + rows) for first in range(0, height, rows)]


def _nodules(diameter_um, field_um, size, rng):
    """Pack rounded bumps of about this diameter without order: float32, 0 in the creases to 1 on top."""
    shape = [max(round(5 * side / diameter_um), 1) for side in field_um]
    tops = rng.random(shape, dtype=np.float32) < 1 / 20
    tops[0, 0] = True
    away = distances.to_edge(~tops).astype(np.float32)
    bumps = Image.fromarray(1 - np.minimum(away / 4.6, 1) ** 2)
    return np.asarray(bumps.resize(size[::-1], Image.Resampling.BICUBIC))


def _expose(surface, traits, rng):
    """Light the surface unevenly, set the exposure, close the field stop, add colour and noise; give uint8 RGB."""
    height, width = surface.shape
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    cx, cy = rng.normal(0, 0.03, 2).astype(np.float32)
    light = traits["light"]
    surface = surface * (1 + traits["gradient"] * (x * light[0] + y * light[1]) - 0.10 * (x * x + y * y))

    # The camera meters a coarse picture of the centre and chooses gain and offset: how bright and how contrasted a
    # picture is then depends on the specimen and on chance, and cannot tell the composition.
    centre = surface[round(0.15 * height) : round(0.85 * height), round(0.15 * width) : round(0.85 * width)]
    metered = np.asarray(Image.fromarray(centre).resize((128, 128), Image.Resampling.BOX))
    gain = np.float32((traits["std"] + rng.normal(0, 3)) / max(float(metered.std()), 1e-3))
    level = np.float32(traits["mean"] + rng.normal(0, 6))
    red, blue = 1.29 + traits["tint"][0], 0.69 + traits["tint"][1]
    green = (1 - 0.299 * red - 0.114 * blue) / 0.587  # keeps the grey level
    image = np.empty((height, width, 3), np.uint8)
    for rows in bands(height, width):
        grey = (surface[rows] - metered.mean()) * gain + level
        stop = np.clip((1.3 - ((x - cx) ** 4 + (y[rows] - cy) ** 4)) / 0.75, 0.04, 1)
        grey = np.maximum(grey, 4) * (stop * stop * (3 - 2 * stop))
        grey += (1.2 + 0.02 * grey) * rng.standard_normal(grey.shape, dtype=np.float32)
        np.maximum(grey, 0, out=grey)
        for channel, tint in enumerate((red, green, blue)):
            image[rows, :, channel] = np.minimum(grey * np.float32(tint), 255)
    return image
