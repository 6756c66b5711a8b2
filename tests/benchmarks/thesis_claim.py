"""Does σ tell materials where μ does not? ``uv run python tests/benchmarks/thesis_claim.py [DIR] [--seeds 10 11 12]``.

The thesis's VAE, on the quick profile's network, is trained step by step; at each milestone forest and KNN are scored
on μ, σ, z, and on μ and σ averaged over flips, beside the skill of its pictures and the loss. Once on a split by group,
and once as the thesis did: augment first, split at random, train the VAE on the leaky train side, test on the other. At
the end one explanation of σ is tested: that it follows how much the decoder's picture changes with each latent.
Data are synthetic foams of the quick profile, drawn anew for every seed, or the micrographs in DIR.
"""

import argparse
import functools
import itertools
import pathlib
import tempfile

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from nanofoam_lib.base import files
from nanofoam_lib.images import augmentation, pores, preprocessing, splits, synthetic_folder
from nanofoam_lib.latent import classify, pore_prediction
from nanofoam_lib.models import descriptors, mixed_precision, objective, skill, training, vae
from nanofoam_lib.models.backend import keras

FILTERS = {"filters": (16, 24, 48, 64), "decoder_filters": (64, 24, 12)}
MILESTONES = (0, 100, 200, 400, 800, 1600)
STEP = 0.05  # of a latent, of which the decoder's change is taken


def read(folder, seed, n_per_class):
    """Read a data folder, or draw the foams of a seed: images, wide images, index, pore measures."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        source = folder or place / "foams"
        if folder is None:
            synthetic_folder.write_folder(source, n_per_class, size=(360, 480), pixel_size_um=0.9, seed=seed)
        index, _ = preprocessing.process(source, place / "images.npy", 0.15, skip_bad=True, wide=place / "wide.npy")
        paths = [source / path for path in index["path"]]
        measures = pores.measure_all(paths, index["pixel_size_um"].to_numpy(), 0.15)
        return np.load(place / "images.npy"), np.load(place / "wide.npy"), index, measures


def by_group(images, wide, index, seed):
    """Give what a training by group needs: images, where windows are cut, index with split, symmetries."""
    split = splits.by_group(index["label"], index["group"], 0.3, seed)
    return images, wide, index.assign(split=split), augmentation.symmetries(index)


def leaky(images, _, index, seed):
    """Give the same for the thesis's protocol: turned copies are dealt to both sides, and are all the augmentation."""
    rows, elements, split = splits.thesis(len(images), seed)
    copies = augmentation.dihedral(images[rows], elements)
    return copies, copies, index.iloc[rows].reset_index(drop=True).assign(split=split), (0,)


def accuracies(model, images, index, seed):
    """Score each descriptor by forest and KNN: rows of dict."""
    flipped = descriptors.encode(model, images, seed, average="flips")
    found = descriptors.encode(model, images, seed) | {f"{name} over flips": flipped[name] for name in ("mu", "sigma")}
    for (name, vectors), classifier in itertools.product(found.items(), ("random forest", "KNN")):
        scored, _ = classify.score(
            vectors, index["label"], index["group"], index["split"], classifier=classifier, seed=seed
        )
        yield {"descriptor": name, "classifier": classifier, "accuracy": scored["accuracy"]}


def follow(data, seed, milestones, batch_size=16):
    """Train to each milestone and score the model there: (rows, model)."""
    images, wide, index, elements = data
    train, test = (np.flatnonzero(index["split"] == side) for side in ("train", "test"))
    recipe = training.Recipe(batch_size=batch_size, precision="auto", symmetries=elements)
    model, rows, done = vae.build(vae.Config(**FILTERS), seed), [], 0
    training.compile_autoencoder(model, recipe.learning_rate)
    training.start(model, wide, train, recipe, seed)
    per_epoch, precision = recipe.steps_per_epoch(len(train)), mixed_precision.choose("auto")
    for milestone in milestones:
        while done * per_epoch < milestone:
            done += 1
            with mixed_precision.computing(model, precision):
                training.run_epoch(model, wide, train, recipe, (seed, done))
        loss = training.evaluate(model, images, test, batch_size, seed)
        fact = {"step": done * per_epoch, "test_total": loss["total"], "test_kl": loss["kl"]}
        fact |= skill.table({"vae": model}, images, train, test).loc["vae", ["skill_test", "skill_pca"]].to_dict()
        rows += [fact | row for row in accuracies(model, images, index, seed)]
    return rows, model


