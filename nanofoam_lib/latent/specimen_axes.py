"""The directions in which specimens differ more than pictures of one specimen do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError

RIDGE = 0.02  # of the variance within specimens, as a share of its mean: no direction is without chance


@dataclass(frozen=True)
class SpecimenAxes:
    """What `fit` finds in F statistics: F axes, the most telling first.

    Attributes
    ----------
    mean : ndarray, shape (F,)
        Of the statistics.
    axes : ndarray, shape (F, F)
        Columns: ``(s − mean) @ axes`` are coordinates in which pictures of one specimen vary by 1.
    ratio : ndarray, shape (F,)
        Variance of the specimens' means along each axis, falling.
    """

    mean: NDArray[Any]
    axes: NDArray[Any]
    ratio: NDArray[Any]

    def project(self, statistics: ArrayLike, n: int | None = None) -> NDArray[Any]:
        """Give the first `n` coordinates, all by default, of statistics (N, F): (N, n)."""
        return (np.asarray(statistics) - self.mean) @ self.axes[:, :n]


def fit(statistics: ArrayLike, ridge: float = RIDGE) -> SpecimenAxes:
    """Find the axes from several pictures of each of many specimens, without any label.

    Parameters
    ----------
    statistics : array-like, shape (n, m, F)
        Of m pictures of each of n specimens, m ≥ 2.
    ridge : float
        Share of the mean variance within specimens that is added in every direction.

    Returns
    -------
    SpecimenAxes

    Raises
    ------
    ValueError
        If the statistics have another shape, or fewer specimens than two.

    Notes
    -----
    With S_W the covariance of the pictures about the mean of their specimen and S_B that of these means, both of
    statistics brought to variance 1, the axes solve ``S_B a = λ (S_W + ridge) a`` with ``aᵀ (S_W + ridge) a = 1``:
    Fisher's criterion with every specimen its own class, as in speaker recognition [1]_. Distances between coordinates
    count what differs between pictures in units of chance.

    References
    ----------
    .. [1] A. O. Hatch, S. Kajarekar, A. Stolcke, Interspeech (2006) 1471 (within-class covariance normalisation)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> specimens = rng.normal(0, [3, 0.1], (500, 1, 2))
    >>> found = fit(specimens + rng.normal(0, 1, (500, 4, 2)), ridge=0)
    >>> found.ratio.round().tolist()
    [9.0, 0.0]
    """
    statistics = np.asarray(statistics, float)
    if statistics.ndim != 3 or statistics.shape[0] < 2 or statistics.shape[1] < 2:
        raise ValueError(f"expected (specimens, pictures, statistics), two or more of each, got {statistics.shape}")
    n, m, n_statistics = statistics.shape
    mean, scale = statistics.mean(axis=(0, 1)), statistics.std(axis=(0, 1))
    scaled = (statistics - mean) / np.where(scale > 0, scale, 1)
    centres = scaled.mean(axis=1)
    residuals = (scaled - centres[:, None]).reshape(-1, n_statistics)
    within = residuals.T @ residuals / (n * (m - 1))
    # Means of m pictures differ by chance as well
    between = np.cov(centres.T).reshape(within.shape) - within / m
    variances, directions = np.linalg.eigh(within + ridge * np.trace(within) / n_statistics * np.eye(n_statistics))
    least = variances.max() * np.finfo(float).eps * n_statistics
    whitened = directions / np.sqrt(np.maximum(variances, least))
    ratio, turned = np.linalg.eigh(whitened.T @ between @ whitened)
    axes = (whitened @ turned[:, ::-1]) / np.where(scale > 0, scale, 1)[:, None]
    return SpecimenAxes(mean, axes, np.maximum(ratio[::-1], 0))


def save(found: SpecimenAxes, path: files.StrPath) -> None:
    """Write axes to `path`, an ``.npz`` of float32."""
    arrays = {"mean": found.mean, "axes": found.axes, "ratio": found.ratio}
    files.write_npz(path, **{name: np.asarray(array, np.float32) for name, array in arrays.items()})


def load(path: files.StrPath) -> SpecimenAxes:
    """Read the axes that `save` wrote; DataError if the file is damaged."""
    arrays = files.read_npz(path)
    found = SpecimenAxes(*(arrays.get(name, np.zeros(0)) for name in ("mean", "axes", "ratio")))
    n = len(found.mean)
    if not n or found.axes.shape != (n, n) or found.ratio.shape != (n,):
        raise DataError(f"{path}: does not hold axes of statistics")
    return found
