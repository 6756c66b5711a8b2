"""A network trained on photographs, retrained softly on the classes of the train groups: transfer learning.

What comes of it has seen labels, and is to be held only to what has seen them, too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.models import backbone_networks, descriptors, epochs
from nanofoam_lib.models.backend import keras

NONE, HEAD, ALL = "none", "head", "all"
#: How the names of the layers begin that are the last block of each of `backbone_networks.BACKBONES`.
LAST = {
    "VGG16": ("block5_",),
    "VGG19": ("block5_",),
    "ResNet50": ("conv5_",),
    "DenseNet121": ("conv5_", "bn"),
    "EfficientNetB0": ("block7", "top_"),
}
SIZE = 64  # of the descriptor: units of the head's hidden layer
HELD_OUT = 0.25  # share of the train groups that tells when to stop
HEAD_RATE, BODY_RATE = 1e-3, 1e-5  # of Adam: the body adapts only, and only once the head has learnt
HEAD_EPOCHS, BODY_EPOCHS, PATIENCE = 200, 30, 5
BATCH_SIZE = 16


def features(
    name: str, images: memmap.Rows, index: pd.DataFrame, depth: str = HEAD, seed: int = 0
) -> NDArray[np.float32]:
    """Describe images by a network that was retrained on the classes of the train groups.

    Parameters
    ----------
    name : str
        As in `backbone_networks.build`.
    images : ndarray of uint8, shape (N, 128, 128)
    index : pandas.DataFrame, N rows
        Columns label, group and split; from rows of another split than "train" nothing is learnt, and nothing is
        decided by them.
    depth : {"head", "last", "all"}
        What is retrained: a hidden layer and a linear one, in place of the network's own classifier; these and the last
        block of convolutions; or all.
    seed : int
        Of the new weights, of random weights of the body, of the groups that are held out, of order and flips.

    Returns
    -------
    ndarray of float32, shape (N, 64)
        The hidden layer, after its ReLU.

    Raises
    ------
    UsageError, DataError
        As `backbone_networks.build`.
    DataError
        If a class has one train group only, so that none can be held out.

    Notes
    -----
    The head is trained first, on the features of the body as it came; then, where more is asked for, the body with it,
    at a hundredth of the rate, so that the head's first gradients do not undo what the body knows. Normalisation in the
    body keeps its statistics. Either time the weights are kept that had the least cross-entropy on the held-out groups,
    those at the start among them, and training ends when five epochs have not helped.
    """
    body, backbone = backbone_networks.build(name, seed), backbone_networks.bare(name)
    fitted, held_out = splits.hold_out(index, HELD_OUT, seed)
    names, classes = np.unique(index["label"].astype(str), return_inverse=True)
    deep = backbone_networks.describe(body, backbone, images)
    head = _head(deep[fitted], len(names), seed)
    _fit(head, lambda rows, rng: deep[rows], classes, fitted, held_out, HEAD_RATE, HEAD_EPOCHS, seed)
    if depth != HEAD:

        def shown(rows, rng):
            flips = [0] * len(rows) if rng is None else rng.choice(augmentation.FLIPS, len(rows))
            turned = augmentation.dihedral(memmap.take(images, rows), flips)
            return backbone_networks.to_input(backbone, descriptors.to_input(turned))

        for layer in body.layers:
            layer.trainable = depth == ALL or layer.name.startswith(LAST[backbone])
        _fit(Joined(body, head), shown, classes, fitted, held_out, BODY_RATE, BODY_EPOCHS, seed)
        deep = backbone_networks.describe(body, backbone, images)
    hidden = keras.Model(head.input, head.get_layer("hidden").output)
    return keras.ops.convert_to_numpy(hidden(deep, training=False))


def _head(deep, n_classes, seed):
    """Make the new layers: features (n, F) → scores of the classes; they see the features as these vary here."""
    scale = keras.layers.Normalization(name="scale")
    scale.adapt(deep)
    given = keras.Input(deep.shape[1:])
    kernels = [keras.initializers.GlorotUniform(own) for own in (seed, seed + 1)]
    hidden = keras.layers.Dense(SIZE, "relu", kernel_initializer=kernels[0], name="hidden")(scale(given))
    return keras.Model(given, keras.layers.Dense(n_classes, kernel_initializer=kernels[1], name="classes")(hidden))


class Joined(keras.Model):
    """A body, whose normalisation keeps its statistics even in training, with a head on it."""

    def __init__(self, body, head):
        super().__init__()
        self.body, self.head = body, head

    def call(self, images):
        """Give scores of the classes: the body is called as after training, whatever Keras asks of the whole."""
        return self.head(self.body(images, training=False))


def _fit(
    model: keras.Model,
    batch: Callable[[NDArray[np.int_], np.random.Generator | None], Any],
    classes: NDArray[np.int_],
    fitted: NDArray[np.int_],
    held_out: NDArray[np.int_],
    rate: float,
    n_epochs: int,
    seed: int,
) -> None:
    """Train until held-out rows gain no more; `batch` makes the input of rows, flipped where it gets a generator."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    epochs.compile_with(model, rate, loss=loss)

    def on_held_out():
        parts = [held_out[i : i + BATCH_SIZE] for i in range(0, len(held_out), BATCH_SIZE)]
        return np.average([model.test_on_batch(batch(p, None), classes[p]) for p in parts], weights=[*map(len, parts)])

    least, kept, waited = on_held_out(), model.get_weights(), 0
    for epoch in range(n_epochs):
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(fitted)
        for rows in (order[i : i + BATCH_SIZE] for i in range(0, len(order), BATCH_SIZE)):
            model.train_on_batch(batch(rows, rng), classes[rows])
        if (now := on_held_out()) < least:
            least, kept, waited = now, model.get_weights(), 0
        elif (waited := waited + 1) == PATIENCE:
            break
    model.set_weights(kept)
