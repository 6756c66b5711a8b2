"""A kind of model and a control of one's own, through the whole chain, with no other file touched."""

import json
import os
import subprocess
import sys

import one_process
import pandas as pd
import pytest
from chains import write_notebook
from conftest import write_tiles

from nanofoam_lib.base import files, provenance
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.runs import execution, pipeline

#: What a user writes: a VAE with other layers, and a control.
PLUGIN = """
import numpy as np
from nanofoam_lib import control_registry, kinds
from nanofoam_lib.models.control_registry import Control


def network():
    import keras
    from nanofoam_lib.models import vae, vae_networks

    def build_encoder(config, seed):
        images = keras.Input((128, 128, 1))
        maps = keras.layers.Conv2D(4, 16, strides=16, activation="relu", name="features")(images)
        x = keras.layers.Flatten()(maps)
        return keras.Model(images, [keras.layers.Dense(config.latent_dim, name=name)(x) for name in config.heads])

    return kinds.Network(build_encoder, vae_networks.build_decoder, vae.Autoencoder)


kinds.register(kinds.Kind("patch", network, short=("patch VAE", "VAE de parches"), prose=("patch model", "modelo X")))


def darkest(images):
    return np.quantile(images, [0.01, 0.1], axis=(1, 2)).T


control_registry.register(Control("darkest", ("darkest grey", "gris más oscuro"), darkest))
"""
ASKED = {
    "kinds": ["patch", "vae"], "filters": [2, 2, 2, 2], "decoder_filters": [2, 2, 2], "latent_dims": [2], "epochs": 1,
    "batch_size": 8,
}  # fmt: skip
#: The figures that a plug-in has a part in: their chapters, and what their names hold.
DRAWN = ("generated,explanations,scores", "patch,controls")


@pytest.fixture(scope="module")
def plugged(tmp_path_factory):
    """Write the plug-in, and give the environment that names it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_models.py").write_text(PLUGIN, encoding="utf-8")
    return os.environ | {"PYTHONPATH": str(folder), "NANOFOAM_PLUGINS": "own_models"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, plugged):
    """Run the whole chain once on a few photographs, in one process that knows the plug-in."""
    data, out = write_tiles(tmp_path_factory.mktemp("data") / "tiles", per_class=3), tmp_path_factory.mktemp("out")
    asked = [f"-p{name}={json.dumps(value)}" for name, value in ASKED.items()]
    command = [sys.executable, one_process.__file__, *DRAWN, "run", "--profile", "demo", "--data", data, "--out", out]
    ended = subprocess.run([*command, *asked], env=plugged, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return Run(out)


def test_a_kind_of_one_s_own_is_in_tables_figures_and_report(finished):
    table = pd.read_csv(finished.table("table1"))
    assert set(table.loc[table["kind"] == "patch", "descriptor"]) == {"mu", "sigma", "z"}
    assert "untrained patch mu" in set(pd.read_csv(finished.table("controls"))["descriptor"])
    page = finished.report.read_text(encoding="utf-8")
    for name in ("samples_patch", "latent_map_patch", "patch_maps"):
        assert finished.figure(f"{name}.png").exists(), name
        assert f'id="figures-{name}"' in page, name
    assert "Sampled foams, patch model" in page and "Grad-CAM of the patch model" in page
    ordered = finished.table("design_patch")  # of photographs, whose pores are doubtful, nothing can be ordered
    assert ("With the patch model:" in page) == (ordered.exists() and len(files.read_csv(ordered)) > 0)
    assert not finished.drawing("large_foams").exists()


def test_a_control_of_one_s_own_is_in_table_figure_and_report(finished):
    assert "darkest" in set(pd.read_csv(finished.table("controls"))["descriptor"])
    assert "darkest" in set(pd.read_csv(finished.figure("controls.csv"))["descriptor"])
    assert "darkest grey" in finished.report.read_text(encoding="utf-8")


def test_the_other_kinds_come_in_the_order_in_which_they_were_asked_for(finished):
    text = finished.notebook("05_generate").read_text(encoding="utf-8")
    assert text.index("**patch VAE**") < text.index("**VAE**")
    assert finished.load_manifest()["machine"]["environment"]["NANOFOAM_PLUGINS"] == "own_models"


def test_a_kernel_knows_the_plugin(tmp_path, plugged, monkeypatch):
    for name in ("PYTHONPATH", "NANOFOAM_PLUGINS"):
        monkeypatch.setenv(name, plugged[name])
    code = 'from nanofoam_lib import kinds\nassert "patch" in kinds.known()'
    write_notebook(tmp_path / "asks.ipynb", "run_folder = ''", code)
    execution.execute(tmp_path / "asks.ipynb", tmp_path / "executed.ipynb", {}, lambda share: None)


def test_a_changed_plugin_trains_anew_and_leaves_the_micrographs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NANOFOAM_PLUGINS", "changing_models")
    steps, hashes = pipeline.find_steps(), []
    for text in ("A = 1\n", "A = 1  # one\n", "A = 2\n", 'A = Label("b", "c")\n', 'A = Label("d", "c")\n'):
        (tmp_path / "changing_models.py").write_text(text)
        hashes.append({step.name: pipeline.hash_code(step) for step in steps})
    assert hashes[0] == hashes[1]
    assert [name for name in hashes[0] if hashes[0][name] != hashes[2][name]] == [step.name for step in steps[1:]]
    assert [name for name in hashes[0] if hashes[3][name] != hashes[4][name]] == [steps[-1].name]
    monkeypatch.delenv("NANOFOAM_PLUGINS")
    assert provenance.hash_modules("") == provenance.hash_value({})


def test_help_and_usage_errors_name_the_plugin(plugged):
    command = [sys.executable, "-m", "nanofoam_lib", "run", "-p", 'kinds=["vae", "gan"]']
    for environment, said in (
        (plugged, 'some of "vae", "ae", "texture", "patch", not'),
        (plugged | {"NANOFOAM_PLUGINS": "nowhere_to_be_found"}, "NANOFOAM_PLUGINS: nowhere_to_be_found cannot be"),
    ):
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert said in ended.stderr and ended.stderr.count("\n") == 1
