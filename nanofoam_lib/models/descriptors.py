"""From images to latent vectors."""

import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import files, memmap
from nanofoam_lib.images import augmentation
from nanofoam_lib.models import backend, objective, spatial_statistics, texture_encoder, vae
from nanofoam_lib.models.backend import keras

BATCH_SIZE = 32
#: What the descriptors of an image may be averaged over: elements of `augmentation.dihedral`.
AVERAGES = {None: (0,), "flips": augmentation.FLIPS, "turns": tuple(range(8))}


def encode(
    model: vae.Autoencoder, images: memmap.Rows, seed: int = 0, average: str | None = None
) -> dict[str, NDArray[np.float32]]:
    """Encode images into the descriptors of the thesis.

    Parameters
    ----------
    model : vae.Autoencoder
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1]. A memory-mapped array, or `augmentation.Chosen` of one, is read batch by batch.
    seed : int
        Seed of ε in ``z = μ + σ ε``, ε ~ N(0, I); row i gets the same ε whatever N is.
    average : {None, "flips", "turns"}
        Average μ, σ and conv over what the image becomes when it is flipped: over the identity, both flips and the half
        turn, or over all eight symmetries of the square, where pixels are square. What a flip changes says nothing
        about the material.

    Returns
    -------
    dict of ndarray of float32, shape (N, latent_dim)
        ``mu``, ``sigma`` (= exp(½ log σ²)) and ``z`` of a variational model; ``conv`` of an autoencoder.

    Raises
    ------
    ValueError
        If the images have another shape or type, or values outside [0, 1]; or if `average` is none of these.
    """
    if average not in AVERAGES:
        raise ValueError(f"average must be one of {', '.join(map(repr, AVERAGES))}, not {average!r}")
    found = [_parameters(model, own) for own in _turned(images, AVERAGES[average])]
    latents = {name: np.mean([own[name] for own in found], axis=0) for name in found[0]} if average else found[0]
    if not model.config.is_variational:
        return latents
    noise = np.random.default_rng(seed).standard_normal(latents["mu"].shape, np.float32)
    return latents | {"z": latents["mu"] + latents["sigma"] * noise}


def pretrained(images: memmap.Rows, latent_dim: int = 128) -> NDArray[np.float32]:
    """Describe textures without any training: μ of the texture model as it ships (`texture_encoder`).

    Parameters
    ----------
    images : ndarray, shape (N, 128, 128)
        As in `encode`.
    latent_dim : int

    Returns
    -------
    ndarray of float32, shape (N, latent_dim)
        Distances between rows tell how much two images differ, in units of what differs by chance between pictures of
        one specimen; brightness and contrast do not count.

    Examples
    --------
    >>> pretrained(np.random.default_rng(0).integers(256, size=(2, 128, 128), dtype=np.uint8)).shape
    (2, 128)
    """
    with backend.scope():
        encoder = texture_encoder.build_encoder(vae.Config("texture", latent_dim), seed=0)
    return heads(encoder, images)["mu"]


def _parameters(model, images):
    """Give μ and σ of each image, or conv."""
    latents = heads(model.encoder, images)
    if not model.config.is_variational:
        return latents
    return {"mu": latents["mu"], "sigma": objective.sigma(latents["log_var"])}


def _turned(images, elements):
    """Yield the images, once for each element of `augmentation.dihedral`."""
    for element in elements:
        n = len(images)
        yield images if element == 0 else augmentation.Chosen(images, np.arange(n), np.full(n, element))


