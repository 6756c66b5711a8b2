"""What the latent vectors know of classes and pores."""

from collections.abc import Mapping

import pandas as pd

from nanofoam_lib.latent.projection import Projection
from nanofoam_lib.models import control_registry
from nanofoam_lib.report.findings.phrases import interval, num, percent


def controls(scores: pd.DataFrame, chance: float) -> str:
    """Say whether the best model beats the best control.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns kind ("control" for a control), latent_dim, descriptor, accuracy, ci_low, ci_high: one classifier, one
        protocol, models and controls.
    chance : float
        Accuracy of always naming the largest class.

    Returns
    -------
    str
        Markdown. "Beats" is said if the accuracy of the best control lies below the interval of the best model.
        "supervised features" know the labels: they are an upper bound, not a control.
    """
    scores = scores[scores["descriptor"] != control_registry.TAUGHT]
    is_control = scores["kind"] == "control"
    best, rival = (part.loc[part["accuracy"].idxmax()] for part in (scores[~is_control], scores[is_control]))
    if best["ci_low"] > rival["accuracy"]:
        verdict = "The autoencoder **beats its controls**."
    elif best["accuracy"] > rival["accuracy"]:
        verdict = "The autoencoder is ahead of its controls, but **not by more than chance allows**."
    else:
        verdict = "The autoencoder **does not beat its controls**: its score alone proves nothing about what it learnt."
    guessing = "" if best["ci_low"] > chance else " Its interval includes guessing."
    return (
        f"Best of the models is **{best['descriptor']} of {best['kind']}-{best['latent_dim']}**, {interval(best)}; "
        f"naming the largest class scores {num(chance)}.{guessing} Best of the controls is **{rival['descriptor']}**, "
        f"{interval(rival)}. {verdict}{_confound(scores, chance)}"
    )


def _confound(scores, chance):
    """Say how well the magnification alone tells the classes, where it varies."""
    own = scores[scores["descriptor"] == control_registry.MAGNIFICATION]
    if not len(own):
        return ""
    row = own.iloc[0]
    told = f" A forest that knows nothing but the size of a pixel scores {interval(row)}"
    if row["ci_low"] > chance:
        return f"{told}: **the classes differ in magnification**, and a score may be due to that alone."
    return f"{told}: the magnification does not give the class away."


def supervision(scores: pd.DataFrame, chance: float) -> str:
    """Say what labels are worth: the softmax of the supervised network beside the best unsupervised model.

    Parameters
    ----------
    scores : pandas.DataFrame
        As for `controls`, with a row whose classifier is "softmax".
    chance : float
        Accuracy of always naming the largest class.

    Returns
    -------
    str
        Markdown.
    """
    taught = scores[scores["classifier"] == "softmax"].iloc[0]
    models = scores[scores["kind"] != "control"]
    best = models.loc[models["accuracy"].idxmax()]
    gap = taught["accuracy"] - best["accuracy"]
    return (
        f"The same convolutions trained with labels reach {interval(taught)}; naming the largest class {num(chance)}. "
        f"That is {num(abs(gap))} {'more' if gap > 0 else 'less'} than the best descriptor learnt without labels "
        f"({best['descriptor']} of {best['kind']}-{num(best['latent_dim'], 0)} with {best['classifier']})."
    )


def projections(pca: Mapping[str, Projection], lda: Mapping[str, Projection]) -> str:
    """Say what the 2-D pictures hold: dicts of descriptor → `projection.Projection`."""
    shares = ", ".join(f"{name} {percent(found.explained.sum())}" for name, found in pca.items())
    notes = "; ".join(f"{name}: {found.note}" for name, found in lda.items() if found.note)
    return f"The two principal components hold of the variance: {shares}. LDA {f'on {notes}' if notes else 'as it is'}."


def separation(table: pd.DataFrame) -> str:
    """Say which classes lie farthest apart, and how many comparisons are significant.

    Parameters
    ----------
    table : pandas.DataFrame
        As `separation.summarise` gives it.

    Returns
    -------
    str
        Markdown.
    """
    top = table.loc[table["r"].idxmax()]
    share = (table["p_value"] < 0.05).mean()
    return (
        f"Farthest apart are {top['class_a']} and {top['class_b']} in {top['descriptor']} of "
        f"{top['kind']}-{top['latent_dim']}: R = {num(top['r'], 3)}, p = {num(top['p_value'], 3)}. Of {len(table)} "
        f"comparisons {percent(share)} have p < 0.05; 5 % would have it by chance."
    )


def geometry(link: pd.DataFrame, identity: pd.DataFrame, measure: str = "median_diameter_um") -> str:
    """Say what the descriptors know of the pores.

    Parameters
    ----------
    link : pandas.DataFrame
        As `pore_prediction.summarise` gives it.
    identity : pandas.DataFrame
        As `pore_prediction.identify` gives it.
    measure : str
        The pore measure to name the best predictor of.

    Returns
    -------
    str
        Markdown.
    """
    said = []
    r2 = link[(link["row"] == "r2") & (link["descriptor"] != control_registry.TAUGHT)]  # these know the labels
    r2 = r2.astype({measure: float}).dropna(subset=measure)
    for part, what in ((r2[r2["kind"] != "control"], "models"), (r2[r2["kind"] == "control"], "controls")):
        if len(part):
            best = part.loc[part[measure].idxmax()]
            said.append(f"Of the {what}, {best['descriptor']} predicts {measure} best (R² = {num(best[measure])}).")
    active = identity["active"].sum()
    said.append(f"{active} of {len(identity)} latent dimensions are active.")
    if identity["best_rho"].notna().any():
        top = identity.loc[identity["best_rho"].abs().idxmax()]
        said.append(
            f"Dimension {top['dimension']} of {top['kind']}-{top['latent_dim']} follows a pore measure most closely: "
            f"{top['best_measure']}, ρ = {num(top['best_rho'])} on train."
        )
    return " ".join(said)
