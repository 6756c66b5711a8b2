"""What a user waits for, beside the time that it may take."""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
from measure import Row, seconds
from PIL import Image

from nanofoam_lib.images import micrographs, pores, preprocessing, splits, synthetic
from nanofoam_lib.latent import binary_patterns, classify, pore_prediction, projection, scattering, separation
from nanofoam_lib.models import control_registry, objective


def shortest(work, repeats=3):
    """Give the shortest of several runs."""
    return min(seconds(work) for _ in range(repeats))


def command(*arguments):
    """Call the command line in a process of its own."""
    subprocess.run([sys.executable, "-m", "nanofoam_lib", *arguments], check=True, capture_output=True)


def row(what, took, limit):
    """Make a row of a time and its limit."""
    return Row("limits", what, took, "s", target=f"≤ {limit:g}")


def small_things(folder):
    """Yield rows of what is used one at a time."""
    yield row("nanofoam --help", shortest(lambda: command("--help")), 1.0)
    yield row("synthetic foam 1600×1200", shortest(lambda: synthetic.foam_micrograph("CuNi2", 1)), 0.1)
    foam, _ = synthetic.foam_micrograph("CuNi2", 1)
    for label in "ab":
        (folder / label).mkdir()
        for i in range(20):
            Image.fromarray(np.roll(foam, (i, ord(label)), axis=(0, 1))).save(folder / label / f"{i}.jpg", quality=92)
    took = shortest(lambda: preprocessing.process(folder, folder / "images.npy", n_jobs=1))
    yield row("preprocessing of a 1600×1200 JPEG, one core", took / 40, 1 / 25)
    grey = micrographs.read(folder / "a" / "0.jpg")
    yield row("pores of one 1600×1200 micrograph", shortest(lambda: pores.measure(grey, 0.27)), 1.0)
    cropped = grey[180:-180, 240:-240]
    took = shortest(lambda: binary_patterns.multiscale_lbp(cropped))
    yield row("multi-scale LBP of one 1600×1200 micrograph", took, 0.5)
    small = np.stack([micrographs.preprocess(grey)] * 20)
    yield row("scattering of one 128×128 image", shortest(lambda: scattering.scatter(small)) / 20, 0.01)


def statistics():
    """Yield rows for 240 images after training, and for many vectors."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (240, 128, 128), dtype=np.uint8)
    labels = np.repeat(list("abc"), 80)
    groups = np.array([f"{label}{i % 8}" for i, label in enumerate(labels)])
    index = pd.DataFrame({"id": range(240), "label": labels, "group": groups, "split": splits.by_group(labels, groups)})
    train = (index["split"] == "train").to_numpy()
    latents = {("vae", 128, name): rng.normal(size=(240, 128)).astype(np.float32) for name in ("mu", "sigma", "z")}
    latents["vae", 128, "sigma"] = np.exp(latents["vae", 128, "sigma"])
    measures = pd.DataFrame(rng.normal(size=(240, 8)), columns=[f"m{i}" for i in range(8)])

    def everything():
        plain = control_registry.compute(control_registry.Given(images, train, [128]))
        classify.table1(latents | plain, index, "noise")
        separation.summarise(latents, labels, groups)
        pore_prediction.summarise(latents | plain, measures, index)
        pore_prediction.identify(latents, objective.usage_of_all(latents, train), measures, index)
        for vectors in latents.values():
            projection.lda(vectors[train], labels[train], vectors[~train])

    yield row("table 1, controls, separation, geometry: 240 images", shortest(everything, 1), 60.0)
    yield row("leak guard, 240 images", shortest(lambda: splits.near_duplicates(images, index["split"])), 3.0)
    many = rng.normal(size=(20_000, 128)).astype(np.float32)
    yield row("distances of 20,000 × 128 vectors", shortest(lambda: separation.distances(many), 1), 20.0)


def rows():
    """Yield every figure with its limit."""
    with tempfile.TemporaryDirectory() as name:
        yield from small_things(pathlib.Path(name))
    yield from statistics()
