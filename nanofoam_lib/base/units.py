"""Units of properties, as the names of columns tell them."""

import re

_SUPERSCRIPT = {"2": "²", "3": "³", "4": "⁴"}
#: Units as they stand in the name of a column, in small letters.
_UNITS = {
    "pa": "Pa", "kpa": "kPa", "mpa": "MPa", "gpa": "GPa", "bar": "bar",
    "g": "g", "mg": "mg", "ug": "µg", "kg": "kg", "mol": "mol", "mmol": "mmol", "umol": "µmol",
    "m": "m", "cm": "cm", "mm": "mm", "um": "µm", "nm": "nm", "l": "l", "ml": "ml", "ppm": "ppm",
    "s": "s", "min": "min", "h": "h", "hz": "Hz", "k": "K", "c": "°C", "degc": "°C", "deg": "°",
    "v": "V", "mv": "mV", "a": "A", "ma": "mA", "ohm": "Ω", "w": "W", "mw": "mW", "j": "J", "kj": "kJ", "ev": "eV",
    "n": "N", "mn": "mN", "kn": "kN", "darcy": "darcy", "pct": "%", "percent": "%", "wt": "wt%", "hv": "HV",
}  # fmt: skip
#: Alone at the end of a name these are not what they are within a compound: a molarity, not a metre, or only a letter.
_ALONE = {"m": "M", "a": "", "l": ""}


def of_name(name: str) -> str:
    """Read the unit from the name of a column.

    Parameters
    ----------
    name : str
        Such as ``modulus_gpa``, ``uptake_mg_g`` or ``Modulus (GPa)``.

    Returns
    -------
    str
        As it is written, "" if the name ends with none. ``_m`` alone is mol/l: lengths of specimens are in mm or µm.

    Examples
    --------
    >>> [of_name(name) for name in ("modulus_gpa", "cu_m", "uptake_mg_g", "area_m2_g", "n_per_mm2", "hardness")]
    ['GPa', 'M', 'mg/g', 'm²/g', '1/mm²', '']
    """
    if bracket := re.fullmatch(r".*[(\[]([^()\[\]]+)[)\]]\s*", name):
        return bracket[1].strip()
    words = [word for word in re.split(r"[_\s]+", name.casefold().replace("µ", "u").replace("μ", "u")) if word]
    start = len(words)
    while start > 1 and (words[start - 1] == "per" or _atom(words[start - 1])):
        start -= 1
    return _written(words[start:])


def _written(words):
    if words == ["wt", "pct"] or words == ["wt", "percent"]:
        return "wt%"
    upper, _, lower = (" ".join(words)).partition("per ")
    atoms = [[_atom(word) for word in part.split()] for part in (upper, lower)]
    if not lower and len(atoms[0]) == 1:
        return _ALONE.get(words[0], atoms[0][0])
    above, below = (atoms[0], atoms[1]) if lower else (atoms[0][:1], atoms[0][1:])
    if not below:
        return " ".join(above)
    joined = f"({'·'.join(below)})" if len(below) > 1 else below[0]
    return f"{' '.join(above) or '1'}/{joined}"


def _atom(word):
    """Write one unit with its power: "m2" as "m²"; None if it is none."""
    found = re.fullmatch(r"([a-z]+)([234]?)", word)
    known = _UNITS.get(found[1]) if found else None
    return known and known + _SUPERSCRIPT.get(found[2], "")
