"""Batch normalisation in one pass over a batch."""

from nanofoam_lib.models import backend
from nanofoam_lib.models.backend import keras

ops = keras.ops


@keras.saving.register_keras_serializable("nanofoam")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's own; what is trained on TensorFlow's CPU is one operation there instead of a dozen.

    Numbers are equal up to rounding, and computed in float32 whatever the maps' precision.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise maps (N, h, w, C), in training by their own mean and variance, which the running ones follow."""
        learns = training and self.trainable and not self.synchronized and self.variable_dtype == "float32"
        if not (learns and backend.is_tensorflow_on_cpu()):
            return super().call(inputs, training=training, mask=mask)
        scale, offset = (ops.cast(weight, "float32") for weight in (self.gamma, self.beta))
        outputs, *found = backend.normalised(ops.cast(inputs, "float32"), scale, offset, self.epsilon)
        for running, new in zip((self.moving_mean, self.moving_variance), found, strict=True):
            running.assign(running * self.momentum + new * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)
