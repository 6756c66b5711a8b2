"""What a model draws: foams on walks through its latent space and to order, each told how far it is from real ones."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import files
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import augmentation, pores
from nanofoam_lib.latent import decode_plan, fulfilment, inverse_design, projection, traversal
from nanofoam_lib.models import descriptors, kinds, realism, vae

COMPARED = 40  # held-out images whose pores are measured beside those of designed pictures, about
LARGE = 512  # pixels, the side of large foams
FIELDS = 10  # of noise, from each of which an order is drawn by a model that takes any


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """What one model draws; made by `study`.

    Attributes
    ----------
    yardstick : realism.Yardstick
    real : pandas.DataFrame
        What `realism.measure` gives for the held-out images.
    points : pandas.DataFrame
        The maps, as `projection.maps` gives them.
    generated : pandas.DataFrame
        One row per picture: what, series, class, step (see `decode_plan`), the numbers of `realism.measure`,
        ``contrast`` (standard deviation of grey over the mean one of held-out images), pore measures, and
        `descriptors.half_widths`.
    pictures : ndarray of uint8, shape (n, 128, 128)
    ordered : pandas.DataFrame
        Wanted, predicted and got, as `fulfilment.compare` gives them: of designed pictures, each order drawn from
        every one of `noise_fields`, of held-out images reduced to 128×128, and of their reconstructions.
    """

    yardstick: realism.Yardstick
    real: pd.DataFrame
    points: pd.DataFrame
    generated: pd.DataFrame
    pictures: np.ndarray
    ordered: pd.DataFrame


def study(
    model: vae.Autoencoder,
    mu: NDArray[Any],
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    measures: pd.DataFrame,
    dims: Iterable[int],
    seed: int = 0,
) -> Study:
    """Let a model draw, and judge its pictures.

    Parameters
    ----------
    model : vae.Autoencoder
        A variational one.
    mu : ndarray, shape (N, D)
        Its latent vectors of all images.
    images : ndarray of uint8, shape (N, 128, 128)
    index : pandas.DataFrame, N rows
        Columns id, label, split, width, height, um_x, um_y.
    measures : pandas.DataFrame, N rows
        Pore measures of the full micrographs.
    dims : sequence of int
        Latent dimensions to walk along.
    seed : int
        Of the samples.

    Returns
    -------
    Study
    """
    train, test = ((index["split"] == side).to_numpy() for side in ("train", "test"))
    known, held_out, labels = mu[train], mu[test], index["label"][train]
    pca, lda = projection.both({"mu": mu}, index)
    maps = {"PCA": pca["mu"]} | ({"LDA": lda["mu"]} if lda else {})
    last = list(maps)[-1]
    designs = inverse_design.fit_all(known, measures[train])
    orders = {
        fulfilment.DESIGNED: inverse_design.orders(designs, measures[train]),
        fulfilment.TOGETHER: inverse_design.joint_orders(designs, measures[train]),
    }
    yardstick, real, decoded = realism.fit(model, images, mu, train, test)

    parts = [decode_plan.traversals(known, dims, maps), decode_plan.interpolations(known, labels)]
    parts += [
        decode_plan.samples(known, labels, seed=seed),
        decode_plan.lattice(maps[last], "LD" if lda else "PC"),
        decode_plan.orders(*orders[fulfilment.DESIGNED]),
        decode_plan.joint_orders(*orders[fulfilment.TOGETHER]),
    ]
    um = index[["um_x", "um_y"]]
    pixel, aspect = um[train].median(), float(np.median(augmentation.aspects(index)[train]))
    generated, pictures = draw(yardstick, pd.concat(parts), pixel, images[test], aspect)
    ordered = fill(yardstick, designs, orders, generated, pixel, aspect)
    some = slice(None, None, -(-len(held_out) // COMPARED))
    for picture, own in ((fulfilment.REAL, images[test]), (fulfilment.RECONSTRUCTED, decoded)):
        got = _measure(own[some], um[test].to_numpy()[some], aspect)
        got = real[some].reset_index(drop=True).join(got)
        ordered.append(fulfilment.compare(designs, held_out[some], measures[test][some], got, picture))
    ordered = pd.concat(ordered, ignore_index=True)
    return Study(yardstick, real, projection.maps(maps, index), generated, to_bytes(pictures), ordered)


def write(run: Run, kind: str, found: Study) -> None:
    """Write what a kind of model has drawn into a run: three tables, and the pictures as a drawing."""
    for name, table in (("generated", found.generated), ("design", found.ordered), ("latent_map", found.points)):
        files.write_csv(run.table(kinds.of_kind(name, kind)), table)
    files.write_npz(run.drawing(kinds.of_kind("generated", kind)), pictures=found.pictures)


def large(model: vae.Autoencoder, mu: NDArray[Any], index: pd.DataFrame, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Draw the mean of each class 512 pixels wide, by a model that draws pictures larger than those it has seen.

    Returns
    -------
    dict of ndarray
        ``pictures`` uint8 (C, 512, 512), ``labels`` (C,), ``um`` (C, 2): size of a pixel in x and y.
    """
    train = (index["split"] == "train").to_numpy()
    means = traversal.class_means(mu[train], index["label"][train])
    pictures = to_bytes(descriptors.decode(model, means, seed, size=LARGE))
    um = index.groupby("label")[["um_x", "um_y"]].median().to_numpy()
    return {"pictures": pictures, "labels": means.index.to_numpy(str), "um": um}


