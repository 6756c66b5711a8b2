"""Which points of a latent space a run decodes: named rows of one table, so that all are decoded and judged alike.

Every function gives a DataFrame of latent vectors, indexed by ``what`` (the kind of walk), ``series`` (the row of its
figure), ``class`` (the class a point stands for, or empty) and ``step`` (how far along the row).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.latent import projection, traversal

PER_ROW = 5  # samples of a class, and points per side of a grid
REAL = "real"  # series of what real micrographs measure


def traversals(vectors: NDArray[Any], dims: Iterable[int], maps: Mapping[str, projection.Projection]) -> pd.DataFrame:
    """Walk from the mean of train, three standard deviations to both sides in seven steps.

    Parameters
    ----------
    vectors : ndarray, shape (n, D)
        Latent vectors of the train images.
    dims : sequence of int
        Latent dimensions to walk along.
    maps : dict
        Name → `projection.Projection` of the train images; the first axis of each is walked along.

    Returns
    -------
    pandas.DataFrame, shape (7 · series, D)
        Steps are in standard deviations of the train images along each way.
    """
    ways = {f"μ{d}": (int(d), vectors[:, d].std()) for d in dims}
    ways |= {f"{name} 1": (found.directions[0], found.train[:, 0].std()) for name, found in maps.items()}
    steps = np.linspace(-3, 3, 7)
    start = vectors.mean(axis=0)
    rows = [
        _name(traversal.traverse(start, way, steps * one), "traversal", name, steps)
        for name, (way, one) in ways.items()
    ]
    return pd.concat(rows)


def interpolations(vectors: ArrayLike, labels: ArrayLike, pictures: int = 9) -> pd.DataFrame | None:
    """Go from class mean to class mean, in sorted order: straight, and on an arc around the origin.

    Parameters
    ----------
    vectors : ndarray, shape (n, D)
        Latent vectors of the train images.
    labels : sequence of str, shape (n,)
    pictures : int
        About how many points a way has; at least two steps lie between classes. `step` counts classes.

    Returns
    -------
    pandas.DataFrame or None
        None where there is one class.
    """
    means = traversal.class_means(vectors, labels)
    legs = len(means) - 1
    if not legs:
        return None
    per_leg = max(2, (pictures - 1) // legs)
    at = np.arange(legs * per_leg + 1)
    names = [means.index[i // per_leg] if i % per_leg == 0 else "" for i in at]
    ways = {"linear": traversal.lerp, "spherical": traversal.slerp}
    rows = [
        _name(traversal.path(means, per_leg, way), "interpolation", name, at / per_leg, names)
        for name, way in ways.items()
    ]
    return pd.concat(rows)


def samples(vectors: NDArray[Any], labels: ArrayLike, n: int = PER_ROW, seed: int = 0) -> pd.DataFrame:
    """Draw `n` points of the prior, and of a normal distribution fitted to each class of the train images."""
    drawn = [_name(traversal.sample_prior(n, vectors.shape[1], seed), "sample", "prior", range(1, n + 1))]
    for number, (label, own) in enumerate(traversal.fit_classes(vectors, labels).items(), start=1):
        points = traversal.sample(own, n, (seed, number))
        drawn.append(_name(points, "sample", label, range(1, n + 1), label))
    return pd.concat(drawn)


def lattice(found: projection.Projection, axis: str, n: int = PER_ROW) -> pd.DataFrame:
    """Lay a grid of n × n points over a map, a `projection.Projection` whose axes are called `axis`, such as "LD"."""
    plane = traversal.grid(found.train, n)
    heights = [f"{axis}2 {y:+.1f}" for y in plane[:, 1]]
    return _name(projection.unproject(found, plane), "map", heights, plane[:, 0].round(1))


def orders(wanted: pd.DataFrame, points: ArrayLike) -> pd.DataFrame | None:
    """Name the points of `inverse_design.orders`: the series is the measure, the step its wanted value."""
    return _name(points, "design", wanted.notna().idxmax(axis=1), wanted.max(axis=1)) if len(wanted) else None


def joint_orders(wanted: pd.DataFrame, points: ArrayLike) -> pd.DataFrame | None:
    """Name the points of `inverse_design.joint_orders`: the series tells the first value, the step is the second."""
    if wanted.empty:
        return None
    first, second = wanted.dropna(axis=1).columns
    return _name(points, "together", [f"{first} {value:.4g}" for value in wanted[first]], wanted[second])


def beside_real(table: pd.DataFrame, measures: pd.DataFrame, labels: ArrayLike) -> pd.DataFrame:
    """Add to an interpolation between class means what real micrographs of these classes measure.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns what, `class`, empty between classes, and `step`; the rows of the interpolation count.
    measures : pandas.DataFrame
        Pore measures of the real micrographs.
    labels : sequence of str
        Their classes.

    Returns
    -------
    pandas.DataFrame
        Its rows and one row per class, of series "real": the medians of its measures.
    """
    table = table[table["what"] == "interpolation"]
    stations = table[table["class"] != ""].drop_duplicates("class")[["what", "class", "step"]]
    medians = measures.groupby(np.asarray(labels)).median().rename_axis("class").reset_index()
    real = stations.merge(medians, on="class").assign(series=REAL)
    return pd.concat([table, real])[list(table.columns)]


def _name(points, what, series, steps, labels=""):
    names = pd.DataFrame({"what": what, "series": series, "class": labels, "step": np.asarray(steps, float)})
    return pd.DataFrame(np.asarray(points, float), index=pd.MultiIndex.from_frame(names))
