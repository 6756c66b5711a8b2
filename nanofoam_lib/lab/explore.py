"""A walk through a latent space by hand: what is looked at now, and the picture of it, on screen and on paper."""

import io
import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from nanofoam_lib import figures
from nanofoam_lib.base import language
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.explain import inspection
from nanofoam_lib.figures import style
from nanofoam_lib.latent import projection

AXES = {"PCA": "PC", "LDA": "LD"}
#: What stands above a moved picture, by the error of `realism`.
GAUGES = {
    "cycle_error": "above what was moved: distance to train images | cycle error, in units of their spacing",
    "statistics_error": "above what was moved: distance to train images, in units of their spacing | error of "
    "statistics, beside the nearest of them",
}


class Explorer:
    """What one looks at in a `inspection.Space`, with the pictures that show it. `widgets.show` puts controls to it.

    Parameters
    ----------
    space : inspection.Space
    note : str
        Data set, split and seed, written below every saved picture.
    lang : {"en", "es"}
        Language of the saved pictures.

    Attributes
    ----------
    map : {"PCA", "LDA"}
    colour : str
        "label", or a column of the pore measures.
    sight : inspection.Sight
        The image or region that is looked at; at first a typical image.
    step : inspection.Step
        Where the latent vector was moved to; at first not moved.
    maps : dict
        Dimension → its Grad-CAM map, float32 (128, 128) in [0, 1]; the strongest of an image, empty for a region.
    """

    def __init__(self, space: inspection.Space, note: str = "", lang: str = "en") -> None:
        self.space, self.note, self.lang = space, note, lang
        self.map, self.colour = "PCA", "label"
        self.select(inspection.central(space))

    def select(self, rows: ArrayLike) -> None:
        """Look at the image of one row of the index, or at the average of several."""
        self.sight = inspection.look(self.space, rows)
        self.step = inspection.step(self.space, self.sight.start)
        single = len(self.sight.rows) == 1
        self.maps = dict(zip(*inspection.strongest_maps(self.space, self.sight.rows[0]), strict=True)) if single else {}

    def walk(self, values: ArrayLike) -> None:
        """Move the strongest dimensions of what is looked at to `values`, and decode."""
        self.step = inspection.step(self.space, inspection.move(self.space, self.sight.start, values))

    def here(self) -> NDArray[np.float64]:
        """Give the map coordinates (2, 2) of what is looked at and of where it was moved to."""
        return projection.project(self.space.maps[self.map], np.stack([self.sight.start, self.step.vector]))

    def points(self) -> pd.DataFrame:
        """Give the points of the map as it is now, as `inspection.points`."""
        return inspection.points(self.space, self.map, self.colour, self.sight.rows)

    def titles(self) -> tuple[str, ...]:
        """Name the map's axes, as the function `titles`."""
        return titles(self.space, self.map)

    def pictures(self) -> dict[str, NDArray[Any]]:
        """Give what is looked at, how the model sees it, and what became of it: dict of name → (128, 128) in [0, 1]."""
        seen, redrawn = ("micrograph", "reconstruction") if self.maps else ("mean image", "decoded mean")
        return {seen: self.sight.picture, redrawn: self.sight.reconstruction, "moved": self.step.picture}

    def overlays(self) -> dict[int, NDArray[np.uint8]]:
        """Give the Grad-CAM maps over the micrograph: dict of dimension → uint8 (128, 128, 3)."""
        return {dimension: overlay(self.sight.picture, heat) for dimension, heat in self.maps.items()}

    def summary(self) -> str:
        """Say what is looked at, and how far from real images it was moved."""
        return f"{describe(self.space, self.sight.rows)}. {gauge_text(self.space, self.step)}."

    def figure(self) -> Figure:
        """Draw what is looked at for print: `matplotlib.figure.Figure`."""
        sight, step, lang = self.sight, self.step, self.lang
        who = self.space.index["id"].iloc[sight.rows[0]] if self.maps else f"n = {len(sight.rows)}"
        names = [language.text(name, lang) for name in self.pictures()]
        marks = [who, "", f"{language.number(step.distance, lang)} | {language.number(step.error, lang)}"]
        titled = [f"{name}\n{mark}" for name, mark in zip(names, marks, strict=True)]
        if step.extrapolation:
            titled[-1] += f"\n{language.text('extrapolation', lang)}"
        pictures = dict(zip(titled, self.pictures().values(), strict=True))
        maps = {f"{language.text('dimension', lang)} {d}": picture for d, picture in self.overlays().items()}
        mix = inspection.class_mix(self.space, sight.rows)
        note = f"{self.note}; {language.text(GAUGES[self.space.yardstick.error], lang)}"
        return figures.explorer(self.points(), self.colour, self.titles(), self.here(), pictures, maps, mix, note, lang)

    def save(self, stem: StrPath) -> pathlib.Path:
        """Write the picture as PDF and PNG, with its numbers as CSV, under the first free number: its path, no suffix.

        The last row of the CSV is the moved point.
        """
        target = next_stem(stem)
        points, (x, y) = self.points(), self.here()[1]
        chosen = self.space.dimensions["dimension"]
        moved = {"label": "moved", "x": x, "y": y, "selected": False}
        moved |= {f"mu_{d}": self.step.vector[d] for d in chosen}
        moved |= {"distance": self.step.distance, self.space.yardstick.error: self.step.error}
        moved["extrapolation"] = self.step.extrapolation
        style.save(self.figure(), target, pd.concat([points, pd.DataFrame([moved])], ignore_index=True))
        return target


