"""What the texture model's μ is worth: ``uv run python tests/benchmarks/texture_descriptors.py [DIR]``.

On synthetic foam, on three kinds of procedural structures (closed cells, levelled waves, fibres: three classes each,
which differ in few traits while others vary freely) and on the micrographs in DIR, if given, every descriptor is scored
by forest, SVM and KNN on groups that they have not seen: four folds, dealt anew for every fold seed. Descriptors are μ
as it ships, what it is made of and otherwise could be made of, and controls that no one trained. Of foams also how far
the median diameter can be predicted within classes. Seeds are none of those that served to choose (fold seeds 100 to
103, structure seed 100, foam seed 1000), nor of those on which a former version was reported (200 to 204, 300, 0, 1).
"""

import argparse
import math
import pathlib
import tempfile
import time

import numpy as np
import pandas as pd
import pretrain
import scipy.linalg
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from nanofoam_lib.base import files
from nanofoam_lib.images import micrographs, pores, preprocessing, structure_kinds, structures, synthetic_folder
from nanofoam_lib.latent import binary_patterns, classify, controls, intervals, ridge, scattering, specimen_axes
from nanofoam_lib.models import descriptors, objective, texture_encoder, texture_statistics, training, vae

CROP = 0.15
FOLDS, SPECIMENS, PICTURES = 4, 24, 4
FEW = 30  # train pictures, as many of each class
CLASSIFIERS = ("random forest", "SVM", "KNN")
BEST = ("random forest", "SVM")
R2 = "R² within classes"
TEXTURE, ABLATION, CONTROL, CEILING = "texture", "ablation", "control", "ceiling"
MU = "texture μ"
#: Of each kind, the traits of three classes, and those that every specimen draws for itself.
STUDIES = {
    "cells": (
        [{"size": 14.0, "wall": 2.0}, {"size": 16.0, "wall": 2.0}, {"size": 16.0, "wall": 2.6}],
        ("shade", "glints", "light", "regularity", "open"),
    ),
    "waves": (
        [{"size": 14.0, "fraction": 0.40}, {"size": 16.5, "fraction": 0.40}, {"size": 14.0, "fraction": 0.46}],
        ("grain", "rough", "relief"),
    ),
    "fibres": (
        [
            {"width": 3.0, "density": 1.2, "scatter": 0.6},
            {"width": 3.5, "density": 1.2, "scatter": 0.6},
            {"width": 3.0, "density": 1.2, "scatter": 0.9},
        ],
        ("angle", "length", "shade", "depth", "rim"),
    ),
}


class Data:
    """Pictures (N, 128, 128), labels and groups; full-resolution greys; pore measures of foams."""

    def __init__(self, images, labels, groups, greys=None, measures=None):
        self.images, self.labels, self.groups = images, np.asarray(labels, str), np.asarray(groups, str)
        self.greys, self.measures = images if greys is None else greys, measures

    def folds(self, seed):
        """Deal the groups to folds: list of train and test rows."""
        dealt = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        return list(dealt.split(self.labels, self.labels, self.groups))


def read(folder, has_pores=False):
    """Read a data folder."""
    with tempfile.TemporaryDirectory() as place:
        index, _ = preprocessing.process(folder, pathlib.Path(place) / "images.npy", CROP)
        images = np.load(pathlib.Path(place) / "images.npy")
    paths = [folder / path for path in index["path"]]
    measures = pores.measure_all(paths, index["pixel_size_um"].to_numpy(), CROP, n_jobs=1) if has_pores else None
    return Data(images, index["label"], index["group"], [_cropped(micrographs.read(path)) for path in paths], measures)


def _cropped(grey):
    left, top, right, bottom = micrographs.crop_box(grey.shape[1], grey.shape[0], CROP)
    return grey[top:bottom, left:right]


def foam(seed):
    """Draw synthetic foams: three compositions, 20 specimens of each, three pictures of each specimen."""
    with tempfile.TemporaryDirectory() as place:
        synthetic_folder.write_folder(place, 60, 20, size=(360, 480), pixel_size_um=0.9, seed=seed, n_jobs=1)
        return read(pathlib.Path(place), has_pores=True)


