"""The space of pores as a whole, where "a pore" may mean nothing: thickness, correlation, chords, topology, boundary.

Every function takes which pixels belong to a phase, bool (h, w), and gives lengths in pixels. Names and definitions are
those of PoreSpy [1]_ and Torquato [2]_; a picture's edge is taken for no boundary, but for local thickness, whose discs
stay within the picture's phase as if it went on.

References
----------
.. [1] J. T. Gostick et al., "PoreSpy: a Python toolkit for quantitative analysis of porous media images", J. Open
   Source Softw. 4 (2019) 1296, :doi:`10.21105/joss.01296`
.. [2] S. Torquato, "Random Heterogeneous Materials", Springer 2002
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from skimage.measure import euler_number

from nanofoam_lib.images import distances

Mask = NDArray[np.bool_]

_LARGE = 20  # pixels: radius of a disc that covers so many that not every one needs to be asked


def local_thickness(mask: Mask, step: int = 1) -> NDArray[np.float32]:
    """Give the diameter of the largest disc that lies in the phase and covers each pixel: float32 (h, w), 0 elsewhere.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        The phase.
    step : int
        Only every so many rows and columns are told, ``[::step, ::step]`` of the whole: as right, and quicker.

    Notes
    -----
    The definition of Hildebrand and Rüegsegger [1]_; twice the radius that PoreSpy's ``local_thickness`` gives with
    all radii. A disc about each pixel is as large as the distance to the next pixel of the other phase; those that lie
    in a neighbour's are left out, and the others painted from the smallest to the largest.

    References
    ----------
    .. [1] T. Hildebrand, P. Rüegsegger, J. Microsc. 185 (1997) 67-75, :doi:`10.1046/j.1365-2818.1997.1340694.x`
    """
    told = mask[::step, ::step]
    if not mask.any():
        return np.zeros(told.shape, np.float32)
    if mask.all():
        return np.full(told.shape, np.float32(math.inf))
    radius = distances.to_edge(mask).astype(np.float32)
    padded = np.pad(radius, 1)
    centre = radius > 0
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                other = padded[1 + down : 1 + down + mask.shape[0], 1 + right : 1 + right + mask.shape[1]]
                centre &= other < radius + math.hypot(down, right) - 1e-3
    row, column = np.nonzero(centre)
    level = np.round(np.square(radius[row, column].astype(float))).astype(int)  # squares are whole numbers
    margin = math.ceil((float(radius.max()) + 1) / step)  # of the canvas, whose pixels are `step` apart
    width = told.shape[1] + 2 * margin
    canvas = np.zeros((told.shape[0] + 2 * margin) * width, np.float32)
    place = (row // step + margin) * width + column // step + margin
    discs = [_disc(*divmod(at, step), step, margin, width) for at in range(step * step)]
    # Discs of one size that lie alike on the canvas's grid are painted at once
    alike = level * step * step + row % step * step + column % step
    order = np.argsort(alike, kind="stable")
    groups, start = np.unique(alike[order], return_index=True)
    for group, places in zip(groups.tolist(), np.split(place[order], start[1:]), strict=True):
        own, at = divmod(group, step * step)
        offset, square = discs[at]
        canvas[places[:, None] + offset[: np.searchsorted(square, own)]] = 2 * math.sqrt(own)
    inside = canvas.reshape(-1, width)[margin:-margin, margin:-margin]
    return np.where(told, np.maximum(inside, 1), 0).astype(np.float32)


def _disc(down, right, step, reach, width):
    """List pixels of a canvas, `step` apart, from the nearest on: flat offsets, and squares of their distance.

    The distance is from a centre that lies `down` and `right` of the canvas's pixel.
    """
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    square = ((y * step - down) ** 2 + (x * step - right) ** 2).ravel()
    inward = np.argsort(square, kind="stable")
    return (y * width + x).ravel()[inward], square[inward]


def mean_thickness(mask: Mask) -> float:
    """Give the mean of the local thickness over the phase in pixels; where discs are large, at some of its pixels."""
    widest = min(4 * float(distances.to_edge(mask[::4, ::4]).max()), math.hypot(*mask.shape))
    step = max(math.ceil(widest / _LARGE), 1)
    told = mask[::step, ::step]
    return float(local_thickness(mask, step)[told].mean()) if told.any() and not mask.all() else math.nan


def _shifted_products(mask: Mask, farthest: int) -> NDArray[np.floating]:
    """Count the pairs of pixels in the phase at each shift: of -farthest…farthest rows, and 0…farthest columns."""
    values = mask.astype(np.float32)
    shape = [fft.next_fast_len(side + farthest, real=True) for side in values.shape]
    spectrum = fft.rfft2(values, shape)
    found = fft.irfft2(np.abs(spectrum) ** 2, shape)
    return np.roll(found, farthest, axis=0)[: 2 * farthest + 1, : farthest + 1]


def _overlap(shape: tuple[int, ...], farthest: int) -> NDArray[np.intp]:
    """Count all pairs of pixels at each shift, as `_shifted_products`."""
    down = shape[0] - np.abs(np.arange(-farthest, farthest + 1))
    right = shape[1] - np.arange(farthest + 1)
    return down[:, None] * right


def two_point_correlation(mask: Mask, farthest: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give how likely two points at a distance both lie in the phase.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
    farthest : int, optional
        Largest distance in pixels; by default half of the shorter side.

    Returns
    -------
    distance : ndarray, shape (n,)
        0, 1, … pixels: means over rings one pixel wide.
    probability : ndarray, shape (n,)
        S₂(r): the phase's share at 0, near its square far off. Averaged over directions and over all pairs of pixels
        in the picture, each distance by its own number of pairs.
    """
    farthest = min(mask.shape) // 2 if farthest is None else farthest
    pairs, counts = _shifted_products(mask.astype(np.float32), farthest), _overlap(mask.shape, farthest)
    y, x = np.mgrid[-farthest : farthest + 1, 0 : farthest + 1]
    ring = np.round(np.hypot(y, x)).astype(int)
    inside = ring <= farthest
    found = np.bincount(ring[inside], (pairs / counts)[inside]) / np.bincount(ring[inside])
    return np.arange(farthest + 1.0), found


