"""Lengths as people, spreadsheets and microscopes write them."""

import math
import re

#: µm in each unit, by its lower-case names.
_UNITS = {
    1e-6: "pm picometer picometre",
    1e-4: "å angstrom ångström",
    1e-3: "nm nanometer nanometre nanometro nanómetro",
    1.0: "µm um micron micrometer micrometre micrometro micrómetro micra",
    1e3: "mm millimeter millimetre milimetro milímetro",
    1e4: "cm centimeter centimetre centimetro centímetro",
    1e6: "m meter metre metro",
    25_400.0: 'in inch inches "',
}
_UM = {name: um for um, names in _UNITS.items() for name in names.split()}
_NUMBER = r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?"
_LENGTH = re.compile(rf"({_NUMBER})\s*([^\d\s/]*)\s*(?:(?:/|per|por)\s*(?:px|pixels?|píxel|pix))?", re.IGNORECASE)


def parse(text: str, unit: str = "µm") -> float | None:
    """Read a length.

    Parameters
    ----------
    text : str
        A number with or without its unit: ``0.27``, ``0,27 µm``, ``270nm``, ``2.7E-7 m``, ``0.27 µm/px``.
    unit : str
        Of a bare number.

    Returns
    -------
    float or None
        In µm; None if `text` is no positive, finite length. A single comma is a decimal one; of comma and point
        together, the last parts off the decimals.

    Examples
    --------
    >>> parse("0.27"), parse("270 nm"), parse("0,27 µm"), parse("2.7e-7 m"), parse("large")
    (0.27, 0.27, 0.27, 0.27, None)
    """
    found = _LENGTH.fullmatch(" ".join(str(text).split()))
    if not found:
        return None
    try:
        value, um = float(_with_point(found[1])), in_um(found[2] or unit)
    except ValueError:
        return None
    length = _scaled(value, um) if um else math.nan
    return length if 0 < length < math.inf else None


def in_um(unit: str) -> float | None:
    """Give the µm in a unit by one of its names, singular or plural; None if there is no such unit."""
    name = unit.strip().lower()
    for other in ("μ", "âµ", "\\u00b5"):  # the Greek letter; UTF-8 taken for Latin-1; as ImageJ escapes it
        name = name.replace(other, "µ")
    return _UM.get(name, _UM.get(name.removesuffix("s")))


def _scaled(value, um):
    """Multiply, but by way of a division where that is exact: 270 nm are 0.27 µm, and not 0.27000000000000002."""
    return value / round(1 / um) if um < 1 else value * um


def _with_point(number):
    decimal = max(number.rfind("."), number.rfind(","))
    whole = re.sub(r"[.,]", "", number[:decimal]) if decimal >= 0 else ""
    mixed = "." in number and "," in number
    if decimal < 0 or (not mixed and number.count(number[decimal]) > 1):  # 1.2.3 is no number
        return number
    return f"{whole}.{number[decimal + 1 :]}"
