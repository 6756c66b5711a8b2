"""A first look at the files of a data folder: what they hold, and what all of them together make of it."""

import dataclasses
import functools
import pathlib
from typing import NamedTuple

import numpy as np
import pandas as pd

from nanofoam_lib.base import safe_names, scheduling
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import data_bars, field_of_view, formats, levels, micrographs, pixel_sizes, sources

#: What `bar` may be, beside a number of pixels at the bottom.
BARS = ("auto", "none")

#: Where a pixel size comes from that no file names.
METADATA, PARAMETER = "metadata.csv", "pixel_size_um"
#: By what share two pixel sizes must differ to contradict each other.
CONTRADICTS = 0.05


@dataclasses.dataclass(frozen=True)
class Options:
    """How the micrographs of a folder are read; `preprocessing.process` says what each means."""

    crop: micrographs.Crop = 0.15
    pixel_size_um: float | None = None
    stack: str = "first"
    bar: str | float = "auto"
    um_per_pixel: str | float | None = "auto"
    max_megapixels: float = formats.MAX_MEGAPIXELS
    n_jobs: int = -1

    def edges(self, found: np.ndarray) -> data_bars.Edges:
        """Give what is cut off a picture (H, W)."""
        if self.bar == "auto":
            return data_bars.find(found)
        return data_bars.Edges() if self.bar in (None, "none") else data_bars.Edges(bottom=int(self.bar))


def each_file(function, folder, items, what, n_jobs):
    """Yield ``function(folder, *item)`` for each file, in order."""
    # Threads suffice: decoding, resizing and hashing all release the interpreter lock
    place = pathlib.Path(folder).absolute()
    work = scheduling.each(function, ((place, *item) for item in items), n_jobs, prefer="threads")
    yield from track(work, what, total=len(items))


class Decided(NamedTuple):
    """What is decided beforehand, by other micrographs that these are to be compared with (`same_reading.of_index`)."""

    scales: dict[str, levels.Scale]  # by the kind of levels
    field: field_of_view.Field | None


@dataclasses.dataclass(frozen=True)
class Contents:
    """What was found in the files of a folder.

    Parameters
    ----------
    table : pandas.DataFrame
        That of the folder, with one row per picture: a file may hold several.
    rows : pandas.DataFrame
        As many rows: `path`, `label`, `sources.COLUMNS`, `pixel_size_um` and `pixel_size_from`, `levels` (their kind),
        `of_head` (remarks, list), `is_read` (whether the head could be read) and `is_cut` (whether `bar` is settled).
    field : Field or None
        What is shown of each.
    said : list of str
        What must be said of the field, and of levels that were not decided on beforehand.
    """

    table: pd.DataFrame
    rows: pd.DataFrame
    field: field_of_view.Field | None
    said: list[str]


def look(folder: StrPath, table: pd.DataFrame, options: Options, decided: Decided | None = None) -> Contents:
    """Look at all files, decode those that decide on something for all, and decide.

    Parameters
    ----------
    folder : path-like
    table : pandas.DataFrame
        As `collection.list_folder` gives it.
    options : Options
    decided : Decided, optional
        What is decided already. Kinds of levels that it does not know get a scale of their own, which is said.
    """
    one = functools.partial(_head, options=options)
    heads = list(each_file(one, folder, [(path,) for path in table["path"]], "looking into files", options.n_jobs))
    table = table.loc[np.repeat(table.index, [len(own) for own in heads])].reset_index(drop=True)
    rows = pd.DataFrame([head for own in heads for head in own])
    rows = pd.concat([table[["path", "label"]], rows], axis=1)
    rows = _settle_pixel_sizes(rows, table["pixel_size_um"], options.pixel_size_um)
    looks = _decode(folder, rows, rows["is_deep"] if decided else _must_be_decoded(rows, options), options)
    scales, said = _decide_scales([one.range for one in looks if one], decided)
    kinds = [one.range.kind if one else levels.BYTES for one in looks]
    found = [scales.get(kind, levels.Scale()) for kind in kinds]
    rows = rows.assign(
        black=[scale.black for scale in found], white=[scale.white for scale in found], levels=kinds,
        bar=[sources.write_bar(one.edges) if one else "" for one in looks], is_cut=[one is not None for one in looks],
    )  # fmt: skip
    field, of_field = (decided.field, "") if decided else _decide_field(rows, looks, options)
    return Contents(table, rows, field, [*said, *[of_field] * bool(of_field)])


@dataclasses.dataclass(frozen=True)
class _Look:
    range: levels.Range
    edges: data_bars.Edges
    kept: tuple[int, int]  # width and height after the crop


