"""Captions of figures and tables, in English and Spanish, filled in from a manifest."""

import fnmatch
import functools
import pathlib
from typing import NamedTuple

from nanofoam_lib.base import language, yaml_text
from nanofoam_lib.base.language import LANGUAGES, text
from nanofoam_lib.models import kinds

CAPTIONS = pathlib.Path(__file__).with_name("captions.yaml")
_COUNTED = "Data: {name}, n = {images} images of {specimens} specimens, {test} of them on test"
BOTH_SPLITS = "split by group and the leaky one after augmentation"


class Caption(NamedTuple):
    """Section in which a figure or table stands, its title, and the text beneath it; all plain text."""

    section: str
    title: str
    text: str


def caption(kind, name, manifest, classes=None):
    """Say what a figure or table shows, and of which data, split, seed and latent size.

    Parameters
    ----------
    kind : {"figures", "tables"}
    name : str
        As its file is called, without suffix. A name that is not known gives its own words as title.
    manifest : dict
        Of the run: ``lang``, ``data``, ``seed`` and ``parameters`` are read.
    classes : dict, optional
        What stands for a class in names of files → its label.

    Returns
    -------
    Caption

    Examples
    --------
    >>> manifest = {"lang": "es", "seed": 7, "data": {"name": "CuNi"}, "parameters": {"latent_dims": [64, 128]}}
    >>> caption("figures", "my_plot", manifest).text
    'Datos: CuNi; partición por probeta, semilla 7.'
    """
    pattern, entry = _entry(kind, name)
    if not entry:
        return Caption("other", name.replace("_", " ").capitalize(), _provenance(entry, manifest))
    model = _kind_of(name)
    called = (model or kinds.get(kinds.MAIN_LARGE)).prose.in_language(manifest["lang"])
    short = name.removeprefix(pattern.removesuffix("*"))
    own = {"class": (classes or {}).get(short, short), "kind": called}
    title, shown = (part.format(**own) for part in entry[manifest["lang"]])
    if model and name == kinds.of_kind(pattern, model.name):
        title += f", {called}"
    return Caption(entry["section"], title, f"{shown} {_provenance(entry, manifest)}")


def counted(manifest, index):
    """Give a manifest that tells captions how many images and specimens there are, and how many of these on test.

    Parameters
    ----------
    manifest : dict
    index : pandas.DataFrame
        Columns group and split.

    Returns
    -------
    dict
    """
    specimens = {"specimens": index["group"].nunique(), "test": index.loc[index["split"] == "test", "group"].nunique()}
    return manifest | {"data": manifest["data"] | {"images": len(index)} | specimens}


def arrange(figures, tables):
    """Put the names of figures and tables into the order of the documents.

    Returns
    -------
    dict
        Section → list of (kind, name): figures, then tables; sections without any are left out.
    """
    places = {}
    for kind, names in (("figures", figures), ("tables", tables)):
        order = list(_load()[kind])
        known = {name: _entry(kind, name) for name in names}
        for name in sorted(names, key=lambda name: (_rank(order, known[name][0]), name)):
            places.setdefault(known[name][1].get("section", "other"), []).append((kind, name))
    return {section: places[section] for section in _load()["sections"] if section in places}


def sections():
    """List the sections in the order of the documents."""
    return list(_load()["sections"])


def section(name, lang):
    """Give the heading of a section."""
    return _load()["sections"][name][LANGUAGES.index(lang)]


def _provenance(entry, manifest):
    lang, values = manifest["lang"], manifest["parameters"]
    leaky = entry.get("both") and values.get("protocol") == "thesis"
    data = manifest["data"]
    said = [
        text(_COUNTED if "images" in data else "Data: {name}", lang).format(
            **data | {"name": language.data_set(data["name"], lang)}
        ),
        f"{text(BOTH_SPLITS if leaky else 'by-group', lang)}, {text('seed', lang)} {manifest['seed']}",
    ]
    if "latent" in entry:
        sizes = values["latent_dims"][: 1 if entry["latent"] == "first" else None]
        said.append(f"{text('latent_dim', lang)} {_enumerate(sizes, text('and', lang))}")
    return "; ".join(said) + "."


def _enumerate(values, last):
    *first, end = map(str, values)
    return f"{', '.join(first)} {last} {end}" if first else end


def _entry(kind, name):
    """Find what is known of a figure or table: (its name there, entry); the exact name goes before a pattern."""
    known, model = _load()[kind], _kind_of(name)
    base = name.removesuffix(f"_{model.name}") if model else name
    matching = [own for own in (name, base) if own in known]
    matching += [pattern for pattern in known if fnmatch.fnmatchcase(name, pattern)]
    return (matching[0], known[matching[0]]) if matching else ("", {})


def _kind_of(name):
    """Find the kind of model, other than the main one, that a figure or table is named after, or None."""
    others = kinds.but_main(kinds.known())
    found = (kinds.get(own) for own in others if name.endswith(f"_{own}") or name == f"{own}_maps")
    return next(found, None)


def _rank(order, name):
    return order.index(name) if name in order else len(order)


@functools.cache
def _load():
    return yaml_text.read(CAPTIONS)