def draw(
    yardstick: realism.Yardstick,
    walk: pd.DataFrame,
    um: Iterable[float],
    real: NDArray[np.uint8],
    aspect: float = 1.0,
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Decode a walk, and measure every picture of it.

    Parameters
    ----------
    yardstick : realism.Yardstick
        Of the model that draws.
    walk : pandas.DataFrame
        Latent vectors, as `decode_plan` gives them.
    um : (float, float)
        Size of the pictures' pixels in micrometres, x and y; NaN if unknown.
    real : ndarray of uint8, shape (m, 128, 128)
        Images whose contrast counts as 1.
    aspect : float
        Width of a pixel over its height, where `um` is unknown.

    Returns
    -------
    generated : pandas.DataFrame
        As in `Study`.
    pictures : ndarray of float32, shape (n, 128, 128)
    """
    pictures = descriptors.decode(yardstick.model, walk)
    found = realism.measure(yardstick, walk, pictures)
    found["contrast"] = pictures.std(axis=(1, 2)) / (real.std(axis=(1, 2)).mean() / 255)
    measured = _measure(pictures, [tuple(um)] * len(walk), aspect)
    return walk.index.to_frame(index=False).join(found).join(measured), pictures


def noise_fields(model: vae.Autoencoder, n: int) -> list[int]:
    """Give the numbers of `n` fields of noise from which a model draws, from 1; [0] if it takes none."""
    return list(range(1, n + 1)) if len(model.decoder.inputs) > 1 else [0]


def fill(
    yardstick: realism.Yardstick,
    designs: Mapping[str, inverse_design.Design],
    orders: Mapping[str, tuple[pd.DataFrame, NDArray[Any]]],
    generated: pd.DataFrame,
    um: Iterable[float],
    aspect: float = 1.0,
) -> list[pd.DataFrame]:
    """Draw each order from every field of noise, and compare the pores with what was wanted.

    Parameters
    ----------
    yardstick : realism.Yardstick
        Of the model that draws.
    designs : dict
        Measure → `inverse_design.Design`.
    orders : dict
        Who orders, `fulfilment.DESIGNED` or ``TOGETHER`` → wanted values and points.
    generated : pandas.DataFrame
        As in `Study`: the orders' pictures from the first field, which is that of all other pictures.
    um, aspect
        As in `draw`.

    Returns
    -------
    list of pandas.DataFrame
        As `fulfilment.compare` gives them.
    """
    first, *others = noise_fields(yardstick.model, FIELDS)
    walks = {fulfilment.DESIGNED: "design", fulfilment.TOGETHER: "together"}
    done = [
        fulfilment.compare(designs, points, wanted, generated.query(f"what == '{walks[who]}'"), who, first)
        for who, (wanted, points) in orders.items()
        if len(wanted) or who == fulfilment.DESIGNED
    ]
    parts = [(field, who, *own) for field in others for who, own in orders.items() if len(own[0])]
    if not parts:
        return done
    drawn = [descriptors.decode(yardstick.model, points, field - 1) for field, *_, points in parts]
    pictures, everywhere = np.concatenate(drawn), np.concatenate([points for *_, points in parts])
    got = realism.measure(yardstick, everywhere, pictures)
    got = got.join(_measure(pictures, [tuple(um)] * len(pictures), aspect))
    rows = np.split(np.arange(len(got)), np.cumsum([len(own) for own in drawn])[:-1])
    return done + [
        fulfilment.compare(designs, points, wanted, got.iloc[own], who, field)
        for (field, who, wanted, points), own in zip(parts, rows, strict=True)
    ]


def _measure(pictures, um, aspect):
    """Measure the pores of pictures, and how far their correlation reaches."""
    return pores.measure_pictures(pictures, um, aspect=aspect).join(descriptors.half_widths(pictures))


def to_bytes(pictures: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Turn pictures in [0, 1] into uint8."""
    return (255 * pictures + 0.5).astype(np.uint8)
