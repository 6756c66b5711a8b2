"""What sections tell of stiffness: nanoporous metals whose elastic constants are known from molecular dynamics.

    uv run python tests/benchmarks/properties.py [../shared/data/nanoporous] [--share 1] [--csv reports/properties.csv]

Each structure, a levelled wave [1]_ with the phases that the table holds, is cut by planes, evenly spaced along one
axis or anywhere along the three, and photographed with blur, noise and uneven light. A structure is a specimen. Its
modulus, the mean of C11, C22 and C33, is predicted from what the sections show by ridge regression on specimens not
seen (`property_study.study`). Everything was chosen on gold 0 to 199 with random numbers of its own; reported are
gold from 200 and silver from 50 on, of which `share` are taken.

With ``--foams`` instead: whether the 90 % intervals of `properties.fit` hold on 201 fresh specimens of synthetic foam,
for each property, and what R² texture μ as it ships reaches beside the true pore measures.

.. [1] C. Soyarslan et al., Acta Materialia 149 (2018) 326, doi:10.1016/j.actamat.2018.01.005
"""

import argparse
import functools
import math
import pathlib
import sys
import tempfile

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import ndimage, special
from skimage.filters import threshold_otsu

from nanofoam_lib.images import micrographs, pore_space, synthetic_folder, targets
from nanofoam_lib.images.structure_imaging import Imaging, expose
from nanofoam_lib.latent import binary_patterns, properties, property_study
from nanofoam_lib.models import descriptors

SIDE, CELL_UM = 128, 0.0509
WAVES = np.array([h for h in np.ndindex(7, 7, 7) if sum((np.array(h) - 3) ** 2) == 9]) - 3  # h² = 9, in order
PUBLISHED = ["solid_fraction", "genus", "mean_ligament_diameter_angstrom"]
FIRST = {"gold": 200, "silver": 50}  # those before served to choose
EVEN, RANDOM, PART = "even", "random", "even, over 0.8 of the cell"
#: Sections per structure; what they are described by: everything, or only what is measured.
DESIGNS = {
    (EVEN, 12): True, (RANDOM, 12): True, (EVEN, 3): False, (EVEN, 6): False, (EVEN, 24): False,
    (PART, 12): False, (RANDOM, 3): False, (RANDOM, 6): False, (RANDOM, 24): False,
}  # fmt: skip


def plane(phases, axis, place):
    """Evaluate the wave, f(x) = √(2/30) Σ cos(2π h·x + φ), on a plane at `place` in [0, 1) across an axis."""
    rows, columns = (i for i in range(3) if i != axis)
    factors = np.zeros((7, 7), complex)
    turned = np.exp(1j * (phases + 2 * math.pi * WAVES[:, axis] * place))
    np.add.at(factors, (WAVES[:, rows] + 3, WAVES[:, columns] + 3), turned)
    along = np.exp(2j * math.pi * np.outer((np.arange(SIDE) + 0.5) / SIDE, np.arange(-3, 4)))
    return math.sqrt(2 / 30) * (along @ factors @ along.T).real


def places(design, n, rng):
    """Choose where n planes lie: pairs of axis and place."""
    if design == RANDOM:
        return [(i % 3, rng.random()) for i in range(n)]
    span = 0.8 if design == PART else 1.0
    axis, start = int(rng.integers(3)), rng.random()
    return [(axis, (start + span * i / n) % 1) for i in range(n)]


def photograph(solid, rng):
    """Take a micrograph of a section, bool (H, W), solid bright: uint8 (H, W)."""
    imaging = Imaging(
        brightness=rng.uniform(95, 140), contrast=rng.uniform(35, 50), blur=rng.uniform(0.8, 1.5),
        noise=rng.uniform(4, 10), gradient=rng.uniform(0, 0.1), direction=rng.uniform(0, 2 * math.pi),
    )  # fmt: skip
    return expose(solid.astype(np.float32), imaging, rng)


def measure(picture):
    """Measure a micrograph: area, thickness, chords, correlation, connectivity (`pore_space.summarise`)."""
    smooth = ndimage.gaussian_filter(picture.astype(float), 1.0)
    solid = smooth > threshold_otsu(smooth)
    found = {"area": float(solid.mean())} | pore_space.summarise(~solid, CELL_UM / SIDE)
    labels, found["islands"] = ndimage.label(solid)
    _, found["holes"] = ndimage.label(~solid)
    return found | {"largest": float(np.bincount(labels.ravel())[1:].max(initial=0) / max(solid.sum(), 1))}


def cut(row, design, n):
    """Cut, photograph and measure a structure: uint8 (n, H, W), list of dict."""
    rng = np.random.default_rng((row["metal"] == "gold", row["number"], n, len(design)))
    level = math.sqrt(2) * special.erfinv(2 * row["target_solid_fraction"] - 1)
    phases = np.array([row[f"phase_{i}"] for i in range(1, 31)])
    pictures = [photograph(plane(phases, *where) < level, rng) for where in places(design, n, rng)]
    return np.stack(pictures), [measure(picture) for picture in pictures]


