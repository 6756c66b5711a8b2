"""What the thesis's leaky split seems to gain."""

import pandas as pd

from nanofoam_lib.base.score_names import BY_GROUP, FOREST, LEAKY, LEAKY_CLASSIFIERS
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import num, say

_GAIN = (
    "A random forest on {descriptor} is right for {fair} of the images of specimens never seen. Tested on turned "
    "copies of what it was trained on, it seems to be right for {half}; with the model trained on such copies, too, as "
    "in the thesis, for {whole}."
)


def leak(table: pd.DataFrame, lang: str = "en") -> str:
    """Say what a random forest on the foremost descriptors reaches by group, and what with either leak.

    Parameters
    ----------
    table : pandas.DataFrame
        Table 1.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, one item per descriptor; empty if nothing leaks.
    """
    forest = table[table["classifier"] == FOREST]
    accuracies = forest.pivot(index=["kind", "latent_dim", "descriptor"], columns="protocol", values="accuracy")
    if LEAKY not in accuracies:
        return ""
    foremost = [key for key in accuracies.index if kinds.get(key[0]).foremost == key[2]]
    return "\n".join(f"- {_of_one(key, accuracies.loc[key], lang)}" for key in foremost)


def _of_one(key, accuracy, lang):
    fair, half, whole = (num(accuracy[own], lang) for own in (BY_GROUP, LEAKY_CLASSIFIERS, LEAKY))
    return say(_GAIN, lang, descriptor=kinds.descriptor_name(*key, lang), fair=fair, half=half, whole=whole)
