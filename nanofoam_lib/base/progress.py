"""One way to show that work goes on: a bar for a person at the screen, a file for a chain that runs headless."""

import os
import pathlib
import time

from tqdm.auto import tqdm

#: Set by a chain that wants to draw the progress itself: the file that `track` keeps up to date.
REPORT_VARIABLE = "NANOFOAM_PROGRESS"


def track(iterable, description, total=None):
    """Yield from `iterable` while showing how far it is.

    Parameters
    ----------
    iterable : iterable
        The work.
    description : str or callable
        What is being done; a callable is asked anew at every step (to show a loss, say).
    total : int, optional
        Number of items; ``len(iterable)`` if not given.

    Yields
    ------
    object
        The items, unchanged.

    Notes
    -----
    With the environment variable ``NANOFOAM_PROGRESS`` set to a file name, no bar is drawn; the file holds one
    line ``<share done> <description>`` instead, renewed at most five times a second.
    """
    describe = description if callable(description) else lambda: description
    total = len(iterable) if total is None else total
    report = os.environ.get(REPORT_VARIABLE)
    if report:
        yield from _track_in_file(iterable, describe, total, pathlib.Path(report))
        return
    with tqdm(total=total, desc=describe(), leave=False) as bar:
        for item in iterable:
            yield item
            bar.set_description(describe(), refresh=False)
            bar.update()


def _track_in_file(iterable, describe, total, report):
    last = 0.0
    for done, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - last >= 0.2 or done == total:
            last = time.monotonic()
            report.write_text(f"{done / max(total, 1):.4f} {describe()} {done}/{total}", encoding="utf-8")
