"""From sections to space: sizes of spheres from the circles in which a plane cuts them.

A plane meets large spheres more often than small ones, and cuts most of them off-centre: circles are smaller than the
spheres they come from, and there are more kinds of them. Both methods assume **spheres, scattered without order, and a
plane that shows every circle**; of pores of another shape they tell nothing.

References
----------
.. [1] S. A. Saltykov, "Stereometric Metallography", 1958; E. Scheil, Z. Anorg. Allg. Chem. 201 (1931) 259-264
.. [2] S. D. Wicksell, "The corpuscle problem", Biometrika 17 (1925) 84-99, :doi:`10.1093/biomet/17.1-2.84`
.. [3] M. A. Lopez-Sanchez, S. Llana-Fúnez, "An extension of the Saltykov method to quantify 3D grain size distributions
   in mylonites", J. Struct. Geol. 93 (2016) 149-161, :doi:`10.1016/j.jsg.2016.10.008`
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import curve_fit
from scipy.special import ndtr

#: Stands beside every number.
ASSUMPTION = "assumes spheres, scattered without order, of which the plane shows every section"
NAMES = "sphere_mean_um", "sphere_mean_fit_um", "sphere_median_um", "sphere_sigma"
_FEWEST = 10  # circles: fewer make no histogram


class Spheres(NamedTuple):
    """Sizes of spheres: their diameters, how many per volume in each (relative, sums to 1), and their mean."""

    diameter: NDArray[np.float64]
    share: NDArray[np.float64]
    mean: float


class LogNormal(NamedTuple):
    """A log-normal distribution of diameters: median, standard deviation of the logarithm, and mean."""

    median: float
    sigma: float
    mean: float


def saltykov(diameters: ArrayLike, bins: int = 16) -> Spheres:
    """Unfold the diameters of circles into those of spheres, from the largest downwards [1]_.

    Parameters
    ----------
    diameters : array-like, shape (n,)
        Of at least ten circles.
    bins : int
        Equally wide, from 0 to the largest.

    Returns
    -------
    Spheres
        A sphere of diameter D is cut into a circle between d₁ and d₂ with the probability
        (√(D² - d₁²) - √(D² - d₂²)) / D, and is met in proportion to D. What a bin holds beyond the sections of the
        larger spheres are its own; where that is less than nothing, none.

    Raises
    ------
    ValueError
        If there are fewer than ten circles, or one is no length.
    """
    own = _checked(diameters)
    edges = np.linspace(0, own.max() * (1 + 1e-9), bins + 1)
    left = np.histogram(own, edges)[0].astype(float)
    per_volume = np.zeros(bins)
    for i in range(bins - 1, -1, -1):
        size = edges[i + 1]  # Saltykov's choice: the spheres of a bin are as large as its upper edge
        section = np.sqrt(np.maximum(size**2 - edges**2, 0))
        chance = (section[: i + 1] - section[1 : i + 2]) / size
        per_volume[i] = max(left[i], 0) / (chance[i] * size)
        left[: i + 1] -= per_volume[i] * chance * size
    share = per_volume / per_volume.sum()
    return Spheres(edges[1:], share, float((edges[1:] * share).sum()))


def two_step(diameters: ArrayLike, bins: int = 16) -> LogNormal:
    """Fit a log-normal distribution to the spheres that `saltykov` unfolds [3]_.

    The cumulative shares are fitted, by least squares: what one bin has too much, another has too little.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(two_step(cut(np.exp(rng.normal(3, 0.2, 20000)), rng)).median)
    20
    """
    found = saltykov(diameters, bins)
    between = found.diameter + (found.diameter[1] - found.diameter[0]) / 2  # the sizes, each of a bin's width, end here
    cumulative = np.cumsum(found.share)
    spread = math.sqrt(max(float((found.share * (found.diameter - found.mean) ** 2).sum()), 1e-12)) / found.mean
    guess = math.log(found.mean), max(spread, 0.02)
    (mu, sigma), _ = curve_fit(_cumulative, between, cumulative, guess, bounds=([-50, 1e-3], [50, 3]))
    return LogNormal(math.exp(mu), float(sigma), math.exp(mu + sigma**2 / 2))


def cut(diameters: ArrayLike, rng: np.random.Generator) -> NDArray[np.float64]:
    """Cut spheres of these diameters by planes: the diameters of the circles of as many spheres as were met."""
    own = np.asarray(diameters, float)
    met = rng.choice(own, len(own), p=own / own.sum())
    return met * np.sqrt(1 - rng.random(len(own)) ** 2)


def summarise(diameters: ArrayLike) -> dict[str, float]:
    """Give ``sphere_mean_um`` (Saltykov), ``sphere_median_um``, ``sphere_sigma`` and ``sphere_mean_fit_um`` (two-step).

    NaN with fewer than ten circles, or where no log-normal distribution fits.
    """
    try:
        fit = two_step(diameters)
        return dict(zip(NAMES, (saltykov(diameters).mean, fit.mean, fit.median, fit.sigma), strict=True))
    except (ValueError, RuntimeError):
        return dict.fromkeys(NAMES, math.nan)


def _cumulative(diameter, mu, sigma):
    return ndtr((np.log(diameter) - mu) / sigma)


def _checked(diameters):
    own = np.asarray(diameters, float)
    if own.ndim != 1 or len(own) < _FEWEST or not (np.isfinite(own) & (own > 0)).all():
        raise ValueError(f"diameters: expected at least {_FEWEST} positive lengths, got {len(own)}")
    return own
