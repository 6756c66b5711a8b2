"""Descriptors that need no training of a network: what the latent vectors have to beat."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap, scheduling
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.progress import track

SNAPSHOTS = 2048  # train images up to which the principal components are exact: 134 MB of pixels
BLOCK = 512  # images at a time
PASSES, SPARE_AXES = 5, 16  # of the principal components of more: of 6000 photographs the 128th lacks 0.2 % variance


def pixel_pca(images: NDArray[np.uint8], train: ArrayLike, n_components: int) -> NDArray[np.float32]:
    """Project the pixels on the principal components of the train images: the linear autoencoder.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, S, S)
    train : array-like of bool, shape (N,)
        Which images the mean and the components are computed from; no other image has a say in them.
    n_components : int
        As a rule the latent dimension of the model that is compared.

    Returns
    -------
    ndarray of float32, shape (N, F)
        F is `n_components`, or one less than the number of train images if that is smaller: so many points span no
        more dimensions.

    Warns
    -----
    RunWarning
        If F is smaller than `n_components`.

    Notes
    -----
    Up to 2048 train images exact, by the eigenvectors of their scalar products [1]_: images are fewer than pixels, and
    that is many times faster than a singular value decomposition. Those of more by block Krylov iteration [2]_ in six
    passes over blocks of images: the space that random directions X and their products with the covariance, C X, C² X,
    …, span holds nearly all of the leading components. Memory does not grow with the number of images but for the
    result.

    References
    ----------
    .. [1] L. Sirovich, Q. Appl. Math. 45 (1987) 561, doi:10.1090/qam/910462 (the method of snapshots)
    .. [2] C. Musco, C. Musco, Advances in Neural Information Processing Systems 28 (2015), arXiv:1504.05477
    """
    rows = np.flatnonzero(np.asarray(train, dtype=bool))
    n_features = min(n_components, len(rows) - 1)
    if n_features < n_components:
        warnings.warn(
            f"pixel PCA has {n_features} components instead of {n_components}: there are only {len(rows)} train images",
            RunWarning,
            stacklevel=2,
        )
    mean, axes = principal_axes(images, rows, n_features)
    projected = np.empty((len(images), n_features), np.float32)
    for block in _blocks(np.arange(len(images))):
        projected[block] = (_pixels(images, block) - mean) @ axes
    return projected


def principal_axes(
    images: NDArray[np.uint8], rows: ArrayLike, n_components: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the mean and the principal axes of the pixels of some images, as `pixel_pca` finds them.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, S, S)
    rows : array-like of int, shape (n,)
    n_components : int
        Less than n.

    Returns
    -------
    mean : ndarray, shape (S², )
    axes : ndarray, shape (S², n_components)
        Columns of length 1, or of zeros where the images span fewer dimensions. Pixels count as grey in [0, 1].
    """
    rows = np.asarray(rows)
    return (_snapshot_axes if len(rows) <= SNAPSHOTS else _streamed_axes)(images, rows, n_components)


def _snapshot_axes(images, rows, n_features):
    """Give the mean (P,) and the principal axes (P, F) of the pixels of some images."""
    known = _pixels(images, rows)
    mean = known.mean(axis=0)
    known -= mean
    variances, combinations = np.linalg.eigh((known @ known.T).astype(float))
    variances, combinations = variances[::-1][:n_features], combinations[:, ::-1][:, :n_features]
    # Directions in which the train images do not differ, since some are the same, are not directions at all
    real = variances > 1e-6 * variances.max(initial=0)
    weights = combinations * np.where(real, 1 / np.sqrt(np.where(real, variances, 1)), 0)
    return mean, known.T @ weights.astype(np.float32)


