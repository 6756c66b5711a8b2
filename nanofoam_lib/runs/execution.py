"""One notebook run headless, and the bar that shows how far the chain is."""

import contextlib
import logging
import pathlib
import re
import sys
import tempfile
import threading
import time

from tqdm import tqdm

from nanofoam_lib.base import language, progress, signals
from nanofoam_lib.base.errors import DataError, StepError
from nanofoam_lib.base.messages import message
from nanofoam_lib.runs import kernels, parameter_cells

#: Errors whose message is written for people; others are shown with their type.
PLAIN_ERRORS = ("DataError", "TrainingError", "UsageError")
TOLD_EVERY = 60.0  # seconds from one line to the next where nobody watches a terminal


def execute(notebook, target, values, on_progress, without=None, kernel=None):
    """Execute a notebook through papermill in a fresh kernel.

    Parameters
    ----------
    notebook : pathlib.Path
    target : pathlib.Path
        Where to write the executed notebook, also when it fails.
    values : dict
        Values for the names in its ``parameters`` cell.
    on_progress : callable
        Called with the share of cells done, in [0, 1].
    without : str, optional
        The tag of cells that are not executed; a sentence stands in their place.
    kernel : kernels.Kernel, optional
        That has executed nothing yet; it is ended here.

    Returns
    -------
    list of str
        The `RunWarning` messages that the notebook showed.

    Raises
    ------
    DataError
        If the notebook raised one: the input cannot be used.
    StepError
        If it failed in any other way, or its kernel died.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    parameter_cells.teach_papermill()
    kernels.teach_papermill()
    kernel = kernel or kernels.Kernel()
    if not kernel.manager.has_kernel:
        kernel.start(notebook.parent)  # and not papermill, which would take this process there, and all its threads
    n_code = sum(cell.cell_type == "code" for cell in papermill.iorw.load_notebook_node(str(notebook)).cells)
    done = iter(range(1, n_code + 10))
    try:
        with tempfile.TemporaryDirectory(prefix="nanofoam-") as scratch, _ending(kernel):
            lang = values.get("lang", "en")
            source = _reduced(notebook, without, pathlib.Path(scratch), lang) if without else notebook
            executed = papermill.execute_notebook(
                _literal(source), _literal(target),
                parameters=values, kernel_name="python3", progress_bar=False,
                engine_name=kernels.ENGINE, km=kernel.manager, extra_arguments=kernel.arguments,
                on_cell_executed=lambda **_: on_progress(min(1, next(done) / n_code)),
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        message = " ".join(error.evalue.split())
        if error.ename == "DataError":
            raise DataError(message) from error
        kind = "" if error.ename in PLAIN_ERRORS else f"{error.ename}: "
        raise StepError(f"{notebook.stem} failed: {kind}{message}") from error
    except DeadKernelError as error:
        raise StepError(f"{notebook.stem} failed: its kernel died, most likely for want of memory") from error
    except (CellTimeoutError, RuntimeError, OSError) as error:
        raise StepError(f"{notebook.stem} failed: {' '.join(str(error).split())}") from error
    return _find_warnings(executed)


def _reduced(notebook, tag, folder, lang):
    """Write a copy of a notebook without the cells of a tag; give its path."""
    import nbformat

    cells = nbformat.read(notebook, as_version=4)
    for number, cell in enumerate(cells.cells):
        if tag in cell.metadata.get("tags", []):
            said = language.text("*Left out: there is one class, and nothing to tell apart.*", lang)
            cells.cells[number] = nbformat.v4.new_markdown_cell(said, id=cell.id)
    nbformat.write(cells, folder / notebook.name)
    return folder / notebook.name


def _literal(path):
    """Write a path so that papermill, which takes it for a format string, reads it as it is."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextlib.contextmanager
def _ending(kernel):
    """See to it that the kernel does not outlive the block, not even one that was interrupted before it was ready."""
    try:
        yield
    except KeyboardInterrupt:
        signals.heard()
        logging.disable(logging.CRITICAL)  # nbclient and asyncio tell of the kernel that is ended here
        raise
    finally:
        kernel.end()
        kernels.close_loop()


