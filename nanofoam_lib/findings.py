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
        "supervised features" know the labels: they are an upper bound, not a control.
    """
    scores = scores[scores["descriptor"] != "supervised features"]
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


def supervision(scores, chance):
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
        f"The same convolutions trained with labels reach {_interval(taught)}; naming the largest class {chance:.2f}. "
        f"That is {abs(gap):.2f} {'more' if gap > 0 else 'less'} than the best descriptor learnt without labels "
        f"({best['descriptor']} of {best['kind']}-{best['latent_dim']:.0f} with {best['classifier']})."
    )


def average_maps(maps, labels, dims):
    """Say for which class each dimension's map is strongest, and how much of it lies at the edge.

    Parameters
    ----------
    maps : ndarray, shape (C, h, w, D + 1)
        Class-average maps; last the mean map.
    labels : sequence of str, length C
    dims : sequence of int, length D

    Returns
    -------
    str
        Markdown. The edge is the outermost cells of the map.
    """
    strength = maps.mean(axis=(1, 2))
    said = []
    for d, dim in enumerate(dims):
        if strength[:, d].any():
            high, low = strength[:, d].argmax(), strength[:, d].argmin()
            times = f"{strength[high, d] / strength[low, d]:.1f} times" if strength[low, d] else "infinitely"
            said.append(f"dimension {dim} responds most to {labels[high]} ({times} as much as to {labels[low]})")
        else:
            said.append(f"dimension {dim} has no map")
    total, inner = maps.sum(), maps[:, 1:-1, 1:-1].sum()
    share = f" {1 - inner / total:.0%} of all maps lies in their outermost cells, " if total else ""
    cells = 1 - (maps.shape[1] - 2) * (maps.shape[2] - 2) / (maps.shape[1] * maps.shape[2])
    return f"{'; '.join(said).capitalize()}.{share}{f'which are {cells:.0%} of the area.' if total else ''}"


def map_checks(table):
    """Say whether the maps can be trusted, check by check, and which dimensions look at what.

    Parameters
    ----------
    table : pandas.DataFrame
        As `map_checks.summarise` gives it.

    Returns
    -------
    str
        Markdown.
    """
    whole = table[table["dimension"].isna() & table["value"].notna()]
    if whole.empty:
        return "**No map is other than zero**: there is nothing to check."
    said = [_sum_up_check(check, rows) for check, rows in whole.groupby("check", sort=False)]
    zones = table[(table["check"] == "localisation") & table["dimension"].notna() & table["value"].notna()]
    far = zones[(zones["ci_low"] > 1) & (zones["variant"] != "image edge")]
    seen = [
        f"dimension {row.dimension} at {row.variant} ({row.value:.1f} × their share)"
        for row in far.sort_values("value", ascending=False).drop_duplicates("dimension").itertuples()
    ]
    said.append(f"More than chance allows look: {', '.join(seen)}." if seen else "No dimension prefers a zone.")
    return "\n".join(f"- {sentence}" for sentence in said)


def _sum_up_check(check, rows):
    values = ", ".join(
        f"{row.variant} {row.value:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})" for row in rows.itertuples()
    )
    verdicts = {
        "deletion": (rows["ci_low"] > 1, "erasing what the map marks moves the latent farther", "it need not matter"),
        "randomisation": (rows["value"].abs() < 0.5, "the maps depend on what was learnt", "they survive shuffling"),
        "stability": (rows["value"] > 0.5, "the maps go with the structure", "they do not"),
        "localisation": (rows["ci_low"] > 1, "every zone is preferred", "not all zones are preferred"),
    }
    holds, yes, no = verdicts[check]
    verdict = yes if holds.all() else f"{no} ({', '.join(rows['variant'][~holds])})"
    return f"**{check}** ({rows['expected'].iloc[0]}): {values}" + ("." if check == "localisation" else f"; {verdict}.")


def _count(n, noun):
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def _interval(row):
    return f"{row['accuracy']:.2f} (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f})"


def gauge(gauge, real):
    """Say what the off-manifold gauge measures on real held-out images.

    Parameters
    ----------
    gauge : latent.Gauge
    real : pandas.DataFrame
        What `latent.measure` gives for the held-out images.

    Returns
    -------
    str
        Markdown.
    """
    return (
        f"Of {_count(len(real), 'real held-out image')}, the median lies {real['distance'].median():.2f} times as far "
        f"from its nearest train images as these lie from theirs, and comes back {real['cycle_error'].median():.2f} "
        f"such spacings from where it was decoded. Beyond the 99th percentile, {gauge.max_distance:.2f} or "
        f"{gauge.max_cycle_error:.2f}, a generated picture is marked as extrapolation; so are "
        f"{real['extrapolation'].mean():.0%} of the real ones."
    )


def latent_map(points, measures, names):
    """Say which pore measures change along the axes of the latent maps.

    Parameters
    ----------
    points : pandas.DataFrame
        As `projection.points` gives it; the test images count.
    measures : pandas.DataFrame
        Pore measures of all images; row `id` is that of a point.
    names : sequence of str
        The measures to look at.

    Returns
    -------
    str
        Markdown, with Spearman's rank correlation ρ of the axis that follows each measure most closely.
    """
    said = []
    for name, own in points[points["split"] == "test"].groupby("descriptor"):
        values = measures.iloc[own["id"]][list(names)].set_axis(own.index)
        rho = own[["x", "y"]].rename(columns={"x": 1, "y": 2}).apply(values.corrwith, method="spearman").dropna()
        closest = [
            f"{measure} along axis {row.abs().idxmax()} (ρ = {row[row.abs().idxmax()]:.2f})"
            for measure, row in rho.iterrows()
        ]
        said.append(f"On the map of {name}, test images change in {', '.join(closest) or 'no known pore measure'}")
    return ". ".join(said) + "."


def generated(table):
    """Say which walks through the latent space stay among real images, and whether there is anything to see.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `series`, `distance`, `extrapolation`, `contrast`: the pictures of one figure.

    Returns
    -------
    str
        Markdown.
    """
    if table.empty:
        return "Nothing was decoded."
    beyond = table["extrapolation"].astype(bool)
    rows = table.assign(beyond=beyond).groupby("series", sort=False)["beyond"].agg(["sum", "size"])
    where = ", ".join(f"{name} {row['sum']} of {row['size']}" for name, row in rows.iterrows() if row["sum"])
    contrast = table["contrast"].median()
    verdict = " They are **too pale to pass for foams**, whatever their gauge says." if contrast < 0.5 else ""
    return (
        f"{(~beyond).sum()} of {_count(len(table), 'picture')} lie among real images; the farthest point is "
        f"{table['distance'].max():.2f} spacings out. {f'Extrapolation: {where}. ' if where else ''}The pictures have "
        f"{contrast:.0%} of the contrast of real ones (median).{verdict}"
    )


def design(summary):
    """Say plainly how well foams can be made to order.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `design.summarise` gives it.

    Returns
    -------
    str
        Markdown, one item per measure. "Works" is said if the order of the wanted values comes back (rank correlation
        above 0.8) with a median error below 10 %; "the direction is right, the values are not" if the order alone does.
    """
    return "\n".join(f"- {_verdict(row)}" for row in summary.itertuples()) or "No pore measure is known to order by."


def _verdict(row):
    if not row.rank_correlation > 0.8:
        verdict = "Ordering it **does not work**"
    elif row.designed < 0.1:
        verdict = "Ordering it **works**"
    else:
        verdict = "**The direction is right, the values are not**"
    without = f" In {_count(row.without_pores, 'picture')} there are no pores at all." if row.without_pores else ""
    return (
        f"{verdict}: {row.measure}, where {_count(row.orders, 'decoded picture')} miss what was wanted by "
        f"{row.designed:.0%} (median; rank correlation of wanted and got {row.rank_correlation:.2f}).{without} The "
        f"regression has R² = {row.r2:.2f} on held-out images; their reconstructions miss by {row.reconstruction:.0%}, "
        f"they themselves, reduced to 128×128, by {row.real:.0%}."
    )
