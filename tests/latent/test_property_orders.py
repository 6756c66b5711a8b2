import numpy as np
import pytest

from nanofoam_lib.latent import property_axes, property_orders

SCREENING, *ROUNDS = np.split(np.arange(sum(property_orders.ROUNDS)), np.cumsum(property_orders.ROUNDS)[:-1])
OTHERS = np.arange(100, 400)  # fields of noise in which nothing is sought


class Decoder:
    """Draws two structures, told apart by the sign of the first coordinate, and answers to the second.

    A field of noise shifts all foams of one structure alike and those of the other in another way, and each a little.
    What is drawn of the first structure falls short by a third, and ends at `most`.
    """

    def __init__(self, shift=0.0, own=0.0, most=np.inf, seed=0):
        self.shift, self.own, self.most, self.seed = shift, own, most, seed

    def truth(self, points):
        return np.minimum(np.where(points[:, 0] > 0, 3 + points[:, 1], 2 * (3 + points[:, 1]) / 3), self.most)

    def look(self, points, fields):
        values = np.empty((len(points), len(fields)))
        for column, field in enumerate(fields):
            rng = np.random.default_rng((self.seed, 7, int(field)))
            low, high = self.shift * rng.standard_normal(2)
            each = self.own * np.random.default_rng((self.seed, 8, int(field))).standard_normal(1000)
            known = (np.abs(points[:, 1]) * 1e3).astype(int) % 1000
            values[:, column] = self.truth(points) + np.where(points[:, 0] > 0, high, low) + each[known]
        return values


def foams(n=60):
    """Make points of two structures, and the axis of a property that is their second coordinate, plus three."""
    rng = np.random.default_rng(0)
    points = np.stack([np.resize([-8.0, 8], n) + 0.1 * rng.normal(size=n), rng.uniform(-1, 1, n)], axis=1)
    return points, property_axes.fit(points, 3 + points[:, 1], np.arange(n))


def find(decoder, wanted, points, axis, rounds=ROUNDS):
    screened = decoder.look(points, SCREENING)
    return property_orders.find(axis, wanted, points, screened, decoder.look, rounds)


def test_what_is_drawn_decides_and_not_what_the_specimen_has():
    points, axis = foams()
    decoder, wanted = Decoder(), np.array([2.2, 2.6, 3.4])
    found = find(decoder, wanted, points, axis)
    np.testing.assert_allclose(decoder.truth(found.points), wanted, atol=0.08)
    np.testing.assert_allclose(found.expected, decoder.truth(found.points))
    assert found.reached.all()
    naive = points[[np.abs(3 + points[:, 1] - value).argmin() for value in wanted]]
    assert np.abs(decoder.truth(naive) - wanted).max() > 0.2


def test_orders_are_points_where_foams_are_and_not_between_structures():
    points, axis = foams()
    found = find(Decoder(), property_axes.levels(axis), points, axis)
    assert all((points == point).all(axis=1).any() for point in found.points)


def test_further_fields_take_away_what_the_first_shift():
    points, axis = foams()
    wanted, many = np.array([2.3, 2.7, 3.1, 3.5]), np.split(OTHERS, 3)
    errors = []
    for seed in range(20):
        decoder = Decoder(shift=0.3, own=0.1, seed=seed)
        found = [find(decoder, wanted, points, axis, rounds) for rounds in (many, [])]
        errors.append([np.abs(decoder.truth(own.points) - wanted).mean() for own in found])
    further, first = np.mean(errors, axis=0)
    assert further < 0.5 * first


def test_the_shift_of_fields_is_learnt_from_foams_that_are_alike():
    """One point of each structure is tried further; the others of its structure are corrected as it was."""
    points, _ = foams()
    decoder = Decoder(shift=0.5)
    values = np.full((len(points), 202), np.nan)
    values[:, :2] = decoder.look(points, [0, 1])
    for sign in (-1, 1):
        row = np.flatnonzero(np.sign(points[:, 0]) == sign)[:3]
        values[row, 2:] = decoder.look(points[row], OTHERS[:200])
    off = property_orders.expected(points, values, 2) - decoder.truth(points)
    assert np.abs(off).max() < 0.1
    assert np.abs(values[:, :2].mean(axis=1) - decoder.truth(points)).max() > 0.2


def test_without_further_fields_or_pores_nothing_is_made_up():
    points = np.arange(6.0).reshape(3, 2)
    values = np.array([[1.0, 3], [np.nan, 5], [np.nan, np.nan]])
    np.testing.assert_array_equal(property_orders.expected(points, values, 2), [2, 5, np.nan])
    values = np.hstack([values, [[np.nan], [8.0], [np.nan]]])
    np.testing.assert_array_equal(property_orders.expected(points, values, 2), [3.5, 6.5, np.nan])


def test_an_order_that_the_decoder_cannot_reach_is_refused():
    points, axis = foams()
    found = find(Decoder(most=3.0), [2.5, 3.1, 3.2, 3.5, 3.9], points, axis)
    assert found.reached.tolist() == [True, True, True, False, False]
    np.testing.assert_allclose(found.expected[1:], 3.0)
    nothing = property_orders.find(axis, [3.0], points, np.full((60, 2), np.nan), Decoder().look, [])
    assert not nothing.reached.any()


def test_nothing_is_ordered_outside_of_what_was_measured():
    points, axis = foams()
    for outside in (axis.measured.min() - 0.01, axis.measured.max() + 0.01, np.nan):
        with pytest.raises(ValueError, match="outside of what was measured"):
            find(Decoder(), [3.0, outside], points, axis)


def test_candidates_are_specimens_and_of_many_some_that_stand_for_all():
    rng = np.random.default_rng(0)
    vectors, groups = rng.normal(size=(200, 3)), np.arange(200) // 2
    means = vectors.reshape(100, 2, 3).mean(axis=1)
    np.testing.assert_allclose(
        property_orders.candidates(vectors, groups, 100)[np.argsort(groups[::2].astype(str)).argsort()], means
    )
    some = property_orders.candidates(vectors, groups, 10)
    assert len(some) <= 10 and all(np.isclose(means, point).all(axis=1).any() for point in some)
    far = np.linalg.norm(means[:, None] - some, axis=-1).min(axis=1).mean()
    assert far < np.linalg.norm(means[:, None] - means[:10], axis=-1).min(axis=1).mean()
