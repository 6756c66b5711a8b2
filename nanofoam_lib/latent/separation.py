"""How far apart two classes lie in a latent space: WSS, BSS, R and the distances behind them (thesis, 5.3.1)."""

import dataclasses
import itertools
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.base.errors import RunWarning

MAX_GROUPS = 3000  # resampling holds a groups × groups matrix: 72 MB here
DRAWN = 5000  # images of a class that a histogram counts the distances of, 12 million
SAFE = 1e-4  # a squared distance below this share of the squared norms has lost digits; it is computed afresh


@dataclasses.dataclass(frozen=True)
class Separation:
    """Mean distances within class a, within class b and between them, and R = BSS / (BSS + WSS), in [0, 1]."""

    wss_a: float
    wss_b: float
    bss: float
    r: float


@dataclasses.dataclass(frozen=True, eq=False)
class Distances:
    """Mean distance of each point, `means_a` (n,) and `means_b` (m,); histogram of all pairs, `counts` and `edges`."""

    means_a: np.ndarray
    means_b: np.ndarray
    counts: np.ndarray
    edges: np.ndarray


def wss_bss(a: ArrayLike, b: ArrayLike) -> Separation:
    """Mean distances within and between two classes, and the separation rate R in [0, 1] (thesis, eq. 19-22).

    WSS is the mean over the points of a class of their mean distance to all *other* points of it: eq. 21 does not say
    whether a point is its own neighbour; here it is not. BSS (eq. 20) is the same over all points of the other class.
    R = BSS / (BSS + WSS) (eq. 22), with the plain mean of the two classes' WSS: the thesis does not say whose it takes.

    Two samples of one distribution give R ≈ 0.5; tight distant classes, R → 1. If `b` is a copy of `a`, BSS holds n
    zeros that WSS does not: R = (n - 1) / (2n - 1), just under 0.5. If all points coincide (0 / 0), R = 0.5.
    Raises ValueError if a class has fewer than two vectors or any that is not finite, or the dimensions differ.

    Parameters
    ----------
    a, b : array_like, shape (n, d) and (m, d)
        The vectors of each class, at least two; d is the latent dimension.

    Returns
    -------
    Separation
        `wss_a`, `wss_b`, `bss` in the units of the vectors, and `r`.

    Examples
    --------
    >>> wss_bss([[0.0], [1.0]], [[3.0], [4.0]])
    Separation(wss_a=1.0, wss_b=1.0, bss=3.0, r=0.75)
    """
    a, b = _points(a, b)
    wss_a, wss_b, bss = (float(distances(*pair, n_bins=0).means_a.mean()) for pair in ((a,), (b,), (a, b)))  # type: ignore[misc]
    return Separation(wss_a, wss_b, bss, float(_rate(wss_a, wss_b, bss)))


def distances(
    a: ArrayLike, b: ArrayLike | None = None, n_bins: int = 200, upper: float | None = None, memory_mb: float = 16
) -> Distances:
    """Euclidean distances (eq. 19) within a class, or between two: per-point means and a histogram of all pairs.

    Exact, and in blocks: no n × m matrix is held. Squares are matrix products of centred vectors, |x|² + |y|² - 2 x·y;
    where that cancels (pairs much closer than the cloud is wide) they are computed from the difference instead.
    Raises ValueError as `wss_bss` does, and if a distance exceeds `upper`.

    Parameters
    ----------
    a, b : array_like, shape (n, d) and (m, d)
        The vectors of two classes; without `b`, distances within `a`: each pair once, no point with itself.
    n_bins : int
        Number of bins of equal width over [0, `upper`]; 0 for no histogram, a quarter faster.
    upper : float, optional
        Top of the histogram. By default a bound on all distances within and between the inputs, at most twice the
        largest; give ``edges[-1]`` of `distances(a, b)` to `distances(a)` and `distances(b)` to compare the three.
    memory_mb : float
        Working memory, above that of the inputs.

    Returns
    -------
    Distances
        `means_a` (n,): mean distance of each point of `a` to all of `b`, or to the n - 1 others of `a`. `means_b` (m,):
        the reverse, or `means_a`. `counts` int64 (n_bins,), their sum n·m or n(n - 1)/2. `edges` (n_bins + 1,).

    Examples
    --------
    >>> found = distances([[0.0], [1.0], [3.0]], n_bins=3, upper=3.0)
    >>> found.means_a.tolist(), found.counts.tolist()
    ([2.0, 1.5, 2.5], [0, 1, 2])
    """
    within = b is None
    a, b = _points(a, a if within else b)
    upper = _upper_bound(a, b) if upper is None else float(upper)
    sums_a, sums_b, counts = np.zeros(len(a)), np.zeros(len(b)), np.zeros(n_bins + 1, dtype=np.int64)
    for rows, cols, block in _blocks(a, b, within, memory_mb):
        mirrored = within and rows == cols  # such a block holds every pair twice
        sums_a[rows] += block.sum(axis=1)
        sums_b[cols] += 0 if mirrored else block.sum(axis=0)
        if n_bins:
            if block.max() > upper:
                raise ValueError(f"expected `upper` no less than any distance, got {upper:g} < {block.max():g}")
            block *= n_bins / upper
            bins = (block[~np.tri(len(block), dtype=bool)] if mirrored else block.ravel()).astype(np.intp)
            counts += np.bincount(bins, minlength=n_bins + 1)
    counts[-2:-1] += counts[-1]  # the last bin is closed: `upper` itself is in it
    if within:
        sums_a = sums_b = sums_a + sums_b
    means, edges = (sums_a / (len(b) - within), sums_b / (len(a) - within)), np.linspace(0.0, upper, n_bins + 1)
    return Distances(*means, counts[:n_bins], edges)


