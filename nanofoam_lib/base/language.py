"""English and Spanish: the words of figures, tables and documents, and how a number is written.

The words stand in ``language.yaml`` beside this module.
"""

import functools
import math
import pathlib

from nanofoam_lib.base import yaml_text

CATALOGUE = pathlib.Path(__file__).with_suffix(".yaml")
LANGUAGES = ("en", "es")
#: How the name of data that this library has made begins; other data have the name of their folder.
SYNTHETIC = "synthetic"
_PLAIN = 6  # digits before the point, of more a number is written with a power of ten
MISSING = "–"
_DECIMAL_MARKS = {"en": ".", "es": ","}


def text(phrase, lang="en"):
    """Give a phrase, or the name of a column or value of a table, in the reader's language.

    Parameters
    ----------
    phrase : str
        A key of the catalogue. Anything else, such as "LBP", is its own name and stays.
    lang : {"en", "es"}

    Returns
    -------
    str

    Examples
    --------
    >>> text("random forest", "es"), text("n_pores"), text("LBP", "es")
    ('bosque aleatorio', 'number of pores', 'LBP')
    """
    return _load().get(phrase, (phrase, phrase))[LANGUAGES.index(lang)]


def quantity(name, lang="en"):
    """Give the name of a measure as a sentence has it, without its unit.

    Examples
    --------
    >>> quantity("median_diameter_um", "es"), quantity("my_column")
    ('diámetro mediano', 'my_column')
    """
    return text(name, lang).partition(" (")[0]


def data_set(name, lang="en"):
    """Give the name of a data set: a folder's stays as it is, even if it is called "test"."""
    return text(name, lang) if name.startswith(f"{SYNTHETIC} ") else name


def number(value, lang="en", digits=3):
    """Write a number with at most `digits` significant digits, a true minus and the decimal mark; a dash for NaN.

    Parameters
    ----------
    value : float
    lang : {"en", "es"}
    digits : int

    Returns
    -------
    str

    Examples
    --------
    >>> number(-0.12345), number(0.5, "es"), number(1064.4), number(float("nan"))
    ('−0.123', '0,5', '1060', '–')
    """
    if not math.isfinite(value):
        return MISSING
    rounded = float(f"{value:.{digits}g}")
    return with_decimal_mark(f"{rounded:.{max(digits, _PLAIN)}g}".replace("-", "−"), lang)


def fixed(value, lang="en", decimals=2):
    """Write a number with `decimals` decimals, a true minus and the decimal mark; a dash for NaN.

    Parameters
    ----------
    value : float
    lang : {"en", "es"}
    decimals : int

    Returns
    -------
    str

    Examples
    --------
    >>> fixed(-0.5), fixed(0.123, "es"), fixed(-0.001), fixed(float("nan"))
    ('−0.50', '0,12', '0.00', '–')
    """
    if not math.isfinite(value):
        return MISSING
    return with_decimal_mark(f"{value:z.{decimals}f}".replace("-", "−"), lang)  # z: no minus before a zero


def alike(values, lang="en", digits=3):
    """Write numbers that stand beside each other with the same decimals, as many as the largest needs.

    Parameters
    ----------
    values : iterable of float
    lang : {"en", "es"}
    digits : int
        Significant digits of the largest; decimals that are zero in all are left out.

    Returns
    -------
    list of str

    Examples
    --------
    >>> alike([0.2, 0.21667, 0.3]), alike([-3, 0, 3]), alike([335.4, 1127]), alike([0.5, float("nan")], "es")
    (['0.200', '0.217', '0.300'], ['−3', '0', '3'], ['335', '1127'], ['0,5', '–'])
    """
    values = [float(value) for value in values]
    known = [value for value in values if math.isfinite(value)]
    largest = max(map(abs, known), default=0.0)
    decimals = max(0, digits - 1 - math.floor(math.log10(largest))) if largest else 0
    while decimals and all(round(value, decimals) == round(value, decimals - 1) for value in known):
        decimals -= 1
    return [fixed(value, lang, decimals) for value in values]


def percentage(share):
    """Write a share as a whole percentage; a dash for one that is missing or infinite.

    Examples
    --------
    >>> percentage(0.346), percentage(float("nan"))
    ('35%', '–')
    """
    return f"{share:.0%}" if math.isfinite(share) else MISSING


def percent(written, lang="en"):
    """Set a percentage apart from its sign where the language asks for it: "35%" is "35 %" in Spanish."""
    return written.replace("%", "\N{NO-BREAK SPACE}%") if lang == "es" else written


def with_decimal_mark(written, lang):
    """Give a number that is written with a point the decimal mark of a language: a comma in Spanish."""
    return written.replace(".", _DECIMAL_MARKS[lang])


@functools.cache
def _load():
    """Read the catalogue: dict of phrase or name to (English, Spanish)."""
    entries = yaml_text.read(CATALOGUE)
    return {key: (key, entry) if isinstance(entry, str) else tuple(entry) for key, entry in entries.items()}
