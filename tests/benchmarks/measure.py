"""What the parts of the benchmark share: a row of the table, and ways to time that a noisy machine cannot fool."""

import dataclasses
import time

import numpy as np


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison, or one figure that stands alone.

    Parameters
    ----------
    part, what : str
    ours : float
        In `unit`.
    unit : str
    against : str
        What a user would do otherwise; empty where nothing is compared.
    other : float
        What that takes, in `unit`.
    ratio, least, most : float
        How many times better ours is: median, least and most of the rounds.
    target : str
        What was aimed at, as "≥ 2" (ratio) or "≤ 600" (ours).
    """

    part: str
    what: str
    ours: float
    unit: str
    against: str = ""
    other: float = np.nan
    ratio: float = np.nan
    least: float = np.nan
    most: float = np.nan
    target: str = ""

    def is_met(self):
        """Whether the target is reached, by the median: True, False, or None without one."""
        if not self.target:
            return None
        sign, limit = self.target.split()
        if sign == "≥":
            return bool(self.ratio >= float(limit))
        return bool(self.ours <= float(limit))


def peak_of(status):
    """Read the most memory that a process held, in bytes, from what ``/proc/self/status`` says.

    `resource.getrusage` tells of a fresh process no less than its parent held when it was started.
    """
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def seconds(work):
    """Time one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def take_turns(ways, rounds):
    """Time several ways of doing the same, one after another in each round: seconds (rounds, ways).

    What else the machine does then hits all alike. One round before them warms up: traces, compiles, fills caches.
    """
    for way in ways:
        way()
    return np.array([[seconds(way) for way in ways] for _ in range(rounds)])


def compare(part, what, against, took, work=None, unit="s", target=""):
    """Make a row of the turns (rounds, 2) that ours and another way took.

    `work` is how many items one call does: the row then counts items per second instead of seconds.
    """
    ours, other = np.median(took, axis=0) if work is None else work / np.median(took, axis=0)
    ratios = took[:, 1] / took[:, 0]
    spread = float(np.median(ratios)), float(ratios.min()), float(ratios.max())
    return Row(part, what, float(ours), unit, against, float(other), *spread, target)
