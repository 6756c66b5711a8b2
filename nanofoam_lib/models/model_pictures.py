"""What trained networks make of some images, for the figures: no network is loaded to draw them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import files
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.models import descriptors, kinds, layer_shapes, vae

OF_A_CLASS = 2  # images of different specimens, reconstructed by each model


def reconstructions(
    models: Mapping[str, vae.Autoencoder], images: NDArray[np.uint8], index: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    """Reconstruct a few test images of each class by each of several models.

    Parameters
    ----------
    models : dict
        By the name of each.
    images : ndarray of uint8, shape (N, 128, 128)
    index : pandas.DataFrame
        Columns id, label, group and split; its rows are numbered as those of `images`.

    Returns
    -------
    dict of ndarray
        id, labels (n,) and images (n, 128, 128), uint8, in the order of the classes; of the M models, names (M,),
        reconstructions (M, n, 128, 128), float32 in [0, 1], and their texture_distance (M, n).
    """
    test = index[index["split"] == "test"].drop_duplicates(["label", "group"])
    chosen = test.groupby("label").head(OF_A_CLASS).sort_values("label")
    originals = images[chosen.index] / np.float32(255)
    made = np.stack([descriptors.reconstruct(model, originals) for model in models.values()])
    apart = np.stack([descriptors.texture_distance(originals, pictures) for pictures in made])
    found = {"names": np.array(list(models)), "reconstructions": made, "texture_distance": apart}
    shown = {"id": chosen["id"].to_numpy(), "labels": chosen["label"].to_numpy(str), "images": images[chosen.index]}
    return shown | found


def network(model: vae.Autoencoder, image: NDArray[np.uint8], seed: int = 0) -> dict[str, NDArray[Any]]:
    """Give what the schemes of a model are drawn from, of one image (128, 128).

    Returns
    -------
    dict of ndarray
        image; decoded, its reconstruction; features (h, w, K), its last feature map; weights (K, D), the mean gradient
        of each dimension by each channel of it; sampled (2, 128, 128), decoded from N(0, I).
    """
    noise = np.random.default_rng(seed).standard_normal((2, model.config.latent_dim))
    shown = image[None] / np.float32(255)
    return {
        "image": shown[0],
        "decoded": descriptors.reconstruct(model, shown)[0],
        "features": layer_shapes.features(model.encoder, shown)[0],
        "weights": layer_shapes.channel_weights(model.encoder),
        "sampled": descriptors.decode(model, noise),
    }


def write(
    run: Run, models: Mapping[str, vae.Autoencoder], images: NDArray[np.uint8], index: pd.DataFrame, seed: int = 0
) -> dict[str, NDArray[Any]]:
    """Write into a run what its figures show of models of one size, the main one among them, and of which `row`.

    Returns
    -------
    dict of ndarray
        The `reconstructions`.
    """
    made = reconstructions(models, images, index)
    main = next(model for model in models.values() if model.config.kind == kinds.MAIN)
    files.write_npz(run.drawing("reconstructions"), **made)
    row = index.index[index["split"] == "test"][0]
    files.write_npz(run.drawing("network"), row=row, **network(main, images[row], seed))
    files.write_csv(run.numbers("layers"), layer_shapes.of_model(main))
    return made
