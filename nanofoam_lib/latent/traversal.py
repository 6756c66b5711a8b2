"""Walks in a latent space: where to decode, and how far that is from real images. Coordinates alone, no model."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors

NEIGHBOURS = 5  # train vectors that a point is compared with
LIMIT = 0.99  # of the real held-out images: what lies farther out is extrapolation


@dataclasses.dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal distribution: `mean` (D,) and `covariance` (D, D)."""

    mean: np.ndarray
    covariance: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Gauge:
    """What tells how far a point lies from real images; made by `surround`, finished by `set_limits`.

    Attributes
    ----------
    train : ndarray, shape (n, D)
        Latent vectors of the train images.
    spacing : ndarray, shape (n,)
        Mean distance of each to its `neighbours` nearest others.
    neighbours : int
    max_distance, max_error : float
        99th percentiles over real held-out images.
    """

    train: np.ndarray
    spacing: np.ndarray
    neighbours: int
    max_distance: float = np.inf
    max_error: float = np.inf


def traverse(start: ArrayLike, direction: ArrayLike, steps: ArrayLike) -> NDArray[np.float64]:
    """Walk from `start` along `direction`.

    Parameters
    ----------
    start : array_like, shape (D,)
    direction : int or array_like, shape (D,)
        The number of a latent dimension, or the latent step of length 1 (a row of `projection.Projection.directions`).
    steps : array_like, shape (T,)
        How far to go, in units of `direction`.

    Returns
    -------
    ndarray, shape (T, D)
        ``start + step · direction``.

    Examples
    --------
    >>> traverse([1.0, 1.0], 0, [-1, 0, 2]).tolist()
    [[0.0, 1.0], [1.0, 1.0], [3.0, 1.0]]
    """
    start = np.asarray(start, float)
    direction = np.eye(len(start))[direction] if np.ndim(direction) == 0 else np.asarray(direction, float)  # type: ignore[index]
    return start + np.multiply.outer(np.asarray(steps, float), direction)


def lerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> NDArray[np.float64]:
    """Go straight from `a` (D,) to `b` (D,): the points (T, D) ``(1 - t) a + t b`` at `t` (T,) in [0, 1]."""
    t = np.asarray(t, float)[:, None]
    return (1 - t) * np.asarray(a, float) + t * np.asarray(b, float)


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> NDArray[np.float64]:
    """Go from `a` to `b` on an arc around the origin, which keeps the norm that samples of the prior have [1]_.

    Parameters
    ----------
    a, b : array_like, shape (D,)
        Where they have different norms, the norm changes steadily between them.
    t : array_like, shape (T,)
        Shares of the way, in [0, 1].

    Returns
    -------
    ndarray, shape (T, D)
        ``(sin((1 - t) Ω) a + sin(t Ω) b) / sin Ω`` with Ω the angle between `a` and `b`. The straight line where no
        arc is defined: `a` and `b` on one line through the origin.

    References
    ----------
    .. [1] T. White, "Sampling generative networks" (2016), https://doi.org/10.48550/arXiv.1609.04468

    Examples
    --------
    >>> slerp([1, 0], [0, 1], [0, 0.5, 1]).round(4).tolist()
    [[1.0, 0.0], [0.7071, 0.7071], [0.0, 1.0]]
    """
    a, b, t = (np.asarray(value, float) for value in (a, b, t))
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    cosine = np.clip(a @ b / norms, -1, 1) if norms > 0 else 1.0
    if 1 - abs(cosine) < 1e-12:
        return lerp(a, b, t)
    angle = np.arccos(cosine)
    weights = np.sin(np.stack([(1 - t) * angle, t * angle], axis=1)) / np.sin(angle)
    return weights @ np.stack([a, b])


def path(
    stations: ArrayLike, steps: int, way: Callable[[ArrayLike, ArrayLike, ArrayLike], NDArray[np.float64]] = lerp
) -> NDArray[np.float64]:
    """Go through two or more points in turn.

    Parameters
    ----------
    stations : array_like, shape (S, D)
        Latent vectors of images, or class means.
    steps : int
        Steps from each to the next.
    way : {lerp, slerp}

    Returns
    -------
    ndarray, shape ((S - 1) · steps + 1, D)
        Every station and the points between; station s is row ``s · steps``.

    Raises
    ------
    ValueError
        If there are fewer than two stations, or no steps.

    Examples
    --------
    >>> path([[0.0], [2.0], [8.0]], 2).ravel().tolist()
    [0.0, 1.0, 2.0, 5.0, 8.0]
    """
    stations = np.asarray(stations, float)
    if len(stations) < 2 or steps < 1:
        raise ValueError(f"expected two stations or more and at least one step, got {len(stations)} and {steps}")
    t = np.arange(steps) / steps
    legs = [way(a, b, t) for a, b in itertools.pairwise(stations)]
    return np.concatenate([*legs, stations[-1:]])


def class_means(vectors: ArrayLike, labels: ArrayLike) -> pd.DataFrame:
    """Mean latent vector of each class, in sorted order: DataFrame of one row per class, indexed by its name."""
    return pd.DataFrame(np.asarray(vectors, float)).groupby(np.asarray(labels)).mean()


