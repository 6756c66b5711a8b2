"""The page that a run ends in: every figure and table in one file that opens offline."""

import base64
import pathlib

import jinja2
import pandas as pd

from nanofoam_lib import files

TEMPLATE = pathlib.Path(__file__).with_name("report.html.j2")
LONGEST_TABLE = 400  # rows shown; the file holds them all

#: Captions of the figures and tables that are known, in the order of the page; others follow by name.
CAPTIONS = {
    "micrographs_raw": "Micrographs as they came, a few of each class.",
    "micrographs_processed": "The same micrographs as the network sees them: grey, cropped, 128×128 pixels. "
    "They are drawn in their true proportions; the network's pixels are not square.",
    "training": "Loss by epoch: reconstruction and KL divergence, on train images (solid) and test images (dashed).",
    "reconstructions": "Test images (top) and what each model makes of them.",
    "pca": "Latent vectors of the VAE on their first two principal components, fitted on train, applied to test.",
    "lda": "Latent vectors of the VAE on their two linear discriminants. The axes are made to separate the train "
    "images; only the test side is evidence.",
    "distances": "Distances between σ vectors within two classes (WSS) and between them (BSS).",
    "controls": "Accuracy of a random forest on the models' descriptors (circles) and on the controls (squares), with "
    "95 % intervals by bootstrap over groups.",
    "confusion": "Whom the random forest takes for whom: counts on test, shaded by share of the true class.",
    "geometry": "How well each descriptor predicts each pore measure of unseen groups: cross-validated R².",
    "table1": "Accuracy on the test groups, with its 95 % interval by bootstrap over groups.",
    "separation": "Mean distances within (WSS) and between (BSS) classes, R = BSS / (BSS + WSS), its 95 % interval "
    "and a permutation p-value.",
    "dimensions": "Every latent dimension: KL divergence, effect size between classes, importance to a random forest, "
    "and the pore measure it follows most closely on train.",
    "seeds": "Accuracy over repetitions of the training with several seeds.",
    "near_duplicates": "Pairs of a train and a test image that show the same picture.",
    "models": "The trained models: loss in nats per image after the last epoch, epoch of the lowest test loss, "
    "and latent dimensions with a KL divergence above 0.01 nat on train.",
}


def write(run):
    """Write ``index.html`` of a run from its manifest, figures and tables.

    Parameters
    ----------
    run : runs.Run

    Notes
    -----
    Figures are embedded, so the page needs no other file and no network. Names from the disk are escaped.
    """
    manifest = run.load_manifest()
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=run.folder.resolve().name,
        manifest=manifest,
        warnings=[(step, text) for step, done in manifest["steps"].items() for text in done["warnings"]],
        figures=[_figure(path) for path in _ordered(run.folder.glob("figures/*.png"))],
        tables=[_table(path) for path in _ordered(run.folder.glob("tables/*.csv"))],
    )
    files.write_text(run.report, page)


def _ordered(paths):
    known = list(CAPTIONS)
    return sorted(paths, key=lambda path: (known.index(path.stem) if path.stem in known else len(known), path.name))


def _figure(path):
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"name": path.stem, "caption": CAPTIONS.get(path.stem, ""), "source": f"data:image/png;base64,{data}"}


def _table(path):
    table = pd.read_csv(path, keep_default_na=False)
    rows = [[_cell(value) for value in row] for row in table.head(LONGEST_TABLE).itertuples(index=False)]
    return {
        "name": path.stem,
        "caption": CAPTIONS.get(path.stem, ""),
        "columns": list(table.columns),
        "rows": rows,
        "hidden": max(0, len(table) - LONGEST_TABLE),
    }


def _cell(value):
    """Write a table's value, numbers with four significant digits: (text, whether it is a number)."""
    if isinstance(value, float):
        return f"{value:.4g}", True
    return str(value), isinstance(value, int)
