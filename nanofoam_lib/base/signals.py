"""Ctrl-C that cannot get lost."""

import contextlib
import signal

AGAIN_SECONDS = 3.0  # longer than an interrupted kernel is given to end


@contextlib.contextmanager
def insistent():
    """Raise KeyboardInterrupt at SIGINT and SIGTERM, and again until `heard`, for the time of a ``with`` block.

    Python drops an exception that a signal raises within a callback of C code, a finaliser for instance; while a kernel
    starts, much of the time passes in such callbacks. Only for the main thread. Where there are no timers, one signal
    is one interrupt.
    """
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]
    kept = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        heard()
        for number, handler in kept.items():
            signal.signal(number, handler)


def heard():
    """Have the interrupt that was raised not come again."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(number, frame):
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    raise KeyboardInterrupt
