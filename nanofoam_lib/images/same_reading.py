"""How a run has read its micrographs, told from its index: so that others are read alike."""

import numpy as np
import pandas as pd

from nanofoam_lib.images import contents, field_of_view, levels, pixel_sizes

#: From which factor on two scales are different ones: a network that was trained at one knows nothing of the other.
OTHER_SCALE = 1.25


def of_index(index: pd.DataFrame, um_per_pixel: str | float | None, size: int = 128) -> contents.Decided:
    """Tell what a run decided for all of its micrographs together.

    Parameters
    ----------
    index : pandas.DataFrame
        Of the run: columns levels, black, white, width, height, um_x, um_y, pixel_size_um.
    um_per_pixel : "auto", "none" or float
        The parameter of the run.
    size : int
        Side of its images in pixels.

    Returns
    -------
    contents.Decided
        The levels that became black and white, by their kind; and the field that all were shown in, None where each
        was shown whole.
    """
    seen = index[["levels", "black", "white"]].drop_duplicates("levels")
    scales = {row.levels: levels.Scale(float(row.black), float(row.white)) for row in seen.itertuples()}
    return contents.Decided(scales, _field(index, um_per_pixel, size))


def _field(index, um_per_pixel, size):
    um = index["pixel_size_um"].to_numpy(float)
    known = um[np.isfinite(um)]
    if um_per_pixel in (None, field_of_view.NONE) or not len(known):
        return None
    if um_per_pixel == field_of_view.AUTO:
        # With a field all pixels of the results are the same squares; without one, they differ as pixel sizes do
        squares = index[["um_x", "um_y"]].to_numpy(float)
        if len(set(pixel_sizes.alike(known))) == 1 or not np.isfinite(squares).all() or np.ptp(squares) > 0:
            return None
        return field_of_view.Field(float(squares[0, 0]) * size, float(known.max()))
    return field_of_view.Field(float(um_per_pixel) * size, float(known.max()))


def of_another_scale(index: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """Tell which images show their micrographs at a scale that no image of a run has: bool (N,).

    Parameters
    ----------
    index, known : pandas.DataFrame
        Columns um_x and um_y, of the images and of the run's. Where either is unknown, nothing is told.
    """
    um, seen = (np.sqrt((table["um_x"] * table["um_y"]).to_numpy(float)) for table in (index, known))
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return np.zeros(len(um), bool)
    return (um > seen.max() * OTHER_SCALE) | (um < seen.min() / OTHER_SCALE)  # not where it is NaN
