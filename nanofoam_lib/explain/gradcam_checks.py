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

from nanofoam_lib.explain import deletion, gradcam, localisation
from nanofoam_lib.explain.deletion import mean_known
from nanofoam_lib.latent import intervals
from nanofoam_lib.models.backend import keras

SHIFT = 4  # pixels
#: What a trustworthy map gives, by check.
EXPECTED = {"deletion": "above 1", "randomisation": "near 0", "localisation": "1 by chance", "stability": "near 1"}
#: What maps are called in tables, by their weights (`gradcam.WEIGHTS`).
MAPS = {"mean": "thesis", "cell": "cell by cell"}


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
        found[layer.name] = mean_known(_correlation(maps, others))
    return found


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
        name: mean_known(_correlation(changed[:, inner, inner], expected))
        for name, (changed, expected) in pairs.items()
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
        As in `localisation.shares`.
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
            "deletion": deletion.moves(encoder, images, dims, head, seed, weights),
            "randomisation": randomisation(encoder, images, dims, head, seed, weights),
            "stability": stability(encoder, images, dims, head, weights),
        }
        maps = gradcam.latent_maps(encoder, images, dims, head, weights=weights)
        preferred = localisation.preferences(maps, zones, groups, seed)
        found.append(summarise(checks, groups, dims, localisation.shares(maps, zones), seed, weights, preferred))
    return pd.concat(found).sort_index(kind="stable").reset_index(drop=True)


def summarise(
    checks: Mapping[str, Mapping[str, NDArray[Any]]],
    groups: ArrayLike,
    dims: Collection[int],
    localised: Mapping[str, NDArray[Any]],
    seed: int = 0,
    weights: str = "mean",
    preferred: Mapping[str, NDArray[np.float64]] | None = None,
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
        What `localisation.shares` gave for these dimensions.
    seed : int
    weights : {"mean", "cell"}
        Of the maps that were checked.
    preferred : dict, optional
        What `localisation.preferences` gave for these dimensions.

    Returns
    -------
    pandas.DataFrame
        Columns check, variant, maps ("thesis" or "cell by cell"), dimension (missing for the mean over all), value,
        ci_low, ci_high (95 %), expected (what a map to be trusted gives), n_images (those with a map), p_value (of
        deletion, `deletion.by_chance`; of localisation in one dimension, `localisation.preferences`), n_groups. The
        value of deletion is a geometric mean: how many times as far the latent moves as on erasing other pixels.
    """
    groups = np.asarray(groups)
    rows = []
    for check, variants in checks.items():
        for variant, values in variants.items():
            if check == "deletion":
                ratios = values[:, 0] - values[:, 1:].mean(axis=1)
                row = _row(check, variant, None, ratios, groups) | {"p_value": deletion.by_chance(values, groups, seed)}
                rows.append(row | {name: np.exp(row[name]) for name in ("value", "ci_low", "ci_high")})
            else:
                rows.append(_row(check, variant, None, values, groups))
    for zone, values in localised.items():
        rows.append(_row("localisation", zone, None, mean_known(values), groups))
        p_values = (preferred or {}).get(zone, np.full(len(dims), np.nan))
        for d, dim in enumerate(dims):
            rows.append(_row("localisation", zone, dim, values[:, d], groups) | {"p_value": float(p_values[d])})
    table = pd.DataFrame(rows).astype({"dimension": "Int64"})
    table.insert(2, "maps", MAPS[weights])
    return table


def _row(check, variant, dimension, values, groups):
    known = np.isfinite(values)
    value, low, high = np.nan, np.nan, np.nan
    if known.any():
        value, (low, high) = float(values[known].mean()), intervals.interval(values[known], groups[known])
    row = {"check": check, "variant": variant, "dimension": dimension, "value": value, "ci_low": low, "ci_high": high}
    row |= {"expected": EXPECTED[check], "n_images": int(known.sum()), "p_value": np.nan}
    return row | {"n_groups": len(np.unique(groups[known]))}


def _correlation(maps, others):
    """Rank correlation of each map with its other: (N, D), NaN where one of them has no contrast."""
    one, other = (rankdata(m.reshape(len(m), -1, m.shape[-1]), axis=1) for m in (maps, others))
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
