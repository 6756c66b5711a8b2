"""The critic of the texture model, and the stage of a training in which it corrects the decoder."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.models import checkpoints, critic, epochs, texture, training, vae
from nanofoam_lib.models.backend import keras

SMALL = {"latent_dim": 3, "filters": (2, 2), "decoder_filters": (2,)}
TRAIN, TEST = np.arange(4), np.arange(4, 6)


@pytest.fixture(scope="module", autouse=True)
def eager():
    """Spare short trainings the making of a graph, which takes far longer than they do."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def fit(textures, folder=None, kind="texture", steps=2, critic_steps=4):
    model = vae.build(vae.Config(kind, **SMALL))
    recipe = training.Recipe(steps=4 * steps if kind == "texture" else steps, batch_size=2, critic_steps=critic_steps)
    return model, training.fit(model, textures[0], TRAIN, TEST, recipe, folder=folder)


@pytest.fixture(scope="module")
def trained(textures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return *fit(textures, folder), folder


@pytest.fixture(scope="module")
def alone(textures):
    return fit(textures, critic_steps=0)


def assert_same(found, expected):
    assert all(np.array_equal(a, b) for a, b in zip(found.get_weights(), expected.get_weights(), strict=True))


def test_the_hinge_asks_for_scores_beyond_one():
    real, drawn = np.array([2.0, 0.5]), np.array([-2.0, 0.25])
    assert float(critic.judge([real], [drawn])) == pytest.approx(0.5 / 2 + 1.25 / 2)
    assert float(critic.judge([np.zeros(3)], [np.zeros(3)])) == 2.0  # knows nothing
    assert float(critic.judge([np.full(3, 1.0)], [np.full(3, -1.0)])) == 0.0  # tells all
    assert float(critic.judge([np.ones(3), np.zeros(9)], [-np.ones(3), np.zeros(9)])) == 1.0  # levels count alike


def test_kernels_are_divided_by_their_largest_singular_value():
    own = critic.Critic(3, seed=1)
    for number in range(len(own.kernels)):
        kernel = np.asarray(own._normalised(number, training=False))
        assert np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[1].max() == pytest.approx(1, rel=1e-4)
    changed = own.kernels[1].numpy() + np.random.default_rng(0).normal(size=own.kernels[1].shape)
    own.kernels[1].assign(changed)
    for _ in range(60):
        own._normalised(1, training=True)
    kernel = np.asarray(own._normalised(1, training=False))
    assert np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[1].max() == pytest.approx(1, rel=0.01)
    np.testing.assert_allclose(kernel / changed, (kernel / changed).ravel()[0], rtol=1e-4)  # a factor, nothing else


@pytest.mark.parametrize(("level", "side"), [(0, 8), (1, 18), (2, 38)])
def test_a_score_sees_as_far_as_its_level(level, side):
    own, z = critic.Critic(3), np.zeros((1, 3), np.float32)
    pictures = np.random.default_rng(0).random((1, 128, 128, 1), np.float32)
    scores = np.asarray(own(pictures, z)[0][level])
    pictures[:, side:] = 0.5
    changed = np.asarray(own(pictures, z)[0][level]) != scores
    assert not changed[:, 0].any() and changed[:, 1:].any(axis=(0, 2)).all()


def test_scores_ask_for_a_picture_of_this_z():
    own = critic.Critic(3, spread=2.0)
    pictures = np.random.default_rng(0).random((1, 128, 128, 1), np.float32)
    z = np.array([[1.0, -2.0, 0.5]], np.float32)
    (plain, features), (asked, _) = own(pictures, 0 * z), own(pictures, z)
    for level, projection in enumerate(own.projections):
        projected = np.asarray(features[level]) @ (z / 2 @ projection.numpy() / critic.STIFFNESS)[0]
        np.testing.assert_allclose(asked[level] - plain[level], critic.PROJECTION * projected, rtol=1e-3, atol=1e-4)


def test_no_gradient_passes_between_the_parts_of_the_loss(textures):
    """The critic's is that of its own loss alone, the decoder's that of what corrects it; the encoder has none."""
    duel = texture.Duel(vae.build(vae.Config("texture", **SMALL)))
    images = (textures[0][:4, ..., None] / 255).astype(np.float32)
    weights = duel.critic.trainable_variables, duel.decoder.trainable_variables
    epochs.seed_noise(duel, (0, 1))
    start = [direction.numpy() for direction in duel.critic.directions]
    with tf.GradientTape(persistent=True) as tape:
        found = duel(images, training=True)
        loss = duel.compute_loss(x=images, y_pred=found, training=True)
        for direction, value in zip(duel.critic.directions, start, strict=True):
            direction.assign(value)
        pictures = keras.ops.sigmoid(found["logits"])
        both = [duel.critic(own, found["latents"]) for own in (images, pictures)]
        lesson = critic.judge(both[0][0], both[1][0])
        amiss = -sum(map(tf.reduce_mean, both[1][0])) / 3
        amiss += texture.FEATURES * critic.feature_distance(both[0][1], both[1][1])
        amiss += texture.STATISTICS * tf.reduce_mean(duel.compare(images, found["logits"])) / texture.STATISTICS_WEIGHT
    for expected, own in zip((lesson, amiss), weights, strict=True):
        gradients = [np.concatenate([np.ravel(one) for one in tape.gradient(each, own)]) for each in (loss, expected)]
        np.testing.assert_allclose(*gradients, rtol=0.02, atol=1e-4 * np.abs(gradients[1]).max())
    assert not duel.encoder.trainable_variables


def test_the_critic_learns_to_tell_textures():
    rng = np.random.default_rng(0)
    noise = rng.random((8, 64, 64, 1), np.float32)
    stripes = np.broadcast_to(np.sin(np.arange(64) + 6 * rng.random((8, 64, 1))) / 2 + 0.5, (8, 64, 64))[..., None]
    both, z = np.concatenate([noise, stripes]).astype(np.float32), np.zeros((16, 3), np.float32)
    own, adam = critic.Critic(3), keras.optimizers.Adam(4e-3)
    losses = []
    for _ in range(15):
        with tf.GradientTape() as tape:
            scores = own(both, z, training=True)[0]
            losses.append(critic.judge(*zip(*((own[:8], own[8:]) for own in scores), strict=True)))
        adam.apply(tape.gradient(losses[-1], own.trainable_variables), own.trainable_variables)
    assert losses[-1] < 0.5 < 1 < losses[0]


def test_the_features_of_a_picture_are_compared_with_its_own_micrograph():
    own = np.random.default_rng(0).random((4, 5, 5, 3)).astype(np.float32)
    assert float(critic.feature_distance([own], [own[:, ::-1]])) == pytest.approx(0, abs=1e-6)  # wherever they lie
    assert float(critic.feature_distance([own], [own[::-1]])) > 0.01
    assert float(critic.feature_distance([own, own], [own + 0.5, own])) == pytest.approx(0.25, rel=1e-4)


def test_only_the_decoder_changes(trained, alone):
    (model, history, _), (before, earlier) = trained, alone
    assert_same(model.encoder, before.encoder)
    assert not np.allclose(model.decoder.get_weights()[-1], before.decoder.get_weights()[-1])
    pd.testing.assert_frame_equal(history[: len(earlier)].drop(columns="critic"), earlier, check_exact=True)
    assert history["critic"].isna().sum() == len(earlier) == 1
    assert list(history["step"]) == [2, 4, 6]
    assert (history["test_kl"] == history["test_kl"][0]).all()
    assert model.encoder.trainable
    assert len(vae.load(trained[2]).get_weights()) == len(model.get_weights())


def test_a_single_image_has_a_critic_too(textures):
    model = vae.build(vae.Config("texture", **SMALL))
    history = training.fit(model, textures[0], [0], [1], training.Recipe(1, batch_size=2, critic_steps=1))
    assert np.isfinite(history["critic"].iloc[-1])


def test_kinds_without_a_critic_have_no_such_stage(textures):
    (model, history), (other, expected) = fit(textures, kind="ae"), fit(textures, kind="ae", critic_steps=0)
    assert_same(model, other)
    pd.testing.assert_frame_equal(history, expected, check_exact=True)


@pytest.mark.parametrize("killed_in", [2, 3])  # as it begins, and within
def test_a_stage_goes_on_where_it_was_cut(killed_in, trained, textures, tmp_path, monkeypatch):
    run_epoch, epochs = training.run_epoch, []
    monkeypatch.setattr(checkpoints, "MAX_SHARE", float("inf"))

    def interrupt(*given):
        if given[-1][1] == killed_in:
            raise KeyboardInterrupt
        return run_epoch(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "run_epoch", interrupt)
        fit(textures, tmp_path)
    monkeypatch.setattr(training, "run_epoch", lambda *given: epochs.append(given[-1][1]) or run_epoch(*given))
    model, history = fit(textures, tmp_path)
    assert epochs == list(range(killed_in, 4))
    assert_same(model, trained[0])
    pd.testing.assert_frame_equal(history, trained[1], check_exact=True)


def test_a_longer_first_stage_is_another_training(textures, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "MAX_SHARE", float("inf"))
    monkeypatch.setattr(texture.Duel, "part", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        fit(textures, tmp_path)
    monkeypatch.undo()
    with pytest.warns(RunWarning, match="belongs to another training"):
        _, history = fit(textures, tmp_path, steps=10)
    assert history["critic"].isna().tolist() == [True, True, False, False]


def test_where_it_fails_the_decoder_stays_as_it_was(alone, textures, tmp_path, monkeypatch):
    monkeypatch.setattr(texture, "BLIND", 99.0)
    with pytest.warns(RunWarning, match="texture_3: .*tells every picture"):
        model, history = fit(textures, tmp_path)
    assert_same(model, alone[0])
    assert len(history) == 2  # it stopped after one epoch of two
    assert_same(vae.load(tmp_path), alone[0])


def test_it_fails_where_the_critic_sees_everything_or_the_statistics_are_lost():
    begun = {"critic": 1.9, "reconstruction": 1000.0}
    assert texture.failure([begun]) == texture.failure([begun, {"critic": 0.5, "reconstruction": 2000.0}]) == ""
    assert "tells every picture (loss 0.010)" in texture.failure([begun, begun | {"critic": 0.01}])
    assert "lost the statistics" in texture.failure([begun, begun | {"reconstruction": 4000.0}])


def test_a_critic_in_bfloat16_judges_as_one_in_float32(textures):
    own = critic.Critic(3)
    images, z = (textures[0][:2, ..., None] / 255).astype(np.float32), np.ones((2, 3), np.float32)
    exact = np.asarray(own(images, z)[0][0])
    own.dtype_policy = "mixed_bfloat16"
    rough = own(images, z)[0][0]
    assert rough.dtype == "float32"
    np.testing.assert_allclose(rough, exact, atol=0.1 * np.abs(exact).max())
