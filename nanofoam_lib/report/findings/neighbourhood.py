"""What images show without their labels: clusters, and how far a map of neighbours can be trusted."""

import pandas as pd

from nanofoam_lib.latent import clusters
from nanofoam_lib.report.findings.phrases import count, num, percent


def neighbourhood(points: pd.DataFrame, found: pd.DataFrame) -> str:
    """Say what clusters there are, which of them are found again, and what the map is worth.

    Parameters
    ----------
    points, found : pandas.DataFrame
        As `neighbourhood.study` gives them.

    Returns
    -------
    str
        Markdown.
    """
    trust, plane = points["trust"].iloc[0], points["trust_of_plane"].iloc[0]
    near = (
        f"Neighbours on the map are neighbours in the descriptor with a trustworthiness of {num(trust)}, against "
        f"{num(plane)} on two principal components. Distances between clusters on it, and their sizes, mean nothing."
    )
    return "\n\n".join([_clusters(points, found), near])


def _clusters(points, found):
    if found.empty:
        return "**No clusters**: nowhere are images denser than around it, so that they form no kinds of their own."
    lost = (points["cluster"] == clusters.NONE).mean()
    again = int(found["stable"].sum())
    classes = points["label"].nunique()
    lines = [_told(row, classes) for row in found.to_dict("records")]
    index = clusters.agreement(points["cluster"], points["label"])
    beside = f"; with the classes they agree by an adjusted Rand index of {num(index)}" if index == index else ""
    head = (
        f"Without their labels the images form {count(len(found), 'cluster')}, of which **{again} "
        f"{'is' if again == 1 else 'are'} found again** when other specimens are drawn (Jaccard similarity of "
        f"{num(clusters.STABLE)} or more); {percent(lost)} of the images lie in none{beside}."
    )
    return "\n".join([head, *lines])


def _told(row, classes):
    own = "" if classes < 2 else f", {percent(row['class_share'])} of them {row['class']}"
    size = f"{count(row['n_images'], 'image')} of {count(row['n_specimens'], 'specimen')}"
    doubt = "" if row["stable"] else ", not to be relied on"
    return f"- cluster {row['cluster'] + 1}: {size}{own}; Jaccard {num(row['jaccard'])}{doubt}."