def table(
    vectors: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    seed: int = 0,
    n_boot: int = 1000,
    n_perm: int = 1000,
) -> pd.DataFrame:
    """`wss_bss` of every pair of classes, with a 95 % interval of R and a p-value, by resampling whole groups.

    Images of one specimen (group) are not independent. Groups are drawn with replacement within each class (percentile
    bootstrap), and dealt anew to the two classes (permutation): ``p = (1 + #{R_dealt >= R}) / (1 + n_perm)``. Both
    reweight exact sums of distances between groups. A group drawn twice would face its copy at distance zero and pull
    WSS down, so copies of one group are not compared with each other; without groups, each point is one. Resamples
    that leave a class no pair count as R_dealt >= R and are absent from the interval.

    Whether classes differ at all is for p: few tight groups give R > 0.5 by themselves (only WSS has pairs inside a
    group), and near R = 0.5 the interval is rough. Of more than `MAX_GROUPS` groups so many stand for all: as many of
    each class, drawn at random. Raises ValueError as `wss_bss` does, on lengths that differ, or fewer than two classes.

    Parameters
    ----------
    vectors, labels, groups : array_like, shape (N, d), (N,) and (N,)
        Vectors of all classes, their classes and groups. A group name that stands in two classes means two groups.
    seed, n_boot, n_perm : int
        Seed and numbers of resamples, the same for every pair.

    Warns
    -----
    RunWarning
        If groups were drawn.

    Returns
    -------
    pandas.DataFrame
        class_a, class_b (sorted), wss_a, wss_b, bss, r, ci_low, ci_high (NaN if a class is one group), p_value.

    Examples
    --------
    >>> table([[0.0], [1.0], [3.0], [4.0]], ["x", "x", "y", "y"]).r.tolist()
    [0.75]
    """
    (vectors,) = _points(vectors)
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    if len(codes) != len(vectors) or len(classes) < 2 or np.bincount(codes).min() < 2:
        raise ValueError(f"expected {len(vectors)} labels of two or more classes, each on two vectors or more")
    numbers, owner = _number_groups(codes, groups)
    if len(owner) > MAX_GROUPS:
        vectors, numbers, owner = _draw_groups(vectors, numbers, owner, seed)
    sums, sizes = _group_sums(vectors, numbers)
    rows, columns = [], ["class_a", "class_b", "wss_a", "wss_b", "bss", "r", "ci_low", "ci_high", "p_value"]
    for i, j in itertools.combinations(range(len(classes)), 2):
        pair = np.flatnonzero((owner == i) | (owner == j))
        found = _resample(sums[np.ix_(pair, pair)], sizes[pair], owner[pair] == i, seed, n_boot, n_perm)
        rows.append((classes[i], classes[j], *found))
    return pd.DataFrame(rows, columns=columns)


