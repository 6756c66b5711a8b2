"""A run folder that somebody else has sent, all that can be done with it, and what must hold then."""

import hashlib
import os
import pathlib
import resource

import numpy as np
import pandas as pd
import pytest
from conftest import _small_tables, write_run

from nanofoam_lib import explore, inspection, vae
from nanofoam_lib.base import files, json_text
from nanofoam_lib.base.errors import DataError, StepError, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.report import cited_numbers, compare, html_report, latex_document
from nanofoam_lib.runs import error_log, finished_run, parameters, pipeline, sweep_spec, sweeps

CITED = """\
- table: table1
  row: {kind: vae, latent_dim: 4, descriptor: sigma, classifier: random forest}
  column: accuracy
  value: 1.0
"""
SPEC = "profile: demo\nparameters: {epochs: 2}\ngrid:\n  beta: [0.5, 1]\n  seed: [0, 1]\n"
PARAMETERS = {
    "kinds": ["vae"], "latent_dims": [4], "protocol": "by-group", "beta": 1.0, "test_fraction": 0.3, "seed": 0,
    "crop": 0.15,
    "um_per_pixel": "none", "pixel_size_um": None, "stack": "first", "bar": "auto", "max_megapixels": 100.0,
    "skip_bad": False, "pores": "none",
}  # fmt: skip
#: More than what a damaged or hostile folder may take beyond what the whole one takes.
MOST_MEMORY = 1 << 30
#: What may stop a command: a line that names the file and says what to do.
TOLD = (DataError, UsageError, StepError, OSError)


def write(folder):
    """Write a finished run of two classes that can be compared, verified, swept, explored and loaded."""
    run = write_run(folder)
    index = files.read_csv(run.index)
    labels = sorted(set(index["label"]))
    names = dict(zip(labels, ("CuNi1", "CuNi2"), strict=True))
    files.write_csv(run.index, index.assign(label=index["label"].map(names)))
    found = _small_tables()
    found["dimensions"] = files.read_csv(run.table("dimensions"))
    found["models"] = pd.DataFrame(
        {"model": ["vae-4"], "kind": "vae", "latent_dim": 4, "steps": 9, "epochs": 3, "skill_train": 0.5,
         "skill_test": 0.4, "skill_flat": 0.0, "skill_mean": 0.1, "skill_pca": 0.6, "contrast": 0.9, "has_skill": True,
         "active": 4, "precision": "float32", "test_kl": 1.5, "test_reconstruction": 90.0}
    )  # fmt: skip
    for name, table in found.items():
        files.write_csv(run.table(name), table)
    step = {
        "key": "0",
        "status": "done",
        "seconds": 1.5,
        "warnings": ["few images"],
        "outputs": {"data/index.csv": None},
    }
    steps = dict.fromkeys(("01_preprocess", "02_train", "03_latent_space"), step)
    manifest = {
        "profile": "demo", "seed": 0,
        "parameters": PARAMETERS,
        "lang": "en", "data": {"name": "photographs", "folder": None, "hash": "0"}, "versions": {"numpy": "2"},
        "machine": {"cpus": 2}, "git": None, "started": "2026-11-22T18:00:00+00:00",
        "finished": "2026-11-22T18:44:20+00:00", "left_out": [], "steps": steps,
        "report": {"key": "0", "outputs": {"index.html": None}},
    }  # fmt: skip
    files.write_json(run.manifest, manifest)
    files.write_text(run.folder / "cited.yaml", CITED)
    return run


def load(run):
    """Load in Python what there is."""
    run.load_manifest()
    run.load_tables()
    run.load_left_out()
    return vae.load(run.model("vae", 4)), run.load_images(), run.load_index(), run.load_measures()


def look(run):
    """Do what the notebook ``explore`` does."""
    said = run.load_manifest()
    model, images, index, measures = load(run)
    mu = run.load_descriptors("vae", 4)["mu"]
    space = inspection.open_space(model, images, index, measures, mu, run.load_table("dimensions"))
    return explore.Explorer(space, said["data"]["name"], "en").summary()


def collect(run):
    """Collect a sweep of which this is the only point."""
    sweep = sweep_spec.Sweep(None, None, "en", None, {}, [sweep_spec.Item(run.folder.name, {})])
    return sweeps.collect(sweep, run.folder.parent)


def judge(run):
    """Judge later micrographs by the run, as ``nanofoam apply`` does."""
    study = finished_run.open_run(run.folder)
    return study.predict(np.zeros((2, 128, 128), np.uint8))


def report(run):
    """Write the report of a run and the document for a thesis, as ``nanofoam run`` does in the end."""
    with error_log.kept(run):
        html_report.write(run)
        latex_document.write(run)


def profile(run):
    """Read a file as a profile, and as a sweep."""
    path = run.folder / "spec.yaml"
    with told():
        parameters.load_profile(str(path), run.folder)
    return sweep_spec.load(path)


COMMANDS = {
    "compare": lambda run: compare.as_text(compare.compare([run.folder])),
    "verify": cited_numbers.verify,
    "sweep": collect,
    "report": report,
    "apply": judge,
    "load": load,
    "explore": look,
    "run": lambda run: pipeline.run(run.folder, "demo", force=True),
    "spec": profile,
}


class told:
    """Let pass, and keep, what a command says when it cannot do its work; all else is a traceback, and fails."""

    def __init__(self, name=None):
        self.name, self.said = name, None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if kind is None:
            return False
        if not issubclass(kind, TOLD):
            return False
        self.said = " ".join(str(error).split())
        assert len(self.said) < 1500, self.said
        assert self.name is None or self.name in self.said, self.said
        return True


def tree(folder):
    """Give everything in a folder: dict of relative path to hash, mode or target."""
    found = {}
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = pathlib.Path(root, name)
            key = path.relative_to(folder).as_posix()
            if path.is_symlink():
                found[key] = f"link to {path.readlink()}"
            elif path.is_file():
                found[key] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[key] = oct(path.lstat().st_mode)
    return found


def canaries(folder):
    """Write files that nobody may touch: beside a run and above it."""
    for name in (
        "victim",
        "reports/victim",
        "reports/tiny-2/tables/table1.csv",
        "reports/other/manifest.json",
        "data/CuNi1/1.png",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("years of work")
    return folder


def outside(folder, run):
    """Give everything in a folder that is not in the run."""
    inner = run.folder.relative_to(folder).as_posix()
    return {name: kept for name, kept in tree(folder).items() if name != inner and not name.startswith(f"{inner}/")}


def peak():
    """Give the most bytes of memory that this process has taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def edit(path, change):
    """Change what a file of JSON holds."""
    value = json_text.read(path)
    files.write_json(path, change(value) or value)


def array(shape, dtype="float32", body=b""):
    """Give the bytes of an ``.npy`` file whose head tells of a shape, whatever is behind it."""
    head = f"{{'descr': {np.dtype(dtype).str!r}, 'fortran_order': False, 'shape': {shape}, }}"
    padded = head.ljust(64 * ((len(head) + 11) // 64 + 1) - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode() + body


posix = pytest.mark.skipif(os.name == "nt", reason="links, pipes and limits of POSIX")
Run = Run
