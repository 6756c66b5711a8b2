"""What a model draws of a property: the structure that goes with low and high values of it, and foams made to order."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import files, units
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import augmentation, pores, synthetic_properties, targets
from nanofoam_lib.latent import fulfilment, property_axes
from nanofoam_lib.models import descriptors, generation, realism

#: Fields of noise over which the pores along a way are averaged.
WALK_FIELDS = 4
#: Micrographs of the train side, about, by which a law is adjusted to pictures of 128×128.
ADJUSTED_BY = 60
Law = Callable[[pd.DataFrame], NDArray[np.float64]]


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """What a model draws of the properties of specimens; made by `study`.

    Attributes
    ----------
    walks : pandas.DataFrame
        One row per picture on the way from low to high values of a property: target, unit, kind, latent_dim; ``step``,
        the value of which it shows the typical structure (`property_axes.typical`); noise, the number of the field;
        extrapolation, as `realism.measure` tells it; and pore measures.
    pictures : ndarray of uint8, shape (n, 128, 128)
        Those of the first field, in the order of the rows.
    ordered : pandas.DataFrame
        Wanted, predicted and got, as `fulfilment.compare` gives them with the property as measure: of pictures made to
        order, of held-out images reduced to 128×128, and of their reconstructions. ``by`` tells how got is read from a
        picture: by the ``law`` of its pores, or where there is none by the ``regression``, from the picture encoded
        again. ``encoded``, ``pi_low`` and ``pi_high`` are what the regression says of it, and its 90 % interval.
    """

    walks: pd.DataFrame
    pictures: np.ndarray
    ordered: pd.DataFrame


def study(
    yardstick: realism.Yardstick,
    mu: NDArray[Any],
    images: NDArray[np.uint8],
    index: pd.DataFrame,
    known: pd.DataFrame,
    laws: Mapping[str, Law] | None = None,
    seed: int = 0,
) -> Study:
    """Let a model draw what goes with each property, and foams to order.

    Parameters
    ----------
    yardstick : realism.Yardstick
        Of the model that draws.
    mu : ndarray, shape (N, D)
        Its latent vectors of all images.
    images : ndarray of uint8, shape (N, 128, 128)
    index : pandas.DataFrame, N rows
        Columns group, split, width, height, um_x, um_y.
    known : pandas.DataFrame, N rows
        A column per property, NaN where unknown. Only those known of ten train specimens are looked at; nothing is
        learnt from others.
    laws : dict, optional
        Property → its law: from a table of pore measures (n rows) to values (n,). Pores in 128×128 pixels read a few
        per cent small, so that a law is adjusted by one factor: the median, over micrographs of the train side reduced
        alike, of what is known over what the law gives.
    seed : int
        Deals specimens to folds.

    Returns
    -------
    Study
        Without rows where no property is known of enough specimens.
    """
    train, test = ((index["split"] == side).to_numpy() for side in ("train", "test"))
    axes = property_axes.fit_all(mu[train], known[train], index["group"][train], seed)
    if not axes:
        none = (
            pd.DataFrame(columns=property_axes.WALKED),
            pd.DataFrame(columns=[*fulfilment.COLUMNS, *property_axes.ORDERED]),
        )
        return Study(none[0], np.zeros((0, *images.shape[1:]), np.uint8), none[1])
    um, aspect = index[["um_x", "um_y"]], float(np.median(augmentation.aspects(index)[train]))
    pixel = tuple(um[train].median())
    some = np.flatnonzero(train)[:: -(-train.sum() // ADJUSTED_BY)]
    reduced = pores.measure_pictures(images[some], um.to_numpy()[some], aspect=aspect)
    adjusted = {
        name: _adjust(law, reduced, known[name].to_numpy(float)[some])
        for name, law in (laws or {}).items() if name in axes
    }  # fmt: skip

    walks, pictures = _walk(yardstick, axes, pixel, aspect)
    wanted, points = property_axes.orders(axes)
    fields = generation.noise_fields(yardstick.model)
    drawn, found = _draw(yardstick, points, fields, pixel, aspect)
    parts = [
        _compare(yardstick, axes, adjusted, points, wanted, drawn[own], found.iloc[own], fulfilment.DESIGNED, field)
        for field, own in zip(fields, np.split(np.arange(len(found)), len(fields)), strict=True)
    ]
    shown = np.flatnonzero(test)[:: -(-test.sum() // generation.COMPARED)]
    decoded = descriptors.decode(yardstick.model, mu[shown])
    for who, own in ((fulfilment.REAL, images[shown] / np.float32(255)), (fulfilment.RECONSTRUCTED, decoded)):
        got = _look(yardstick, mu[shown], own, um.to_numpy()[shown], aspect)
        wanted = known.iloc[shown][list(axes)].reset_index(drop=True)
        parts.append(_compare(yardstick, axes, adjusted, mu[shown], wanted, own, got, who))
    return Study(walks, pictures, pd.concat(parts, ignore_index=True))


def of_run(run: Run, yardstick: realism.Yardstick, mu: NDArray[Any], is_synthetic: bool, seed: int = 0) -> Study:
    """Draw what goes with the properties of a run, as `study`: of synthetic specimens by their laws.

    Of specimens whose pores cannot be believed nothing is known here, so that nothing is drawn where these are most.
    """
    index, believed = run.load_index(), run.load_measures()["porosity"].notna()
    known = targets.of_index(index).table.where(believed, axis=0)
    laws = synthetic_properties.LAWS if is_synthetic else {}
    return study(yardstick, mu, run.load_images(), index, known, laws, seed)


def write(run: Run, found: Study) -> None:
    """Write a study into a run: tables ``property_walks`` and ``property_orders``, and the pictures as a drawing."""
    files.write_csv(run.table("property_walks"), found.walks)
    files.write_csv(run.table("property_orders"), found.ordered)
    files.write_npz(run.drawing("property_walks"), pictures=found.pictures)


def _adjust(law, reduced, known):
    """Give a law the factor by which its values for these pores fall short of what is known."""
    factor = np.nanmedian(known / law(reduced))
    return lambda measured: factor * law(measured)


def _walk(yardstick, axes, pixel, aspect):
    """Draw the typical structure of each level of the properties that vectors tell of: table, pictures."""
    told = {name: axis for name, axis in axes.items() if axis.told > 0}
    steps = [(name, value) for name, axis in told.items() for value in property_axes.levels(axis)]
    if not steps:
        return pd.DataFrame(columns=property_axes.WALKED), np.zeros((0, *yardstick.images.shape[1:]), np.uint8)
    points = np.concatenate([property_axes.typical(axis, property_axes.levels(axis)) for axis in told.values()])
    fields = generation.noise_fields(yardstick.model)[:WALK_FIELDS]
    drawn, found = _draw(yardstick, points, fields, pixel, aspect)
    names, values = zip(*steps, strict=True)
    config = yardstick.model.config
    table = found.assign(
        target=list(names) * len(fields), unit=[units.of_name(name) for name in names] * len(fields), kind=config.kind,
        latent_dim=config.latent_dim, step=list(values) * len(fields), noise=np.repeat(fields, len(steps)),
    )  # fmt: skip
    measured = [name for name in found if name not in property_axes.WALKED]
    return table[[*property_axes.WALKED, *measured]], generation.to_bytes(drawn[: len(steps)])


def _draw(yardstick, points, fields, pixel, aspect):
    """Decode points from each field of noise, and look at all pictures: pictures (fields · n, S, S), their table."""
    pictures = np.concatenate([descriptors.decode(yardstick.model, points, max(field - 1, 0)) for field in fields])
    everywhere = np.tile(points, (len(fields), 1))
    return pictures, _look(yardstick, everywhere, pictures, [pixel] * len(pictures), aspect)


def _look(yardstick, points, pictures, um, aspect):
    """Tell how far pictures are from real ones, and measure their pores."""
    found = realism.measure(yardstick, points, pictures)
    return found.join(pores.measure_pictures(pictures, um, aspect=aspect)).join(descriptors.half_widths(pictures))


def _compare(yardstick, axes, laws, points, wanted, pictures, got, picture, noise=0):
    """Lay what was wanted beside what the pictures have of it, by a law or by the regression."""
    encoded = descriptors.encode(yardstick.model, pictures)["mu"]
    said = {name: axis.predictor.predict(encoded) for name, axis in axes.items()}
    got = got.reset_index(drop=True)
    values = {name: laws[name](got) if name in laws else said[name][0] for name in axes}
    designs = {name: axis.design for name, axis in axes.items()}
    table = fulfilment.compare(designs, points, wanted, got.assign(**values), picture, noise)
    for name, limits in said.items():
        rows = table["measure"] == name
        at = table.loc[rows, "order"].to_numpy(int)
        own = dict(zip(("encoded", "pi_low", "pi_high"), (part[at] for part in limits), strict=True))
        by = property_axes.LAW if name in laws else property_axes.REGRESSION
        table.loc[rows, property_axes.ORDERED] = pd.DataFrame(
            {"unit": units.of_name(name), "by": by, **own}, index=table.index[rows]
        )
    return table
