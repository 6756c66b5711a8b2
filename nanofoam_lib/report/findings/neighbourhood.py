"""What images show without their labels: clusters, and how far a map of neighbours can be trusted."""

import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.latent import clusters
from nanofoam_lib.report.findings.phrases import count, num, percent, say

_NEAR = (
    "Neighbours on the map are neighbours in the descriptor with a trustworthiness of {trust}, against {plane} on two "
    "principal components. Distances between clusters on it, and their sizes, mean nothing."
)
_NONE = "**No clusters**: nowhere are images denser than around it, so that they form no kinds of their own."
_ALL = (
    "Without their labels the images form {clusters}, of which {again} when other specimens are drawn (Jaccard "
    "similarity of {stable} or more); {lost} of the images lie in none."
)
_ALL_BESIDE_CLASSES = (
    "Without their labels the images form {clusters}, of which {again} when other specimens are drawn (Jaccard "
    "similarity of {stable} or more); {lost} of the images lie in none; with the classes they agree by an adjusted "
    "Rand index of {index}."
)
_ONE_AGAIN, _AGAIN = "**1 is found again**", "**{n} are found again**"
_CLUSTER = "- cluster {number}: {images} of {specimens}; Jaccard {jaccard}"
_CLUSTER_OF_CLASS = "- cluster {number}: {images} of {specimens}, {share} of them {class}; Jaccard {jaccard}"
_DOUBT = "{told}, not to be relied on"


def neighbourhood(points: pd.DataFrame, found: pd.DataFrame, lang: str = "en") -> str:
    """Say what clusters there are, which of them are found again, and what the map is worth.

    Parameters
    ----------
    points, found : pandas.DataFrame
        As `neighbourhood.study` gives them.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    trust, plane = (num(points[name].iloc[0], lang) for name in ("trust", "trust_of_plane"))
    return "\n\n".join([_clusters(points, found, lang), say(_NEAR, lang, trust=trust, plane=plane)])


def _clusters(points, found, lang):
    if found.empty:
        return text(_NONE, lang)
    again = int(found["stable"].sum())
    classes = points["label"].nunique()
    index = clusters.agreement(points["cluster"], points["label"])
    head = say(
        _ALL_BESIDE_CLASSES if index == index else _ALL, lang, clusters=count(len(found), "cluster", lang),
        again=say(_ONE_AGAIN if again == 1 else _AGAIN, lang, n=again), stable=num(clusters.STABLE, lang),
        lost=percent((points["cluster"] == clusters.NONE).mean(), lang), index=num(index, lang),
    )  # fmt: skip
    return "\n".join([head, *(_told(row, classes, lang) for row in found.to_dict("records"))])


def _told(row, classes, lang):
    places = {"number": row["cluster"] + 1, "class": row["class"], "share": percent(row["class_share"], lang)}
    places |= {"images": count(row["n_images"], "image", lang), "jaccard": num(row["jaccard"], lang)}
    places |= {"specimens": count(row["n_specimens"], "specimen", lang)}
    told = say(_CLUSTER if classes < 2 else _CLUSTER_OF_CLASS, lang, **places)
    return f"{told if row['stable'] else say(_DOUBT, lang, told=told)}."
