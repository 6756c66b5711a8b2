"""Fixtures that several test modules share."""

import pathlib

import numpy as np
import pytest
from PIL import Image
from skimage import data

ROOT = pathlib.Path(__file__).parents[1]
UHCS3 = ROOT.parent / "shared" / "data" / "uhcs3"


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: takes many minutes; only run when asked for with -m soak")
    config.option.markexpr = config.option.markexpr or "not soak"


def write_tiles(folder, per_class=6, side=160):
    """Cut scikit-image's photographs of brick, grass and gravel into tiles: a real data folder of three classes."""
    for name in ("brick", "grass", "gravel"):
        photograph = getattr(data, name)()
        (folder / name).mkdir(parents=True)
        per_row = photograph.shape[1] // side
        for i in range(per_class):
            row, column = divmod(i, per_row)
            tile = photograph[row * side : (row + 1) * side, column * side : (column + 1) * side]
            Image.fromarray(tile).save(folder / name / f"{name}_{i}.png")
    return folder


def save(array, path, mode=None, **options):
    """Write an array as the picture `path`; give the path."""
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.fixture
def tiles(tmp_path):
    """Give a data folder of 3 × 6 real photographs."""
    return write_tiles(tmp_path / "tiles")


@pytest.fixture(scope="session")
def textures():
    """Give 24 real 128×128 photographs with their labels, in memory."""
    images, labels = [], []
    for name in ("brick", "grass", "gravel"):
        photograph = getattr(data, name)()
        for i in range(8):
            row, column = divmod(i, 4)
            images.append(photograph[row * 128 : row * 128 + 128, column * 128 : column * 128 + 128])
            labels.append(name)
    return np.array(images), np.array(labels)
