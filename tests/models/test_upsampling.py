"""The network computes the thesis's function, in another order: each step is held to the plain layers it replaces."""

import numpy as np
import pytest
import tensorflow as tf
from training_step import plain_decoder, plain_encoder

from nanofoam_lib.models import backend, vae
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.upsampling import UpsampledConv2D, enlarged_kernel

layers = keras.layers
CONFIG = vae.Config(latent_dim=3, filters=(4, 6, 5, 7), decoder_filters=(6, 5, 4), beta=1.0)


@pytest.fixture
def double():
    """Compute in double precision, so that only a wrong formula can differ."""
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def gradients(network, inputs, seed=5):
    """Outputs of a network in training mode, and the gradients of a random sum of them: inputs first, then weights."""
    rng = np.random.default_rng(seed)
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tf.nest.flatten(network(inputs, training=True))
        total = sum(tf.reduce_sum(output * rng.normal(size=output.shape)) for output in outputs)
    found = tape.gradient(total, [inputs, *(weight.value for weight in network.trainable_weights)])
    return [np.asarray(value) for value in (*outputs, *found)]


def assert_same(ours, plain, tolerance):
    assert len(ours) == len(plain)
    for a, b in zip(ours, plain, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, np.abs(b).max()))


@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 1, 2), (8, 8, 1)])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"activation": "relu"}])
def test_it_repeats_pixels_and_convolves(double, shape, options):
    x = np.random.default_rng(0).normal(size=(2, *shape))
    plain = keras.Sequential([layers.UpSampling2D(), layers.Conv2D(4, 3, padding="same", **options)])
    ours = keras.Sequential([UpsampledConv2D(4, **options)])
    plain.build(x.shape)
    ours.build(x.shape)
    values = [np.random.default_rng(1).normal(size=weight.shape) for weight in plain.get_weights()]
    for network in (plain, ours):
        network.set_weights(values)
    assert_same(gradients(ours, x), gradients(plain, x), 1e-12)
    assert ours.output_shape == plain.output_shape


def test_the_enlarged_kernel_is_the_sum_of_four_shifted_kernels():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 5))
    expected = np.zeros((4, 4, 5, 2))
    for m, n, p, q in np.ndindex(4, 4, 2, 2):
        if 0 <= 2 + p - m < 3 and 0 <= 2 + q - n < 3:
            expected[m, n] += kernel[2 + p - m, 2 + q - n].T
    np.testing.assert_allclose(enlarged_kernel(kernel), expected, rtol=1e-6)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_network_is_the_plain_one(double, part):
    """Outputs, gradients of inputs and weights, and the running statistics of the normalisation."""
    ours = vae.build(CONFIG, seed=1)
    ours = ours.encoder if part == "encoder" else ours.to_logits
    plain = (plain_encoder if part == "encoder" else plain_decoder)(CONFIG)
    plain.set_weights(ours.get_weights())
    x = np.random.default_rng(0).random((3, *ours.input_shape[1:]))
    assert_same(gradients(ours, x), gradients(plain, x), 1e-9)
    assert_same(ours.get_weights(), plain.get_weights(), 1e-9)
    assert_same(*([np.asarray(value) for value in tf.nest.flatten(network(x))] for network in (ours, plain)), 1e-9)


def test_it_is_read_back_in_safe_mode(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 2)), UpsampledConv2D(3, activation="relu", name="up")])
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 2))
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.output_shape == (None, 8, 8, 3)


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_one_pass_adam_is_adam(clip_norm):
    start = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    ours, plain = backend.adam(0.01, clip_norm), keras.optimizers.Adam(0.01, global_clipnorm=clip_norm)
    weights = [keras.Variable(start), keras.Variable(start)]
    for step in range(20):
        gradient = np.random.default_rng(step).normal(size=start.shape).astype(np.float32)
        for optimizer, weight in zip((ours, plain), weights, strict=True):
            optimizer.apply_gradients([(tf.constant(gradient), weight)])
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-5)
    for a, b in zip(ours.variables, plain.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
