"""Text of tables that no spreadsheet takes for a formula: an apostrophe stands before it, which is not read back.

A class may be called ``=cmd|'/c calc'!A1``, and Excel, LibreOffice and Google Sheets run what begins so [1]_.

References
----------
.. [1] OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

import pandas as pd

#: What a spreadsheet reads as the begin of a formula; after apostrophes too, so that any text comes back as it was.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
#: Plain numbers, which begin with a sign and do nothing.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf")
_GUARDED = re.compile(r"''*[=+\-@\t\r]")


def guard(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before every text of a table, headings too, that a spreadsheet might take for a formula.

    Numbers, also those that stand as text, are left alone.

    Examples
    --------
    >>> guard(pd.DataFrame({"label": ["=1+1", "CuNi1", "-3", "'@x"]}))["label"].tolist()
    ["'=1+1", 'CuNi1', '-3', "''@x"]
    >>> undo(guard(pd.DataFrame({"label": ["=1+1", "CuNi1", "-3", "'@x"]})))["label"].tolist()
    ['=1+1', 'CuNi1', '-3', "'@x"]
    """
    return _changed(table, _guarded)


def undo(table: pd.DataFrame) -> pd.DataFrame:
    """Take the apostrophes of `guard` away again."""
    return _changed(table, _plain)


def _changed(table, change):
    """Change the texts of a table, and give the table itself where there is nothing to change."""
    headings = [change(name) for name in table.columns]
    columns = {}
    for i, _name in enumerate(table.columns):
        column = table.iloc[:, i]
        if pd.api.types.is_string_dtype(column) or pd.api.types.is_object_dtype(column):
            changes = {text: changed for text in column.unique() if (changed := change(text)) is not text}
            if changes:
                columns[i] = column.map(lambda text, changes=changes: changes.get(text, text))
    if columns:
        parts = [columns.get(i, table.iloc[:, i]) for i in range(table.shape[1])]
        table = pd.concat(parts, axis=1)
    return table.set_axis(headings, axis=1) if headings != list(table.columns) else table


def _guarded(text):
    if isinstance(text, str) and _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _plain(text):
    return text[1:] if isinstance(text, str) and _GUARDED.match(text) else text
