"""Foams made to order for a property: the specimen to draw like, found by trying what a decoder makes of each."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from nanofoam_lib.base.language import number
from nanofoam_lib.latent import properties, property_axes

CANDIDATES = 40  # at most, of which each is drawn
#: Fields of noise of each round: in the first all candidates are drawn, in the others those nearest to orders (`find`).
ROUNDS = (3, 6, 6)
#: Candidates tried in further fields, by which the value of another is corrected.
NEIGHBOURS = 3
#: Share of the wanted value that an order may miss and be filled.
TOLERATED = 0.08
#: From points (n, D) and numbers of fields of noise (m) to what the pictures drawn there have of a property, (n, m).
Look = Callable[[NDArray[np.float64], Sequence[int]], NDArray[np.float64]]


@dataclasses.dataclass(frozen=True, eq=False)
class Orders:
    """Orders of values of a property, as `find` leaves them.

    Attributes
    ----------
    wanted : ndarray, shape (n,)
    points : ndarray, shape (n, D)
        Where to decode each: a candidate.
    expected : ndarray, shape (n,)
        What pictures drawn there are expected to have, mean over fields of noise.
    reached : ndarray of bool, shape (n,)
        Whether that is within `TOLERATED` of what is wanted; elsewhere the order is refused.
    """

    wanted: np.ndarray
    points: np.ndarray
    expected: np.ndarray
    reached: np.ndarray


def candidates(vectors: ArrayLike, groups: ArrayLike, n: int = CANDIDATES, seed: int = 0) -> NDArray[np.float64]:
    """Give points where foams are: the mean vectors of specimens.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
        Of images.
    groups : array-like, shape (N,)
        Specimen of each image.
    n : int
        How many at most. Of more specimens those nearest to the centres of `n` clusters (k-means) are taken.
    seed : int
        Of the clusters.

    Returns
    -------
    ndarray, shape (≤ n, D)
    """
    means = properties.by_specimen(vectors, np.zeros(len(np.asarray(groups))), groups).vectors
    if len(means) <= n:
        return means
    centres = KMeans(n, n_init=3, random_state=seed).fit(means).cluster_centers_
    return means[np.unique(cdist(centres, means).argmin(axis=1))]


def expected(points: NDArray[np.float64], values: NDArray[np.float64], screened: int) -> NDArray[np.float64]:
    """Estimate what pictures drawn at points have of a property, mean over many fields of noise.

    Parameters
    ----------
    points : ndarray, shape (n, D)
    values : ndarray, shape (n, fields)
        What the picture of each point and field has; NaN where none was drawn, or it tells nothing.
    screened : int
        Fields, the first ones, in which all points were drawn.

    Returns
    -------
    ndarray, shape (n,)
        Of a point t that was tried in further fields the mean m(t) over all. Of others the mean s over the screened
        fields, and how far these were off at the `NEIGHBOURS` nearest points that were tried: ``s + mean of m(t) −
        s(t)``. NaN where nothing is known.

    Notes
    -----
    A field of noise shifts all foams of similar structure alike, those of another structure in another way, so that its
    shift can be learnt from neighbours, and not from all.
    """
    first, every = _mean(values[:, :screened]), _mean(values)
    tried = np.isfinite(values[:, screened:]).any(axis=1) & np.isfinite(first)
    if not tried.any():
        return first
    shift = (every - first)[tried]
    nearest = cdist(points, points[tried]).argsort(axis=1)[:, :NEIGHBOURS]
    return np.where(tried, every, first + shift[nearest].mean(axis=1))


def _mean(values):
    """Take the mean of what is known in each row: NaN where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)


def find(
    axis: property_axes.Axis,
    wanted: ArrayLike,
    points: NDArray[np.float64],
    screened: NDArray[np.float64],
    look: Look,
    rounds: Sequence[Sequence[int]],
) -> Orders:
    """Find the candidates whose pictures have the wanted values of a property.

    Parameters
    ----------
    axis : property_axes.Axis
        Of the property.
    wanted : array-like, shape (n,)
    points : ndarray, shape (m, D)
        The candidates.
    screened : ndarray, shape (m, fields)
        What pictures of all candidates have of the property, in some fields of noise.
    look : callable
        See `Look`.
    rounds : sequence of sequences of int
        Further fields of noise. In each round the candidates expected to be nearest to an order are drawn in its
        fields, after which all are expected anew (`expected`).

    Returns
    -------
    Orders
        Of each order the candidate, of those that were tried in further fields, whose mean came nearest: what a few
        fields say of the others may be luck.

    Raises
    ------
    ValueError
        If a wanted value lies outside of what was measured.
    """
    wanted, low, high = np.asarray(wanted, float), axis.measured.min(), axis.measured.max()
    for value in wanted[~((low <= wanted) & (wanted <= high))]:
        raise ValueError(f"wanted: {number(value)} lies outside of what was measured, {number(low)} to {number(high)}")
    values, tried = screened, np.full(len(points), not len(rounds))
    for fields in rounds:
        rows = np.unique(_nearest(expected(points, values, screened.shape[1]), wanted))
        further = np.full((len(points), len(fields)), np.nan)
        further[rows] = look(points[rows], fields)
        values, tried[rows] = np.hstack([values, further]), True
    got = np.where(tried, expected(points, values, screened.shape[1]), np.nan)
    chosen = _nearest(got, wanted)
    reached = np.abs(got[chosen] - wanted) <= TOLERATED * np.abs(wanted)
    return Orders(wanted, points[chosen], got[chosen], reached)


def _nearest(got, wanted):
    """Give the row whose value is nearest to each wanted one, (n,)."""
    return np.where(np.isfinite(got), np.abs(got - wanted[:, None]), np.inf).argmin(axis=1)
