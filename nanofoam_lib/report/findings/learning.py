"""The data set, and how training went."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.report.findings.phrases import count


def data(index: pd.DataFrame, n_pairs: int, n_left_out: int, name: str, test_fraction: float) -> str:
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
        f"On both sides: {count(both, 'group')}, and {count(n_pairs, 'pair')} of images that show the same picture. "
        f"Left out as bad: {count(n_left_out, 'image')}."
    )


def models(summary: pd.DataFrame) -> str:
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


def classifier(history: pd.DataFrame, classes: NDArray[Any]) -> str:
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
