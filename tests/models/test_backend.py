"""What Keras's backends do differently gives the same numbers, and TensorFlow lists what it shares once."""

import numpy as np
import pytest

from nanofoam_lib.models import backend
from nanofoam_lib.models.backend import keras

ops = keras.ops


def test_what_is_traced_once_is_part_of_many_graphs():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("other backends have no traces to share")
    listed = []

    @backend.traced_once
    def square(x):
        listed.append(x)
        return x * x

    values = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def slope():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(square(values))
        return tape.gradient(total, values)

    eager = square(values)
    np.testing.assert_array_equal(square(values[:2]), [1, 4])
    doubled = tf.function(lambda x: 2 * square(x))(values)
    np.testing.assert_array_equal(eager, [1, 4, 9])
    np.testing.assert_array_equal(doubled, [2, 8, 18])
    np.testing.assert_array_equal(slope(), [2, 4, 6])
    assert len(listed) == 1


def test_whole_numbers_are_counted_row_by_row():
    codes = np.random.default_rng(0).integers(0, 10, size=(7, 64), dtype=np.int32)
    codes[3] = 9
    found = ops.convert_to_numpy(backend.count(ops.convert_to_tensor(codes), 12))
    np.testing.assert_array_equal(found, [np.bincount(row, minlength=12) for row in codes])


def test_values_are_sorted_and_gradients_go_back_to_where_they_stood():
    values = np.random.default_rng(0).standard_normal((3, 50, 4)).astype(np.float32)
    weights = np.random.default_rng(1).standard_normal((3, 50, 4)).astype(np.float32)
    found = backend.sort(ops.convert_to_tensor(values))
    np.testing.assert_array_equal(ops.convert_to_numpy(found), np.sort(values, axis=1))
    slopes = backend.gradient(lambda x: ops.sum(backend.sort(x) * weights), ops.convert_to_tensor(values))
    ranks = np.argsort(np.argsort(values, axis=1), axis=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(slopes), np.take_along_axis(weights, ranks, axis=1))


@pytest.mark.parametrize("shape", [(3, 6, 5, 4), (3, 20, 4)])
def test_moments_are_over_all_places_with_the_gradient_of_their_formula(shape):
    rng = np.random.default_rng(0)
    maps, of_mean, of_variance = (rng.standard_normal(own) for own in (shape, (3, 4), (3, 4)))
    maps, places = maps.astype(np.float32), tuple(range(1, len(shape) - 1))

    def weighted(x):
        mean, variance = backend.moments(x)
        return ops.sum(mean * of_mean.astype(np.float32)) + ops.sum(variance * of_variance.astype(np.float32))

    for found, expected in zip(backend.moments(ops.convert_to_tensor(maps)), (np.mean, np.var), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected(maps, axis=places), rtol=1e-5, atol=1e-6)
    given = ops.convert_to_numpy(backend.gradient(weighted, ops.convert_to_tensor(maps)))
    widened = [np.expand_dims(own, places) for own in (of_mean, of_variance)]
    centred = maps - maps.mean(axis=places, keepdims=True)
    n = np.prod([shape[axis] for axis in places])
    np.testing.assert_allclose(given, (widened[0] + 2 * centred * widened[1]) / n, rtol=1e-4, atol=1e-6)


def test_moments_of_coarse_numbers_are_computed_in_float32():
    maps = ops.cast(1000.0 + np.tile([-1.0, 1.0], 2048).reshape(1, 64, 64, 1), "float16")
    mean, variance = backend.moments(maps)
    assert (keras.backend.standardize_dtype(mean.dtype), float(mean[0, 0])) == ("float32", 1000)
    assert float(variance[0, 0]) == pytest.approx(1, rel=1e-5)


def test_gradients_of_branches_are_added():
    x = ops.convert_to_tensor([1.0, 2.0, 3.0])

    def value(given):
        a, b, c = backend.branches(given, 3)
        return ops.sum(a) + ops.sum(b * b) + ops.sum(c * c * c)

    np.testing.assert_allclose(ops.convert_to_numpy(backend.gradient(value, x)), [1 + 2 + 3, 1 + 4 + 12, 1 + 6 + 27])
