"""Deletion: whether what a map marks matters to the latent, against many random masks."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.explain import gradcam
from nanofoam_lib.models import descriptors, objective
from nanofoam_lib.models.backend import keras

ERASED = 0.1  # share of the pixels that are erased
MASKS = 8  # random ones for each that a map marks
LEAST_MOVE = 1e-3  # in spreads of a dimension: whatever moves it less
ORDERS = 1999  # in which masks are dealt anew
TOGETHER = 256  # erased images that are encoded in one go: a step of an eager encoder costs what a few images do


def moves(
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
    dict of ndarray, shape (N, 1 + MASKS)
        Logarithm of how far the latents move, mean over the dimensions: first on erasing what the map marks, then on
        erasing as many ``random pixels``, or the same shape moved elsewhere in the image (``same shape elsewhere``),
        which is the fairer one: scattered pixels are finer than anything the network is used to. If the map points
        nowhere, the first is one like the others. A mean of ratios would be above 1 even then.
    """
    pictures = descriptors.to_input(images)[..., 0]
    maps = gradcam.upsample(gradcam.latent_maps(encoder, pictures, dims, head, weights=weights), pictures.shape[-1])
    salient = _most_salient(maps)
    rng = np.random.default_rng(seed)
    start = _values(encoder, pictures, head)[:, dims]
    real, spread = maps.any(axis=(1, 2)), np.maximum(start.std(axis=0), 1e-12)

    def moved(masks):
        """Yield how far all dimensions looked at move when each of some masks (N, S, S) is erased, in spreads."""
        grey = pictures.mean(axis=(1, 2), keepdims=True)
        while some := list(itertools.islice(masks, max(TOGETHER // len(pictures), 1))):
            erased = np.concatenate([np.where(mask, grey, pictures) for mask in some])
            for values in np.split(_values(encoder, erased, head)[:, dims], len(some)):
                yield np.where(real, np.log(np.maximum(np.abs(values - start) / spread, LEAST_MOVE)), np.nan)

    def scattered():
        for _ in range(MASKS):
            yield rng.permuted(salient[..., 0].reshape(len(salient), -1), axis=1).reshape(pictures.shape)

    def own():
        """Yield the mask of each dimension, first what its map marks, then the same shapes elsewhere."""
        yield from np.moveaxis(salient, -1, 0)
        for _ in range(MASKS):
            yield from np.moveaxis(np.array([_moved(mask, rng) for mask in salient]), -1, 0)

    random = [mean_known(found) for found in moved(scattered())]
    by_dimension = np.stack([found[:, d] for d, found in zip(itertools.cycle(range(len(dims))), moved(own()))], axis=-1)
    by_map, *shifted = (mean_known(found) for found in np.split(by_dimension, 1 + MASKS, axis=-1))
    others = {"random pixels": random, "same shape elsewhere": shifted}
    return {name: np.stack([by_map, *drawn], axis=1) for name, drawn in others.items()}


def by_chance(moved: NDArray[np.float64], groups: ArrayLike, seed: int = 0) -> float:
    """Test whether erasing what maps mark moves the latents farther than erasing other pixels.

    Parameters
    ----------
    moved : ndarray, shape (N, 1 + M)
        As `moves` gives it.
    groups : array-like, shape (N,)
    seed : int

    Returns
    -------
    float
        One-sided p-value in (0, 1], exact: if a map points nowhere, any of its image's masks could be the one that it
        marks. Which one it is is dealt anew, the same for all images of a group. NaN where there is no map.
    """
    known = np.isfinite(moved).all(axis=1)
    if not known.any():
        return np.nan
    of_group = np.unique(np.asarray(groups, str)[known], return_inverse=True)[1]
    sums = np.array([np.bincount(of_group, weights=column) for column in moved[known].T]).T
    picked = np.random.default_rng(seed).integers(sums.shape[1], size=(ORDERS, len(sums)))
    dealt = sums[np.arange(len(sums)), picked].sum(axis=1)
    return float((1 + (dealt >= sums[:, 0].sum() - 1e-9).sum()) / (1 + ORDERS))


def mean_known(values):
    """Mean over the dimensions of those that are known; NaN if there is none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)


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
