"""Training on several devices, on a CPU that TensorFlow is told to split in two, in a process of its own."""

import json
import math
import os
import subprocess
import sys

import numpy as np

TRAIN = """
import json, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from nanofoam_lib.models import backend, descriptors, training, vae
noise = np.random.default_rng(0).integers(256, size=(22, 128, 128))
images = (noise * np.arange(1, 23)[:, None, None] // 22).astype(np.uint8)
rows, options = (range(16), range(16, 22), training.Recipe(2, batch_size=8)), {"folder": sys.argv[1]}
found = {"replicas": backend.strategy().num_replicas_in_sync}
model = vae.build(vae.Config("vae", 4, (4, 4, 4), (4, 4)))
found["vae", "started"] = training.fit(model, images, *rows)
training.start = lambda *_: None  # from a start far ahead, the noise that tells two devices from one carries farther
for devices in ("two", "one"):
    options["folder"] = f"{sys.argv[1]}/{devices}"
    model = vae.build(vae.Config("vae", 4, (4, 4, 4), (4, 4)))
    found["vae", devices] = training.fit(model, images, *rows, **options)
    again = vae.load(options["folder"])
    pairs = zip(*(descriptors.encode(each, images).values() for each in (model, again)), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)
    backend.strategy = lambda: None
shown = {"-".join(key): table.to_dict("list") for key, table in found.items() if key != "replicas"}
print(json.dumps(shown | {"replicas": found["replicas"]}))
"""
ENCODE = """
import sys
import numpy as np
from nanofoam_lib.models import backend, descriptors, vae
assert backend.strategy() is None
print(descriptors.encode(vae.load(sys.argv[1]), np.zeros((1, 128, 128), np.uint8))["mu"].shape)
"""


def run(code, *arguments):
    threads = {"TF_NUM_INTEROP_THREADS": "4"}  # replicas that wait for each other must not wait for one thread
    command, own = [sys.executable, "-c", code, *arguments], os.environ | threads
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def test_two_devices_learn_what_one_does_and_their_model_is_read_on_one(tmp_path):
    found = json.loads(run(TRAIN, str(tmp_path)))
    assert found["replicas"] == 2
    two, one = (found[f"vae-{devices}"] for devices in ("two", "one"))
    assert one["total"][1] < 0.99 * one["total"][0]
    for name in ("total", "reconstruction", "test_total", "test_reconstruction"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-3)
    np.testing.assert_allclose(two["kl"], one["kl"], rtol=0.02)  # the noise is another
    assert all(math.isfinite(loss) for loss in found["vae-started"]["total"])
    assert run(ENCODE, str(tmp_path / "two")) == "(1, 4)"
