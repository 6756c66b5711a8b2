import signal
import sys
import time

import pytest

from nanofoam_lib.base import signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers of POSIX")


class Dropping:
    """Is interrupted while it goes, where Python can raise nothing."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def dropped(monkeypatch):
    """Shorten the wait, and list the exceptions that Python drops."""
    found = []
    monkeypatch.setattr(signals, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(sys, "unraisablehook", lambda told: found.append(told.exc_type))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_raised_at_once(number):
    with pytest.raises(KeyboardInterrupt), signals.insistent():
        signal.raise_signal(number)


def test_an_interrupt_that_was_dropped_comes_again(dropped):
    with pytest.raises(KeyboardInterrupt), signals.insistent():
        Dropping()
        assert dropped == [KeyboardInterrupt]
        time.sleep(60)


def test_an_interrupt_that_was_heard_does_not_come_again(dropped):
    with signals.insistent():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signals.heard()
        time.sleep(0.3)


def test_everything_is_put_back(dropped):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    with pytest.raises(KeyboardInterrupt), signals.insistent():
        signal.raise_signal(signal.SIGINT)
    time.sleep(0.3)
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
