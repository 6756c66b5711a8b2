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
