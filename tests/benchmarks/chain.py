"""The whole quick run, step by step, and the same command once more, when nothing has changed."""

import pathlib
import resource
import subprocess
import sys
import tempfile

from measure import Row, seconds

from nanofoam_lib.runs import Run

LIMITS = {"01_preprocess": 90, "04_explain": 60, "05_generate": 60, "06_figures": 90}


def rows():
    """Yield seconds of each step, of the whole, of a run without change; and the largest process."""
    with tempfile.TemporaryDirectory() as name:
        out = pathlib.Path(name, "quick")
        command = [sys.executable, "-m", "nanofoam_lib", "run", "--out", str(out)]
        took = [seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(2)]
        steps = Run(out).load_manifest()["steps"]
        for step, account in steps.items():
            target = f"≤ {LIMITS[step]}" if step in LIMITS else ""
            yield Row("chain", f"quick run, {step}", account["seconds"], "s", target=target)
    yield Row("chain", "quick run, all", took[0], "s", target="≤ 600")
    yield Row("chain", "quick run, unchanged", took[1], "s", target="≤ 15")
    # The largest process among all that this one has waited for: the kernels of the chain
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    yield Row("chain", "largest process of the quick run", peak, "GiB", target="≤ 3")
