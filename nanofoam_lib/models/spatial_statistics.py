"""How far apart two textures are, wherever in the image things lie: a distance between their statistics.

Two parts, both without a network that learnt from photographs: the two-point correlation, and the distribution of the
responses to a fixed bank of random filters at several scales.
"""

import numpy as np

from nanofoam_lib.models import backend
from nanofoam_lib.models.backend import keras

ops = keras.ops

REACH = 24  # pixels: lags of the two-point correlation
SCALES = (1, 2, 4, 8)  # pixels of the image per pixel that a filter sees
FILTERS = 12  # random filters per scale
SIDE = 5  # of a filter
STRIDES = {1: 3, 2: 2}  # responses looked at; 3 shares no factor with the grids of a decoder that doubles
SEED = 20220607  # of the bank: the same for every model, so that distances can be compared
#: Medians of the two parts of `distance` between two micrographs of one specimen: synthetic foam of the quick profile,
#: seed 0, 120 specimens (`tests/benchmarks/descriptors.py --units`).
UNITS = (0.133, 0.0088)
_FLAT = 1e-5  # variance of grey below which an image counts as flat


def two_point_correlation(images, reach=REACH):
    """Correlate every pixel with those around it, averaged over the image.

    Parameters
    ----------
    images : tensor, shape (N, S, S)
    reach : int
        Largest lag in pixels, less than S.

    Returns
    -------
    tensor, shape (N, 2 reach + 1, reach + 1)
        ``C(v, u) = mean of (x(r) − m)(x(r + (v, u)) − m)`` over the pixels r for which both lie in the image, m its
        mean: v = −reach…reach down, u = 0…reach to the right; the other half is the same by symmetry. C(0, 0), in row
        `reach`, is the variance. Computed by Fourier transforms of the padded image, so that no border meets another.
    """
    side = images.shape[-1]
    padded = side + reach
    images = ops.convert_to_tensor(images)
    centred = images - ops.mean(images, axis=(1, 2), keepdims=True)
    centred = ops.pad(centred, [(0, 0), (0, reach), (0, reach)])
    real, imaginary = ops.fft2((centred, ops.zeros_like(centred)))
    power = ops.square(real) + ops.square(imaginary)
    # The power spectrum is real and even: its transform is the inverse one but for the number of pixels
    sums, _ = ops.fft2((power, ops.zeros_like(power)))
    sums = ops.concatenate([sums[:, padded - reach :, : reach + 1], sums[:, : reach + 1, : reach + 1]], axis=1)
    pairs = np.outer(side - np.abs(np.arange(-reach, reach + 1)), side - np.arange(reach + 1))
    return ops.divide(sums, (padded**2 * pairs).astype(np.float32))


def half_widths(images, reach=REACH):
    """Measure how far an image's two-point correlation reaches to the right and down, in pixels.

    Parameters
    ----------
    images : array-like of float, shape (N, S, S)
    reach : int
        Largest lag in pixels that is looked at.

    Returns
    -------
    ndarray of float, shape (N, 2)
        Lags in x and in y at which `two_point_correlation` first falls to half of its value at 0, between pixels on a
        straight line; NaN where it does not within reach, or the image is flat. Their ratio is 1 for an isotropic
        structure on square pixels, and the inverse of the pixels' own ratio on others.
    """
    correlation = ops.convert_to_numpy(two_point_correlation(np.asarray(images, np.float32), reach))
    return np.stack([_half_width(correlation[:, reach]), _half_width(correlation[:, reach:, 0])], axis=1)


def _half_width(curves):
    """Find where curves (N, lags) first fall to half of their first value: (N,)."""
    below = curves <= curves[:, :1] / 2
    last = np.maximum(np.argmax(below, axis=1), 1)  # the first lag below half; the one before it is above
    rows = np.arange(len(curves))
    before, after = curves[rows, last - 1], curves[rows, last]
    fall = np.where(before > after, before - after, 1)
    width = last - 1 + (before - curves[:, 0] / 2) / fall
    return np.where(below.any(axis=1) & (curves[:, 0] > _FLAT), width, np.nan)