def describe(rows, design, n, everything):
    """Describe the sections of all structures: dict of name to vectors (structures, D), means over the sections."""
    found = list(Parallel(n_jobs=-1)(delayed(cut)(row, design, n) for row in rows.to_dict("records")))
    measured = pd.DataFrame([numbers for _, own in found for numbers in own])
    measured = measured.fillna(measured.median()).to_numpy()
    vectors = {"area of the solid": measured[:, :1], "pore measures": measured}
    if everything:
        images = np.concatenate([pictures for pictures, _ in found])
        vectors |= {"LBP": binary_patterns.lbp_histograms(images), "texture μ": descriptors.pretrained(images)}
        vectors["texture μ and pore measures"] = np.column_stack([vectors["texture μ"], measured])
    return {name: own.reshape(len(rows), n, -1).mean(axis=1) for name, own in vectors.items()}


def score(vectors, rows, design, n):
    """Predict the modulus from each description, of gold, silver and both: a table."""
    parts, modulus = [], rows[["c11_gpa", "c22_gpa", "c33_gpa"]].mean(axis=1)
    for name, metals in {"gold": ["gold"], "silver": ["silver"], "both": ["gold", "silver"]}.items():
        own = rows["metal"].isin(metals).to_numpy()
        index = pd.DataFrame({"label": rows["metal"][own], "group": np.flatnonzero(own)})
        targets = pd.DataFrame({"modulus_gpa": modulus[own]})
        keys = {("control", vector.shape[1], called): vector[own] for called, vector in vectors.items()}
        for seed in range(3):
            found = property_study.study(keys, targets, index, seed, keys, models=[property_study.NAMED]).predictions
            parts.append(found.assign(metal=name, seed=seed))
    found = pd.concat(parts)
    found["inside"] = found["measured"].between(found["low"], found["high"])
    found["error2"] = (found["measured"] - found["predicted"]) ** 2
    table = found.groupby(["metal", "descriptor"], sort=False).agg(
        dims=("latent_dim", "first"), n_specimens=("group", "nunique"), r2=("r2", "mean"), error2=("error2", "mean"),
        coverage=("inside", "mean"),
    )  # fmt: skip
    table.insert(2, "rmse_gpa", np.sqrt(table.pop("error2")))
    return table.reset_index().assign(design=design, sections=n)


def study(folder, share):
    """Score what sections show, and what is known of the structures: a table."""
    every = pd.read_csv(pathlib.Path(folder) / "structures.csv")
    parts = [own[own["number"] >= FIRST[metal]] for metal, own in every.groupby("metal", sort=False)]
    rows = pd.concat([own.head(round(share * len(own))) for own in parts], ignore_index=True)
    known = {"true solid fraction": rows[PUBLISHED[:1]].to_numpy(), "published descriptors": rows[PUBLISHED].to_numpy()}
    tables = [score(known, rows, "truth", 0)]
    for (design, n), everything in DESIGNS.items():
        tables.append(score(describe(rows, design, n, everything), rows, design, n))
        print(tables[-1].round(2).to_string(), file=sys.stderr, flush=True)
    return pd.concat(tables, ignore_index=True)


def foams(seeds=(100, 200, 300)):
    """Fit on 120 specimens of foam, two pictures each, and predict 201 others, a picture at a time: a table."""
    rows = []
    for seed in seeds:
        (x, known), (new, fresh) = (_foam_vectors(*drawn) for drawn in ((80, 40, seed), (134, 67, seed + 1)))
        for target in ("cu_m", "modulus_gpa", "permeability_um2"):
            for name, old in x.items():
                learnt = properties.fit(old, known[target], known["group"])
                value, low, high = learnt.predict(new[name])
                left = ((value - fresh[target]) ** 2).sum() / ((fresh[target] - fresh[target].mean()) ** 2).sum()
                inside = fresh[target].between(low - 1e-9, high + 1e-9).mean()
                rows.append({"seed": seed, "target": target, "descriptor": name, "r2": 1 - left, "coverage": inside})
    return pd.DataFrame(rows)


def _foam_vectors(n, specimens, seed):
    """Draw foams of three compositions: texture μ and true pore measures of each picture, and what is known of it."""
    with tempfile.TemporaryDirectory() as place:
        table = synthetic_folder.write_folder(
            place, n, specimens, (360, 480), 0.9, seed, progress=lambda them, **_: them
        )
        greys = [micrographs.read(pathlib.Path(place, path)) for path in table["path"]]
    images = np.stack([micrographs.preprocess(grey) for grey in greys])
    return {"texture μ": descriptors.pretrained(images), "true pores": table[[*targets.TRUTH]].to_numpy(float)}, table


def main():
    """Print the table as CSV, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="../shared/data/nanoporous")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--csv", default=None)
    parser.add_argument("--foams", action="store_true")
    given = parser.parse_args()
    if given.foams:
        print(foams().round(4).to_csv(index=False, lineterminator="\n"), end="")
        return
    table = study(given.folder, given.share)
    columns = ["metal", "design", "sections", "descriptor", "dims", "r2", "rmse_gpa", "coverage", "n_specimens"]
    text = table[columns].round(4).to_csv(index=False, lineterminator="\n")
    (pathlib.Path(given.csv).write_text if given.csv else functools.partial(print, end=""))(text)


if __name__ == "__main__":
    main()
