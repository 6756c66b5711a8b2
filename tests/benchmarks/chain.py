"""The whole quick run, step by step, and the same command once more, when nothing has changed."""

import pathlib
import subprocess
import sys
import tempfile

from measure import Row, seconds

from nanofoam_lib.base.run_folder import Run

# Waits for a command and prints what the largest of its processes held in KiB. A process of its own, small itself,
# since the system counts what a parent held as if the child had
WATCH = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
LIMITS = {"06_figures": 25}


def rows():
    """Yield seconds of each step, of the whole, of a run without change; the largest process; the whole demo run."""
    with tempfile.TemporaryDirectory() as name:
        out = pathlib.Path(name, "quick")
        command = [sys.executable, "-m", "nanofoam_lib", "run", "--out", str(out)]
        watched, peaks = [sys.executable, "-c", WATCH, *command], []
        took = [
            seconds(lambda: peaks.append(subprocess.run(watched, check=True, capture_output=True, text=True).stdout))
            for _ in range(2)
        ]
        for step, account in Run(out).load_manifest()["steps"].items():
            target = f"≤ {LIMITS[step]}" if step in LIMITS else ""
            yield Row("chain", f"quick run, {step}", account["seconds"], "s", target=target)
        demo = [*command[:-1], str(pathlib.Path(name, "demo")), "--profile", "demo"]
        demo_took = seconds(lambda: subprocess.run(demo, check=True, capture_output=True))
    yield Row("chain", "quick run, all", took[0], "s", target="≤ 300")
    yield Row("chain", "quick run, unchanged", took[1], "s", target="≤ 3")
    yield Row("chain", "largest process of the quick run", int(peaks[0]) / 1024**2, "GiB", target="≤ 2")
    yield Row("chain", "demo run, all", demo_took, "s", target="≤ 75")
