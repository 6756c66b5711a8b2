"""Where a further specimen would teach most of a property: a suggestion, and no more, from what a few have taught."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline

from nanofoam_lib.base import units
from nanofoam_lib.base.language import number
from nanofoam_lib.latent import properties

#: What is sought: a property to know better everywhere, or a high or low value of it.
SEEK = ("knowledge", "high", "low")
#: Of the table that `study` gives.
COLUMNS = ["target", "unit", "seek", "place", "predicted", "sd", "gain"]
PARTS = 10  # of the way between what two classes were made with
SIDE = 7  # points per side of a grid over the map of specimens
NEAR = 1.0  # in spreads of the specimens: how far from the nearest of them a point of that grid may lie


def suggest(
    vectors: ArrayLike, values: ArrayLike, groups: ArrayLike, candidates: ArrayLike, n: int = 5, seek: str = "knowledge"
) -> pd.DataFrame:
    """Choose among candidates, one after the other, those to make and measure next.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
        Of images, or the compositions of their specimens.
    values : array-like of float, shape (N,)
        The property of each image's specimen; NaN where unknown.
    groups : array-like, shape (N,)
        Specimen of each image.
    candidates : array-like, shape (C, D)
        What could be made: a grid of feasible compositions, or latents.
    n : int
        How many, at most C.
    seek : {"knowledge", "high", "low"}

    Returns
    -------
    pandas.DataFrame
        A row per suggestion, the first first: ``candidate``, its row; ``predicted`` and ``sd``, what a Gaussian process
        expects of the property there and how unsure it is, both before anything is made; ``gain``, by which it was
        chosen: the standard deviation, or the improvement that is to be expected over the best specimen.

    Raises
    ------
    ValueError
        If `seek` is none of these, shapes do not agree, or fewer than ten specimens are known, or all are alike.

    Notes
    -----
    The process is that of `properties.MODELS`; its uncertainty is that of the property without the scatter between
    specimens. The expected improvement is ``(μ − b) Φ(z) + σ φ(z)`` with ``z = (μ − b) / σ`` and b the best of what is
    expected of the specimens that there are [1]_. Each choice is taken for made, with the value that was expected,
    before the next ("kriging believer" [2]_), so that suggestions do not crowd. All rests on a kernel fitted to few
    specimens.

    References
    ----------
    .. [1] D. R. Jones, M. Schonlau, W. J. Welch, J. Global Optim. 13 (1998) 455, :doi:`10.1023/A:1008306431147`
    .. [2] D. Ginsbourger, R. Le Riche, L. Carraro, in: Computational Intelligence in Expensive Optimization Problems
       (2010) 131, :doi:`10.1007/978-3-642-10701-6_6`

    Examples
    --------
    >>> x = np.linspace(0, 0.6, 20)[:, None]
    >>> suggest(x, np.sin(6 * x[:, 0]), range(20), [[0.1], [0.3], [1.0]], n=1)["candidate"].tolist()
    [2]
    """
    if seek not in SEEK:
        raise ValueError(f"seek: expected one of {', '.join(SEEK)}, got {seek!r}")
    known, candidates = properties.by_specimen(vectors, values, groups), np.asarray(candidates, float)
    if len(known.names) < properties.FEWEST or np.ptp(known.measured) == 0:
        raise ValueError(f"values: of {len(known.names)} specimens, of which ten or more, not all alike, are needed")
    if candidates.ndim != 2 or candidates.shape[1] != known.vectors.shape[1]:
        raise ValueError(f"candidates: expected (C, {known.vectors.shape[1]}), got {candidates.shape}")
    x, y, turn = known.vectors, known.measured, -1.0 if seek == "low" else 1.0
    process = properties.learn(properties.set_up(x, y, "Gaussian process"), x, y)
    before, best = _expect(process, candidates), (turn * process.predict(x)).max()
    chosen, gains = [], []
    for _ in range(min(n, len(candidates))):
        mean, sd = _expect(process, candidates)
        gain = sd if seek == "knowledge" else _improvement(turn * mean, sd, best)
        gain[chosen] = -np.inf
        pick = int(gain.argmax())
        chosen.append(pick)
        gains.append(gain[pick])
        best = max(best, turn * mean[pick])
        process = _believe(process, x := np.vstack([x, candidates[pick]]), y := np.append(y, mean[pick]))
    parts = {"candidate": chosen, "predicted": before[0][chosen], "sd": before[1][chosen], "gain": gains}
    return pd.DataFrame(parts)


def study(vectors: ArrayLike, targets: pd.DataFrame, index: pd.DataFrame, n: int = 2) -> pd.DataFrame:
    """Suggest for every property what to make next: to know it better, and for a high and for a low value.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
        Latent vectors of images.
    targets : pandas.DataFrame, shape (N, T)
        The properties, NaN where unknown. Columns that are the same for all specimens of a class, and not for all
        classes, say what a class was made with, such as a composition: of them nothing is suggested, they are what can
        be chosen.
    index : pandas.DataFrame, N rows
        Columns label and group.
    n : int
        Suggestions for each of `SEEK`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: ``place``, what to make: values of the columns that can be chosen, anywhere between those of
        two classes; or where there is no such column a place on the map of the first two principal components of the
        specimens, not farther than their spread from one, which is named. The others as in `suggest`. Without rows
        where no property is known of ten specimens, or of too many for a Gaussian process.
    """
    made_with = _made_with(targets, index["label"])
    parts = [pd.DataFrame(columns=COLUMNS)]
    for name in targets.columns.difference(made_with, sort=False):
        known = properties.by_specimen(vectors, targets[name], index["group"])
        if not properties.FEWEST <= len(known.names) <= properties.MOST or np.ptp(known.measured) == 0:
            continue
        if made_with:
            x, places = _mixtures(targets[made_with].to_numpy(float)[known.first])
            words = [
                ", ".join(f"{one} {number(value)}" for one, value in zip(made_with, row, strict=True)) for row in places
            ]
        else:
            x, places, words = _map(known)
        for seek in SEEK:
            found = suggest(x, known.measured, known.names, places, n, seek)
            own = {
                "target": name,
                "unit": units.of_name(name),
                "seek": seek,
                "place": [words[i] for i in found["candidate"]],
            }
            parts.append(found.assign(**own)[COLUMNS])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _made_with(targets, labels):
    """List the columns that say what a class was made with: known of all images, the same within a class alone."""
    within = targets.groupby(np.asarray(labels, str)).agg(np.ptp).max()
    return [name for name in targets if targets[name].notna().all() and within[name] == 0]


def _mixtures(made):
    """Give what each specimen was made with (S, C), and all that lies between two of them: (P, C)."""
    kinds = np.unique(made, axis=0)
    share = np.linspace(0, 1, PARTS + 1)[:, None]
    ways = [(1 - share) * a + share * b for a, b in itertools.combinations(kinds, 2)]
    return made, np.unique(np.concatenate([kinds, *ways]).round(9), axis=0)


def _map(known):
    """Lay specimens out by their first two principal components, and a grid over them: (S, 2), (P, 2), words."""
    x = PCA(min(2, *known.vectors.shape)).fit_transform(known.vectors)
    x = x / x.std(axis=0)
    sides = [np.linspace(column.min(), column.max(), SIDE) for column in x.T]
    grid = np.stack([side.ravel() for side in np.meshgrid(*sides)], axis=1)
    apart = np.linalg.norm(grid[:, None] - x, axis=-1)
    near = apart.min(axis=1) <= NEAR
    nearest = known.names[apart.argmin(axis=1)]
    words = [
        f"{', '.join(f'PC{i + 1} {value:+.1f}' for i, value in enumerate(row))} ({name})"
        for row, name in zip(grid[near], nearest[near], strict=True)
    ]
    return x, grid[near], words


def _expect(process: Pipeline, x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what a process expects at (C, D), and its standard deviation without that of the noise."""
    scale, regression = process[0], process[-1]
    mean, sd = regression.predict(scale.transform(x), return_std=True)
    noise = regression.kernel_.k2.noise_level * regression._y_train_std**2
    return mean, np.sqrt(np.maximum(sd**2 - noise, 0))


def _improvement(mean, sd, best):
    z = np.divide(mean - best, sd, out=np.zeros_like(sd), where=sd > 0)
    return np.where(sd > 0, (mean - best) * norm.cdf(z) + sd * norm.pdf(z), np.maximum(mean - best, 0))


def _believe(process, x, y):
    """Let a process know further values, in the units that it was set up in: neither scale nor kernel change."""
    scale, regression = process[0], process[-1]
    fitted = clone(regression).set_params(normalize_y=False)
    mean, spread = regression._y_train_mean, regression._y_train_std
    fitted.fit(scale.transform(x), (y - mean) / spread)
    fitted._y_train_mean, fitted._y_train_std = mean, spread
    return Pipeline([("scale", scale), ("process", fitted)])
