"""The thesis's protocol from end to end: augmented first, split at random, trained and tested on copies of images.

It leaks, and is here to show what the leak is worth (`splits.thesis`).
"""

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.models import training, vae


def copies(images: NDArray[np.uint8], index: pd.DataFrame, seed: int = 0) -> tuple[augmentation.Chosen, pd.DataFrame]:
    """Make the flipped and turned copies of all images, and deal them to the two sides.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 128, 128)
    index : pandas.DataFrame, N rows
    seed : int

    Returns
    -------
    pictures : augmentation.Chosen
        88/15 times as many as there are images.
    table : pandas.DataFrame
        The rows of `index` that belong to them, with the leaky `split`, numbered anew.
    """
    rows, elements, split = splits.thesis(len(images), seed)
    return augmentation.Chosen(images, rows, elements), index.iloc[rows].assign(split=split).reset_index(drop=True)


def fit(
    model: vae.Autoencoder,
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    recipe: training.Recipe,
    seed: int = 0,
    folder: StrPath | None = None,
) -> pd.DataFrame:
    """Train a model as the thesis did: on copies as they are, of images whose other copies are tested.

    Parameters
    ----------
    model, images, index, seed
        As in `training.fit` and `copies`.
    recipe : recipes.Recipe
        Of the training by group. Its symmetries are not used, since the copies are all the augmentation that there is;
        nor its patience, since no group is unseen; nor its critic, which changes no descriptor.
    folder : path-like, optional

    Returns
    -------
    pandas.DataFrame
        As `training.fit` gives it.
    """
    pictures, table = copies(images, index, seed)
    train, test = (np.flatnonzero(table["split"] == side) for side in ("train", "test"))
    own = dataclasses.replace(recipe, symmetries=(0,), patience=None, critic_steps=0)
    return training.fit(model, memmap.park(pictures), train, test, own, seed, folder)
