"""One way to show that work goes on: a bar for a person at the screen, a file for a chain that runs headless."""

import contextlib
import os
import pathlib
import tempfile
import threading
import time

from tqdm.auto import tqdm

#: Set by a chain that wants to draw the progress itself: the file that `track` keeps up to date.
REPORT_VARIABLE = "NANOFOAM_PROGRESS"


def track(iterable, description, total=None, done=0):
    """Yield from `iterable` while showing how far it is.

    Parameters
    ----------
    iterable : iterable
        The work.
    description : str or callable
        What is being done; a callable is asked anew at every step (to show a loss, say).
    total : int, optional
        Number of items; ``len(iterable)`` if not given.
    done : int
        How many of `total` were done before.

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
        yield from _track_in_file(iterable, describe, total, pathlib.Path(report), done)
        return
    with tqdm(total=total, initial=done, desc=describe(), leave=False) as bar:
        for item in iterable:
            yield item
            bar.set_description(describe(), refresh=False)
            bar.update()


def _track_in_file(iterable, describe, total, report, before):
    last = 0.0
    for done, item in enumerate(iterable, start=before + 1):
        yield item
        if time.monotonic() - last >= 0.2 or done == total:
            last = time.monotonic()
            report.write_text(f"{done / max(total, 1):.4f} {describe()} {done}/{total}", encoding="utf-8")


def read(report):
    """Read what `track` wrote into a file: the share done and what is being done; (None, "") where nothing is."""
    try:
        share, _, what = pathlib.Path(report).read_text(encoding="utf-8").partition(" ")
        return float(share), what
    except (OSError, ValueError):  # not there yet, or being written
        return None, ""


@contextlib.contextmanager
def gather(weights):
    """Show as one how far jobs in other processes are.

    Parameters
    ----------
    weights : sequence of float
        Of the jobs: how long they take, in proportion to each other.

    Yields
    ------
    list of pathlib.Path
        What each is to have in its environment as ``NANOFOAM_PROGRESS``.
    """
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="nanofoam-") as folder:
        reports = [pathlib.Path(folder) / str(number) for number, _ in enumerate(weights)]
        thread = threading.Thread(target=_show_all, args=(reports, weights, stop), daemon=True)
        thread.start()
        try:
            yield reports
        finally:
            stop.set()
            thread.join()


def _show_all(reports, weights, stop):
    """Show the mean share of all, and what that one does which is least far of those that have begun."""
    own, share = os.environ.get(REPORT_VARIABLE), 0.0
    with contextlib.nullcontext() if own else tqdm(total=100, leave=False) as bar:
        while not stop.wait(0.2):
            found = [read(report) for report in reports]
            begun = [one for one in found if one[0] is not None]
            if not begun:
                continue
            mean = sum(weight * (done or 0) for weight, (done, _) in zip(weights, found, strict=True)) / sum(weights)
            share, what = max(share, mean), min(begun)[1]  # a stage may end early, and the bar never goes back
            if own:
                pathlib.Path(own).write_text(f"{share:.4f} {what}", encoding="utf-8")
            else:
                bar.n = round(100 * share)
                bar.set_description(what)
