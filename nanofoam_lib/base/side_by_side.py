"""Long jobs in threads beside each other: what one leaves idle of the processor, another takes."""

import concurrent.futures
import contextvars
import threading

_job = contextvars.ContextVar("job", default=None)


class Stopped(Exception):
    """Raised in a job whose result nobody waits for any more."""


class _Job:
    """What the jobs of one `run` know of each other: whether to stop, and how far each of them is."""

    def __init__(self, name, shares, stop):
        self.name, self.shares, self.stop = name, shares, stop


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
    shares, stop = dict.fromkeys(jobs, 0.0), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        begun = {name: pool.submit(_begin, job, _Job(name, shares, stop)) for name, job in jobs.items()}
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


def _begin(job, own):
    _job.set(own)
    check()
    result = job()
    own.shares[own.name] = 1.0
    return result


def check():
    """Raise `Stopped` in a job that is to end; elsewhere do nothing."""
    if is_stopped():
        raise Stopped


def is_stopped():
    """Tell whether this is in a job that is to end."""
    own = _job.get()
    return own is not None and own.stop.is_set()


def overall(share):
    """Turn the share that is done of a job into that of all jobs of its `run`; elsewhere leave it.

    Examples
    --------
    >>> overall(0.5)
    0.5
    """
    own = _job.get()
    if own is None:
        return share
    own.shares[own.name] = max(share, own.shares[own.name])
    return sum(own.shares.values()) / len(own.shares)
