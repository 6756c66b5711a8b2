"""What images show of themselves, without their labels: who is near whom, and what clusters they form."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nanofoam_lib.latent import clusters, neighbour_map

#: Of the table of clusters, before the medians of pore measures.
COLUMNS = ("cluster", "n_images", "n_specimens", "jaccard", "stable", "class", "class_share")


def study(
    vectors: ArrayLike, index: pd.DataFrame, measures: pd.DataFrame, shown: Sequence[str] = (), seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Map images by their neighbours, and find clusters among them; labels are only laid beside.

    Parameters
    ----------
    vectors : array-like, shape (N, D)
        A descriptor in which distances mean something, such as μ of the texture model.
    index : pandas.DataFrame, N rows
        Columns id, path, label, group, split.
    measures : pandas.DataFrame, N rows
        Pore measures.
    shown : sequence of str
        Those of which medians over a cluster are told, as far as they are there.
    seed : int

    Returns
    -------
    points : pandas.DataFrame
        One row per image on the map (`neighbour_map.tsne`): id, path, label, group, split, x, y, cluster (-1: none),
        and the same for all: trust and trust_of_plane.
    found : pandas.DataFrame
        One row per cluster: `COLUMNS`, of `clusters.stability`, with the class that is most of it and its share; then
        the medians of `shown`.
    """
    vectors = np.asarray(vectors)
    placed, member = neighbour_map.tsne(vectors, seed), clusters.find(vectors, seed)
    points = index[["id", "path", "label", "group", "split"]].iloc[placed.rows].reset_index(drop=True)
    points = points.assign(
        x=placed.points[:, 0], y=placed.points[:, 1], cluster=member[placed.rows],
        trust=placed.trust, trust_of_plane=placed.trust_of_plane,
    )  # fmt: skip
    found = clusters.stability(vectors, member, index["group"], seed)
    own = [index["label"].to_numpy()[member == number] for number in found["cluster"]]
    most = [pd.Series(labels).value_counts(normalize=True) for labels in own]
    found["class"], found["class_share"] = [s.index[0] for s in most], [float(s.iloc[0]) for s in most]
    medians = measures[[name for name in shown if name in measures]].reset_index(drop=True).groupby(member).median()
    return points, found.join(medians, on="cluster")
