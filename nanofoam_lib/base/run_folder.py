"""The folder of a run: where each file lies. The only module that knows the layout."""

import dataclasses
import os
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import (
    archives,
    file_names,
    files,
    json_text,
    memmap,
    reading,
    run_forms,
    safe_names,
    table_forms,
)
from nanofoam_lib.base.errors import DataError

#: Folders in which a run writes, and its other files: nothing else is ever removed from a run folder.
FOLDERS = ("data", "models", "descriptors", "tables", "figures", "notebooks")
FILES = ("index.html", "thesis.tex", "error.log")
#: What stands for no class in ``gradcam_<class>``.
TAKEN = ("average", "cells", "checks", "scheme")
#: What is written while it works, as patterns.
HIDDEN = (".lock", ".journal-*", ".tmp-*")


@dataclasses.dataclass(frozen=True)
class Run:
    """Paths inside a run folder.

    Parameters
    ----------
    folder : path-like
        The run's folder; need not exist yet.

    Examples
    --------
    >>> Run("reports/quick").model("vae", 128).as_posix()
    'reports/quick/models/vae-128'
    """

    folder: pathlib.Path

    if TYPE_CHECKING:  # what `__post_init__` takes

        def __init__(self, folder: files.StrPath) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", pathlib.Path(self.folder))

    @property
    def manifest(self) -> pathlib.Path:
        """Parameters, versions, hashes and the state of each step."""
        return self.folder / "manifest.json"

    @property
    def report(self) -> pathlib.Path:
        """The page to read."""
        return self.folder / "index.html"

    @property
    def log(self) -> pathlib.Path:
        """Traceback of what stopped the run last; there is none after a run that came to its end."""
        return self.folder / "error.log"

    @property
    def images(self) -> pathlib.Path:
        """uint8 (N, 128, 128), one row per row of the index."""
        return self.folder / "data" / "images.npy"

    @property
    def wide(self) -> pathlib.Path:
        """The images with some pixels more on every side, for augmentation: uint8 (N, 128 + 2 m, 128 + 2 m)."""
        return self.folder / "data" / "wide.npy"

    @property
    def index(self) -> pathlib.Path:
        """What each image is, and on which side of the split."""
        return self.folder / "data" / "index.csv"

    @property
    def left_out(self) -> pathlib.Path:
        """Images that were left out, and why."""
        return self.folder / "data" / "left_out.csv"

    @property
    def examples(self) -> pathlib.Path:
        """Small colour pictures of a few raw micrographs, by id."""
        return self.folder / "data" / "examples.npz"

    @property
    def synthetic(self) -> pathlib.Path:
        """Data folder of the synthetic foams."""
        return self.folder / "data" / "synthetic"

    @property
    def pores(self) -> pathlib.Path:
        """Pore measures of each micrograph, one row per row of the index."""
        return self.folder / "data" / "pores.csv"

    @property
    def detail(self) -> pathlib.Path:
        """What local binary patterns tell of each micrograph at several resolutions: float32 (N, 162)."""
        return self.folder / "data" / "detail.npy"

    def model(self, kind: str, latent_dim: int, repeat: int | None = None) -> pathlib.Path:
        """Folder of a trained model, or of its repetition with the seed `repeat`."""
        folder = self.folder / "models" / f"{kind}-{latent_dim}"
        return folder if repeat is None else folder / f"seed-{repeat}"

    def leaky_model(self, kind: str, latent_dim: int) -> pathlib.Path:
        """Folder of a model that was trained as the thesis did, on copies of which others are tested."""
        return self.model(kind, latent_dim) / "leaky"

    @property
    def classifier(self) -> pathlib.Path:
        """Folder of the supervised classifier, whose classes are numbered as the sorted label names."""
        return self.folder / "models" / "classifier"

    def descriptors(self, kind: str, latent_dim: int) -> pathlib.Path:
        """File of a model's latent vectors."""
        return self.folder / "descriptors" / f"{kind}-{latent_dim}.npz"

    def table(self, name: str) -> pathlib.Path:
        """File of a table."""
        return self.folder / "tables" / f"{name}.csv"

    @staticmethod
    def class_names(labels: Iterable[str]) -> dict[str, str]:
        """Give each class what stands for it in names of files, ``gradcam_<class>``: dict of label to name."""
        return file_names.of_labels(labels, TAKEN)

    def figure(self, name: str) -> pathlib.Path:
        """File of a figure, without its suffix."""
        return self.folder / "figures" / name

    def inside(self, name: str) -> pathlib.Path:
        """Find a file by a relative path that a manifest or journal gives; DataError if that leads out, links too."""
        try:
            return safe_names.inside(self.folder, name)
        except ValueError as error:
            raise DataError(f"{self.folder}: {error}; delete what is not yours from it") from error

    def is_written(self, name: str) -> bool:
        """Tell whether a run writes files of this relative path: only those are removed when they are outdated."""
        first = pathlib.PurePath(name).parts[:1]
        return name in FILES or (bool(first) and first[0] in FOLDERS and first[0] != name)

    def check_place(self) -> None:
        """Raise DataError if a run that writes here would write elsewhere, or wait for ever: a link leads out, say."""
        reading.check_tree(self.folder, (*FOLDERS, *FILES, self.manifest.name, *HIDDEN))

    def drawing(self, name: str) -> pathlib.Path:
        """File of the arrays that a figure is drawn from, where its numbers are more than a table."""
        return self.folder / "data" / "drawings" / f"{name}.npz"

    def numbers(self, name: str) -> pathlib.Path:
        """File of a table that a figure is drawn from, and that the report does not show."""
        return self.folder / "data" / "drawings" / f"{name}.csv"

    def notebook(self, name: str) -> pathlib.Path:
        """File of an executed notebook."""
        return self.folder / "notebooks" / f"{name}.ipynb"

    def load_images(self) -> NDArray[np.uint8]:
        """Open the images, memory-mapped: uint8 (N, 128, 128)."""
        return self._load_array(self.images, np.uint8, 3)

    def load_wide(self) -> NDArray[np.uint8]:
        """Open the images with their margins, memory-mapped: uint8 (N, 128 + 2 m, 128 + 2 m)."""
        return self._load_array(self.wide, np.uint8, 3)

    def load_detail(self) -> NDArray[np.float32]:
        """Open what is known of the micrographs at full resolution, memory-mapped: float32 (N, 162)."""
        return self._load_array(self.detail, np.float32, 2)

    def load_index(self) -> pd.DataFrame:
        """Read the index as a DataFrame; names stay strings even where they look like numbers."""
        path = self._existing(self.index, "01_preprocess")
        index = self._read_table(path)
        self._check_inside(self.index, [path for path in index["path"] if safe_names.leads_out(path)])
        return index

    def load_table(self, name: str) -> pd.DataFrame:
        """Read a table, of the form that its readers rely on (`table_forms`)."""
        return self._read_table(self.table(name))

    def load_drawing(self, name: str, step: str) -> dict[str, NDArray[Any]]:
        """Read the arrays of a figure that the step `step` writes; raises DataError if they are missing or damaged."""
        path = self._existing(self.drawing(name), step)
        return _Arrays(path, step, files.read_npz(path))

    def load_numbers(self, name: str, step: str) -> pd.DataFrame:
        """Read a table that a figure is drawn from and the step `step` writes, as `load_table`."""
        return self._read_table(self._existing(self.numbers(name), step))

    def load_tables(self) -> dict[str, pd.DataFrame]:
        """Read every table: dict of name to DataFrame."""
        return {path.stem: self._read_table(path) for path in sorted(self.folder.glob("tables/*.csv"))}

    def load_measures(self) -> pd.DataFrame:
        """Read the pore measures: numbers alone, a row for each row of the index."""
        measures = self._read_table(self._existing(self.pores, "01_preprocess"), table_forms.MEASURES)
        if self.index.exists() and len(measures) != (n := len(self.load_index())):
            raise DataError(f"{self.pores}: damaged (has {len(measures)} rows, the index {n}); run 01_preprocess again")
        return measures

    def load_history(self, model: files.StrPath) -> pd.DataFrame:
        """Read how the training in a model's folder went."""
        return self._read_table(pathlib.Path(model) / "history.csv")

    def load_descriptors(self, kind: str, latent_dim: int) -> dict[str, NDArray[np.float32]]:
        """Read a model's latent vectors: dict of id (N,) and of descriptors, float32 (N, latent_dim).

        Raises
        ------
        DataError
            If they are not as many as the index has rows, or not of this size: that is looked at before they are read.
        """
        n, path = len(self.load_index()), self._existing(self.descriptors(kind, latent_dim), "02_train")
        arrays = files.read_npz(path, lambda header: archives.check_rows(header, n, latent_dim))
        if odd := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
            raise DataError(f"{path}: damaged ({odd[0]} holds what is no number); run 02_train again")
        return _Arrays(path, "02_train", arrays)

    def load_left_out(self) -> list[dict[str, str]]:
        """List the images that were left out: dicts of ``path`` and ``problem``."""
        found = files.read_csv_text(self.left_out) if self.left_out.exists() else pd.DataFrame()
        return found.to_dict("records")

    def load_generated(self) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
        """Read the generated foams: their table, and the picture of each row, uint8 (n, 128, 128)."""
        table = self._read_table(self._existing(self.table("generated"), "05_generate"))
        return table, files.read_npz(self.drawing("generated"))["pictures"]

    def load_manifest(self) -> dict[str, Any]:
        """Read the manifest, or give an empty one where there is none.

        Raises
        ------
        DataError
            If it is not JSON, not what a run writes, or names a file outside the run folder.
        """
        if not os.path.lexists(self.manifest):
            return {}
        advice = "delete it to start this run anew"
        manifest = json_text.read(self.manifest, run_forms.Manifest, advice)
        try:
            run_forms.check(manifest)
        except ValueError as error:
            raise DataError(f"{self.manifest}: damaged ({error}); {advice}") from error
        listed = {name for step in manifest.get("steps", {}).values() for name in step.get("outputs", {})}
        listed |= set(manifest.get("report", {}).get("outputs", {}))
        self._check_inside(
            self.manifest, sorted(name for name in listed if not safe_names.is_inside(self.folder, name))
        )
        return manifest

    def _load_array(self, path, dtype, ndim):
        path = self._existing(path, "01_preprocess")
        with files.diagnosing(path):
            array = memmap.load(path)
        rows = len(self.load_index()) if self.index.exists() else (*array.shape, 0)[0]
        with files.diagnosing(path):
            if array.ndim != ndim or array.dtype != dtype or array.shape[0] != rows:
                raise ValueError(f"holds {array.dtype} {array.shape}, where the index has {rows} rows")
        return array

    def _read_table(self, path, name=None):
        table = files.read_csv(path)
        with files.diagnosing(path):
            table_forms.check(name or path.stem, table)
        return table

    def _check_inside(self, source, outside):
        if outside:
            raise DataError(
                f"{source}: names '{safe_names.shown(outside[0])}', which leads out of its folder; "
                "delete the file to make it anew"
            )

    def _existing(self, path, step):
        if not path.exists():
            raise DataError(f"{path}: missing; run {step} first")
        return path


class _Arrays(dict):
    """Arrays by their name, which tell of a name that is missing where they come from."""

    def __init__(self, path, step, arrays):
        super().__init__(arrays)
        self._path, self._step = path, step

    def __missing__(self, name):
        raise DataError(f"{self._path}: damaged (holds no {name}); run {self._step} again")
