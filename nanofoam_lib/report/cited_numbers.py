"""Numbers that a text quotes, held against the tables of the run that they come from."""

import math
import os
from typing import NamedTuple

from nanofoam_lib.base import files, yaml_text
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.safe_names import quoted, short

FILE = "cited.yaml"
LARGEST = 1e300
TOLERANCE = 0.005  # the text rounds to two decimals


class Citation(NamedTuple):
    """A cited number, and what the table holds now."""

    where: str  # file, row and column, in words
    cited: float
    now: float
    tolerance: float

    @property
    def holds(self):
        """Whether the number is still within its tolerance."""
        return abs(self.now - self.cited) <= self.tolerance + 1e-12  # a difference of 0.005 may come out as 0.00500…4


def verify(run):
    """Read again every number that ``cited.yaml`` of a run lists.

    Parameters
    ----------
    run : base.run_folder.Run

    Returns
    -------
    citations : list of Citation
        Those that could be read.
    problems : list of str
        One line for each entry that could not.

    Raises
    ------
    DataError
        If the file is missing or is no list of entries.
    """
    path = run.folder / FILE
    if not os.path.lexists(path):
        raise DataError(f"{path}: missing; list the numbers that the text quotes there, see nanofoam verify --help")
    try:
        entries = yaml_text.read(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: damaged ({error}); see nanofoam verify --help") from error
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: must be a list of entries; see nanofoam verify --help")
    citations, problems = [], []
    for i, entry in enumerate(entries, start=1):
        try:
            citations.append(_look_up(run, entry))
        except DataError as error:
            problems.append(f"{path}: entry {i}: {error}")
    return citations, problems


def _look_up(run, entry):
    table, row, column, value, tolerance = _check(entry)
    known = sorted(path.stem for path in run.folder.glob("tables/*.csv"))
    if table not in known:  # nor is a path that leads out of the run's folder
        raise DataError(f"{quoted(table)} is no table of this run; it has {', '.join(known) or 'none'}")
    path = run.table(table)
    frame = files.read_csv_text(path)
    for name in (*row, column):
        if name not in frame:
            raise DataError(f"{path} has no column {quoted(name)}; it has {', '.join(frame)}")
    for name, wanted in row.items():
        frame = frame[frame[name].map(lambda cell, wanted=wanted: _is_same(cell, wanted)).astype(bool)]
    where = f"{path}: {', '.join(f'{short(name)} {short(wanted)}' for name, wanted in row.items())}: {column}"
    if len(frame) != 1:
        raise DataError(f"{where}: {len(frame) or 'no'} rows match; name one row")
    return Citation(where, float(value), _number(frame[column].iloc[0], where), float(tolerance))


def _check(entry):
    if not isinstance(entry, dict):
        raise DataError(f"{quoted(entry)} is not of the form table, row, column, value")
    unknown = set(entry) - {"table", "row", "column", "value", "tolerance"}
    missing = {"table", "row", "column", "value"} - set(entry)
    if unknown or missing:
        raise DataError(
            f"{'unknown' if unknown else 'missing'} {short(', '.join(sorted(map(short, unknown or missing))))}"
        )
    if not isinstance(entry["row"], dict):
        raise DataError(f"row must be {{column: value, ...}}, not {quoted(entry['row'])}")
    tolerance = entry.get("tolerance", TOLERANCE)
    for name, number in (("value", entry["value"]), ("tolerance", tolerance)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= LARGEST:
            raise DataError(f"{name} must be a number, not {quoted(number)}")
    if tolerance < 0:
        raise DataError(f"tolerance must not be negative, as {tolerance} is")
    if not all(isinstance(name, str) for name in (entry["table"], entry["column"], *entry["row"])):
        raise DataError("table, column and the names in row must be text, in quotes if they look like a number")
    return str(entry["table"]), entry["row"], str(entry["column"]), entry["value"], tolerance


def _is_same(cell, wanted):
    """Compare a cell's text with a value of the YAML file; numbers by value, so that 128 finds 128.0."""
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        return cell == str(wanted)
    try:
        return float(cell) == wanted
    except ValueError:
        return False


def _number(cell, where):
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{where}: holds {quoted(cell)}, not a number")
    return number
