"""Pictures of figures in 256 colours, a third of the space, where no eye can tell.

The colours are chosen, and each is given the nearest of those chosen, among those that occur: a page at 300 dpi has
millions of pixels and some thousand colours.
"""

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

LEVELS = 64  # of a channel; a level is off by at most 2 of 255
COLOURS = 256
SAMPLED = 2**16  # pixels by which the colours are chosen, every one that occurs among them
WORST = 2.0  # root mean square of what changes in a channel over the whole page, of 255

_STEP = np.round(np.arange(256) * (LEVELS - 1) / 255).astype(np.uint8)
_LEVEL = np.round(np.arange(LEVELS) * 255 / (LEVELS - 1)).astype(np.uint8)


def reduce(picture: Image.Image) -> Image.Image:
    """Give an RGB picture 64 levels per channel and 256 colours; itself where the choice of colours could be seen.

    Parameters
    ----------
    picture : PIL.Image.Image
        Of mode RGB.

    Returns
    -------
    PIL.Image.Image
        Of mode P; or `picture`, if the root mean square of what the choice of colours changes is 2 of 255 or more.

    Examples
    --------
    >>> reduce(Image.new("RGB", (2, 1), "white")).convert("RGB").getpixel((1, 0))
    (255, 255, 255)
    """
    red, green, blue = (_STEP[np.asarray(channel)].astype(np.int32) for channel in picture.split())
    code = (red * LEVELS + green) * LEVELS + blue
    n_of = np.bincount(code.ravel(), minlength=LEVELS**3)
    present = np.flatnonzero(n_of)
    weights = n_of[present] / code.size
    colours = _LEVEL[np.stack(np.unravel_index(present, [LEVELS] * 3), axis=1)]
    # By the root of how often each occurs: a bar of colours beside maps is small, and must not become one of stripes
    shares = np.sqrt(weights) / np.sqrt(weights).sum()
    palette = _choose(np.repeat(colours, np.ceil(shares * SAMPLED).astype(int), axis=0))
    apart, nearest = cKDTree(palette).query(colours)
    if np.sqrt(weights @ apart**2 / 3) >= WORST:
        return picture
    index_of = np.zeros(LEVELS**3, np.uint8)
    index_of[present] = nearest
    reduced = Image.fromarray(index_of[code])
    reduced.putpalette(palette.tobytes())
    return reduced


def _choose(colours):
    """Choose colours by median cut and k-means among many (n, 3): uint8 (at most 256, 3)."""
    chosen = Image.fromarray(colours[None]).quantize(COLOURS, Image.Quantize.MEDIANCUT, 1, dither=Image.Dither.NONE)
    return np.array(chosen.getpalette()[: 3 * COLOURS], np.uint8).reshape(-1, 3)