def titles(space: inspection.Space, name: str) -> tuple[str, ...]:
    """Name the axes of the map `name`, with their share of variance: ("PC1 (24%)", "PC2 (7%)")."""
    shares = map(language.percentage, space.maps[name].explained)
    return tuple(f"{AXES[name]}{i} ({share})" for i, share in enumerate(shares, start=1))


def next_stem(stem: StrPath) -> pathlib.Path:
    """Append to `stem` the first number, from 1, of which there is no picture yet: "explore" → "explore_1"."""
    stem = pathlib.Path(stem)
    candidates = (stem.with_name(f"{stem.name}_{i}") for i in itertools.count(1))
    return next(path for path in candidates if not any(path.parent.glob(f"{path.name}.*")))


def describe(space: inspection.Space, rows: Sequence[int] | NDArray[Any]) -> str:
    """Say what `rows` are: "Image 3, CuNi1, test", or "12 images, 8 of CuNi1, 4 of CuNi2"."""
    own = space.index.iloc[rows]
    if len(own) == 1:
        return f"Image {own['id'].iloc[0]}, {own['label'].iloc[0]}, {own['split'].iloc[0]}"
    counts = own["label"].value_counts().sort_index()
    return f"{len(own)} images, {', '.join(f'{n} of {label}' for label, n in counts.items())}"


def gauge_text(space: inspection.Space, step: inspection.Step) -> str:
    """Say how far a `inspection.Step` lies from real images, and whether that is beyond 99 % of the held-out ones."""
    verdict = "Extrapolation" if step.extrapolation else "Near real images"
    gauge, error = space.yardstick.gauge, {"cycle_error": "cycle error", "statistics_error": "error of statistics"}
    return (
        f"{verdict}: distance {language.fixed(step.distance)} (limit {language.fixed(gauge.max_distance)}), "
        f"{error[space.yardstick.error]} {language.fixed(step.error)} (limit {language.fixed(gauge.max_error)})"
    )


def overlay(picture: NDArray[Any], heat: NDArray[Any]) -> NDArray[np.uint8]:
    """Lay a map (S, S) in [0, 1] over a grey picture (S, S) in [0, 1]: uint8 (S, S, 3), plain where the map is 0."""
    colour = mpl.colormaps["inferno"](heat)[..., :3]
    weight = 0.75 * np.sqrt(heat)[..., None]
    return to_bytes((1 - weight) * picture[..., None] + weight * colour)


def to_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn a picture in [0, 1] into uint8."""
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def png(picture: NDArray[Any]) -> bytes:
    """Encode a picture, in [0, 1] or uint8, as the bytes of a PNG file; quickly rather than small."""
    picture = np.asarray(picture)
    buffer = io.BytesIO()
    Image.fromarray(picture if picture.dtype == np.uint8 else to_bytes(picture)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
