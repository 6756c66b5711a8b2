"""Localisation: on what in the image a map lies, and whether that is more than chance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.explain import gradcam

ORDERS = 1999  # in which zones are dealt anew


def shares(maps: NDArray[Any], zones: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[Any]]:
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


def preferences(
    maps: NDArray[Any], zones: Mapping[str, NDArray[np.bool_]], groups: ArrayLike, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Test whether maps prefer a zone, and correct for how many zones and dimensions are looked at.

    Parameters
    ----------
    maps, zones
        As in `shares`.
    groups : array-like, shape (N,)
    seed : int

    Returns
    -------
    dict of ndarray, shape (D,)
        For each zone how often, the zones being dealt anew to the maps, those of whole groups at a time, the most
        conspicuous of all zones and dimensions is as conspicuous as this: in standard deviations over those orders. So
        it does not count that maps are bright, or pores many, in the same part of all images. NaN where there is no map
        or where the zone is the same in all images, as the edge is.
    """
    size = next(iter(zones.values())).shape[-1]
    maps = gradcam.upsample(maps, size).reshape(len(maps), size**2, -1).astype(float)
    with np.errstate(invalid="ignore"):
        maps = np.nan_to_num(maps / maps.sum(axis=1, keepdims=True))
    dealt, rows = _deal(np.asarray(groups, str), np.random.default_rng(seed)), np.arange(len(maps))
    sums = []
    for zone in zones.values():
        own = zone.reshape(len(zone), -1) / np.maximum(zone.mean(axis=(1, 2)), 1e-12)[:, None]
        of_pairs = np.einsum("ipd,jp->ijd", maps, own, optimize=True)  # each map on each image's zone
        sums.append([of_pairs[rows, order].sum(axis=0) for order in dealt])
    every = np.array(sums)  # (zones, 1 + ORDERS, D)
    spread = every.std(axis=1, keepdims=True)  # with the actual order, which is one like the others
    scores = np.divide(every - every.mean(axis=1, keepdims=True), spread, out=np.full(every.shape, np.nan),
                       where=spread > 1e-9)  # fmt: skip
    largest = np.sort(np.nan_to_num(scores[:, 1:], nan=-np.inf).max(axis=(0, 2)))
    reached = 1 + ORDERS - np.searchsorted(largest, scores[:, 0] - 1e-9)
    return dict(zip(zones, np.where(np.isfinite(scores[:, 0]), reached / (1 + ORDERS), np.nan), strict=True))


def _deal(groups, rng):
    """Give orders of the images, first as they are: each group takes the place of another, image by image."""
    members = [np.flatnonzero(groups == name) for name in np.unique(groups)]
    orders = np.empty((1 + ORDERS, len(groups)), int)
    orders[0] = np.arange(len(groups))
    for order in orders[1:]:
        for own, other in zip(members, rng.permutation(len(members)), strict=True):
            order[own] = np.resize(members[other], len(own))
    return orders
