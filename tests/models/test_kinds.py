import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.models import descriptors, kinds, realism, vae, vae_networks
from nanofoam_lib.runs import parameters

TINY = {"latent_dim": 2, "filters": (2, 2, 2, 2), "decoder_filters": (2, 2, 2)}
WORDS = {"short": ("patch VAE", "VAE de parches"), "prose": ("patch model", "modelo de parches")}


def build_encoder(config, seed):
    images = keras.Input((128, 128, 1))
    maps = keras.layers.Conv2D(4, 16, strides=16, activation="relu", name="features")(images)
    x = keras.layers.Flatten()(maps)
    return keras.Model(images, [keras.layers.Dense(config.latent_dim, name=name)(x) for name in config.heads])


def network():
    return kinds.Network(build_encoder, vae_networks.build_decoder, vae.Autoencoder)


@pytest.fixture
def patch(monkeypatch):
    """Register a kind for the time of a test."""
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))
    kinds.register(kinds.Kind("patch", network, **WORDS))


@pytest.mark.usefixtures("patch")
def test_a_kind_of_one_s_own_is_built_saved_read_and_judged(tmp_path, textures):
    model, images = vae.build(vae.Config("patch", **TINY)), textures[0]
    vae.save(model, tmp_path)
    again = vae.load(tmp_path)
    assert (again.config, again.name) == (model.config, "patch_2")
    found = descriptors.encode(again, images)
    assert list(found) == ["mu", "sigma", "z"]
    np.testing.assert_array_equal(found["mu"], descriptors.encode(model, images)["mu"])
    train = np.arange(24) % 3 > 0
    assert realism.fit(again, images, found["mu"], train, ~train)[1].columns.tolist()[1] == "cycle_error"


@pytest.mark.usefixtures("patch")
def test_a_kind_of_one_s_own_may_be_asked_for_and_has_a_name_in_both_languages():
    assert parameters.check({"kinds": ["vae", "patch"]}) == {"kinds": ["vae", "patch"]}
    assert kinds.drawing(["patch", "ae", "texture"]) == ["patch", "texture"]
    assert [kinds.model_name("patch", 8, lang) for lang in ("en", "es")] == ["patch VAE 8-d", "VAE de parches 8-d"]


def test_a_run_without_the_plugin_says_which_kinds_there_are():
    with pytest.raises(UsageError, match=r"one of vae, ae, texture, not 'patch'; NANOFOAM_PLUGINS may add others"):
        vae.Config("patch")


@pytest.mark.parametrize("name", list(kinds.KINDS))
def test_what_a_kind_says_of_itself_is_true_of_its_models(name):
    kind, model = kinds.get(name), vae.build(vae.Config(name, **TINY))
    assert isinstance(model, kind.load().model)
    assert tuple(model.encoder.output_names) == kind.heads
    assert tuple(descriptors.encode(model, np.zeros((1, 128, 128), np.uint8))) == kind.descriptors
    latents = np.zeros((1, 2))
    if kind.draws_large:
        assert descriptors.decode(model, latents, size=256).shape == (1, 256, 256)
    else:
        with pytest.raises(ValueError, match="cannot draw"):
            descriptors.decode(model, latents, size=256)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "my kind"}, "no name"),
        ({"name": "my_kind"}, "no name"),
        ({"name": "control"}, "no name"),
        ({"heads": ["conv"]}, "mu and log_var"),
        ({"heads": ["a", "b"], "error": None}, "mu and log_var"),
        ({"error": "distance"}, "error must be"),
    ],
)
def test_a_kind_that_cannot_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        kinds.Kind(**({"name": "patch", "load": network} | WORDS | changed))
    with pytest.raises(ValueError, match="vae already"):
        kinds.register(kinds.KINDS["vae"])


def test_the_registries_load_no_network():
    code = "import sys; from nanofoam_lib import control_registry as c; c.labels('en'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "matplotlib"} & set(loaded.stdout.split())
