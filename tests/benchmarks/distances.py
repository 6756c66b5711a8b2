"""Mean distances within and between two classes: ours against `scipy.spatial.distance`."""

import numpy as np
from measure import compare, take_turns
from scipy.spatial.distance import cdist, pdist

from nanofoam_lib.latent import separation

SIZES = (600, 6000)
ROUNDS = 7


def by_scipy(a, b):
    """Give (WSS of a, WSS of b, BSS)."""
    return pdist(a).mean(), pdist(b).mean(), cdist(a, b).mean()


def rows():
    """Yield a row for each number of vectors, 128 dimensions."""
    rng = np.random.default_rng(0)
    for n in SIZES:
        a, b = rng.normal(size=(2, n // 2, 128)).astype(np.float32) + np.array([[[0]], [[0.3]]], np.float32)
        found = separation.wss_bss(a, b)
        np.testing.assert_allclose([found.wss_a, found.wss_b, found.bss], by_scipy(a, b), rtol=1e-5)
        took = take_turns((lambda: separation.wss_bss(a, b), lambda: by_scipy(a, b)), ROUNDS)  # noqa: B023
        yield compare("distances", f"WSS and BSS of {n} × 128", "scipy pdist + cdist", took)
