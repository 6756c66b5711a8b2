"""Predict a property of specimens, such as a modulus in GPa, from the vectors of their images.

A property is one number for all images of a specimen. So the rows of a regression are specimens, each the mean of its
images' vectors, and folds, intervals and numbers of cases are by specimen.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nanofoam_lib.base import memmap
from nanofoam_lib.latent import conformal, ridge

#: With fewer specimens nothing can be claimed: ten values follow a line by chance too often, and see `conformal`.
FEWEST = 10
FOLDS = 5
COMPONENTS = 5  # of partial least squares
MOST = 1000  # specimens for a Gaussian process, which takes time with their cube


class Specimens(NamedTuple):
    """What is known of specimens, one row each, in the order of their names."""

    names: NDArray[np.str_]  # (S,)
    vectors: NDArray[np.float64]  # (S, D), means over the images
    measured: NDArray[np.float64]  # (S,), means over the images of which a value is known
    first: NDArray[np.intp]  # (S,), the row of the first image of each


def by_specimen(vectors: ArrayLike, values: ArrayLike, groups: ArrayLike) -> Specimens:
    """Take images of a specimen together.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    values : array-like of float, shape (N,)
        The property; NaN where it is unknown. It may be missing for some images of a specimen.
    groups : array-like, shape (N,)
        Specimen of each image.

    Returns
    -------
    Specimens
        Those of which a value is known.

    Examples
    --------
    >>> by_specimen([[0], [2], [5]], [1.5, np.nan, np.nan], ["a", "a", "b"])[:3]
    (array(['a'], dtype='<U1'), array([[1.]]), array([1.5]))
    """
    vectors, values = np.asarray(vectors), np.asarray(values, float)
    names, first, of_image = np.unique(np.asarray(groups, str), return_index=True, return_inverse=True)
    if not len(vectors) == len(values) == len(of_image):
        raise ValueError(f"vectors, values, groups: {len(vectors)}, {len(values)} and {len(of_image)} rows")
    known = np.isfinite(values)
    n_known = np.bincount(of_image[known], minlength=len(names))
    sums = np.zeros((len(names), vectors.shape[1]))
    for rows in memmap.slices(len(vectors)):
        np.add.at(sums, of_image[rows], vectors[rows])
    means = sums / np.bincount(of_image)[:, None]
    total = np.bincount(of_image[known], weights=values[known], minlength=len(names))
    has = n_known > 0
    return Specimens(names[has], means[has], total[has] / n_known[has], first[has])


def _ridge(x, y):
    penalty = RidgeCV(ridge.ALPHAS).fit(StandardScaler().fit_transform(x), y).alpha_
    return make_pipeline(StandardScaler(), Ridge(penalty))


class PartialLeastSquares(RegressorMixin, BaseEstimator):
    """`PLSRegression` with five components, or fewer where the vectors have no more that vary with the values."""

    def fit(self, x: NDArray[Any], y: NDArray[Any]) -> "PartialLeastSquares":
        """Learn from vectors (S, D) and values (S,)."""
        for n in range(min(COMPONENTS, np.linalg.matrix_rank(x)), 0, -1):
            self.fitted_ = PLSRegression(n)
            with np.errstate(all="ignore"), warnings.catch_warnings(), contextlib.suppress(ValueError):
                warnings.simplefilter("ignore")  # a component of rounding errors is none, and is not finite
                if np.isfinite(self.fitted_.fit(x, y).coef_).all():
                    return self
        self.fitted_ = DummyRegressor().fit(x, y)
        return self

    def predict(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Predict vectors (N, D): float64 (N,)."""
        return np.ravel(self.fitted_.predict(x))


def _pls(x, y):
    return make_pipeline(StandardScaler(), PartialLeastSquares())


def _gaussian_process(x, y):
    width = np.sqrt(x.shape[1])  # of standardised vectors the distance of two is about √2 times this
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * RBF(width, (width / 10, width * 100)) + WhiteKernel(0.3, (1e-4, 10))
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        # A bound of the kernel that is reached is an answer as well
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = process.fit(StandardScaler().fit_transform(x), y).kernel_
    return make_pipeline(StandardScaler(), GaussianProcessRegressor(found, optimizer=None, normalize_y=True))


#: From specimens' vectors (S, D) and values (S,) to a scikit-learn regression of standardised vectors, set up for
#: them, not yet fitted: ridge with the penalty of the least leave-one-out error, partial least squares with five
#: components, and a Gaussian process whose kernel, a squared exponential and noise, has the largest likelihood.
MODELS: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], BaseEstimator]] = MappingProxyType(
    {"ridge": _ridge, "PLS": _pls, "Gaussian process": _gaussian_process}
)


