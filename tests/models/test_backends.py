"""The model trains, encodes, saves and loads with every backend of Keras that is installed."""

import importlib.util
import json
import os
import pathlib
import platform
import subprocess
import sys

import numpy as np
import pytest

TRAIN = """
import json, sys
import numpy as np
from nanofoam_lib.models import backend, descriptors, training, vae
folder, other, kind, precision = sys.argv[1:]
images = np.random.default_rng(0).integers(256, size=(24, 128, 128), dtype=np.uint8) // 8
model = vae.build(vae.Config(kind, 3, (4, 4), (4,)))
recipe = training.Recipe(5, batch_size=8, learning_rate=1e-2, precision=precision)
history = training.fit(model, images, range(16), range(16, 24), recipe, folder=folder)
own, again, others = (descriptors.encode(each, images)["mu"] for each in (model, vae.load(folder), vae.load(other)))
assert np.array_equal(own, again)
reconstruction = descriptors.reconstruct(model, images)
assert reconstruction.shape == (24, 128, 128) and 0 <= reconstruction.min() <= reconstruction.max() <= 1
assert np.all(descriptors.texture_distance(reconstruction, reconstruction) == 0)
assert np.all(descriptors.texture_distance(images / 255, reconstruction) > 0)
print(json.dumps({"backend": backend.keras.backend.backend(), "total": history["total"].tolist(),
                  "mu": others.tolist(), "initial": float(own.std())}))
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Save a model with the backend of this process; give its folder and what it encodes."""
    from nanofoam_lib.models import descriptors, vae

    folder = tmp_path_factory.mktemp("reference")
    model = vae.build(vae.Config("vae", 3, (4, 4), (4,)), seed=7)
    vae.save(model, folder)
    images = np.random.default_rng(0).integers(256, size=(24, 128, 128), dtype=np.uint8) // 8
    return folder, descriptors.encode(model, images)["mu"]


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="oneDNN is measured on x86 only")
@pytest.mark.parametrize("own", ["", "0"])
def test_onednn_is_used_unless_somebody_says_no(own):
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": own} if own else {}
    code = "import nanofoam_lib.models.backend; from tensorflow.python.util import _pywrap_util_port as port"
    code += "; print(port.IsMklEnabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[-1] == ("False" if own else "True")


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize(("kind", "precision"), [("vae", "float32"), ("vae", "bfloat16"), ("texture", "float32")])
def test_a_model_learns_and_is_read_back_with_every_backend(backend, kind, precision, reference, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder, mu = reference
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path), str(folder), kind, precision], capture_output=True, text=True,
        check=False, env=os.environ | {"KERAS_BACKEND": backend},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == backend
    assert found["total"][-1] < 0.98 * found["total"][0]
    np.testing.assert_allclose(found["mu"], mu, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("file", ["test_device_epochs.py", "test_bottleneck.py"])
def test_what_holds_with_tensorflow_holds_with_jax(file):
    """Epochs in one call are another program there, and what a layer keeps of a batch goes other ways."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", pathlib.Path(__file__).with_name(file)],
        capture_output=True, text=True, check=False, env=os.environ | {"KERAS_BACKEND": "jax"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
