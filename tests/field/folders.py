"""Data folders as laboratories leave them, made anew and small: discs of pores in a wall, and a table beside them."""

import functools
import pathlib

import numpy as np
from PIL import Image

CLASSES = ("CuNi1", "CuNi2")
HEADER = ("path", "label", "group", "pixel_size_um")


@functools.cache
def foam(seed, height=150, width=200, radius=10, pore=45, wall=190):
    """Draw dark discs that do not touch in a bright wall: uint8 (H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    dark, centres = np.zeros((height, width), bool), np.empty((0, 2))
    for centre in rng.uniform(0, (width, height), (400, 2)):
        if (np.hypot(*(centres - centre).T) > 2.3 * radius).all():
            centres = np.vstack([centres, centre])
            dark |= np.hypot(x - centre[0], y - centre[1]) < radius
    grey = np.where(dark, pore, wall) + rng.normal(0, 6, dark.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def save(array, path, **options):
    """Write a picture, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def folder(root, n=4, classes=CLASSES, suffix=".png", change=lambda grey, label: grey):
    """Make a sound data folder, its pictures changed by a function of the grey levels and the class."""
    for k, label in enumerate(classes):
        for i in range(n):
            name = f"{label}_{i}"
            save(change(foam(100 * k + i, radius=8 + 3 * k), label), root / label / f"{name}{suffix}")
    return root


def rows(root, um="0.27"):
    """List what metadata says that is right: two images of a specimen, by turns."""
    found = []
    for file in sorted(pathlib.Path(root).glob("*/*")):
        label, number = file.parent.name, int(file.stem.rsplit("_", 1)[1])
        found.append([f"{label}/{file.name}", label, f"{label}-S{number // 2}", um])
    return found


def write(root, table, header=HEADER, name="metadata.csv", encoding="utf-8", sep=",", before="", after=""):
    """Write a table as text, its rows ended as Windows ends them."""
    lines = [sep.join(map(str, row)) for row in (header, *table)]
    (root / name).write_bytes((before + "\r\n".join(lines) + "\r\n" + after).encode(encoding))
    return root
