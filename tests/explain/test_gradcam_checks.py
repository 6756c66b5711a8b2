import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.explain import deletion, gradcam, gradcam_checks, localisation
from nanofoam_lib.models import vae
from nanofoam_lib.models.backend import keras

DIMS = [0, 1]


@pytest.fixture(scope="module")
def spots():
    """Give images with a bright spot on the left and one on the right, of varying brightness."""
    rng = np.random.default_rng(0)
    images = np.full((6, 128, 128), 0.2, np.float32)
    for image, (left, right) in zip(images, 0.5 + 0.5 * rng.random((6, 2)), strict=True):
        image[56:72, 24:40] = left
        image[56:72, 88:104] = right
    return images


def brightness_encoder(shift=0.0):
    """Make an encoder whose two latents are sums over feature maps of what is brighter than 0.2 + shift."""
    inputs = keras.Input((128, 128, 1))
    pooled = keras.layers.AveragePooling2D(4)(inputs)
    features = keras.layers.Conv2D(2, 1, activation="relu", name="features")(pooled)
    encoder = keras.Model(inputs, keras.layers.Dense(2, name="mu")(keras.layers.Flatten()(features)))
    encoder.get_layer("features").set_weights([np.ones((1, 1, 1, 2)), np.full(2, -0.2 - shift)])
    kernel = np.zeros((32 * 32, 2, 2))
    kernel[:, 0, 0] = kernel[:, 1, 1] = 1
    encoder.get_layer("mu").set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    return encoder


@pytest.fixture(scope="module")
def encoder():
    return vae.build(vae.Config(latent_dim=4, filters=(4, 6, 6), decoder_filters=(4, 3)), seed=3).encoder


def ratio(moved):
    """Give how many times as far the latents move by the map's mask than by the others, for each image."""
    return np.exp(moved[:, 0] - moved[:, 1:].mean(axis=1))


def test_deleting_what_the_latent_sums_up_moves_it_farther_than_deleting_elsewhere(spots):
    found = deletion.moves(brightness_encoder(), spots, DIMS)
    assert set(found) == {"random pixels", "same shape elsewhere"}
    for moved in found.values():
        assert moved.shape == (6, 1 + deletion.MASKS)
        assert (ratio(moved) > 2).all()
        assert deletion.by_chance(moved, np.arange(6)) < 0.001
        assert deletion.by_chance(moved, np.zeros(6)) > 0.05  # one specimen proves nothing


def test_only_maps_cell_by_cell_find_what_a_head_that_depends_on_the_place_looks_at():
    """The head hardly reads the right half, which is brighter: with one mean derivative the map marks that."""
    images = np.ones((6, 128, 128), np.float32)
    images[..., :64] = np.linspace(0.5, 0.8, 6)[:, None, None]
    encoder = brightness_encoder()
    kernel = np.full((32, 32, 2, 2), 0.01)
    kernel[:, :16] = 1
    encoder.get_layer("mu").set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    mean, cell = (deletion.moves(encoder, images, DIMS, weights=weights) for weights in gradcam.WEIGHTS)
    for name in mean:
        assert (ratio(mean[name]) <= 1).all()
        assert (ratio(cell[name]) > 1.5).all()


@pytest.mark.parametrize("check", [gradcam_checks.randomisation, gradcam_checks.stability])
def test_checks_look_at_the_maps_they_are_asked_for(encoder, textures, check, monkeypatch):
    asked, maps_of = [], gradcam.latent_maps
    monkeypatch.setattr(
        gradcam, "latent_maps", lambda *args, **opts: (asked.append(opts["weights"]), maps_of(*args))[1]
    )
    check(encoder, textures[0][:2], DIMS, weights="cell")
    assert set(asked) == {"cell"}


