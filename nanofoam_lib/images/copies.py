"""Whether a picture is a copy of one that was there before, wherever it was shifted to and however it was flipped."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

from nanofoam_lib.base.progress import track
from nanofoam_lib.images.augmentation import dihedral

SIDE, COARSE = 64, 32  # pixels: of what is compared, and of what is searched, ten times as fast
LOOKED_AT = 16  # of the known images, each as often as there are symmetries: the most alike of the search
QUANTILE = 0.99  # of real images: what is nearer than they are is called a copy

# How far each frequency of half a spectrum is from zero, in cycles per picture, and how often the whole one has it
_RING = np.rint(np.hypot(fft.fftfreq(SIDE, 1 / SIDE)[:, None], fft.rfftfreq(SIDE, 1 / SIDE))).astype(int)
_TIMES = np.where(np.arange(SIDE // 2 + 1) % (SIDE // 2) == 0, 1, 2).astype(np.float32)


def share(found: ArrayLike, of_real: ArrayLike) -> float:
    """Tell how many pictures are nearer to a known image than real ones are, which nobody has copied.

    Parameters
    ----------
    found, of_real : array-like, shape (n,) and (m,)
        What `nearest` gives for the pictures, and for real images that are not among the known ones.

    Returns
    -------
    float in [0, 1]
        Share of `found` above the 99th percentile of `of_real`; of other real images it is about 0.01. NaN if either
        is empty.

    Examples
    --------
    >>> share([0.3, 0.9], [0.2, 0.3, 0.4])
    0.5
    """
    if not (np.size(found) and np.size(of_real)):
        return float("nan")
    return float((np.asarray(found) > np.quantile(np.asarray(of_real, float), QUANTILE)).mean())


def nearest(
    images: NDArray[np.uint8], known: NDArray[np.uint8], elements: Iterable[int] = range(8)
) -> NDArray[np.float32]:
    """Find how much each image resembles that known image which it resembles most.

    Parameters
    ----------
    images, known : ndarray of uint8, shape (n, S, S) and (m, S, S)
        S is a multiple of 64.
    elements : sequence of int in 0…7
        Of `augmentation.dihedral`, see `augmentation.symmetries`: how a copy may have been turned.

    Returns
    -------
    ndarray of float32, shape (n,)
        Largest normalised cross-correlation over all known images, all their cyclic shifts and `elements`, in [-1, 1];
        1 for a copy. An image without contrast resembles none, and none resembles what is not there: 0.

    Notes
    -----
    Images are reduced to 64×64 pixels and freed of noise and uneven light by a difference of Gaussians. Each then gets
    the power that known images have on the average at each length scale: a blurred picture would resemble all images
    more than a sharp one does, and would be taken for a copy. At 32×32 each is compared with all known images; with
    the 16 most alike it is compared in full. A copy that was shifted without coming back at the other edge has less in
    common: the correlation falls with what overlaps.
    """
    if not (len(images) and len(known)):
        return np.zeros(len(images), np.float32)
    plain = _spectra(known)
    power = _in_rings(plain).mean(axis=0)
    turned = [_spectra(dihedral(known, [element] * len(known))) for element in elements]
    spectra = _equalised(np.concatenate(turned), power)
    coarse = _cut(spectra)
    found = np.empty(len(images), np.float32)
    for i, own in enumerate(track(_equalised(_spectra(images), power), "looking for copies")):
        alike = _peaks(_cut(own), coarse, COARSE)
        likely = np.argsort(alike)[-LOOKED_AT:]
        found[i] = _peaks(own, spectra[likely], SIDE).max()
    return found


def _spectra(images):
    """Reduce images to 64×64, keep what is wider than noise and narrower than the unevenness of light; transform."""
    step = images.shape[1] // SIDE
    small = images.reshape(len(images), SIDE, step, SIDE, step).mean(axis=(2, 4), dtype=np.float32)
    # Blurred around the edges, so that a cyclic shift shifts all there is
    level = _smooth(small, 1) - _smooth(small, 6)
    level -= level.mean(axis=(1, 2), keepdims=True)
    length = np.linalg.norm(level, axis=(1, 2), keepdims=True)  # 1 where one pixel is one grey level off
    return fft.rfft2(np.where(length > 1, level / np.maximum(length, 1), 0).astype(np.float32))


def _smooth(images, width):
    return gaussian_filter(images, (0, width, width), mode="wrap")


def _in_rings(spectra):
    """Sum the power of each spectrum at each distance from zero: (n, rings)."""
    power = _TIMES * np.abs(spectra) ** 2
    return np.stack([np.bincount(_RING.ravel(), own.ravel()) for own in power])


def _equalised(spectra, power):
    """Bring spectra to the power (rings,) at each distance from zero, and to length 1; what is 0 stays 0."""
    whole = max(power.sum(), 1e-9)
    # Where a picture has next to nothing there is nothing to bring out but rounding
    gain = SIDE * np.sqrt(power / whole / np.maximum(_in_rings(spectra), 1e-9 * whole))
    return (spectra * gain[:, _RING]).astype(np.complex64)


def _cut(spectra: NDArray[Any]) -> NDArray[Any]:
    """Keep the coarse half of the frequencies, for pictures of half the side."""
    half = COARSE // 2
    rows = np.concatenate([spectra[..., :half, :], spectra[..., -half:, :]], axis=-2)
    return np.ascontiguousarray(rows[..., : half + 1])


def _peaks(own, others, side):
    """Give the largest cross-correlation of one picture with each of others, from their spectra."""
    return fft.irfft2(others.conj() * own, s=(side, side)).max(axis=(1, 2))
