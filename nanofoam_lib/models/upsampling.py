"""A convolution of enlarged feature maps that never makes the enlarged maps."""

from nanofoam_lib.models.backend import keras

ops = keras.ops


@keras.saving.register_keras_serializable("nanofoam")
class UpsampledConv2D(keras.layers.Conv2D):
    """Repeat every pixel 2×2 and convolve the result with a 3×3 kernel, zeros beyond the border: the same in one step.

    Each pixel of the result sees 2×2 of the small map, under weights that are sums of those of the 3×3 kernel: this is
    a transposed convolution of stride 2 with a 4×4 kernel (see `enlarged_kernel`). It takes 2.25 times fewer products
    than ``UpSampling2D`` followed by ``Conv2D``, whose weights it has, and equals them up to rounding.

    Parameters
    ----------
    filters : int
    **options
        Of `keras.layers.Conv2D`, but for its size, stride and padding.
    """

    def __init__(self, filters, **options):
        fixed = {"kernel_size": (3, 3), "padding": "same"}
        super().__init__(filters, **options | fixed)

    def call(self, inputs):
        """Turn maps (N, h, w, c) into (N, 2 h, 2 w, filters)."""
        outputs = ops.conv_transpose(inputs, enlarged_kernel(self.kernel), strides=2, padding="same")
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def compute_output_shape(self, input_shape):
        """Double height and width."""
        n, height, width, _ = input_shape
        return n, height and 2 * height, width and 2 * width, self.filters


def enlarged_kernel(kernel):
    """Give the 4×4 kernel, for a transposed convolution of stride 2, that repeats pixels 2×2 and convolves by `kernel`.

    Parameters
    ----------
    kernel : tensor, shape (3, 3, c, filters)

    Returns
    -------
    tensor, shape (4, 4, filters, c)
        ``K[m, n] = Σ w[2 + p − m, 2 + q − n]`` over p, q in {0, 1}, the copies of a pixel.
    """
    rows = ops.pad(kernel, [(1, 0), (0, 0), (0, 0), (0, 0)]) + ops.pad(kernel, [(0, 1), (0, 0), (0, 0), (0, 0)])
    both = ops.pad(rows, [(0, 0), (1, 0), (0, 0), (0, 0)]) + ops.pad(rows, [(0, 0), (0, 1), (0, 0), (0, 0)])
    return ops.transpose(ops.flip(both, (0, 1)), (0, 1, 3, 2))
