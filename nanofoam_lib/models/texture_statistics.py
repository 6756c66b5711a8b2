"""What a picture is made of, in numbers that need no training: wavelet scattering and local binary patterns.

Each number is the mean over the picture of a map, which says where it comes from. None knows where a thing lies.
"""

import functools
import itertools
import math

import numpy as np

from nanofoam_lib.models import backend
from nanofoam_lib.models.backend import keras

ops, layers = keras.ops, keras.layers

SCALES, ORIENTATIONS = 5, 4  # of the wavelets: octaves, and directions in half a turn
#: Of the binary patterns: how often the image is halved before, radius in its pixels and number of neighbours; every
#: how many rows are looked at.
RINGS = (
    *((0, 1, 8, 1), (0, 2, 16, 1), (0, 3, 24, 4), (0, 5, 24, 1)),
    *((1, 1, 8, 1), (1, 2, 16, 1), (1, 3, 24, 1)),
    *((2, 1, 8, 1), (2, 2, 16, 1)),
)
GRID = 16  # cells along each side in which maps are averaged
_SIDE = 7  # of a wavelet in pixels of its own scale
_FAINT = 1e-3  # modulus, in standard deviations of grey, that counts as none
_EVEN = 1e-4  # in the same unit: a neighbour darker by less counts as bright, as rounding decides there

N_MODULI = SCALES * ORIENTATIONS + ORIENTATIONS * math.comb(SCALES, 2)
N_PATTERNS = sum(points + 2 for _, _, points, _ in RINGS)


@keras.saving.register_keras_serializable("nanofoam")
class LocalStatistics(layers.Layer):
    """Map how strong each wavelet answers and how often each binary pattern occurs.

    Images (N, 128, 128, 1) of mean 0 and variance 1 → maps (N, 16, 16, F), none negative: `N_MODULI` + `N_PATTERNS`.

    Notes
    -----
    *Scattering* [1]_: moduli |x ∗ ψ| of the image and Morlet wavelets of five scales, an octave apart, and four
    directions; then, for every coarser scale, ||x ∗ ψ| ∗ ψ'|, averaged over directions of equal difference. The first
    order tells how much structure there is at a scale and in a direction, the second how it is arranged. Coarse scales
    see the image averaged over 2×2 pixels again and again.

    *Local binary patterns* [2]_: "riu2" as `binary_patterns.lbp_histograms` counts them, on a picture continued beyond
    its border by reflection, and on the same averaged over 2×2 pixels once and twice: see `RINGS`.

    References
    ----------
    .. [1] J. Bruna, S. Mallat, IEEE Trans. Pattern Anal. Mach. Intell. 35 (2013) 1872, doi:10.1109/TPAMI.2012.230
    .. [2] T. Ojala, M. Pietikäinen, T. Mäenpää, IEEE Trans. Pattern Anal. Mach. Intell. 24 (2002) 971,
       doi:10.1109/TPAMI.2002.1017623
    """

    def call(self, images):
        """Give the moduli of the first order, scale by scale, those of the second after each; then the patterns."""
        return _maps(images)

    def compute_output_shape(self, shape):
        """Give (N, 16, 16, F)."""
        return shape[0], GRID, GRID, N_MODULI + N_PATTERNS


@keras.saving.register_keras_serializable("nanofoam")
class Evened(layers.Layer):
    """Bring means of `LocalStatistics` to a scale on which their chance is alike everywhere: (N, F) → (N, F).

    Logarithms of moduli, whose chance is in proportion to them; square roots of frequencies, whose chance is in
    proportion to their roots.
    """

    def call(self, means):
        """Take logarithms and roots."""
        moduli, frequencies = ops.split(means, [N_MODULI], axis=-1)
        return ops.concatenate([ops.log(moduli + _FAINT), ops.sqrt(frequencies + _FAINT**2)], axis=-1)


@backend.traced_once
def _maps(images):
    pyramid = list(itertools.accumulate(range(RINGS[-1][0]), lambda x, _: _halved(x), initial=images))
    patterns = (_patterns(pyramid[halvings], *ring) for halvings, *ring in RINGS)
    return ops.concatenate([*_scatter(images), *patterns], axis=-1)


def describe(images):
    """Lead from images (None, 128, 128, 1), a KerasTensor, to their statistics (None, F), in layers that never train.

    Brightness and contrast are taken off first, in the layer ``contrast``; ``features`` gives the maps, ``statistics``
    the evened means.
    """
    fixed = {"trainable": False, "dtype": "float32"}
    x = layers.GroupNormalization(1, epsilon=1e-6, center=False, scale=False, name="contrast")(images)
    x = LocalStatistics(name="features", **fixed)(x)
    x = layers.GlobalAveragePooling2D(name="pooled", **fixed)(x)
    return Evened(name="statistics", **fixed)(x)


