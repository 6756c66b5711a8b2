"""What there is to see in a latent space: an image, a region, a moved point. Arrays alone; `explore` shows them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.explain import gradcam
from nanofoam_lib.latent import projection
from nanofoam_lib.models import descriptors, realism, vae

#: Columns that `pore_prediction.identify` leaves for each dimension and that the explorer tells.
DIMENSION_COLUMNS = ["dimension", "best_measure", "best_rho"]


@dataclasses.dataclass(frozen=True, eq=False)
class Space:
    """A trained VAE and what it has encoded; made by `open_space`.

    Attributes
    ----------
    model : vae.Autoencoder
    images : ndarray of uint8, shape (N, 128, 128)
    index, measures : pandas.DataFrame, N rows
        What each image is, and its pore measures.
    mu : ndarray, shape (N, D)
    maps : dict
        "PCA" and "LDA" → `projection.Projection`, fitted on train.
    dimensions : pandas.DataFrame
        The strongest dimensions, strongest first: dimension, best_measure, best_rho.
    yardstick : realism.Yardstick
    """

    model: vae.Autoencoder
    images: np.ndarray
    index: pd.DataFrame
    measures: pd.DataFrame
    mu: np.ndarray
    maps: dict
    dimensions: pd.DataFrame
    yardstick: realism.Yardstick


@dataclasses.dataclass(frozen=True, eq=False)
class Sight:
    """What one looks at: an image, or the average of a region.

    Attributes
    ----------
    rows : ndarray of int
        Rows of the index; one for an image.
    picture, reconstruction : ndarray of float32, shape (128, 128)
        In [0, 1]: the micrograph, or the mean of the region's; and `start` decoded.
    start : ndarray, shape (D,)
        μ of the image, or the region's mean μ.
    """

    rows: np.ndarray
    picture: np.ndarray
    reconstruction: np.ndarray
    start: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """A latent vector that was moved by hand: where it lies, what it decodes to, and how far off real images it is.

    Attributes
    ----------
    vector : ndarray, shape (D,)
    picture : ndarray of float32, shape (128, 128)
        `vector` decoded, in [0, 1].
    distance, error : float
        As `realism.measure` gives them; `error` is the one that suits the model.
    extrapolation : bool
    """

    vector: np.ndarray
    picture: np.ndarray
    distance: float
    error: float
    extrapolation: bool


def open_space(
    model: vae.Autoencoder,
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    measures: pd.DataFrame,
    mu: NDArray[Any],
    dimensions: pd.DataFrame,
    n_dims: int = 6,
) -> Space:
    """Fit the maps and the yardstick, and choose the dimensions worth moving.

    Parameters
    ----------
    model : vae.Autoencoder
        A variational one.
    images, index, measures, mu
        See `Space`; `index` has the columns id, label, group, split ("train" or "test").
    dimensions : pandas.DataFrame
        As `pore_prediction.identify` gives it.
    n_dims : int
        Dimensions to choose: those that are active, of largest effect size between classes; others only where fewer
        are active.

    Returns
    -------
    Space

    Raises
    ------
    ValueError
        If the numbers of rows differ, or the arrays are not as described.
    """
    counts = {len(images), len(index), len(measures), len(mu)}
    if len(counts) > 1:
        raise ValueError(f"images, index, measures and mu must have one row per image, not {sorted(counts)}")
    train, test = (np.flatnonzero(index["split"] == split) for split in ("train", "test"))
    maps = {
        "PCA": projection.pca(mu[train], mu[test]),
        "LDA": projection.lda(mu[train], index["label"].iloc[train], mu[test]),
    }
    yardstick, _, _ = realism.fit(model, images, mu, train, test)
    chosen = strongest(dimensions, model.config, n_dims)
    return Space(model, images, index, measures, np.asarray(mu), maps, chosen, yardstick)


def strongest(dimensions: pd.DataFrame, config: vae.Config, n: int) -> pd.DataFrame:
    """Give the `n` rows of `dimensions` that tell the classes of the model `config` apart best, active ones first."""
    own = dimensions[(dimensions["kind"] == config.kind) & (dimensions["latent_dim"] == config.latent_dim)]
    ranked = own.sort_values(["active", "effect_size"], ascending=False, kind="stable")
    return ranked[DIMENSION_COLUMNS].head(n).reset_index(drop=True)


def central(space: Space) -> int:
    """Find the row of the image nearest to the mean of train: a typical one to begin with."""
    return int(np.linalg.norm(space.mu - space.yardstick.gauge.train.mean(axis=0), axis=1).argmin())


def look(space: Space, rows: ArrayLike) -> Sight:
    """Look at the image of one row, or at the average of several: `Sight`; ValueError without rows."""
    rows = np.atleast_1d(rows).astype(int)
    if not len(rows):
        raise ValueError("nothing is selected")
    picture = np.mean(space.images[rows], axis=0, dtype=np.float64).astype(np.float32) / 255
    start = space.mu[rows].mean(axis=0)
    return Sight(rows, picture, _decode(space, start)[0, ..., 0], start)  # type: ignore[arg-type]


def move(space: Space, start: ArrayLike, values: ArrayLike) -> NDArray[Any]:
    """Replace the strongest dimensions of `start` (D,) by `values`, in the order of ``space.dimensions``: (D,)."""
    moved = np.array(start)
    moved[space.dimensions["dimension"]] = values
    return moved


def step(space: Space, vector: NDArray[Any]) -> Step:
    """Decode a latent vector (D,) and gauge it: `Step`."""
    picture = _decode(space, vector)[..., 0]
    distance, error, extrapolation = realism.measure(space.yardstick, vector[None], picture).iloc[0]
    return Step(vector, picture[0], distance, error, bool(extrapolation))


def strongest_maps(space: Space, row: int, n: int = 4) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
    """Explain the image of a row by the dimensions that its Grad-CAM finds most in.

    Returns
    -------
    dimensions : ndarray of int, shape (n,)
        Of the largest mean of their map, largest first.
    maps : ndarray of float32, shape (n, 128, 128)
        In [0, 1], all on one scale: 1 is the largest value among them.
    """
    maps = gradcam.latent_maps(space.model.encoder, space.images[[row]])
    chosen = np.argsort(-maps.mean(axis=(0, 1, 2)), kind="stable")[:n]
    shown = np.moveaxis(gradcam.upsample(maps[..., chosen])[0], -1, 0)
    return chosen, shown / (shown.max() or 1.0)


def compare(space: Space, rows: Sequence[int] | NDArray[Any]) -> pd.DataFrame:
    """Set the mean pore measures of `rows` beside those of all images: DataFrame (measure; shown, all), known ones."""
    means = pd.DataFrame({"shown": space.measures.iloc[rows].mean(), "all": space.measures.mean()})
    return means.dropna(subset="all")


def class_mix(space: Space, rows: Sequence[int] | NDArray[Any]) -> pd.Series:
    """Count the classes among `rows`: Series of share in [0, 1] per class of the index, in sorted order."""
    shares = space.index["label"].iloc[rows].value_counts(normalize=True)
    return shares.reindex(sorted(space.index["label"].unique()), fill_value=0.0)


def points(space: Space, name: str, colour: str, rows: ArrayLike) -> pd.DataFrame:
    """Lay out a map as the rows to draw: DataFrame.

    Parameters
    ----------
    space : Space
    name : {"PCA", "LDA"}
    colour : str
        "label", or a column of the pore measures.
    rows : array-like of int
        Rows that are looked at.

    Returns
    -------
    pandas.DataFrame
        Columns id, label, split, x, y, `colour`, selected, and ``mu_<d>`` of the strongest dimensions.
    """
    plane = projection.project(space.maps[name], space.mu)
    found = space.index[["id", "label", "split"]].assign(x=plane[:, 0], y=plane[:, 1])
    if colour != "label":
        found[colour] = space.measures[colour].to_numpy()
    found["selected"] = np.isin(np.arange(len(found)), rows)
    return found.assign(**{f"mu_{d}": space.mu[:, d] for d in space.dimensions["dimension"]})


def _decode(space, vector):
    """Decode one latent vector (D,): float32 (1, 128, 128, 1)."""
    # Compiled once, it takes 5 ms where a call layer by layer takes 40: a slider must not lag
    return space.model.decoder.predict_on_batch(descriptors.decoder_input(space.model, np.float32(vector[None])))
