"""What may be done to an image without making another material of it: windows, flips and turns."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap

_TURNS = ("90° turn", "180° turn", "270° turn")
#: What each element of `dihedral` does, in words; flips are left-right, turns counter-clockwise and after the flip.
TRANSFORMS = ("none", *_TURNS, "flip", *(f"flip, {turn}" for turn in _TURNS))
#: The elements of `dihedral` that leave rows rows: flips and the half turn.
FLIPS = (0, 2, 4, 6)
SQUARE_WITHIN = 0.02  # how far width over height may be from 1


def dihedral(images: NDArray[Any], elements: Iterable[int]) -> NDArray[Any]:
    """Flip and rotate each square image by one of the eight symmetries of the square.

    Parameters
    ----------
    images : ndarray, shape (N, S, S) or (N, S, S, C)
    elements : array-like of int in 0…7, shape (N,)
        0 is the identity; ``element % 4`` quarter turns counter-clockwise, after a left-right flip from 4 on.

    Returns
    -------
    ndarray, shape and dtype of `images`
    """
    result = np.empty_like(images)
    for i, element in enumerate(elements):
        image = images[i, :, ::-1] if element >= 4 else images[i]
        result[i] = np.rot90(image, element % 4)
    return result


class Chosen:
    """Some images of an array, turned perhaps, that are made when a slice of them is asked for.

    Parameters
    ----------
    images : ndarray, shape (N, S, S)
        As a rule memory-mapped.
    rows : array-like of int, shape (n,)
    elements : array-like of int in 0…7, shape (n,), optional
        What `dihedral` does to each.

    Examples
    --------
    >>> chosen = Chosen(np.arange(8).reshape(2, 2, 2), [1, 1, 0], [0, 2, 0])
    >>> len(chosen), chosen[1:2].tolist()
    (3, [[[7, 6], [5, 4]]])
    """

    def __init__(self, images: NDArray[Any], rows: ArrayLike, elements: ArrayLike | None = None) -> None:
        self._images, self._rows = images, np.asarray(rows)
        self._elements = np.zeros(len(self._rows), int) if elements is None else np.asarray(elements)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, part: slice | NDArray[Any]) -> NDArray[Any]:
        return dihedral(memmap.take(self._images, self._rows[part]), self._elements[part])


def symmetries(index: pd.DataFrame) -> tuple[int, ...]:
    """List the elements of `dihedral` that make of a micrograph another one that could be real.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `width` and `height`, in pixels of the raw micrographs, and `um_x` and `um_y`, which go before these
        where they are known.

    Returns
    -------
    tuple of int
        All eight where each picture is a square; else the flips and the half turn only: a picture that was squeezed to
        a square shows other shapes after a quarter turn.
    """
    return tuple(range(8)) if (abs(aspects(index) - 1) < SQUARE_WITHIN).all() else FLIPS


def aspects(index: pd.DataFrame) -> NDArray[np.float64]:
    """Give the width of the network's pixels over their height, which is known even where their size is not.

    Parameters
    ----------
    index : pandas.DataFrame
        As for `symmetries`.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> index = pd.DataFrame({"width": [400, 400], "height": [300, 300], "um_x": [np.nan, 2], "um_y": [np.nan, 2]})
    >>> aspects(index).round(2).tolist()
    [1.33, 1.0]
    """
    return (index["um_x"] / index["um_y"]).fillna(index["width"] / index["height"]).to_numpy(float)


def augment(
    images: NDArray[Any], rng: np.random.Generator, size: int | None = None, elements: Sequence[int] = range(8)
) -> NDArray[Any]:
    """Cut a window out of each image, and flip and turn it.

    Parameters
    ----------
    images : ndarray, shape (N, S, S)
    rng : numpy.random.Generator
        Draws window and symmetry, all equally likely.
    size : int, optional
        Side of the windows, at most S; S if not given.
    elements : sequence of int in 0…7
        Of `dihedral`; those to draw from, see `symmetries`.

    Returns
    -------
    ndarray, shape (N, size, size)
    """
    size = size or images.shape[1]
    corners, chosen = draw(len(images), images.shape[1] - size, rng, elements)
    windows = [image[y : y + size, x : x + size] for image, (y, x) in zip(images, corners, strict=True)]
    return dihedral(np.stack(windows), chosen)


def draw(
    n: int, margin: int, rng: np.random.Generator, elements: Sequence[int] = range(8)
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Draw what `augment` does to n images that are `margin` pixels larger than their windows.

    Returns
    -------
    corners : ndarray of int, shape (n, 2)
        First row and first column of each window, 0…margin.
    chosen : ndarray of int, shape (n,)
        Element of `dihedral` for each window, out of `elements`.
    """
    return rng.integers(margin + 1, size=(n, 2)), rng.choice(elements, n)
