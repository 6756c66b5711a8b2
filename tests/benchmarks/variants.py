"""Compare ways to train the same models: ``uv run python tests/benchmarks/variants.py [DIR] [--seeds 0 1 2]``.

Each way takes as many steps on as many images as the others, on the same splits by group, and is scored as
`descriptors.py` scores. Of the pixel VAE: as it is; with μ averaged over the eight flips and turns; stopped where the
loss is least on groups set aside from train; trained on windows of 128×128 pixels at the micrographs' own resolution, μ
averaged over windows. Of the texture model: as it is; trained on windows of pictures of 160×160; and so that the
picture which it draws from one window has the statistics of another window of the same micrograph.
"""

import argparse
import pathlib
import tempfile

import descriptors as benchmark
import numpy as np
import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.images import augmentation, micrographs, pores, preprocessing, splits, synthetic_folder
from nanofoam_lib.models import descriptors, mixed_precision, texture, training, vae

LARGE = 160  # side of the pictures from which the texture model's windows are cut
CROP = 0.15


class CrossCrop(texture.TextureAutoencoder):
    """A texture model that is compared not with what it sees but with what it is told."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x if y is None else y, None, y_pred, sample_weight, training)


def read(folder, seed):
    """Read or draw a data set: pictures by name ("whole", "large", "native"), index with its split, pore measures."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        if folder is None:
            synthetic_folder.write_folder(place / "foams", 80, size=(600, 800), seed=seed)
        source = folder or place / "foams"
        index, _ = preprocessing.process(source, place / "images.npy", CROP)
        paths = [source / path for path in index["path"]]
        pictures = {"whole": np.load(place / "images.npy")}
        greys = [micrographs.read(path) for path in paths]
        pictures["large"] = np.stack([micrographs.preprocess(grey, CROP, LARGE) for grey in greys])
        pictures["native"] = [_crop(grey) for grey in greys]
        measures = pores.measure_all(paths, index["pixel_size_um"].to_numpy(), CROP)
    return pictures, index.assign(split=splits.by_group(index["label"], index["group"], 0.3, seed)), measures


def _crop(grey):
    left, top, right, bottom = micrographs.crop_box(grey.shape[1], grey.shape[0], CROP)
    return grey[top:bottom, left:right]


def windows(pictures, rng):
    """Cut a window of 128×128 pixels out of each picture, anywhere: uint8 (N, 128, 128)."""
    corners = [[rng.integers(side - vae.SIZE + 1) for side in picture.shape] for picture in pictures]
    return np.stack([_window(*pair) for pair in zip(pictures, corners, strict=True)])


def _window(picture, corner):
    y, x = corner
    return picture[y : y + vae.SIZE, x : x + vae.SIZE]


