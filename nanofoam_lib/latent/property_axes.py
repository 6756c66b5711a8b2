"""Which structure goes with a property: the way through a latent space along which it rises.

Everything is learnt from the specimens that are given, which are those of the train side.
"""

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nanofoam_lib.latent import conformal, fulfilment, inverse_design, properties, ridge

STEPS = 7  # from low to high
ENDS = (0.05, 0.95)  # quantiles of what was measured, between which a way leads and orders lie
#: Of a table of pictures on ways from low to high values, before their pore measures.
WALKED = ["target", "unit", "kind", "latent_dim", "step", "noise", "extrapolation"]
#: Of a table of orders, behind `fulfilment.COLUMNS`.
ORDERED = ["unit", "by", "encoded", "pi_low", "pi_high", fulfilment.OUT_OF_REACH]


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
    """

    design: inverse_design.Design
    half_width: float
    told: float
    measured: np.ndarray


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
    steps = axis.told * (np.asarray(values, float) - axis.measured.mean())
    return axis.design.mean + np.multiply.outer(steps, axis.design.direction)


def over_noise(walks: pd.DataFrame) -> pd.DataFrame:
    """Take the means of pore measures over fields of noise (columns `WALKED` first): a row per picture of the first."""
    if not len(walks):
        return walks
    same, measured = ["target", "step"], [name for name in walks if name not in WALKED]
    first = walks[walks["noise"] == walks["noise"].iloc[0]].drop(columns=measured)
    return first.join(walks.groupby(same)[measured].mean(), on=same)
