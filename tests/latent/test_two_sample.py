import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nanofoam_lib.images import pores, synthetic
from nanofoam_lib.latent import binary_patterns, controls, two_sample

MEASURES = ["circularity", "n_pores", "porosity", "median_diameter_um"]
SPECIMENS = np.arange(16).repeat(2)


def foams(first):
    """Give two foams of each of 16 specimens, numbered from `first`: uint8 (32, 64, 64)."""
    names, shape = list(synthetic.COMPOSITIONS), {"size": (92, 92), "pixel_size_um": 2.4}
    drawn = [
        synthetic.foam_micrograph(names[own % 3], first + i, **shape, specimen=int(own))[0]
        for i, own in enumerate(SPECIMENS)
    ]
    return np.stack([picture[14:78, 14:78].mean(axis=2).astype(np.uint8) for picture in drawn])


def labyrinths(like, rng):
    """Cut noise of the foams' length scale at its median, with their brightness and contrast."""
    fields = gaussian_filter(rng.standard_normal(like.shape), (0, 2.5, 2.5), mode="wrap")
    walls = np.where(fields > np.median(fields), 1.0, -1.0)
    return np.clip(like.mean() + like.std() * walls, 0, 255).astype(np.uint8)


def pore_measures(pictures):
    return pores.measure_pictures(pictures, 2.4, n_jobs=1)[MEASURES].to_numpy()


@pytest.fixture(scope="module")
def real():
    return foams(0)


@pytest.mark.parametrize("describe", [pore_measures, binary_patterns.lbp_histograms, controls.power_spectrum])
def test_labyrinths_are_told_from_foams_and_foams_not_from_foams(real, describe, rng):
    known = describe(real)
    false = two_sample.score(known, describe(labyrinths(real, rng)), SPECIMENS)
    assert false["accuracy"] > 0.95
    assert false["ci_low"] > 0.7  # as much as a few specimens can show
    true = two_sample.score(known, describe(foams(1000)), SPECIMENS)
    assert abs(true["accuracy"] - 0.5) < 0.19  # three standard errors of 64 guesses
    assert (true["n_real"], true["n_generated"]) == (32, 32)


def test_two_halves_of_one_distribution_give_a_half(rng):
    found = two_sample.score(rng.standard_normal((200, 4)), rng.standard_normal((200, 4)), np.arange(200))
    assert abs(found["accuracy"] - 0.5) < 0.08
    assert found["ci_low"] <= found["accuracy"] <= found["ci_high"]


def test_equal_pictures_give_exactly_a_half(rng):
    """With its twin in another fold, each would be taken for the twin."""
    same = rng.standard_normal((60, 3))
    assert two_sample.score(same, same, np.arange(60))["accuracy"] == 0.5


def test_whole_specimens_are_held_out(rng):
    """Each specimen has a mark of its own for what is drawn: who knows others of the specimen knows it by that."""
    specimens = np.arange(30).repeat(4)
    side = rng.integers(2, size=30)[specimens]
    real, drawn = 2 * specimens + side, 2 * specimens + 1 - side
    apart = two_sample.score(real[:, None], drawn[:, None], np.arange(len(specimens)))["accuracy"]
    together = two_sample.score(real[:, None], drawn[:, None], specimens)["accuracy"]
    assert apart > 0.95  # so the mark is there to be learnt
    assert 0.2 < together < 0.8


def test_pictures_without_pores_are_a_visible_difference(rng):
    real = rng.standard_normal((40, 2))
    drawn = real.copy()
    drawn[:, 1] = np.nan
    assert two_sample.score(real, drawn, np.arange(40))["accuracy"] == 1
    drawn[:20, 1] = real[:20, 1]  # half of them
    assert 0.65 < two_sample.score(real, drawn, np.arange(40))["accuracy"] < 0.85


def test_what_nobody_knows_tells_nothing(rng):
    real = np.column_stack([rng.standard_normal(40), np.full(40, np.nan)])
    assert two_sample.score(real, real, np.arange(40))["accuracy"] == 0.5
    assert (two_sample.without_gaps(real, real)[:, 1] == 0).all()


@pytest.mark.parametrize("n_groups", [2, 3])
def test_few_groups_are_fewer_folds(rng, n_groups):
    real = rng.standard_normal((12, 2))
    found = two_sample.score(real, real + 10, np.arange(12) % n_groups)
    assert (found["accuracy"], found["ci_high"]) == (1, 1)
    assert found["ci_low"] == pytest.approx(0.025 ** (1 / n_groups))


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_single_group_cannot_be_tested(n):
    found = two_sample.score(np.zeros((n, 2)), np.ones((n, 2)), np.zeros(n))
    assert np.isnan([found[name] for name in ("accuracy", "ci_low", "ci_high")]).all()
    assert found["n_real"] == n


def test_it_is_the_same_each_time(rng):
    real, drawn = rng.standard_normal((2, 30, 3))
    first, again, other = (two_sample.score(real, drawn, np.arange(30), seed) for seed in (0, 0, 1))
    assert first == again != other
