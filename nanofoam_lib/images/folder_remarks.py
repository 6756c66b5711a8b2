"""What must be said of the micrographs of a folder: what was made of their pixels, and what is odd about them."""

import pandas as pd

from nanofoam_lib.base import safe_names
from nanofoam_lib.images import collection, data_bars, levels, sources


def describe(index: pd.DataFrame) -> list[str]:
    """Say what was made of the pixels of the micrographs: where their sizes come from, what was cut off, the scale.

    Parameters
    ----------
    index : pandas.DataFrame
        As `process` gives it.
    """
    said = []
    for (source, um), own in index.groupby(["pixel_size_from", "pixel_size_um"]):
        said.append(f"pixel size of {len(own)} images, from {source}: {um:.4g} µm")
    for bar, own in index[index["bar"] != ""].groupby("bar"):
        cut = zip(data_bars.Edges._fields, sources.parse_bar(bar), strict=True)
        where = ", ".join(f"{pixels} pixels at the {side}" for side, pixels in cut if pixels)
        said.append(f"data bar of {len(own)} images cut off: {where}")
    scales = [levels.Scale(*pair) for pair in zip(index["black"], index["white"], strict=True)]
    return [*said, *levels.describe(index["levels"].tolist(), scales)]


def mixtures(index: pd.DataFrame, is_one_scale: bool = False) -> list[str]:
    """Say where image sizes, pixel sizes or bit depths differ, and where they do so between the classes.

    Parameters
    ----------
    index : pandas.DataFrame
        As of `describe`.
    is_one_scale : bool
        Whether the micrographs are shown at one scale, so that no structure looks different in size.
    """
    said = []
    for columns, what in ((["width", "height"], "image sizes"), (["pixel_size_um"], "pixel sizes")):
        kinds = index[columns].drop_duplicates()
        if len(kinds) > 1 and not is_one_scale:
            few = ", ".join("×".join(f"{value:g}" for value in row) for row in kinds.head(3).to_numpy())
            more = ", …" if len(kinds) > 3 else ""
            said.append(f"mixed {what} ({few}{more}): the same structure will look different in size")
    return [*said, *_told_by(index, "pixel_size_um", "pixel sizes"), *_told_by(index, "levels", "bit depths")]


def _told_by(index, column, what):
    """Warn of something that has nothing to do with structure and yet differs from class to class."""
    values = {label: set(own) for label, own in index[column].groupby(index["label"]) if own.notna().all()}
    if len(values) < 2 or len(set(map(frozenset, values.values()))) < 2:
        return []
    few = "; ".join(
        f"{safe_names.shown(label)}: {', '.join(_short(value) for value in sorted(own)[:3])}"
        for label, own in list(values.items())[:4]
    )
    return [f"{what} differ between the classes ({few}): a class may be told by them alone"]


def _short(value):
    return f"{value:.4g} µm" if isinstance(value, float) else value


def of_files(rows: pd.DataFrame) -> list[str]:
    """Gather the remarks on files (columns `path` and `remarks`), each with its first file and how many more."""
    about = {}
    for path, remarks in zip(rows["path"], rows["remarks"], strict=True):
        for remark in remarks:
            about.setdefault(remark, {})[path] = None
    return [f"{collection.first_of(found)}: {remark}" for remark, found in about.items()]