def test_maps_that_point_nowhere_pass_in_five_percent_of_cases(monkeypatch):
    """The mean of ratios is 1.16 for random masks against random masks, and a third of its intervals lie above 1."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(deletion, "ORDERS", 199)
    groups, p_values, means = np.arange(24) // 2, [], []
    for seed in range(400):
        of_group = rng.normal(size=(12, 1)).repeat(2, axis=0)
        moved = of_group + rng.normal(0, 0.5, (24, 1 + deletion.MASKS))
        p_values.append(deletion.by_chance(moved, groups, seed))
        means.append(np.exp(moved[:, 0] - moved[:, 1]).mean())
    assert np.mean(np.array(p_values) <= 0.05) <= 0.075
    assert np.mean(means) > 1.16
    assert np.median(ratio(rng.normal(0, 0.5, (4000, 1 + deletion.MASKS)))) == pytest.approx(1, abs=0.03)


def test_deletion_of_random_maps_of_a_network_holds_its_level(monkeypatch):
    rng = np.random.default_rng(1)
    images, p_values = rng.random((6, 128, 128), np.float32), []
    monkeypatch.setattr(deletion, "ORDERS", 199)
    monkeypatch.setattr(gradcam, "latent_maps", lambda *args, **options: rng.random((6, 16, 16, 2), np.float32))
    for seed in range(6):
        found = deletion.moves(brightness_encoder(), images, DIMS, seed=seed)
        p_values.append(deletion.by_chance(found["same shape elsewhere"], np.arange(6), seed))
    assert np.sum(np.array(p_values) <= 0.05) <= 1


def test_maps_that_are_zero_do_not_count(spots):
    found = deletion.moves(brightness_encoder(shift=9.0), spots, DIMS)
    assert all(np.isnan(moved).all() for moved in found.values())
    assert all(np.isnan(deletion.by_chance(moved, np.arange(6))) for moved in found.values())
    assert all(np.isnan(r).all() for r in gradcam_checks.stability(brightness_encoder(shift=9.0), spots, DIMS).values())


def test_shuffled_weights_change_the_maps_from_the_head_down(encoder, textures):
    before = encoder.get_weights()
    found = gradcam_checks.randomisation(encoder, textures[0][:4], DIMS)
    assert list(found) == ["mu", "features", "norm_2", "conv_2", "norm_1", "conv_1"]
    assert all((np.abs(values) <= 1 + 1e-9).all() for values in found.values())
    assert min(values.mean() for values in found.values()) < 0.9
    for kept, now in zip(before, encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_a_map_that_ignores_the_weights_is_found_out(encoder, textures, monkeypatch):
    """Edge detectors pass for explanations until this check: their "map" is the same for any network."""
    images = textures[0][:3]
    edges = np.abs(np.diff(images[:, ::4, ::4].astype(np.float32), axis=1, append=0))[..., None].repeat(2, axis=-1)
    monkeypatch.setattr(gradcam, "latent_maps", lambda *args, **options: edges)
    assert all(np.allclose(values, 1) for values in gradcam_checks.randomisation(encoder, images, DIMS).values())


def test_localisation_is_exact_where_the_map_is_known():
    maps = np.zeros((2, 16, 16, 3))
    maps[0, :, :8, 0] = 1  # all of it on the left half
    maps[:, ..., 1] = 1  # everywhere alike
    left = np.zeros((2, 128, 128), bool)
    left[:, :, :64] = True
    found = localisation.shares(maps, {"left": left, "right": ~left})
    np.testing.assert_allclose(found["left"][0, 0], 2, atol=0.05)  # interpolation lets a little across
    np.testing.assert_allclose(found["left"][:, 1], 1, atol=1e-6)
    np.testing.assert_allclose(found["left"] + found["right"], [[2, 2, np.nan], [np.nan, 2, np.nan]], atol=1e-6)


def test_localisation_is_one_on_average_over_all_places():
    rng = np.random.default_rng(0)
    maps, zone = rng.random((1, 16, 16, 1)), rng.random((1, 16, 16)) < 0.3
    moved = [np.roll(maps, (i, j), axis=(1, 2)) for i in range(16) for j in range(16)]
    found = [localisation.shares(each, {"zone": zone})["zone"].item() for each in moved]
    assert np.mean(found) == pytest.approx(1, abs=1e-6)


def blobs(rng, n, size=32):
    """Give n pictures of a few bright squares each, bool."""
    found = np.zeros((n, size, size), bool)
    for picture in found:
        for y, x in rng.integers(size - 6, size=(4, 2)):
            picture[y : y + 6, x : x + 6] = True
    return found


def test_preferences_by_chance_are_none(monkeypatch):
    """Maps and pores that avoid the same edge seem to meet: of 15 intervals, some lie above 1 in any such table."""
    monkeypatch.setattr(localisation, "ORDERS", 99)
    rng, groups, least, apparent = np.random.default_rng(3), np.arange(12) // 2, [], 0
    for seed in range(60):
        zone = blobs(rng, 12)
        zones = {"pores": zone, "walls": ~zone, "half": np.roll(zone, 9, axis=1)}
        maps = np.moveaxis([blobs(rng, 12, 16) for _ in range(5)], 0, -1) + 0.1
        found = localisation.preferences(maps, zones, groups, seed)
        least.append(min(p.min() for p in found.values()))
        table = gradcam_checks.summarise({}, groups, range(5), localisation.shares(maps, zones))
        apparent += (table["ci_low"] > 1).any()
    assert np.mean(np.array(least) <= 0.05) <= 0.1
    assert apparent > 30


def test_what_a_map_looks_at_is_found():
    rng = np.random.default_rng(4)
    zone = blobs(rng, 12)
    maps = np.stack([zone[:, ::2, ::2] + 0.5, blobs(rng, 12, 16) + 0.5, np.zeros((12, 16, 16))], axis=-1)
    found = localisation.preferences(maps, {"pores": zone, "walls": ~zone}, np.arange(12))
    assert found["pores"][0] < 0.005
    assert found["walls"][0] == 1
    assert np.isnan(found["pores"][2])


def test_maps_of_an_equivariant_network_go_with_the_image(spots):
    found = gradcam_checks.stability(brightness_encoder(), spots, DIMS)
    assert list(found) == ["horizontal flip", "vertical flip", "shift to the left", "shift upwards"]
    for name, values in found.items():
        np.testing.assert_allclose(values, 1, atol=1e-5 if "flip" in name else 0.1)


def test_stability_finds_maps_that_stay_where_they_are(spots, monkeypatch):
    fixed = np.random.default_rng(0).random((6, 32, 32, 2), np.float32)
    monkeypatch.setattr(gradcam, "latent_maps", lambda *args, **options: fixed)
    found = gradcam_checks.stability(brightness_encoder(), spots, DIMS)
    assert (found["horizontal flip"] < 0.3).all()


def test_the_table_holds_means_over_known_images_with_their_intervals():
    checks = {"stability": {"flip": np.array([0.5, np.nan, 0.7])}, "deletion": {"random": np.full((3, 4), np.nan)}}
    localised = {"pores": np.array([[1.0, 2.0], [1.0, np.nan], [1.0, 4.0]])}
    table = gradcam_checks.summarise(checks, ["a", "b", "c"], [7, 9], localised)
    assert list(table["check"]) == ["stability", "deletion", *["localisation"] * 3]
    assert table["dimension"].isna().tolist() == [True, True, True, False, False]
    expected = [0.6, np.nan, (1.5 + 1 + 2.5) / 3, 1, 3]
    np.testing.assert_allclose(table["value"], expected)
    assert list(table["n_images"]) == [2, 0, 3, 3, 2]
    known = table[table["n_images"] > 0]
    assert (known["ci_low"] <= known["value"]).all()
    assert (known["value"] <= known["ci_high"]).all()
    assert np.isnan(table.loc[table["check"] == "deletion", "value"]).all()
    assert set(table["maps"]) == {"thesis"}


def test_both_kinds_of_maps_stand_below_each_other_in_one_table(spots):
    groups, zones = list("aabbcc"), {"spots": spots > 0.2}
    encoder = brightness_encoder()
    table = gradcam_checks.compare(encoder, spots, DIMS, groups, zones)
    assert table["maps"].tolist() == ["thesis", "cell by cell"] * (len(table) // 2)
    same = ["check", "variant", "dimension"]
    pd.testing.assert_frame_equal(
        table.loc[::2, same].reset_index(drop=True), table.loc[1::2, same].reset_index(drop=True)
    )
    moved = deletion.moves(encoder, spots, DIMS, weights="cell")["same shape elsewhere"]
    expected = np.exp(np.log(ratio(moved)).mean())
    found = table.query("variant == 'same shape elsewhere' and maps == 'cell by cell'")["value"].item()
    assert found == pytest.approx(expected)
