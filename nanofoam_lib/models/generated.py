"""Whether anybody could be fooled by what a model draws: told from real pictures or not, copied, as varied as foams."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.images import augmentation, copies, pores
from nanofoam_lib.latent import binary_patterns, controls, two_sample
from nanofoam_lib.models import descriptors, generation, vae

#: Pore measures by which pictures may be told apart, and the one whose spread is told.
PORE_MEASURES = ("circularity", "n_pores", "porosity", "median_diameter_um")
SPREAD_OF = "median_diameter_um"
PICTURES = 256  # held-out images that take part, at most: evenly chosen
KNOWN = 512  # train images among which a copy's original is looked for, at most: evenly chosen
LATENTS, FIELDS = 12, 10  # points at which the spread is measured, and fields of noise at each


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """Real images that no model has seen, as `quality` compares pictures with them; made by `hold_out`.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Which images of all.
    groups : ndarray of str, shape (n,)
    um : ndarray, shape (n, 2)
        Size of their pixels along x and y; 1 where it is unknown, so that lengths are in pixels.
    features : dict
        As `features` gives them.
    known : ndarray of uint8, shape (m, 128, 128)
        Train images.
    elements : sequence of int
        What `augmentation.symmetries` gives.
    resemblance : ndarray, shape (n,)
        To the train images, by `copies.nearest`.
    """

    rows: NDArray[np.int_]
    groups: NDArray[np.str_]
    um: NDArray[np.float64]
    features: dict[str, NDArray[Any]]
    known: NDArray[np.uint8]
    elements: tuple[int, ...]
    resemblance: NDArray[np.float32]


def hold_out(images: NDArray[np.uint8], index: pd.DataFrame) -> HeldOut:
    """Describe the held-out images, up to 256 of them, and choose up to 512 train images; arguments as of `quality`."""
    split = index["split"].to_numpy()
    rows, train = (
        memmap.evenly(np.flatnonzero(split == side), n) for side, n in (("test", PICTURES), ("train", KNOWN))
    )
    real, known, um = memmap.take(images, rows), memmap.take(images, train), _pixel_sizes(index.iloc[rows])
    elements = augmentation.symmetries(index)
    resemblance = copies.nearest(real, known, elements)
    groups = index["group"].to_numpy(str)[rows]
    return HeldOut(rows, groups, um, features(real, um), known, elements, resemblance)


def quality_of_all(
    models: Mapping[str, vae.Autoencoder],
    images: NDArray[np.uint8],
    mu: Mapping[str, NDArray[Any]],
    index: pd.DataFrame,
    seed: int = 0,
) -> pd.DataFrame:
    """Put the tables of `quality` of several models below each other.

    Parameters
    ----------
    models, mu : dict
        Kind → model, and its latent vectors of all images.
    images, index, seed
        As in `quality`.

    Returns
    -------
    pandas.DataFrame
    """
    real = hold_out(images, index)
    return pd.concat([_held_against(real, model, mu[kind], seed) for kind, model in models.items()], ignore_index=True)


def quality(
    model: vae.Autoencoder, images: NDArray[np.uint8], mu: NDArray[Any], index: pd.DataFrame, seed: int = 0
) -> pd.DataFrame:
    """Hold what a model draws from the latents of held-out images against these images.

    Parameters
    ----------
    model : vae.Autoencoder
        A variational one. Every picture is decoded from the μ of a held-out image, by a texture model from a field of
        noise of its own.
    images : ndarray of uint8, shape (N, 128, 128)
        May be memory-mapped.
    mu : ndarray, shape (N, D)
        Latent vectors of all images.
    index : pandas.DataFrame, N rows
        Columns group, split, width, height, um_x, um_y.
    seed : int
        Of noise and forests.

    Returns
    -------
    pandas.DataFrame
        One row per set of features (`features`): kind, latent_dim, features; accuracy, ci_low, ci_high, n_real,
        n_generated, as `two_sample.score` gives them; copies, as `copies.share` does, of the train images under
        `augmentation.symmetries`; diversity, by `diversity`. The last two are the same in all rows.
    """
    return _held_against(hold_out(images, index), model, mu, seed)


def _held_against(real, model, mu, seed):
    """Give the rows of `quality` of one model."""
    points = mu[real.rows]
    pictures = _draw(model, points, seed)
    own = features(pictures, real.um)
    resemblance = copies.nearest(pictures, real.known, real.elements)
    overall = {"copies": copies.share(resemblance, real.resemblance), "diversity": diversity(model, points, real, seed)}
    named = {"kind": model.config.kind, "latent_dim": model.config.latent_dim}
    scores = {name: two_sample.score(real.features[name], own[name], real.groups, seed) for name in own}
    return pd.DataFrame([named | {"features": name} | found | overall for name, found in scores.items()])


def features(pictures: NDArray[np.uint8], um: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Describe pictures in three ways that know nothing of each other.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, 128, 128)
    um : ndarray, shape (n, 2)
        Size of their pixels along x and y.

    Returns
    -------
    dict of ndarray, shape (n, F)
        ``pores``, circularity, number of pores, porosity and median diameter (NaN where there are no pores);
        ``lbp``, `binary_patterns.lbp_histograms`; ``spectrum``, `controls.power_spectrum`.
    """
    measured = pores.measure_pictures(pictures, um)
    return {
        "pores": measured[list(PORE_MEASURES)].to_numpy(float),
        "lbp": binary_patterns.lbp_histograms(pictures),
        "spectrum": controls.power_spectrum(pictures),
    }


