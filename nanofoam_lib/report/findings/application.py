"""What came of taking new micrographs through a finished run, in both languages."""

from typing import Any

import numpy as np
import pandas as pd

from nanofoam_lib.base import units
from nanofoam_lib.base.language import number, percent, percentage, quantity, text
from nanofoam_lib.figures import style
from nanofoam_lib.latent import conformal, intervals
from nanofoam_lib.models import kinds
from nanofoam_lib.report.tables import headline

_DONE = "{n} micrographs were taken through the run {run}, as it read its own. Nothing was trained."
_TOLD = (
    "Classes are told by a random forest on {descriptor}, fitted to the run's train images: of the descriptors that "
    "were named beforehand, the one that tells train specimens best when others are learnt from."
)
_SCORE = "On the run's held-out specimens it is right for {accuracy} ({low} to {high}) of the images."
_COUNTS = "Told as {counts}."
_AGREE = (
    "Of {n} images in folders that are called as a class, {hits} are told as their folder says: {share} ({low} to "
    "{high}, 95 % over specimens)."
)
_OFF = (
    "**{off} of {n} images lie off what the run has seen**, by their distance to its train images in {descriptor}. At "
    "this level {rate} of the images of new specimens like the run's own would be called so by chance ({groups} "
    "held-out specimens); of what lies off, nothing else on this page is to be believed."
)
_IN_RUN = (
    "{n} images are files that the run has seen already, {train} of them in training: what is told of these is no "
    "evidence."
)
_PROPERTIES = (
    "Properties are predicted by ridge regression on {descriptor}, from all specimens of the run of which they are "
    "known; with intervals that hold the value of a new specimen like these in {level} of cases: {told}."
)
_BY_PORES = (
    "Properties are predicted by ridge regression on the pores as {descriptor} tells them, from all specimens of the "
    "run of which they are known; with intervals that hold the value of a new specimen like these in {level} of cases: "
    "{told}."
)
_PROPERTY = "{name} ± {half} {unit} ({n} specimens)"
_ONE_CLASS = "The run has one class, so that no classes are told."


def application(
    predictions: pd.DataFrame, facts: dict[str, Any], table1: pd.DataFrame | None = None, lang: str = "en"
) -> list[str]:
    """Say what new micrographs are, as far as the run can tell.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As ``nanofoam apply`` writes them.
    facts : dict
        ``run``, its name; ``told_by`` and ``placed_by``, descriptors as (kind, latent_dim, name); ``level`` and
        ``n_groups`` of the detector; ``properties``, dict of name to half-width and number of specimens;
        ``by_pores``, whether these are told through the pores.
    table1 : pandas.DataFrame, optional
        That of the run.
    lang : {"en", "es"}

    Returns
    -------
    list of str
        Markdown.
    """
    said = [text(_DONE, lang).format(n=len(predictions), run=facts["run"])]
    if "predicted_class" in predictions:
        said.append(_of_classes(predictions, facts, table1, lang))
    else:
        said.append(text(_ONE_CLASS, lang))
    if facts.get("properties"):
        said.append(_of_properties(facts, lang))
    said.append(
        text(_OFF, lang).format(
            off=int(predictions["off_manifold"].sum()), n=len(predictions), descriptor=_name(facts["placed_by"], lang),
            rate=_share(1 - facts["level"], lang), groups=facts["n_groups"],
        )
    )  # fmt: skip
    seen = predictions["in_run"] != ""
    if seen.any():
        train = int((predictions["in_run"] == "train").sum())
        said.append(text(_IN_RUN, lang).format(n=int(seen.sum()), train=train))
    return said


def _of_classes(predictions, facts, table1, lang):
    told = [text(_TOLD, lang).format(descriptor=_name(facts["told_by"], lang))]
    if table1 is not None:
        own = headline(table1)
        keys = ["kind", "latent_dim", "descriptor"]
        row = own[(own[keys] == list(facts["told_by"])).all(axis=1)].iloc[0]
        shares = {key: _share(row[name], lang) for key, name in _LIMITS.items()}
        told.append(text(_SCORE, lang).format(**shares))
    counts = predictions["predicted_class"].value_counts().sort_index()
    told.append(text(_COUNTS, lang).format(counts=", ".join(f"{label}: {n}" for label, n in counts.items())))
    labelled = predictions[predictions["label"] != ""]
    if len(labelled):
        hit = (labelled["predicted_class"] == labelled["label"]).to_numpy(bool)
        low, high = intervals.interval(hit, labelled["group"])
        shares = {"share": _share(hit.mean(), lang), "low": _share(low, lang), "high": _share(high, lang)}
        told.append(text(_AGREE, lang).format(n=len(hit), hits=int(hit.sum()), **shares))
    return " ".join(told)


def _of_properties(facts, lang):
    told = [
        text(_PROPERTY, lang).format(
            name=quantity(name, lang), half=number(half, lang, 2), unit=units.of_name(name), n=n
        )
        for name, (half, n) in facts["properties"].items()
    ]
    level = _share(conformal.LEVEL, lang)
    descriptor = _name(facts["placed_by"], lang)
    phrase = _BY_PORES if facts.get("by_pores") else _PROPERTIES
    return text(phrase, lang).format(descriptor=descriptor, level=level, told="; ".join(told))


_LIMITS = {"accuracy": "accuracy", "low": "ci_low", "high": "ci_high"}


def _name(key, lang):
    kind, dim, name = key
    return f"{style.SYMBOLS.get(name, name)} ({kinds.model_name(kind, dim, lang)})"


def _share(value, lang):
    return percent(
        percentage(value) if value >= 0.1 or not np.isfinite(value) else f"{number(100 * value, lang, 2)}%", lang
    )
