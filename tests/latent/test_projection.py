"""PCA and LDA against independent decompositions; LDA beyond its number of samples; the test set stays outside."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from nanofoam_lib.latent import projection


@pytest.fixture
def foams(rng):
    """Three classes, correlated dimensions of unequal scale, n >> d."""
    labels = np.repeat(["CuNi1", "CuNi2", "CuNi3"], [80, 100, 120])
    means = rng.normal(size=(3, 6))[np.repeat([0, 1, 2], [80, 100, 120])]
    return (rng.normal(size=(300, 6)) + means) @ rng.normal(size=(6, 6)) + 5, labels


def scatter(x, labels):
    """Eq. 7 and 8, one sample at a time."""
    (s_w, s_b), mean = np.zeros((2, x.shape[1], x.shape[1])), x.mean(axis=0)
    for label in np.unique(labels):
        own = x[labels == label]
        s_b += len(own) * np.outer(own.mean(axis=0) - mean, own.mean(axis=0) - mean)
        for row in own:
            s_w += np.outer(row - own.mean(axis=0), row - own.mean(axis=0))
    return s_w, s_b


def test_pca_equals_the_singular_vectors(foams, rng):
    train, test = foams[0], rng.normal(size=(7, 6))
    found = projection.pca(train, test)
    _, values, vectors = np.linalg.svd(train - train.mean(axis=0))
    np.testing.assert_allclose(np.abs(np.sum(found.axes * vectors[:2], axis=1)), 1, rtol=1e-10)
    np.testing.assert_allclose(found.explained, values[:2] ** 2 / (values**2).sum(), rtol=1e-10)
    np.testing.assert_allclose(found.test, (test - train.mean(axis=0)) @ found.axes.T)
    np.testing.assert_allclose(found.train.mean(axis=0), 0, atol=1e-10)


def test_lda_solves_the_generalised_eigenproblem(foams):
    train, labels = foams
    found = projection.lda(train, labels, train[:5])
    s_w, s_b = scatter(train, labels)
    values, vectors = scipy.linalg.eigh(s_b, s_w)
    for axis, vector in zip(found.axes, vectors[:, ::-1].T, strict=False):
        assert abs(axis @ vector) / np.linalg.norm(axis) / np.linalg.norm(vector) == pytest.approx(1, rel=1e-10)
    np.testing.assert_allclose(found.explained, values[:-3:-1] / values.sum(), rtol=1e-8)
    np.testing.assert_allclose(found.axes @ s_w @ found.axes.T / len(train), np.eye(2), atol=1e-10)
    np.testing.assert_allclose(found.test, found.train[:5])
    assert (found.shrinkage, found.note) == (0, "")


def test_lda_agrees_with_scikit_learn_where_nothing_is_shrunk(foams):
    train, labels = foams
    model = LinearDiscriminantAnalysis(solver="eigen").fit(train, labels)
    expected = model.transform(train)[:, :2]
    found = projection.lda(train, labels, train[:1])
    for k in range(2):
        assert abs(np.corrcoef(found.train[:, k], expected[:, k])[0, 1]) == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(found.explained, model.explained_variance_ratio_, rtol=1e-8)


def test_lda_is_blind_to_units_even_when_shrunk(foams):
    train, labels = foams
    for rows in (slice(None), slice(60, 200, 14)):
        one = projection.lda(train[rows], labels[rows], train)
        two = projection.lda(train[rows] * 10.0 ** np.arange(-3, 3), labels[rows], train * 10.0 ** np.arange(-3, 3))
        for k in range(2):
            assert abs(np.corrcoef(one.test[:, k], two.test[:, k])[0, 1]) == pytest.approx(1, abs=1e-6)


def test_lda_beyond_the_number_of_samples_shrinks_says_so_and_generalises(rng):
    labels, centres = np.repeat([0, 1, 2], 20), 6 * np.eye(3, 128)
    train, test = (rng.normal(size=(60, 128)) + centres[labels] for _ in range(2))
    found = projection.lda(train, labels, test)
    assert 0 < found.shrinkage <= 1
    assert "shrunk" in found.note
    assert "57 degrees of freedom, 128 dimensions" in found.note
    assert np.isfinite(found.test).all()
    assert found.explained.sum() == pytest.approx(1)
    middles = np.array([found.train[labels == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(found.test[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == labels).mean() > 0.9


def test_lda_shrinks_below_two_degrees_of_freedom_per_dimension(rng):
    x, labels = rng.normal(size=(131, 64)), np.arange(131) % 3
    assert projection.lda(x[:130], labels[:130], x).shrinkage > 0
    assert projection.lda(x, labels, x).shrinkage == 0


def test_lda_with_collapsed_dimensions(rng):
    labels = np.repeat([0, 1, 2], 50)
    train = rng.normal(size=(150, 4)) + 3 * np.eye(3, 4)[labels]
    collapsed = np.hstack([train, np.full((150, 2), 0.1), train[:, :1]])  # two constant, one a copy
    found, plain = (projection.lda(x, labels, x[:0]) for x in (collapsed, train))
    assert found.shrinkage > 0
    assert "shrunk" in found.note
    np.testing.assert_allclose(found.axes[:, 4:6] * 0.1, 0, atol=1e-6)  # constants say nothing
    assert found.explained == pytest.approx(plain.explained, abs=0.1)


def test_directions_lead_back_to_the_class_means(foams):
    train, labels = foams
    for rows in (slice(None), slice(60, 200, 14)):  # with and without shrinkage
        found = projection.lda(train[rows], labels[rows], train[:0])
        means = np.array([train[rows][labels[rows] == k].mean(axis=0) for k in np.unique(labels[rows])])
        np.testing.assert_allclose(projection.unproject(found, projection.project(found, means)), means, atol=1e-6)


@pytest.mark.parametrize("kind", ["pca", "lda"])
def test_there_and_back(foams, kind, rng):
    train, labels = foams
    found = projection.pca(train, train) if kind == "pca" else projection.lda(train, labels, train)
    points = rng.normal(size=(9, 2))
    np.testing.assert_allclose(projection.project(found, projection.unproject(found, points)), points, atol=1e-9)
    np.testing.assert_allclose(projection.project(found, train), found.train, atol=1e-12)


def test_two_classes_get_a_second_axis_without_class_information(foams):
    train, labels = (x[:180] for x in foams)
    found = projection.lda(train, labels, train[:3])
    assert found.train.shape == (180, 2)
    assert found.explained.tolist() == [1, 0]
    assert "two classes" in found.note
    first, second = (found.train[labels == k].mean(axis=0) for k in ("CuNi1", "CuNi2"))
    assert second[1] == pytest.approx(first[1], abs=1e-8)
    assert abs(second[0] - first[0]) > 1
    within = np.vstack([found.train[labels == k] - m for k, m in (("CuNi1", first), ("CuNi2", second))])
    np.testing.assert_allclose(within.T @ within / 180, np.eye(2), atol=1e-8)


@pytest.mark.parametrize("kind", ["pca", "lda"])
def test_test_set_never_touches_the_fit(foams, kind, rng):
    train, labels = foams

    def fit(test):
        return projection.pca(train, test) if kind == "pca" else projection.lda(train, labels, test)

    one, two, none = fit(rng.normal(size=(9, 6))), fit(1e6 * rng.normal(size=(50, 6))), fit(np.empty((0, 6)))
    for other in (two, none):
        for name in ("train", "axes", "directions", "mean", "explained"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert none.test.shape == (0, 2)


@pytest.mark.parametrize("kind", ["pca", "lda"])
def test_signs_do_not_depend_on_the_order_of_samples(foams, kind, rng):
    train, labels = foams
    order = rng.permutation(len(train))
    if kind == "pca":
        one, two = projection.pca(train, train), projection.pca(train[order], train)
    else:
        one, two = projection.lda(train, labels, train), projection.lda(train[order], labels[order], train)
    np.testing.assert_allclose(one.axes, two.axes, atol=1e-8)
    assert (np.take_along_axis(one.axes, np.abs(one.axes).argmax(axis=1)[:, None], axis=1) > 0).all()


def test_bad_input_is_refused(foams):
    train, labels = foams
    cases = [
        (lambda: projection.pca(train[0], train), "expected train"),
        (lambda: projection.pca(train, train[:, :3]), "expected train"),
        (lambda: projection.pca(train[:, :1], train[:, :1]), "d at least 2"),
        (lambda: projection.pca(train * np.nan, train), "NaN"),
        (lambda: projection.lda(train, labels[:-1], train), "labels"),
        (lambda: projection.lda(train, np.zeros(len(train)), train), "two or more classes"),
        (lambda: projection.lda([[0, 0.1], [0, 0.1], [1, 1]], [0, 0, 1], train[:0, :2]), "class mean"),
    ]
    for call, says in cases:
        with pytest.raises(ValueError, match=says):
            call()


def test_a_collapsed_latent_space_is_drawn_as_a_point_and_said_to_be_one():
    train, test = np.full((6, 3), 2.0), np.array([[2.0, 2.0, 5.0]])
    for found in (projection.pca(train, test), projection.lda(train, list("aabbcc"), test)):
        assert not found.train.any()
        assert found.test.tolist() == [[0.0, 0.0]]
        assert found.explained.tolist() == [0.0, 0.0]
        assert "collapsed" in found.note
