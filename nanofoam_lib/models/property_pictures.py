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
from nanofoam_lib.latent import fulfilment, inverse_design, property_axes, property_orders
from nanofoam_lib.models import descriptors, generation, realism

#: Fields of noise over which the pores along a way are averaged.
WALK_FIELDS = 4
#: Fields in which orders are drawn and judged: none of those in which it was tried what to draw.
ORDER_FIELDS = 8
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
        order, of held-out specimens, means over their images: all as predicted, and some as got from images reduced to
        128×128 and from their reconstructions. ``by`` tells how got is read from a
        picture: by the ``law`` of its pores, or where there is none by the ``regression``, from the picture encoded
        again. ``encoded``, ``pi_low`` and ``pi_high`` are what the regression says of it, and its 90 % interval.
        ``out_of_reach``: the order is refused, as nothing that was tried comes near (`property_orders.Orders`); what
        stands there is the nearest.
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
        walks, ordered = property_axes.WALKED, [*fulfilment.COLUMNS, *property_axes.ORDERED]
        pictures = np.zeros((0, *images.shape[1:]), np.uint8)
        return Study(pd.DataFrame(columns=walks), pictures, pd.DataFrame(columns=ordered))
    um, aspect = index[["um_x", "um_y"]], float(np.median(augmentation.aspects(index)[train]))
    pixel = tuple(um[train].median())
    some = np.flatnonzero(train)[:: -(-train.sum() // ADJUSTED_BY)]
    reduced = pores.measure_pictures(images[some], um.to_numpy()[some], aspect=aspect)
    laws = laws or {}
    read = {
        name: _adjust(laws[name], reduced, known[name].to_numpy(float)[some]) if name in laws else None for name in axes
    }

    walks, pictures = _walk(yardstick, axes, pixel, aspect)
    some = train & known[list(axes)].notna().any(axis=1).to_numpy()
    points = property_orders.candidates(mu[some], index["group"][some], seed=seed)
    found, made = _find(yardstick, axes, read, points, pixel, aspect)
    wanted, points, reached = _together(found)
    drawn = _draw(yardstick, axes, points, made, pixel, aspect)[1]
    parts = [
        _compare(axes, read, points, wanted, drawn.iloc[own], fulfilment.DESIGNED, field, reached)
        for field, own in zip(made, np.split(np.arange(len(drawn)), len(made)), strict=True)
    ]
    parts += _of_specimens(yardstick, axes, read, mu[test], images[test], index[test], known[test], aspect)
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


def _fields(model):
    """Part the fields of noise: of each round in which orders are sought, and those in which they are drawn.

    A model that takes no noise draws one picture of a point, which is both sought and judged.
    """
    sought = sum(property_orders.ROUNDS)
    fields = generation.noise_fields(model, sought + ORDER_FIELDS)
    if len(fields) == 1:
        return [fields], fields
    return np.split(fields[:sought], np.cumsum(property_orders.ROUNDS)[:-1]), fields[sought:]


def _find(yardstick, axes, read, points, pixel, aspect):
    """Find which of the points to draw for each order of each property: dict of name to orders, fields to draw them."""
    (first, *rounds), made = _fields(yardstick.model)

    def look(names, points, fields):
        return _try(yardstick, {name: axes[name] for name in names}, read, points, fields, pixel, aspect)

    screened = look(axes, points, first)
    found = {
        name: property_orders.find(
            axis, property_axes.levels(axis), points, screened[name],
            lambda own, fields, name=name: look([name], own, fields)[name], rounds,
        )
        for name, axis in axes.items()
    }  # fmt: skip
    return found, made


def _try(yardstick, axes, read, points, fields, pixel, aspect):
    """Decode points from each field, and look only at what tells of the properties: name to values (n, fields)."""
    pictures = _decode(yardstick, points, fields)
    table = pd.DataFrame(index=range(len(pictures)))
    if any(read[name] for name in axes):
        table = table.join(pores.measure_pictures(pictures, [pixel] * len(pictures), aspect=aspect))
    if not all(read[name] for name in axes):
        table = table.join(_predict(yardstick, axes, pictures))
    return {name: _got(name, read[name], table).reshape(len(fields), -1).T for name in axes}


def _together(found):
    """Put the orders of all properties below each other: wanted (a column each), points, whether they are reached."""
    wanted = pd.concat([pd.DataFrame({name: own.wanted}) for name, own in found.items()], ignore_index=True)
    return wanted, *(np.concatenate([getattr(own, part) for own in found.values()]) for part in ("points", "reached"))


def _adjust(law, reduced, known):
    """Give a law the factor by which its values for these pores fall short of what is known."""
    factor = np.nanmedian(known / law(reduced))
    return lambda measured: factor * law(measured)


def _encoded(name):
    """Name the column of what the regression predicts of a picture that was encoded again."""
    return f"encoded {name}"


def _got(name, law, table):
    """Read from a table of pictures what they have of a property: by a law, or by the regression."""
    return law(table) if law else table[_encoded(name)].to_numpy(float)


def _walk(yardstick, axes, pixel, aspect):
    """Draw the typical structure of each level of the properties that vectors tell of: table, pictures."""
    told = {name: axis for name, axis in axes.items() if axis.told > 0}
    steps = [(name, value) for name, axis in told.items() for value in property_axes.levels(axis)]
    if not steps:
        return pd.DataFrame(columns=property_axes.WALKED), np.zeros((0, *yardstick.images.shape[1:]), np.uint8)
    points = np.concatenate([property_axes.typical(axis, property_axes.levels(axis)) for axis in told.values()])
    fields = generation.noise_fields(yardstick.model, WALK_FIELDS)
    drawn, found = _draw(yardstick, {}, points, fields, pixel, aspect)
    names, values = zip(*steps, strict=True)
    config = yardstick.model.config
    table = found.assign(
        target=list(names) * len(fields), unit=[units.of_name(name) for name in names] * len(fields), kind=config.kind,
        latent_dim=config.latent_dim, step=list(values) * len(fields), noise=np.repeat(fields, len(steps)),
    )  # fmt: skip
    measured = [name for name in found if name not in property_axes.WALKED]
    return table[[*property_axes.WALKED, *measured]], generation.to_bytes(drawn[: len(steps)])


def _decode(yardstick, points, fields):
    """Decode points (n, D) from each field of noise: (fields · n, S, S), field by field."""
    return np.concatenate([descriptors.decode(yardstick.model, points, max(field - 1, 0)) for field in fields])


def _draw(yardstick, axes, points, fields, pixel, aspect):
    """Decode points from each field of noise, and look at all pictures: pictures (fields · n, S, S), their table."""
    pictures = _decode(yardstick, points, fields)
    everywhere = np.tile(points, (len(fields), 1))
    return pictures, _look(yardstick, axes, everywhere, pictures, [pixel] * len(pictures), aspect)


def _look(yardstick, axes, points, pictures, um, aspect):
    """Tell how far pictures are from real ones, what their pores measure, and what the regressions predict of them."""
    found = realism.measure(yardstick, points, pictures)
    found = found.join(pores.measure_pictures(pictures, um, aspect=aspect)).join(descriptors.half_widths(pictures))
    return found.join(_predict(yardstick, axes, pictures)) if axes else found


def _predict(yardstick, axes, pictures):
    """Encode pictures again, and predict their properties: a column each."""
    mu = descriptors.encode(yardstick.model, pictures)["mu"]
    return pd.DataFrame({_encoded(name): inverse_design.predict(axis.design, mu) for name, axis in axes.items()})


def _of_specimens(yardstick, axes, read, mu, images, index, known, aspect):
    """Compare test specimens, means over their images: all as predicted, some also as got from small pictures."""
    groups, group_of = np.unique(index["group"].to_numpy(str), return_inverse=True)
    points = np.stack([mu[group_of == g].mean(axis=0) for g in range(len(groups))])
    wanted = known[list(axes)].groupby(group_of).mean()
    shown = np.flatnonzero(group_of % -(-len(index) // generation.COMPARED) == 0)
    um, decoded = index[["um_x", "um_y"]].to_numpy()[shown], descriptors.decode(yardstick.model, mu[shown])
    parts = []
    for who, own in ((fulfilment.REAL, images[shown] / np.float32(255)), (fulfilment.RECONSTRUCTED, decoded)):
        table = _look(yardstick, axes, mu[shown], own, um, aspect).astype(float).groupby(group_of[shown]).mean()
        table = table.reindex(range(len(groups)))
        parts.append(
            _compare(axes, read, points, wanted, table.assign(extrapolation=table["extrapolation"] > 0.5), who)
        )
    return parts


def _compare(axes, read, points, wanted, table, picture, noise=0, reached=None):
    """Lay what was wanted beside what pictures, or the means of specimens, have of it."""
    reached = np.ones(len(points), bool) if reached is None else reached
    table = table.reset_index(drop=True)
    got = table.assign(**{name: _got(name, read[name], table) for name in axes})
    designs = {name: axis.design for name, axis in axes.items()}
    found = fulfilment.compare(designs, points, wanted, got, picture, noise)
    for name, axis in axes.items():
        rows = found["measure"] == name
        order = found.loc[rows, "order"].to_numpy(int)
        encoded = table[_encoded(name)].to_numpy()[order]
        own = {"unit": units.of_name(name), "by": fulfilment.LAW if read[name] else fulfilment.REGRESSION}
        own |= {"encoded": encoded, "pi_low": encoded - axis.half_width, "pi_high": encoded + axis.half_width}
        own |= {fulfilment.OUT_OF_REACH: ~reached[order]}
        found.loc[rows, property_axes.ORDERED] = pd.DataFrame(own, index=found.index[rows])
    return found
