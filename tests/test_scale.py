"""Memory that large collections take: blocks of them, not all at once."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base import scheduling
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.latent import controls, intervals, pore_prediction
from nanofoam_lib.models import control_registry, objective


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Give 3000 memory-mapped images: 49 MB."""
    path = tmp_path_factory.mktemp("scale") / "images.npy"
    rng = np.random.default_rng(0)
    made = np.lib.format.open_memmap(path, "w+", np.uint8, (3000, 128, 128))
    for start in range(0, 3000, 500):
        made[start : start + 500] = rng.integers(256, size=(500, 128, 128), dtype=np.uint8)
    made.flush()
    return np.load(path, mmap_mode="r")


def peak_mb(work):
    tracemalloc.start()
    result = work()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak, result


def test_images_are_projected_in_blocks(images, monkeypatch):
    monkeypatch.setattr(controls, "SNAPSHOTS", 256)
    monkeypatch.setattr(controls, "BLOCK", 128)
    quarters = images[:, :64, :64]
    peak, found = peak_mb(lambda: controls.pixel_pca(quarters, np.arange(3000) % 6 == 0, 4))
    assert found.shape == (3000, 4)
    assert peak < 40  # all pixels as float32 take 49, and were copied twice


def test_controls_take_images_block_by_block(images, monkeypatch):
    monkeypatch.setattr(controls, "BLOCK", 256)
    monkeypatch.setattr(controls, "pixel_pca", lambda images, train, n: np.zeros((len(images), n)))
    chosen = {name: control_registry.CONTROLS[name] for name in ("pixel PCA", "grey mean+std")}
    monkeypatch.setattr(control_registry, "CONTROLS", chosen)
    each = scheduling.each
    monkeypatch.setattr(scheduling, "each", lambda function, items: each(function, items, n_jobs=1))
    peak, found = peak_mb(lambda: control_registry.compute(control_registry.Given(images, np.ones(3000, bool), [4])))
    assert [vectors.shape for vectors in found.values()] == [(3000, 4), (3000, 2)]
    assert peak < 20


def test_turned_copies_are_made_as_they_are_read(images):
    rows, elements, _ = splits.thesis(3000)
    chosen = augmentation.Chosen(images, rows, elements)
    peak, largest = peak_mb(lambda: max(chosen[start : start + 32].max() for start in range(0, 3200, 32)))
    assert (len(chosen), largest) == (17600, 255)
    assert peak < 5  # all copies would take 288
    assert np.array_equal(chosen[3000:3004], augmentation.dihedral(images[rows[3000:3004]], elements[3000:3004]))


def test_statistics_of_many_vectors_copy_no_more_than_a_few_times_their_size():
    rng = np.random.default_rng(0)
    mu = rng.normal(size=(20_000, 64)).astype(np.float32)  # 5 MB
    measures = pd.DataFrame({"porosity": mu[:, 0] + rng.normal(size=20_000), "wall_um": rng.normal(size=20_000)})
    groups = np.arange(20_000)
    work = {
        "predictability": lambda: pore_prediction.predictability(mu, measures, groups),
        "rank_correlations": lambda: pore_prediction.rank_correlations(mu, measures),
        "dimension_kl": lambda: objective.dimension_kl(mu, np.exp(mu)),
        "interval": lambda: intervals.interval(groups % 2 == 0, groups),
    }
    peaks = {name: peak_mb(do)[0] for name, do in work.items()}
    assert max(peaks.values()) < 45, peaks  # resampling alone took 320, the regression 60