def average_over_windows(model, pictures, seed):
    """Average the descriptors of windows that cover each picture evenly: dict of name → vectors."""
    found = []
    for picture in pictures:
        grid = [np.unique(np.linspace(0, side - vae.SIZE, -(-side // vae.SIZE)).astype(int)) for side in picture.shape]
        cut = np.stack([_window(picture, (y, x)) for y in grid[0] for x in grid[1]])
        own = descriptors.encode(model, cut, seed)
        found.append({name: vectors.mean(axis=0) for name, vectors in own.items()})
    return {name: np.stack([own[name] for own in found]) for name in found[0]}


def build(kind, options, seed):
    """Make a model of the quick profile, ready to train."""
    model = vae.build(vae.Config(kind, options.latent_dim, **benchmark.FILTERS), seed)
    training.compile_autoencoder(model, options.rate)
    return model


def on_windows(model, pictures, rows, options, seed):
    """Train on windows, drawn anew in every epoch; give the model."""
    for epoch in range(1, options.epochs + 1):
        seen = windows(pictures, np.random.default_rng((seed, epoch, 1)))
        with mixed_precision.computing(model, mixed_precision.choose()):
            training.run_epoch(model, seen, rows, training.Recipe(batch_size=options.batch), (seed, epoch))
    return model


def across_crops(pictures, rows, options, seed):
    """Train a texture model whose picture of one window is compared with another window; give the model."""
    plain = build("texture", options, seed)
    model = CrossCrop(plain.config, plain.encoder, plain.decoder, seed)
    training.compile_autoencoder(model, options.rate)
    for epoch in range(1, options.epochs + 1):
        rng = np.random.default_rng((seed, epoch))
        order, turns = rng.permutation(rows), rng.integers(8, size=len(pictures))
        seen, told = (descriptors.to_input(augmentation.dihedral(windows(pictures, rng), turns)) for _ in range(2))
        with mixed_precision.computing(model, mixed_precision.choose()):
            for start in range(0, len(order), options.batch):
                own = order[start : start + options.batch]
                model.train_on_batch(seen[own], told[own])
    return model


def stopped_early(images, index, rows, options, seed):
    """Train a pixel VAE without a fifth of the train groups, and stop where these lose least: model, epoch."""
    side = splits.by_group(index["label"].iloc[rows], index["group"].iloc[rows], 0.2, seed)
    kept, aside = (rows[np.asarray(side) == name] for name in ("train", "test"))
    with tempfile.TemporaryDirectory() as folder:
        recipe = training.Recipe(options.epochs, None, options.batch, options.rate, options.epochs, precision="auto")
        model = build("vae", options, seed)
        history = training.fit(model, images, kept, aside, recipe, seed, folder, held_out_rows=aside)
        return model, int(history.loc[history["held_out_total"].idxmin(), "epoch"])


def latents(pictures, index, options, seed):
    """Train in every way; give (model, way, descriptor) → vectors, and the epoch at which early stopping stopped."""
    images, rows = pictures["whole"], np.flatnonzero(index["split"] == "train")
    found = {}
    pixel = on_windows(build("vae", options, seed), images, rows, options, seed)
    found["vae", "whole pictures"] = descriptors.encode(pixel, images, seed)
    found["vae", "eight flips and turns"] = descriptors.encode(pixel, images, seed, average="turns")
    early, epoch = stopped_early(images, index, rows, options, seed)
    found["vae", "stopped early"] = descriptors.encode(early, images, seed)
    native = on_windows(build("vae", options, seed), pictures["native"], rows, options, seed)
    found["vae", "windows at native resolution"] = average_over_windows(native, pictures["native"], seed)
    whole = on_windows(build("texture", options, seed), images, rows, options, seed)
    found["texture", "whole pictures"] = descriptors.encode(whole, images, seed)
    parts = on_windows(build("texture", options, seed), pictures["large"], rows, options, seed)
    found["texture", "windows"] = average_over_windows(parts, pictures["large"], seed)
    crossed = across_crops(pictures["large"], rows, options, seed)
    found["texture", "across windows"] = average_over_windows(crossed, pictures["large"], seed)
    return {(*key, name): vectors for key, own in found.items() for name, vectors in own.items()}, epoch


def main():
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="data folder (default: synthetic foam)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of data, split and training")
    parser.add_argument("--epochs", type=int, default=16, help="of every model (default 16)")
    parser.add_argument("--batch", type=int, default=8, help="images in a step (default 8)")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate (default 0.001)")
    parser.add_argument("--latent-dim", type=int, default=128, help="default 128")
    parser.add_argument("--out", type=pathlib.Path, default="variants.csv", help="table to write, one row per seed")
    options = parser.parse_args()
    parts = []
    for seed in options.seeds:
        pictures, index, measures = read(options.folder, seed)
        vectors, epoch = latents(pictures, index, options, seed)
        table = benchmark.score(vectors, index, measures, seed).rename(columns={"size": "way"})
        parts.append(table.assign(seed=seed, stopped=epoch))
        files.write_csv(options.out, pd.concat(parts, ignore_index=True))
        numbers = parts[-1].select_dtypes("number").columns.drop("seed")
        means = pd.concat(parts).groupby(["kind", "way", "descriptor"], sort=False)[list(numbers)].mean()
        print(f"seeds {options.seeds[: len(parts)]}, {options.epochs} epochs\n{means.round(3).to_string()}", flush=True)


if __name__ == "__main__":
    main()
