"""Local binary patterns: what the neighbourhood of a pixel looks like, counted at one resolution or at several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 3  # of `multiscale_lbp`: the picture, half and quarter resolution
RADII = (1, 2, 3)  # at each of them, in its own pixels
SMALLEST_SIDE = 16  # in pixels: of less, too few patterns could be counted
BLOCK = 16_384  # pixels at a time, so that they and their neighbours stay in the processor's cache


def lbp_histograms(images: NDArray[Any], radii: Sequence[int] = (1, 2, 4)) -> NDArray[np.float32]:
    """Count local binary patterns: how often a pixel's neighbours form a spot, an edge, a corner, at each radius.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Grey levels; differences below 0.01 count as none.
    radii : sequence of int
        Radii R in pixels. P neighbours are compared with the pixel: 8 at R = 1, 16 at R = 2, 24 from there on.

    Returns
    -------
    ndarray of float32, shape (N, Σ (P + 2))
        For each radius the frequencies of the P + 1 uniform patterns (neighbours as bright as the pixel or brighter
        form one run, or none; by its length) and of all others, which add up to 1. Pixels nearer than R to the edge
        are not counted.

    Notes
    -----
    These are the patterns "riu2" of [1]_, as in `skimage.feature.local_binary_pattern`, here several times faster.
    Quarter turns, flips, brightness and contrast change nothing. Neighbours between pixels are interpolated, so that
    monotone grey changes that are not linear show a little.

    References
    ----------
    .. [1] T. Ojala, M. Pietikäinen, T. Mäenpää, IEEE Trans. Pattern Anal. Mach. Intell. 24 (2002) 971,
       doi:10.1109/TPAMI.2002.1017623
    """
    parts = []
    for radius in radii:
        n_points = _n_points(radius)
        histograms = np.empty((len(images), n_points + 2), np.float32)
        for i, image in enumerate(images):
            counts = _count_patterns(image.astype(np.float32), n_points, radius)
            histograms[i] = counts / counts.sum()
        parts.append(histograms)
    return np.concatenate(parts, axis=1)


def multiscale_lbp(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Count the local binary patterns of one micrograph at full, half and quarter resolution.

    What a network sees of a micrograph is a small picture of it; this sees the micrograph, its finest grain included.
    So it also sees what is the camera's: resolution, noise, what a JPEG file left.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        Cropped. Each further resolution takes the means of 2×2 pixels of the one before; of an odd side the last row
        or column stays out.

    Returns
    -------
    ndarray of float32, shape (162,)
        `lbp_histograms` with radii 1, 2 and 3 (54 numbers) at each resolution, the full one first. A resolution that
        has fewer than 16 pixels on a side has 54 zeros, which are no histogram: pictures of one small size share
        constant columns, which tell a classifier nothing.

    Examples
    --------
    >>> found = multiscale_lbp(np.zeros((48, 40)))  # 48×40, 24×20, 12×10
    >>> found.reshape(3, 54).sum(axis=1).round().tolist()
    [3.0, 3.0, 0.0]
    """
    grey = np.asarray(grey)
    if grey.ndim != 2:
        raise ValueError(f"grey must have the shape (H, W), not {grey.shape}")
    grey = grey.astype(np.float32)
    found = np.zeros((LEVELS, sum(_n_points(radius) + 2 for radius in RADII)), np.float32)
    for level in range(LEVELS):
        if min(grey.shape) >= SMALLEST_SIDE:
            found[level] = lbp_histograms(grey[None], RADII)[0]
        grey = _halved(grey)
    return found.ravel()


def _n_points(radius):
    return min(8 * radius, 24)


def _halved(grey):
    """Average 2×2 pixels: (H // 2, W // 2)."""
    grey = grey[: len(grey) // 2 * 2, : grey.shape[1] // 2 * 2]
    columns = grey[:, ::2] + grey[:, 1::2]
    return (columns[::2] + columns[1::2]) / 4


def _count_patterns(image, n_points, radius):
    """Count the pixels off the edge by their number of bright neighbours; last those with more than one run of them."""
    height, width = (side - 2 * radius for side in image.shape)
    step = max(BLOCK // width, 1)
    counts = np.zeros(n_points + 2, np.int64)
    for top in range(0, height, step):
        patterns = _uniform_patterns(image[top : min(top + step, height) + 2 * radius], n_points, radius)
        counts += np.bincount(patterns.ravel(), minlength=n_points + 2)
    return counts


def _uniform_patterns(image, n_points, radius):
    """Give each pixel off the edge its number of bright neighbours, or P + 1 if these form more than one run."""
    height, width = (side - 2 * radius for side in image.shape)
    # Interpolation is exact to far less than this: in an area without contrast every neighbour counts as bright
    centre = image[radius:-radius, radius:-radius] - np.float32(0.01)
    number, changes = np.zeros((2, height, width), np.uint8)
    rows, first, last = {}, None, None
    for angle in 2 * np.pi * np.arange(n_points) / n_points:
        down, across = (round(float(radius + way), 6) for way in (-radius * np.sin(angle), radius * np.cos(angle)))
        if down not in rows:  # two neighbours stand at each height
            rows[down] = _shifted(image, down, height)
        neighbours = _shifted(rows[down].T, across, width).T
        bright = (neighbours >= centre).view(np.uint8)
        number += bright
        if last is None:
            first = bright
        else:
            changes += bright ^ last
        last = bright
    changes += first ^ last
    return np.where(changes <= 2, number, n_points + 1)


def _shifted(image, start, n_rows):
    """Take `n_rows` rows of `image` from `start` on, which may lie between two rows."""
    whole, part = divmod(start, 1)
    first = image[int(whole) : int(whole) + n_rows]
    return first + np.float32(part) * (image[int(whole) + 1 : int(whole) + 1 + n_rows] - first) if part else first
