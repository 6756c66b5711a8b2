"""What micrographs show at their own resolution: one function of each, in a file of as many rows."""

import functools
import pathlib
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base import scheduling
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.progress import track
from nanofoam_lib.images import formats, micrographs, sources


def describe_all(
    describe: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    paths: Sequence[StrPath | sources.Source],
    target: StrPath,
    crop: micrographs.Crop = 0.15,
    max_megapixels: float = formats.MAX_MEGAPIXELS,
    n_jobs: int = -1,
) -> None:
    """Write a vector of each micrograph, made from its cropped grey picture at full resolution.

    Parameters
    ----------
    describe : callable
        Grey picture, ndarray of uint8 (h, w) → ndarray (F, ), of the same length for all. A function of a module, so
        that other processes can be given it.
    paths : sequence of path-like or Source
        The micrographs, at least one; see `micrographs.read`.
    target : path-like
        Where to write the ``.npy``: float32 (N, F). Rows are written as they come, so that memory does not grow with
        their number.
    crop, max_megapixels
        See `micrographs.preprocess` and `micrographs.read`.
    n_jobs : int
        Processes on this machine; -1 is all cores. The result does not depend on it, nor on where `scheduling.each`
        has the work done.

    Raises
    ------
    DataError
        If a file cannot be read any more.
    """
    one = functools.partial(_read_and_describe, describe, crop=crop, max_megapixels=max_megapixels)
    rows = track(
        scheduling.each(one, ((path,) for path in paths), n_jobs), "detail of the micrographs", total=len(paths)
    )
    with pathlib.Path(target).open("wb") as file:
        for row, vector in enumerate(rows):
            if row == 0:
                shape = {"descr": "<f4", "fortran_order": False, "shape": (len(paths), len(vector))}
                np.lib.format.write_array_header_1_0(file, shape)
            file.write(np.asarray(vector, "<f4").tobytes())


def _read_and_describe(describe, path, crop, max_megapixels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunWarning)  # of several pages: said once, by `preprocessing.process`
        grey = micrographs.read(path, max_megapixels)
    left, top, right, bottom = micrographs.crop_box(grey.shape[1], grey.shape[0], crop)
    return describe(grey[top:bottom, left:right])
