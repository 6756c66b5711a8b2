"""Wavelet scattering: how much there is at each scale and direction, and how that varies at coarser ones."""

import functools
import itertools
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SCALES, ORIENTATIONS = 5, 4
CENTRE = 3 * np.pi / 4  # frequency of the finest wave, in radians per pixel; each scale has half that of the one before
SIGMA = 0.8  # width of its Gaussian, in pixels; each scale has twice that of the one before
SLANT = 4 / ORIENTATIONS  # width along the wave over that along its crests
SMALLEST = 1e-5  # what counts as nothing in a picture of variance 1: rounding is far below, the grain of 8 bits above
PAIRS = tuple(itertools.combinations(range(SCALES), 2))


def scatter(images: NDArray[Any]) -> NDArray[np.float32]:
    """Describe images by wavelet scattering of two orders.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Sides are multiples of 8 pixels. Each image is first brought to mean 0 and variance 1, so that brightness and
        contrast do not count.

    Returns
    -------
    ndarray of float32, shape (N, 60)
        With Morlet wavelets ψ of scale j = 0…4 and orientation l = 0…3, and ⟨ ⟩ the mean over the image:

        - column 4 j + l: log ⟨|x ∗ ψ_{j,l}|⟩, how much there is of waves 2.7 · 2^j pixels long that run at l · 45° to
          the rows, clockwise;
        - column 20 + 4 p + d, of the p-th pair j < j' (0 1, 0 2, …, 3 4) and of d = l' − l mod 4:
          log ⟨||x ∗ ψ_{j,l}| ∗ ψ_{j',l'}|⟩ / ⟨|x ∗ ψ_{j,l}|⟩, averaged over l: how much what there is at j varies
          at j', across its own waves (d = 0) or along their crests (d = 2).

        Means below 10⁻⁵ count as 10⁻⁵: in an image without contrast all columns are log 10⁻⁵, then 0.

    Raises
    ------
    ValueError
        If a side is no multiple of 8.

    Notes
    -----
    The transform of [1]_, averaged over the whole image as for the textures of [2]_. Borders are periodic. The first
    order follows from the power spectrum but for how unevenly its waves are spread, which the second order tells. Maps
    of scale j are kept at every 2^(j − 1)-th pixel, which their band allows: of photographs no number differs by more
    than 0.003 from that over all pixels.

    References
    ----------
    .. [1] S. Mallat, Commun. Pure Appl. Math. 65 (2012) 1331, doi:10.1002/cpa.21413
    .. [2] J. Bruna, S. Mallat, IEEE Trans. Pattern Anal. Mach. Intell. 35 (2013) 1872, doi:10.1109/TPAMI.2012.230
    """
    step = 2 ** (SCALES - 2)
    if any(side % step for side in images.shape[1:]):
        raise ValueError(f"sides must be multiples of {step} pixels, not {images.shape[1:]}")
    found = np.empty((len(images), (SCALES + len(PAIRS)) * ORIENTATIONS), np.float32)
    for i, image in enumerate(images):
        found[i] = _scatter_one(image)
    return found


def _scatter_one(image):
    image = image.astype(np.float32)
    image -= image.mean()
    spectrum = scipy.fft.fft2(image / max(image.std(), 1e-6))
    first, second = [], {}
    for scale in range(SCALES):
        kept = max(scale - 1, 0)  # every 2^kept-th pixel of the maps shows all that coarser wavelets look at
        maps = _modulus(spectrum, scale, kept)
        own = _log_mean(maps)
        first.append(own)
        spectra = scipy.fft.fft2(maps)[:, None]
        for coarser in range(scale + 1, SCALES):
            # On fewer pixels the same wave is that of a finer scale; what is only averaged needs fewer still
            seen = coarser - kept
            varied = _log_mean(_modulus(spectra, seen, max(seen - 1, 1)))
            second[scale, coarser] = _by_turn(varied - own[:, None])
    return np.concatenate([*first, *(second[pair] for pair in PAIRS)])


def _modulus(spectra, scale, octaves):
    """Give |x ∗ ψ| of the four orientations at every 2^octaves-th pixel, from spectra of x."""
    found = _low(spectra, octaves) * _low_wavelets(*spectra.shape[-2:], scale, octaves)
    if octaves:
        # Every second of the pixels that these are the spectra of: frequencies beyond theirs fold back
        height, width = (side // 2 for side in found.shape[-2:])
        found = found[..., :height, :] + found[..., height:, :]
        found = found[..., :width] + found[..., width:]
    return np.abs(scipy.fft.ifft2(found, overwrite_x=True))


def _low(spectra, octaves):
    """Keep twice the frequencies that every 2^octaves-th pixel can show, beyond which the wavelets have none."""
    for axis in (-2, -1) if octaves > 1 else ():
        half = spectra.shape[axis] >> octaves
        spectra = np.take(spectra, np.r_[:half, -half:0], axis)
    return spectra


@functools.cache
def _low_wavelets(height, width, scale, octaves):
    """Give the wavelets of `_modulus`, by a factor that makes up for the fewer pixels that its transform counts."""
    return _low(wavelets(height, width, scale), octaves) / np.float32(4**octaves)


def _log_mean(maps):
    return np.log(np.maximum(maps.mean(axis=(-2, -1)), SMALLEST))


def _by_turn(varied):
    """Average (4, 4) of orientations l and l' over l at each l' − l: (4, )."""
    own = np.arange(ORIENTATIONS)[:, None]
    return varied[own, (own + own.T) % ORIENTATIONS].mean(axis=0)


@functools.cache
def wavelets(height: int, width: int, scale: int) -> NDArray[np.float32]:
    """Give the Fourier transforms of the Morlet wavelets of a scale, which are real: (4, height, width), float32."""
    angles = (np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS)[:, None, None]
    sigma, frequency = SIGMA * 2.0**scale, CENTRE / 2.0**scale
    waves, gaussians = np.zeros((2, ORIENTATIONS, height, width), complex)
    for down, across in itertools.product((-1, 0, 1), repeat=2):  # the borders are periodic
        y = (np.fft.fftfreq(height, 1 / height) + down * height)[:, None]
        x = np.fft.fftfreq(width, 1 / width) + across * width
        along, beside = x * np.cos(angles) + y * np.sin(angles), y * np.cos(angles) - x * np.sin(angles)
        gaussian = np.exp(-(along**2 + (SLANT * beside) ** 2) / (2 * sigma**2)) * SLANT / (2 * np.pi * sigma**2)
        gaussians += gaussian
        waves += gaussian * np.exp(1j * frequency * along)
    # A wave under a Gaussian has a mean, which its Gaussian takes off: grey that is even gives nothing
    means = waves.sum(axis=(1, 2), keepdims=True) / gaussians.sum(axis=(1, 2), keepdims=True)
    return np.fft.fft2(waves - means * gaussians).real.astype(np.float32)
