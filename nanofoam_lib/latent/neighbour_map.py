"""A map that keeps neighbours together, and how far to trust it: t-SNE beside the plane of two principal components."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

COMPONENTS = 50  # principal ones that t-SNE is given, as its authors advise
PERPLEXITY = 30.0
NEIGHBOURS = 10  # that trustworthiness looks at
MOST = 3000  # images on the map


class Map(NamedTuple):
    """Images in a plane, of which neighbours mean something, and distances between clusters and their sizes nothing."""

    rows: NDArray[np.int_]  # (n,) of the vectors that are on it
    points: NDArray[np.float64]  # (n, 2)
    trust: float  # of this map
    trust_of_plane: float  # of the first two principal components of the same vectors


def tsne(vectors: ArrayLike, seed: int = 0) -> Map:
    """Lay vectors out in a plane by t-SNE [1]_.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
        N ≥ 4.
    seed : int
        Of the descent, and of the choice of 3000 images where there are more. The start is the plane of the first two
        principal components, so that maps of the same vectors are alike.

    Returns
    -------
    Map
        Trust is the trustworthiness of Venna and Kaski [2]_, in [0, 1]: 1 if the ten neighbours of every image on the
        map are its neighbours among the vectors, about 0.5 for a map drawn at random.

    Raises
    ------
    ValueError
        If there are fewer than four vectors.

    References
    ----------
    .. [1] L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", J. Mach. Learn. Res. 9 (2008) 2579
    .. [2] J. Venna, S. Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN (2001) 485,
       https://doi.org/10.1007/3-540-44668-0_68
    """
    vectors = np.asarray(vectors, float)
    if len(vectors) < 4:
        raise ValueError(f"expected four vectors or more, got {len(vectors)}")
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:MOST])
    if not np.ptp(vectors[rows], axis=0).any():  # all are the same
        return Map(rows, np.zeros((len(rows), 2)), np.nan, np.nan)
    known = PCA(min(COMPONENTS, *vectors[rows].shape), svd_solver="full").fit_transform(vectors[rows])
    # Of few images each has few neighbours
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(known)
    near = min(NEIGHBOURS, len(rows) // 2 - 1)
    trust, plane = (trustworthiness(vectors[rows], own, n_neighbors=near) for own in (points, known[:, :2]))
    return Map(rows, points.astype(float), float(trust), float(plane))