def grid(plane: ArrayLike, n: int = 5) -> NDArray[np.float64]:
    """Lay a grid over a map: decode ``projection.unproject(found, grid(found.train))`` to see what lies where.

    Parameters
    ----------
    plane : array_like, shape (m, 2)
        Points of the map. The grid spans their 5th to 95th percentile on both axes, since corners are empty.
    n : int
        Points per side.

    Returns
    -------
    ndarray, shape (n · n, 2)
        Row by row from the top left, as pictures are laid out: x grows within a row, y falls from row to row.

    Examples
    --------
    >>> grid([[0, 0], [10, 20]], n=2).tolist()
    [[0.5, 19.0], [9.5, 19.0], [0.5, 1.0], [9.5, 1.0]]
    """
    low, high = np.quantile(np.asarray(plane, float), [0.05, 0.95], axis=0)
    x, y = np.meshgrid(np.linspace(low[0], high[0], n), np.linspace(high[1], low[1], n))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def sample_prior(n: int, latent_dim: int, seed: int | Sequence[int] = 0) -> NDArray[np.float64]:
    """Draw `n` points of the prior N(0, I): (n, latent_dim)."""
    return np.random.default_rng(seed).standard_normal((n, latent_dim))


def fit_gaussian(vectors: ArrayLike) -> Gaussian:
    """Fit a normal distribution, also to fewer vectors than dimensions.

    Parameters
    ----------
    vectors : array_like, shape (n, D)
        Train vectors, of one class for instance; n ≥ 2.

    Returns
    -------
    Gaussian
        The covariance is shrunk towards a multiple of the identity as far as few vectors demand [1]_.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, J. Multivariate Analysis 88 (2004) 365-411. https://doi.org/10.1016/S0047-259X(03)00096-4
    """
    vectors = np.asarray(vectors, float)
    if vectors.ndim != 2 or len(vectors) < 2:
        raise ValueError(f"expected vectors of shape (n, D) with n at least 2, got {vectors.shape}")
    return Gaussian(vectors.mean(axis=0), ledoit_wolf(vectors)[0])


def fit_classes(vectors: ArrayLike, labels: ArrayLike) -> dict[str, Gaussian]:
    """Fit a `Gaussian` to each class: dict of class, in sorted order, to distribution."""
    vectors, labels = np.asarray(vectors, float), np.asarray(labels)
    return {str(label): fit_gaussian(vectors[labels == label]) for label in np.unique(labels)}


def sample(gaussian: Gaussian, n: int, seed: int | Sequence[int] = 0) -> NDArray[np.float64]:
    """Draw `n` points of a `Gaussian`: (n, D)."""
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(gaussian.mean, gaussian.covariance, size=n, method="eigh")


def surround(train: ArrayLike, neighbours: int = NEIGHBOURS) -> Gauge:
    """Learn how far train images lie from each other, to judge generated points by: a `Gauge` without limits.

    Parameters
    ----------
    train : array_like, shape (n, D)
        μ of the train images, n ≥ 2.
    neighbours : int

    Raises
    ------
    ValueError
        If the shape does not fit, or there are too few vectors.
    """
    train = np.asarray(train, float)
    if train.ndim != 2 or len(train) < 2:
        raise ValueError(f"expected train (n, D), n at least 2, got {train.shape}")
    neighbours = min(neighbours, len(train) - 1)
    spacing = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(train).kneighbors()[0].mean(axis=1)
    # Where train vectors coincide, their spacing is rounding
    spacing = np.maximum(spacing, 1e-6 * max(np.abs(train).max(), np.finfo(np.float32).tiny))
    return Gauge(train, spacing, neighbours)


def locate(gauge: Gauge, points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int_]]:
    """Tell where points lie among the train images.

    Parameters
    ----------
    gauge : Gauge
    points : array_like, shape (N, D)

    Returns
    -------
    distance : ndarray, shape (N,)
        Mean Euclidean distance to the nearest train vectors over `unit`: 1 is typical of a train image, 10 is ten times
        too far out.
    unit : ndarray, shape (N,)
        Mean of these vectors' own spacing.
    nearest : ndarray of int, shape (N,)
        Row of the very nearest train vector.

    Examples
    --------
    >>> gauge = surround([[0.0], [1], [2], [3], [4]], neighbours=1)
    >>> [found.tolist() for found in locate(gauge, [[1.4], [9.0]])]
    [[0.3999999999999999, 5.0], [1.0, 1.0], [1, 4]]
    """
    points = np.asarray(points, float)
    if points.shape[1:] != gauge.train.shape[1:]:
        raise ValueError(f"points must have shape (N, {gauge.train.shape[1]}), like train, not {points.shape}")
    search = NearestNeighbors(n_neighbors=gauge.neighbours, algorithm="brute").fit(gauge.train)
    away, rows = search.kneighbors(points)
    unit = gauge.spacing[rows].mean(axis=1)
    return away.mean(axis=1) / unit, unit, rows[:, 0]


def set_limits(gauge: Gauge, distance: pd.Series | NDArray[Any], error: pd.Series | NDArray[Any]) -> Gauge:
    """Finish a gauge by what real held-out images measure: `distance` (m,), and an error (m,) of their pictures."""
    if not len(distance):
        raise ValueError("expected held-out images, got none")
    limits = (float(np.quantile(own, LIMIT)) for own in (distance, error))
    return dataclasses.replace(gauge, **dict(zip(("max_distance", "max_error"), limits, strict=True)))  # type: ignore[arg-type]


def is_beyond(gauge: Gauge, distance: ArrayLike, error: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points are extrapolation, bool (N,): either number exceeds its limit, as 1 to 2 % of real ones do."""
    return (np.asarray(distance) > gauge.max_distance) | (np.asarray(error) > gauge.max_error)
