import numpy as np
import pandas as pd
import pytest
from conftest import save

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import detail, sources
from nanofoam_lib.latent import binary_patterns


def corner_and_shape(grey):
    return np.array([grey[0, 0], *grey.shape, grey.max()])


def pictures(folder):
    """Write three pictures of noise, of two sizes; give their paths and greys."""
    greys = [np.random.default_rng(i).integers(256, size=(60 + 20 * (i % 2), 100)).astype(np.uint8) for i in range(3)]
    return [save(grey, folder / f"{i}.png") for i, grey in enumerate(greys)], greys


def test_the_function_is_given_what_the_crop_leaves(tmp_path):
    paths, greys = pictures(tmp_path)
    detail.describe_all(corner_and_shape, paths, tmp_path / "out.npy", crop=0.15, n_jobs=1)
    found = np.load(tmp_path / "out.npy", allow_pickle=False)
    inner = [grey[9:51, 15:85] if len(grey) == 60 else grey[12:68, 15:85] for grey in greys]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[grey[0, 0], *grey.shape, grey.max()] for grey in inner])


def test_rows_do_not_depend_on_the_number_of_processes(tmp_path):
    paths, greys = pictures(tmp_path)
    for n_jobs in (1, 2):
        target = tmp_path / f"{n_jobs}.npy"
        detail.describe_all(binary_patterns.multiscale_lbp, paths, target, crop=0, n_jobs=n_jobs)
        found = np.load(target)
        np.testing.assert_array_equal(found, [binary_patterns.multiscale_lbp(grey) for grey in greys])


def test_16_bit_files_are_read_by_the_scale_of_the_index(tmp_path):
    save(np.full((40, 40), 4095, np.uint16), tmp_path / "a.png")
    index = pd.DataFrame({"path": ["a.png"] * 2, "picture": 0, "plane": "first", "black": 0, "white": [4095, 65535]})
    found = sources.of_index(tmp_path, index.assign(bar=""))
    detail.describe_all(corner_and_shape, found, tmp_path / "out.npy", n_jobs=1)
    assert np.load(tmp_path / "out.npy")[:, 0].tolist() == [255, 16]


def test_a_file_that_is_gone_is_named(tmp_path):
    paths, _ = pictures(tmp_path)
    paths[1].unlink()
    with pytest.raises(DataError, match=r"1\.png"):
        detail.describe_all(corner_and_shape, paths, tmp_path / "out.npy", n_jobs=1)
