"""What a table beside the images says of them: specimen and pixel size of each, whatever that is called there."""

import difflib
import pathlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import NamedTuple

import pandas as pd

from nanofoam_lib.base import files, safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import lengths, spreadsheets

#: What the table may be called, in any letters; the first that is there is read.
NAMES = ("metadata.csv", "metadata.tsv", "metadata.txt", "metadata.xlsx", "metadata.xlsm")

#: Columns of a run's index, before any further columns of the table.
INDEX_COLUMNS = (
    "id", "path", "label", "group", "split", "width", "height", "um_x", "um_y", "sha256", "picture", "plane", "levels",
    "black", "white", "bar", "pixel_size_from",
)  # fmt: skip

#: What each column may be called, in any letters, with any signs between the words; of several the first is taken.
SYNONYMS = {
    "path": (
        "path", "file", "filename", "file_name", "file_path", "filepath", "image", "image_path", "image_name",
        "ruta", "archivo", "nombre_de_archivo", "nombre_archivo", "fichero", "imagen",
    ),
    "label": ("label", "etiqueta"),
    "group": (
        "group", "specimen", "specimen_id", "specimen_name", "sample", "sample_id", "sample_name",
        "grupo", "especimen", "probeta", "muestra", "id_muestra",
    ),
    "pixel_size_um": (
        "pixel_size", "pixel_width", "size_of_pixel", "pixel", "px", "scale",
        "tamano_de_pixel", "tamano_del_pixel", "tamano_pixel",
    ),
}  # fmt: skip
#: These are a pixel size only with the unit in the header: ``µm/px``, ``nm per pixel``.
WITH_UNIT = {"pixel", "px", "scale"}
UNKNOWN = {"", "na", "n/a", "nan", "none", "null", "unknown", "-", "–", "?"}  # of a pixel size; of a name they are one


class Metadata(NamedTuple):
    """What is known of each image."""

    table: pd.DataFrame  # a row per image: group ("" where unknown), pixel_size_um in µm or NaN, further columns
    said: list[str]  # how it was read, and what was not used


def find(folder: files.StrPath) -> str | None:
    """Give the name of the table of a data folder, None if there is none."""
    names = sorted(place.name for place in pathlib.Path(folder).iterdir())
    known = [(NAMES.index(name.lower()), name not in NAMES, name) for name in names if name.lower() in NAMES]
    return min(known)[-1] if known else None


