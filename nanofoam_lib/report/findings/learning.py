"""The data set, and how training went."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base.language import data_set
from nanofoam_lib.base.messages import message
from nanofoam_lib.images import treatment
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import capital, count, num, percent, say

_DATA = (
    "{n} images of {name} in {classes} and {groups} groups; {share} are held out ({asked} asked for, as nearly "
    "as whole groups allow). On both sides: {both}, and {pairs} of images that show the same picture. Left out as bad: "
    "{left_out}."
)
_EACH_ALONE = (
    "**Every image counts as a specimen of its own.** Where several show the same one, accuracies are too good until "
    "they are grouped: in subfolders, or by the column `group` of metadata.csv."
)
_NO_SKILL = (
    "**{model}**, after {steps} steps, **has no skill** ({test}, a flat grey {flat}): its pictures are noise; on train "
    "images {train}"
)
_TEXTURES = (
    "**{model}**, after {steps} steps, draws textures of test images with a skill of {test}; on train images {train}"
)
_ABOVE = (
    "**{model}**, after {steps} steps, draws test images with a skill of {test}, {gain} above as many principal "
    "components, and {contrast} of their contrast; on train images {train}"
)
_BELOW = (
    "**{model}**, after {steps} steps, draws test images with a skill of {test}, {gain} **below** as many principal "
    "components, and {contrast} of their contrast; on train images {train}"
)
_ACTIVE = "{told}; {active} of {all} latent dimensions are active"
_WITHOUT = "**Without skill: {models}.** What is drawn or read from it below illustrates noise."
_BETTER = (
    "After {epochs} epochs the classifier names {train} of the train images and {test} of the {n} test images right, "
    "more often than naming the largest class would ({chance})."
)
_NO_BETTER = (
    "After {epochs} epochs the classifier names {train} of the train images and {test} of the {n} test images right, "
    "**no more often than** naming the largest class would ({chance})."
)


def data(index: pd.DataFrame, n_pairs: int, n_left_out: int, name: str, test_fraction: float, lang: str = "en") -> str:
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
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    both = index.groupby("group")["split"].nunique().gt(1).sum()
    told = say(
        _DATA, lang, n=len(index), name=data_set(name, lang), classes=count(index["label"].nunique(), "class", lang),
        groups=index["group"].nunique(), share=percent((index["split"] == "test").mean(), lang),
        asked=percent(test_fraction, lang), both=count(both, "group", lang), pairs=count(n_pairs, "pair", lang),
        left_out=count(n_left_out, "image", lang),
    )  # fmt: skip
    alone = [say(_EACH_ALONE, lang)] if index["group"].is_unique else []
    return " ".join([told, *alone, *_treatment(index, lang)])


def _treatment(index, lang):
    """Say what was made of the pixels, of a run whose index knows it."""
    facts = treatment.describe(index) if "pixel_size_from" in index else []
    return [f"{capital(message(fact, lang))}." for fact in facts]


def models(summary: pd.DataFrame, lang: str = "en") -> str:
    """Say of each model what it can do, those with skill first.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `skill.summarise` gives it.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    leading = summary.sort_values("has_skill", ascending=False, kind="stable")
    return "\n".join(f"- {_of_model(row, lang)}." for row in leading.itertuples())


def _of_model(row, lang):
    gain = row.skill_test - row.skill_pca
    told = say(
        _skill(row, gain), lang, model=kinds.called(row.model, lang), steps=row.steps, test=num(row.skill_test, lang),
        flat=num(row.skill_flat, lang), gain=num(abs(gain), lang), contrast=percent(row.contrast, lang),
        train=num(row.skill_train, lang),
    )  # fmt: skip
    return told if pd.isna(row.active) else say(_ACTIVE, lang, told=told, active=row.active, all=row.latent_dim)


def _skill(row, gain):
    """Choose the phrase on what a model can do."""
    if not row.has_skill:
        return _NO_SKILL
    if pd.isna(row.skill_pca):
        return _TEXTURES
    return _ABOVE if gain > 0 else _BELOW


def without_skill(summary: pd.DataFrame, lang: str = "en") -> str:
    """Warn of what is drawn from models that have no skill.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `skill.summarise` gives it.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown, to stand above the figures; "" if all models have some.
    """
    names = summary.loc[~summary["has_skill"].astype(bool), "model"]
    return say(_WITHOUT, lang, models=", ".join(kinds.called(name, lang) for name in names)) if len(names) else ""


def classifier(history: pd.DataFrame, classes: NDArray[Any], lang: str = "en") -> str:
    """Say how well a classifier that was told the labels names those of unseen images.

    Parameters
    ----------
    history : pandas.DataFrame
        As `training.fit_classifier` gives it.
    classes : ndarray of int
        Of the test images.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    last = history.iloc[-1]
    chance = pd.Series(classes).value_counts(normalize=True).max()
    shares = {"train": last["accuracy"], "test": last["test_accuracy"], "chance": chance}
    return say(
        _BETTER if last["test_accuracy"] > chance else _NO_BETTER, lang, epochs=len(history), n=len(classes),
        **{name: percent(share, lang) for name, share in shares.items()},
    )  # fmt: skip
