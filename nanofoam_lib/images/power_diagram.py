"""The power diagram (Laguerre tessellation) of discs, pixel by pixel: cells, grains and round pores come from it.

A pixel belongs to the disc of least power distance, the squared distance to the centre less the squared radius [1]_.
Below 0 it lies within the disc. Equal radii give the Voronoi diagram.

References
----------
.. [1] F. Aurenhammer, "Power diagrams: properties, algorithms and applications", SIAM J. Comput. 16 (1987) 78-96,
   :doi:`10.1137/0216006`
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

_CANDIDATES = 8  # discs among which the pixels of a tile choose


class PowerDiagram(NamedTuple):
    """Which disc each pixel belongs to, int (H, W), its power distance, and how far the cell's border is, (H, W)."""

    label: NDArray[np.int32]
    power: NDArray[np.float32]
    border: NDArray[np.float32]


def power_diagram(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    spacing: float,
    borders: bool = True,
) -> PowerDiagram:
    """Give each pixel to a disc.

    Parameters
    ----------
    x, y : numpy.ndarray
        (H, W), where the pixels lie. They may be bent, if not so much that neighbours fall apart.
    centres : numpy.ndarray
        (n, 2), x and y.
    radii : numpy.ndarray
        (n,).
    spacing : float
        Root of the area per disc, from which follows how many pixels choose together.

    borders : bool
        Whether to look for the borders as well; else `border` is 4 spacings everywhere.

    Returns
    -------
    PowerDiagram
        Labels count the discs; of `border` the unit is that of x and y.
    """
    tile = int(np.clip(round(0.5 * spacing), 3, 20))
    # Lifted to this height, the centre nearest to a point of the plane is the one of least power distance
    lift = np.sqrt(max(float((radii**2).max()), 1e-6) - radii**2)
    middle = np.ix_(*(np.minimum(np.arange(0, side, tile) + tile // 2, side - 1) for side in x.shape))
    rows, columns = (np.arange(side) // tile for side in x.shape)
    at = np.stack([x[middle], y[middle]], axis=-1)
    at = np.concatenate([at, np.zeros((*at.shape[:2], 1))], axis=-1)
    count = min(_CANDIDATES, len(centres))
    chosen = cKDTree(np.column_stack([centres, lift])).query(at, k=np.arange(1, count + 1))[1]
    chosen = np.ascontiguousarray(np.moveaxis(chosen, -1, 0), np.int32)

    def on_pixels(values):
        return np.take(np.take(values, columns, axis=1), rows, axis=0)

    def to(own):  # the centre of each pixel's candidate, and its power distance, rather drawn twice than kept
        place_x, place_y = on_pixels(cx[own]), on_pixels(cy[own])
        return place_x, place_y, _squared(x - place_x, y - place_y) - on_pixels(squares[own])

    cx, cy, squares = (part.astype(np.float32) for part in (*centres.T, radii**2))
    label, power = np.zeros(x.shape, np.int32), np.full(x.shape, np.inf, np.float32)
    for own in chosen:
        its = to(own)[2]
        nearer = its < power
        np.copyto(label, on_pixels(own), where=nearer)
        np.copyto(power, its, where=nearer)
    border = np.full(x.shape, np.float32(4 * spacing))
    own_x, own_y = np.take(cx, label), np.take(cy, label)
    for other in chosen if borders else ():
        place_x, place_y, its = to(other)
        apart = np.sqrt(_squared(place_x - own_x, place_y - own_y))
        its -= power
        its /= np.maximum(2 * apart, np.float32(1e-3))
        its[apart < 1e-3] = np.inf  # the disc itself
        np.minimum(border, its, out=border)
    return PowerDiagram(label, power, border)


def _squared(x, y):
    """Give x² + y², in the arrays' own memory."""
    x *= x
    y *= y
    x += y
    return x