def _head(folder, path, options):
    """List what a file holds, by its head: a dict for each picture; one for a file that cannot be read."""
    unknown = {
        "picture": 0,
        "plane": "first",
        "um": np.nan,
        "um_from": "",
        "is_deep": False,
        "is_read": False,
        "of_head": [],
    }
    try:
        if not safe_names.is_inside(folder, path):
            return [unknown]
        with formats.quiet(), sources.opened(folder / path, options.max_megapixels) as pictures:
            return [
                {
                    "picture": number, "plane": plane, "um": picture.pixel_size.um,
                    "um_from": picture.pixel_size.source, "is_deep": picture.is_deep, "is_read": True,
                    "of_head": [text for text in picture.remarks if text != formats.MORE_PLANES or plane == "first"],
                }
                for number, picture in enumerate(pictures)
                for plane in picture.parts(options.stack)
            ] or [unknown]  # fmt: skip
    except (OSError, DataError):  # why is said when its pixels are read
        return [unknown]


def _settle_pixel_sizes(rows, known, given):
    """Take pixel sizes from the metadata, then the parameter, then the files; say where they contradict each other."""
    source = pd.Series(np.where(known.notna(), METADATA, ""), dtype=object)
    if given is not None:
        source[known.isna()] = PARAMETER
        known = known.fillna(given)
    remarks = [
        [*own, f"{source[row]} gives {um:.4g} µm per pixel, the file {of_file:.4g} µm ({who}): the former is taken"]
        if abs(um / of_file - 1) > CONTRADICTS
        else own
        for row, (own, um, of_file, who) in enumerate(
            zip(rows["of_head"], known, rows["um"], rows["um_from"], strict=True)
        )
    ]
    is_own = known.isna() & rows["um"].notna()
    source[is_own] = rows["um_from"][is_own]
    settled = rows.assign(pixel_size_um=known.fillna(rows["um"]), pixel_size_from=source, of_head=remarks)
    return settled.drop(columns=["um", "um_from"])


def _must_be_decoded(rows, options):
    """Tell which pictures decide on something for all: those of many bits, and all where others must go with them."""
    um = rows.loc[rows["is_read"], "pixel_size_um"]
    is_scaled = options.um_per_pixel == field_of_view.AUTO and um.notna().all() and len(set(pixel_sizes.alike(um))) > 1
    is_mixed = rows["is_deep"].any() and not rows["is_deep"].all()
    return rows["is_deep"] | is_mixed | is_scaled


def _decode(folder, rows, chosen, options):
    """Give a `_Look` of each picture that is chosen and can be decoded, None of the others."""
    looks = [None] * len(rows)
    parts = [
        (path, list(zip(own["picture"], own["plane"], strict=True)), list(own.index))
        for path, own in rows[chosen].groupby("path", sort=False)
    ]
    one = functools.partial(_decode_file, options=options)
    items = [(path, wanted) for path, wanted, _ in parts]
    done = each_file(one, folder, items, "measuring grey levels", options.n_jobs) if items else []
    for (_, _, places), own in zip(parts, done, strict=True):
        for place, found in zip(places, own, strict=True):
            looks[place] = found
    return looks


def _decode_file(folder, path, wanted, options):
    try:
        with formats.quiet(), sources.opened(folder / path, options.max_megapixels) as pictures:
            return [_look_at(pictures[number], plane, options) for number, plane in wanted]
    except (OSError, DataError, IndexError):
        return [None] * len(wanted)


def _look_at(picture, plane, options):
    found = picture.flatten(plane)
    edges = options.edges(found)
    found = edges.cut(found)
    left, top, right, bottom = micrographs.crop_box(found.shape[1], found.shape[0], options.crop)
    inside = found[top:bottom, left:right]
    if not inside.size:
        return None
    return _Look(levels.Range.of(inside, picture.is_white_low), edges, (right - left, bottom - top))


def _decide_scales(ranges, decided):
    """Give the scale of each kind of levels, and what must be said of those that nobody has decided on."""
    if decided is None:
        return levels.decide(ranges or [levels.Range(levels.BYTES, 0, 255)]), []
    new = levels.decide([one for one in ranges if one.kind not in {levels.BYTES, *decided.scales}])
    said = [
        f"{kind} levels, of which the run has seen none: {scale.black:g} is black and {scale.white:g} is white, which "
        "these files alone decide"
        for kind, scale in new.items()
    ]
    return {levels.BYTES: levels.Scale()} | new | decided.scales, said


def _decide_field(rows, looks, options):
    """Give the common field, and what must be said of it: whose is the smallest, too, where it follows from that."""
    read = rows["is_read"].to_numpy()
    um = rows["pixel_size_um"].to_numpy(float)[read]
    kept = np.array([one.kept if one else (np.inf, np.inf) for one in looks])[read]
    field, said = field_of_view.decide(options.um_per_pixel, um, kept)
    if options.um_per_pixel == field_of_view.AUTO and said and not np.isnan(um).any():
        smallest = rows["path"][read].iloc[int(np.argmin(um * kept.min(axis=1)))]
        said = f"{said}; the smallest field of view is that of {safe_names.shown(smallest)}"
    return field, said
