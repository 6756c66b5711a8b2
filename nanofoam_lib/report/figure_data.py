"""What the thesis's explanatory figures show, computed from a run's latent vectors and tables."""

import itertools

import numpy as np
import pandas as pd

from nanofoam_lib.latent import projection
from nanofoam_lib.models import kinds
from nanofoam_lib.report import tables


def correlated_pair(vectors):
    """Find the two latent dimensions that vary together most: those with the largest covariance, by absolute value.

    Parameters
    ----------
    vectors : ndarray, shape (n, D)
        D ≥ 2.

    Returns
    -------
    list of int
        Ascending. Large covariance rather than correlation: a collapsed dimension has none.

    Examples
    --------
    >>> correlated_pair(np.array([[0.0, 5, 1], [1, 0, 3], [2, 5, 5]]))
    [0, 2]
    """
    covariance = np.abs(np.cov(np.asarray(vectors, np.float64), rowvar=False))
    return [int(i) for i in np.unravel_index(np.triu(covariance, 1).argmax(), covariance.shape)]


def pca_example(vectors, labels, dimensions):
    """Lay out a PCA of two latent dimensions, before and after (thesis fig. 3).

    Parameters
    ----------
    vectors : ndarray, shape (n, D)
    labels : sequence of str, length n
    dimensions : (int, int)
        The two dimensions to take.

    Returns
    -------
    pandas.DataFrame
        Rows of `kind` "image": `label`, `x` and `y` in the two dimensions, `pc1` and `pc2`, the coordinates on the
        components. Two rows of `kind` "axis": `label` PC1 and PC2, the mean `x` and `y`, the axis from there `dx` and
        `dy`, two standard deviations long, and its `share` of the variance.
    """
    two = np.asarray(vectors, np.float64)[:, dimensions]
    found = projection.pca(two, two[:0])
    images = pd.DataFrame(two, columns=["x", "y"]).assign(kind="image", label=np.asarray(labels))
    images[["pc1", "pc2"]] = found.train
    axes = pd.DataFrame(found.axes * 2 * found.train.std(axis=0)[:, None], columns=["dx", "dy"])
    axes = axes.assign(kind="axis", label=["PC1", "PC2"], x=found.mean[0], y=found.mean[1], share=found.explained)
    columns = ["kind", "label", "x", "y", "pc1", "pc2", "dx", "dy", "share"]
    return pd.concat([images, axes], ignore_index=True)[columns]


def reparametrisation(mu, sigma, row, dimensions, seed=0, n=150):
    """Draw z = μ + σ ε, ε ~ N(0, I), for one image in two latent dimensions (thesis fig. 6).

    Parameters
    ----------
    mu, sigma : ndarray, shape (N, D)
    row : int
        Which image.
    dimensions : (int, int)
    seed : int
    n : int
        Number of draws.

    Returns
    -------
    pandas.DataFrame
        Rows of `kind` "draw": `e_x`, `e_y` of ε, `x`, `y` of z. One row of `kind` "image": `x`, `y` of μ and `sigma_x`,
        `sigma_y`. Rows of `kind` "other": `x`, `y` of μ of the other images.
    """
    noise = np.random.default_rng(seed).standard_normal((n, 2))
    centre, spread = np.float64(mu[row, dimensions]), np.float64(sigma[row, dimensions])
    draws = pd.DataFrame(np.hstack([noise, centre + spread * noise]), columns=["e_x", "e_y", "x", "y"])
    image = pd.DataFrame([[*centre, *spread]], columns=["x", "y", "sigma_x", "sigma_y"])
    others = pd.DataFrame(np.delete(mu, row, axis=0)[:, dimensions].astype(float), columns=["x", "y"])
    parts = {"draw": draws, "image": image, "other": others}
    return pd.concat([part.assign(kind=kind) for kind, part in parts.items()], ignore_index=True)


def wss_bss(points, pair, n=8):
    """List the distances within and between a few points of two classes (thesis fig. 10).

    Parameters
    ----------
    points : pandas.DataFrame
        Rows of `projection.points`: columns `label`, `x`, `y`, `x_title`, `y_title`.
    pair : (str, str)
        The classes; of each the first `n` points are taken.
    n : int
        At least two.

    Returns
    -------
    pandas.DataFrame
        One row per pair of points: `class_a`, `class_b` (equal: within), the ends `x`, `y` and `to_x`, `to_y`, their
        `distance`, and the titles of the axes.
    """
    chosen = {label: points.loc[points["label"] == label, ["x", "y"]].to_numpy()[:n] for label in pair}
    rows = []
    for a, b in ((pair[0], pair[0]), (pair[1], pair[1]), pair):
        ends = itertools.combinations(chosen[a], 2) if a == b else itertools.product(chosen[a], chosen[b])
        rows += [(a, b, *start, *end, np.linalg.norm(start - end)) for start, end in ends]
    table = pd.DataFrame(rows, columns=["class_a", "class_b", "x", "y", "to_x", "to_y", "distance"])
    return table.assign(**points[["x_title", "y_title"]].iloc[0])


def gradcam(features, weights, n=3):
    """Lay out how a Grad-CAM map comes about: M = ReLU(Σₖ αₖ Aₖ) (thesis fig. 7, eq. 16).

    Parameters
    ----------
    features : ndarray, shape (h, w, K)
        A, the last feature map of an image.
    weights : ndarray, shape (K,)
        α of one latent dimension.
    n : int
        How many channels to keep: those with the largest mean absolute value of αₖ Aₖ.

    Returns
    -------
    pandas.DataFrame
        One row per cell of each picture, row by row: `picture` ("A63", the 63rd channel, "sum" or "map"), `weight` (α
        of a channel, else NaN), `row`, `column`, `value`; and `depth`, K.
    """
    height, width, depth = features.shape
    channels = np.argsort(-np.abs(features * weights).mean(axis=(0, 1)), kind="stable")[:n]
    total = features @ weights
    pictures = {f"A{k + 1}": (weights[k], features[..., k]) for k in channels}
    pictures |= {"sum": (np.nan, total), "map": (np.nan, np.maximum(total, 0))}
    rows, columns = np.indices((height, width)).reshape(2, -1)
    parts = [
        pd.DataFrame({"picture": name, "weight": weight, "row": rows, "column": columns, "value": values.ravel()})
        for name, (weight, values) in pictures.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(depth=depth)


def workflow(index, scores, identity, latent_dim):
    """Collect the numbers of the workflow's figure (thesis fig. 5).

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `label`, `group` and `split`.
    scores : pandas.DataFrame
        Table 1.
    identity : pandas.DataFrame
        One row per latent dimension; columns `kind`, `latent_dim` and `active`.
    latent_dim : int
        Size of the VAE.

    Returns
    -------
    dict
        Name → int or float. `accuracy` is that of a random forest on σ, `chance` of naming the largest class.
    """
    test = index["split"] == "test"
    forest = tables.headline(scores, kinds.MAIN, latent_dim, "sigma")
    own = identity[(identity["kind"] == kinds.MAIN) & (identity["latent_dim"] == latent_dim)]
    return {
        "images": len(index),
        "classes": index["label"].nunique(),
        "groups": index["group"].nunique(),
        "train": int((~test).sum()),
        "test": int(test.sum()),
        "latent_dim": latent_dim,
        "active": int(own["active"].sum()),
        "accuracy": float(forest["accuracy"].iloc[0]),
        "chance": float(index.loc[test, "label"].value_counts(normalize=True).max()),
    }
