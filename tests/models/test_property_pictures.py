import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.latent import fulfilment, property_axes, property_orders
from nanofoam_lib.models import property_pictures, vae

LAWS = {"strength_mpa": lambda pores: 300 * (1 - pores["porosity"].to_numpy(float))}
READS = 0.9  # how much of the porosity is measured in a small picture


class Yardstick:
    """Stands for that of a model whose pictures hold their latent vectors in their first pixels."""

    images = np.zeros((1, 128, 128), np.uint8)

    class model:
        config = vae.Config("texture", 3, (4, 4, 4, 4), (4, 4, 4))


@pytest.fixture(autouse=True)
def linear_world(monkeypatch):
    """Let pictures hold latents, their porosity be 0.4 + 0.1 of the first, and a field of noise shift the second."""

    def decode(model, latents, seed=0):
        pictures = np.zeros((len(latents), 128, 128))
        pictures[:, 0, :3] = latents
        pictures[:, 0, 1] += seed
        return pictures

    def measure_pictures(pictures, um, aspect=1.0):
        factor = 1 / 255 if pictures.dtype == np.uint8 else 1
        porosity = READS * (0.4 + 0.1 * pictures[:, 0, 0] * factor)
        whole = {"median_diameter_um": 20.0, "density_per_mm2": 900.0, "circularity": 0.9}
        return pd.DataFrame({"porosity": porosity}).assign(**whole)

    monkeypatch.setattr(property_pictures.descriptors, "decode", decode)
    monkeypatch.setattr(property_pictures.descriptors, "encode", lambda model, own: {"mu": own[:, 0, :3]})
    halves = {"half_width_x": 3.0, "half_width_y": 3.0}
    monkeypatch.setattr(
        property_pictures.descriptors, "half_widths", lambda own: pd.DataFrame(halves, index=range(len(own)))
    )
    found = {"distance": 1.0, "statistics_error": 1.0, "extrapolation": False}
    monkeypatch.setattr(
        property_pictures.realism, "measure", lambda y, points, own: pd.DataFrame(found, index=range(len(own)))
    )
    monkeypatch.setattr(property_pictures.pores, "measure_pictures", measure_pictures)
    monkeypatch.setattr(property_pictures.generation, "noise_fields", lambda model, n: list(range(1, n + 1)))


def specimens_of(n=60):
    """Make one image each of n specimens, with properties that follow from the porosity."""
    rng = np.random.default_rng(0)
    mu = rng.uniform(0, 1, (n, 3))
    images = np.zeros((n, 128, 128), np.uint8)
    images[:, 0, :3] = np.round(255 * mu)
    mu = images[:, 0, :3] / 255
    porosity = 0.4 + 0.1 * mu[:, 0]
    known = pd.DataFrame({"strength_mpa": 300 * (1 - porosity), "uptake_mg_g": 5 + 2 * mu[:, 0] - mu[:, 2]})
    split = np.where(np.arange(n) < 40, "train", "test")
    index = pd.DataFrame({"group": [f"s{i}" for i in range(n)], "split": split, "width": 128, "height": 128})
    return mu, images, index.assign(um_x=1.0, um_y=1.0), known


def test_what_is_ordered_comes_back_by_the_law_and_by_the_regression():
    mu, images, index, known = specimens_of()
    found = property_pictures.study(Yardstick, mu, images, index, known, LAWS)
    drawn = found.ordered[found.ordered["picture"] == fulfilment.DESIGNED]
    assert dict(zip(drawn["measure"], drawn["by"], strict=True)) == {
        "strength_mpa": fulfilment.LAW, "uptake_mg_g": fulfilment.REGRESSION,
    }  # fmt: skip
    np.testing.assert_allclose(drawn["got"], drawn["wanted"], rtol=0.02)  # though pores read a tenth too small
    np.testing.assert_allclose(drawn["encoded"], drawn["wanted"], rtol=0.02)
    assert (drawn["pi_low"] <= drawn["encoded"]).all() and (drawn["encoded"] <= drawn["pi_high"]).all()
    assert drawn["unit"].unique().tolist() == ["MPa", "mg/g"]
    summary = fulfilment.summarise(found.ordered, 0.08).set_index("measure")
    assert summary["filled"].tolist() == [property_axes.STEPS] * 2 and not summary["refused"].any()


