"""Foams to order: where in a latent space a pore measure has the wanted value, and whether decoding there gives it."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

#: What can be ordered.
MEASURES = ("median_diameter_um", "density_per_mm2", "porosity")
#: Who made a picture whose pores are compared with what was wanted.
DESIGNED, RECONSTRUCTED, REAL = "designed", "reconstruction", "real, 128×128"

COLUMNS = ["picture", "measure", "wanted", "predicted", "got", "relative_error", "extrapolation"]

_ALPHAS = np.logspace(-3, 5, 17)  # of standardised vectors: from next to no shrinkage to all of it
_FEWEST = 3  # images with a known measure that a regression needs


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
    """

    slopes: np.ndarray
    intercept: float
    mean: np.ndarray
    direction: np.ndarray


def fit(vectors: ArrayLike, values: ArrayLike) -> Design:
    """Fit a ridge regression of a pore measure on latent vectors, and find the direction that changes it.

    Parameters
    ----------
    vectors : array_like, shape (n, D)
        Latent vectors of the train images.
    values : array_like, shape (n,)
        Their measure; images where it is NaN are left out.

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
    model = RidgeCV(_ALPHAS).fit(scaler.transform(vectors[known]), values[known])
    slopes = model.coef_ / scaler.scale_
    step = ledoit_wolf(vectors)[0] @ slopes
    return Design(slopes, model.intercept_ - slopes @ scaler.mean_, vectors.mean(axis=0), step / (slopes @ step))


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


def compare(
    designs: Mapping[str, Design], points: ArrayLike, wanted: pd.DataFrame, got: pd.DataFrame, picture: str
) -> pd.DataFrame:
    """Lay wanted beside predicted and got measures, one row per picture and measure.

    Parameters
    ----------
    designs : dict
        Measure → `Design`.
    points : ndarray, shape (N, D)
        Latent vectors of the pictures, for the prediction.
    wanted, got : pandas.DataFrame, N rows
        A column per measure: what was ordered (NaN: nothing), or measured in the full micrograph; and what `pores`
        finds in the picture of 128×128 pixels.
    extrapolation : array_like of bool, shape (N,)
        As `realism.measure` gives it.
    picture : str
        Who made the picture: `DESIGNED`, `RECONSTRUCTED` or `REAL`.

    Returns
    -------
    pandas.DataFrame
        Columns picture, measure, wanted, predicted, got (a diameter is NaN where there are no pores), relative_error
        (``|got - wanted| / |wanted|``), extrapolation.
    """
    parts = [pd.DataFrame(columns=COLUMNS)] if not designs else []
    for name, design in designs.items():
        own = {"wanted": wanted[name], "predicted": predict(design, points), "got": got[name]}
        own = {"picture": picture, "measure": name} | {key: np.asarray(value, float) for key, value in own.items()}
        table = pd.DataFrame(own).assign(extrapolation=got["extrapolation"].to_numpy()).dropna(subset="wanted")
        parts.append(table.assign(relative_error=(table["got"] - table["wanted"]).abs() / table["wanted"].abs()))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def summarise(comparison: pd.DataFrame) -> pd.DataFrame:
    """Sum up how well each measure can be ordered.

    Parameters
    ----------
    comparison : pandas.DataFrame
        Rows of `compare` for designed pictures, and for held-out images and their reconstructions.

    Returns
    -------
    pandas.DataFrame
        One row per measure: ``r2`` of the regression on held-out images (NaN for fewer than two); the median relative
        error of the pictures ``designed``, and below which it cannot fall: of the ``reconstruction`` of a real image
        and of the ``real`` image itself, reduced to 128×128; ``rank_correlation`` of wanted and got (Spearman's; NaN if
        got does not vary); ``orders``, the number of designed pictures, and ``without_pores``, of those in which no
        pores were found.
    """
    return pd.DataFrame([_sum_up(name, own) for name, own in comparison.groupby("measure", sort=False)])


def _sum_up(name, table):
    made = {picture: table[table["picture"] == picture] for picture in (DESIGNED, RECONSTRUCTED, REAL)}
    errors = {picture: rows["relative_error"].median() for picture, rows in made.items()}
    designed, real = made[DESIGNED], made[REAL]
    found = designed.dropna(subset="got")
    ordered = len(found) > 1 and np.ptp(found["got"]) > 0
    return {
        "measure": name,
        "r2": r2_score(real["wanted"], real["predicted"]) if len(real) > 1 else np.nan,
        "designed": errors[DESIGNED],
        "reconstruction": errors[RECONSTRUCTED],
        "real": errors[REAL],
        "rank_correlation": spearmanr(found["wanted"], found["got"]).statistic if ordered else np.nan,
        "orders": len(designed),
        "without_pores": int((~(designed["got"] > 0)).sum()),
    }


def _varies(values):
    known = values[np.isfinite(values)]
    return len(known) >= _FEWEST and np.ptp(known) > 0
