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
        Language of what is said and of the saved pictures.

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

    sight: inspection.Sight
    step: inspection.Step
    _turned: list[int]  # the dimensions that the last move was along

    def __init__(self, space: inspection.Space, note: str = "", lang: str = "en") -> None:
        self.space, self.note, self.lang = space, note, lang
        self.map, self.colour = "PCA", "label"
        self._past: list[tuple[NDArray[Any], NDArray[np.float32]]] = []  # rows looked at, and the point moved to
        self._look(inspection.central(space))

    def select(self, rows: ArrayLike) -> None:
        """Look at the image of one row of the index, or at the average of several."""
        self._remember()
        self._look(rows)

    def walk(self, values: ArrayLike) -> None:
        """Move the strongest dimensions of what is looked at to `values`, and decode."""
        vector = inspection.move(self.space, self.sight.start, values)
        turned = np.flatnonzero(vector != self.step.vector).tolist()
        if turned != self._turned:  # a slider that is drawn along moves many times, and is undone at once
            self._remember()
        self.step, self._turned = inspection.step(self.space, vector), turned

    def undo(self) -> None:
        """Go back to before the last choice of an image or move along a dimension; where there was none, stay."""
        if self._past:
            rows, vector = self._past.pop()
            self._look(rows)
            self.step = inspection.step(self.space, vector)

    def _remember(self) -> None:
        self._past.append((self.sight.rows, self.step.vector))

    def _look(self, rows: ArrayLike) -> None:
        self.sight = inspection.look(self.space, rows)
        self._turned = []
        self.step = inspection.step(self.space, self.sight.start)
        single = len(self.sight.rows) == 1
        self.maps = dict(zip(*inspection.strongest_maps(self.space, self.sight.rows[0]), strict=True)) if single else {}

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
        seen, lang = describe(self.space, self.sight.rows, self.lang), self.lang
        return f"{seen}. {gauge_text(self.space, self.step, lang)}."

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


def describe(space: inspection.Space, rows: Sequence[int] | NDArray[Any], lang: str = "en") -> str:
    """Say what `rows` are: "Image 3, CuNi1, test", or "12 images, 8 of CuNi1, 4 of CuNi2"."""
    own = space.index.iloc[rows]
    if len(own) == 1:
        image, label, split = own.iloc[0][["id", "label", "split"]]
        return language.text("Image {id}, {label}, {split}", lang).format(
            id=image, label=label, split=language.text(split, lang)
        )
    counts, of = own["label"].value_counts().sort_index(), language.text("{n} of {label}", lang)
    listed = (of.format(n=n, label=label) for label, n in counts.items())
    return ", ".join([language.text("{n} images", lang).format(n=len(own)), *listed])


def gauge_text(space: inspection.Space, step: inspection.Step, lang: str = "en") -> str:
    """Say how far a `inspection.Step` lies from real images, and whether that is beyond 99 % of the held-out ones."""
    gauge, error = space.yardstick.gauge, language.text(space.yardstick.error, lang)
    verdict = "Extrapolation" if step.extrapolation else "Near real images"
    numbers = (step.distance, gauge.max_distance, step.error, gauge.max_error)
    distance, most, own, largest = (language.fixed(number, lang) for number in numbers)
    told = language.text("{verdict}: distance {distance} (limit {most}), {error} {own} (limit {largest})", lang)
    verdict = language.text(verdict, lang)
    return told.format(verdict=verdict, distance=distance, most=most, error=error, own=own, largest=largest)


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
