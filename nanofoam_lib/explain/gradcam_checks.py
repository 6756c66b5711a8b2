"""Whether Grad-CAM maps can be trusted: deletion, weight randomisation, localisation, stability.

Each check gives, for every variant of it, one value per image: the mean over the dimensions looked at. Maps that are
zero everywhere say nothing and do not count; an image without any other has NaN. `compare` holds the thesis's maps and
those cell by cell to all of them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from nanofoam_lib.explain import gradcam
from nanofoam_lib.latent import intervals
from nanofoam_lib.models import descriptors, objective
from nanofoam_lib.models.backend import keras

ERASED = 0.1  # share of the pixels that deletion erases
SHIFT = 4  # pixels
#: What a trustworthy map gives, by check.
EXPECTED = {"deletion": "above 1", "randomisation": "near 0", "localisation": "1 by chance", "stability": "near 1"}
#: What maps are called in tables, by their weights (`gradcam.WEIGHTS`).
MAPS = {"mean": "thesis", "cell": "cell by cell"}


def deletion(
    encoder: keras.Model,
    images: NDArray[Any],
    dims: Sequence[int],
    head: str = "mu",
    seed: int = 0,
    weights: str = "mean",
) -> dict[str, NDArray[Any]]:
    """Erase the most salient tenth of the pixels, and compare how far the latent moves with erasing others.

    Parameters
    ----------
    encoder, images, dims, head, weights
        As in `gradcam.latent_maps`; images as uint8 or float in [0, 1]. Erased pixels get the image's mean.
    seed : int

    Returns
    -------
    dict of ndarray, shape (N,)
        How many times as far the latents move, over the dimensions, than on erasing as many ``random pixels``, and
        than on erasing the same shape moved elsewhere in the image (``same shape elsewhere``), which is the fairer
        one: scattered pixels are finer than anything the network is used to. 1 says that the map points nowhere.
    """
    pictures = descriptors.to_input(images)[..., 0]
    maps = gradcam.upsample(gradcam.latent_maps(encoder, pictures, dims, head, weights=weights), pictures.shape[-1])
    salient = _most_salient(maps)
    rng = np.random.default_rng(seed)
    flat = salient.reshape(len(salient), -1, len(dims))
    others = {
        "random pixels": rng.permuted(flat, axis=1).reshape(salient.shape),
        "same shape elsewhere": np.array([_moved(mask, rng) for mask in salient]).reshape(salient.shape),
    }
    start = _values(encoder, pictures, head)[:, dims]
    real = maps.any(axis=(1, 2))

    def move(masks):
        """How far each dimension's own latent moves when its own mask is erased: (N, len(dims))."""
        moved = np.empty(start.shape)
        for d, dim in enumerate(dims):
            erased = np.where(masks[..., d], pictures.mean(axis=(1, 2), keepdims=True), pictures)
            moved[:, d] = np.abs(_values(encoder, erased, head)[:, dim] - start[:, d])
        # A dimension that hardly varies must count as much as one that varies much
        return np.where(real, moved / np.maximum(start.std(axis=0), 1e-12), np.nan)

    by_map = move(salient)
    return {name: _mean(by_map) / _mean(move(masks)) for name, masks in others.items()}