def correlation_length(mask: Mask) -> float:
    """Give the two-point correlation's integral length in pixels: ∫ (S₂(r) - φ²) / (φ - φ²) dr up to its first zero."""
    share = float(mask.mean())
    if not 0 < share < 1:
        return math.nan
    _, probability = two_point_correlation(mask)
    covariance = (probability - share**2) / (share - share**2)
    end = np.flatnonzero(covariance <= 0)
    return float(np.trapezoid(covariance[: end[0] + 1 if len(end) else None]))


class Chords(NamedTuple):
    """Chords of a phase along rows and columns: lengths in pixels, and which of them the edge of the picture cuts."""

    length: NDArray[np.intp]
    cut: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Mean length: all of the phase over the number of chords, those cut counting half (two ends make one)."""
        return float(self.length.sum() / max(len(self.length) - 0.5 * self.cut.sum(), 0.5)) if len(self.length) else 0.0


def chords(mask: Mask) -> Chords:
    """Find the chords of a phase: the stretches of rows and columns that lie in it."""
    length, cut = [], []
    for lines in (mask, mask.T):
        change = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        (_, start), (_, end) = np.nonzero(change == 1), np.nonzero(change == -1)
        length.append(end - start)
        cut.append((start == 0) | (end == lines.shape[1]))
    return Chords(np.concatenate(length), np.concatenate(cut))


def lineal_path(mask: Mask, lengths: ArrayLike) -> NDArray[np.float64]:
    """Give how likely a line of each of these lengths, in pixels, laid along rows or columns lies wholly in the phase.

    A line of length r joins two pixels' centres that are r apart; of 0, it is a pixel: the phase's share.
    """
    wanted = np.asarray(lengths, int)
    height, width = mask.shape
    counts = np.bincount(chords(mask).length, minlength=2)
    # A chord of n pixels holds n - r lines; summed from above
    number = np.cumsum(counts[::-1])[::-1]
    held = np.append(np.cumsum(number[:0:-1])[::-1], 0.0)
    total = height * np.maximum(width - wanted, 0) + width * np.maximum(height - wanted, 0)
    return np.divide(held[np.minimum(wanted, len(held) - 1)], total, out=np.zeros(wanted.shape), where=total > 0)


def boundary_length(mask: Mask) -> float:
    """Give the length of the phase's boundary per area, in 1/pixel, by Crofton's formula in four directions."""
    crossings = (
        (mask[:, 1:] != mask[:, :-1]).mean(),
        (mask[1:] != mask[:-1]).mean(),
        (mask[1:, 1:] != mask[:-1, :-1]).mean() / math.sqrt(2),
        (mask[1:, :-1] != mask[:-1, 1:]).mean() / math.sqrt(2),
    )
    return math.pi / 2 * math.fsum(crossings) / 4


def summarise(mask: Mask, side_um: float) -> dict[str, float]:
    """Measure pores and solid as a whole.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Where the pores are.
    side_um : float
        Side of a pixel in µm; NaN if unknown.

    Returns
    -------
    dict
        ``pore_thickness_um``, ``solid_thickness_um``, means of the local thickness over the phase's area;
        ``pore_chord_um``, ``solid_chord_um``, mean chord lengths; ``pore_lineal_um``, ``solid_lineal_um``, integrals
        of the lineal path over the phase's share; ``correlation_um``, length of the two-point correlation;
        ``euler_per_mm2``, pores less the islands of solid in them, over the area (parts that touch at a corner hang
        together in the pores); ``boundary_per_um``, length of the boundary over the area.
    """
    found = {}
    for name, phase in (("pore", mask), ("solid", ~mask)):
        there = phase.any() and not phase.all()
        found[f"{name}_thickness_um"] = mean_thickness(phase) if there else math.nan
        found[f"{name}_chord_um"] = chords(phase).mean if there else math.nan
        path = lineal_path(phase, np.arange(max(phase.shape)))
        found[f"{name}_lineal_um"] = float(np.trapezoid(path) / path[0]) if there else math.nan
    found["correlation_um"] = correlation_length(mask)
    area_mm2 = mask.size * side_um**2 * 1e-6
    return {name: value * side_um for name, value in found.items()} | {
        "euler_per_mm2": float(euler_number(mask, connectivity=2)) / area_mm2,
        "boundary_per_um": boundary_length(mask) / side_um,
    }
