"""A finished run of small foams, made by the library in seconds: what tests of later micrographs begin with."""

import pandas as pd

from nanofoam_lib.base import files, memmap, provenance
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import preprocessing, splits, synthetic_folder
from nanofoam_lib.models import descriptors, vae

PARAMETERS = {
    "crop": 0.15, "bar": "auto", "stack": "first", "um_per_pixel": "auto", "pixel_size_um": None, "skip_bad": False,
    "max_megapixels": 100.0, "pores": "auto", "seed": 0, "latent_dims": [32], "kinds": ["vae", "texture"],
}  # fmt: skip
SIZE = (150, 200)
PIXEL_UM = 432 / SIZE[1]


def write_foams(folder, seed=0, n=8, kind="foam"):
    """Write a folder of n small foams of each of three compositions, each of its own specimen."""
    synthetic_folder.write_folder(folder, n, size=SIZE, pixel_size_um=PIXEL_UM, seed=seed, kind=kind)
    return folder


def write(folder, data, **given):
    """Write what notebooks 01 to 03 leave of a run on a data folder, and the account of it."""
    run, values = Run(folder), PARAMETERS | given
    reading = {name: values[name] for name in ("pixel_size_um", "um_per_pixel", "stack", "bar")}
    with files.replacing(run.images) as target:
        index, _ = preprocessing.process(data, target, values["crop"], n_jobs=1, **reading)
    index.insert(4, "split", splits.by_group(index["label"], index["group"], 0.4))
    files.write_csv(run.index, index)
    files.write_csv(run.pores, pd.DataFrame({"porosity": 0.5}, index=index.index))
    small = {"filters": (4, 4, 4, 4), "decoder_filters": (4, 4, 4)}
    for dim in values["latent_dims"]:
        for kind in values["kinds"]:
            model = vae.build(vae.Config(kind, dim, **small))
            vae.save(model, run.model(kind, dim))
            found = descriptors.encode(model, memmap.load(run.images))
            descriptors.write(run.descriptors(kind, dim), index, found)
    steps = {"01_preprocess": "data", "02_train": "models", "03_latent_space": "descriptors"}
    files.write_json(
        run.manifest,
        {"parameters": values, "lang": "en", "data": {"name": "foams"}, "seed": 0, "finished": None,
         "steps": {step: _account(run, part) for step, part in steps.items()}},
    )  # fmt: skip
    return run


def _account(run, part):
    paths = [path for path in (run.folder / part).rglob("*") if path.is_file()]
    outputs = {path.relative_to(run.folder).as_posix(): provenance.hash_file(path) for path in paths}
    return {"key": part, "status": "done", "seconds": 1.0, "warnings": [], "outputs": outputs}
