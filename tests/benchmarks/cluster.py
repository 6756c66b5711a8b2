"""A Dask cluster of one worker against one of two, each of one core: a folder preprocessed, and pores measured."""

import pathlib
import tempfile

import numpy as np
from measure import compare, take_turns
from PIL import Image

from nanofoam_lib.base import scheduling
from nanofoam_lib.images import pores, preprocessing, synthetic

IMAGES, WITH_PORES = 240, 48
ROUNDS = 3


def rows():
    """Yield a row for each, of JPEGs of 1600×1200 pixels; two workers are ours."""
    from distributed import LocalCluster

    local = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}
    foam, _ = synthetic.foam_micrograph("CuNi2", 1)
    with tempfile.TemporaryDirectory() as name:
        folder, target = pathlib.Path(name, "data"), pathlib.Path(name, "images.npy")
        for label in "ab":
            (folder / label).mkdir(parents=True)
            for i in range(IMAGES // 2):
                Image.fromarray(np.roll(foam, (i, ord(label)), axis=(0, 1))).save(folder / label / f"{i}.jpg")
        paths = sorted(folder.glob("*/*.jpg"))[:WITH_PORES]
        works = {
            f"preprocessing of {IMAGES} JPEGs": lambda: preprocessing.process(folder, target),
            f"pores of {WITH_PORES} micrographs": lambda: pores.measure_all(paths, 0.27),
        }
        with LocalCluster(n_workers=2, **local) as two, LocalCluster(n_workers=1, **local) as one:
            for what, work in works.items():
                ways = [_on(cluster.scheduler_address, work) for cluster in (two, one)]
                took = take_turns(ways, ROUNDS)
                yield compare("cluster", f"two Dask workers, {what}", "one worker", took, target="≥ 1.7")


def _on(address, work):
    def there():
        with scheduling.on(address):
            work()

    return there
