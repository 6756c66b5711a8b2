"""Grad-CAM of a property: where in a micrograph the regression finds what it predicts a property from."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.explain import deletion, gradcam, gradcam_checks
from nanofoam_lib.images import targets
from nanofoam_lib.latent import inverse_design, property_axes
from nanofoam_lib.models import vae
from nanofoam_lib.models.backend import keras

HEAD = "property"
LEVELS = (0.1, 0.5, 0.9)  # quantiles of the property on the test side, whose specimens are shown
CHECKED = 6  # micrographs, about, that the deletion test takes


@dataclasses.dataclass(frozen=True, eq=False)
class Maps:
    """Maps of properties; made by `study`.

    Attributes
    ----------
    drawing : dict of ndarray
        What `figures.specimens.property_maps` shows, of P properties at three levels: ``targets`` (P,); ``measured``
        and ``predicted`` (P, 3); ``images`` uint8 (P, 3, 128, 128); ``maps`` float32 (P, 3, h, w), in its unit.
    table : pandas.DataFrame
        One row per property and way of erasing other pixels: ``target``, and the columns of `gradcam_checks.summarise`
        on deletion.
    """

    drawing: dict[str, NDArray[Any]]
    table: pd.DataFrame


def readout(encoder: keras.Model, design: inverse_design.Design) -> keras.Model:
    """Put the regression of a property on top of an encoder's μ.

    Parameters
    ----------
    encoder : keras.Model
        With the head ``mu`` (N, D).
    design : inverse_design.Design
        Fitted on its μ.

    Returns
    -------
    keras.Model
        Images (N, 128, 128, 1) → the predicted property (N, 1), from the layer ``property``: `gradcam.latent_maps`
        explains it as any head. It is linear in μ, so that its signed map is that of the latent dimensions, weighted
        by the slopes of the regression.
    """
    head = keras.layers.Dense(1, name=HEAD, dtype="float32")
    mu = encoder.outputs[encoder.output_names.index("mu")]
    model = keras.Model(encoder.input, head(mu), name="readout")
    head.set_weights([design.slopes[:, None], np.array([design.intercept])])
    return model


def study(
    model: vae.Autoencoder,
    mu: NDArray[Any],
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    known: pd.DataFrame,
    seed: int = 0,
) -> Maps:
    """Map what speaks for a high and for a low value of each property, in test images of low, middle and high ones.

    Parameters
    ----------
    model : vae.Autoencoder
        A variational one.
    mu : ndarray, shape (N, D)
        Its latent vectors of all images.
    images : ndarray of uint8, shape (N, 128, 128)
    index : pandas.DataFrame, N rows
        Columns group, split.
    known : pandas.DataFrame, N rows
        A column per property. Regressions are fitted to train specimens; properties known of fewer than ten of them, or
        of no test image, are left out.
    seed : int

    Returns
    -------
    Maps
        Deletion erases the tenth of the pixels that speak most for a high value.
    """
    train = (index["split"] == "train").to_numpy()
    axes = property_axes.fit_all(mu[train], known[train], index["group"][train], seed)
    shown, rows = {}, []
    for name, axis in axes.items():
        test = np.flatnonzero(~train & known[name].notna().to_numpy())
        if not len(test):
            continue
        test = test[np.argsort(known[name].to_numpy()[test], kind="stable")]
        network, chosen = readout(model.encoder, axis.design), test[_spread(len(test), LEVELS)]
        maps = gradcam.latent_maps(network, images[chosen], head=HEAD, signed=True)[..., 0]
        values = known[name].to_numpy(float)[chosen], inverse_design.predict(axis.design, mu[chosen])
        shown[name] = (images[chosen], maps, *values)
        checked = np.unique(test[_spread(len(test), np.linspace(0, 1, CHECKED))])
        rows.append(_check(network, images[checked], index["group"].to_numpy()[checked], seed).assign(target=name))
    parts = zip(*shown.values(), strict=True) if shown else [np.zeros((0, len(LEVELS)))] * 4
    named = zip(("images", "maps", "measured", "predicted"), parts, strict=True)
    drawing = {"targets": np.array(list(shown), str)} | {name: np.array(part) for name, part in named}
    rows = rows or [pd.DataFrame(columns=["target", "variant", "value", "p_value"])]
    return Maps(drawing, pd.concat(rows, ignore_index=True))


def of_run(run: Run, placing: tuple[str, int, str], seed: int = 0) -> Maps:
    """Map the properties of a run in the latent space ``(kind, latent_dim, name)`` of `models.kinds.placing`."""
    kind, size, name = placing
    index = run.load_index()
    mu, images = run.load_descriptors(kind, size)[name], run.load_images()
    return study(vae.load(run.model(kind, size)), mu, images, index, targets.of_index(index).table, seed)


def _spread(n, shares):
    """Choose the rows at some shares of a list of n."""
    return np.round(np.asarray(shares) * (n - 1)).astype(int)


def _check(network, images, groups, seed):
    moved = deletion.moves(network, images, [0], HEAD, seed)
    return gradcam_checks.summarise({"deletion": moved}, groups, [0], {}, seed)
