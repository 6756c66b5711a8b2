"""Kernels for the steps of a chain, of which the next one starts and imports while the one before works."""

import contextlib
import os
import pathlib
import tempfile
import threading

import psutil

from nanofoam_lib.base.files import JOURNAL_VARIABLE
from nanofoam_lib.runs import ledger

#: A kernel that is busy is asked to end, then told (SIGTERM, SIGKILL), within this time: Ctrl-C must not take long.
SHUTDOWN_SECONDS = 2.0
#: Bytes that must be free: where there are fewer, a kernel that only waits is in the way.
ENOUGH_MEMORY = 3 * 2**30
#: A kernel logs every interrupt as an error, also the one that its manager sends before it ends it.
_QUIET = "--IPKernelApp.log_level=CRITICAL"
#: One that is ended leaves a task behind that waits for it, which asyncio would tell the terminal.
_CALM = "--IPKernelApp.exec_lines=__import__('logging').getLogger('asyncio').setLevel('CRITICAL')"
#: What a warning says is for whoever reads the notebook; where the code stands that gave it is not.
_PLAIN = "--IPKernelApp.exec_lines=__import__('nanofoam_lib.base.errors', fromlist=['errors']).tell_plainly()"
ENGINE = "nanofoam"  # papermill's name for what executes cells in a kernel of ours


class Kernel:
    """A kernel in which one step is executed, alone; its process starts with the step, or before (`start`).

    Parameters
    ----------
    journal : path-like, optional
        Of the step (`ledger.Journal`): what the kernel, and whatever that starts, is known by. Else that of this
        process.
    imports : str
        Code that is run before it is ready: what a notebook's first cell imports has been imported then.
    variables : dict, optional
        Of its environment, beside those of this process.
    """

    def __init__(self, journal=None, imports="", variables=None):
        from jupyter_client import AsyncKernelManager
        from traitlets.config import Config

        self._journal = journal or os.environ.get(JOURNAL_VARIABLE)
        self._variables = variables or {}
        self.arguments = [_QUIET, _CALM, _PLAIN, *([f"--IPKernelApp.exec_lines={imports}"] if imports else [])]
        self._sockets = tempfile.TemporaryDirectory(prefix="nanofoam-")
        options = _transport(self._sockets.name) | {"shutdown_wait_time": SHUTDOWN_SECONDS}
        self.manager = AsyncKernelManager(kernel_name="python3", config=Config({"KernelManager": options}))

    def start(self, folder):
        """Start its process in a folder, without waiting until it is ready."""
        from jupyter_core.utils import run_sync

        known_by = {JOURNAL_VARIABLE: str(self._journal)} if self._journal else {}
        run_sync(self.manager.start_kernel)(
            extra_arguments=self.arguments, cwd=str(folder), env=dict(os.environ) | self._variables | known_by
        )

    def end(self):
        """End its process, also one that was interrupted before it was ready, and all that this has started."""
        from jupyter_core.utils import run_sync

        if self.manager.has_kernel:
            run_sync(self.manager.shutdown_kernel)(now=True)
        if self._journal:
            end_processes(lambda journal: journal == pathlib.Path(self._journal))
        self._sockets.cleanup()


class Queue:
    """The kernels of a chain's steps, of which the next ones wait for their turn.

    For the time of a ``with`` block, at whose end all are ended.

    Parameters
    ----------
    place : base.run_folder.Run
    variables : callable, optional
        Gives what the environment of a step's kernel has beside that of this process, by the step's name.
    """

    def __init__(self, place, variables=lambda name: {}):
        self._place, self._variables, self._kernels = place, variables, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def prepare(self, step):
        """Start the kernel of a `pipeline.Step`, where memory allows it."""
        if is_room():
            self._start(step, step.imports)

    def take(self, step):
        """Give the kernel that waits for a step, or a new one."""
        return self._kernels.get(step.name) or self._start(step)

    def end(self):
        """End all of them, whatever they do."""
        for kernel in self._kernels.values():
            kernel.end()

    def _start(self, step, imports=""):
        journal = ledger.Journal(self._place, step.name).path
        kernel = self._kernels[step.name] = Kernel(journal, imports, self._variables(step.name))
        kernel.start(step.notebook.parent)
        return kernel


def is_room():
    """Tell whether memory allows for a kernel more than one."""
    return psutil.virtual_memory().available >= ENOUGH_MEMORY


def end_processes(is_meant):
    """End kernels, and what they started: every other process that was started with a journal that is meant.

    Parameters
    ----------
    is_meant : callable
        Takes the path of a journal.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            journal = process.environ().get(JOURNAL_VARIABLE)
            if journal and is_meant(pathlib.Path(journal)) and process.pid != os.getpid():
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=SHUTDOWN_SECONDS)


def close_loop():
    """Close the event loop in which a thread has talked to its kernel; that of the main thread goes on."""
    from jupyter_core.utils import ensure_event_loop

    if threading.current_thread() is not threading.main_thread():
        ensure_event_loop().close()


def teach_papermill():
    """Let papermill's engine `ENGINE` execute a notebook in a kernel that it is given, and end that."""
    from papermill import clientwrap, engines

    class Client(clientwrap.PapermillNotebookClient):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.owns_km = True  # so that its sockets are closed with it

    class Engine(engines.Engine):
        @classmethod
        def execute_managed_notebook(
            cls, nb_man, kernel_name, km, start_timeout, extra_arguments, on_cell_executed, **_
        ):
            options = {"startup_timeout": start_timeout, "extra_arguments": extra_arguments, "log": engines.logger}
            options |= {"on_cell_executed": on_cell_executed}
            return Client(nb_man, km=km, kernel_name=kernel_name, **options).execute()

    engines.papermill_engines.register(ENGINE, Engine)


def _transport(folder):
    """Choose sockets in `folder` over ports: chains side by side cannot clash, and nothing listens on the network."""
    return {} if os.name == "nt" else {"transport": "ipc", "ip": str(pathlib.Path(folder) / "kernel")}
