"""A folder of micrographs to one array: ours against scikit-image's functions, as a notebook would call them."""

import pathlib
import tempfile

import numpy as np
import skimage
from measure import compare, take_turns
from PIL import Image

from nanofoam_lib.images import preprocessing, synthetic

IMAGES = 24
ROUNDS = 5


def by_skimage(paths, target):
    """Read, grey, crop 15 % from each side, resize with anti-aliasing, save."""
    rows = []
    for path in paths:
        grey = skimage.color.rgb2gray(skimage.io.imread(path))
        height, width = grey.shape
        top, left = round(0.15 * height), round(0.15 * width)
        cut = grey[top : height - top, left : width - left]
        rows.append(skimage.transform.resize(cut, (128, 128), anti_aliasing=True))
    np.save(target, (np.array(rows) * 255).round().astype(np.uint8))


def rows():
    """Yield a row for JPEG and one for PNG of 1600×1200 pixels, on one core."""
    foam, _ = synthetic.foam_micrograph("CuNi2", 1)
    for suffix in ("jpg", "png"):
        with tempfile.TemporaryDirectory() as name:
            folder, target = pathlib.Path(name, "data"), pathlib.Path(name, "images.npy")
            for label in "ab":
                (folder / label).mkdir(parents=True)
                for i in range(IMAGES // 2):
                    picture = Image.fromarray(np.roll(foam, (i, ord(label)), axis=(0, 1)))
                    picture.save(folder / label / f"{i}.{suffix}")
            paths = sorted(folder.glob(f"*/*.{suffix}"))
            ways = (
                lambda: preprocessing.process(folder, target, n_jobs=1),  # noqa: B023
                lambda: by_skimage(paths, target),  # noqa: B023
            )
            took = take_turns(ways, ROUNDS)
        what = f"preprocessing 1600×1200 {suffix.upper()}, one core"
        yield compare("preprocessing", what, "imread + rgb2gray + resize", took, IMAGES, "images/s")
