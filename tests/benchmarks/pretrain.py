"""Learn the axes that the texture model ships with: ``uv run python tests/benchmarks/pretrain.py``.

Thousands of specimens of procedural structures (`images.structures`: pores, closed cells, levelled waves, fibres,
grains, scratches, rough surfaces, at any scale), a few pictures of each, every one taken in its own way; no label,
no micrograph. Their statistics give the axes in which specimens differ more than pictures of one do
(`latent.specimen_axes`).
"""

import argparse
import hashlib
import pathlib

import numpy as np
from joblib import Parallel, delayed

from nanofoam_lib.base.progress import track
from nanofoam_lib.images import structures
from nanofoam_lib.latent import specimen_axes
from nanofoam_lib.models import texture_encoder, texture_statistics, vae
from nanofoam_lib.models.backend import keras

FIRST_SEED = 10_000
BATCH = 500


def pictures(seed, n):
    """Draw a specimen, and take `n` pictures of it: uint8 (n, 128, 128)."""
    structure = structures.draw_structure(seed)
    return np.stack([structures.picture(structure, i) for i in range(n)])


def statistics_network():
    """Make the network from images (N, 128, 128, 1) in [0, 1] to their statistics (N, F)."""
    images = keras.Input((vae.SIZE, vae.SIZE, 1))
    return keras.Model(images, texture_statistics.describe(images))


def main():
    """Write the axes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specimens", type=int, default=8000)
    parser.add_argument("--pictures", type=int, default=4, help="of each specimen (default 4)")
    parser.add_argument("--out", type=pathlib.Path, default=texture_encoder.AXES, help="default: the one in use")
    options = parser.parse_args()
    network, found = statistics_network(), []
    for first in track(range(0, options.specimens, BATCH), "specimens"):
        seeds = range(FIRST_SEED + first, FIRST_SEED + min(first + BATCH, options.specimens))
        drawn = np.stack(Parallel(-1)(delayed(pictures)(seed, options.pictures) for seed in seeds))
        images = drawn.reshape(-1, vae.SIZE, vae.SIZE, 1) / np.float32(255)
        found.append(network.predict(images, batch_size=50, verbose=0).reshape(len(seeds), options.pictures, -1))
    axes = specimen_axes.fit(np.concatenate(found))
    specimen_axes.save(axes, options.out)
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out.name}: {options.specimens} specimens, {options.out.stat().st_size} bytes, sha256 {digest}")
    print("variance of specimens along the axes, 1 is chance:", axes.ratio[[0, 1, 2, 5, 10, 20, 40, 60, 80]].round(2))


if __name__ == "__main__":
    main()
