"""Groups that images form by themselves: clusters of vectors, as many as there are, and how far to trust them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier

#: The cluster of images that belong to none.
NONE = -1
COMPONENTS = 10  # principal ones: in more, all distances are alike and nothing is dense
SMALLEST = 5  # images of a cluster, or a twentieth of all if that is more
MOST = 3000  # images that clusters are sought among; others join the one of the nearest of these
RESAMPLES = 50
STABLE = 0.75  # Jaccard similarity from which on a cluster is there again


def find(vectors: ArrayLike, seed: int = 0) -> NDArray[np.int_]:
    """Find clusters by density (HDBSCAN); how many there are is not asked beforehand, and may be none.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    seed : int
        Chooses the images that clusters are sought among, where there are more than 3000.

    Returns
    -------
    ndarray of int, shape (N,)
        0, 1, … for the clusters, the largest first; -1 for images between them.

    Notes
    -----
    Density is that in the first ten principal components. A cluster holds a twentieth of all images, and five at least
    [1]_.

    References
    ----------
    .. [1] R. J. G. B. Campello, D. Moulavi, J. Sander, "Density-based clustering based on hierarchical density
       estimates", PAKDD (2013) 160, https://doi.org/10.1007/978-3-642-37456-2_14
    """
    vectors = np.asarray(vectors, float)
    if len(vectors) <= MOST:
        return _by_size(_dense(_reduced(vectors)))
    some = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:MOST])
    found = _dense(_reduced(vectors[some]))
    nearest = KNeighborsClassifier(1, algorithm="brute").fit(vectors[some], found)
    return _by_size(nearest.predict(vectors))


def stability(
    vectors: ArrayLike, clusters: ArrayLike, groups: ArrayLike, seed: int = 0, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Tell which clusters are found again when other specimens are looked at.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
    clusters : array-like of int, shape (N,)
        As `find` gives them.
    groups : array-like, shape (N,)
        Specimen of each image.
    seed : int
    resamples : int

    Returns
    -------
    pandas.DataFrame
        One row per cluster: cluster, n_images, n_specimens; jaccard, the mean over the resamples of its similarity to
        the most similar cluster there, in [0, 1]; stable, whether that is 0.75 or more [1]_ and the cluster is of two
        specimens or more.

    Notes
    -----
    Whole specimens are drawn with replacement; one that is drawn twice counts once, since copies of an image would make
    a cluster of their own.

    References
    ----------
    .. [1] C. Hennig, "Cluster-wise assessment of cluster stability", Comput. Stat. Data Anal. 52 (2007) 258,
       https://doi.org/10.1016/j.csda.2006.11.025
    """
    vectors, clusters = np.asarray(vectors, float), np.asarray(clusters)
    group_of = np.unique(np.asarray(groups, str), return_inverse=True)[1]
    rng, names = np.random.default_rng(seed), np.unique(clusters[clusters != NONE])
    pool = np.sort(rng.permutation(len(vectors))[:MOST])
    reduced = _reduced(vectors[pool]) if len(names) else vectors[pool]
    found = np.zeros((resamples, len(names)))
    n_groups = group_of.max(initial=-1) + 1
    for row in range(resamples if len(names) else 0):
        drawn = np.unique(rng.integers(n_groups, size=n_groups))
        inside = np.isin(group_of[pool], drawn)
        if inside.sum() > SMALLEST:
            found[row] = [_similarity(clusters[pool][inside] == name, again) for again in [_dense(reduced[inside])]
                          for name in names]  # fmt: skip
    rows = []
    for name, similar in zip(names, found.T, strict=True):
        own = clusters == name
        n = len(set(group_of[own]))
        stable = bool(similar.mean() >= STABLE and n > 1)
        rows.append([int(name), int(own.sum()), n, float(similar.mean()), stable])
    return pd.DataFrame(rows, columns=["cluster", "n_images", "n_specimens", "jaccard", "stable"])


def agreement(clusters: ArrayLike, labels: ArrayLike) -> float:
    """Compare clusters with classes: adjusted Rand index, 1 for the same, 0 by chance; NaN if either is but one."""
    if len(set(np.asarray(clusters))) < 2 or len(set(np.asarray(labels))) < 2:
        return np.nan
    return float(adjusted_rand_score(np.asarray(labels), np.asarray(clusters)))


def _reduced(vectors):
    n = min(COMPONENTS, *vectors.shape)
    return PCA(n, svd_solver="full").fit_transform(vectors)


def _dense(vectors):
    smallest = max(SMALLEST, len(vectors) // 20)
    if len(vectors) <= smallest:
        return np.full(len(vectors), NONE)
    return HDBSCAN(min_cluster_size=smallest, min_samples=SMALLEST, copy=True).fit_predict(vectors)


def _by_size(clusters):
    """Give clusters new numbers, from the largest on."""
    names, counts = np.unique(clusters[clusters != NONE], return_counts=True)
    order = names[np.argsort(-counts, kind="stable")]
    new = {name: number for number, name in enumerate(order)} | {NONE: NONE}
    return np.array([new[name] for name in clusters], int)


def _similarity(mine, found):
    """Give the Jaccard similarity of a set of images (n,) to the most similar cluster of the same images."""
    others = [found == name for name in np.unique(found) if name != NONE]
    return max(((mine & other).sum() / (mine | other).sum() for other in others), default=0.0)
