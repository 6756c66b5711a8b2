"""Whether the images of a folder fit together: remarks on files gathered, mixed sizes and scales, odd lengths."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nanofoam_lib.base import safe_names
from nanofoam_lib.images import pixel_sizes
from nanofoam_lib.images.metadata import first_of

#: What may differ between the images of one folder: columns, what they are, and what comes of it.
MAY_DIFFER = (
    (["width", "height"], "image sizes", "the same structure will look different in size"),
    (["pixel_size_um"], "pixel sizes", "the same structure will look different in size"),
    (["levels"], "bit depths", "the same light may look different in brightness"),
)
#: No micrograph shows less than some atoms, or more than a hand: its width in µm.
NARROWEST, WIDEST = 0.05, 50_000.0
LARGEST_PIXEL = 100.0  # µm


def remarks(paths: Iterable[str], results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Gather the remarks on files, each with the first file it is about and the number of others.

    Parameters
    ----------
    paths : sequence of str
    results : sequence of dict
        With ``remarks``, a list of str or (str, float): one with a place for the share of pixels that goes with it.

    Returns
    -------
    list of str

    Examples
    --------
    >>> remarks(["a.png", "b.png"], [{"remarks": [("is {} white", 0.25)]}, {"remarks": [("is {} white", 0.5)]}])
    ['a.png and 1 more: is 25–50 % white']
    """
    about: dict[str, list[str]] = {}
    shares: dict[str, list[float]] = {}
    for path, result in zip(paths, results, strict=True):
        for remark in result["remarks"]:
            text, *share = (remark,) if isinstance(remark, str) else remark
            about.setdefault(text, []).append(path)
            shares.setdefault(text, []).extend(share)
    return [f"{first_of(found)}: {_with_range(text, shares[text])}" for text, found in about.items()]


def mixtures(index: pd.DataFrame, is_one_scale: bool = False) -> list[str]:
    """Say where sizes, pixel sizes or bit depths differ, and whether they go with the class.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns label, width, height, pixel_size_um and levels.
    is_one_scale : bool
        Whether the micrographs are shown at one scale, so that nothing looks different in size.

    Returns
    -------
    list of str
    """
    said = []
    index = index.assign(pixel_size_um=pixel_sizes.alike(index["pixel_size_um"]))
    for columns, what, why in MAY_DIFFER:
        kinds = index[columns].drop_duplicates()
        if len(kinds) > 1:
            why = "all are shown at one scale" if is_one_scale and what != "bit depths" else why
            few = ", ".join(written(row) for row in kinds.head(3).to_numpy())
            more = ", …" if len(kinds) > 3 else ""
            said.append(f"mixed {what} ({few}{more}): {why}{_by_class(index, columns)}")
    return said


def odd_lengths(index: pd.DataFrame) -> list[str]:
    """Say of which images the pixel size makes a field of view that no microscope has, as a wrong unit does."""
    fields = index["pixel_size_um"] * index["width"]
    odd = index[(fields < NARROWEST) | (fields > WIDEST) | (index["pixel_size_um"] > LARGEST_PIXEL)]
    if not len(odd):
        return []
    size, field = odd["pixel_size_um"].iloc[0], fields[odd.index[0]]
    return [
        f"{first_of(odd['path'])}: with pixels of {size:g} µm its field of view is {_length(field)} wide; is the pixel "
        "size in another unit? metadata takes µm, or a unit in the cell, as in 270 nm"
    ]


def written(values: Iterable[float | str]) -> str:
    """Write the values of one kind: 480×360, 0.27, – where unknown."""
    return "×".join("–" if pd.isna(value) else value if isinstance(value, str) else f"{value:g}" for value in values)


def _by_class(index, columns):
    """Add that each class has a kind of its own, where that is so."""
    kinds = index[["label", *columns]].drop_duplicates()
    if kinds["label"].duplicated().any():
        return ""
    listed = [f"{safe_names.shown(label)} {written(values)}" for label, *values in kinds.to_numpy()[:4]]
    return f"; they go with the class ({', '.join(listed)}), which can then be told by them alone"


def _with_range(text, shares):
    if not shares:
        return text
    low, high = min(shares), max(shares)
    ends = f"{100 * low:.0f}" if round(100 * low) == round(100 * high) else f"{100 * low:.0f}–{100 * high:.0f}"
    return text.format(f"{ends} %")


def _length(um):
    for factor, unit in ((1e3, "nm"), (1.0, "µm"), (1e-3, "mm")):
        if um * factor < 1000 or unit == "mm":
            return f"{um * factor:.3g} {unit}"
    return ""