def _streamed_axes(images, rows, n_features):
    """Give what `_snapshot_axes` gives, nearly, in a few passes over blocks of images."""
    blocks = _blocks(rows)
    mean = (sum(_pixels(images, block).sum(axis=0, dtype=float) for block in blocks) / len(rows)).astype(np.float32)
    directions = np.random.default_rng(0).standard_normal((len(mean), n_features + SPARE_AXES), np.float32)
    basis = products = np.empty((len(mean), 0), np.float32)
    for _ in track(range(PASSES), "principal components of the pixels"):
        for _ in range(2):  # once leaves what rounding leaves
            directions = np.linalg.qr(directions - basis @ (basis.T @ directions))[0]
        basis = np.concatenate([basis, directions], axis=1)
        centred = (_pixels(images, block) - mean for block in blocks)
        directions = sum(own.T @ (own @ directions) for own in centred)
        products = np.concatenate([products, directions], axis=1)
    _, combinations = np.linalg.eigh((basis.T @ products).astype(float))
    return mean, basis @ combinations[:, ::-1][:, :n_features].astype(np.float32)


def _pixels(images, rows):
    """Flatten some uint8 images to rows of float32 in [0, 1]."""
    return memmap.take(images, rows).reshape(len(rows), -1).astype(np.float32) / 255


def _blocks(rows):
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def power_spectrum(images: NDArray[Any]) -> NDArray[np.float32]:
    """Average the power spectrum over directions: how much structure there is at each length scale.

    Parameters
    ----------
    images : ndarray, shape (N, S, S)

    Returns
    -------
    ndarray of float32, shape (N, S // 2)
        Column k - 1 is log₁₀ of the mean power at k = 1…S/2 cycles per image. Every image is first brought to mean 0
        and variance 1, so that brightness and contrast do not count, and faded out by a Hann window, so that its edges
        do not. Powers are relative to that of white noise, and are cut off at 10⁻⁶. An image without any contrast has
        the power 10⁻⁶ everywhere.

    Examples
    --------
    >>> wave = np.sin(2 * np.pi * 10 * np.arange(64) / 64) + np.zeros((1, 64, 1))
    >>> int(power_spectrum(wave).argmax()) + 1
    10
    """
    size = images.shape[-1]
    window = np.hanning(size + 1)[:size]
    window = np.outer(window, window)
    frequencies = np.fft.fftfreq(size, 1 / size)
    ring = np.rint(np.hypot(frequencies[:, None], frequencies)).astype(int).ravel()
    in_ring = np.bincount(ring)
    spectra = np.empty((len(images), size // 2), np.float32)
    for i, image in enumerate(images):
        image = image - image.mean()
        power = np.abs(np.fft.fft2(window * image / max(image.std(), 1e-6))) ** 2 / (window**2).sum()
        profile = np.bincount(ring, weights=power.ravel()) / in_ring
        spectra[i] = np.log10(np.maximum(profile[1 : size // 2 + 1], 1e-6))
    return spectra


def grey_statistics(images: NDArray[Any]) -> NDArray[np.float32]:
    """Mean and standard deviation of the grey levels: what exposure alone tells about the class.

    A classifier that does well on these two numbers warns that the classes were photographed differently: then a high
    score of any other descriptor may come from the light and not from the structure.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)

    Returns
    -------
    ndarray of float32, shape (N, 2)
        In the unit of `images`.
    """
    return np.array([(image.mean(), image.std()) for image in images], np.float32).reshape(len(images), 2)


def in_blocks(
    describe: Callable[[NDArray[np.uint8]], NDArray[np.float32]], images: NDArray[np.uint8], name: str
) -> NDArray[np.float32]:
    """Describe images block by block, in processes or on a cluster where there are several blocks.

    Parameters
    ----------
    describe : callable
        Images (n, H, W) → ndarray (n, F), each image by itself.
    images : ndarray of uint8, shape (N, H, W)
    name : str
        For the bar that shows how far it is.

    Returns
    -------
    ndarray, shape (N, F)
    """
    if len(images) <= BLOCK:
        return describe(images)
    blocks = ((np.asarray(images[start : start + BLOCK]),) for start in range(0, len(images), BLOCK))
    found = scheduling.each(describe, blocks)
    return np.concatenate(list(track(found, name, total=-(-len(images) // BLOCK))))
