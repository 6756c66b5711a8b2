import numpy as np
import pytest

from nanofoam_lib.latent import decode_plan, projection, traversal
from nanofoam_lib.models import descriptors, realism, vae


def test_a_traversal_moves_one_dimension_alone(rng):
    start = rng.normal(size=7)
    points = traversal.traverse(start, 3, [-2.0, 0.0, 1.5])
    np.testing.assert_array_equal(points[1], start)
    np.testing.assert_allclose(points[:, 3] - start[3], [-2, 0, 1.5])
    np.testing.assert_array_equal(np.delete(points - start, 3, axis=1), 0)


@pytest.mark.parametrize("fit", [projection.pca, lambda train, test: projection.lda(train, [0, 1] * 20, test)])
def test_a_traversal_along_an_axis_of_a_map_moves_that_coordinate_alone(rng, fit):
    found = fit(rng.normal(size=(40, 5)), np.empty((0, 5)))
    points = traversal.traverse(found.mean, found.directions[0], [-1.0, 2.0])
    np.testing.assert_allclose(projection.project(found, points), [[-1, 0], [2, 0]], atol=1e-10)


@pytest.mark.parametrize("way", [traversal.lerp, traversal.slerp])
@pytest.mark.parametrize("dim", [2, 64, 128])
def test_both_ways_begin_and_end_where_asked(rng, way, dim):
    a, b = rng.normal(size=(2, dim))
    ends = way(a, b, [0.0, 1.0])
    np.testing.assert_allclose(ends, [a, b], atol=1e-12)


def test_the_arc_keeps_the_norm_and_turns_evenly_where_the_line_cuts_through(rng):
    a, b = rng.normal(size=(2, 64))
    a, b = 3 * a / np.linalg.norm(a), 3 * b / np.linalg.norm(b)
    t = np.linspace(0, 1, 9)
    arc = traversal.slerp(a, b, t)
    np.testing.assert_allclose(np.linalg.norm(arc, axis=1), 3)
    turned = np.arccos(np.minimum(arc @ a / 9, 1))
    np.testing.assert_allclose(turned, t * np.arccos(a @ b / 9), atol=1e-6)
    assert np.linalg.norm(traversal.lerp(a, b, [0.5])) < 2.9


def test_where_no_arc_is_defined_the_way_is_straight():
    for a, b in (([1.0, 0], [2.0, 0]), ([1.0, 0], [-1.0, 0]), ([0.0, 0], [1.0, 1])):
        np.testing.assert_allclose(traversal.slerp(a, b, [0, 0.25, 1]), traversal.lerp(a, b, [0, 0.25, 1]))


@pytest.mark.parametrize("way", [traversal.lerp, traversal.slerp])
def test_a_path_passes_every_station(rng, way):
    stations = rng.normal(size=(4, 6))
    points = traversal.path(stations, 5, way)
    assert points.shape == (16, 6)
    np.testing.assert_allclose(points[::5], stations, atol=1e-12)


def test_a_path_needs_two_stations():
    with pytest.raises(ValueError, match="two stations"):
        traversal.path([[0.0, 1.0]], 4)


@pytest.mark.parametrize("classes", [2, 3])
def test_interpolation_between_class_means_of_two_classes_or_more(rng, classes):
    vectors, labels = rng.normal(size=(30, 4)), np.array(list("abc"[:classes]) * 30)[:30]
    rows = decode_plan.interpolations(vectors, labels)
    for series in ("linear", "spherical"):
        own = rows.xs(series, level="series")
        stations = own[own.index.get_level_values("class") != ""]
        expected = [vectors[labels == label].mean(axis=0) for label in sorted(set(labels))]
        np.testing.assert_allclose(stations, expected, atol=1e-12)
        assert len(own) == 9
        assert list(stations.index.get_level_values("step")) == list(range(classes))


def test_the_grid_of_a_map_goes_to_the_latent_space_and_back(rng):
    found = projection.pca(rng.normal(size=(50, 6)), np.empty((0, 6)))
    plane = traversal.grid(found.train, n=4)
    assert plane.shape == (16, 2)
    assert (np.diff(plane[:4, 0]) > 0).all()
    assert (np.diff(plane[::4, 1]) < 0).all()
    np.testing.assert_allclose(projection.project(found, projection.unproject(found, plane)), plane, atol=1e-10)


def test_class_gaussians_recover_mean_and_covariance(rng):
    covariance = np.array([[2.0, 0.8, 0], [0.8, 1.0, 0], [0, 0, 0.1]])
    near = rng.multivariate_normal([1, 2, 3], covariance, 20_000)
    far = rng.multivariate_normal([-5, 0, 0], np.eye(3), 20_000)
    fitted = traversal.fit_classes(np.concatenate([near, far]), ["near"] * 20_000 + ["far"] * 20_000)
    assert list(fitted) == ["far", "near"]
    np.testing.assert_allclose(fitted["near"].mean, [1, 2, 3], atol=0.05)
    np.testing.assert_allclose(fitted["near"].covariance, covariance, atol=0.06)
    drawn = traversal.sample(fitted["near"], 20_000, seed=1)
    np.testing.assert_allclose(drawn.mean(axis=0), [1, 2, 3], atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.08)


def test_fewer_vectors_than_dimensions_still_give_a_distribution(rng):
    few = traversal.fit_gaussian(rng.normal(size=(5, 40)))
    assert np.linalg.eigvalsh(few.covariance)[0] > 0
    assert traversal.sample(few, 3).shape == (3, 40)
    np.testing.assert_array_equal(traversal.sample(few, 3, seed=4), traversal.sample(few, 3, seed=4))
    assert not np.array_equal(traversal.sample(few, 3, seed=4), traversal.sample(few, 3, seed=5))


