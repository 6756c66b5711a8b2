"""Where pores, rims and walls lie in the images that the network sees."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.images import augmentation, distances, micrographs, pores, synthetic

RIM = 2.0  # pixels of 128 on either side of a pore's outline


def of_synthetic(index: pd.DataFrame, crop: float = 0.15, size: int = 128) -> NDArray[np.bool_]:
    """Draw the true pores of synthetic foams as the network sees them.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns label, seed, height, width, pixel_size_um and specimen: the arguments of `synthetic.foam_mask`.
    crop, size
        As in `micrographs.preprocess`.

    Returns
    -------
    ndarray of bool, shape (N, size, size)
        Whether at least half of a pixel lies in a pore.
    """
    masks = np.empty((len(index), size, size), bool)
    for i, row in enumerate(index.itertuples()):
        shape = (int(row.height), int(row.width))
        mask = synthetic.foam_mask(row.label, int(row.seed), shape, row.pixel_size_um, int(row.specimen))
        masks[i] = _shrink(mask, crop, size)
    return masks


def of_images(images: NDArray[np.uint8], index: pd.DataFrame) -> NDArray[np.bool_]:
    """Segment the pores of images whose truth is not known, by `pores.segment`.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, S, S)
    index : pandas.DataFrame, N rows
        Columns um_x and um_y, NaN where unknown, and for those width and height, see `augmentation.aspects`.

    Returns
    -------
    ndarray of bool, shape (N, S, S)
    """
    known = zip(images, index[["um_x", "um_y"]].to_numpy(float), augmentation.aspects(index), strict=True)
    segmented = [pores.segment(image, um, crop=0, aspect=aspect)[0] > 0 for image, um, aspect in known]
    return np.array([_shrink(mask, 0, images.shape[1]) for mask in segmented])


def split(masks: NDArray[np.bool_], rim: float = RIM) -> dict[str, NDArray[np.bool_]]:
    """Divide images into zones: everything near a pore's outline, and the insides and outsides that are left.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, S, S)
        Where the pores are.
    rim : float
        Farthest distance in pixels, on either side, from the centre of the nearest pixel beyond the outline.

    Returns
    -------
    dict of ndarray of bool, shape (N, S, S)
        ``pores``, ``rims`` and ``walls``: each pixel is in one of them.
    """
    near = np.array([_distance(mask) <= rim for mask in masks]).reshape(np.shape(masks))
    return {"pores": masks & ~near, "rims": near, "walls": ~masks & ~near}


def edge(shape: tuple[int, int, int], width: int = 8) -> NDArray[np.bool_]:
    """Mark the outermost `width` pixels of images of shape (N, S, S): there, padding takes the place of the picture."""
    found = np.ones(shape, bool)
    found[:, width:-width, width:-width] = False
    return found


def _distance(mask):
    """Distance of each pixel to the nearest one on the other side of the outline; infinite if there is none."""
    if mask.all() or not mask.any():
        return np.full(mask.shape, np.inf)
    return distances.to_edge(mask) + distances.to_edge(~mask)


def _shrink(mask, crop, size):
    return micrographs.preprocess(np.uint8(255) * mask, crop, size) > 127