def filter_bank(n=FILTERS, depth=1, side=SIDE, seed=SEED):
    """Draw random filters of mean 0 and norm 1 that see `depth` channels: float32 (side, side, depth, n)."""
    bank = np.random.default_rng(seed).standard_normal((side, side, depth, n))
    bank -= bank.mean(axis=(0, 1))
    return (bank / np.sqrt((bank**2).sum(axis=(0, 1, 2)))).astype(np.float32)


def responses(images, scale):
    """Filter images (N, S, S) reduced `scale` times: a list of two (N, pixels, filters).

    The first are the responses to random filters, which tell edges and grain; the second those of random filters to
    the positive part of the first, which tell how edges stand to each other. Inner pixels only.
    """
    x = images[..., None]
    x = ops.average_pool(x, scale, scale, "valid") if scale > 1 else x
    first = ops.conv(x, filter_bank(), strides=STRIDES.get(scale, 1), padding="valid")
    second = ops.conv(ops.relu(first), filter_bank(depth=FILTERS, side=3), padding="valid")
    return [_listed(first), _listed(second)]


def _listed(maps):
    return ops.reshape(maps, (-1, maps.shape[1] * maps.shape[2], maps.shape[3]))


def sliced_wasserstein(a, b):
    """Give the squared 2-Wasserstein distance between the values of each filter: (N, filters).

    Parameters
    ----------
    a, b : tensor, shape (N, pixels, filters)
        Responses. In one dimension the best way to move one set of values onto another keeps their order [1]_.

    References
    ----------
    .. [1] E. Heitz et al., CVPR (2021) 9412, doi:10.1109/CVPR46437.2021.00929
    """
    return ops.mean(ops.square(backend.sort(a) - backend.sort(b)), axis=1)


def distance(images, others):
    """Tell how far the textures of pairs of images are apart.

    Parameters
    ----------
    images, others : tensor, shape (N, S, S)
        In [0, 1]; the units are those of `images`.

    Returns
    -------
    tensor, shape (N,)
        Mean of `correlation_distance` and `response_distance`, each in units of what lies between two micrographs of
        one specimen: 0 for equal statistics, about 1 for two samples of one texture.
    """
    one, other = backend.branches(others, 2)
    return (correlation_distance(images, one) / UNITS[0] + response_distance(images, other) / UNITS[1]) / 2


def correlation_distance(images, others):
    """Compare two-point correlations: squared differences summed over the lags, over the sum of both squared: (N,)."""
    a, b = two_point_correlation(images), two_point_correlation(others)
    return ops.sum(ops.square(a - b), axis=(1, 2)) / (ops.sum(ops.square(a) + ops.square(b), axis=(1, 2)) + _FLAT**2)


def response_distance(images, others):
    """Compare the responses to random filters and the grey levels, mean over filters and scales: (N,).

    Each is a `sliced_wasserstein` over the sum of both variances, so that one filter cannot outweigh all others.
    """
    pairs = zip(_all_responses(images), _all_responses(others), strict=True)
    parts = [sliced_wasserstein(a, b) / (_variance(a) + _variance(b) + _FLAT) for a, b in pairs]
    return ops.mean(ops.concatenate(parts, axis=1), axis=1)


def _all_responses(images):
    """List grey levels, and responses at all scales."""
    grey, *each = backend.branches(images, 1 + len(SCALES))
    return [_grey(grey), *(found for own, scale in zip(each, SCALES, strict=True) for found in responses(own, scale))]


def _variance(values):
    return backend.moments(values)[1]


def _grey(images):
    """List grey levels, as if by a filter that sees one pixel: (N, pixels, 1)."""
    return _listed(images[:, ::3, ::3, None])
