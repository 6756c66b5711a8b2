"""Time and peak memory against work: ``uv run python tests/benchmarks/scale.py [--sizes 1000 10000] [--csv FILE]``.

Each row is measured in a process of its own; before is what that held when the work began. The images are 240 × 180
cuts of scikit-image's photographs under noise. The notebooks 02 and 03 run as for a user, but for a small network and
one epoch, 03 with models trained on 300 of the images, and of more than 10,000 images without further splits; the
measures of the pores and the detail of the micrographs are random numbers. Times depend on what else the machine does;
run it on an idle one.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import nbformat
import numpy as np
import pandas as pd
import psutil
from joblib.externals.loky import get_reusable_executor
from measure import Row, peak_of
from PIL import Image
from skimage import data

SIZES = (1_000, 10_000, 100_000)
SIDE = 128
NOTEBOOKS = pathlib.Path(__file__).parents[2] / "notebooks"
#: An eighth of the quick profile's width, and its latent vectors.
NETWORK = {"filters": [4, 4, 8, 8], "decoder_filters": [8, 4, 4], "epochs": 1}


def cuts(n, width, height):
    """Yield n grey pictures of the given size, each under noise of its own."""
    photographs = [data.brick(), data.grass(), data.gravel()]
    for i in range(n):
        rng, picture = np.random.default_rng(i), photographs[i % 3]
        y, x = rng.integers(picture.shape[0] - height), rng.integers(picture.shape[1] - width)
        noise = rng.integers(0, 16, (height, width), dtype=np.uint8)
        yield np.clip(picture[y : y + height, x : x + width], 0, 240) + noise


def files_of(n, folder):
    """Write a data folder of n images."""
    for label in "abc":
        (folder / label).mkdir()
    for i, picture in enumerate(cuts(n, 240, 180)):
        Image.fromarray(picture).save(folder / "abc"[i % 3] / f"{i:06d}.jpg")


def array_of(n, folder):
    """Write an array of n images, as preprocessing does, without holding it."""
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (n, SIDE, SIDE))
    for i, picture in enumerate(cuts(n, SIDE, SIDE)):
        images[i] = picture
    images.flush()


def vectors_of(n, folder):
    """Write n vectors of 128 dimensions."""
    np.save(folder / "vectors.npy", np.random.default_rng(0).normal(size=(n, 128)).astype(np.float32))


def run_of(n, folder):
    """Write what 01 gives for n images, over what may be there."""
    from nanofoam_lib.base import files
    from nanofoam_lib.base.run_folder import Run
    from nanofoam_lib.images import pores, preprocessing, splits

    run, source = Run(folder / "run"), folder / f"{n} images"
    source.mkdir()
    files_of(n, source)
    with files.replacing(run.images) as pixels, files.replacing(run.wide) as wide:
        index, _ = preprocessing.process(source, pixels, wide=wide)
    index.insert(4, "split", splits.by_group(index["label"], index["group"], 0.3, 0))
    files.write_csv(run.index, index)
    with files.replacing(run.detail) as target:
        np.save(target, np.random.default_rng(0).random((n, 162), np.float32))
    measures = list(pores.measure(np.zeros((64, 64)), 1.0))
    files.write_csv(run.pores, pd.DataFrame(np.random.default_rng(0).random((n, len(measures))), columns=measures))


def models_of(n, folder):
    """Write what 01 and 02 give for n images, but with models trained on 300 of them."""
    run_of(300, folder)
    subprocess.run([sys.executable, __file__, "--measure", "02_train", folder], capture_output=True, check=True)
    run_of(n, folder)


def notebook(name, folder, **parameters):
    """Run the code cells of a notebook."""
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4).cells

    def run():
        space = {}
        for cell in (cell for cell in cells if cell.cell_type == "code"):
            exec(compile(cell.source, name, "exec"), space)
            if "parameters" in cell.metadata.get("tags", []):
                space |= {"run_folder": str(folder / "run"), **parameters}

    return run


def train(folder):
    """Train a VAE, an autoencoder, a texture model and a classifier."""
    return notebook("02_train", folder, **NETWORK)


def examine(folder):
    """Encode with all models, and put their vectors and all controls to all tests."""
    n = len(pd.read_csv(folder / "run/data/index.csv"))
    return notebook("03_latent_space", folder, splits=3 if n <= 10_000 else 0)


def preprocess(folder):
    """Read, crop and resize every image."""
    from nanofoam_lib.images import preprocessing

    return lambda: preprocessing.process(folder, folder / "images.npy", skip_bad=True)


def encode(folder):
    """Encode with an untrained network of the quick profile's depth and a quarter of its width."""
    from nanofoam_lib.base import memmap
    from nanofoam_lib.models import descriptors, vae

    model = vae.build(vae.Config("vae", 128, (8, 8, 16, 16), (16, 8, 8)))
    descriptors.encode(model, np.zeros((32, SIDE, SIDE), np.uint8))
    return lambda: descriptors.encode(model, memmap.load(folder / "images.npy"))


def describe(folder):
    """Compute the controls that need no network."""
    from nanofoam_lib.base import memmap
    from nanofoam_lib.models import control_registry

    images = memmap.load(folder / "images.npy")
    given = control_registry.Given(images, np.arange(len(images)) % 3 > 0, [128])
    return lambda: control_registry.compute(given)


def distances(folder):
    """Compute the distances between two halves of the vectors."""
    from nanofoam_lib.latent import separation

    vectors = np.load(folder / "vectors.npy")
    return lambda: separation.distances(vectors[::2], vectors[1::2])


#: Work, and what makes its input.
WORK = {
    "preprocessing": (preprocess, files_of),
    "descriptors": (encode, array_of),
    "controls": (describe, array_of),
    "distances": (distances, vectors_of),
    "02_train": (train, run_of),
    "03_latent_space": (examine, models_of),
}


def measure(name, folder):
    """Print the seconds that a work takes, what memory the process holds before it, and any holds at the most."""
    work = WORK[name][0](pathlib.Path(folder))
    before = psutil.Process().memory_info().rss
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    own = peak_of(pathlib.Path("/proc/self/status").read_text())
    get_reusable_executor().shutdown()  # processes count once they have ended
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 2**10
    print(json.dumps({"seconds": took, "before_mib": before / 2**20, "peak_mib": max(own, others) / 2**20}))


def rows(sizes=SIZES):
    """Yield rows of the benchmark: seconds and peak memory of each work at each size."""
    for name in WORK:
        for n in sizes:
            found = measure_apart(name, n)
            yield Row("scale", f"{name}, {n:,} images", found["seconds"], "s")
            yield Row("scale", f"{name}, {n:,} images, peak", found["peak_mib"], "MiB", target="≤ 2048")


def measure_apart(name, n):
    """Make the input, and measure one work on it in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        WORK[name][1](n, pathlib.Path(folder))
        command = [sys.executable, __file__, "--measure", name, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return {"work": name, "images": n} | found | {"per_second": n / found["seconds"]}


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--csv", metavar="FILE")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(*options.measure)
    table = []
    print(f"{os.cpu_count()} cores")
    print(f"{'work':15} {'images':>8} {'seconds':>9} {'per s':>9} {'before MiB':>11} {'peak MiB':>9}")
    for name in options.work:
        for n in options.sizes:
            table.append(own := measure_apart(name, n))
            print(
                "{work:15} {images:8} {seconds:9.1f} {per_second:9.0f} {before_mib:11.0f} {peak_mib:9.0f}".format(**own)
            )
    if options.csv:
        pd.DataFrame(table).to_csv(options.csv, index=False)


if __name__ == "__main__":
    main()
