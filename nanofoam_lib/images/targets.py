"""Which columns beside the images are properties of specimens, in which unit, and what cannot be used."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from nanofoam_lib.base import safe_names
from nanofoam_lib.images import metadata

#: What is known of the pores of an image before it is drawn, where its metadata say so: those of synthetic foam do.
TRUTH = ("porosity", "density_per_mm2", "median_diameter_um", "n_pores")
#: Further columns of numbers that are no property: seeds, and other names of specimens.
_NAMES = {"seed", "id", *metadata.SYNONYMS["path"], *metadata.SYNONYMS["group"]}


class Targets(NamedTuple):
    """The properties of a data folder's specimens."""

    table: pd.DataFrame  # a row per image, a column per property, float; NaN where unknown
    said: list[str]  # what is not used, or not of all images, and why


def of_index(index: pd.DataFrame, fewest: int = 10) -> Targets:
    """Find the properties among the columns of a run's index, or of a data folder's list of images.

    Parameters
    ----------
    index : pandas.DataFrame
        A row per image: ``group`` (its specimen), and all further columns of the metadata.
    fewest : int
        Specimens of which a property must be known so that anything can be claimed of it.

    Returns
    -------
    Targets
        Every further column that holds numbers, but for the truth of synthetic structures and other names of specimens.
        Columns of text, without values, or of one value for all are left out, with a sentence.
    """
    ours = {*metadata.INDEX_COLUMNS, *metadata.SYNONYMS, *TRUTH, *_NAMES}
    values, said, texts = {}, [], []
    for name in index.columns:
        if name in ours or str(name).casefold() in ours:
            continue
        numbers, odd = _numbers(index[name])
        if odd and not np.isfinite(numbers).any():
            texts.append(name)
        elif told := _unusable(name, numbers, odd, index["group"]):
            said.append(told)
        else:
            values[name] = numbers
            said += _incomplete(name, numbers, index["group"], fewest)
    if texts:
        said.append(f"{_list(texts)}: text, and so no property")
    return Targets(pd.DataFrame(values, index=index.index, dtype=float), said)


def _numbers(column):
    """Read a column as numbers, NaN where nothing is known; and what stands there instead of numbers."""
    if column.dtype == bool:
        return np.full(len(column), np.nan), ["True"]
    written = column.astype(object).where(column.notna(), "")
    unknown = [str(cell).strip().casefold() in metadata.UNKNOWN for cell in written]
    numbers = pd.to_numeric(written.mask(unknown, np.nan), errors="coerce").to_numpy(float)
    odd = [
        str(cell) for cell, none, number in zip(written, unknown, numbers, strict=True) if not none and number != number
    ]
    if not odd and any(re.match(r"[+-]?0\d", str(cell)) for cell in written):  # a batch, not a number to reckon with
        odd, numbers = [str(written.iloc[0])], np.full(len(column), np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan), odd


def _unusable(name, numbers, odd, groups):
    """Say why a column of numbers is not used; "" if it is."""
    shown = safe_names.shown(str(name))
    known = numbers[np.isfinite(numbers)]
    if odd:
        cell = safe_names.shown(odd[0])
        return f"{shown}: holds '{cell}' among numbers, and is not used; leave a cell empty where nothing is known"
    if not len(known):
        return f"{shown}: holds no value"
    if np.ptp(pd.Series(numbers).groupby(np.asarray(groups)).mean().dropna()) == 0:
        return f"{shown}: is {known[0]:g} for all specimens, so that nothing can be learnt of it"
    return ""


def _incomplete(name, numbers, groups, fewest):
    """Say of how many specimens a property is known, if not of all or of few, and whether it varies within one."""
    shown, by_specimen = safe_names.shown(str(name)), pd.Series(numbers).groupby(np.asarray(groups))
    known, every = int((by_specimen.count() > 0).sum()), by_specimen.ngroups
    said = [f"{shown}: known of {known} of {every} specimens; the others are left out"] if known < every else []
    if known < fewest:
        said.append(f"{shown}: known of {known} specimens, fewer than {fewest}: no claim can be made of it")
    if (by_specimen.max() > by_specimen.min()).any():
        said.append(f"{shown}: differs between images of one specimen; their mean is taken")
    return said


def _list(names: Sequence[str]) -> str:
    return ", ".join(safe_names.shown(str(name)) for name in names)
