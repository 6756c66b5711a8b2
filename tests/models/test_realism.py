import numpy as np
import pytest

from nanofoam_lib.latent import traversal
from nanofoam_lib.models import descriptors, realism, vae

TINY = {"latent_dim": 3, "filters": (4, 6, 8, 5), "decoder_filters": (7, 6, 4)}


@pytest.fixture(scope="module", params=["vae", "texture"])
def judged(request, textures):
    """Give a tiny model of each kind, its latent vectors and its yardstick; every third image is held out."""
    model, images = vae.build(vae.Config(request.param, **TINY), seed=1), textures[0]
    mu = descriptors.encode(model, images)["mu"]
    held_out = np.arange(len(images)) % 3 == 0
    return model, images, mu, held_out, *realism.fit(model, images, mu, ~held_out, held_out)


def test_limits_are_those_of_pictures_of_held_out_images(judged):
    model, _, mu, held_out, yardstick, real, decoded = judged
    np.testing.assert_array_equal(decoded, descriptors.decode(model, mu[held_out]))
    assert yardstick.gauge.max_error == pytest.approx(np.quantile(real[yardstick.error], 0.99))
    assert yardstick.gauge.max_distance == pytest.approx(np.quantile(real["distance"], 0.99))
    again = realism.measure(yardstick, mu[held_out], decoded)
    np.testing.assert_array_equal(again["extrapolation"], real["extrapolation"])
    assert 0 < real["extrapolation"].sum() <= 2


def test_a_vae_is_judged_by_where_its_picture_is_encoded_and_a_texture_by_what_it_is_made_of(judged):
    model, images, mu, held_out, yardstick, real, decoded = judged
    if model.config.kind == "vae":
        again = descriptors.encode(model, decoded)["mu"]
        expected = np.linalg.norm(again - mu[held_out], axis=1) / traversal.locate(yardstick.gauge, mu[held_out])[1]
    else:
        away = np.linalg.norm(mu[held_out][:, None] - mu[~held_out][None], axis=2)
        nearest = images[~held_out][away.argmin(axis=1)] / np.float32(255)
        pairs = zip(nearest[:, None], decoded[:, None], strict=True)
        expected = [descriptors.texture_distance(*pair)[0] for pair in pairs]
    np.testing.assert_allclose(real[yardstick.error], expected, rtol=1e-3)


@pytest.mark.parametrize("judged", ["texture"], indirect=True)
def test_real_pictures_of_a_train_image_s_own_point_are_not_extrapolation_and_white_noise_is(judged):
    _, images, mu, held_out, yardstick, _, _ = judged
    own = images[~held_out][:4] / np.float32(255)
    good = realism.measure(yardstick, mu[~held_out][:4], own)
    noise = np.random.default_rng(0).random(own.shape, np.float32)
    bad = realism.measure(yardstick, mu[~held_out][:4], noise)
    np.testing.assert_allclose(good["statistics_error"], 0, atol=1e-5)
    assert (bad["statistics_error"] > 10 * good["statistics_error"] + 0.5).all()
    assert not good["extrapolation"].any()
