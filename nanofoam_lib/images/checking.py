"""What a run would refuse a data folder for, or warn of, without a run."""

import pathlib
import tempfile
import warnings
from typing import Any, NamedTuple

import pandas as pd

from nanofoam_lib.base import memmap, safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import (
    assignment,
    consistency,
    contents,
    pore_choices,
    pore_masks,
    pore_methods,
    pore_study,
    preprocessing,
    sources,
    splits,
    treatment,
)

#: Where a problem is one of the split, and not of a file.
SPLIT = "split"


#: Parameters of a run that decide what is found.
PARAMETERS = (
    "crop", "bar", "stack", "um_per_pixel", "max_megapixels", "pixel_size_um", "subfolders",
    "pores", "test_fraction", "seed", "strict_split",
)  # fmt: skip


class Findings(NamedTuple):
    """What there is to say of a data folder."""

    labels: pd.Series  # class of each image that was looked at
    index: pd.DataFrame  # as `preprocessing.process` gives it of what can be used; with `split` if there can be one
    problems: pd.DataFrame  # path (of a file, a class, or "split") and problem: what a run would stop at
    said: list[str]  # what a run would warn of in files, metadata and split, and twins on one side of it
    facts: list[str]  # what was made of the pixels: pixel sizes, data bars, scales
    few: list[str]  # what a run would warn of since there are few images, all of them well


def check(
    folder: StrPath, test_fraction: float = 0.3, seed: int = 0, strict_split: bool = False, subfolders: str = "auto",
    pores: str = pore_methods.AUTO, **options: Any,
) -> Findings:  # fmt: skip
    """Do with a data folder all that a run does before it trains, and keep what it would say.

    Parameters
    ----------
    folder : path-like
    test_fraction, seed, strict_split
        As in `assignment.assign`.
    subfolders
        As in `preprocessing.process`.
    pores
        As `method` in `pore_tables.measure`.
    **options
        Of `contents.Options`.

    Returns
    -------
    Findings

    Raises
    ------
    DataError
        If the folder as a whole cannot be used (see `collection.survey`).
    """
    folder = pathlib.Path(folder)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        images = pathlib.Path(place, "images.npy")
        with tempfile.TemporaryFile(dir=place) as rows:
            chosen = contents.Options(**options)
            reading = preprocessing.read_folder(folder, [128], rows.write, chosen, subfolders)
            good = reading.good
            preprocessing.copy_rows(rows, good, {128: images})
        index, said = preprocessing.index_of(reading, good, chosen.crop)
        problems, odd = _of_pores(folder, index, pores)
        problems = pd.concat([reading.bad, problems], ignore_index=True)
        found = Findings(reading.table["label"], index, problems, said + odd, treatment.describe(index), [])
        if not len(index):
            return found
        return _with_split(found, memmap.load(images), test_fraction, seed, strict_split)


def classes(found: Findings) -> pd.DataFrame:
    """Count what each class has: a DataFrame of images, groups, train and test images, sizes and pixel sizes in µm."""
    rows = []
    for label, n_found in found.labels.value_counts(sort=False).sort_index().items():
        own = found.index[found.index["label"] == label]
        row = {
            "class": safe_names.shown(label),
            "images": n_found,
            "usable": len(own),
            "groups": own["group"].nunique(),
        }
        row |= {side: (own["split"] == side).sum() for side in ("train", "test") if "split" in own}
        row["pixels"] = _kinds(own[["width", "height"]])
        rows.append(row | {"µm per pixel": _kinds(own[["pixel_size_um"]])})
    table = pd.DataFrame(rows)
    return table.drop(columns="usable") if (table["images"] == table["usable"]).all() else table


def as_data(found: Findings) -> dict[str, Any]:
    """Give findings as plain lists, dicts and values, for JSON: images, classes, problems, warnings and facts."""
    return {
        "images": len(found.labels),
        "classes": classes(found).to_dict("records"),
        "problems": found.problems[["path", "problem"]].to_dict("records"),
        "warnings": [*found.said, *found.few],
        "facts": list(found.facts),
    }


def _kinds(columns):
    kinds = columns.drop_duplicates().to_numpy()
    return ", ".join(map(consistency.written, kinds[:3])) + (f" and {len(kinds) - 3} more" if len(kinds) > 3 else "")


def _of_pores(folder, index, method):
    """Look at what is chosen for the pores, and at the masks that this asks for: problems, and what is to be said."""
    if method == pore_methods.NONE:
        return pd.DataFrame(columns=["path", "problem"]), []
    try:
        choices = pore_choices.read(folder)
    except DataError as error:
        return pd.DataFrame({"path": [pore_choices.NAME], "problem": [str(error)]}), []
    base, bad = pore_study.Request(method), []
    for row, source in zip(index.itertuples(), sources.of_index(folder, index), strict=True):
        if pore_choices.request_for(choices, row.path, base).method == pore_methods.MASKS:
            try:
                pore_masks.of_micrograph(folder, row.path, source.edges.around((row.height, row.width)))
            except DataError as error:
                bad.append((row.path, str(error)))
    return pd.DataFrame(bad, columns=["path", "problem"]), pore_choices.unmatched(choices, index["path"])


def _with_split(found, images, test_fraction, seed, strict):
    """Add the split, what stands in its way, and what is to be said of it and of twins."""
    index, said, n_leaks = found.index, [], 0
    try:
        (split, pairs), said = _heard(assignment.assign, index, images, test_fraction, seed, strict)
        index.insert(4, "split", split)
        n_leaks = len(pairs)
        found = found._replace(few=_heard(assignment.warn_of_few, index)[1])
    except DataError as error:
        problem = pd.DataFrame({"path": [SPLIT], "problem": [str(error)]})
        found = found._replace(problems=pd.concat([found.problems, problem], ignore_index=True))
    pairs = splits.twins(images, index["group"])
    if len(pairs) > n_leaks:
        first, second = (safe_names.shown(index["path"][pairs[side][0]]) for side in ("first", "second"))
        said.append(
            f"{len(pairs)} pairs of images show the same picture and are of different groups, the most alike {first} "
            f"and {second} (similarity {pairs['similarity'][0]:.2f}); leave one of each out, or give them one group"
        )
    return found._replace(said=[*found.said, *said])


def _heard(function, *arguments):
    """Call a function: (what it gives, the texts of its warnings)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RunWarning)
        value = function(*arguments)
    return value, [str(warning.message) for warning in caught]
