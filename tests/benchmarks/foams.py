"""Hold what finished runs draw to the goals for foams: ``uv run python tests/benchmarks/foams.py RUN … [--out CSV]``.

Of each run folder the texture model redraws its held-out images, each from their μ and a field of noise of its own, and
the pores of both are measured. What the run says itself of its foams (two-sample test, copies, diversity, orders), of
the skill of its models and of what a forest and KNN read from them comes from its tables. Last stands the mean.
"""

import argparse

import numpy as np
import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.latent import fulfilment
from nanofoam_lib.models import descriptors, generated, vae

KIND = "texture"


def redraw(run, size):
    """Measure the pores of real held-out images and of the texture model's pictures of them: dict of numbers."""
    images, index = run.load_images(), run.load_index()
    real = generated.hold_out(images, index)
    mu = files.read_npz(run.descriptors(KIND, size))["mu"][real.rows]
    pictures = descriptors.decode(vae.load(run.model(KIND, size)), mu, seed=1, own_noise=True)
    drawn = generated.features(generated.generation.to_bytes(pictures), real.um)["pores"]
    names = generated.PORE_MEASURES
    found = {}
    for name, own, other in zip(names, real.features["pores"].T, drawn.T, strict=True):
        found |= {f"{name}_real": np.nanmean(own), name: np.nanmean(other)}
    diameter = names.index("median_diameter_um")
    pair = np.array([real.features["pores"][:, diameter], drawn[:, diameter]])
    found["diameter_correlation"] = np.corrcoef(pair[:, np.isfinite(pair).all(axis=0)])[0, 1]
    return found


def orders(run):
    """Read how foams made to order came out: dict of numbers."""
    summary = fulfilment.summarise(pd.read_csv(run.table(f"design_{KIND}")))
    alone = summary[summary["picture"] == fulfilment.DESIGNED]
    columns = ["error", "train_median", "middle", "rank_correlation"]
    return {f"{row['measure']}_{name}": row[name] for _, row in alone.iterrows() for name in columns}


def tables(run):
    """Read the two-sample test and what descriptors know: dict of numbers."""
    quality = pd.read_csv(run.table("generated_quality")).query("kind == @KIND")
    found = {f"told_by_{row.features}": row.accuracy for row in quality.itertuples()}
    found |= quality[["copies", "diversity"]].iloc[0].to_dict()
    models = pd.read_csv(run.table("models"))
    for row in models.itertuples():
        found |= {
            f"skill_{row.kind}": row.skill_test,
            f"pca_{row.kind}": row.skill_pca,
            f"contrast_{row.kind}": row.contrast,
        }
    scores = pd.read_csv(run.table("table1")).query("protocol == 'by-group' and classifier != 'decision tree'")
    for row in scores.itertuples():
        found[f"{row.classifier} {row.kind} {row.descriptor}"] = row.accuracy
    return found


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("runs", nargs="+", type=Run)
    parser.add_argument("--latent-dim", type=int, default=128)
    parser.add_argument("--out")
    options = parser.parse_args()
    rows = {run.folder.name: redraw(run, options.latent_dim) | orders(run) | tables(run) for run in options.runs}
    table = pd.DataFrame(rows)
    table["mean"] = table.mean(axis=1)
    print(table.round(3).to_string())
    if options.out:
        files.write_csv(options.out, table.rename_axis("number").reset_index())


if __name__ == "__main__":
    main()
