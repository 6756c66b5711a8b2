"""Jobs beside each other: results in order, the first failure told, the others ended."""

import threading
import time

import pytest

from nanofoam_lib.base import side_by_side


def test_jobs_meet_and_results_stand_in_their_order():
    meeting = threading.Barrier(2, timeout=20)  # broken, unless both wait at the same time

    def job(name):
        meeting.wait()
        return name

    assert list(side_by_side.run({"b": lambda: job(1), "a": lambda: job(2)}).items()) == [("b", 1), ("a", 2)]


def test_one_at_a_time_stays_in_this_thread():
    threads = side_by_side.run(dict.fromkeys("abc", threading.get_ident), at_once=1)
    assert set(threads.values()) == {threading.get_ident()}


def test_what_fails_is_told_and_ends_the_others():
    started, ended = threading.Event(), []

    def fails():
        started.wait(20)
        raise ValueError("diverged")

    def goes_on():
        started.set()
        for _ in range(10_000):
            time.sleep(0.001)
            side_by_side.check()
        ended.append("by itself")

    with pytest.raises(ValueError, match="diverged"):
        side_by_side.run({"long": goes_on, "short": fails, "waiting": lambda: ended.append("begun")})
    assert not ended


def test_outside_of_jobs_nothing_is_ended():
    side_by_side.check()
    assert not side_by_side.is_stopped()