def test_no_order_is_judged_in_a_field_of_noise_in_which_it_was_sought(monkeypatch):
    seeds, decode = [], property_pictures.descriptors.decode
    monkeypatch.setattr(
        property_pictures.descriptors, "decode", lambda *all, **named: seeds.append(all[2:]) or decode(*all, **named)
    )
    found = property_pictures.study(Yardstick, *specimens_of(), LAWS)
    judged = set(found.ordered.query("picture == @fulfilment.DESIGNED")["noise"])
    last = len(seeds) - len(judged) - 1  # before the orders, after which reconstructions have the first field
    sought = {field + 1 for (field,) in seeds[:last]}
    assert judged == {field + 1 for (field,) in seeds[last:-1]} and not judged & sought
    assert len(judged) == property_pictures.ORDER_FIELDS and len(sought) == sum(property_orders.ROUNDS)


def test_orders_that_the_decoder_cannot_draw_are_refused_and_told_apart(monkeypatch):
    decode = property_pictures.descriptors.decode
    monkeypatch.setattr(
        property_pictures.descriptors, "decode", lambda model, own, *seed: decode(model, np.minimum(own, 0.1), *seed)
    )
    found = property_pictures.study(Yardstick, *specimens_of(), LAWS)
    drawn = found.ordered.query("picture == @fulfilment.DESIGNED and measure == 'strength_mpa'")
    least = 300 * (1 - 0.4 - 0.1 * 0.1)
    far = drawn["wanted"] < least / (1 + property_orders.TOLERATED) - 1
    assert (
        far.any()
        and drawn.loc[far, "out_of_reach"].all()
        and not drawn.loc[drawn["wanted"] > least, "out_of_reach"].any()
    )
    row = fulfilment.summarise(found.ordered, property_orders.TOLERATED).set_index("measure").loc["strength_mpa"]
    assert row["out_of_reach"] == drawn.groupby("order")["out_of_reach"].all().sum() > 0
    assert row["nearest"] > property_orders.TOLERATED > row["error"]
    assert not found.ordered.loc[found.ordered["picture"] == fulfilment.REAL, "out_of_reach"].any()


def test_the_way_goes_with_the_property_and_its_pores_follow():
    mu, images, index, known = specimens_of()
    found = property_pictures.study(Yardstick, mu, images, index, known, LAWS)
    own = found.walks[found.walks["target"] == "strength_mpa"]
    assert (
        len(own) == property_axes.STEPS * property_pictures.WALK_FIELDS
        and list(found.walks.columns[:7]) == property_axes.WALKED
    )
    assert len(found.pictures) == 2 * property_axes.STEPS
    first = own[own["noise"] == 1]
    np.testing.assert_allclose(READS * (1 - first["step"] / 300), first["porosity"], atol=0.005)
    assert set(property_axes.over_noise(found.walks)["noise"]) == {1}


def test_nothing_is_learnt_from_test_specimens():
    mu, images, index, known = specimens_of()
    test = (index["split"] == "test").to_numpy()
    others = known.where(pd.Series(~test), 7.0, axis=0)
    one, other = (property_pictures.study(Yardstick, mu, images, index, own, LAWS) for own in (known, others))
    pd.testing.assert_frame_equal(one.walks, other.walks)
    pair = (own.ordered[own.ordered["picture"] == fulfilment.DESIGNED] for own in (one, other))
    pd.testing.assert_frame_equal(*pair)


def test_without_enough_specimens_nothing_is_drawn():
    mu, images, index, known = specimens_of()
    few = known.where(pd.Series(np.arange(60) > 31), axis=0)  # eight of them on the train side
    found = property_pictures.study(Yardstick, mu, images, index, few, LAWS)
    assert list(found.walks) == property_axes.WALKED and not len(found.walks)
    assert not len(found.ordered) and found.pictures.shape == (0, 128, 128)
    assert {"by", "encoded", "got", "wanted"} <= set(found.ordered)


def test_of_specimens_whose_pores_cannot_be_believed_nothing_is_drawn(monkeypatch):
    mu, images, index, known = specimens_of()
    monkeypatch.setattr(Run, "load_index", lambda run: index.join(known))
    monkeypatch.setattr(Run, "load_images", lambda run: images)
    for porosity, is_drawn in ((np.nan, False), (0.4, True)):
        measures = pd.DataFrame({"porosity": porosity}, index=index.index)
        monkeypatch.setattr(Run, "load_measures", lambda run, own=measures: own)
        found = property_pictures.of_run(Run("nowhere"), Yardstick, mu, is_synthetic=False)
        assert bool(len(found.ordered)) == is_drawn
        assert set(found.ordered["by"].dropna()) <= {fulfilment.REGRESSION}
