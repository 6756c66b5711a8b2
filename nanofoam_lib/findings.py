"""What the tables say, in sentences computed from their numbers: for the notebooks and the report."""

import pandas as pd


def data(index, n_pairs, n_left_out, name, test_fraction):
    """Sum up a data set and its split.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `label`, `group`, `split`.
    n_pairs : int
        Pairs across the split that show the same picture.
    n_left_out : int
        Images that were left out as bad.
    name : str
    test_fraction : float
        The share that was asked for.

    Returns
    -------
    str
        Markdown.
    """
    both = index.groupby("group")["split"].nunique().gt(1).sum()
    share = (index["split"] == "test").mean()
    return (
        f"{len(index)} images of {name} in {index['label'].nunique()} classes and {index['group'].nunique()} groups; "
        f"{share:.0%} are held out ({test_fraction:.0%} asked for, as nearly as whole groups allow). "
        f"On both sides: {_count(both, 'group')}, and {_count(n_pairs, 'pair')} of images that show the same picture. "
        f"Left out as bad: {_count(n_left_out, 'image')}."
    )


def models(summary):
    """Sum up trained models.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `training.summarise` gives it.

    Returns
    -------
    str
        Markdown.
    """
    said = []
    for row in summary.itertuples():
        gap = row.test_reconstruction / row.reconstruction - 1
        part = f"**{row.model}** reconstructs test images {abs(gap):.1%} {'worse' if gap > 0 else 'better'} than train"
        part += f"; its test loss was lowest in epoch {row.best_epoch} of {row.epochs}"
        said.append(part if pd.isna(row.active) else f"{part}; {row.active} latent dimensions are active")
    return ". ".join(said) + "."


def classifier(history, classes):
    """Say how well a classifier that was told the labels names those of unseen images.

    Parameters
    ----------
    history : pandas.DataFrame
        As `training.fit_classifier` gives it.
    classes : ndarray of int
        Of the test images.

    Returns
    -------
    str
        Markdown.
    """
    last = history.iloc[-1]
    chance = pd.Series(classes).value_counts(normalize=True).max()
    verdict = "more often than" if last["test_accuracy"] > chance else "**no more often than**"
    return (
        f"After {len(history)} epochs the classifier names {last['accuracy']:.0%} of the train images and "
        f"{last['test_accuracy']:.0%} of the {len(classes)} test images right, {verdict} naming the largest class "
        f"would ({chance:.0%})."
    )


def controls(scores, chance):
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
    """
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
        f"Best of the models is **{best['descriptor']} of {best['kind']}-{best['latent_dim']}**, {_interval(best)}; "
        f"naming the largest class scores {chance:.2f}.{guessing} Best of the controls is **{rival['descriptor']}**, "
        f"{_interval(rival)}. {verdict}"
    )


def projections(pca, lda):
    """Say what the 2-D pictures hold: dicts of descriptor → `projection.Projection`."""
    shares = ", ".join(f"{name} {found.explained.sum():.0%}" for name, found in pca.items())
    notes = "; ".join(f"{name}: {found.note}" for name, found in lda.items() if found.note)
    return f"The two principal components hold of the variance: {shares}. LDA {f'on {notes}' if notes else 'as it is'}."


def separation(table):
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
        f"{top['kind']}-{top['latent_dim']}: R = {top['r']:.3f}, p = {top['p_value']:.3f}. Of {len(table)} comparisons "
        f"{share:.0%} have p < 0.05; 5 % would have it by chance."
    )


def geometry(link, identity, measure="median_diameter_um"):
    """Say what the descriptors know of the pores.

    Parameters
    ----------
    link : pandas.DataFrame
        As `geometry.summarise` gives it.
    identity : pandas.DataFrame
        As `geometry.identify` gives it.
    measure : str
        The pore measure to name the best predictor of.

    Returns
    -------
    str
        Markdown.
    """
    said = []
    r2 = link[link["row"] == "r2"].astype({measure: float}).dropna(subset=measure)
    for part, what in ((r2[r2["kind"] != "control"], "models"), (r2[r2["kind"] == "control"], "controls")):
        if len(part):
            best = part.loc[part[measure].idxmax()]
            said.append(f"Of the {what}, {best['descriptor']} predicts {measure} best (R² = {best[measure]:.2f}).")
    active = identity["active"].sum()
    said.append(f"{active} of {len(identity)} latent dimensions are active.")
    if identity["best_rho"].notna().any():
        top = identity.loc[identity["best_rho"].abs().idxmax()]
        said.append(
            f"Dimension {top['dimension']} of {top['kind']}-{top['latent_dim']} follows a pore measure most closely: "
            f"{top['best_measure']}, ρ = {top['best_rho']:.2f} on train."
        )
    return " ".join(said)


def _count(n, noun):
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def _interval(row):
    return f"{row['accuracy']:.2f} (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f})"
