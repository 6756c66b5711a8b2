"""Weights that are read back from a ``.keras`` file: into a network that this program builds, whatever the file says.

A ``.keras`` file holds an architecture as well, which may ask for a thousand times the memory that the file takes. Of
a folder that somebody else has sent nothing is taken but numbers, in the shapes that ``config.json`` implies.
"""

import pathlib
import warnings
from collections.abc import Callable
from typing import TypedDict

from nanofoam_lib.base import archives, files, reading
from nanofoam_lib.models.backend import keras

#: What Keras writes into the file.
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_BYTES = 4  # of a weight


class Config(TypedDict):
    """What ``config.json`` of a model holds."""

    kind: str
    latent_dim: int
    filters: list[int]
    decoder_filters: list[int]
    beta: float


class Classifier(TypedDict):
    """What ``config.json`` of a classifier holds."""

    filters: list[int]
    n_classes: int


def load(path: pathlib.Path, build: Callable[[], keras.Model], n_least: int = 0) -> keras.Model:
    """Build a network, and fill it with the weights of a file.

    Parameters
    ----------
    path : pathlib.Path
        A ``.keras`` file.
    build : callable
        Gives the network.
    n_least : int
        Weights that it has at least: a smaller file is refused before it is built.

    Returns
    -------
    keras.Model

    Raises
    ------
    FileNotFoundError
    DataError
        If the file is damaged, compressed, or not of this network's size or shapes; names it.
    """
    with files.diagnosing(path):
        size = path.stat().st_size
        if size < n_least * _BYTES:
            raise ValueError(f"has {size:,} bytes, where config.json asks for {n_least * _BYTES:,} or more")
        _check(path)
        network = build()
        _check(path, sum(weight.nbytes for weight in network.get_weights()))
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # with which Keras leaves layers as they were
            try:
                network.load_weights(path)
            except UserWarning as warning:
                raise ValueError(f"is of another network: {warning}") from warning
    return network


def _check(path, most=None):
    with reading.open_plain(path) as file:
        names = {member.filename for member in archives.check(file, most)}
    if names != MEMBERS:
        raise ValueError(f"does not hold {', '.join(sorted(MEMBERS ^ names))[:200]} and nothing else")
