"""Compare what models know of structure: ``uv run python tests/benchmarks/descriptors.py [DIR] [--seeds 0 1 2]``.

For each seed, models of every kind are trained on the train side of a split by group and scored on the other: random
forest and KNN on each descriptor, R² of pore measures (over groups, all images), active dimensions, training time, and
how far foams made to order miss what was ordered.
Beside them stand the controls: the same encoders untrained, LBP, power spectrum, mean and spread of grey. Data are
synthetic foams of the quick profile, drawn anew for every seed, or the micrographs in DIR.
"""

import argparse
import pathlib
import tempfile
import time

import numpy as np
import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.images import pores, preprocessing, splits, synthetic_folder
from nanofoam_lib.latent import classify, fulfilment, pore_prediction
from nanofoam_lib.models import (
    control_registry,
    descriptors,
    generation,
    objective,
    spatial_statistics,
    training,
    vae,
)

MEASURES = ["median_diameter_um", "density_per_mm2"]
FILTERS = {"filters": (32, 32, 64, 64), "decoder_filters": (64, 32, 16)}


def read(folder, seed):
    """Read a data folder, or draw the foams of a seed: images, index with its split, pore measures."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        if folder is None:
            synthetic_folder.write_folder(place / "foams", 80, size=(600, 800), seed=seed)
        source = folder or place / "foams"
        index, _ = preprocessing.process(source, place / "images.npy", 0.15)
        images = np.load(place / "images.npy")
        measures = pores.measure_all([source / path for path in index["path"]], index["pixel_size_um"].to_numpy(), 0.15)
    return images, index.assign(split=splits.by_group(index["label"], index["group"], 0.3, seed)), measures


def train(kind, images, index, options, seed):
    """Train a model of a kind: model, number of active dimensions, seconds."""
    rows, held_out = (np.flatnonzero(index["split"] == side) for side in ("train", "test"))
    model = vae.build(vae.Config(kind, options.latent_dim, **FILTERS), seed)
    began = time.perf_counter()
    recipe = training.Recipe(options.epochs, None, options.batch, options.rate, precision="auto")
    training.fit(model, images, rows, held_out, recipe, seed)
    seconds = time.perf_counter() - began
    found = descriptors.encode(model, images[rows], seed)
    active = objective.usage(found["mu"], found["sigma"])["active"].sum() if "mu" in found else np.nan
    return model, active, seconds


def score(latents, index, measures, seed):
    """Score descriptors, (kind, size, name) → vectors: one row each."""
    rows = []
    for (kind, size, name), vectors in latents.items():
        own = {"kind": kind, "descriptor": name, "size": size}
        for column, classifier in (("forest", "random forest"), ("knn", "KNN")):
            result, _ = classify.score(
                vectors, index["label"], index["group"], index["split"], classifier=classifier, seed=seed
            )
            own[column] = result["accuracy"]
        r2 = pore_prediction.predictability(vectors, measures[MEASURES], index["group"], seed)["r2"]
        rows.append(own | dict(zip([f"r2 {name}" for name in MEASURES], r2, strict=True)))
    return pd.DataFrame(rows)


def measure(images, index, measures, options, seed):
    """Train and score everything with one seed."""
    models, facts = {}, {}
    for kind in options.kinds:
        key = (kind, options.latent_dim)
        models[key], active, seconds = train(kind, images, index, options, seed)
        facts[kind] = {"active": active, "seconds": seconds} | order(models[key], images, index, measures, seed)
    given = control_registry.Given(images, (index["split"] == "train").to_numpy(), [], models, seed=seed)
    plain = control_registry.compute(given)
    table = score(descriptors.encode_all(models, images, seed) | plain, index, measures, seed)
    return table.join(pd.DataFrame(facts).T, on="kind").assign(seed=seed)


def order(model, images, index, measures, seed):
    """Have foams made to order: the error of each pore measure (mean over noise), and the ranks of both."""
    if not model.config.is_variational or measures["median_diameter_um"].isna().all():
        return {}
    mu = descriptors.encode(model, images, seed)["mu"]
    found = fulfilment.summarise(generation.study(model, mu, images, index, measures, [], seed).ordered)
    found = found[found["picture"] == fulfilment.DESIGNED]
    made = {f"order {row.measure}": row.error for row in found.itertuples()}
    return made | {f"ranks {row.measure}": row.rank_correlation for row in found.itertuples()}


def units(images, index):
    """Give the medians of both parts of the distance of textures between two micrographs of one specimen."""
    groups = index.groupby("group").indices.values()
    pairs = np.array([rows[:2] for rows in groups if len(rows) > 1])
    first, second = (images[rows] / np.float32(255) for rows in pairs.T)
    parts = (spatial_statistics.correlation_distance, spatial_statistics.response_distance)
    return [float(np.median(part(first, second))) for part in parts]


def main():
    """Print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="data folder (default: synthetic foam)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of data, split and training")
    parser.add_argument("--kinds", nargs="+", default=["vae", "texture"], help="models (default: vae texture)")
    parser.add_argument("--epochs", type=int, default=16, help="of every model (default 16)")
    parser.add_argument("--batch", type=int, default=8, help="images in a step (default 8)")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate (default 0.001)")
    parser.add_argument("--latent-dim", type=int, default=128, help="default 128")
    parser.add_argument("--out", type=pathlib.Path, default="descriptors.csv", help="table to write, one row per seed")
    parser.add_argument("--units", action="store_true", help="only measure spatial_statistics.UNITS on the first seed")
    options = parser.parse_args()
    if options.units:
        print(units(*read(options.folder, options.seeds[0])[:2]))
        return
    parts = []
    for seed in options.seeds:
        parts.append(measure(*read(options.folder, seed), options, seed))
        files.write_csv(options.out, pd.concat(parts, ignore_index=True))
        columns = [*parts[-1].select_dtypes("number").columns.difference(["seed", "size"], sort=False)]
        means = pd.concat(parts).groupby(["kind", "descriptor"], sort=False)[columns].mean()
        print(f"seeds {options.seeds[: len(parts)]}, {options.epochs} epochs\n{means.round(3).to_string()}", flush=True)


if __name__ == "__main__":
    main()