def randomisation(
    encoder: keras.Model,
    images: NDArray[Any],
    dims: Sequence[int],
    head: str = "mu",
    seed: int = 0,
    weights: str = "mean",
) -> dict[str, NDArray[Any]]:
    """Shuffle the weights layer by layer, from the head down, and see whether the maps change [1]_.

    Parameters
    ----------
    encoder, images, dims, head, weights
        As in `gradcam.latent_maps`.
    seed : int

    Returns
    -------
    dict of ndarray, shape (N,)
        For the name of each layer, rank correlation in [−1, 1] of the map with that of the network in which the
        weights of this layer and of all above it are shuffled. A map that stays the same does not show what was learnt.

    References
    ----------
    .. [1] J. Adebayo et al., NeurIPS 31 (2018) 9505, arXiv:1810.03292
    """
    maps = gradcam.latent_maps(encoder, images, dims, head, weights=weights)
    shuffled = keras.models.clone_model(encoder)
    shuffled.set_weights(encoder.get_weights())
    rng = np.random.default_rng(seed)
    found = {}
    own = "log_var" if head == "sigma" else head
    beside = set(encoder.output_names) - {own}
    for layer in reversed([layer for layer in shuffled.layers if layer.weights and layer.name not in beside]):
        layer.set_weights([rng.permuted(weight.ravel()).reshape(weight.shape) for weight in layer.get_weights()])
        others = gradcam.latent_maps(shuffled, images, dims, head, weights=weights)
        found[layer.name] = _mean(_correlation(maps, others))
    return found


def localisation(maps: NDArray[Any], zones: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[Any]]:
    """Compare what falls on each zone with its share of the image.

    Parameters
    ----------
    maps : ndarray, shape (N, h, w, D)
        Not negative.
    zones : dict of ndarray of bool, shape (N, S, S)
        As `pore_zones.split` gives them.

    Returns
    -------
    dict of ndarray, shape (N, D)
        Share of the map on the zone over the zone's share of the image: 1 by chance, that is on average over all
        places to which the map could be moved round the image. NaN where the map, or the zone, is empty.
    """
    size = next(iter(zones.values())).shape[-1]
    maps = gradcam.upsample(maps, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {name: np.einsum("nhwd,nhw->nd", maps, zone) / maps.sum(axis=(1, 2)) for name, zone in zones.items()}
        return {name: share / zones[name].mean(axis=(1, 2))[:, None] for name, share in shares.items()}


def stability(
    encoder: keras.Model, images: NDArray[Any], dims: Sequence[int], head: str = "mu", weights: str = "mean"
) -> dict[str, NDArray[Any]]:
    """Flip and shift the image, and see whether the map goes with it.

    Parameters
    ----------
    encoder, images, dims, head, weights
        As in `gradcam.latent_maps`.

    Returns
    -------
    dict of ndarray, shape (N,)
        Rank correlation in [−1, 1] of the map of the changed image with the map changed alike, for a ``horizontal
        flip``, a ``vertical flip``, and shifts of 4 of 128 pixels (mirrored in at the edge, which is left out).
    """

    def maps_of(pictures):
        return gradcam.upsample(gradcam.latent_maps(encoder, pictures, dims, head, weights=weights))

    images = np.asarray(images)
    wide = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="reflect")
    still = maps_of(images)
    inner, outer = slice(SHIFT, -SHIFT), slice(2 * SHIFT, None)
    pairs = {
        "horizontal flip": (maps_of(images[:, :, ::-1])[:, :, ::-1], still[:, inner, inner]),
        "vertical flip": (maps_of(images[:, ::-1])[:, ::-1], still[:, inner, inner]),
        "shift to the left": (maps_of(wide[:, SHIFT:-SHIFT, 2 * SHIFT :]), still[:, inner, outer]),
        "shift upwards": (maps_of(wide[:, 2 * SHIFT :, SHIFT:-SHIFT]), still[:, outer, inner]),
    }
    return {
        name: _mean(_correlation(changed[:, inner, inner], expected)) for name, (changed, expected) in pairs.items()
    }