def heads(encoder: keras.Model, images: memmap.Rows) -> dict[str, NDArray[np.float32]]:
    """Compute what an encoder's heads give: dict of name → float32 (N, D), images as in `encode`."""
    shapes = zip(encoder.output_names, encoder.outputs, strict=True)
    values = {name: np.empty((len(images), output.shape[-1]), np.float32) for name, output in shapes}
    forward = backend.forward(encoder, len(images) // BATCH_SIZE)
    for rows, batch in batches(images):
        outputs = forward(batch)
        for own, output in zip(values.values(), outputs if len(values) > 1 else [outputs], strict=True):
            own[rows] = keras.ops.convert_to_numpy(output)
    return values


def encode_all(
    models: Mapping[tuple[str, int], vae.Autoencoder], images: memmap.Rows, seed: int = 0
) -> dict[tuple[str, int, str], NDArray[np.float32]]:
    """Encode images with several models: dict of (kind, latent_dim) → model to (kind, latent_dim, name) → vectors."""
    encoded = ((key, encode(model, images, seed)) for key, model in models.items())
    return {(*key, name): memmap.park(vectors) for key, own in encoded for name, vectors in own.items()}


def of_model(latents: Mapping[tuple[str, int, str], NDArray[Any]], model: tuple[str, int]) -> dict[str, NDArray[Any]]:
    """Select the descriptors of one model, (kind, latent_dim), from what `encode_all` gave: dict of name → vectors."""
    return {name: vectors for (kind, latent_dim, name), vectors in latents.items() if (kind, latent_dim) == model}


def write(path: files.StrPath, index: pd.DataFrame, vectors: Mapping[str, NDArray[Any]]) -> None:
    """Write the descriptors of one model twice: as ``.npz``, and beside it as ``.csv`` for R and spreadsheets.

    Parameters
    ----------
    path : path-like
        Of the ``.npz``: id, and each of `vectors` by its name.
    index : pandas.DataFrame, N rows
        Column id; in the CSV there stand in front id, path, label, group and split, as far as there are such.
    vectors : dict
        Name → ndarray (N, D), as `of_model` gives them. Columns of the CSV are ``<name>_<dimension>``, dimensions
        counted from 0; numbers are those of the ``.npz`` to the last digit.
    """
    path = pathlib.Path(path)
    files.write_npz(path, id=index["id"], **vectors)
    named = index[[name for name in ("id", "path", "label", "group", "split") if name in index]]
    files.write_csv_blocks(path.with_suffix(".csv"), (_rows(named, vectors, own) for own in memmap.slices(len(index))))


def _rows(named, vectors, rows):
    columns = {
        f"{name}_{dimension}": column
        for name, own in vectors.items()
        for dimension, column in enumerate(memmap.take(own, rows).T)
    }
    return pd.concat([named.iloc[rows].reset_index(drop=True), pd.DataFrame(columns)], axis=1)


def reconstruct(model: vae.Autoencoder, images: memmap.Rows, seed: int = 0) -> NDArray[np.float32]:
    """Encode images, and decode the μ or conv that they give: float32 (N, 128, 128); `seed` as in `decode`."""
    return decode(model, encode(model, images)[model.config.heads[0]], seed)


def decode(
    model: vae.Autoencoder, latents: ArrayLike, seed: int = 0, size: int = vae.SIZE, own_noise: bool = False
) -> NDArray[np.float32]:
    """Decode latent vectors into images.

    Parameters
    ----------
    model : vae.Autoencoder
    latents : array-like, shape (N, latent_dim)
    seed : int
        Of the noise from which a texture model draws: one field for all latents, so that pictures differ by their
        latents alone; another seed gives another sample of the same textures. Other models need none.
    size : int
        Side of the pictures: 128, or for a texture model any multiple of 8 (2 to the number of poolings).
    own_noise : bool
        Draw every picture from a field of its own, as one foam differs from the next; row i gets the same field
        whatever N is.

    Returns
    -------
    ndarray of float32, shape (N, size, size)
        In [0, 1].

    Raises
    ------
    ValueError
        If the model cannot draw pictures of this size.
    """
    latents = np.asarray(latents, np.float32)
    images = np.empty((len(latents), size, size), np.float32)
    for start in range(0, len(latents), BATCH_SIZE):
        part = latents[start : start + BATCH_SIZE]
        batch = decoder_input(model, part, seed, size, range(start, start + len(part)) if own_noise else None)
        images[start : start + BATCH_SIZE] = keras.ops.convert_to_numpy(model.decoder(batch, training=False))[..., 0]
    return images


def decoder_input(
    model: vae.Autoencoder,
    latents: NDArray[np.float32],
    seed: int = 0,
    size: int = vae.SIZE,
    rows: Iterable[int] | None = None,
) -> NDArray[np.float32] | list[NDArray[np.float32]]:
    """Give what a decoder takes for latents (N, latent_dim), as `decode`: these, and for a texture model the noise.

    That is one field for all, or the fields that belong to N `rows`.
    """
    cell = 2 ** len(model.config.decoder_filters)
    if size % cell or size < cell or (size != vae.SIZE and len(model.decoder.inputs) == 1):
        raise ValueError(f"{model.name} cannot draw pictures of {size}×{size}")
    if len(model.decoder.inputs) == 1:
        return latents
    if rows is not None:
        fields = [np.random.default_rng((seed, row)).standard_normal((size, size, 1), np.float32) for row in rows]
        return [latents, np.stack(fields)]
    noise = np.random.default_rng(seed).standard_normal((1, size, size, 1), np.float32)
    return [latents, np.repeat(noise, len(latents), axis=0)]


def texture_distance(images: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float32]:
    """Compare the textures of pairs of images (N, S, S) in [0, 1], as `spatial_statistics.distance`: float32 (N,)."""
    distances = np.empty(len(images), np.float32)
    for start in range(0, len(images), BATCH_SIZE):
        pair = (np.asarray(own[start : start + BATCH_SIZE], np.float32) for own in (images, others))
        distances[start : start + BATCH_SIZE] = keras.ops.convert_to_numpy(spatial_statistics.distance(*pair))
    return distances


def half_widths(images: NDArray[Any]) -> pd.DataFrame:
    """Measure how far the two-point correlation of images (N, S, S) reaches, as `spatial_statistics.half_widths`.

    Returns
    -------
    pandas.DataFrame
        Columns half_width_x, half_width_y, in pixels; images are uint8, or float in [0, 1].
    """
    unit = np.float32(255 if images.dtype == np.uint8 else 1)
    parts = [np.zeros((0, 2))]
    for start in range(0, len(images), BATCH_SIZE):
        parts.append(spatial_statistics.half_widths(images[start : start + BATCH_SIZE] / unit))
    return pd.DataFrame(np.concatenate(parts), columns=["half_width_x", "half_width_y"])


def batches(images: memmap.Rows, size: int = BATCH_SIZE) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield the rows of each batch, a slice, and the batch as the network takes it (`to_input`)."""
    for start in range(0, len(images), size):
        rows = slice(start, start + size)
        yield rows, to_input(memmap.take(images, rows))


def to_input(images: ArrayLike) -> NDArray[np.float32]:
    """Turn images (N, 128, 128), uint8 or float in [0, 1], into the network's float32 (N, 128, 128, 1) in [0, 1].

    Raises
    ------
    ValueError
        If the images have another shape or type, are not finite, or leave [0, 1].
    """
    images = np.asarray(images)
    if images.ndim != 3 or images.shape[1:] != (vae.SIZE, vae.SIZE):
        raise ValueError(f"images must have shape (N, {vae.SIZE}, {vae.SIZE}), not {images.shape}")
    if images.dtype == np.uint8:
        return images[..., None].astype(np.float32) / 255  # type: ignore[return-value]
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images must be uint8 or float in [0, 1], not {images.dtype}")
    if len(images) and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError("float images must be finite and lie in [0, 1]")
    return images[..., None].astype(np.float32)
