"""A run's tables as a reader sees them: what is shown of each, and how its values are written."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nanofoam_lib.base.language import MISSING, fixed, text, with_decimal_mark
from nanofoam_lib.base.score_names import BY_GROUP, FOREST
from nanofoam_lib.images import pore_verdicts
from nanofoam_lib.latent import fulfilment, inverse_design, property_axes, property_study
from nanofoam_lib.models import control_registry, kinds

#: What a reader asks of a trained model.
MODEL_COLUMNS = (
    "model", "steps", "skill_train", "skill_test", "skill_flat", "skill_pca", "contrast", "has_skill", "active",
    "test_reconstruction", "test_kl",
)  # fmt: skip

#: What a reader asks of an order, mean over its pictures; `noise` counts them.
ORDER_COLUMNS = (
    "picture", "measure", "wanted", "predicted", "got", "spread", "relative_error", "noise", "circularity",
    "extrapolation",
)  # fmt: skip

#: Rows of `pore_prediction.summarise` that are shown: over all images, on test, and within classes there.
R2 = ("r2", "r2_test", "r2_within")

#: What is shown of a table that is too long to be read; its file holds it all.
VIEWS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "geometry": lambda table: table[table["row"].isin(R2)].drop(columns=["id", "label", "group", "split"]),
    "properties": lambda table: _told_by_ridge(table),
    "dimensions": lambda table: table.sort_values("effect_size", ascending=False),
    "gradcam_checks": lambda table: table[table["dimension"].isna()],
    "latent_map": lambda table: table[table["shown"]],
    "models": lambda table: table[[name for name in MODEL_COLUMNS if name in table]],
    "design": lambda table: fulfilment.over_noise(table)[[*ORDER_COLUMNS]],
    "property_orders": lambda table: _orders_by_property(table),
    "property_walks": lambda table: property_axes.over_noise(table),
    "confusion": lambda table: table[table["classifier"] == FOREST],
    "clusters": lambda table: table.assign(cluster=table["cluster"] + 1),  # as figures and sentences count
}

#: Columns of the claims that hold the sentence in each language.
SENTENCES = {"en": "claim", "es": "claim_es"}

#: Views of tables that hold sentences.
IN_LANGUAGE: dict[str, Callable[[pd.DataFrame, str], pd.DataFrame]] = {
    "claims": lambda table, lang: _claims(table, lang),
    "pores": lambda table, lang: _pores(table, lang),
}

#: What columns of properties are headed, where those of pore measures are called the same and mean other images.
PROPERTY_HEADS = {"r2": "R²", "r2_within": "R² within classes"}

#: Said of a table that is not shown whole.
ROWS_OF = "{shown} of {all} rows; all are in {file}."

#: Tables of accuracies, and the columns in which rows agree that compete with each other.
RIVALS = {"table1": ["protocol", "latent_dim"], "controls": ["protocol"]}

#: Rows of generated pictures that are named by how they were drawn, not by a class.
WALKS = {"linear", "spherical", "prior"}

#: What rows are about, the first of these columns that there is: numbers of one column may have several units there.
ABOUT = ("measure", "target", "descriptor")
#: Columns of words that the library wrote.
WORDS = {
    "kind",
    "descriptor",
    "classifier",
    "protocol",
    "best_measure",
    "split",
    "check",
    "variant",
    "maps",
    "expected",
    "what",
    "picture",
    "measure",
    "features",
    "row",
    "against",
    "rival",
    "target",
    "statistic",
    "verdict",
    "method",
    "assumes",
    "by",
    "seek",
}


def sentences(claims: pd.DataFrame, lang: str = "en") -> "pd.Series[Any]":
    """Give the claims in the reader's language, or in English where a run of earlier days knows no other."""
    return claims[SENTENCES[lang] if SENTENCES[lang] in claims else "claim"]


def _claims(table, lang):
    """Show each claim in the reader's language, in the place of its id."""
    shown = table.drop(columns=[*SENTENCES.values()], errors="ignore").rename(columns={"id": "claim"})
    return shown.assign(claim=sentences(table, lang), table=table["table"].astype(str) + ".csv")


def _pores(table, lang):
    """Say in the reader's language what is doubtful about a picture."""
    said = ["; ".join(pore_verdicts.recorded(written, lang)) for written in table["reasons"].fillna("").astype(str)]
    return table.drop(columns=["id", "group", "why"]).assign(reasons=said)


