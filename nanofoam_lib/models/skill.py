"""What a model can do: how much of its images it draws again, beside what needs no model."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.language import fixed
from nanofoam_lib.latent import controls
from nanofoam_lib.models import descriptors, epochs, kinds, mixed_precision, objective, vae
from nanofoam_lib.models.backend import keras

#: Of the train images, then of the test images, in nats per image.
LOSSES = ["total", "reconstruction", "kl", "test_total", "test_reconstruction", "test_kl"]
MOST_IMAGES = 1024  # of a side, evenly drawn: memory must not grow with their number


def table(
    models: Mapping[str, vae.Autoencoder], images: NDArray[np.uint8], train_rows: ArrayLike, test_rows: ArrayLike
) -> pd.DataFrame:
    """Judge models by what they draw of images, before anything is drawn or read from them.

    Parameters
    ----------
    models : dict
        Name → `vae.Autoencoder`.
    images : ndarray of uint8, shape (N, 128, 128)
    train_rows, test_rows : array-like of int

    Returns
    -------
    pandas.DataFrame, indexed like `models`
        skill_train, skill_test : skill of the model's pictures, decoded from μ (or conv) in inference mode;
        skill_flat : that of a picture all of the image's own mean grey; skill_mean : that of the mean train image;
        skill_pca : that of as many principal components of the train images; contrast : standard deviation of the grey
        in decoded test images, as a share of that in the images; has_skill : whether the model draws test images
        better than the flat picture and the mean; `losses`. A model that compares statistics is judged by these
        (`statistics`): it has no PCA beside it, and the flat picture stands for none.
    """
    sides = {"train": memmap.evenly(train_rows, MOST_IMAGES), "test": memmap.evenly(test_rows, MOST_IMAGES)}
    shown = {side: memmap.take(images, rows) / np.float32(255) for side, rows in sides.items()}
    plain = _plain(images, train_rows, shown["test"], {model.config.latent_dim for model in models.values()})
    rows = {}
    for name, model in models.items():
        own = {side: descriptors.reconstruct(model, pictures) for side, pictures in shown.items()}
        judge = statistics if kinds.get(model.config.kind).redraws else pixels
        row = {f"skill_{side}": judge(shown[side], own[side]) for side in sides}
        row |= plain[model.config.latent_dim] if judge is pixels else dict.fromkeys(("skill_flat", "skill_mean"), 0.0)
        row["contrast"] = contrast(shown["test"], own["test"])
        row["has_skill"] = bool(row["skill_test"] > max(row["skill_flat"], row["skill_mean"]))
        rows[name] = row | losses(model, images, train_rows, test_rows)
    columns = ["skill_train", "skill_test", "skill_flat", "skill_mean", "skill_pca", "contrast", "has_skill"]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=[*columns, *LOSSES])


def losses(
    model: vae.Autoencoder, images: NDArray[np.uint8], train_rows: ArrayLike, test_rows: ArrayLike
) -> dict[str, float]:
    """Compute the losses of a model on both sides alike: in inference mode, on images as they are.

    Parameters
    ----------
    model, images, train_rows, test_rows
        As in `table`.

    Returns
    -------
    dict of float
        `LOSSES`. Those of a history cannot be compared: on train they are means over an epoch, in training mode, on
        shifted and flipped images; on test they are taken after it.
    """
    found = {}
    for prefix, rows in (("", train_rows), ("test_", test_rows)):
        parts = [
            _loss(model, batch)
            for _, batch in descriptors.batches(memmap.take(images, memmap.evenly(rows, epochs.WATCHED)))
        ]
        reconstruction, kl = (np.concatenate(part).mean() for part in zip(*parts, strict=True))
        own = {"total": objective.total(reconstruction, kl if model.config.is_variational else None, model.config.beta)}
        own |= {"reconstruction": reconstruction, "kl": kl}
        found |= {f"{prefix}{name}": float(value) for name, value in own.items()}
    return found


def _loss(model, batch):
    """Give reconstruction and KL of each image; without a prior that is NaN."""
    epochs.seed_noise(model, (0, 0))
    outputs = model(batch, training=False)
    reconstruction = keras.ops.convert_to_numpy(model.compare(batch, outputs["logits"]))
    if not model.config.is_variational:
        return reconstruction, np.full(len(batch), np.nan)
    mu, log_var = (keras.ops.convert_to_numpy(outputs[name]) for name in ("mu", "log_var"))
    return reconstruction, objective.kl_divergence(mu, log_var).sum(axis=-1)


def summarise(
    histories: Mapping[str, pd.DataFrame],
    encoded: Mapping[str, Mapping[str, NDArray[np.float32]]],
    verdicts: pd.DataFrame,
    precision: str = "float32",
) -> pd.DataFrame:
    """Sum up trained models, one row each; warn (`RunWarning`) of one without skill or without an active dimension.

    Parameters
    ----------
    histories : dict
        Name of the model → history, as `training.fit` returns it.
    encoded : dict
        Name of the model → its descriptors of the train images.
    verdicts : pandas.DataFrame
        Of the same models, as `table` gives it.
    precision : str
        What its recipe says.

    Returns
    -------
    pandas.DataFrame
        Columns model, kind, latent_dim, steps, epochs, those of `verdicts`, active (latent dimensions,
        `objective.usage`; missing for a plain autoencoder), precision (that of the training steps), then `LOSSES`, and
        what else the history says of the last epoch.
    """
    rows = []
    for name, history in histories.items():
        own, last = encoded[name], history.iloc[-1]
        active = int(objective.usage(own["mu"], own["sigma"])["active"].sum()) if "mu" in own else None
        warn_if_collapsed(name, active)
        warn_if_without_skill(name, verdicts.loc[name])
        kind, _, size = name.rpartition("-")
        row = {"model": name, "kind": kind, "latent_dim": int(size), "steps": int(last["step"]), "epochs": len(history)}
        verdict = verdicts.loc[name].drop(LOSSES)
        row |= {**verdict, "active": active, "precision": mixed_precision.choose(precision)} | verdicts.loc[
            name, LOSSES
        ].to_dict()
        rows.append(row | last.drop(["epoch", "step", *LOSSES]).to_dict())
    return pd.DataFrame(rows).astype({"active": "Int64", "has_skill": bool})


def warn_if_collapsed(name: str, active: int | None) -> None:
    """Warn (`RunWarning`) if the model called `name` has no active latent dimension."""
    if active == 0:
        warnings.warn(
            f"{name} has collapsed: no latent dimension is active; lower beta or train longer", RunWarning, stacklevel=2
        )


def warn_if_without_skill(name: str, verdict: pd.Series) -> None:
    """Warn (`RunWarning`) if the model called `name` has learnt nothing that it can draw."""
    if not verdict["has_skill"]:
        warnings.warn(
            f"{name} has no skill (test images: {fixed(verdict['skill_test'])}, a flat grey "
            f"{fixed(verdict['skill_flat'])}): "
            "what is drawn from it illustrates noise; train with more steps",
            RunWarning,
            stacklevel=2,
        )


def pixels(images: NDArray[np.floating], pictures: NDArray[np.floating]) -> float:
    """Give 1 − MSE / variance: 1 for pictures that equal the images, 0 for one grey, the mean of all.

    Parameters
    ----------
    images, pictures : ndarray of float, shape (n, S, S)
        In [0, 1].

    Returns
    -------
    float

    Examples
    --------
    >>> images = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    >>> pixels(images, images), pixels(images, np.full((1, 2, 2), 0.5))
    (1.0, 0.0)
    """
    return float(1 - np.mean((images - pictures) ** 2, dtype=float) / np.var(images, dtype=float))


def statistics(images: NDArray[np.floating], pictures: NDArray[np.floating]) -> float:
    """Give 1 − d / d₀, d the distance of statistics between image and picture, d₀ that between two images.

    1 is a picture of the same statistics, 0 one no nearer to its image than another image of the set, drawn at random,
    is (`spatial_statistics.distance`); NaN where no two differ. Arguments and result as of `pixels`.
    """
    others = images[np.random.default_rng(0).permutation(len(images))]
    apart = descriptors.texture_distance(images, others).mean()
    return float(1 - descriptors.texture_distance(images, pictures).mean() / apart) if apart > 0 else float("nan")


def contrast(images: NDArray[np.floating], pictures: NDArray[np.floating]) -> float:
    """Give the mean standard deviation of the grey within pictures, as a share of that within images: float."""
    return float(np.mean(pictures.std(axis=(1, 2))) / np.mean(images.std(axis=(1, 2))))


def _plain(images, train_rows, test, sizes):
    """Give the skill of the flat picture, of the mean image, and of PCA with each number of components."""
    size = max(sizes)
    known = memmap.evenly(train_rows, controls.SNAPSHOTS)
    mean, axes = controls.principal_axes(images, known, min(size, len(known) - 1))
    flat = test.mean(axis=(1, 2), keepdims=True)
    centred = test.reshape(len(test), -1) - mean
    scores = centred @ axes
    total, variance = np.sum(centred**2, dtype=float), np.var(test, dtype=float) * test.size
    found = {"skill_flat": pixels(test, np.broadcast_to(flat, test.shape)), "skill_mean": 1 - total / variance}
    return {
        own: found | {"skill_pca": 1 - (total - np.sum(scores[:, :own] ** 2, dtype=float)) / variance} for own in sizes
    }