def summarise(
    descriptors: Mapping[tuple[str, int, str], NDArray[Any]],
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Stack `table` of every descriptor: dict of (kind, latent_dim, name) → (N, d); those three columns come first."""
    parts = []
    for (kind, latent_dim, name), vectors in descriptors.items():
        part = table(vectors, labels, groups, seed)
        for position, column in enumerate(("kind", "latent_dim", "descriptor")):
            part.insert(position, column, (kind, latent_dim, name)[position])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def histograms(vectors: NDArray[Any], labels: ArrayLike, n_bins: int = 40) -> pd.DataFrame:
    """Count the distances within and between every pair of classes, on edges that the pair shares.

    Of a class of more than `DRAWN` images so many count, evenly drawn: the work grows with their square.

    Parameters
    ----------
    vectors : ndarray, shape (N, D)
    labels : array-like of str, shape (N,)
    n_bins : int
        Bins up to the largest distance of the pair.

    Returns
    -------
    pandas.DataFrame
        Columns class_a, class_b, within (class_a, class_b, or "" for the distances between them), low, high, count
        (pairs of images), density (shares over bin width; sums to 1 over the distances).
    """
    labels = np.asarray(labels)
    parts = []
    for a, b in itertools.combinations(sorted(set(labels)), 2):
        rows = (memmap.evenly(np.flatnonzero(labels == name), DRAWN) for name in (a, b))
        first, second = (memmap.take(vectors, own) for own in rows)
        spread = [distances(*pair) for pair in ((first, second), (first,), (second,))]
        top = max(found.edges[np.flatnonzero(found.counts)[-1] + 1] if found.counts.any() else 0 for found in spread)
        for within, pair in (("", (first, second)), (a, (first,)), (b, (second,))):
            found = distances(*pair, n_bins=n_bins, upper=top or 1.0)  # type: ignore[misc]
            density = found.counts / max(found.counts.sum(), 1) / np.diff(found.edges)
            columns = {"class_a": a, "class_b": b, "within": within, "low": found.edges[:-1], "high": found.edges[1:]}
            parts.append(pd.DataFrame(columns | {"count": found.counts, "density": density}))
    return pd.concat(parts, ignore_index=True)


def _points(*classes):
    """Check (n, d) arrays of finite vectors; float32 stays float32, so that large inputs are not copied."""
    classes = [x if x.dtype in (np.float32, np.float64) else x.astype(np.float64) for x in map(np.asarray, classes)]
    shapes = [x.shape for x in classes]
    if any(len(s) != 2 or s[0] < 2 or s[1] < 1 or s[1] != shapes[0][-1] for s in shapes):
        raise ValueError(f"expected shape (n, d) with n at least 2 and one d for all, got {shapes}")
    if not all(np.isfinite(x).all() for x in classes):
        raise ValueError("expected finite vectors, got NaN or infinity")
    return classes


def _rate(wss_a, wss_b, bss):
    total = bss + (wss_a + wss_b) / 2
    return np.divide(bss, total, out=np.full_like(total, 0.5), where=total != 0)


def _upper_bound(a, b):
    centre = (a.mean(axis=0, dtype=np.float64) + b.mean(axis=0, dtype=np.float64)) / 2
    rows = (x[i : i + 4096] for x in (a, b) for i in range(0, len(x), 4096))
    radius = np.sqrt(max(np.square(x - centre).sum(axis=1).max() for x in rows))
    return float(2 * radius * (1 + 1e-9)) or 1.0  # rounding must not push the longest pair out


def _blocks(a, b, within, memory_mb):
    """Yield (rows, cols, distances); within a class only the blocks on and above the diagonal."""
    budget, width = memory_mb * 5e5, a.shape[1]  # half for a block, half for the pairs computed afresh
    side = max(1, int((np.sqrt((24 * width) ** 2 + 128 * budget) - 24 * width) / 64))  # 32 side² + 24 side·d bytes
    chunk, centre = max(1, int(budget / (32 * width))), (a.mean(0, dtype=np.float64) + b.mean(0, dtype=np.float64)) / 2
    for i, j in itertools.product(range(0, len(a), side), range(0, len(b), side)):
        if not within or i <= j:
            rows, cols = slice(i, min(i + side, len(a))), slice(j, min(j + side, len(b)))
            yield rows, cols, _block(a[rows], b[cols], centre, chunk)


def _block(x, y, centre, chunk):
    p, q = x - centre, y - centre
    scale = np.add.outer(np.einsum("ij,ij->i", p, p), np.einsum("ij,ij->i", q, q))
    squares = p @ (-2 * q).T + scale
    near = np.flatnonzero(squares <= SAFE * scale)
    for part in (near[k : k + chunk] for k in range(0, len(near), chunk)):
        i, j = np.divmod(part, len(y))
        gap = x[i].astype(np.float64) - y[j]  # from the inputs: centring rounds too
        squares.flat[part] = np.einsum("ij,ij->i", gap, gap)
    return np.sqrt(squares, out=squares)


def _number_groups(labels, groups):
    """Give each vector the number of its group, a group in two classes having two, and each group its class."""
    codes = np.arange(len(labels)) if groups is None else pd.factorize(np.asarray(groups))[0]
    if codes.shape != (len(labels),) or codes.min() < 0:
        raise ValueError(f"expected one group for each of the {len(labels)} vectors, none missing")
    names, numbers = np.unique(labels * len(labels) + codes, return_inverse=True)
    return numbers, names // len(labels)


def _draw_groups(x, numbers, owner, seed):
    """Leave `MAX_GROUPS` groups, the same number in each class that has as many."""
    rng, most = np.random.default_rng(seed), MAX_GROUPS // (owner.max() + 1)
    own = [np.flatnonzero(owner == label) for label in range(owner.max() + 1)]
    kept = np.sort(np.concatenate([rng.choice(groups, min(most, len(groups)), replace=False) for groups in own]))
    warnings.warn(
        f"distances between classes are those of {len(kept)} of {len(owner)} groups, drawn at random: more cannot be "
        "resampled; name specimens as groups",
        RunWarning,
        stacklevel=3,
    )
    rows = np.isin(numbers, kept)
    return memmap.take(x, rows), np.searchsorted(kept, numbers[rows]), owner[kept]


def _group_sums(x, numbers):
    """Return sums of distances between groups (G, G) and group sizes (G,), groups numbered from 0 without a gap."""
    sizes = np.bincount(numbers)
    # Groups become runs, so that sums over them are cheap
    x, codes = memmap.take(x, np.argsort(numbers)), np.sort(numbers)
    sums = np.zeros((len(sizes), len(sizes)))
    for rows, cols, block in _blocks(x, x, True, 16):
        for axis, here in enumerate((codes[rows], codes[cols])):
            block = np.add.reduceat(block, np.flatnonzero(np.diff(here, prepend=-1)), axis=axis)
        place = tuple(slice(codes[k.start], codes[k.stop - 1] + 1) for k in (rows, cols))
        sums[place] += block
        if rows != cols:
            sums.T[place] += block
    return sums, sizes.astype(np.float64)


def _separations(u, v, sums, sizes):
    """Return WSS, WSS, BSS where class a holds group g u[k, g] times, class b v[k, g] times; NaN without a pair."""
    found, from_u = [], u @ sums
    for w, from_w in ((u, from_u), (v, v @ sums)):
        # of a pair of copies of one group no distance is counted: w² - w ordered pairs of copies
        total = np.einsum("kg,kg->k", from_w, w) - (w * w - w) @ np.diag(sums)
        pairs = (w @ sizes) ** 2 - (w * w) @ sizes**2 + w @ (sizes * (sizes - 1))
        found.append(np.divide(total, pairs, out=np.full(len(w), np.nan), where=pairs > 0))
    return *found, np.einsum("kg,kg->k", from_u, v) / ((u @ sizes) * (v @ sizes))


def _resample(sums, sizes, is_a, seed, n_boot, n_perm):
    rng = np.random.default_rng(seed)
    actual = is_a[None].astype(np.float64)
    means = _separations(actual, 1 - actual, sums, sizes)
    r = _rate(*means)[0]
    drawn = np.zeros((2, n_boot, len(sizes)))
    for weights, mine in zip(drawn, (is_a, ~is_a), strict=True):
        weights[:, mine] = rng.multinomial(mine.sum(), np.full(mine.sum(), 1 / mine.sum()), n_boot)
    rates = _rate(*_separations(*drawn, sums, sizes))
    told = min(is_a.sum(), (~is_a).sum()) > 1 and np.isfinite(rates).any()
    low, high = np.nanquantile(rates, [0.025, 0.975]) if told else (np.nan, np.nan)
    dealt = rng.permuted(np.tile(actual, (n_perm, 1)), axis=1)
    # not "rates >= r": a tie must count in spite of rounding, and so must a NaN
    as_high = ~(_rate(*_separations(dealt, 1 - dealt, sums, sizes)) < r - 1e-12)
    return *np.ravel(means), r, low, high, (1 + as_high.sum()) / (1 + n_perm)
