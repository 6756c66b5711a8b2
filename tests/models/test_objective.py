"""The formulas of the evidence lower bound, by hand."""

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.models import objective
from nanofoam_lib.models.backend import keras


def test_kl_is_zero_for_the_prior_and_known_elsewhere():
    assert float(objective.kl_divergence(np.float32(0), np.float32(0))) == 0
    # KL of N(1, e²) from N(0, 1): ½ (1 + e² − 1 − 2)
    assert float(objective.kl_divergence(np.float32(1), np.float32(2))) == pytest.approx((np.e**2 - 2) / 2, rel=1e-6)


def test_extreme_log_variances_stay_finite():
    extreme = np.float32([-1e6, -50, 0, 50, 1e6])
    assert np.isfinite(objective.sigma(extreme)).all()
    assert np.isfinite(objective.kl_divergence(np.zeros(5, np.float32), extreme)).all()
    assert float(objective.sigma(np.float32(2.0))) == pytest.approx(np.e)


def test_mean_kl_of_dimensions_by_hand():
    # ½(1 + 1 - 1 - 0) = ½ and ½(0 + e² - 1 - 2) = 2.1945 nat, and their mean; 0 for the prior itself
    mu, sigma = [[1, 0, 0], [0, 0, 0]], [[1, 1, np.e], [np.e, 1, np.e]]
    wide = (np.e**2 - 3) / 2
    assert objective.dimension_kl(mu, sigma) == pytest.approx([(0.5 + wide) / 2, 0, wide])
    with pytest.raises(ValueError, match="positive"):
        objective.dimension_kl([[0]], [[0]])
    with pytest.raises(ValueError, match="shape"):
        objective.dimension_kl([[0]], [[1, 1]])


def test_arrays_and_tensors_follow_the_same_formulas(rng):
    mu, log_var = rng.normal(size=(2, 50, 3)).astype(np.float32) * [[[3]], [[9]]]
    mu, log_var = mu.astype(np.float32), log_var.astype(np.float32)
    tensors = [keras.ops.convert_to_tensor(values) for values in (mu, log_var)]
    np.testing.assert_allclose(objective.kl_divergence(mu, log_var), objective.kl_divergence(*tensors), rtol=1e-5)
    np.testing.assert_allclose(objective.sigma(log_var), objective.sigma(tensors[1]), rtol=1e-6)


def test_kl_weighs_in_with_beta_and_a_plain_autoencoder_has_none():
    assert objective.total(10.0, 4.0, beta=0.5) == 12
    assert objective.total(10.0, 4.0) == 14
    assert objective.total(10.0) == 10


def test_usage_tells_dimensions_that_the_encoder_leaves_alone(rng):
    mu = np.stack([rng.normal(size=400), np.zeros(400), np.full(400, 0.1)], axis=1)
    sigma = np.tile([0.3, 1.0, 1.0], (400, 1))
    table = objective.usage(mu, sigma)
    assert table["active"].tolist() == [True, False, False]  # ½ 0.1² = 0.005 nat
    assert table["kl"][2] == pytest.approx(0.005)
    latents = {("vae", 3, "mu"): mu, ("vae", 3, "sigma"): sigma, ("ae", 3, "vector"): mu}
    half = np.arange(400) < 200
    found = objective.usage_of_all(latents, half)
    assert list(found) == [("vae", 3)]
    pd.testing.assert_frame_equal(found["vae", 3], objective.usage(mu[:200], sigma[:200]))
