"""The data set, and how training went."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.images import treatment
from nanofoam_lib.report.findings.phrases import count, num, percent


def data(index: pd.DataFrame, n_pairs: int, n_left_out: int, name: str, test_fraction: float) -> str:
    """Sum up a data set and its split.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `label`, `group`, `split`, and those of `treatment.describe`.
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
    share, n = (index["split"] == "test").mean(), index["label"].nunique()
    return (
        f"{len(index)} images of {name} in {n} class{'es' * (n != 1)} and {index['group'].nunique()} groups; "
        f"{percent(share)} are held out ({percent(test_fraction)} asked for, as nearly as whole groups allow). "
        f"On both sides: {count(both, 'group')}, and {count(n_pairs, 'pair')} of images that show the same picture. "
        f"Left out as bad: {count(n_left_out, 'image')}.{_treatment(index)}"
    )


def _treatment(index):
    """Say what was made of the pixels, of a run whose index knows it."""
    facts = treatment.describe(index) if "pixel_size_from" in index else []
    return "".join(f" {fact[0].upper()}{fact[1:]}." for fact in facts)


def models(summary: pd.DataFrame) -> str:
    """Say of each model what it can do, those with skill first.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `skill.summarise` gives it.

    Returns
    -------
    str
        Markdown.
    """
    leading = summary.sort_values("has_skill", ascending=False, kind="stable")
    return "\n".join(f"- {_of_model(row)}." for row in leading.itertuples())


def _of_model(row):
    said = f"**{row.model}**, after {row.steps} steps, {_skill(row)}; on train images {num(row.skill_train)}"
    return said if pd.isna(row.active) else f"{said}; {row.active} of {row.latent_dim} latent dimensions are active"


def _skill(row):
    if not row.has_skill:
        return f"**has no skill** ({num(row.skill_test)}, a flat grey {num(row.skill_flat)}): its pictures are noise"
    if pd.isna(row.skill_pca):
        return f"draws textures of test images with a skill of {num(row.skill_test)}"
    gain = row.skill_test - row.skill_pca
    beside = f"{num(abs(gain))} {'above' if gain > 0 else '**below**'} as many principal components"
    contrast = f"{percent(row.contrast)} of their contrast"
    return f"draws test images with a skill of {num(row.skill_test)}, {beside}, and {contrast}"


def without_skill(summary: pd.DataFrame) -> str:
    """Warn of what is drawn from models that have no skill.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `skill.summarise` gives it.

    Returns
    -------
    str
        Markdown, to stand above the figures; "" if all models have some.
    """
    names = summary.loc[~summary["has_skill"].astype(bool), "model"]
    if not len(names):
        return ""
    return f"**Without skill: {', '.join(names)}.** What is drawn or read from it below illustrates noise."


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
        f"After {len(history)} epochs the classifier names {percent(last['accuracy'])} of the train images and "
        f"{percent(last['test_accuracy'])} of the {len(classes)} test images right, {verdict} naming the largest class "
        f"would ({percent(chance)})."
    )