@functools.cache
def wavelets():
    """Sample the Morlet wavelets of one pixel's scale: float32 (7, 7, 1, 8), real parts, then imaginary ones.

    Wavelength 8/3 pixels, a Gaussian of 0.8 pixels along the wave and as many across; mean 0, and moduli that add up
    to 1.
    """
    half = _SIDE // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    found = []
    for angle in np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS:
        along = x * np.cos(angle) + y * np.sin(angle)
        envelope = np.exp(-(x**2 + y**2) / (2 * 0.8**2))
        wave = np.exp(0.75j * np.pi * along)
        wavelet = envelope * (wave - (envelope * wave).sum() / envelope.sum())
        found.append(wavelet / abs(wavelet).sum())
    return np.moveaxis([*np.real(found), *np.imag(found)], 0, -1)[:, :, None].astype(np.float32)


def _scatter(x):
    """Yield the maps of the moduli, (N, 16, 16, 4) each."""
    for scale in range(SCALES):
        first = modulus(x)
        yield _to_grid(first)
        side = first.shape[1]
        each = ops.reshape(ops.transpose(first, (0, 3, 1, 2)), (-1, side, side, 1))
        for _ in range(scale + 1, SCALES):
            second = _to_grid(modulus(each))
            by_pair = ops.reshape(second, (-1, ORIENTATIONS, GRID, GRID, ORIENTATIONS))
            yield ops.einsum("nlhwm,lmd->nhwd", by_pair, _turns())
            each = _halved(each)
        x = _halved(x)


def modulus(x):
    """Give |x ∗ ψ| of maps (N, S, S, 1) at every second pixel: (N, S / 2, S / 2, 4); every pixel of small maps."""
    padded = ops.pad(x, [(0, 0), (_SIDE // 2, _SIDE // 2), (_SIDE // 2, _SIDE // 2), (0, 0)], mode="reflect")
    answers = ops.conv(padded, wavelets(), strides=2 if x.shape[1] > 8 else 1, padding="valid")
    real, imaginary = ops.split(answers, 2, axis=-1)
    return ops.sqrt(ops.square(real) + ops.square(imaginary) + 1e-12)


@functools.cache
def _turns():
    """Average over pairs of directions by how far the second is turned from the first: float32 (4, 4, 4)."""
    first, second, turn = np.indices((ORIENTATIONS,) * 3)
    return ((second - first) % ORIENTATIONS == turn).astype(np.float32) / ORIENTATIONS


def _halved(x):
    return ops.average_pool(x, 2, 2)


def _to_grid(maps):
    """Bring maps (N, S, S, C) to 16 × 16 cells, by averaging or repeating; their means stay."""
    side = maps.shape[1]
    if side > GRID:
        return ops.average_pool(maps, side // GRID, side // GRID)
    return ops.repeat(ops.repeat(maps, GRID // side, axis=1), GRID // side, axis=2)


def _patterns(images, radius, n_points, stride):
    """Map the frequencies of uniform patterns by their number of bright neighbours, and of all others, in cells."""
    side = images.shape[1]
    x = ops.pad(images[..., 0], [(0, 0), (radius + 1, radius + 1), (radius + 1, radius + 1)], mode="reflect")
    bright = list(_bright(x, side, radius, n_points, stride))
    number = sum(bright)
    runs = number - sum(one * other for one, other in zip(bright, bright[1:] + bright[:1], strict=True))
    # Runs of bright neighbours around the ring: one at most in a uniform pattern
    pattern = ops.where(runs < 1.5, number, n_points + 1.0)
    cells = ops.reshape(ops.cast(pattern, "int32"), (-1, GRID, side // GRID // stride, GRID, side // GRID))
    cells = ops.reshape(ops.transpose(cells, (0, 1, 3, 2, 4)), (-1, (side // GRID) ** 2 // stride))
    counts = ops.reshape(backend.count(cells, n_points + 2), (-1, GRID, GRID, n_points + 2))
    return ops.cast(counts, "float32") / cells.shape[-1]


def _bright(x, side, radius, n_points, stride):
    """Yield for each neighbour whether it is as bright as its pixel, 1.0 or 0.0: (N, S / stride, S)."""
    first = radius + 1
    end = first + side
    centre = x[:, first:end:stride, first:end] - _EVEN
    rows = {}
    for angle in 2 * np.pi * np.arange(n_points) / n_points:
        down, right = (round(radius * float(part), 6) for part in (-np.sin(angle), np.cos(angle)))
        if down not in rows:
            rows[down] = _between(down, lambda i: x[:, first + i : end + i : stride])
        own = rows[down]
        yield ops.cast(_between(right, lambda i, own=own: own[:, :, first + i : end + i]) >= centre, "float32")


def _between(offset, take):
    """Interpolate what `take` gives at whole offsets."""
    whole = math.floor(offset)
    part = offset - whole
    here = take(whole)
    return here if part == 0 else here + part * (take(whole + 1) - here)
