"""What the schemes of a model are drawn from: its layers' names and shapes, and its last feature map."""

import pandas as pd

from nanofoam_lib.models import descriptors
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.upsampling import UpsampledConv2D

layers, ops = keras.layers, keras.ops

#: Kind of each layer that a model may hold; other layers are named by their class.
KINDS = {
    layers.InputLayer: "input",
    layers.Conv2D: "convolution",
    layers.MaxPooling2D: "max pooling",
    layers.UpSampling2D: "upsampling",
    layers.BatchNormalization: "batch normalisation",
    layers.GlobalAveragePooling2D: "average pooling",
    layers.Flatten: "flatten",
    layers.Reshape: "reshape",
    layers.Dense: "dense",
}
ACTIVATIONS = {"relu": "ReLU"}  # how they are written; others by Keras's name


def of_model(model):
    """List the layers of an autoencoder, from image to image.

    Parameters
    ----------
    model : vae.Autoencoder

    Returns
    -------
    pandas.DataFrame
        One row per layer, and for an enlargement or an activation that a layer holds: `part` ("encoder", "latent" or
        "decoder"), `layer` (its name), `kind`, `detail` ("3×3": the kernel, pool or magnification, else empty), and its
        output's `height`, `width` and `depth`; a vector is 1 × 1 × its length. Sampling, ``z = μ + σ ε``, is the one
        row of "latent".
    """
    rows = [("encoder", *row) for layer in model.encoder.layers for row in _rows(layer)]
    if model.config.is_variational:
        rows.append(("latent", "z", "sampling", "z = μ + σ ε", 1, 1, model.config.latent_dim))
    rows += [("decoder", *row) for layer in model.decoder.layers[1:] for row in _rows(layer)]
    return pd.DataFrame(rows, columns=["part", "layer", "kind", "detail", "height", "width", "depth"])


def features(encoder, images):
    """Give the last feature map A of images (N, 128, 128), uint8 or in [0, 1]: float32 (N, h, w, K)."""
    model = keras.Model(encoder.input, encoder.get_layer("features").output)
    return ops.convert_to_numpy(model(descriptors.to_input(images), training=False))


def channel_weights(encoder, head="mu"):
    """Give α (K, D), the spatial mean of the gradient of each dimension of a head by each channel of A.

    The head is linear in A, so that this is the mean of its weights over space (thesis, eq. 17), the same for all
    images.
    """
    height, width, depth = encoder.get_layer("features").output.shape[1:]
    kernel = ops.convert_to_numpy(encoder.get_layer(head).kernel)
    return kernel.reshape(height * width, depth, -1).mean(axis=0)


def _rows(layer):
    """List what a layer does: one row, and others for an enlargement before it and an activation after it."""
    shape = _shape(layer.output)
    rows = [(layer.name, _kind(layer), _detail(layer), *shape)]
    if isinstance(layer, UpsampledConv2D):
        rows.insert(0, (f"{layer.name}/upsampling", "upsampling", "2×2", *shape[:2], _shape(layer.input)[2]))
    activation = getattr(layer, "activation", keras.activations.linear)
    if activation is not keras.activations.linear and not isinstance(layer, layers.Activation):
        rows.append(
            (
                f"{layer.name}/{activation.__name__}",
                ACTIVATIONS.get(activation.__name__, activation.__name__),
                "",
                *shape,
            )
        )
    return rows


def _shape(tensor):
    shape = tensor.shape[1:]
    return (1,) * (3 - len(shape)) + tuple(int(side) for side in shape)


def _kind(layer):
    if isinstance(layer, layers.Activation):
        return ACTIVATIONS.get(layer.activation.__name__, layer.activation.__name__)
    return next((kind for known, kind in KINDS.items() if isinstance(layer, known)), type(layer).__name__)


def _detail(layer):
    size = next((getattr(layer, name) for name in ("kernel_size", "pool_size", "size") if hasattr(layer, name)), ())
    return "×".join(map(str, size))
