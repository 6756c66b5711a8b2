"""WSS, BSS and R against hand computation, scipy and their invariances; resampling against what it must mean."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.latent import separation


def test_hand_computed():
    # a: a 3-4-5 triangle; b: a pair two apart, on the axis above
    found = separation.wss_bss([[0, 0], [3, 0], [0, 4]], [[0, 8], [0, 10]])
    assert found.wss_a == pytest.approx((3 + 4 + 5) / 3)
    assert found.wss_b == pytest.approx(2)
    bss = (8 + 10 + np.hypot(3, 8) + np.hypot(3, 10) + 4 + 6) / 6
    assert found.bss == pytest.approx(bss)
    assert found.r == pytest.approx(bss / (bss + 3))


def test_identical_clouds_half_and_distant_ones_one(rng):
    a, b = rng.normal(size=(2, 400, 8))
    n = len(a)
    assert separation.wss_bss(a, a.copy()).r == pytest.approx((n - 1) / (2 * n - 1), abs=1e-12)
    assert separation.wss_bss(a, b).r == pytest.approx(0.5, abs=2e-3)
    assert separation.wss_bss(a, b * 1e-3 + 1e6).r > 0.99999
    rates = [separation.wss_bss(a, b + shift).r for shift in (0, 0.5, 1, 2, 4)]
    assert rates == sorted(rates)


def test_all_points_equal_is_a_half():
    assert separation.wss_bss(np.ones((3, 2)), np.ones((2, 2))) == separation.Separation(0, 0, 0, 0.5)
    row = separation.table(np.ones((4, 2)), [0, 0, 1, 1], n_boot=9, n_perm=9).iloc[0]
    assert (row.r, row.ci_low, row.ci_high, row.p_value) == (0.5, 0.5, 0.5, 1)


def test_r_is_invariant_to_motion_scale_and_order(rng):
    a, b = rng.normal(size=(30, 5)), rng.normal(1, 2, size=(40, 5))
    turn, r = ortho_group.rvs(5, random_state=1), separation.wss_bss(a, b).r
    for move in (lambda x: x + 100, lambda x: x @ turn, lambda x: 1e-3 * x, lambda x: x[::-1]):
        assert separation.wss_bss(move(a), move(b)).r == pytest.approx(r, rel=1e-10)
    assert separation.wss_bss(b, a).r == pytest.approx(r, rel=1e-12)


@pytest.mark.parametrize("memory_mb", [0.01, 0.1, 16])
@pytest.mark.parametrize("offset", [0, 1e6])
def test_equals_scipy_whatever_the_blocks(rng, memory_mb, offset):
    a, b = rng.normal(size=(150, 12)) + offset, rng.normal(0.5, 1, size=(90, 12)) + offset
    a[75:] = a[:75] + 1e-7 * rng.normal(size=(75, 12))  # near-duplicates, where |x|² + |y|² - 2 x·y cancels
    b[:30] = a[:30]
    between, within = cdist(a, b), cdist(a, a)
    found = separation.distances(a, b, memory_mb=memory_mb)
    np.testing.assert_allclose(found.means_a, between.mean(axis=1), rtol=1e-10)
    np.testing.assert_allclose(found.means_b, between.mean(axis=0), rtol=1e-10)
    np.testing.assert_array_equal(found.counts, np.histogram(between, found.edges)[0])
    assert found.counts.sum() == between.size
    found = separation.distances(a, memory_mb=memory_mb)
    np.testing.assert_allclose(found.means_a, within.sum(axis=1) / (len(a) - 1), rtol=1e-10)
    np.testing.assert_array_equal(found.counts, np.histogram(pdist(a), found.edges)[0])
    assert found.counts.sum() == len(a) * (len(a) - 1) // 2


def test_near_duplicates_far_from_the_origin_are_accurate(rng):
    a = rng.normal(size=(2, 6)) + 1e8
    a[1] = a[0] + 2.0**-20  # a multiple of the spacing of float64 at 1e8, 2**-26, so exact
    np.testing.assert_allclose(separation.distances(a).means_a, np.sqrt(6) * 2.0**-20, rtol=1e-12)
    wide = np.vstack([a, -a / 3])  # now centring them rounds by more than their gap allows
    np.testing.assert_allclose(separation._block(wide, wide, wide.mean(axis=0), 3), cdist(wide, wide), rtol=1e-10)


def test_histogram_range_holds_every_distance_and_can_be_shared(rng):
    a, b = rng.normal(size=(50, 3)), rng.normal(4, 1, size=(60, 3))
    both = separation.distances(a, b, n_bins=40)
    assert cdist(a, b).max() <= both.edges[-1] <= 2 * pdist(np.vstack([a, b])).max() * (1 + 1e-6)
    within = separation.distances(b, n_bins=40, upper=both.edges[-1])
    np.testing.assert_array_equal(within.edges, both.edges)
    assert separation.distances([[0.0], [2.0]], n_bins=4, upper=2.0).counts.tolist() == [0, 0, 0, 1]
    with pytest.raises(ValueError, match="upper"):
        separation.distances(a, b, upper=1.0)


def test_float32_is_computed_in_float64(rng):
    a = (rng.normal(size=(60, 128)) + 50).astype(np.float32)
    np.testing.assert_allclose(
        separation.distances(a).means_a, cdist(a.astype(float), a.astype(float)).sum(axis=1) / 59, rtol=1e-10
    )


def test_memory_does_not_grow_with_the_number_of_pairs(rng):
    a = rng.normal(size=(6000, 16)).astype(np.float32)  # the matrix of distances would be 288 MB
    tracemalloc.start()
    separation.distances(a, memory_mb=8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6


def test_table_rows_agree_with_wss_bss(rng):
    vectors = rng.normal(size=(60, 4)) + np.repeat([[0], [1], [3]], [15, 20, 25], axis=0)
    labels, shuffled = np.repeat(["c", "a", "b"], [15, 20, 25]), rng.permutation(60)
    groups = np.array([f"g{i // 4}" for i in range(60)])  # some names stand in two classes
    for given in (None, groups[shuffled]):
        rows = separation.table(vectors[shuffled], labels[shuffled], given, n_boot=50, n_perm=50)
        assert list(rows.columns) == [
            "class_a",
            "class_b",
            "wss_a",
            "wss_b",
            "bss",
            "r",
            "ci_low",
            "ci_high",
            "p_value",
        ]
        assert list(zip(rows.class_a, rows.class_b, strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
        for row in rows.itertuples():
            found = separation.wss_bss(vectors[labels == row.class_a], vectors[labels == row.class_b])
            assert (row.wss_a, row.wss_b, row.bss, row.r) == pytest.approx(
                (found.wss_a, found.wss_b, found.bss, found.r), rel=1e-10
            )
            assert row.ci_low <= row.ci_high


def test_group_sums_across_blocks(rng):
    x, groups = rng.normal(size=(1500, 3)), rng.integers(0, 7, 1500)
    numbers, owner = separation._number_groups(np.zeros(1500, dtype=int), groups)
    sums, sizes = separation._group_sums(x, numbers)
    member = (groups[:, None] == list(dict.fromkeys(groups))).astype(float)  # groups count in order of appearance
    np.testing.assert_allclose(sums, member.T @ cdist(x, x) @ member, rtol=1e-10)
    np.testing.assert_array_equal(sizes, member.sum(axis=0))
    assert (owner == 0).all()


def test_copies_in_a_resample_are_not_compared(rng):
    x = rng.normal(size=(6, 2))
    sums, sizes = separation._group_sums(x, np.arange(6))
    drawn = np.array([[2.0, 1, 0, 0, 0, 0]]), np.array([[0.0, 0, 0, 1, 1, 1]])
    wss_a, wss_b, bss = (v[0] for v in separation._separations(*drawn, sums, sizes))
    d = cdist(x, x)
    assert wss_a == pytest.approx(d[0, 1])  # the zero between the copies of point 0 would pull it to 2/3 of that
    assert wss_b == pytest.approx((d[3, 4] + d[3, 5] + d[4, 5]) / 3)
    assert bss == pytest.approx((2 * d[0, 3:] + d[1, 3:]).sum() / 9)


def test_copies_of_a_group_keep_their_inner_pairs_only(rng):
    x = rng.normal(size=(8, 2))
    sums, sizes = separation._group_sums(
        x, separation._number_groups(np.repeat([0, 1], 4), [0, 0, 1, 1, 2, 2, 3, 3])[0]
    )
    drawn = np.array([[2.0, 1, 0, 0]]), np.array([[0.0, 0, 2, 0]])
    wss_a, wss_b, _ = (v[0] for v in separation._separations(*drawn, sums, sizes))
    d = cdist(x, x)
    # group 0 twice and group 1: three inner pairs, and four pairs to group 1 from each copy
    assert wss_a == pytest.approx((2 * d[0, 1] + d[2, 3] + 2 * d[:2, 2:4].sum()) / 11)
    assert wss_b == pytest.approx(d[4, 5])


def test_interval_covers_the_truth(rng):
    def draw(n):
        return np.vstack([rng.normal(size=(n, 3)), rng.normal(size=(n, 3)) + 1])

    big = draw(3000)
    truth, labels = separation.wss_bss(big[:3000], big[3000:]).r, np.repeat([0, 1], 30)
    rows = [separation.table(draw(30), labels, seed=i, n_boot=200, n_perm=1).iloc[0] for i in range(200)]
    covered = np.mean([row.ci_low <= truth <= row.ci_high for row in rows])
    assert 0.9 <= covered <= 0.99  # 0.95 nominal; 200 trials have a standard error of 0.015


def test_p_value_is_small_when_separated_and_uniform_when_not(rng):
    labels, groups = np.repeat([0, 1], 40), np.repeat(np.arange(16), 5)
    apart = rng.normal(size=(80, 3)) + 3 * labels[:, None]
    assert separation.table(apart, labels, groups, n_perm=999).p_value[0] < 0.005
    # specimens differ, classes do not: image-wise permutation would call nearly all of these significant
    tight = [np.repeat(rng.normal(size=(16, 3)), 5, axis=0) + 0.05 * rng.normal(size=(80, 3)) for _ in range(150)]
    by_group = np.array([separation.table(x, labels, groups, n_boot=1, n_perm=99).p_value[0] for x in tight])
    by_image = np.array([separation.table(x, labels, None, n_boot=1, n_perm=99).p_value[0] for x in tight])
    assert abs(by_group.mean() - 0.5) < 0.08
    assert (by_group <= 0.05).mean() < 0.11
    assert (by_image <= 0.05).mean() > 0.5


def test_single_specimen_per_class_proves_nothing(rng):
    vectors, labels = np.vstack([rng.normal(size=(9, 2)), rng.normal(9, 1, size=(9, 2))]), np.repeat([0, 1], 9)
    row = separation.table(vectors, labels, labels).iloc[0]
    assert row.r > 0.7
    assert np.isnan([row.ci_low, row.ci_high]).all()
    assert row.p_value == 1


def test_same_seed_same_table(rng):
    vectors, labels = rng.normal(size=(20, 2)), np.repeat([0, 1], 10)
    one, two, three = (separation.table(vectors, labels, seed=seed) for seed in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(three)


@pytest.mark.parametrize(
    "a, b, says",
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "one d"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "at least 2"),
        (np.zeros(3), np.zeros(3), "shape"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "NaN"),
        (np.full((3, 2), np.inf), np.zeros((3, 2)), "infinity"),
    ],
)
def test_bad_vectors_are_refused(a, b, says):
    with pytest.raises(ValueError, match=says):
        separation.wss_bss(a, b)


def test_bad_labels_and_groups_are_refused():
    x = np.arange(8.0).reshape(4, 2)
    for labels in ([0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1]):
        with pytest.raises(ValueError, match="labels"):
            separation.table(x, labels)
    for groups in ([0, 1, 2], ["a", None, "b", "c"]):
        with pytest.raises(ValueError, match="one group for each"):
            separation.table(x, [0, 0, 1, 1], groups)


def test_of_too_many_groups_some_stand_for_all(monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "rare"], [600, 600, 8])
    x = rng.normal(size=(1208, 3)) + (labels == "b")[:, None]
    exact = separation.table(x, labels)
    monkeypatch.setattr(separation, "MAX_GROUPS", 600)
    with pytest.warns(RunWarning, match=r"those of 408 of 1208 groups"):
        drawn = separation.table(x, labels)
    np.testing.assert_allclose(drawn["r"], exact["r"], atol=0.02)
    assert drawn["wss_b"][1] == pytest.approx(exact["wss_b"][1], rel=1e-12)  # of the rare class none is left out
    assert (drawn["ci_low"] <= drawn["r"]).all()
    assert len(separation.table(x, labels, np.arange(1208) // 4)) == 3  # 302 specimens are not too many


def test_of_a_large_class_a_histogram_counts_the_distances_of_some(monkeypatch):
    vectors, labels = np.random.default_rng(0).normal(size=(90, 3)), np.repeat(["a", "b"], [60, 30])
    whole = separation.histograms(vectors, labels)
    assert whole.groupby("within")["count"].sum().to_dict() == {"": 1800, "a": 1770, "b": 435}
    monkeypatch.setattr(separation, "DRAWN", 30)
    some = separation.histograms(vectors, labels)
    assert some.groupby("within")["count"].sum().to_dict() == {"": 900, "a": 435, "b": 435}
    rows = np.r_[np.linspace(0, 59, 30).astype(int), 60:90]
    pd.testing.assert_frame_equal(some, separation.histograms(vectors[rows], labels[rows]))
