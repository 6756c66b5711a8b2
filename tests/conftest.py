"""Fixtures that several test modules share."""

import math
import os
import pathlib
import shutil

import numpy as np
import pandas as pd
import pytest
import threadpoolctl
from PIL import Image
from skimage import data
from xdist.scheduler import LoadScopeScheduling

from nanofoam_lib.base import files, scheduling
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.runs import kernels

ROOT = pathlib.Path(__file__).parents[1]


if "PYTEST_XDIST_WORKER" in os.environ:  # tests run side by side: what they start is not to take every core as well
    os.environ |= {"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "1"}
    threadpoolctl.threadpool_limits(1)  # what numpy has loaded before that no longer looks there
    scheduling.limit_threads(1)

#: What takes longest begins first, so that no worker is left with it at the end.
LONGEST = (
    "test_pipeline.py", ".ipynb", "test_faults.py", "test_backends.py", "test_plugins.py", "test_explorer.py",
    "test_figures.py", "test_scheduling.py",
)  # fmt: skip


class ByFile(LoadScopeScheduling):
    """Keeps the tests of a file with one worker, which share fixtures, and all notebooks, which need each other."""

    def _split_scope(self, nodeid):
        file = nodeid.split("::")[0]
        return "notebooks" if file.endswith(".ipynb") else file


def pytest_xdist_make_scheduler(config, log):
    """Deal the tests to the workers by `ByFile`."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """Put the longest tests first; within a file the order stays."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: min((ranks[name] for name in LONGEST if item.path.name.endswith(name)), default=99))


def pytest_terminal_summary(terminalreporter):
    """Print what tests have counted: how many kills a run survived, say."""
    reports = [report for status in ("passed", "failed") for report in terminalreporter.getreports(status)]
    counts = [value for report in reports for name, value in report.user_properties if name == "count"]
    if counts:
        terminalreporter.section("counts")
        terminalreporter.write_line("\n".join(counts))


def write_tiles(folder, per_class=6, side=160):
    """Cut scikit-image's photographs of brick, grass and gravel into tiles: a real data folder of three classes."""
    for name in ("brick", "grass", "gravel"):
        photograph = getattr(data, name)()
        (folder / name).mkdir(parents=True)
        per_row = photograph.shape[1] // side
        for i in range(per_class):
            row, column = divmod(i, per_row)
            tile = photograph[row * side : (row + 1) * side, column * side : (column + 1) * side]
            Image.fromarray(tile).save(folder / name / f"{name}_{i}.png")
    return folder


def save(array, path, mode=None, **options):
    """Write an array as the picture `path`; give the path."""
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.fixture
def tiles(tmp_path):
    """Give a data folder of 3 × 6 real photographs."""
    return write_tiles(tmp_path / "tiles")


@pytest.fixture(scope="session")
def textures():
    """Give 24 real 128×128 photographs with their labels, in memory."""
    images, labels = [], []
    for name in ("brick", "grass", "gravel"):
        photograph = getattr(data, name)()
        for i in range(8):
            row, column = divmod(i, 4)
            images.append(photograph[row * 128 : row * 128 + 128, column * 128 : column * 128 + 128])
            labels.append(name)
    return np.array(images), np.array(labels)


#: A class whose name is special in HTML, in LaTeX and in file names.
ODD = "a_b%c&d #<i>"


@pytest.fixture
def small_run(tmp_path):
    """Give the folder of a finished run with made-up numbers, two pictures and a class of an odd name."""
    run = Run(tmp_path / "small")
    parameters = {"latent_dims": [4], "protocol": "by-group", "test_fraction": 0.5, "seed": 3}
    step = {"key": "cafe", "status": "done", "seconds": 2.5, "warnings": ["mixed image sizes <b>"], "outputs": {}}
    manifest = {
        "profile": "demo", "parameters": parameters, "seed": 3, "lang": "en",
        "data": {"name": ODD, "folder": None, "hash": "beef"}, "versions": {"numpy": "2.4.6"}, "git": None,
        "started": "2026-11-22T18:00:00+00:00", "finished": "2026-11-22T18:44:20+00:00", "left_out": [],
        "steps": {"01_preprocess": step},
    }  # fmt: skip
    files.write_json(run.manifest, manifest)
    index = {"label": [ODD, "CuNi"] * 2, "group": list("wxyz"), "split": ["train"] * 2 + ["test"] * 2}
    files.write_csv(run.index, pd.DataFrame({"id": range(4), "path": list("wxyz")} | index | {"sha256": ""}))
    for name, table in _small_tables().items():
        files.write_csv(run.table(name), table)
    for name in ("pca", f"gradcam_{ODD}"):
        picture = Image.new("RGB", (640, 320), "white")
        for suffix in ("png", "pdf"):
            with files.replacing(run.folder / "figures" / f"{name}.{suffix}") as temporary:
                picture.save(temporary)
    return run


def _small_tables():
    common = {"data": ODD, "protocol": "by-group", "n_train": 2, "n_test": 2}
    scores = {"classifier": ["KNN", "random forest"] * 2, "accuracy": [0.5, 0.75, 0.25, 1.0]}
    scores |= {"ci_low": [0.125, 0.5, 0.0, 0.875], "ci_high": [0.75, 0.875, 0.5, 1.0]}
    keys = {"kind": "vae", "latent_dim": 4, "descriptor": ["mu", "mu", "sigma", "sigma"]}
    plain = {"kind": "control", "latent_dim": 54, "descriptor": ["LBP", "LBP"]}
    columns = ["data", "kind", "latent_dim", "descriptor", "classifier", "protocol", "accuracy", "ci_low", "ci_high",
               "n_train", "n_test"]  # fmt: skip
    table1 = pd.DataFrame(common | keys | scores)[columns]
    controls = pd.DataFrame(common | plain | {name: values[:2] for name, values in scores.items()})[columns]
    dimensions = pd.DataFrame(
        {"kind": "vae", "latent_dim": 4, "dimension": range(4), "kl": [0.5, 0.25, 2.0, 0.0],
         "active": [True, True, True, False], "effect_size": [0.1, 0.4, 0.3, 0.2], "forest_importance": 0.25,
         "best_measure": "porosity", "best_rho": [0.5, -0.25, 0.125, 0.0]}
    )  # fmt: skip
    geometry = pd.DataFrame(
        {"row": ["image", "r2", "r2"], "id": [0, None, None], "label": [ODD, "", ""], "group": ["w", "", ""],
         "split": ["train", "", ""], "kind": ["", "vae", "control"], "latent_dim": [None, 4, 54],
         "descriptor": ["", "mu", "LBP"], "median_diameter_um": [31.5, -0.25, 0.875]}
    )  # fmt: skip
    claims = pd.DataFrame(
        {"id": ["materials: sigma of vae-4", "control: sigma of vae-4, LBP", "deletion: thesis, grey",
                "deletion: thesis, blur"],
         "claim": ["σ of the 4-d VAE tells the materials apart", "σ of the 4-d VAE tells more than LBP",
                   "erasing moves it", "erasing moves it, too"],
         "claim_es": ["σ del VAE de 4 dimensiones distingue los materiales", "σ distingue mejor que LBP",
                      "borrar lo desplaza", "borrar lo desplaza también"],
         "statistic": "accuracy", "value": [1.0, 0.25, 2.0, 1.5], "ci_low": [0.875, -0.125, 1.25, 1.25],
         "ci_high": [1.0, 0.5, 3.0, 3.0], "null": [0.5, 0.0, 1.0, 1.0], "p_corrected": [0.002, 0.3, 0.002, 0.002],
         "n_groups": 4, "table": ["comparisons"] * 2 + ["gradcam_checks"] * 2, "holds": [True, False, True, True]}
    )  # fmt: skip
    found = {"table1": table1, "controls": controls, "dimensions": dimensions, "geometry": geometry}
    return found | {"claims": claims}


def discs(radius, pitch=40, shape=(160, 200)):
    """Draw dark discs on a square lattice, with soft edges: uint8 (H, W)."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    away = np.hypot(x % pitch - pitch / 2, y % pitch - pitch / 2)
    return (40 + 160 * np.clip(away - radius + 0.5, 0, 1)).astype(np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


HOSTILE = '<img src="http://example.invalid/x.png" onerror="console.error(1)">'


def write_run(folder):
    """Fill a run folder as notebooks 01 to 03 would: photographs, an untrained model, a class named HOSTILE."""

    from nanofoam_lib.base import files
    from nanofoam_lib.latent import pore_prediction
    from nanofoam_lib.models import descriptors, objective, vae

    run = Run(folder)
    photographs = [data.brick(), data.gravel()]
    tiles = [p[y : y + 128, x : x + 128] for p in photographs for y in (0, 128, 256) for x in (0, 128, 256, 384)]
    images = np.array(tiles)
    labels = np.repeat(["brick", HOSTILE], 12)
    index = pd.DataFrame({"id": np.arange(24), "path": [f"{i}.png" for i in range(24)], "label": labels})
    index = index.assign(group=index["path"], split=np.tile(["train", "train", "test"], 8), um_x=np.nan, um_y=np.nan)
    index = index.assign(width=128, height=128)
    grey = images.mean(axis=(1, 2)) / 255
    measures = pd.DataFrame({"n_pores": index["id"], "porosity": 1 - grey, "wall_um": np.nan})
    measures.loc[3, "porosity"] = np.nan
    model = vae.build(vae.Config(latent_dim=4, filters=(4, 4, 4, 4), decoder_filters=(4, 4, 4)))
    latents = descriptors.encode(model, images)
    with files.replacing(run.images) as temporary, temporary.open("wb") as file:
        np.save(file, images)
    files.write_csv(run.index, index.assign(sha256=""))
    files.write_csv(run.pores, measures)
    vae.save(model, run.model("vae", 4))
    files.write_npz(run.descriptors("vae", 4), id=index["id"], **latents)
    by_name = {("vae", 4, name): vectors for name, vectors in latents.items()}
    usage = objective.usage_of_all(by_name, index["split"] == "train")
    files.write_csv(run.table("dimensions"), pore_prediction.identify(by_name, usage, measures, index))
    files.write_json(run.manifest, {"data": {"name": "photographs"}, "seed": 0})
    return run


@pytest.fixture(scope="session")
def foreign_original(tmp_path_factory):
    """Write a small finished run that every command can be given."""
    import foreign

    return foreign.write(tmp_path_factory.mktemp("original") / "R")


@pytest.fixture
def foreign_run(foreign_original, tmp_path):
    """Give a copy of it, with files beside it that nobody may touch."""
    import foreign

    foreign.canaries(tmp_path)
    return Run(shutil.copytree(foreign_original.folder, tmp_path / "reports" / "R"))


@pytest.fixture(scope="session")
def tiny_original(tmp_path_factory):
    """Give the notebooks of the tiny chain, and a finished run of them."""
    import chains

    notebooks = chains.write_chain(tmp_path_factory.mktemp("tiny") / "notebooks")
    out = notebooks.parent / "reference"
    assert chains.finish(notebooks, out)[0] == 0
    return notebooks, out


@pytest.fixture(autouse=True)
def _no_kernel_waits(monkeypatch):
    """Start no kernel ahead in this process, where most tests execute no notebook."""
    monkeypatch.setattr(kernels, "ENOUGH_MEMORY", math.inf)


@pytest.fixture
def tiny_run(tiny_original, tmp_path, monkeypatch):
    """Give a copy of the tiny run among files that nobody may touch; this process takes its steps, but runs none."""
    import foreign

    from nanofoam_lib.runs import execution, pipeline

    def execute(notebook, target, *_):
        shutil.copy(notebook, target)
        return []

    notebooks, out = tiny_original
    monkeypatch.setattr(pipeline, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(execution, "execute", execute)
    monkeypatch.setattr(pipeline, "_finish", lambda *_: None)
    foreign.canaries(tmp_path)
    return Run(shutil.copytree(out, tmp_path / "reports" / "tiny"))
