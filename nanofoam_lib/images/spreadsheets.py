"""A table as spreadsheet programs leave it: a CSV of any code page, separator and decimal mark, or an ``.xlsx``."""

import csv
import io
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import DataError

#: Code pages of a text that is not Unicode, the most usual first: Windows, Macintosh, DOS.
CODE_PAGES = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "mac_roman", "cp850", "cp437")
#: Between cells; where several fit, the first.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

SAVE_AS = "save it as 'CSV UTF-8 (comma delimited)'"


class Sheet(NamedTuple):
    """A table of text."""

    header: list[str]
    rows: list[list[str]]  # as long as the header
    said: list[str]  # how it was read, where that is not plain CSV


def read_csv(content: bytes, fits: Callable[[str], int]) -> Sheet:
    """Read the bytes of a CSV file.

    Parameters
    ----------
    content : bytes
        UTF-8, UTF-16 or one of `CODE_PAGES`, with or without a byte-order mark; cells between commas, semicolons, tabs
        or bars, which a first line ``sep=;`` may name.
    fits : callable
        Tells how much of a text makes sense, such as how many known names it holds: of several code pages the one is
        taken that fits best, the first of equals.

    Returns
    -------
    Sheet
        Cells without the spaces around them; rows and columns that are empty throughout are left out.

    Raises
    ------
    DataError
        If it is no table; the message follows the file's name.
    """
    text, said = _decode(content, fits)
    named = re.match(r"\s*\"?sep=(.)\"?[;,\t]*\r?\n", text, re.IGNORECASE)
    text = text[named.end() :] if named else text
    separator = named[1] if named else _separator(text)
    if separator != ",":
        said.append(f"cells are taken to stand between {SEPARATORS.get(separator, repr(separator))}")
    cells = [row for row in _cells(text, separator) if row]
    if cells and all(len(row) == 1 for row in cells):
        separator = _separator(cells[0][0])
        if separator in cells[0][0]:
            said.append(f"has whole lines in quotation marks, which are cut at {SEPARATORS[separator]}")
            cells = _cells("\n".join(row[0] for row in cells), separator)
    return _sheet(cells, said)


def read_xlsx(content: bytes) -> Sheet:
    """Read the first sheet of an ``.xlsx`` workbook: a `Sheet`, values of formulas as they were last computed.

    Raises
    ------
    DataError
        If it is none.
    """
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not kept
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            cells = [[_written(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError, EOFError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise DataError(f"cannot be read as a workbook ({' '.join(str(error).split())}); {SAVE_AS}") from None
    others = [other.title for other in book.worksheets[1:]]
    names = safe_names.shown(", ".join(others))
    said = f"has several sheets, of which the first is read, '{safe_names.shown(sheet.title)}', not {names}"
    return _sheet(cells, [said] if others else [])


def _written(cell):
    """Write the value of a cell: whole numbers without a point, nothing for an empty one."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15 else str(cell)


def _decode(content, fits):
    """Turn bytes into text, and say which code page was taken if it is not UTF-8: (text, list of str)."""
    start = content[:2]
    if start in UTF_16 or b"\0" in content[:4]:
        encoding = UTF_16.get(start) or ("utf-16-be" if start[:1] == b"\0" else "utf-16-le")
        try:
            return content.decode(encoding), ["is taken for UTF-16"]
        except UnicodeDecodeError as error:
            raise DataError(f"cannot be read as CSV ({error}); {SAVE_AS}") from None
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        texts = {page: content.decode(page, errors="replace") for page in CODE_PAGES}
    page = max(texts, key=lambda page: (fits(texts[page]), -texts[page].count("\N{REPLACEMENT CHARACTER}")))
    return texts[page], [f"is not UTF-8 and is taken for code page {page}; if names look odd, {SAVE_AS}"]


def _cells(text, separator):
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise DataError(f"cannot be read as CSV ({error}); {SAVE_AS}") from None


def _separator(text):
    """Choose what the first line that holds anything is cut into most cells by."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _sheet(cells, said):
    """Cut a header off, and leave out what is empty."""
    cells = [[_clean(cell) for cell in row] for row in cells]
    cells = [(number, row) for number, row in enumerate(cells, start=1) if any(row)]
    if not cells:
        raise DataError("cannot be read as CSV (it is empty)")
    (_, header), *rows = cells
    for number, row in rows:
        if any(row[len(header) :]):
            raise DataError(f"cannot be read as CSV (line {number} has more cells than the header)")
    rows = [(row + [""] * len(header))[: len(header)] for _, row in rows]
    kept = [i for i, name in enumerate(header) if name or any(row[i] for row in rows)]
    if nameless := [i for i in kept if not header[i]]:
        raise DataError(f"column {nameless[0] + 1} has no name in the header")
    return Sheet([header[i] for i in kept], [[row[i] for i in kept] for row in rows], said)


def _clean(cell):
    """Take off the spaces of every kind around a text, and compose its accents."""
    return unicodedata.normalize("NFC", cell.strip().strip("\ufeff\u200b").strip())
