"""How right the pores are, and how often a picture is called doubtful: the goals' table on pictures with truth.

    python tests/benchmarks/pores.py [--steel ../shared/data/uhcs3] [--share 1] > reports/pores.csv

Foams have the seeds 0 to 99, structures those from 300 on; limits were chosen on seeds from 1000 on. With a `share`
below 1, as many of the pictures.
"""

import argparse
import collections
import math
import pathlib
import sys
import time

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from nanofoam_lib.images import (
    micrographs,
    pore_methods,
    pore_precision,
    pore_space,
    pore_study,
    pores,
    structures,
    synthetic,
)  # fmt: skip
from nanofoam_lib.images.structure_imaging import Imaging

CROP, SIZE, UM = 0.15, (600, 800), 0.54


def foam(seed, composition=None):
    """Draw a foam: grey, truth of the cropped area."""
    composition = composition or list(synthetic.COMPOSITIONS)[seed % 3]
    image, truth = synthetic.foam_micrograph(composition, seed, SIZE, UM)
    mask = synthetic.foam_mask(composition, seed, SIZE, UM)
    top, left = (round(CROP * side) for side in SIZE)
    x, y = (truth["centres_um"] / UM).T
    kept = (x >= left) & (x < SIZE[1] - left) & (y >= top) & (y < SIZE[0] - top)
    return np.asarray(Image.fromarray(image).convert("L")), {
        "n_pores": kept.sum(),
        "median_diameter_um": np.median(truth["diameters_um"][kept]),
        "porosity": mask[top : SIZE[0] - top, left : SIZE[1] - left].mean(),
    }