def _told_by_ridge(table):
    """Show what claims are made of, under headings that are not those of pore measures."""
    shown = table[table["model"] == property_study.NAMED]
    return shown[property_study.COLUMNS[:12]].rename(columns=PROPERTY_HEADS)


def _orders_by_property(table):
    """Show orders of properties, means over their pictures, with what the regression says of these."""
    same = ["picture", "measure", "order"]
    said = table.groupby(same, sort=False).agg(
        {"by": "first", **dict.fromkeys(("encoded", "pi_low", "pi_high"), "mean")}
    )
    return fulfilment.over_noise(table).join(said, on=same)[[*ORDER_COLUMNS, fulfilment.OUT_OF_REACH, *said]]


def view(name: str, table: pd.DataFrame, lang: str = "en") -> pd.DataFrame:
    """Choose what is shown of the table `name`, which may be that of any kind of model (`kinds.of_kind`)."""
    if name in IN_LANGUAGE:
        return IN_LANGUAGE[name](table, lang)
    for base, chosen in VIEWS.items():
        if name in {base, *(kinds.of_kind(base, kind) for kind in kinds.known())}:
            return chosen(table)
    return table


def by_group(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose the rows of a table of accuracies or confusions that are split by group, not the leaky ones."""
    return scores[scores["protocol"] == BY_GROUP]


def headline(
    scores: pd.DataFrame,
    kind: str | None = None,
    latent_dim: int | None = None,
    descriptor: str | None = None,
    classifiers: Sequence[str] = (FOREST,),
) -> pd.DataFrame:
    """Choose the rows that a reader asks for first: those of a random forest, split by group.

    Parameters
    ----------
    scores : pandas.DataFrame
        Accuracies or confusions: columns classifier and protocol, and those that are asked for.
    kind, descriptor : str, optional
    latent_dim : int, optional
        Only rows of these; of all if not given.
    classifiers : sequence of str
        Others than the random forest.

    Returns
    -------
    pandas.DataFrame
        In the order of `scores`.

    Examples
    --------
    >>> columns = ["descriptor", "classifier", "protocol", "accuracy"]
    >>> rows = [("mu", "random forest", "by-group", 0.6), ("mu", "random forest", "thesis (leaky)", 0.9)]
    >>> headline(pd.DataFrame(rows, columns=columns), descriptor="mu")["accuracy"].tolist()
    [0.6]
    """
    rows = by_group(scores)
    rows = rows[rows["classifier"].isin(classifiers)]
    for column, wanted in {"kind": kind, "latent_dim": latent_dim, "descriptor": descriptor}.items():
        if wanted is not None:
            rows = rows[rows[column] == wanted]
    return rows


def best(name: str, table: pd.DataFrame) -> list[bool]:
    """Tell which rows of a table of accuracies lie above all rivals, by more than their interval: list of bool."""
    if name not in RIVALS or not len(table):
        return [False] * len(table)
    # What has seen the labels competes with none
    accuracy = table["accuracy"].where(~table["descriptor"].isin(control_registry.taught()))
    rivals = accuracy.groupby([table[column] for column in RIVALS[name]])
    return list((accuracy == rivals.transform("max")) & (table["ci_low"] > rivals.transform(_second)))


def _second(values):
    """Give the second largest value, or none below all others."""
    return values.nlargest(2).iloc[-1] if values.count() > 1 else -math.inf


def condense(frame: pd.DataFrame, lang: str) -> tuple[pd.DataFrame, str]:
    """Leave out the columns that are empty, and those that hold one value for all of several rows.

    Parameters
    ----------
    frame : pandas.DataFrame
    lang : {"en", "es"}

    Returns
    -------
    frame : pandas.DataFrame
    said : str
        What the constant columns hold, for the caption; "" if there are none.
    """
    frame = frame.loc[:, frame.notna().any() | frame.empty]
    varying = [name for name in frame if len(frame) < 2 or len(frame[name].drop_duplicates()) > 1]
    constant = [name for name in frame if name not in {*varying, *interval(frame)}]
    if not constant or len(constant) == frame.shape[1]:
        return frame, ""
    first = cells(frame[constant].head(1), lang).iloc[0]
    # The caption names the data set anyway
    said = [f"{text(name, lang)}: {first[name]}" for name in constant if name != "data" and first[name]]
    return frame.drop(columns=constant), text("All rows: {}.", lang).format("; ".join(said)) if said else ""


def interval(frame: pd.DataFrame) -> list[str]:
    """Name the columns of an estimate and its interval: [estimate, "ci_low", "ci_high"], or [] if there are none."""
    columns = list(frame)
    if not {"ci_low", "ci_high"} <= set(columns):
        return []
    return [columns[columns.index("ci_low") - 1], "ci_low", "ci_high"]


def cells(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Write the values of a table: numbers of one column with as many decimals, the largest with three digits or more.

    Where rows are `ABOUT` several things, whose numbers need decimals more than one apart, each has its own.

    Parameters
    ----------
    frame : pandas.DataFrame
    lang : {"en", "es"}
        Spanish has a decimal comma.

    Returns
    -------
    pandas.DataFrame
        Of str, same shape.

    Examples
    --------
    >>> cells(pd.DataFrame({"r": [12.345, -0.5], "active": [True, False]}), "es").to_numpy().tolist()
    [['12,3', 'sí'], ['−0,5', 'no']]
    >>> cells(pd.DataFrame({"measure": ["density", "porosity"], "wanted": [335.5, 0.4125]}), "en")["wanted"].tolist()
    ['336', '0.412']
    """
    about = next((frame[name].astype(str) for name in ABOUT if name in frame), pd.Series("", frame.index))
    return frame.apply(lambda column: pd.Series(_written(column, lang, about), index=frame.index, dtype=object))


def readable(name: str, table: pd.DataFrame, lang: str = "en") -> pd.DataFrame:
    """Give the table `name` as a person reads it, for a notebook to show.

    Parameters
    ----------
    name : str
        Of the table, which chooses what is shown of it (`view`); of others all is shown.
    table : pandas.DataFrame
    lang : {"en", "es"}

    Returns
    -------
    pandas.DataFrame
        Of str under headings in words, its first column as the index.

    Examples
    --------
    >>> readable("", pd.DataFrame({"class": ["a", "b"], "median_diameter_um": [22.85, 26.0]}), "es").columns.tolist()
    ['diámetro mediano (µm)']
    """
    shown, _ = condense(view(name, table, lang), lang)
    written = cells(shown, lang).set_axis([head(column, lang) for column in shown], axis=1)
    return written.set_index(written.columns[0])


def _written(column, lang, about):
    if pd.api.types.is_bool_dtype(column):
        return [text("yes" if value else "no", lang) for value in column]
    if pd.api.types.is_float_dtype(column):
        of_each = {name: _decimals(own) for name, own in column.groupby(about)}
        if max(of_each.values(), default=0) - min(of_each.values(), default=0) <= 1:
            of_each = dict.fromkeys(of_each, _decimals(column))
        return [fixed(value, lang, of_each[name]) for name, value in zip(about, column, strict=True)]
    texts = column.astype(object).fillna(MISSING).astype(str)
    if column.name == "model":
        return [kinds.called(name, lang) for name in texts]
    if column.name == "series":
        return [series(word, lang) for word in texts]
    return [value(word, lang) for word in texts] if column.name in WORDS else list(texts)


def value(word: str, lang: str = "en") -> str:
    """Give a word that the library writes into tables, such as a descriptor, in the reader's language."""
    return control_registry.labels(lang).get(word) or text(word, lang)


def series(name: str, lang: str = "en") -> str:
    """Name a row of generated pictures: a walk, or a measure that was ordered and its value; a class keeps its name.

    Examples
    --------
    >>> series("spherical", "es"), series("porosity 0.4", "es"), series("test", "es")
    ('esférica', 'porosidad 0,4', 'test')
    """
    first, space, number = name.partition(" ")
    if name in WALKS or first in inverse_design.MEASURES:
        return f"{text(first, lang)}{space}{with_decimal_mark(number, lang)}"
    return name


def head(name: str, lang: str = "en") -> str:
    """Give the heading of a column in the reader's language; those of repetitions hold a number: "seed_3"."""
    word, _, number = str(name).rpartition("_")
    return f"{text(word, lang)} {number}" if word == "seed" else text(name, lang)


def _decimals(column):
    """Count the decimals that give the largest value three digits; none are needed by whole numbers."""
    column = column[np.isfinite(column)]
    largest = column.abs().max()
    if not largest > 0 or (column.dropna() % 1 == 0).all():
        return 0
    return min(max(3 - math.ceil(math.log10(largest)), 0), 8)
