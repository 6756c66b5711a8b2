import numpy as np
import pandas as pd
import pytest
from gradients import assert_close

from nanofoam_lib.explain import gradcam, property_maps
from nanofoam_lib.latent import inverse_design
from nanofoam_lib.models import descriptors, vae

TINY = {"latent_dim": 5, "filters": (4, 6, 7), "decoder_filters": (4, 3)}


@pytest.fixture(scope="module")
def known(textures):
    return made("vae", *textures)


def made(kind, images, labels):
    """Give a model, 24 photographs as specimens of their own, its μ of them, and a property linear in it."""
    model = vae.build(vae.Config(kind, **TINY), seed=2)
    mu = descriptors.encode(model, images)["mu"]
    index = pd.DataFrame({"label": labels, "group": [f"s{i}" for i in range(24)]})
    index["split"] = np.where(np.arange(24) % 2, "test", "train")
    values = 30 + (mu - mu.mean(axis=0)) / mu.std(axis=0) @ [1, 0, -2, 0, 0.5]
    return model, mu, images, index, pd.DataFrame({"modulus_gpa": values})


def test_the_network_with_the_regression_on_top_predicts_the_property(known):
    model, mu, images, _, values = known
    design = inverse_design.fit(mu, values["modulus_gpa"])
    network = property_maps.readout(model.encoder, design)
    found = descriptors.heads(network, images)["property"][:, 0]
    np.testing.assert_allclose(found, inverse_design.predict(design, mu), rtol=1e-4)


@pytest.mark.parametrize("kind", ["vae", "texture"])
def test_its_map_is_that_of_the_dimensions_weighted_by_the_slopes(kind, textures):
    model, mu, images, _, values = made(kind, *textures)
    design = inverse_design.fit(mu, values["modulus_gpa"])
    some = images[[0, 9, 18]]
    ours = gradcam.latent_maps(property_maps.readout(model.encoder, design), some, head="property", signed=True)
    assert_close(ours[..., 0], gradcam.latent_maps(model.encoder, some, signed=True) @ design.slopes.astype(np.float32))


def test_test_images_of_low_middle_and_high_properties_are_shown_and_checked(known):
    model, mu, images, index, values = known
    found = property_maps.study(model, mu, images, index, values)
    measured = found.drawing["measured"]
    assert measured.shape == (1, 3) and (np.diff(measured) > 0).all()
    test = values["modulus_gpa"][index["split"] == "test"]
    assert set(measured[0]) <= set(test)
    assert found.drawing["images"].shape == (1, 3, 128, 128)
    assert found.table["variant"].tolist() == ["random pixels", "same shape elsewhere"]
    assert found.table["target"].unique().tolist() == ["modulus_gpa"] and (found.table["n_images"] <= 12).all()


def test_nothing_is_learnt_from_test_specimens(known):
    model, mu, images, index, values = known
    train = index["split"] == "train"
    other = values.where(train, values.rank())
    one, two = (property_maps.study(model, mu, images, index, own).drawing["predicted"] for own in (values, other))
    assert set(np.round(two.ravel(), 4)) <= set(
        np.round(inverse_design.predict(inverse_design.fit(mu[train], values["modulus_gpa"][train]), mu), 4)
    )
    assert one.shape == two.shape


def test_without_a_property_there_are_no_maps(known):
    model, mu, images, index, values = known
    for none in (values.iloc[:, :0], values.where(pd.Series(np.arange(24) < 18), axis=0)):
        found = property_maps.study(model, mu, images, index, none)
        assert not len(found.drawing["targets"]) and not len(found.table)