def _find_warnings(notebook):
    """Collect the messages that ``warnings.warn(..., RunWarning)`` left in the cells' error streams, once each."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    streams = (output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    return list(dict.fromkeys(found for text in streams for found in re.findall(r"RunWarning: (.*)", text)))


class ChainBar:
    """One progress bar over several steps, fed by finished cells and by what `progress.track` reports inside a cell.

    Parameters
    ----------
    expected : dict
        Step name → expected seconds: how much of the bar it takes.
    lang : {"en", "es"}

    Notes
    -----
    The time that is left is what has passed, in proportion to what is missing of the expected seconds: how fast this
    machine is follows from the steps that are done.

    Examples
    --------
    >>> with ChainBar({"01_preprocess": 10, "02_train": 90}) as bar:  # doctest: +SKIP
    ...     with bar.step("01_preprocess") as on_progress:
    ...         on_progress(0.5)
    """

    def __init__(self, expected, lang="en"):
        self._expected, self._lang = expected, lang
        self._numbers = {name: f"{i}/{len(expected)} {name}" for i, name in enumerate(expected, start=1)}
        self._total = sum(expected.values())
        self._shares, self._lock = {}, threading.Lock()  # of the steps that have begun, how far each is

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="nanofoam-")
        left = language.text("{elapsed}, {remaining} left", self._lang)
        self._bar = tqdm(
            total=100, leave=False, mininterval=0.1, delay=0.01, disable=None if self._total else True,
            bar_format=f"{{desc}} {{percentage:3.0f}}% |{{bar:20}}| {left} {{postfix}}", dynamic_ncols=True,
        )  # fmt: skip
        self._told = time.monotonic()
        return self

    def __exit__(self, *_):
        self._bar.close()
        self._folder.cleanup()

    def variables(self, name):
        """Give the variables of the environment by which a step's kernel reports how far it is."""
        return {progress.REPORT_VARIABLE: str(self._report(name))}

    def step(self, name):
        """Begin a step: a context that gives the function to call with the share of its cells done."""
        return _StepProgress(self, name, self._report(name))

    def _report(self, name):
        return pathlib.Path(self._folder.name) / name

    def _show(self, name, share, postfix):
        """Show the share of all steps, and what the first of those that run is doing."""
        with self._lock:
            self._shares[name] = share
            if name != next((own for own in self._expected if self._shares.get(own, 1) < 1), name):
                return
            seconds = sum(done * self._expected[own] for own, done in self._shares.items())
            self._bar.n = max(self._bar.n, min(100, 100 * seconds / self._total))
            self._bar.set_description_str(self._numbers[name], refresh=False)
            self._bar.set_postfix_str(message(postfix, self._lang), refresh=False)
            self._bar.refresh()
            if self._bar.disable and self._total and time.monotonic() - self._told >= TOLD_EVERY:
                self._told = time.monotonic()
                said = f"{self._numbers[name]} {self._bar.n:.0f}% {message(postfix, self._lang)}"
                print(said.strip(), file=sys.stderr, flush=True)


class _StepProgress:
    """Watch one step from a thread: cells done, and the share of the running cell."""

    def __init__(self, chain, name, report):
        self._chain, self._name, self._report = chain, name, report
        self._cells, self._stop = 0.0, threading.Event()

    def __enter__(self):
        self._report.unlink(missing_ok=True)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self._on_progress

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        with self._chain._lock:
            self._chain._shares[self._name] = 1.0

    def _on_progress(self, share):
        self._cells = share
        self._report.unlink(missing_ok=True)

    def _watch(self):
        while not self._stop.wait(0.2):
            inside, what = progress.read(self._report)
            # Cells that report progress are the long ones: let the reported share fill the rest of the step
            share = self._cells + (0.9 - self._cells) * inside if inside and self._cells < 0.9 else self._cells
            self._chain._show(self._name, share, what)
