"""Steps of the chain that run beside each other, and the account that is kept of each."""

import functools
import logging
import os
import time

from nanofoam_lib.base import side_by_side, signals
from nanofoam_lib.base.errors import DataError, StepError
from nanofoam_lib.runs import execution, kernels

#: Steps that need nothing of what the one before them writes, and run beside it.
BESIDE = ("05_generate",)
#: The tag of cells that are about telling classes apart, and left out where there is one: nothing else decides that.
CLASSES = "classes"


def group(todo):
    """Put steps together that run beside each other: list of lists of (step, key)."""
    groups = []
    for step, key in todo:
        if groups and step.name in BESIDE:
            groups[-1].append((step, key))
        else:
            groups.append([(step, key)])
    return groups


def run(taken, manifest, values, bar, queue):
    """Execute notebooks beside each other, given as (step, account, kernel), or in turn where memory is short."""
    jobs = {
        step.name: functools.partial(_run_step, step, account, kernel, manifest, values, bar)
        for step, account, kernel in taken
    }

    def halt():
        logging.disable(logging.CRITICAL)  # papermill tells of kernels that are ended here
        queue.end()

    try:
        side_by_side.run(jobs, at_once=len(jobs) if kernels.is_room() else 1, halt=halt)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            signals.heard()
        for _, account, _ in taken:
            account.leave()
        raise


def _run_step(step, account, kernel, manifest, values, bar):
    """Execute one notebook and keep account of it, however it ends."""
    began, place = time.monotonic(), account.run
    executed = place.notebook(step.name).with_name(f".tmp-{os.getpid()}-{step.name}.ipynb")
    try:
        executed.parent.mkdir(exist_ok=True)
        account.journal.begin()
        with bar.step(step.name) as on_progress:
            own = {name: values[name] for name in step.defaults}
            without = CLASSES if manifest["data"]["classes"] == 1 else None
            warned = execution.execute(step.notebook, executed, own, on_progress, without, kernel)
        executed.replace(place.notebook(step.name))
        account.close(round(time.monotonic() - began, 1), warned)
    except DataError as error:
        account.refuse(error)
        raise
    except StepError as error:
        if side_by_side.is_stopped():
            raise side_by_side.Stopped from error  # it has not failed: its kernel was ended
        if executed.exists():  # there is none if no kernel could be started
            executed.replace(place.notebook(step.name))
        account.fail(error)
        raise StepError(f"{error} (see {place.notebook(step.name)})") from error
    except BaseException as error:
        account.fail(error)
        raise
    finally:
        executed.unlink(missing_ok=True)
