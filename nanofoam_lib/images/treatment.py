"""What was made of the pixels of a folder, in words."""

import pandas as pd

from nanofoam_lib.images import data_bars, levels, sources


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