def fold(name: str) -> str:
    """Write a name so that what a reader takes for the same is the same: letters, accents, spaces, dashes."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", re.sub(r"[‐‑‒–—−]", "-", " ".join(plain.split())))


def read(folder: files.StrPath, paths: Sequence[str]) -> Metadata:
    """Read what the table of a data folder says of its images.

    Parameters
    ----------
    folder : path-like
    paths : sequence of str
        The images, relative to the folder, with ``/``.

    Returns
    -------
    Metadata
        Rows in the order of `paths`. Without a table nothing is known, and nothing said.

    Raises
    ------
    DataError
        If the table cannot be used; names it and the row.
    """
    name = find(folder)
    if name is None:
        return Metadata(pd.DataFrame({"group": "", "pixel_size_um": float("nan")}, index=range(len(paths))), [])
    place = pathlib.Path(folder, name)
    if not place.is_file() or not safe_names.is_inside(folder, name):
        raise DataError(f"{safe_names.shown(place)}: is not a file in the data folder")
    try:
        table, said = _of_images(_open(place, paths), paths, pathlib.Path(folder).resolve().name)
    except DataError as error:
        raise DataError(f"{safe_names.shown(place)}: {error}") from None
    return Metadata(table, [f"{safe_names.shown(name)} {line}" for line in said])


def _open(place, paths):
    try:
        content = place.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from error
    if place.suffix.lower() in (".xlsx", ".xlsm") or content.startswith(b"PK\3\4"):  # whatever it is called
        return spreadsheets.read_xlsx(content)
    words = {unicodedata.normalize("NFC", part) for path in paths for part in path.split("/")}
    return spreadsheets.read_csv(content, lambda text: sum(word in text for word in words))


def _of_images(sheet, paths, folder_name):
    """Give what a sheet says of each image, and what is to be said of it."""
    ours, said = _columns(sheet.header)
    rows = pd.DataFrame(sheet.rows, columns=range(len(sheet.header)), dtype=str)
    empty = pd.Series("", index=rows.index, dtype=str)
    cells = {name: rows[ours[name]] if name in ours else empty for name in SYNONYMS}
    matched, more = _match(cells["path"], cells["label"], paths, folder_name)
    _check_labels(cells["label"], matched)
    unit = _unit(sheet.header[ours["pixel_size_um"]]) if "pixel_size_um" in ours else None
    said += _other_groups(sheet.header, rows, ours)
    groups, merged = _groups(cells["group"])
    known = {"group": groups, "pixel_size_um": _sizes(cells["pixel_size_um"], unit or "µm", cells["path"])}
    for i, header in enumerate(sheet.header):
        if i not in ours.values() and header not in (*SYNONYMS, *INDEX_COLUMNS):
            known[header] = files.typed(_with_points(rows[i]))
    table = pd.DataFrame(known)[matched.notna()].set_axis(matched.dropna(), axis=0).reindex(paths)
    more += _unmatched(table["group"], matched, cells["path"], "group" in ours) + merged
    return table.fillna({"group": ""}).reset_index(drop=True), [*sheet.said, *said, *more]


def _columns(header):
    """Find which column of a header is which of ours: dict of our name to its number, and what is to be said."""
    plain = [_plain(name) for name in header]
    if twice := [name for name in header if header.count(name) > 1]:
        raise DataError(f"two columns are called '{safe_names.shown(twice[0])}'")
    ours, said = {}, []
    for name, synonyms in SYNONYMS.items():
        known = [(synonyms.index(word), i) for i, word in enumerate(plain) if word in synonyms]
        if name == "pixel_size_um":
            known = [(rank, i) for rank, i in known if synonyms[rank] not in WITH_UNIT or _unit(header[i])]
        for _, i in sorted(known):
            if name not in ours:
                ours[name] = i
                if plain[i] != _plain(name) or (name == "pixel_size_um" and not _unit(header[i])):
                    said.append(f"has a column '{safe_names.shown(header[i])}', which is taken for {name}")
            elif plain[ours[name]] == plain[i]:
                raise DataError(f"columns '{header[ours[name]]}' and '{header[i]}' may both be {name}; rename one")
    if "path" not in ours:
        found = safe_names.shown(", ".join(header[:6]))
        raise DataError(f"has no column 'path'; expected path,label,group,pixel_size_um, not {found}")
    for name in SYNONYMS.keys() - ours.keys():
        for i in set(range(len(header))) - set(ours.values()):
            if difflib.get_close_matches(plain[i], set(SYNONYMS[name]) - WITH_UNIT, 1, 0.8):
                said.append(f"has a column '{safe_names.shown(header[i])}', which is not used; is '{name}' meant?")
    return ours, sorted(said)


def _other_groups(header, rows, ours):
    """Say which further columns would have formed other groups than the one that is used."""
    said = []
    for i in range(len(header) if "group" in ours else 0):
        if i != ours["group"] and _plain(header[i]) in SYNONYMS["group"]:
            own, other = rows[ours["group"]], rows[i]
            if not own.nunique() == other.nunique() == pd.concat([own, other], axis=1).drop_duplicates().shape[0]:
                said.append(f"has a column '{safe_names.shown(header[i])}' too, which is not used to form groups")
    return said


def _plain(header):
    """Write a header in plain letters with ``_`` between the words, without the unit of a length and ``per``."""
    letters = unicodedata.normalize("NFD", header.replace("µ", "u").replace("μ", "u").casefold())
    letters = "".join(c for c in letters if not unicodedata.combining(c))
    words = re.findall("[a-z0-9]+", letters.replace("pixelsize", "pixel_size"))
    return "_".join(word for word in words if word not in ("per", "por") and not (len(words) > 1 and _is_unit(word)))


def _is_unit(word):
    return lengths.in_um(word) is not None and word not in ("in", "m")


def _unit(header):
    """Give the unit of length in a header such as ``Pixel size (nm)``; None if it names none."""
    words = re.findall(r"[^\W\d_]+", header)
    return next((word for word in words if _is_unit(word.lower())), None)


def _match(written, labels, paths, folder_name):
    """Find the image that each row is about: Series of str (missing where none is), and what is to be said."""
    exact = {unicodedata.normalize("NFC", path): path for path in paths}
    endings = {}
    for path in paths:
        parts = fold(path).split("/")
        for key in ["/".join(parts[-n:]) for n in range(1, len(parts) + 1)]:
            for ending in {key, key.rpartition(".")[0]}:
                endings.setdefault(ending, []).append(path)
    found, loosely, rows = {}, [], {}
    for row, cell in written.items():
        if not cell:
            raise DataError(f"row {row + 1} has no path")
        name = re.sub(r"^(\./+)+", "", re.sub(r"[\\/]+", "/", cell))
        if safe_names.leads_out(name):
            raise DataError(f"'{safe_names.shown(cell)}' leads out of the data folder; give paths like <class>/<image>")
        within = f"{labels[row]}/{name}" if labels[row] else name
        path = exact.get(name) or _only(endings, name) or _only(endings, within) or _inside(endings, name)
        if path and path != exact.get(name) and fold(name) not in (fold(path), fold(f"{folder_name}/{path}")):
            loosely.append(cell)
        if rows.setdefault(path or name, row) != row:
            raise DataError(f"lists {safe_names.shown(path or cell)} twice")
        found[row] = path
    said = [f"does not name {first_of(loosely)} in full: the only image that ends so is meant"] if loosely else []
    return pd.Series(found, dtype=object).reindex(written.index), said


def _only(endings, name):
    """Give the one image whose path ends so; None if there is none, or several."""
    paths = endings.get(fold(name), ())
    return paths[0] if len(paths) == 1 else None


def _inside(endings, name):
    """Give the image whose path stands at the end of a longer one, such as that of a folder around the data."""
    parts = fold(name).split("/")
    for n in range(len(parts) - 1, 1, -1):
        whole = [path for path in endings.get("/".join(parts[-n:]), ()) if len(path.split("/")) <= n]
        if len(whole) == 1:
            return whole[0]
    return None


def _check_labels(labels, matched):
    for label, path in zip(labels, matched, strict=True):
        if label and isinstance(path, str) and fold(label) != fold(path.split("/")[0]):
            raise DataError(
                f"{safe_names.shown(path)} has the label '{safe_names.shown(label)}', not its folder's; "
                "move the image, or correct the label"
            )


def _groups(written):
    """Give one name to all spellings of a group, the first: Series of str, and what is to be said."""
    first, spellings = {}, {}
    for name in written:
        first.setdefault(fold(name), name)
        spellings.setdefault(fold(name), dict.fromkeys([name]))[name] = None
    several = [list(names) for names in spellings.values() if len(names) > 1]
    said = [f"writes one group in several ways ({', '.join(map(repr, names[:3]))}), taken for one" for names in several]
    return written.map(lambda name: first[fold(name)]), said


def _sizes(written, unit, paths):
    """Read pixel sizes: Series of float in µm, NaN where none is given."""
    sizes = [float("nan") if fold(cell) in UNKNOWN else lengths.parse(cell, unit) for cell in written]
    for cell, size, path in zip(written, sizes, paths, strict=True):
        if size is None:
            raise DataError(
                f"pixel_size_um of {safe_names.shown(path)} is '{safe_names.shown(cell)}', not a length; write µm as a "
                "bare number, 0.27, or with its unit, 270 nm"
            )
    return pd.Series(sizes, index=written.index, dtype=float)


def _with_points(column):
    """Give the numbers of a column decimal points, if all that is in it are numbers and some have decimal commas."""
    filled = column[column != ""]
    is_number = filled.str.fullmatch(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?").all()
    return column.str.replace(",", ".") if is_number and filled.str.contains(",").any() else column


def _unmatched(groups, matched, written, has_groups):
    """Say which images and rows have not found each other, and which images have no group."""
    said = []
    alone = "counts as a group of its own"
    listed = set(matched.dropna())
    absent = [path for path in groups.index if path not in listed]
    unknown = list(written[matched.isna()])
    if absent:
        said.append(f"has no row for {first_of(absent)}: each such image {alone}")
    if unknown:
        said.append(f"lists {first_of(unknown)}, which the data folder does not hold; write paths as <class>/<image>")
    if not has_groups:
        said.append(f"has no column 'group', nor 'specimen' or 'sample': each image {alone}")
    elif without := [path for path in groups.index if path in listed and not groups[path]]:
        said.append(f"names no group of {first_of(without)}: each such image {alone}")
    return said


def first_of(names: Collection[str]) -> str:
    """Name the first of some names, and say how many more there are."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return safe_names.shown(next(iter(names))) + more