def structure_study(kind, seed):
    """Draw a study of a kind: what makes a class scatters from specimen to specimen, nuisances are drawn at random."""
    classes, nuisances = STUDIES[kind]
    images, labels, groups = [], [], []
    for number, traits in enumerate(classes):
        for specimen in range(SPECIMENS):
            rng = np.random.default_rng((seed, number, specimen))
            own = {name: _scattered(name, value, rng) for name, value in traits.items()}
            own |= {name: structure_kinds.KINDS[kind].traits[name].draw(rng) for name in nuisances}
            structure = structures.Structure(kind, own)
            images += [structures.picture(structure, int(rng.integers(2**31))) for _ in range(PICTURES)]
            labels += ["ABC"[number]] * PICTURES
            groups += [f"{'ABC'[number]}{specimen}"] * PICTURES
    return Data(np.array(images), labels, groups)


def _scattered(name, value, rng):
    """Let a trait of a class scatter: lengths by 8 %, densities by 10 %, fractions by 0.02; others not."""
    chance = rng.standard_normal()
    if name in {"size", "width", "wall"}:
        return value * math.exp(0.08 * chance)
    if name == "density":
        return value * math.exp(0.1 * chance)
    return value + 0.02 * chance if name == "fraction" else value


def statistics_of(images):
    """Compute the statistics, means of maps of `texture_statistics`: float32 (N, F)."""
    network = pretrain.statistics_network()
    return network.predict(images[..., None] / np.float32(255), batch_size=50, verbose=0)


def windows(images):
    """Cut nine overlapping windows of 64×64 out of each, continued by reflection: (N, 9, 128, 128)."""
    cut = np.stack([images[:, y : y + 64, x : x + 64] for y in (0, 32, 64) for x in (0, 32, 64)], axis=1)
    cut = np.concatenate([cut, cut[:, :, ::-1]], axis=2)
    return np.concatenate([cut, cut[..., ::-1]], axis=3)


def describe(data):
    """Compute everything: dict of name → (role, vectors or a function of the train rows that gives them)."""
    mu = descriptors.pretrained(data.images)
    found = {MU: (TEXTURE, mu)}
    numbers, shipped = statistics_of(data.images), specimen_axes.load(texture_encoder.AXES)
    split = texture_statistics.N_MODULI
    parts = statistics_of(windows(data.images).reshape(-1, vae.SIZE, vae.SIZE)).reshape(len(numbers), 9, -1)
    n_axes, directions = texture_encoder.N_AXES, texture_encoder._directions(128)

    def own_axes(train):
        return specimen_axes.fit(parts[train]).project(numbers, n_axes) @ directions[:n_axes]

    def mixed_axes(train):
        return numbers @ mixture(shipped, specimen_axes.fit(parts[train]))[:, :n_axes] @ directions[:n_axes]

    ablations = {
        "its scattering alone, raw": numbers[:, :split],
        "its LBP alone, raw": numbers[:, split:],
        "its statistics, raw": numbers,
        "axes, not rotated": shipped.project(numbers, n_axes),
        **{f"{n} axes": shipped.project(numbers, n) @ directions[:n] for n in (20, 40, 60, 100, 126)},
        "axes of the train pictures' windows": own_axes,
        "axes, half and half": mixed_axes,
    }
    found |= {name: (ABLATION, vectors) for name, vectors in ablations.items()}
    scattered = scattering.scatter(data.images)
    detail = np.stack([binary_patterns.multiscale_lbp(grey) for grey in data.greys])
    plain = {
        "LBP": binary_patterns.lbp_histograms(data.images),
        "multi-scale LBP": detail,
        "scattering": scattered,
        "scattering + multi-scale LBP": np.concatenate([scattered, detail], axis=1),
        "power spectrum": controls.power_spectrum(data.images),
        "grey mean+std": controls.grey_statistics(data.images),
    }
    found |= {name: (CONTROL, vectors) for name, vectors in plain.items()}
    if data.measures is not None:
        measures = data.measures.select_dtypes("number")
        found["pore measures"] = (CEILING, measures.fillna(measures.median()).dropna(axis=1).to_numpy())
    return found


def mixture(shipped, own):
    """Give axes (F, F) for the mean of the covariances within specimens of two, own brought to the same trace."""
    back = np.linalg.inv(own.axes) @ shipped.axes  # own covariance, seen along the shipped axes, is backᵀ back
    within = back.T @ back
    within = (np.eye(len(within)) + within * len(within) / np.trace(within)) / 2
    _, turned = scipy.linalg.eigh(np.diag(shipped.ratio), within)
    return shipped.axes @ turned[:, ::-1]


