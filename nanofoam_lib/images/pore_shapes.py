"""Each pore of a label image: where it lies, how large and of what shape it is, and what parts it from the next."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

_ANGLES = np.arange(90) * (math.pi / 90)  # in which a pore's width is taken: the longest is right within 0.02 %


def regions(labels: NDArray[np.integer], side_um: float) -> pd.DataFrame:
    """Measure each pore of a label image, as given by `pores.segment`.

    Returns
    -------
    pandas.DataFrame
        One row per pore: ``label``; ``x_um``, ``y_um``, centre from the picture's top left corner; ``diameter_um``,
        equivalent diameter; ``nearest_um``, from its centre to the nearest other (NaN if there is none);
        ``circularity`` in [0, 1]; ``cut``, whether the edge of the picture cuts it; ``counted``, whether the centre
        lies in the picture. Centre and diameter of a cut pore are those of the circle fitted to the visible outline;
        its circularity is NaN.
    """
    height, width = labels.shape
    number, area, cut, circularity = (values.to_numpy() for _, values in circularities(labels).items())
    rows, columns = np.indices(labels.shape, np.float32)
    y, x = (np.bincount(labels.ravel(), at.ravel())[number] / area + 0.5 for at in (rows, columns))
    diameter = np.sqrt(4 / np.pi * area)
    owner, outline_x, outline_y = _outlines(labels)
    order = np.argsort(owner, kind="stable")
    owner, outline_x, outline_y = owner[order], outline_x[order], outline_y[order]
    start, end = (np.searchsorted(owner, number, side) for side in ("left", "right"))
    for i in np.flatnonzero(cut & (end - start > 2)):  # else other pores and the edge enclose it
        own = slice(start[i], end[i])
        x[i], y[i], fitted = _fit_circle(outline_x[own], outline_y[own])
        # With its centre in the picture, at least a quarter of a disc is seen: a bound for ragged outlines
        diameter[i] = min(max(fitted, diameter[i]), 2 * diameter[i])
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    centres = np.stack([x, y], axis=1)
    nearest = KDTree(centres).query(centres, k=2)[0][:, 1] if len(centres) else np.zeros(0)
    nearest[np.isinf(nearest)] = np.nan  # a pore alone
    lengths = {"x_um": x, "y_um": y, "diameter_um": diameter, "nearest_um": nearest}
    shape = {"circularity": circularity, "cut": cut, "counted": inside}
    return pd.DataFrame({"label": number} | {key: side_um * v for key, v in lengths.items()} | shape)


def circularities(labels: NDArray[np.integer]) -> pd.DataFrame:
    """Give label, area in pixels, ``cut`` and circularity (see `regions`) of each pore of a label image."""
    area = np.bincount(labels.ravel())
    number = np.flatnonzero(area[1:]) + 1
    area, perimeter = area[number], _perimeters(labels)[number]
    cut = np.isin(number, np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    circularity = np.where(cut, np.nan, np.minimum(4 * np.pi * area / np.maximum(perimeter, 1) ** 2, 1))
    return pd.DataFrame({"label": number, "area": area, "cut": cut, "circularity": circularity})


def shapes(labels: NDArray[np.integer], side_um: float) -> pd.DataFrame:
    """Measure size, shape and neighbourhood of each pore of a label image.

    Returns
    -------
    pandas.DataFrame
        The columns of `regions`, and: ``area_um2``; ``perimeter_um`` (Crofton's formula, four directions);
        ``feret_max_um`` and ``feret_min_um``, the largest and the least distance of two parallel lines that touch the
        pore; ``aspect_ratio``, major over minor axis of the ellipse with the same second moments, 1 or more;
        ``orientation_deg``, of its major axis from the horizontal, anticlockwise, above -90 to 90; ``neighbours``,
        pores whose zones of influence meet its own (see `walls`). NaN where the edge cuts a pore, but for its area and
        neighbours: those are what is seen.
    """
    table = regions(labels, side_um)
    area, aspect_ratio, orientation = (own[table["label"]] for own in _ellipses(labels))
    longest, shortest = _feret(labels, table["label"].to_numpy())
    own = {
        "perimeter_um": side_um * _perimeters(labels)[table["label"]],
        "feret_max_um": side_um * longest,
        "feret_min_um": side_um * shortest,
        "aspect_ratio": aspect_ratio,
        "orientation_deg": orientation,
    }
    own = {name: np.where(table["cut"], np.nan, values) for name, values in own.items()}
    pairs = neighbours(labels)
    counts = np.bincount(pairs[["first", "second"]].to_numpy().ravel(), minlength=int(labels.max()) + 1)
    own |= {"area_um2": side_um**2 * area, "neighbours": counts[table["label"]]}
    return table.assign(**own)


def walls(labels: NDArray[np.integer], side_um: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Measure the walls between neighbouring pores of a label image, as given by `pores.segment`.

    Returns
    -------
    thickness_um, length_um : ndarray, shape (n,)
        One item per wall. Each point of the walls belongs to the pore whose outline is nearest (skeleton by zones of
        influence). Two pores are neighbours where their zones meet; their wall is as long as that border, and as
        thick as the gap between the two outlines at its narrowest place (0 where pores touch).
    """
    pairs = neighbours(labels)
    return pairs["gap"].to_numpy() * side_um, pairs["length"].to_numpy() * side_um


def neighbours(labels: NDArray[np.integer]) -> pd.DataFrame:
    """List the pairs of pores whose zones of influence meet: first, second, gap and length (see `walls`), in pixels."""
    if not labels.any():
        return pd.DataFrame({"first": [], "second": [], "gap": [], "length": []}).astype({"first": int, "second": int})
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    zone = labels[tuple(nearest)]
    found = []
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = zone[one] != zone[other]
        # From outline to outline: half a pixel less than from centre to centre at both ends, and one pixel across.
        found.append((zone[one][meet], zone[other][meet], distance[one][meet] + distance[other][meet]))
    one, other, gap = map(np.concatenate, zip(*found, strict=True))
    n = int(labels.max()) + 1
    pair = np.minimum(one, other).astype(np.int64) * n + np.maximum(one, other)
    order = np.argsort(pair, kind="stable")
    pairs, start, length = np.unique(pair[order], return_index=True, return_counts=True)
    first, second = np.divmod(pairs, n)
    narrowest = np.minimum.reduceat(gap[order], start) if len(start) else gap
    return pd.DataFrame({"first": first, "second": second, "gap": narrowest, "length": length})


def _ellipses(labels):
    """Give of each label, 0 too, the area, and of the ellipse of its second moments the aspect ratio and the angle.

    As `skimage.measure.regionprops`, for all labels at once.
    """
    flat = labels.ravel()
    area = np.bincount(flat).astype(float)
    weight = 1 / np.maximum(area, 1)
    rows, columns = (at.ravel().astype(float) for at in np.indices(labels.shape, np.float32))
    rows, columns = (at - (np.bincount(flat, at) * weight)[flat] for at in (rows, columns))
    yy, xx, xy = (np.bincount(flat, own) * weight for own in (rows * rows, columns * columns, rows * columns))
    half, turned = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    minor = np.sqrt(np.maximum(half - turned, 0))
    aspect_ratio = np.maximum(np.sqrt(half + turned) / np.maximum(minor, 1e-9), 1)
    angle = np.degrees(np.arctan2(-2 * xy, xx - yy) / 2)  # of the major axis, anticlockwise: y points downwards
    return area, aspect_ratio, np.where(angle <= -90, angle + 180, angle) + 0.0  # no minus before a zero


def _perimeters(labels):
    """Give the perimeter of each label in pixels, by Crofton's formula in four directions."""
    padded = np.pad(labels, 1)
    n = int(labels.max()) + 1
    found = np.zeros(n)
    ways = (
        (np.s_[:, 1:], np.s_[:, :-1], 1.0),
        (np.s_[1:], np.s_[:-1], 1.0),
        (np.s_[1:, 1:], np.s_[:-1, :-1], math.sqrt(0.5)),
        (np.s_[1:, :-1], np.s_[:-1, 1:], math.sqrt(0.5)),
    )
    for one, other, spacing in ways:
        meet = padded[one] != padded[other]
        for side in (one, other):
            found += spacing * np.bincount(padded[side][meet], minlength=n)
    return math.pi / 2 * found / len(ways)


def _feret(labels, numbers):
    """Give the largest and the least width of each label in pixels, from the corners of its pixels."""
    inner = (labels[1:-1, 1:-1] == labels[:-2, 1:-1]) & (labels[1:-1, 1:-1] == labels[2:, 1:-1])
    inner &= (labels[1:-1, 1:-1] == labels[1:-1, :-2]) & (labels[1:-1, 1:-1] == labels[1:-1, 2:])
    rim = labels > 0
    rim[1:-1, 1:-1] &= ~inner
    row, column = np.nonzero(rim)
    order = np.argsort(labels[row, column], kind="stable")
    row, column = row[order].astype(np.float32), column[order].astype(np.float32)
    if not len(row):
        return np.zeros(0), np.zeros(0)
    start = np.searchsorted(labels[rim][order], numbers)
    longest, shortest = np.zeros(len(numbers)), np.full(len(numbers), np.inf)
    for angle in _ANGLES:
        x, y = math.cos(angle), math.sin(angle)
        along = np.float32(x) * column + np.float32(y) * row
        width = np.maximum.reduceat(along, start) - np.minimum.reduceat(along, start)
        # A pixel is a square: as wide as its shadow. Of a smooth outline half of that is the jags' own
        width = width + 0.5 * (abs(x) + abs(y)) + 0.5 * max(abs(x), abs(y)) - 0.25
        np.maximum(longest, width, out=longest)
        np.minimum(shortest, width, out=shortest)
    return longest, shortest


def _outlines(labels):
    """Points of the outlines towards walls, halfway between a pixel of a pore and one of a wall: pore, x, y."""
    row, column = np.nonzero((labels[:, :-1] > 0) ^ (labels[:, 1:] > 0))
    across = labels[row, column] + labels[row, column + 1], column + 1.0, row + 0.5
    row, column = np.nonzero((labels[:-1] > 0) ^ (labels[1:] > 0))
    down = labels[row, column] + labels[row + 1, column], column + 0.5, row + 1.0
    return (np.concatenate(pair) for pair in zip(across, down, strict=True))


def _fit_circle(x, y):
    """Centre and diameter of the circle a (x² + y²) + b x + c y + d = 0 that fits best (G. Taubin, 1991)."""
    mean_x, mean_y = x.mean(), y.mean()
    x, y = x - mean_x, y - mean_y
    square = x * x + y * y
    scale = 2 * math.sqrt(square.mean())
    a, b, c = np.linalg.svd(np.stack([(square - square.mean()) / scale, x, y], axis=1), full_matrices=False)[2][2]
    a = (a or 1e-9) / scale  # 0 for a straight line
    return mean_x - b / a / 2, mean_y - c / a / 2, math.sqrt((b * b + c * c) / a**2 + 4 * square.mean())
