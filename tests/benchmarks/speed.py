"""Time what a user waits for, beside the time it should take: ``uv run python tests/benchmarks/speed.py [--quick]``.

With ``--quick`` the whole quick run is timed as well, with its peak memory, then the same command once more, when
nothing has changed. Times depend on what else the machine does; run it on an idle one.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
from PIL import Image

from nanofoam_lib import (
    classify,
    controls,
    geometry,
    micrographs,
    pores,
    preprocessing,
    projection,
    separation,
    splits,
    synthetic,
)


def seconds(work, repeats=3):
    """Give the shortest of several runs."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def command(*arguments):
    """Call the command line in a process of its own."""
    subprocess.run([sys.executable, "-m", "nanofoam_lib", *arguments], check=True, capture_output=True)


def small_things(folder):
    """Yield (what, measured, limit, unit)."""
    yield "nanofoam --help", seconds(lambda: command("--help")), 1.0, "s"
    yield "synthetic foam 1600×1200", seconds(lambda: synthetic.foam_micrograph("CuNi2", 1)), 0.5, "s"
    foam, _ = synthetic.foam_micrograph("CuNi2", 1)
    for label in "ab":
        (folder / label).mkdir()
        for i in range(20):
            Image.fromarray(np.roll(foam, (i, ord(label)), axis=(0, 1))).save(folder / label / f"{i}.jpg", quality=92)
    took = seconds(lambda: preprocessing.process(folder, folder / "images.npy", n_jobs=1))
    yield "preprocessing 1600×1200 JPEG, one core", 40 / took, 25.0, "images/s, at least"
    grey = micrographs.read(folder / "a" / "0.jpg")
    yield "pores of one 1600×1200 micrograph", seconds(lambda: pores.measure(grey, 0.27)), 1.0, "s"


def statistics():
    """Yield (what, measured, limit, unit) for 240 images after training, and for many vectors."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (240, 128, 128), dtype=np.uint8)
    labels = np.repeat(list("abc"), 80)
    groups = np.array([f"{label}{i % 8}" for i, label in enumerate(labels)])
    index = pd.DataFrame({"id": range(240), "label": labels, "group": groups, "split": splits.by_group(labels, groups)})
    train = (index["split"] == "train").to_numpy()
    latents = {("vae", 128, name): rng.normal(size=(240, 128)).astype(np.float32) for name in ("mu", "sigma", "z")}
    latents["vae", 128, "sigma"] = np.exp(latents["vae", 128, "sigma"])
    measures = pd.DataFrame(rng.normal(size=(240, 8)), columns=[f"m{i}" for i in range(8)])

    def everything():
        plain = controls.controls(images, train, [128])
        classify.table1(latents | plain, index, "noise")
        separation.summarise(latents, labels, groups)
        geometry.summarise(latents | plain, measures, index)
        geometry.identify(latents, measures, index)
        for vectors in latents.values():
            projection.lda(vectors[train], labels[train], vectors[~train])

    yield "table 1, controls, separation, geometry: 240 images", seconds(everything, 1), 60.0, "s"
    yield "leak guard, 240 images", seconds(lambda: splits.near_duplicates(images, index["split"])), 3.0, "s"
    many = rng.normal(size=(20_000, 128)).astype(np.float32)
    yield "distances of 20,000 × 128 vectors", seconds(lambda: separation.distances(many), 1), 20.0, "s"


def quick_run(folder):
    """Yield (what, measured, limit, unit) of the whole quick run."""
    for what, limit in (("quick run", 600.0), ("quick run, unchanged", 15.0)):
        yield what, seconds(lambda: command("run", "--out", str(folder / "quick")), 1), limit, "s"
    # The largest process among all that this one has waited for: the kernels of the chain
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    yield "largest process of the quick run", peak, 3.0, "GiB"


def main():
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="time the whole quick run too")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "data").mkdir()
        rows = [*small_things(folder / "data"), *statistics()]
        if options.parse_args().quick:
            rows += quick_run(folder)
    print(f"{os.cpu_count()} cores")
    for what, measured, limit, unit in rows:
        print(f"{what:55} {measured:8.2f}   limit {limit:6.2f} {unit}")


if __name__ == "__main__":
    main()
