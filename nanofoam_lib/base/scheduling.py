"""Work on independent items, on this machine or on a Dask cluster; the results are the same."""

import collections
import contextlib
import os
import re
import socket
import threading
import time

import joblib

from nanofoam_lib.base.errors import StepError, UsageError

#: Set by a command that was given a cluster: the address of its scheduler. Kernels inherit it.
VARIABLE = "NANOFOAM_SCHEDULER"

CONNECT_SECONDS = 5.0


def each(function, items, n_jobs=-1, prefer="processes"):
    """Yield ``function(*item)`` of each item, in order.

    Parameters
    ----------
    function : callable
        Pure: its result follows from its arguments alone. On a cluster it may run more than once.
    items : iterable of tuple
        Taken as they are needed, so that neither they nor the results pile up.
    n_jobs, prefer
        As in `joblib.Parallel`, on this machine.

    Yields
    ------
    object

    Raises
    ------
    UsageError
        If the environment variable ``NANOFOAM_SCHEDULER`` names a cluster that is of no use (see `connect`).
    StepError
        If the cluster is lost meanwhile, or loses four workers over one item.

    Notes
    -----
    Workers of a cluster must see files under the same paths, and have the same version of this package. What a lost
    worker did is done again by another. `joblib` has a Dask backend of its own; it leaves larger arguments with one
    worker alone, and they are lost with it (`joblib._dask`, "automatically scatter"). Here they go with the task.

    Examples
    --------
    >>> list(each(max, [(1, 2), (4, 3)], n_jobs=1))
    [2, 4]
    """
    address = os.environ.get(VARIABLE)
    if address:
        yield from _on_cluster(address, function, items)
    else:
        options = apart() if prefer == "processes" else {}
        work = joblib.Parallel(n_jobs=n_jobs, prefer=prefer, return_as="generator", **options)
        yield from work(joblib.delayed(function)(*item) for item in items)


def limit_threads(n):
    """Let TensorFlow compute by `n` threads in a process that has not imported it yet."""
    os.environ |= {f"TF_NUM_{kind}_THREADS": str(n) for kind in ("INTRAOP", "INTEROP")}


def apart(threads=None):
    """Give what `joblib.Parallel` takes so that its processes end with this one, also where it is killed.

    Parameters
    ----------
    threads : int, optional
        By how many each lets TensorFlow compute.

    Returns
    -------
    dict

    Notes
    -----
    On Windows a process is not told that the one that started it has gone.
    """
    return {"initializer": _begin_apart, "initargs": (os.getpid(), threads)}


def _begin_apart(parent, threads):
    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if threads:
        limit_threads(threads)
    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def on(address):
    """Let `each` use the cluster of this address, or this machine alone where it is None, for a ``with`` block.

    Raises
    ------
    UsageError
        See `connect`.
    """
    kept = os.environ.pop(VARIABLE, None)
    if address is not None:
        connect(address).close()
        os.environ[VARIABLE] = address
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        if kept is not None:
            os.environ[VARIABLE] = kept


def connect(address):
    """Connect to the scheduler of a Dask cluster.

    Parameters
    ----------
    address : str
        Such as ``tcp://host:8786``. Only for clusters of people you trust: they can run any code here.

    Returns
    -------
    distributed.Client

    Raises
    ------
    UsageError
        If it is no address, the extra ``cluster`` is not installed, nobody answers within five seconds, or the cluster
        has no workers.
    """
    found = re.fullmatch(r"(?:tcp|tls)://([^\s/]+):(\d{1,5})", address)
    if not found:
        raise UsageError(f"--scheduler {address}: is no address; give one such as tcp://host:8786")
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            f"--scheduler {address}: needs the package distributed; pip install 'nanofoam[cluster]'"
        ) from error
    try:
        host, port = found.groups()
        socket.create_connection(
            (host.strip("[]"), int(port)), CONNECT_SECONDS
        ).close()  # quicker than a client to fail
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # which kind depends on what else may be listening there
        raise UsageError(
            f"--scheduler {address}: no Dask scheduler answers there; start one, or leave it out"
        ) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        client.close()
        raise UsageError(f"--scheduler {address}: the cluster has no workers; start some with dask worker") from error
    return client


def _on_cluster(address, function, items):
    with connect(address) as client:
        at_once = max(32, 4 * sum(client.nthreads().values()))
        waiting = collections.deque()
        for item in items:
            if len(waiting) == at_once:
                yield _result(waiting.popleft(), address)
            waiting.append(client.submit(function, *item, pure=False))
        while waiting:
            yield _result(waiting.popleft(), address)


def _result(future, address):
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise StepError(f"--scheduler {address}: work was given up after it had lost several workers") from error
    except CancelledError as error:
        raise StepError(f"--scheduler {address}: the cluster was lost") from error
