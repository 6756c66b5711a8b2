"""Messages that are written in English, such as warnings and errors, in the reader's language.

They stand in ``messages.yaml`` beside this module: what computes does not know who will read of it, so that a message
is found again by its words, and what fills its places by where it stands.
"""

import functools
import pathlib
import re
from collections.abc import Iterable

from nanofoam_lib.base import yaml_text
from nanofoam_lib.base.language import percent, text, with_decimal_mark

CATALOGUE = pathlib.Path(__file__).with_suffix(".yaml")


def message(said: str, lang: str = "en", phrases: Iterable[str] = ()) -> str:
    """Give a message in the reader's language.

    Parameters
    ----------
    said : str
        A message of the catalogue with its places filled in. Anything else stays.
    lang : {"en", "es"}
    phrases : iterable of str
        Of `language.text`, of which it may be one as well.

    Returns
    -------
    str
        A place may hold a message of its own; a number is written as the language does, but where the place's name
        begins with ``typed``: what one types has a decimal point in every language.

    Examples
    --------
    >>> message("vae-8 has collapsed: no latent dimension is active; lower beta or train longer", "es")
    'vae-8 ha colapsado: ninguna dimensión latente está activa; hay que bajar beta o entrenar más'
    >>> message("a.png and 2 more: shows one grey level only", "es"), message("out of paper", "es")
    ('a.png y 2 más: muestra un solo nivel de gris', 'out of paper')
    """
    if lang == "en":
        return said
    if (spanish := _entries().get(said)) and "{" not in said:
        return spanish
    for pattern, spanish in [*((_pattern(phrase), text(phrase, lang)) for phrase in phrases), *_load()]:
        if found := pattern.fullmatch(said):
            return spanish.format(**{name: _in_place(name, own, lang) for name, own in found.groupdict().items()})
    return said


def _in_place(name, own, lang):
    """Write what fills a place: a number, a message, or a name, which stays."""
    if not name.startswith("typed") and re.fullmatch(r"[-−]?\d*\.?\d+ ?%?", own):
        return percent(with_decimal_mark(own.replace(" %", "%"), lang), lang)
    return message(own, lang)


@functools.cache
def _entries():
    return yaml_text.read(CATALOGUE)


@functools.cache
def _load():
    """List the catalogue: list of (pattern of an English message, Spanish), those with more words first."""
    longest = sorted(_entries().items(), key=lambda entry: -len(re.sub(r"\{\w+\}", "", entry[0])))
    return [(_pattern(english), spanish) for english, spanish in longest]


@functools.cache
def _pattern(english):
    """Turn a message into a pattern with a group for each of its places; {n} holds a count."""
    parts = re.split(r"\{(\w+)\}", english)
    held = {"n": r"\d+"}
    written = (f"(?P<{part}>{held.get(part, '.+?')})" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile("".join(written), re.DOTALL)
