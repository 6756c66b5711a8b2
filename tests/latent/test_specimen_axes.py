import numpy as np
import pytest

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.latent import specimen_axes


def drawn(n=4000, m=3, seed=0):
    """Draw statistics whose specimens vary by 4, 1 and 0.1 along the axes of a slanted base, pictures by 1, 1 and 2."""
    rng = np.random.default_rng(seed)
    base = np.array([[1.0, 0.5, 0.0], [0.0, 2.0, 0.3], [0.4, 0.0, 1.0]])
    specimens = rng.normal(0, [4, 1, 0.1], (n, 1, 3))
    return (specimens + rng.normal(0, [1, 1, 2], (n, m, 3))) @ base, base


def test_axes_and_ratios_are_those_that_the_statistics_were_made_with():
    statistics, base = drawn()
    found = specimen_axes.fit(statistics, ridge=0)
    np.testing.assert_allclose(found.ratio, [16, 1, 0.0025], rtol=0.1, atol=0.02)
    directions = base @ found.axes  # what each axis sees of the three causes
    np.testing.assert_allclose(np.abs(directions), np.diag([1, 1, 0.5]), atol=0.05)


def test_pictures_of_one_specimen_vary_by_one_in_every_direction():
    statistics, _ = drawn()
    found = specimen_axes.fit(statistics, ridge=0)
    along = found.project(statistics.reshape(-1, 3)).reshape(statistics.shape)
    residuals = (along - along.mean(axis=1, keepdims=True)).reshape(-1, 3)
    np.testing.assert_allclose(residuals.T @ residuals / (4000 * 2), np.eye(3), atol=1e-6)
    np.testing.assert_allclose(along.mean(axis=(0, 1)), 0, atol=1e-9)
    np.testing.assert_array_equal(found.project(statistics[0], 2), along[0][:, :2])


def test_units_do_not_matter_and_a_statistic_that_never_varies_says_nothing():
    statistics, _ = drawn(500)
    found = specimen_axes.fit(statistics)
    other = specimen_axes.fit(statistics * [1, 1000, 0.01] + [5, 0, -3])
    np.testing.assert_allclose(other.ratio, found.ratio, rtol=1e-6)
    constant = np.concatenate([statistics, np.full((*statistics.shape[:2], 1), 7.0)], axis=-1)
    with_it = specimen_axes.fit(constant, ridge=0)
    assert np.isfinite(with_it.axes).all()
    np.testing.assert_allclose(with_it.ratio[:3], specimen_axes.fit(statistics, ridge=0).ratio, rtol=1e-6, atol=1e-9)


def test_where_specimens_do_not_differ_no_axis_says_so():
    rng = np.random.default_rng(1)
    assert specimen_axes.fit(rng.normal(size=(3000, 4, 5))).ratio.max() < 0.1


@pytest.mark.parametrize("shape", [(10, 3), (1, 3, 2), (10, 1, 2)])
def test_too_little_is_refused(shape):
    with pytest.raises(ValueError, match="two or more of each"):
        specimen_axes.fit(np.ones(shape))


def test_save_and_load(tmp_path):
    found = specimen_axes.fit(drawn(100)[0])
    specimen_axes.save(found, tmp_path / "axes.npz")
    loaded = specimen_axes.load(tmp_path / "axes.npz")
    np.testing.assert_allclose(loaded.axes, found.axes, rtol=1e-6)
    (tmp_path / "axes.npz").write_bytes((tmp_path / "axes.npz").read_bytes()[:100])
    with pytest.raises(DataError, match=r"axes\.npz"):
        specimen_axes.load(tmp_path / "axes.npz")
    np.savez(tmp_path / "other.npz", mean=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz: does not hold axes"):
        specimen_axes.load(tmp_path / "other.npz")