def test_a_class_of_one_image_has_no_distribution():
    with pytest.raises(ValueError, match="at least 2"):
        traversal.fit_gaussian([[1.0, 2.0]])


def test_samples_of_the_prior_are_standard_normal():
    drawn = traversal.sample_prior(5000, 8)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(8), atol=0.08)


def test_samples_of_classes_do_not_share_their_noise(rng):
    rows = decode_plan.samples(rng.normal(size=(40, 3)), ["a", "b"] * 20, n=4)
    a, b = (rows.xs(label, level="series").to_numpy() for label in "ab")
    assert np.abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.9


def finished(train, held_out, error, neighbours=traversal.NEIGHBOURS):
    gauge = traversal.surround(train, neighbours)
    return traversal.set_limits(gauge, traversal.locate(gauge, held_out)[0], error)


@pytest.fixture
def gauge(rng):
    return finished(rng.normal(size=(1500, 4)), rng.normal(size=(2000, 4)), np.abs(rng.normal(size=2000)))


def test_about_one_in_a_hundred_real_images_is_beyond_each_limit(gauge, rng):
    distance, _, _ = traversal.locate(gauge, rng.normal(size=(4000, 4)))
    error = np.abs(rng.normal(size=4000))
    for beyond in (traversal.is_beyond(gauge, distance, 0 * error), traversal.is_beyond(gauge, 0 * distance, error)):
        assert 0.004 < beyond.mean() < 0.018
    assert np.median(distance) == pytest.approx(1.1, abs=0.15)


def test_train_images_lie_at_no_more_than_typical_distance(gauge):
    distance, _, nearest = traversal.locate(gauge, gauge.train[:200])
    assert np.median(distance) < 1
    np.testing.assert_array_equal(nearest, range(200))


def test_far_points_and_wrong_pictures_are_extrapolation(gauge):
    near, far = (traversal.locate(gauge, gauge.train[:1] + away)[0] for away in (0, 30))
    assert traversal.is_beyond(gauge, [*far, *near, *near], [0.0, 30.0, 0.0]).tolist() == [True, True, False]


def test_the_gauge_is_the_mean_distance_over_the_neighbours_own_spacing():
    train = np.array([[0.0, 0], [1, 0], [0, 2], [10, 10], [11, 10]])

    def spacing(i):
        return np.sort(np.linalg.norm(train - train[i], axis=1))[1:3].mean()

    point = np.array([3.0, 0.5])
    away = np.linalg.norm(train - point, axis=1)
    nearest = np.argsort(away)[:2]
    expected = np.mean([spacing(i) for i in nearest])
    distance, unit, first = traversal.locate(traversal.surround(train, neighbours=2), [point])
    assert unit[0] == pytest.approx(expected)
    assert distance[0] == pytest.approx(away[nearest].mean() / expected)
    assert first[0] == nearest[0]


def test_the_gauge_knows_no_unit_and_no_place(gauge, rng):
    points = rng.normal(size=(20, 4))
    plain, moved = (
        traversal.locate(traversal.surround(a * gauge.train + b), a * points + b) for a, b in ((1, 0), (7, 3))
    )
    np.testing.assert_allclose(plain[0], moved[0], rtol=1e-6)
    np.testing.assert_allclose(7 * plain[1], moved[1], rtol=1e-6)


def test_a_collapsed_latent_space_still_tells_inside_from_outside():
    train = np.ones((10, 3))
    gauge = finished(train, train[:4], np.zeros(4))
    distance, unit, _ = traversal.locate(gauge, [[1.0, 1, 1], [1, 1, 2]])
    assert traversal.is_beyond(gauge, distance, 0 * unit).tolist() == [False, True]
    assert np.isfinite(distance).all()


def test_points_of_another_size_are_refused(gauge):
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        traversal.locate(gauge, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="held-out"):
        traversal.set_limits(gauge, np.empty(0), np.empty(0))


@pytest.mark.parametrize("dim", [2, 64, 128])
def test_decoded_points_come_back_through_the_encoder(dim, textures):
    """Encode → decode → encode has the right shapes and is the same one by one as in a batch, for any latent size."""
    images, labels = textures
    model = vae.build(vae.Config(latent_dim=dim, filters=(4, 4), decoder_filters=(4,)))
    mu = descriptors.encode(model, images)["mu"]
    decoded = descriptors.decode(model, mu)
    again = descriptors.encode(model, decoded)["mu"]
    assert decoded.shape == images.shape
    assert mu.shape == again.shape == (len(images), dim)
    alone = descriptors.encode(model, descriptors.decode(model, mu[5:6]))["mu"]
    np.testing.assert_allclose(alone[0], again[5], rtol=1e-4, atol=1e-5)
    yardstick, _, _ = realism.fit(model, images, mu, np.arange(0, len(mu), 2), np.arange(1, len(mu), 2))
    maps = {"PCA": projection.pca(mu[::2], mu[1::2])}
    parts = [
        decode_plan.traversals(mu, [0, 1], maps),
        decode_plan.interpolations(mu, labels),
        decode_plan.samples(mu, labels, n=2),
    ]
    parts.append(decode_plan.lattice(maps["PCA"], "PC", n=2))
    for rows in parts:
        found = realism.measure(yardstick, rows, descriptors.decode(model, rows))
        assert rows.shape == (len(found), dim)
        assert np.isfinite(found[["distance", "cycle_error"]].to_numpy()).all()