def sensitivity(model, mu):
    """Predict log σ² from the decoder alone: (n, latent_dim).

    Where the loss is least, 1/σᵢ² = 1 + Σ_pixels p (1 − p) (∂ logit / ∂ zᵢ)²: an image is told exactly in the
    dimensions that its picture depends on.
    """
    found = []
    for point in mu:
        moved = np.concatenate([point + STEP * sign * np.eye(len(point), dtype=np.float32) for sign in (1, -1)])
        logits = keras.ops.convert_to_numpy(model.to_logits.predict(np.vstack([point[None], moved]), 64, verbose=0))
        there, up, down = logits[0], *np.split(logits[1:], 2)
        p = 1 / (1 + np.exp(-there))
        found.append(-np.log1p(np.sum(p * (1 - p) * ((up - down) / (2 * STEP)) ** 2, axis=(1, 2, 3))))
    return np.array(found)


def explain(model, data, measures, n=40):
    """Say how σ goes with the decoder's sensitivity, the contrast of the image and its pores: dict."""
    images, _, index, _ = data
    test = np.flatnonzero(index["split"] == "test")[:n]
    latent = descriptors.encode(model, images)
    log_var = 2 * np.log(latent["sigma"])
    predicted, own = sensitivity(model, latent["mu"][test]), log_var[test]
    within = predicted - predicted.mean(axis=0), own - own.mean(axis=0)
    mean_log_var = log_var.mean(axis=1)
    contrast = images.std(axis=(1, 2))
    found = {
        "log σ² and the decoder's sensitivity, all": spearmanr(predicted.ravel(), own.ravel()).statistic,
        "the same, between images": spearmanr(within[0].ravel(), within[1].ravel()).statistic,
        "mean log σ² and contrast of the image": spearmanr(mean_log_var, contrast).statistic,
    }
    for name in ("median_diameter_um", "density_per_mm2", "porosity"):
        if measures[name].notna().all():
            found[f"mean log σ² and {name}"] = spearmanr(mean_log_var, measures[name]).statistic
    known = measures.loc[:, measures.notna().all()]
    for name in ("mu", "sigma", "z"):
        bound, hits = associations(latent[name], known, index["group"])
        found |= {f"dimensions of {name} above the bound": hits, f"bound of |ρ|, {name}": bound}
    return found | {"active": int(objective.usage(latent["mu"], latent["sigma"])["active"].sum())}


def associations(mu, measures, groups, n_permutations=200, seed=0):
    """Count the dimensions whose correlation with a measure is beyond what whole groups, dealt anew, reach.

    Returns the 95 % quantile of the largest |ρ| of all dimensions and measures, and the number of dimensions above it.
    """
    rng, groups = np.random.default_rng(seed), np.asarray(groups)
    means = pd.DataFrame(mu).groupby(groups).mean(), measures.groupby(groups).mean()
    strongest = [
        np.nanmax(
            np.abs(pore_prediction.rank_correlations(means[0].to_numpy(), means[1].sample(frac=1, random_state=i)))
        )
        for i in rng.integers(2**31, size=n_permutations)
    ]
    bound = float(np.quantile(strongest, 0.95))
    rho = np.abs(pore_prediction.rank_correlations(means[0].to_numpy(), means[1]))
    return bound, int((np.nanmax(rho, axis=1) > bound).sum())


def main():
    """Print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="data folder (default: synthetic foam)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[10, 11, 12], help="of data, split and training")
    parser.add_argument("--milestones", nargs="+", type=int, default=MILESTONES, help="steps after which to score")
    parser.add_argument("--n-per-class", type=int, default=150, help="synthetic foams (default 150)")
    parser.add_argument("--out", type=pathlib.Path, default="thesis.csv", help="table to write; NAME-why.csv beside it")
    options = parser.parse_args()
    name, rows, reasons = (options.folder.name if options.folder else "synthetic foam"), [], []
    drawn = functools.lru_cache(maxsize=1)(lambda seed: read(options.folder, seed, options.n_per_class))
    for seed, protocol in itertools.product(options.seeds, (by_group, leaky)):
        *images_and_index, measures = drawn(seed)
        data = protocol(*images_and_index, seed)
        found, model = follow(data, seed, options.milestones)
        about = {"data": name, "protocol": protocol.__name__, "seed": seed}
        rows += [about | row for row in found]
        if protocol is by_group:
            reasons.append(about | {"step": found[-1]["step"]} | explain(model, data, measures))
        files.write_csv(options.out, pd.DataFrame(rows))
        files.write_csv(options.out.with_name(f"{options.out.stem}-why.csv"), pd.DataFrame(reasons))
        table = pd.DataFrame(rows).pivot_table(index=["protocol", "step"], columns=["classifier", "descriptor"],
                                               values="accuracy")  # fmt: skip
        print(table.round(3).to_string(), pd.DataFrame(reasons).T.to_string(), sep="\n\n", flush=True)


if __name__ == "__main__":
    main()
