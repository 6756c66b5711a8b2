"""Foams to order: where in a latent space a pore measure has the wanted value."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

#: What can be ordered.
MEASURES = ("median_diameter_um", "density_per_mm2", "porosity")
#: What is ordered at once.
JOINT = MEASURES[:2]
_ALPHAS = np.logspace(-3, 5, 17)  # of standardised vectors: from next to no shrinkage to all of it
_FEWEST = 3  # images with a known measure that a regression needs
_COLLINEAR = 1e-3  # least eigenvalue of the correlations between predictions: 1 − |r| of two measures


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """A linear model of a pore measure in a latent space, ``intercept + point @ slopes``, and the way to change it.

    Attributes
    ----------
    slopes : ndarray, shape (D,)
        Change of the measure per unit of each dimension.
    intercept : float
    mean : ndarray, shape (D,)
        Mean of train: where a design starts from.
    direction : ndarray, shape (D,)
        Latent step that raises the predicted measure by 1.
    median : float
        Of the measure on train: what a foam would have that was drawn without looking at the order.
    """

    slopes: np.ndarray
    intercept: float
    mean: np.ndarray
    direction: np.ndarray
    median: float


def fit(vectors: ArrayLike, values: ArrayLike, penalties: ArrayLike = _ALPHAS) -> Design:
    """Fit a ridge regression of a pore measure on latent vectors, and find the direction that changes it.

    Parameters
    ----------
    vectors : array_like, shape (n, D)
        Latent vectors of the train images.
    values : array_like, shape (n,)
        Their measure; images where it is NaN are left out.
    penalties : array_like, shape (p,)
        Of standardised vectors, from which that of the smallest leave-one-out error is chosen.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        If the measure is known of fewer than three images, or does not vary.

    Notes
    -----
    The regression is on standardised vectors, its penalty that of the smallest leave-one-out error. Of all steps that
    change the prediction w·x by 1, `direction` is the one real images take: Σw / (wᵀΣw) with the covariance Σ of train
    (shrunk by Ledoit and Wolf's method [1]_). If latents are normal, ``mean + Δ · direction`` is the mean of all
    vectors whose prediction is Δ above average. The step along w itself would be shorter, but leads where no image is.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, J. Multivariate Analysis 88 (2004) 365-411. https://doi.org/10.1016/S0047-259X(03)00096-4

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(200, 3))
    >>> design = fit(vectors, 20 + 4 * vectors[:, 1])
    >>> float(point(design, 26.0)[1].round(2)), predict(design, [point(design, 26.0)]).round(6).tolist()
    (1.5, [26.0])
    """
    vectors, values = np.asarray(vectors, float), np.asarray(values, float)
    known = np.isfinite(values)
    if not _varies(values):
        raise ValueError(f"a measure must be known of {_FEWEST} images and vary; it is known of {known.sum()}")
    scaler = StandardScaler().fit(vectors[known])
    model = RidgeCV(penalties).fit(scaler.transform(vectors[known]), values[known])
    slopes = model.coef_ / scaler.scale_
    step = ledoit_wolf(vectors)[0] @ slopes
    intercept, direction = model.intercept_ - slopes @ scaler.mean_, step / (slopes @ step)
    return Design(slopes, intercept, vectors.mean(axis=0), direction, float(np.median(values[known])))


def fit_all(vectors: ArrayLike, measures: pd.DataFrame) -> dict[str, Design]:
    """Fit a `Design` to each of `MEASURES` that is known of enough images and varies: dict of measure to design."""
    return {name: fit(vectors, measures[name]) for name in MEASURES if _varies(measures[name].to_numpy(float))}


def predict(design: Design, points: ArrayLike) -> NDArray[np.float64]:
    """Predict the measure at latent `points` (n, D): (n,)."""
    return np.asarray(points, float) @ design.slopes + design.intercept


def point(design: Design, wanted: float, start: ArrayLike | None = None) -> NDArray[np.float64]:
    """Go from `start`, the mean of train if not given, to where the regression predicts the `wanted` measure: (D,)."""
    start = design.mean if start is None else np.asarray(start, float)
    return start + (wanted - predict(design, start)) * design.direction


def joint_point(
    designs: Mapping[str, Design], wanted: Mapping[str, float], start: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Go from `start` to where the regressions predict the `wanted` value of several measures at once: (D,).

    Parameters
    ----------
    designs : dict
        Measure → `Design`, all fitted on the same vectors.
    wanted : dict
        Measure → value; other measures go where the step takes them.
    start : array_like, shape (D,), optional
        The mean of train if not given.

    Returns
    -------
    ndarray, shape (D,)

    Raises
    ------
    ValueError
        If the predictions of the measures are collinear: correlated by more than 0.999, so that one cannot be had
        without the other.

    Notes
    -----
    ``start + ΣW (WᵀΣW)⁻¹ (wanted − predicted)``, with the slopes of the measures in the columns of W: of all points
    with these predictions the one nearest to `start` in Mahalanobis distance, and, if latents are normal, the mean of
    all vectors that have them. A `Design`'s direction is Σw / (wᵀΣw), so that directions span the same steps, and Σ
    itself is not needed. For one measure it is `point`.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(200, 3))
    >>> designs = {"size": fit(vectors, 20 + 4 * vectors[:, 1]), "number": fit(vectors, 9 - vectors.sum(axis=1))}
    >>> there = joint_point(designs, {"size": 26.0, "number": 9.0})
    >>> [float(predict(design, there).round(6)) for design in designs.values()]
    [26.0, 9.0]
    """
    chosen = {name: designs[name] for name in wanted}
    changes = _changes(chosen)
    if _is_collinear(changes):
        raise ValueError(f"{', '.join(chosen)}: the regressions cannot tell these measures apart")
    start = next(iter(chosen.values())).mean if start is None else np.asarray(start, float)
    missing = [value - predict(chosen[name], start) for name, value in wanted.items()]
    directions = np.stack([design.direction for design in chosen.values()], axis=1)
    return start + directions @ np.linalg.solve(changes, missing)


