"""What the pores of a picture measure at the resolution at which the network sees it."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nanofoam_lib.images import pore_methods, pores

SIDE = 128  # pixels of the network's square
SUFFIX = "_at_128"
#: Of `pores.summarise`, those that are told at both resolutions.
MEASURES = ("n_pores", "median_diameter_um", "density_per_mm2", "porosity", "circularity", "wall_um")


def at_network_size(picture: NDArray[np.float32], side_um: float, method: str, level: float = 0.5) -> dict[str, float]:
    """Measure the pores of a picture once more, after it was 128×128 pixels.

    Parameters
    ----------
    picture : ndarray of float32, shape (h, w)
        Square pixels, see `pores.square`.
    side_um : float
        Side of a pixel; NaN if unknown.
    method : str
        How its pores were found. For a mask, which was not found in the picture, nothing can be told.
    level : float in (0, 1)

    Returns
    -------
    dict of float
        `MEASURES`, each with ``_at_128`` behind its name; NaN of a mask.

    Notes
    -----
    Down as `micrographs.preprocess` makes the input of the network; up again to square pixels, as many
    as `pores.measure_pictures` takes of a decoded picture.
    """
    if method not in pore_methods.METHODS:
        return {name + SUFFIX: math.nan for name in MEASURES}
    height, width = picture.shape
    zoom = math.sqrt(pores.FEW_PIXELS / picture.size)
    shape = max(round(width * zoom), 1), max(round(height * zoom), 1)
    small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    seen = np.asarray(small.resize(shape, Image.Resampling.BILINEAR))
    labels = pore_methods.label(seen, method, level)
    found = pores.summarise(labels, side_um * math.sqrt(picture.size / seen.size))
    return {name + SUFFIX: found[name] for name in MEASURES}