def diversity(model: vae.Autoencoder, points: NDArray[Any], real: HeldOut, seed: int = 0) -> float:
    """Tell how much the pictures of one point differ, as a share of how much those of one specimen do.

    Parameters
    ----------
    model : vae.Autoencoder
    points : ndarray, shape (n, D)
        Latent vectors of the real images; up to twelve, evenly chosen, are drawn from ten fields of noise each.
    real : HeldOut
    seed : int
        Of the noise.

    Returns
    -------
    float
        Standard deviation of the median pore diameter at fixed z over that within a specimen, both pooled
        (`pooled_sd`): 1 is as varied as a specimen, 0 draws one and the same. NaN for a model that takes no noise, and
        where no specimen has two images that differ.
    """
    if len(model.decoder.inputs) == 1:
        return np.nan
    within = pooled_sd(real.features["pores"][:, PORE_MEASURES.index(SPREAD_OF)], real.groups)
    chosen = memmap.evenly(np.arange(len(points)), LATENTS).repeat(FIELDS)
    drawn = pores.measure_pictures(_draw(model, points[chosen], seed), real.um[chosen])
    return pooled_sd(drawn[SPREAD_OF], chosen) / within if within > 0 else np.nan


def pooled_sd(values: ArrayLike, groups: ArrayLike) -> float:
    """Give the standard deviation within groups, of degrees of freedom pooled: NaN if no group has two values.

    Examples
    --------
    >>> pooled_sd([1.0, 3.0, 7.0, 7.0, np.nan], list("aabbb"))
    1.0
    """
    table = pd.DataFrame({"value": np.asarray(values, float), "group": np.asarray(groups)}).dropna()
    grouped = table.groupby("group")["value"]
    # From the first value, so that values that are all the same have exactly no spread
    off = table["value"] - grouped.transform("first")
    squares = (off - off.groupby(table["group"]).transform("mean")) ** 2
    freedom = len(table) - grouped.ngroups
    return float(np.sqrt(squares.sum() / freedom)) if freedom else float("nan")


def _draw(model, latents, seed):
    return generation.to_bytes(descriptors.decode(model, latents, seed, own_noise=True))


def _pixel_sizes(index):
    """Give the size of pixels along x and y, (n, 2): in their heights where nobody knows it in µm."""
    um, shape = index[["um_x", "um_y"]].to_numpy(float), np.ones((len(index), 2))
    shape[:, 0] = augmentation.aspects(index)
    return np.where(np.isfinite(um).all(axis=1, keepdims=True), um, shape)