def within_classes(vectors, target, data, train, test):
    """Predict a target within classes: sums of squares over the test pictures of what is left, and of what there is.

    From target and descriptor of every picture the means of its class over the train pictures are taken off. The
    penalty of the ridge regression has the least error on groups left out of train: pictures of one specimen resemble
    each other, and what is left out must not have had a say in the means.
    """
    inner = GroupKFold(ridge.FOLDS).split(train, groups=data.groups[train])
    errors = sum(_errors(vectors, target, data.labels, train[own], train[out]) for own, out in inner)
    return _errors(vectors, target, data.labels, train, test)[[errors[:-1].argmin(), -1]]


def _errors(vectors, target, labels, train, test):
    """Give the sum of squared errors on test for each of `ridge.ALPHAS`; last, the sum of squares itself."""
    y, x = target.copy(), vectors.copy()
    for label in np.unique(labels):
        own = labels == label
        y[own] -= target[train][own[train]].mean()
        x[own] -= vectors[train][own[train]].mean(axis=0)
    scale = x[train].std(axis=0)
    x /= np.where(scale > 1e-9, scale, 1)
    left, spread, right = np.linalg.svd(x[train], full_matrices=False)
    weights = spread / (spread**2 + ridge.ALPHAS[:, None])
    predicted = (weights * (left.T @ y[train])) @ (x[test] @ right.T).T
    return np.append(((y[test] - predicted) ** 2).sum(axis=1), (y[test] ** 2).sum())


