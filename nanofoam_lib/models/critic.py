"""A critic: it learns to tell a texture model's pictures from micrographs, place by place, and so shows what is amiss.

A distance of statistics that somebody chose cannot tell a labyrinth from a foam where both have the same correlations.
The critic looks at patches of pictures and finds the difference by itself; the decoder is then corrected by what the
critic sees. It knows the latent vector, and asks whether this is a foam *of this z*.
"""

from typing import Any

import numpy as np

from nanofoam_lib.models import convolutions
from nanofoam_lib.models.backend import keras

ops, layers = keras.ops, keras.layers

#: Kernel, stride and filters of each convolution, without padding: a score sees 38×38 pixels, a few pores.
CONVOLUTIONS = ((4, 2, 32), (4, 2, 64), (4, 2, 128), (3, 1, 128))
GAIN = 2.0  # of each convolution: normalised kernels alone let a picture's contrast fade from level to level
PROJECTION = 0.05  # weight of what is said about z beside what is said about any picture
CONTRAST = 4.0  # grey in [0, 1] is brought to −2…2
SLOPE = 0.2  # of the rectifier below 0
_SMALL = 1e-4  # variance of a feature that counts as none


class Critic(layers.Layer):
    """Score pictures: above 0 where they look like micrographs, below where they do not.

    Kernels are divided by their largest singular value [1]_, followed by one power iteration a step, so that no score
    can change faster than the picture does; that keeps both sides of the game alive. A score is linear in the last
    features f of its place, ``w·f + b + c ⟨f, W z / s⟩``, with the spread s of z [2]_.

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
        make = convolutions.seeded_kernels(seed + 4)
        depth, self.kernels, self.biases, self.directions = 1, [], [], []
        for side, _, filters in CONVOLUTIONS:
            self._add_kernel((side, side, depth, filters), next(make))
            depth = filters
        self._add_kernel((1, 1, depth, 1), next(make))
        self.project = self.add_weight(shape=(latent_dim, depth), initializer=next(make)["kernel_initializer"])
        self.spread = self.add_weight(shape=(), initializer=keras.initializers.Constant(spread), trainable=False)

    def _add_kernel(self, shape, initializer):
        self.kernels.append(self.add_weight(shape=shape, initializer=initializer["kernel_initializer"]))
        self.biases.append(self.add_weight(shape=shape[-1:], initializer="zeros"))
        matrix = ops.convert_to_numpy(self.kernels[-1]).reshape(-1, shape[-1])
        self.directions.append(self.add_weight(shape=(1, shape[-1]), initializer="zeros", trainable=False))
        self.directions[-1].assign(np.linalg.svd(matrix, full_matrices=False)[2][:1])

    def call(self, pictures: Any, latents: Any, training: bool = False, held: bool = False) -> tuple[Any, Any]:
        """Score pictures by place.

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
        scores : tensor, shape (N, h, w)
        features : tensor, shape (N, h, w, C)
        """
        own = ops.stop_gradient if held else (lambda weight: weight)
        x = CONTRAST * (pictures - 0.5)
        for number, (_, stride, _) in enumerate(CONVOLUTIONS):
            kernel = own(GAIN * self._normalised(number, training))
            x = ops.leaky_relu(ops.conv(x, ops.cast(kernel, x.dtype), stride) + own(self.biases[number]), SLOPE)
        plain = ops.sum(x * ops.cast(own(self._normalised(-1, training)), x.dtype)[0, :, :, 0], axis=-1)
        asked = ops.matmul(ops.cast(latents, x.dtype) / self.spread, own(self.project))
        scores = plain + own(self.biases[-1]) + PROJECTION * ops.sum(x * asked[:, None, None, :], axis=-1)
        return ops.cast(scores, "float32"), ops.cast(x, "float32")

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


def judge(real: Any, drawn: Any) -> Any:
    """Give the critic's loss: how far it is from scores above 1 for micrographs and below −1 for pictures; 2 if it
    knows nothing, 0 if it tells all of them (hinge loss [1]_).

    References
    ----------
    .. [1] J. H. Lim, J. C. Ye, arXiv:1705.02894
    """
    return ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + drawn))


def feature_distance(real: Any, drawn: Any) -> Any:
    """Compare each picture with the micrograph that its z came from by the critic's features: a number.

    Absolute differences of the means and of the standard deviations over space of each feature, averaged [1]_: what the
    critic finds is to be there as often as in that micrograph.

    References
    ----------
    .. [1] T. Salimans et al., NeurIPS 29 (2016) 2234, arXiv:1606.03498 (feature matching)
    """
    parts = zip(_moments(real), _moments(drawn), strict=True)
    return sum(ops.mean(ops.abs(ops.stop_gradient(a) - b)) for a, b in parts)


def _moments(features):
    return ops.mean(features, axis=(1, 2)), ops.sqrt(ops.var(features, axis=(1, 2)) + _SMALL)


def _unit(vector):
    return vector / (ops.norm(vector) + 1e-12)
