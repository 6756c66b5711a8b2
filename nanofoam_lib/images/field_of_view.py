"""One scale for all micrographs of a folder, so that no class is told from another by its magnification."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import micrographs, pixel_sizes

AUTO, NONE = "auto", "none"
#: All are seen in pixels so many times the coarsest, so that the filter decides how sharp they are and not the
#: microscope. At 1 a forest on power spectra told 0.9 µm from 1.8 µm by sharpness alone, always; at 1.5 it guessed.
SOFTENED = 1.5
#: Pixels of the coarsest micrograph that the common field must hold along a side, for a structure to be seen in it.
LEAST_PIXELS = 32


@dataclasses.dataclass(frozen=True)
class Field:
    """The square that is shown of every micrograph.

    Parameters
    ----------
    side_um : float
        Its side.
    coarsest_um : float
        Pixel size of the coarsest micrograph: none is shown in more detail.
    """

    side_um: float
    coarsest_um: float


def decide(
    wanted: str | float | None, pixel_um: ArrayLike, kept: ArrayLike, size: int = 128
) -> tuple[Field | None, str]:
    """Decide on a common field of view.

    Parameters
    ----------
    wanted : float, "auto" or "none"
        Pixel size of the results in µm; or the one that shows as much as all micrographs can, where their pixel
        sizes are known and differ; or none, so that each micrograph is shown whole, whatever its scale.
    pixel_um : array-like, shape (N,)
        Pixel sizes, NaN where unknown.
    kept : array-like, shape (N, 2)
        Width and height in pixels after the crop; infinite where they do not matter.
    size : int
        Side of the results in pixels.

    Returns
    -------
    Field or None
    str
        What must be said of it; empty if there is nothing.
    """
    um, sides = np.asarray(pixel_um, float), np.asarray(kept, float).min(axis=1)
    known = um[np.isfinite(um)]
    if wanted in (None, NONE) or (wanted == AUTO and not len(known)):
        return None, ""
    coarsest, finest = known.max(initial=0.0), known.min(initial=np.inf)
    if wanted != AUTO:
        return Field(float(wanted) * size, coarsest), f"all micrographs are shown with {wanted:g} µm per pixel"
    if coarsest / finest - 1 <= pixel_sizes.SAME_WITHIN:
        return None, ""
    if np.isnan(um).any():
        return None, "pixel sizes differ, and some are unknown: micrographs cannot be shown at one scale"
    side = float((um * sides).min())
    if not np.isfinite(side):
        return None, ""
    if side / coarsest < LEAST_PIXELS:
        return None, (
            f"pixel sizes differ so much ({finest:.4g} to {coarsest:.4g} µm) that the smallest field of view, "
            f"{side:.4g} µm, is {side / coarsest:.0f} pixels of the coarsest micrograph: there is no common scale, and "
            "a class may be told by its magnification"
        )
    return Field(side, coarsest), (
        f"pixel sizes differ ({finest:.4g} to {coarsest:.4g} µm): all micrographs are shown at one scale, "
        f"{side / size:.4g} µm per pixel and {side:.4g} µm wide"
    )


def show(
    grey: NDArray[np.uint8], crop: micrographs.Crop, pixel_um: float, field: Field, size: int = 128, margin: int = 0
) -> NDArray[np.uint8]:
    """Show the middle of a cropped micrograph, as large as the field (see `micrographs.preprocess`).

    Raises
    ------
    DataError
        If the pixel size is unknown, or the micrograph is smaller than the field.
    """
    if not np.isfinite(pixel_um):
        raise DataError("has no known pixel size, which um_per_pixel needs")
    height, width = grey.shape
    left, top, right, bottom = micrographs.crop_box(width, height, crop)
    side = round(field.side_um / pixel_um)
    if side > min(right - left, bottom - top) + 1:
        shown = min(right - left, bottom - top) * pixel_um
        raise DataError(
            f"shows {shown:.4g} µm after the crop, less than the {field.side_um:.4g} µm of the common field"
        )
    around = round(margin * side / size)
    left, top = (left + right - side) // 2 - around, (top + bottom - side) // 2 - around
    across = side + 2 * around
    image = Image.fromarray(micrographs.mirrored(grey, (left, top, left + across, top + across)))
    seen = max(round(across * pixel_um / (SOFTENED * field.coarsest_um)), 1)
    if seen < min(across, size + 2 * margin):  # else the result is coarse enough itself
        image = image.resize((seen, seen), Image.Resampling.BILINEAR)
    return np.asarray(image.resize((size + 2 * margin,) * 2, Image.Resampling.BILINEAR))
