"""Long jobs in threads beside each other: what one leaves idle of the processor, another takes."""

import concurrent.futures
import contextvars
import threading

_stop = contextvars.ContextVar("stop", default=None)  # of a job: the event that says so


class Stopped(Exception):
    """Raised in a job whose result nobody waits for any more."""


def run(jobs, at_once=2, halt=lambda: None):
    """Run jobs, of which some at a time, each in a thread of its own.

    Parameters
    ----------
    jobs : dict of callable
        Without arguments; begun in this order. They should leave Python's lock to each other most of the time.
    at_once : int
        With 1, they run one after the other in this thread.
    halt : callable
        Called where a job has failed, or this thread was interrupted: ends what the others wait for.

    Returns
    -------
    dict
        Name → result.

    Raises
    ------
    Exception
        What the first job raised that failed, and KeyboardInterrupt; the others end at their next `check`.

    Examples
    --------
    >>> run({"a": lambda: 1, "b": lambda: 2})
    {'a': 1, 'b': 2}
    """
    if at_once == 1 or len(jobs) == 1:
        return {name: job() for name, job in jobs.items()}
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        begun = {name: pool.submit(_begin, job, stop) for name, job in jobs.items()}
        missing = True
        try:
            _, missing = concurrent.futures.wait(begun.values(), return_when=concurrent.futures.FIRST_EXCEPTION)
        finally:
            if missing:
                stop.set()
                halt()
    errors = [future.exception() for future in begun.values()]
    for error in sorted(filter(None, errors), key=lambda error: isinstance(error, Stopped)):
        raise error
    return {name: future.result() for name, future in begun.items()}


def _begin(job, stop):
    _stop.set(stop)
    check()
    return job()


def check():
    """Raise `Stopped` in a job that is to end; elsewhere do nothing."""
    if is_stopped():
        raise Stopped


def is_stopped():
    """Tell whether this is in a job that is to end."""
    stop = _stop.get()
    return stop is not None and stop.is_set()
