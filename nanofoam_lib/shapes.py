"""What the schemes of a model are drawn from: its layers' names and shapes, and its last feature map."""

import pandas as pd

from nanofoam_lib import descriptors
from nanofoam_lib.backend import keras

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
    layers.Activation: "activation",
}


def of_model(model):
    """List the layers of an autoencoder from image to image.

    Parameters
    ----------
    model : vae.Autoencoder

    Returns
    -------
    pandas.DataFrame
        One row per layer: `part` ("encoder", "latent" or "decoder"), `layer` (its name), `kind`, `detail` ("3×3": the
        kernel, pool or magnification; "sigmoid": the function; else empty), and its output's `height`, `width` and
        `depth`; a vector is 1 × 1 × its length. Sampling, ``z = μ + σ ε``, is the one row of "latent".
    """
    rows = [("encoder", *_row(layer)) for layer in model.encoder.layers]
    if model.config.kind == "vae":
        rows.append(("latent", "z", "sampling", "z = μ + σ ε", 1, 1, model.config.latent_dim))
    rows += [("decoder", *_row(layer)) for layer in model.decoder.layers[1:]]
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


def _row(layer):
    output = layer.output.shape[1:]
    shape = (1,) * (3 - len(output)) + tuple(int(side) for side in output)
    return layer.name, KINDS.get(type(layer), type(layer).__name__), _detail(layer), *shape


def _detail(layer):
    if isinstance(layer, layers.Activation):
        return layer.activation.__name__
    size = next((getattr(layer, name) for name in ("kernel_size", "pool_size", "size") if hasattr(layer, name)), ())
    return "×".join(map(str, size))
