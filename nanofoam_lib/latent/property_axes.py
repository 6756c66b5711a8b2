"""Which structure goes with a property: the way through a latent space along which it rises, and points made to order.

Everything is learnt from the specimens that are given, which are those of the train side.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nanofoam_lib.base.language import number
from nanofoam_lib.latent import conformal, inverse_design, properties, ridge

STEPS = 7  # from low to high
ENDS = (0.05, 0.95)  # quantiles of what was measured, between which a way leads and orders lie
#: How what a drawn foam has of a property is read from it.
LAW, REGRESSION = "law", "regression"
#: Of a table of pictures on ways from low to high values, before their pore measures.
WALKED = ["target", "unit", "kind", "latent_dim", "step", "noise", "extrapolation"]
#: Of a table of orders, behind `fulfilment.COLUMNS`.
ORDERED = ["unit", "by", "encoded", "pi_low", "pi_high"]


@dataclasses.dataclass(frozen=True, eq=False)
class Axis:
    """How a property and the vectors of specimens go together; made by `fit`.

    Attributes
    ----------
    design : inverse_design.Design
        Ridge regression of the property on the specimens' vectors, and the latent step that raises what it predicts
        by 1 as in the specimens themselves.
    half_width : float
        Of the 90 % interval about the prediction of a specimen, in the property's unit; infinite for too few.
    told : float
        By how much the prediction of a specimen that was not seen rises with its property, in [0, 1]: 0 if the vectors
        tell nothing of it.
    measured : ndarray, shape (S,)
        The property of each specimen.
    curve : (ndarray, ndarray), optional
        What was got at some steps from the mean along the way, as `calibrate` leaves it: both ascending.
    """

    design: inverse_design.Design
    half_width: float
    told: float
    measured: np.ndarray
    curve: tuple[np.ndarray, np.ndarray] | None = None


def fit(vectors: ArrayLike, values: ArrayLike, groups: ArrayLike, seed: int = 0) -> Axis:
    """Learn how a property and the vectors of specimens go together.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
        Of images of the train side.
    values : array-like of float, shape (N,)
        The property of each image's specimen; NaN where unknown.
    groups : array-like, shape (N,)
        Specimen of each image.
    seed : int
        Deals the specimens to folds.

    Returns
    -------
    Axis

    Raises
    ------
    ValueError
        If the property is known of fewer than ten specimens, or the same for all.

    Notes
    -----
    The weights w of a regression say how to read a property off, not how specimens differ that have more of it: where
    two dimensions vary together the weights may cancel what both share. What goes with the property is the pattern Σw,
    with the covariance Σ of the specimens' vectors [1]_. It is the covariance of the vectors with the prediction, that
    is, with the property, without what the ridge puts down to chance.

    The penalty is that of the least error over five folds. By leaving out one specimen, as `properties` does, no
    penalty at all may seem best where there are about as many specimens as dimensions.

    References
    ----------
    .. [1] S. Haufe et al., NeuroImage 87 (2014) 96, :doi:`10.1016/j.neuroimage.2013.10.067`
    """
    known = properties.by_specimen(vectors, values, groups)
    if len(known.names) < properties.FEWEST or np.ptp(known.measured) == 0:
        raise ValueError(f"values: of {len(known.names)} specimens, of which ten or more, not all alike, are needed")
    x, y = known.vectors, known.measured
    tried = {penalty: properties.unseen(_ridge(penalty), x, y, seed) for penalty in ridge.ALPHAS}
    penalty, unseen = min(tried.items(), key=lambda one: np.square(y - one[1]).sum())
    told = np.cov(unseen, y)[0, 1] / np.var(y, ddof=1)
    half_width = conformal.half_width(y - unseen, known.names)
    return Axis(inverse_design.fit(x, y, [penalty]), half_width, float(np.clip(told, 0, 1)), y)


def _ridge(penalty):
    return make_pipeline(StandardScaler(), Ridge(penalty))


def fit_all(vectors: ArrayLike, targets: pd.DataFrame, groups: ArrayLike, seed: int = 0) -> dict[str, Axis]:
    """Fit an `Axis` to every property (column) that is known of ten specimens and varies: dict of name to axis."""
    found = {}
    for name in targets:
        known = pd.Series(targets[name].to_numpy(float)).groupby(np.asarray(groups)).mean().dropna()
        if len(known) >= properties.FEWEST and np.ptp(known) > 0:
            found[name] = fit(vectors, targets[name], groups, seed)
    return found


def levels(axis: Axis, n: int = STEPS) -> NDArray[np.float64]:
    """Give `n` values of the property in equal steps, from the 5 % to the 95 % quantile of what was measured: (n,)."""
    return np.linspace(*np.quantile(axis.measured, ENDS), n)  # type: ignore[call-overload]


def steps(axis: Axis, values: ArrayLike) -> NDArray[np.float64]:
    """Tell how far along the way specimens with these values (n,) lie, in its unit: ``told · (value − mean)``."""
    return axis.told * (np.asarray(values, float) - axis.measured.mean())


def typical(axis: Axis, values: ArrayLike) -> NDArray[np.float64]:
    """Give the mean latent vector of specimens that have these values of a property.

    Parameters
    ----------
    axis : Axis
    values : array-like, shape (n,)

    Returns
    -------
    ndarray, shape (n, D)
        ``mean + told · (value − mean value) · direction``: were all normal, the expectation of the vector given the
        property. It stays where specimens are, and hardly moves for a property of which vectors tell little: whatever
        is drawn there shows no more than is known.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> axis = fit(x, 20 + 4 * x[:, 1], np.arange(200))
    >>> bool(abs(typical(axis, [20, 28])[:, 1] - [0, 2]).max() < 0.1)
    True
    """
    return axis.design.mean + np.multiply.outer(steps(axis, values), axis.design.direction)


def calibrate(axis: Axis, at: ArrayLike, got: ArrayLike) -> Axis:
    """Let orders heed what pictures along the way turned out to have of the property.

    Parameters
    ----------
    axis : Axis
    at : array-like, shape (n,)
        Steps along the way, ascending, as `steps` gives them.
    got : array-like, shape (n,)
        What was drawn there, mean over pictures; NaN where nothing can be told.

    Returns
    -------
    Axis
        With a curve that nowhere falls (isotonic regression); as it was where nothing was got or all is alike.
    """
    at, got = np.asarray(at, float), np.asarray(got, float)
    known = np.isfinite(got)
    if known.sum() < 2:
        return axis
    level, first = np.unique(IsotonicRegression().fit_transform(at[known], got[known]), return_inverse=True)
    mean = np.bincount(first, weights=at[known]) / np.bincount(first)
    return dataclasses.replace(axis, curve=(mean, level)) if len(level) > 1 else axis


def order(axis: Axis, wanted: float) -> NDArray[np.float64]:
    """Find the point on the way from the mean, as specimens vary, where the `wanted` value is to be expected: (D,).

    That is where the regression predicts it; or, of an axis that was calibrated, where it was got, between the steps
    that were tried by interpolation, and beyond them as far on as the regression says.

    Raises
    ------
    ValueError
        If it lies outside of what was measured.
    """
    low, high = axis.measured.min(), axis.measured.max()
    if not low <= wanted <= high:
        raise ValueError(f"wanted: {number(wanted)} lies outside of what was measured, {number(low)} to {number(high)}")
    if axis.curve is None:
        return inverse_design.point(axis.design, wanted)
    at, got = axis.curve
    inside = np.clip(wanted, got[0], got[-1])
    return axis.design.mean + (np.interp(inside, got, at) + wanted - inside) * axis.design.direction


def orders(axes: Mapping[str, Axis], n: int = STEPS) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Order `n` values of each property, its `levels`.

    Returns
    -------
    wanted : pandas.DataFrame
        A column per property; in each row one value, the others NaN.
    points : ndarray, shape (orders, D)
        Where to decode them.
    """
    asked = [(name, value) for name, axis in axes.items() for value in levels(axis, n)]
    wanted = pd.DataFrame([{name: value} for name, value in asked], columns=list(axes), dtype=float)
    return wanted, np.array([order(axes[name], value) for name, value in asked])


def over_noise(walks: pd.DataFrame) -> pd.DataFrame:
    """Take the means of pore measures over fields of noise (columns `WALKED` first): a row per picture of the first."""
    if not len(walks):
        return walks
    same, measured = ["target", "step"], [name for name in walks if name not in WALKED]
    first = walks[walks["noise"] == walks["noise"].iloc[0]].drop(columns=measured)
    return first.join(walks.groupby(same)[measured].mean(), on=same)