def compare(
    encoder: keras.Model,
    images: NDArray[Any],
    dims: Sequence[int],
    groups: ArrayLike,
    zones: Mapping[str, NDArray[np.bool_]],
    seed: int = 0,
) -> pd.DataFrame:
    """Hold the maps of the thesis and those cell by cell to every check, of the encoder's first head.

    Parameters
    ----------
    encoder, images, dims
        As in `gradcam.latent_maps`.
    groups : array-like, shape (N,)
    zones : dict of ndarray of bool, shape (N, S, S)
        As in `localisation`.
    seed : int

    Returns
    -------
    pandas.DataFrame
        The rows of `summarise` for both kinds of maps, those of one check and variant below each other.
    """
    head = encoder.output_names[0]
    found = []
    for weights in MAPS:
        checks = {
            "deletion": deletion(encoder, images, dims, head, seed, weights),
            "randomisation": randomisation(encoder, images, dims, head, seed, weights),
            "stability": stability(encoder, images, dims, head, weights),
        }
        localised = localisation(gradcam.latent_maps(encoder, images, dims, head, weights=weights), zones)
        found.append(summarise(checks, groups, dims, localised, seed, weights))
    return pd.concat(found).sort_index(kind="stable").reset_index(drop=True)


def summarise(
    checks: Mapping[str, Mapping[str, NDArray[Any]]],
    groups: ArrayLike,
    dims: Collection[int],
    localised: Mapping[str, NDArray[Any]],
    seed: int = 0,
    weights: str = "mean",
) -> pd.DataFrame:
    """Sum up the checks as a table.

    Parameters
    ----------
    checks : dict
        Name of the check ("deletion", "randomisation", "stability") → what its function gave.
    groups : array-like, shape (N,)
        Group of each image, for the intervals (`intervals.interval`).
    dims : sequence of int
    localised : dict
        What `localisation` gave for these dimensions.
    seed : int
    weights : {"mean", "cell"}
        Of the maps that were checked.

    Returns
    -------
    pandas.DataFrame
        Columns check, variant, maps ("thesis" or "cell by cell"), dimension (missing for the mean over all), value,
        ci_low, ci_high (95 %), expected (what a map to be trusted gives), n_images (those with a map).
    """
    groups = np.asarray(groups)
    rows = []
    for check, variants in checks.items():
        rows += [_row(check, variant, None, values, groups, seed) for variant, values in variants.items()]
    for zone, values in localised.items():
        rows.append(_row("localisation", zone, None, _mean(values), groups, seed))
        rows += [_row("localisation", zone, dim, values[:, d], groups, seed) for d, dim in enumerate(dims)]
    table = pd.DataFrame(rows).astype({"dimension": "Int64"})
    table.insert(2, "maps", MAPS[weights])
    return table


def _row(check, variant, dimension, values, groups, seed):
    known = np.isfinite(values)
    value, low, high = np.nan, np.nan, np.nan
    if known.any():
        value, (low, high) = float(values[known].mean()), intervals.interval(values[known], groups[known])
    row = {"check": check, "variant": variant, "dimension": dimension, "value": value, "ci_low": low, "ci_high": high}
    return row | {"expected": EXPECTED[check], "n_images": int(known.sum())}


def _most_salient(maps):
    """Mark the most salient tenth of the pixels of each map: bool, shaped like `maps`, exactly as many in each."""
    flat = maps.reshape(len(maps), -1, maps.shape[-1])
    count = round(ERASED * flat.shape[1])
    ranks = np.argsort(np.argsort(-flat, axis=1, kind="stable"), axis=1, kind="stable")
    return (ranks < count).reshape(maps.shape)


def _moved(mask, rng):
    """Move a mask (S, S, D) round the image by a random way, by at least a quarter of its side."""
    size = len(mask)
    return np.roll(mask, rng.integers(size // 4, size - size // 4 + 1, size=2), axis=(0, 1))


def _values(encoder, pictures, head):
    """Compute the head of float images: (N, D)."""
    outputs = descriptors.heads(encoder, pictures)
    return objective.sigma(outputs["log_var"]) if head == "sigma" else outputs[head]


def _correlation(maps, others):
    """Rank correlation of each map with its other: (N, D), NaN where one of them has no contrast."""
    one, other = (rankdata(m.reshape(len(m), -1, m.shape[-1]), axis=1) for m in (maps, others))
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))


def _mean(values):
    """Mean over the dimensions of those that are known; NaN if there is none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)