def few(labels, rows, seed):
    """Choose `FEW` of the train rows, as many of each class."""
    rng, classes = np.random.default_rng(seed), np.unique(labels)
    own = [rng.permutation(rows[labels[rows] == label])[: FEW // len(classes)] for label in classes]
    return np.sort(np.concatenate(own))


def score(name, part, data, seeds, with_forest):
    """Score every descriptor: table of scores, and dict of (descriptor, train, classifier) → share of hits (N,).

    Ablations are not scored on few train pictures, and by forest only if asked to.
    """
    rows, hits = [], {}
    target = None if data.measures is None else data.measures["median_diameter_um"].to_numpy(float)
    for descriptor, (role, given) in describe(data).items():
        began = time.perf_counter()
        for seed in seeds:
            folds = data.folds(seed)
            own = {"data": name, "part": part, "descriptor": descriptor, "role": role, "fold_seed": seed}
            sums = np.zeros(2)
            shares = ("all",) if role == ABLATION else ("all", FEW)
            ways = CLASSIFIERS if role != ABLATION or with_forest else CLASSIFIERS[1:]
            hit = {(n, way): np.zeros(len(data.labels)) for n in shares for way in ways}
            for number, (train, test) in enumerate(folds):
                kept = {"all": train, FEW: few(data.labels, train, (seed, number))}
                for n in shares:
                    vectors = np.asarray(given(kept[n]) if callable(given) else given, float)
                    for way in ways:
                        hit[n, way][test] = _right(way, vectors, data.labels, kept[n], test)
                if target is not None:
                    vectors = np.asarray(given(train) if callable(given) else given, float)
                    sums += within_classes(vectors, target, data, train, test)
            for (n, way), right in hit.items():
                rows.append(own | {"train": n, "measure": way, "value": right.mean()})
                hits[descriptor, n, way] = hits.get((descriptor, n, way), 0) + right / len(seeds)
            if target is not None:
                rows.append(own | {"train": "all", "measure": R2, "value": 1 - sums[0] / sums[1]})
        print(f"{name} {part} {descriptor}: {time.perf_counter() - began:.0f} s", flush=True)
    return pd.DataFrame(rows), hits


def _right(way, vectors, labels, train, test):
    classifier = classify.CLASSIFIERS[way](0)
    if way == "random forest":
        classifier.set_params(n_jobs=1)  # of so few pictures, faster than threads
    return classifier.fit(vectors[train], labels[train]).predict(vectors[test]) == labels[test]


def best(table, train="all"):
    """Give the better of forest and SVM of each descriptor, by its mean over fold seeds, and their spread."""
    own = table[(table["train"].astype(str) == str(train)) & table["measure"].isin(BEST)]
    means = own.groupby(["data", "descriptor", "measure", "fold_seed"], sort=False)["value"].mean()  # over parts
    summary = means.groupby(level=[0, 1, 2], sort=False).agg(["mean", "std"]).reset_index()
    return summary.loc[summary.groupby(["data", "descriptor"], sort=False)["mean"].idxmax()]


def compare(name, table, hits, groups):
    """Compare μ with every control and the ceiling, each by a classifier or by its better one: rows with intervals."""
    rows = []
    others = table[table["role"].isin([CONTROL, CEILING])]["descriptor"].unique()
    for train in ("all", FEW):
        chosen = best(table, train).set_index("descriptor")["measure"]
        for other in others:
            for way in (*CLASSIFIERS, "best"):
                ways = (chosen[MU], chosen[other]) if way == "best" else (way, way)
                difference = hits[MU, train, ways[0]] - hits[other, train, ways[1]]
                low, high = intervals.interval(difference, groups)
                row = {"data": name, "train": train, "other": other, "classifier": way}
                rows.append(row | {"difference": difference.mean(), "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows)


def divergence(name, data, steps):
    """Train a texture model shortly on one fold; KL in nats per picture on train and test, and what became of μ."""
    train, test = data.folds(300)[0]
    model = vae.build(vae.Config("texture", 128, (16, 24, 48, 64), (64, 24, 12)))
    training.fit(model, data.images, train, test, training.Recipe(steps=steps, batch_size=16))
    found = descriptors.encode(model, data.images)
    kl = [objective.dimension_kl(found["mu"][rows], found["sigma"][rows]).sum() for rows in (train, test)]
    shipped = descriptors.pretrained(data.images)
    shipped, mu = shipped - shipped.mean(axis=0), found["mu"] - found["mu"].mean(axis=0)
    scale = (shipped * mu).sum() / (shipped**2).sum()
    rows = {"KL train": kl[0], "KL test": kl[1], "scale of μ": scale, "off it": abs(mu - scale * shipped).max()}
    common = {"data": name, "part": 0, "descriptor": MU, "role": TEXTURE, "fold_seed": 300, "train": "all"}
    return pd.DataFrame([common | {"measure": measure, "value": value} for measure, value in rows.items()])


def parts_of(options):
    """Yield the name of each data set, and its parts by number, each a function."""
    if options.folder is not None:
        yield options.folder.name, {0: lambda: read(options.folder)}
    yield "foam", {seed: lambda seed=seed: foam(seed) for seed in options.foam_seeds}
    for kind in STUDIES:
        yield kind, {options.structure_seed: lambda kind=kind: structure_study(kind, options.structure_seed)}


def main():
    """Write scores and differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="data folder of micrographs")
    parser.add_argument("--fold-seeds", nargs="+", type=int, default=[300, 301, 302, 303, 304])
    parser.add_argument("--foam-seeds", nargs="+", type=int, default=[2, 3])
    parser.add_argument("--structure-seed", type=int, default=400)
    parser.add_argument("--steps", type=int, default=200, help="of the training that KL is measured after, 0 for none")
    parser.add_argument("--only", nargs="+", help="data sets, by name (default: all)")
    parser.add_argument("--out", type=pathlib.Path, default="descriptors.csv", help="scores; differences beside it")
    options = parser.parse_args()
    tables, differences, trainings = [], [], {}
    for name, parts in parts_of(options):
        if options.only and name not in options.only:
            continue
        own, hits, groups = [], {}, []
        for part, make in parts.items():
            data = make()
            trainings.setdefault(name, data)
            table, right = score(name, part, data, options.fold_seeds, name not in {"foam", *STUDIES})
            own.append(table)
            hits = {key: np.append(hits.get(key, []), values) for key, values in right.items()}
            groups += [f"{part} {group}" for group in data.groups]
        tables += own
        differences.append(compare(name, pd.concat(own), hits, groups))
        files.write_csv(options.out, pd.concat(tables, ignore_index=True))
        files.write_csv(options.out.with_stem(options.out.stem + "-differences"), pd.concat(differences))
        print(best(pd.concat(own)).round(3).to_string(), flush=True)
        print(differences[-1].query("classifier == 'best'").round(3).to_string(), flush=True)
    for name, data in trainings.items():
        if options.steps and name not in STUDIES:
            tables.append(divergence(name, data, options.steps))
            print(tables[-1][["data", "measure", "value"]].round(4).to_string(), flush=True)
            files.write_csv(options.out, pd.concat(tables, ignore_index=True))


if __name__ == "__main__":
    main()
