"""A critic: it learns to tell a texture model's pictures from micrographs, place by place, and so shows what is amiss.

A distance of statistics that somebody chose cannot tell a labyrinth from a foam where both have the same correlations.
The critic looks at patches of pictures and finds the difference by itself; the decoder is then corrected by what the
critic sees. It knows the latent vector, and asks whether this is a foam *of this z*.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nanofoam_lib.models import backend, convolutions
from nanofoam_lib.models.backend import keras

ops = keras.ops

#: Filters of the trunk's convolutions, 4×4 with stride 2 and without padding.
TRUNK = (32, 64, 128)
#: Filters of the 3×3 convolution by which each level judges: a score sees 8×8, 18×18 and 38×38 pixels, from the grain
#: and the rim of a pore to how pores stand to each other.
HEADS = (64, 64, 128)
GAIN = 2.0  # of each convolution: normalised kernels alone let a picture's contrast fade from level to level
PROJECTION = 0.05  # weight of what is said about z beside what is said about any picture
CONTRAST = 4.0  # grey in [0, 1] is brought to −2…2
SLOPE = 0.2  # of the rectifier below 0
#: How many times as large as Glorot's its kernels are stored. Normalised they are the same, but change as many times
#: less by a step of the optimiser: critic and decoder share one, and the decoder is to be the faster.
STIFFNESS = 4.0
_SMALL = 1e-4  # variance of a feature that counts as none


class Critic(keras.layers.Layer):
    """Score pictures: above 0 where they look like micrographs, below where they do not.

    Kernels are divided by their largest singular value [1]_, followed by one power iteration a step, so that no score
    can change faster than the picture does; that keeps both sides of the game alive. A score is linear in the features
    f of its place and level, ``w·f + b + c ⟨f, W z / s⟩``, with the spread s of z [2]_.

    Parameters
    ----------
    latent_dim : int
    seed : int
        Of the weights.
    spread : float
        Standard deviation of z, mean over its dimensions.

    References
    ----------
    .. [1] T. Miyato et al., ICLR (2018), arXiv:1802.05957
    .. [2] T. Miyato, M. Koyama, ICLR (2018), arXiv:1802.05637
    """

    def __init__(self, latent_dim: int, seed: int = 0, spread: float = 1.0) -> None:
        super().__init__(name="critic")
        make = (own["kernel_initializer"] for own in convolutions.seeded_kernels(seed + 4, STIFFNESS**2))
        self.kernels, self.biases, self.directions, self.projections = [], [], [], []
        for before, filters, seen in zip((1, *TRUNK), TRUNK, HEADS, strict=False):
            for shape in ((4, 4, before, filters), (3, 3, filters, seen), (1, 1, seen, 1)):
                self._add_kernel(shape, next(make))
            self.projections.append(self.add_weight(shape=(latent_dim, seen), initializer=next(make)))
        self.spread = self.add_weight(shape=(), initializer=keras.initializers.Constant(spread), trainable=False)
        self.built = True

    def _add_kernel(self, shape, initializer):
        self.kernels.append(self.add_weight(shape=shape, initializer=initializer))
        self.biases.append(self.add_weight(shape=shape[-1:], initializer="zeros"))
        matrix = ops.convert_to_numpy(self.kernels[-1]).reshape(-1, shape[-1])
        self.directions.append(self.add_weight(shape=(1, shape[-1]), initializer="zeros", trainable=False))
        self.directions[-1].assign(np.linalg.svd(matrix, full_matrices=False)[2][:1])

    def call(
        self, pictures: Any, latents: Any, training: bool = False, held: bool = False
    ) -> tuple[list[Any], list[Any]]:
        """Score pictures by level and place.

        Parameters
        ----------
        pictures : tensor, shape (N, S, S, 1)
            In [0, 1].
        latents : tensor, shape (N, D)
        training : bool
            Take a step of the power iteration.
        held : bool
            Let no gradient reach the weights: the picture is to be corrected, not the critic.

        Returns
        -------
        scores : list of tensor, shape (N, h, w)
            Of each level.
        features : list of tensor, shape (N, h, w, C)
        """
        own = ops.stop_gradient if held else (lambda weight: weight)
        x, z = CONTRAST * (pictures - 0.5), latents / self.spread
        scores, features = [], []
        for level, projection in enumerate(self.projections):
            x = self._convolve(x, 3 * level, 2, own, training)
            seen = self._convolve(x, 3 * level + 1, 1, own, training)
            weights = own(self._normalised(3 * level + 2, training))[0, :, :, 0]
            weights = weights + PROJECTION * ops.cast(ops.matmul(z, own(projection / STIFFNESS)), "float32")
            score = ops.einsum("nhwc,nc->nhw", seen, ops.cast(weights, seen.dtype))
            scores.append(ops.cast(score + own(self.biases[3 * level + 2]), "float32"))
            features.append(ops.cast(seen, "float32"))
        return scores, features

    def _convolve(self, x, number, stride, own, training):
        kernel = ops.cast(own(GAIN * self._normalised(number, training)), x.dtype)
        return ops.leaky_relu(ops.conv(x, kernel, stride) + own(self.biases[number]), SLOPE)

    def _normalised(self, number, training):
        """Divide a kernel by its largest singular value, as far as it is known."""
        kernel = ops.cast(self.kernels[number], "float32")
        matrix = ops.stop_gradient(ops.reshape(kernel, (-1, kernel.shape[-1])))
        direction = ops.cast(self.directions[number], "float32")
        left = _unit(ops.matmul(direction, ops.transpose(matrix)))
        right = _unit(ops.matmul(left, matrix))
        if training:
            self.directions[number].assign(right)
        largest = ops.sum(ops.matmul(left, ops.reshape(kernel, (-1, kernel.shape[-1]))) * right)
        return kernel / largest


def judge(real: Sequence[Any], drawn: Sequence[Any]) -> Any:
    """Give the critic's loss: how far scores of micrographs are below 1 and those of pictures above −1.

    2 if it knows nothing, 0 if it tells all of them (hinge loss [1]_); the mean over levels and places.

    References
    ----------
    .. [1] J. H. Lim, J. C. Ye, arXiv:1705.02894
    """
    parts = [ops.mean(ops.relu(1.0 - a)) + ops.mean(ops.relu(1.0 + b)) for a, b in zip(real, drawn, strict=True)]
    return ops.mean(ops.stack(parts))


def feature_distance(real: Sequence[Any], drawn: Sequence[Any]) -> Any:
    """Compare each picture with the micrograph that its z came from by the critic's features: a number.

    Absolute differences of the means and of the standard deviations over space of each feature, averaged [1]_: what the
    critic finds is to be there as often as in that micrograph.

    References
    ----------
    .. [1] T. Salimans et al., NeurIPS 29 (2016) 2234, arXiv:1606.03498 (feature matching)
    """
    parts = [
        ops.mean(ops.abs(ops.stop_gradient(a) - b))
        for level in zip(real, drawn, strict=True)
        for a, b in zip(*map(_moments, level), strict=True)
    ]
    return ops.sum(ops.stack(parts)) / len(real)


def _moments(features):
    mean, variance = backend.moments(features)
    return mean, ops.sqrt(variance + _SMALL)


def _unit(vector):
    return vector / (ops.norm(vector) + 1e-12)