@dataclass(frozen=True)
class Predictor:
    """A regression of a property, with how far it is off on specimens that it has not seen."""

    estimator: BaseEstimator
    half_width: float  # in the unit of the property; infinite for too few specimens
    n_specimens: int
    level: float = conformal.LEVEL

    def predict(self, vectors: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Predict the property of images.

        Parameters
        ----------
        vectors : array-like, shape (N, D)

        Returns
        -------
        value, low, high : ndarray of float64, shape (N,)
            Of each image by itself, with the interval that holds its specimen's value in 90 % of cases
            (`conformal.half_width`); infinite if there were fewer than nine specimens to tell from.
        """
        vectors = np.asarray(vectors)
        rows = memmap.slices(len(vectors))
        value = np.concatenate([np.zeros(0), *(predict(self.estimator, vectors[part]) for part in rows)])
        return value, value - self.half_width, value + self.half_width


def fit(vectors: ArrayLike, values: ArrayLike, groups: ArrayLike, model: str = "ridge", seed: int = 0) -> Predictor:
    """Learn to predict a property from vectors of images.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    values : array-like of float, shape (N,)
        The property of each image's specimen; NaN where unknown.
    groups : array-like, shape (N,)
        Specimen of each image.
    model : str
        A key of `MODELS`.
    seed : int
        Deals the specimens to the folds that tell the width of intervals.

    Returns
    -------
    Predictor

    Raises
    ------
    ValueError
        If `model` is none, or the property is known of fewer than two specimens, or the same for all, or of more than
        1000 and the model a Gaussian process.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(60, 3))
    >>> predictor = fit(vectors, vectors @ [1, 2, 3], np.arange(60))
    >>> value, low, high = predictor.predict([[1, 1, 1]])
    >>> value.round(2), bool(low[0] <= 6 <= high[0])
    (array([6.]), True)
    """
    check_model(model)
    specimens = by_specimen(vectors, values, groups)
    if len(specimens.names) < 2 or np.ptp(specimens.measured) == 0:
        raise ValueError(f"values: {len(specimens.names)} specimens, and no two values that differ; nothing to learn")
    if not feasible(model, len(specimens.names)):
        raise ValueError(f"model: a {model} learns from {MOST} specimens at most; choose ridge or PLS")
    estimator, parts = set_up(specimens.vectors, specimens.measured, model), []
    vectors, groups = np.asarray(vectors), np.asarray(groups, str)
    for train, test in folds(len(specimens.names), seed):
        learnt = learn(estimator, specimens.vectors[train], specimens.measured[train])
        rows = np.flatnonzero(np.isin(groups, specimens.names[test]))
        actual = specimens.measured[np.searchsorted(specimens.names, groups[rows])]
        parts.append((actual - predict(learnt, vectors[rows]), groups[rows]))
    errors, of = (np.concatenate(part) for part in zip(*parts, strict=True))
    learnt = learn(estimator, specimens.vectors, specimens.measured)
    return Predictor(learnt, conformal.half_width(errors, of), len(specimens.names))


def check_model(model: str) -> None:
    """Raise ValueError if `model` is no key of `MODELS`."""
    if model not in MODELS:
        raise ValueError(f"model: expected one of {', '.join(MODELS)}, got {model!r}")


def feasible(model: str, n_specimens: int) -> bool:
    """Tell whether a model can be fitted to so many specimens in reasonable time."""
    return model != "Gaussian process" or n_specimens <= MOST


def set_up(x: NDArray[Any], y: NDArray[Any], model: str) -> BaseEstimator:
    """Set up a regression for specimens' vectors (S, D) and values (S,): as `MODELS` says, not yet fitted."""
    return MODELS[model](x, y)


def learn(estimator: BaseEstimator, x: NDArray[Any], y: NDArray[Any]) -> BaseEstimator:
    """Fit a copy of a regression to specimens' vectors (S, D) and values (S,)."""
    return clone(estimator).fit(x, y)


def predict(estimator: BaseEstimator, x: NDArray[Any]) -> NDArray[np.float64]:
    """Predict vectors (N, D) by a fitted regression: float64 (N,)."""
    return np.asarray(estimator.predict(x), float)


def folds(n: int, seed: int = 0) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Deal n specimens to five folds, or to fewer if there are fewer specimens: rows to train on, rows to test on."""
    yield from KFold(min(FOLDS, n), shuffle=True, random_state=seed).split(np.zeros((n, 1)))


def unseen(estimator: BaseEstimator, x: NDArray[Any], y: NDArray[Any], seed: int = 0) -> NDArray[np.float64]:
    """Predict each specimen by a regression, set up as it is, that has not seen it: float64 (S,)."""
    predicted = np.empty(len(y))
    for train, test in folds(len(y), seed):
        predicted[test] = predict(learn(estimator, x[train], y[train]), x[test])
    return predicted