def lit(grey, seed):
    """Let the light fall off by 40 % to one side, and add noise."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * math.pi)
    y, x = np.mgrid[-1 : 1 : grey.shape[0] * 1j, -1 : 1 : grey.shape[1] * 1j]
    fall = (x * math.cos(angle) + y * math.sin(angle)) / (abs(math.cos(angle)) + abs(math.sin(angle)))
    return np.uint8(np.clip(grey * (1 + 0.4 * fall) + rng.normal(0, 8, grey.shape), 0, 255))


def cells(seed, wall_grey):
    """Draw closed cells of random traits with reflections and uneven light: grey, and the true cells."""
    rng = np.random.default_rng(seed)
    traits = {
        "size": rng.uniform(40, 90), "wall": rng.uniform(3, 7), "regularity": rng.uniform(0.5, 1),
        "spread": rng.uniform(0.05, 0.4), "wall_grey": wall_grey, "shade": rng.uniform(0.3, 1),
        "glints": rng.uniform(0.2, 0.8), "open": 0.0, "light": rng.uniform(0, 6),
    }  # fmt: skip
    imaging = Imaging(110, 40, blur=rng.uniform(0.5, 1.5), noise=rng.uniform(2, 7), gradient=rng.uniform(0.1, 0.4),
                      direction=rng.uniform(0, 6))  # fmt: skip
    structure = structures.Structure("cells", traits)
    border = structures._geometry(structure, seed, SIZE).diagram.border
    truth = (structures.labels(structure, seed, SIZE) + 1) * (border > traits["wall"] / 2)
    return structures.picture(structure, seed, SIZE, imaging), truth


def dice(found, truth):
    """Area-weighted mean over true cells of the Dice with the found one that fits best."""
    table = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(table, (truth, found), 1)
    both, of_truth, of_found = table[1:, 1:], table.sum(axis=1)[1:], table.sum(axis=0)[1:]
    best = (2 * both / np.maximum(of_truth[:, None] + of_found, 1)).max(axis=1)
    return np.average(best, weights=of_truth)


def waves(seed):
    """Draw a levelled wave: grey, and its pores."""
    rng = np.random.default_rng(seed)
    traits = {"size": rng.uniform(30, 80), "fraction": rng.uniform(0.3, 0.65), "relief": 0.0, "band": 0.1}
    structure = structures.Structure("waves", traits)
    imaging = Imaging(blur=rng.uniform(0.3, 1.2), noise=rng.uniform(1, 7), gradient=rng.uniform(0, 0.2))
    return structures.picture(structure, seed, SIZE, imaging), ~structures.phase(structure, seed, SIZE)


def noise(seed):
    """Draw noise: white, smooth, or of a power law."""
    rng = np.random.default_rng(seed)
    if seed % 3 == 2:
        return structures.picture(structures.draw_structure(seed, "noise"), seed, SIZE)
    field = ndimage.gaussian_filter(rng.standard_normal(SIZE), rng.uniform(1, 8) if seed % 3 else 0)
    return np.uint8(np.clip(128 + 45 * field / field.std(), 0, 255))


def _phases(kind, traits, n):
    """Draw n masks of the phase of a structure, of the size at which pictures are measured."""
    structure = structures.Structure(kind, traits)
    return (structures.phase(structure, seed, (346, 462)) for seed in range(300, 300 + n))


def judge(pictures, method="auto", crop=0.0):
    """Count verdicts: share doubtful, and how often each method was taken."""
    found = [pore_methods.find(pores.square(grey, 1.0, crop)[0], method) for grey in pictures]
    taken = collections.Counter(own.method for own in found)
    return np.mean([own.verdict == "doubtful" for own in found]), dict(taken)


def rows(share, steel):
    """Give the table: what, value, goal."""
    n = max(round(100 * share), 4)
    for name, change in (("foam", lambda grey, _: grey), ("foam, light gradient of 40 % and noise", lit)):
        errors, doubtful = [], []
        for seed in range(n):
            grey, truth = foam(seed)
            study = pore_study.of_picture(change(grey, seed), UM, pore_study.Request(crop=CROP), is_brief=True)
            own = study.row
            doubtful.append(own["verdict"] == "doubtful")
            relative = [own[key] / truth[key] - 1 for key in ("n_pores", "median_diameter_um")]
            errors.append([*relative, own["porosity"] - truth["porosity"]])
        mean, worst = np.mean(errors, axis=0), np.quantile(np.abs(errors), 0.95, axis=0)
        for i, (what, goal) in enumerate((("count", 0.03), ("median diameter", 0.02), ("porosity", 0.01))):
            yield name, f"{what}, mean error", n, mean[i], f"±{goal}"
            yield name, f"{what}, 95 % quantile of its size", n, worst[i], f"{2 * goal}"
        yield name, "doubtful", n, np.mean(doubtful), "≤ 0.02"
    m = max(round(30 * share), 3)
    for name, wall_grey in (("closed cells, bright walls", 1.0), ("closed cells, dark walls", 0.0)):
        scores, counts, shares, drawn = [], [], [], []
        for seed in range(300, 300 + m):
            grey, truth = cells(seed, wall_grey)
            picture, _ = pores.square(grey, 1.0, 0)
            true = np.asarray(Image.fromarray(truth.astype(np.int32)).resize(picture.shape[::-1], 0))
            found = pore_methods.label(picture, "cells")
            scores.append(dice(found, true))
            counts.append((len(np.unique(found)) - 1) / (np.bincount(true.ravel())[1:] > 20).sum() - 1)
            shares.append((found > 0).mean() - (true > 0).mean())
            drawn.append(grey)
        yield name, "Dice of cells, mean", m, np.mean(scores), "≥ 0.90"
        yield name, "Dice of cells, worst", m, np.min(scores), ""
        yield name, "count, mean error", m, np.mean(counts), "±0.10"
        yield name, "count, largest error", m, np.max(np.abs(counts)), ""
        found = [pore_methods.find(pores.square(grey, 1.0, 0)[0]) for grey in drawn]
        ok = np.array([own.verdict == "ok" for own in found])
        taken = dict(collections.Counter(own.method for own in found))
        yield name, f"auto takes {taken}, doubtful", m, 1 - ok.mean(), ""
        yield name, "porosity, mean error", m, np.mean(shares), ""
        yield name, "porosity, mean error of those not doubted", ok.sum(), np.mean(np.array(shares)[ok]), ""
        yield name, "porosity, largest error of those not doubted", ok.sum(), np.abs(np.array(shares)[ok]).max(), ""
        yield name, "dark is doubtful", m, judge(drawn, "dark")[0], "≥ 0.90"
    errors, thickness, drawn = [], [], []
    for seed in range(300, 300 + m):
        grey, true = waves(seed)
        picture, side = pores.square(grey, 1.0, 0)
        mask = pore_methods.label(picture) > 0
        errors.append(mask.mean() - true.mean())
        means = [pore_space.local_thickness(own)[own].mean() for own in (mask, true)]
        thickness.append(means[0] * side / means[1] - 1)
        drawn.append(grey)
    yield "bicontinuous", "porosity, mean error", m, np.mean(errors), "±0.005"
    yield "bicontinuous", "porosity, largest error", m, np.max(np.abs(errors)), ""
    yield "bicontinuous", "local thickness against that of the true phase, mean error", m, np.mean(thickness), "±0.03"
    yield "bicontinuous", "the same, largest error", m, np.max(np.abs(thickness)), ""
    yield "bicontinuous", "doubtful", m, judge(drawn)[0], ""
    yield "noise", "doubtful", m, judge([noise(seed) for seed in range(300, 300 + m)])[0], "≥ 0.90"
    blurred = [ndimage.gaussian_filter(foam(seed)[0], 12) for seed in range(m)]
    yield "foam out of focus (σ = 12 of 800 pixels)", "doubtful", m, judge(blurred, crop=CROP)[0], "≥ 0.90"
    if steel:
        paths = sorted(steel.glob("*/*.jpg"))[:: max(round(1 / share), 1)]
        doubtful, taken = judge(map(micrographs.read, paths))
        yield "steel", f"auto takes {taken}, doubtful", len(paths), doubtful, "≥ 0.90"
    drawn = {
        "waves": _phases("waves", {"size": 30.0, "fraction": 0.5, "relief": 0.0}, 2 * n),
        "pores in rows": _phases("pores", {"size": 18.0, "porosity": 0.4, "wall": 1.5}, 2 * n),
        "random pores": _phases("pores", {"size": 18.0, "porosity": 0.4, "wall": 0.0, "regularity": 0.0}, 2 * n),
        "foam": (synthetic.foam_mask("CuNi2", seed, (346, 462), 0.9) for seed in range(2 * n)),
    }
    for name, masks in drawn.items():
        found = [(mask.mean(), pore_precision.porosity_error(mask)) for mask in masks]
        shares, errors = np.array(found).T
        covered = (abs(shares - shares.mean()) < pore_precision.STUDENT * errors).mean()
        yield f"interval of porosity, {name}", "coverage at 95 %", 2 * n, covered, "0.90–0.98"
    grey = np.asarray(Image.fromarray(foam(0)[0]).resize((1600, 1200)))
    for name, own in (("foam", grey), ("closed cells", np.kron(cells(300, 1.0)[0], np.ones((2, 2), np.uint8)))):
        spent = []
        for _ in range(5):
            start = time.process_time()
            pore_study.of_picture(own, 0.27, pore_study.Request(crop=CROP))
            spent.append(time.process_time() - start)
        yield f"{name}, 1600×1200, all measures", "seconds of one core", 5, min(spent), "≤ 0.5"


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steel", type=pathlib.Path)
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args()
    print("on,what,n,value,goal", flush=True)
    for row in rows(options.share, options.steel):
        pd.DataFrame([row]).to_csv(sys.stdout, index=False, header=False, float_format="%.4f")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
