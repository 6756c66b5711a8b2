"""Whether a vector lies off what a run has seen: a distance to its train images, calibrated on held-out specimens."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.latent import traversal

#: Share of images of new specimens, of the kind that the run has seen, that are not to be called off it.
LEVEL = 0.95
_ROUNDING = 1e-5  # of a distance: products of matrices round as their shapes have it


@dataclasses.dataclass(frozen=True, eq=False)
class Detector:
    """What tells novel vectors from known ones; made by `fit`.

    Attributes
    ----------
    gauge : traversal.Gauge
        Of the train images.
    scores : ndarray, shape (m,)
        Distances of the held-out images by that gauge, sorted.
    weights : ndarray, shape (m,)
        Of each: 1 / (n (K + 1)) for one of the n images of one of K specimens. They leave 1 / (K + 1) for the next.
    n_groups : int
        K.
    """

    gauge: traversal.Gauge
    scores: NDArray[np.float64]
    weights: NDArray[np.float64]
    n_groups: int

    @property
    def level(self) -> float:
        """Share of images of new specimens that are held to be known: `LEVEL`, or what K specimens can promise."""
        return min(LEVEL, self.n_groups / (self.n_groups + 1))


def fit(train: ArrayLike, held_out: ArrayLike, groups: ArrayLike) -> Detector:
    """Learn what is known from train images, and how far from them images of other specimens lie.

    Parameters
    ----------
    train : array-like, shape (n, D)
        Vectors of the train images, n ≥ 2.
    held_out : array-like, shape (m, D)
        Vectors of images of other specimens, m ≥ 1.
    groups : array-like, shape (m,)
        Specimen of each of these.

    Returns
    -------
    Detector

    Notes
    -----
    Images of one specimen are not independent. The p-value of `typicality` is that of conformal prediction for data of
    two layers [1]_: among the held-out images, each specimen with the same weight, and one more specimen at infinity.
    An image of a new specimen like the others has p ≤ α with a probability of at most α, whatever the distribution, if
    specimens are exchangeable and α is 1 / (K + 1) or more.

    References
    ----------
    .. [1] Y. Lee, R. F. Barber, R. Willett, "Distribution-free inference with hierarchical data" (2023),
       https://doi.org/10.48550/arXiv.2306.06342

    Examples
    --------
    >>> detector = fit([[0.0], [1], [2], [3], [4], [5]], [[0.5], [1.5], [2.5]], ["a", "b", "c"])
    >>> detector.level, is_off(detector, [[2.2], [99.0]]).tolist()
    (0.75, [False, True])
    """
    gauge = traversal.surround(train)
    held_out = np.asarray(held_out, float)
    if not len(held_out):
        raise ValueError("expected held-out images, got none")
    _, group_of, sizes = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
    distance = traversal.locate(gauge, held_out)[0]
    order = np.argsort(distance)
    weights = 1 / (sizes[group_of] * (len(sizes) + 1))
    return Detector(gauge, distance[order], weights[order], len(sizes))


def locate(detector: Detector, vectors: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give distance (N,), as `traversal.locate`, and typicality (N,) of vectors (N, D): 1 is as near as train images.

    Typicality is the p-value of the image being one of a specimen like those that the run has seen.
    """
    distance, *_ = traversal.locate(detector.gauge, vectors)
    return distance, typicality(detector, distance)


def typicality(detector: Detector, distance: NDArray[Any]) -> NDArray[np.float64]:
    """Give the p-values of distances (N,): how much of the held-out images, and of one specimen more, lies as far.

    Distances that differ by rounding are the same: a held-out image itself lies as far as it did.
    """
    farther = np.append(np.cumsum(detector.weights[::-1])[::-1], 0.0)  # from each held-out image on
    nearest = np.searchsorted(detector.scores, np.asarray(distance) * (1 - _ROUNDING), side="left")
    return np.minimum(farther[nearest] + 1 / (detector.n_groups + 1), 1.0)  # a sum of shares may round above 1


def is_off(detector: Detector, vectors: ArrayLike) -> NDArray[np.bool_]:
    """Tell which vectors (N, D) lie off what the run has seen, at the detector's level: bool (N,)."""
    return is_atypical(detector, locate(detector, vectors)[1])


def is_atypical(detector: Detector, p_values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which p-values of `locate` are too small for the detector's level."""
    return p_values <= 1 - detector.level + 1e-12  # the smallest is 1 / (K + 1) but for rounding
