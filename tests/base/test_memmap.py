"""Arrays in files, read in parts that are not kept."""

import pathlib
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base import memmap
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.latent import classify, pore_prediction, projection, separation
from nanofoam_lib.models import descriptors, training, vae


@pytest.fixture
def images(tmp_path):
    """Give 256 memory-mapped images: 4 MiB."""
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).integers(256, size=(256, 128, 128), dtype=np.uint8))
    return memmap.load(path)


def resident_kib(images):
    """Tell how much of a mapped file the process holds, as the system counts it."""
    smaps = pathlib.Path("/proc/self/smaps")
    if not smaps.exists():
        pytest.skip("only Linux tells how much of a file a process holds")
    name = re.escape(str(images.filename))
    return sum(int(found) for found in re.findall(rf" {name}\n(?:.*\n)*?Rss: +(\d+) kB", smaps.read_text()))


def test_parts_are_copies():
    images = np.arange(24).reshape(6, 2, 2)
    for rows in (slice(2, 4), np.array([5, 0, 5])):
        taken = memmap.take(images, rows)
        assert np.array_equal(taken, images[rows])
        taken[:] = -1
        assert images.min() == 0


def test_what_was_read_is_not_kept(images):
    whole = images[:].sum()
    assert resident_kib(images) > 4000  # read as an array it is kept
    parts = sum(memmap.take(images, slice(start, start + 32)).sum() for start in range(0, 256, 32))
    assert (parts, resident_kib(images)) == (whole, 0)
    memmap.take(np.asarray(images)[:, :64, :64], np.array([3, 200]))  # a view of a view
    assert resident_kib(images) == 0


def test_changes_that_the_file_does_not_have_are_kept(images):
    private = np.load(images.filename, mmap_mode="c")
    private[7] = 1
    assert memmap.take(private, slice(7, 8)).max() == 1
    assert private[7].max() == 1
    shared = np.load(images.filename, mmap_mode="r+")
    shared[9] = 2
    memmap.take(shared, slice(0, 1))
    assert shared[9].max() == 2
    assert images[9].max() == 2


def test_encoding_training_and_the_leak_guard_keep_nothing_of_the_file(images):
    model = vae.build(vae.Config("vae", 4, (2, 2), (2,)))
    rows = np.arange(256)
    work = {
        "encode": lambda: descriptors.encode(model, images),
        "encode copies": lambda: descriptors.encode(model, augmentation.Chosen(images, rows, rows % 8)),
        "train": lambda: training.fit(model, images, rows[:64], rows[64:], training.Recipe(1)),
        "leak guard": lambda: splits.near_duplicates(images, np.where(rows % 2, "train", "test")),
    }
    images[:].sum()
    kept = {}
    for name, do in work.items():
        do()
        kept[name] = resident_kib(images)
    assert kept == dict.fromkeys(work, 0)


def test_parked_arrays_are_the_same_and_take_no_memory():
    whole = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)  # 5 MB
    tracemalloc.start()
    parked = memmap.park(whole.copy())
    assert tracemalloc.get_traced_memory()[0] < 1e5
    tracemalloc.stop()
    assert type(parked) is np.ndarray and (parked.dtype, parked.shape) == (whole.dtype, whole.shape)
    assert np.array_equal(parked, whole)
    rows = np.arange(20_000) % 3 == 0
    assert np.array_equal(memmap.take(parked, rows), whole[rows])
    assert memmap.park(np.empty((0, 3))).shape == (0, 3)
    assert memmap.park(np.asfortranarray(whole[:5]).T).tolist() == whole[:5].T.tolist()


def test_tests_of_descriptors_let_parked_ones_go(monkeypatch):
    vectors = memmap.park(np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32))
    index = pd.DataFrame({"id": range(300), "label": list("abc") * 100, "split": ["train", "train", "test"] * 100})
    index["label"], index["group"] = index["label"].sample(frac=1, random_state=0).to_numpy(), index["id"].astype(str)
    measures = pd.DataFrame({"porosity": np.arange(300.0)})
    released = []
    monkeypatch.setattr(memmap, "_release", released.append)
    key = ("vae", 4, "mu")
    work = {
        "table1": lambda: classify.table1({key: vectors}, index, "data"),
        "separation": lambda: separation.summarise({key: vectors}, index["label"], index["group"]),
        "histograms": lambda: separation.histograms(vectors, index["label"]),
        "geometry": lambda: pore_prediction.summarise({key: vectors}, measures, index),
        "maps": lambda: projection.both({"mu": vectors}, index),
    }
    for name, do in work.items():
        do()
        assert any(np.shares_memory(array, vectors) for array in released), name
        released.clear()
