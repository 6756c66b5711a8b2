"""How far single predictions can be relied on: what becomes of each specimen, and whether probabilities are right."""

import numpy as np
import pandas as pd

from nanofoam_lib.latent import intervals

BINS = 5


def by_specimen(predictions: pd.DataFrame) -> pd.DataFrame:
    """Tell for each test group how many of its images are named right, and what it is taken for.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of one classifier, as `classify.score` gives them.

    Returns
    -------
    pandas.DataFrame
        One row per group and class, those that are named worst first: group, true, n_images, right (share), taken_for
        (the class that most of its images are taken for, the first of several), probability (mean, as the classifier
        gives it).
    """
    rows = []
    for (group, true), own in predictions.groupby(["group", "true"], sort=True):
        row = {"group": group, "true": true, "n_images": len(own), "right": (own["predicted"] == true).mean()}
        rows.append(row | {"taken_for": own["predicted"].mode()[0], "probability": own["probability"].mean()})
    columns = ["group", "true", "n_images", "right", "taken_for", "probability"]
    return pd.DataFrame(rows, columns=columns).sort_values("right", kind="stable", ignore_index=True)


def calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare how often predictions are right with the probability that the classifier gives them.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of one classifier, as `classify.score` gives them.

    Returns
    -------
    pandas.DataFrame
        Images sorted by probability and dealt to five bins of as many: n_images, probability (mean), right (share), its
        95 % interval ci_low and ci_high over groups, and ``gap``, probability less share: above 0 where the classifier
        is too sure. Empty where it gives no probabilities.
    """
    known = predictions.dropna(subset="probability").sort_values("probability", kind="stable")
    rows = []
    for part in np.array_split(np.arange(len(known)), min(BINS, max(len(known), 1))):
        own = known.iloc[part]
        if len(own):
            hit = (own["predicted"] == own["true"]).to_numpy(bool)
            low, high = intervals.interval(hit, own["group"])
            row = {"n_images": len(own), "probability": own["probability"].mean(), "right": hit.mean()}
            rows.append(row | {"ci_low": low, "ci_high": high, "gap": row["probability"] - row["right"]})
    return pd.DataFrame(rows, columns=["n_images", "probability", "right", "ci_low", "ci_high", "gap"])