def _changes(designs):
    """Tell by how much each prediction (row) changes along the direction of each measure (column)."""
    slopes = np.stack([design.slopes for design in designs.values()])
    return slopes @ np.stack([design.direction for design in designs.values()], axis=1)


def _is_collinear(changes):
    # w_iᵀΣw_j / w_jᵀΣw_j is similar to the matrix of the predictions' correlations: it has the same eigenvalues
    return not np.linalg.eigvals(changes).real.min() > _COLLINEAR


def orders(
    designs: Mapping[str, Design], measures: pd.DataFrame, n: int = 7
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Order `n` values of each measure.

    Parameters
    ----------
    designs : dict
        Measure → `Design`.
    measures : pandas.DataFrame
        Measures of the train images: orders run from their 5th to their 95th percentile in equal steps.
    n : int

    Returns
    -------
    wanted : pandas.DataFrame
        A column per measure of `designs`; in each row one value, the others NaN.
    points : ndarray, shape (orders, D)
        Where to decode them.
    """
    levels = {name: np.linspace(*measures[name].quantile([0.05, 0.95]), n) for name in designs}  # type: ignore[call-overload]
    wanted = pd.DataFrame([{name: value} for name in designs for value in levels[name]], columns=list(designs))
    points = [point(designs[name], value) for name in designs for value in levels[name]]
    return wanted, np.array(points)


def joint_orders(
    designs: Mapping[str, Design], measures: pd.DataFrame, n: int = 3
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Order `n` × `n` pairs of the measures `JOINT`, such as real micrographs have.

    Parameters
    ----------
    designs : dict
        Measure → `Design`.
    measures : pandas.DataFrame
        Measures of the train images. They are parted into `n` equal groups by the first measure, of which the median
        of each group is wanted, with quantiles of the second, 10 % to 90 %, of what the images of the group would have
        at that median (by a line through them): sizes and densities of pores go together, and elsewhere no foam is.
    n : int

    Returns
    -------
    wanted : pandas.DataFrame
        A column per measure of `designs`, two values in each row; without rows if a measure is not in `designs` or
        the regressions cannot tell the two apart (see `joint_point`).
    points : ndarray, shape (orders, D)
    """
    nothing = pd.DataFrame(columns=list(designs), dtype=float), np.zeros((0, 0))
    chosen = {name: designs[name] for name in JOINT if name in designs}
    if len(chosen) < len(JOINT) or _is_collinear(_changes(chosen)):
        return nothing
    known = measures[list(JOINT)].dropna().sort_values(JOINT[0]).to_numpy(float)
    groups = [known[rows] for rows in np.array_split(np.arange(len(known)), min(n, len(known)))]
    pairs = [dict(zip(JOINT, pair, strict=True)) for own in groups for pair in _pairs(own[:, 0], own[:, 1], n)]
    points = [joint_point(chosen, pair) for pair in pairs]
    return pd.DataFrame(pairs, columns=list(designs)), np.array(points)


def _pairs(first, second, n):
    """Pair the median of one measure with `n` quantiles of the other, were all images moved there along a line."""
    centre, from_mean = np.median(first), first - first.mean()
    slope = from_mean @ second / max(from_mean @ from_mean, np.finfo(float).tiny)
    return [(centre, value) for value in np.quantile(second - slope * (first - centre), np.linspace(0.1, 0.9, n))]


def _varies(values):
    known = values[np.isfinite(values)]
    return len(known) >= _FEWEST and np.ptp(known) > 0
