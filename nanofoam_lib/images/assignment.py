"""Which images of a folder train and which test, and all that is to be said of that."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import splits

#: What is not done where there is one class.
LEFT_OUT = (
    "what tells classes apart is left out, and descriptors, clusters, pores and generation remain; if there are "
    "several, put them into one sub-folder each"
)
#: Fewer images of a class than this, and nothing can be learnt from them; KNN asks five.
LEAST_TRAIN = 5


def assign(
    index: pd.DataFrame, images: NDArray[np.uint8], test_fraction: float = 0.3, seed: int = 0, strict: bool = False
) -> tuple[NDArray[np.str_], pd.DataFrame]:
    """Split by group, and look for copies across the split.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `path`, `label` and `group`.
    images : ndarray of uint8, shape (N, 128, 128)
    test_fraction, seed
        See `splits.by_group`.
    strict : bool
        Stop where train and test images show the same picture.

    Returns
    -------
    split : ndarray of str, shape (N,)
    pairs : pandas.DataFrame
        As `splits.near_duplicates` gives it.

    Raises
    ------
    DataError
        If a class cannot be on both sides, no class has two images to train, or the split leaks and `strict` is true.

    Warns
    -----
    RunWarning
        If it leaks, or there is one class.
    """
    split = splits.by_group(index["label"], index["group"], test_fraction, seed)
    n_train, n_classes = int((split == "train").sum()), index["label"].nunique()
    if n_train <= n_classes:  # LDA asks how images differ within their class
        raise DataError(
            f"only {n_train} images of {n_classes} classes are left to train; at least {n_classes + 1} are needed, and "
            "many more to learn anything: add images, or lower test_fraction"
        )
    if n_classes == 1:
        told = safe_names.shown(str(index["label"].iloc[0]))
        warnings.warn(f"all images are of one class, '{told}': {LEFT_OUT}", RunWarning, stacklevel=2)
    pairs = splits.near_duplicates(images, split)
    splits.warn_or_stop(pairs, index["path"], strict)
    return split, pairs


def warn_of_few(index: pd.DataFrame) -> None:
    """Warn (RunWarning) where too few groups of a class are held out, or too few images of it are left to train.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `label`, `group` and `split`.
    """
    split = index["split"]
    splits.warn_of_few_groups(index["label"], index["group"], split)
    counts = index["label"][split == "train"].value_counts(sort=False)
    few = [f"{safe_names.shown(label)} {count}" for label, count in counts.items() if count < LEAST_TRAIN]
    if few:
        told = f"fewer than {LEAST_TRAIN} images of a class are left to train ({', '.join(few)}): too few to learn from"
        warnings.warn(told, RunWarning, stacklevel=2)
