"""The folder of a run: where each file lies. The only module that knows the layout."""

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.base import files, memmap, safe_names
from nanofoam_lib.base.errors import DataError

#: Types in a manifest, and in its account of a step, that the library relies on.
MANIFEST_TYPES = {"parameters": dict, "data": dict, "steps": dict, "left_out": list, "report": dict}
STEP_TYPES = {"key": str, "status": str, "warnings": list, "outputs": dict}


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

    def figure(self, name: str) -> pathlib.Path:
        """File of a figure, without its suffix."""
        return self.folder / "figures" / name

    def drawing(self, name: str) -> pathlib.Path:
        """File of the arrays that a figure is drawn from, where its numbers are more than a table."""
        return self.folder / "data" / "drawings" / f"{name}.npz"

    def notebook(self, name: str) -> pathlib.Path:
        """File of an executed notebook."""
        return self.folder / "notebooks" / f"{name}.ipynb"

    def load_images(self) -> NDArray[np.uint8]:
        """Open the images, memory-mapped: uint8 (N, 128, 128)."""
        return self._load_array(self.images)

    def load_wide(self) -> NDArray[np.uint8]:
        """Open the images with their margins, memory-mapped: uint8 (N, 128 + 2 m, 128 + 2 m)."""
        return self._load_array(self.wide)

    def load_detail(self) -> NDArray[np.float32]:
        """Open what is known of the micrographs at full resolution, memory-mapped: float32 (N, 162)."""
        return self._load_array(self.detail)

    def load_index(self) -> pd.DataFrame:
        """Read the index as a DataFrame; names stay strings even where they look like numbers."""
        path = self._existing(self.index, "01_preprocess")
        index = files.read_csv(path)
        with files.diagnosing(path):
            if missing := {"path", "label", "group", "split", "sha256"} - set(index):
                raise ValueError(f"has no column {min(missing)}")
        self._check_inside(self.index, [path for path in index["path"] if safe_names.leads_out(path)])
        return index

    def load_left_out(self) -> list[dict[str, str]]:
        """List the images that were left out: dicts of ``path`` and ``problem``."""
        return files.read_csv(self.left_out).to_dict("records") if self.left_out.exists() else []

    def load_generated(self) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
        """Read the generated foams: their table, and the picture of each row, uint8 (n, 128, 128)."""
        table = files.read_csv(self._existing(self.table("generated"), "05_generate"))
        return table, files.read_npz(self.drawing("generated"))["pictures"]

    def load_manifest(self) -> dict[str, Any]:
        """Read the manifest, or give an empty one where there is none.

        Raises
        ------
        DataError
            If it is not JSON, not what a run writes, or names a file outside the run folder.
        """
        if not self.manifest.exists():
            return {}
        try:
            manifest = json.loads(self.manifest.read_text(encoding="utf-8"))
            _check_types(manifest, MANIFEST_TYPES, "manifest")
            _check_types(manifest.get("report", {}), STEP_TYPES, "report")
            for name, step in manifest.get("steps", {}).items():
                _check_types(step, STEP_TYPES, name)
                if step.get("status") == "done" and not {"key", "outputs"} <= set(step):
                    raise ValueError(f"{name} is done, but lacks its key or outputs")
        except ValueError as error:
            raise DataError(f"{self.manifest}: damaged ({error}); delete it to start this run anew") from error
        listed = {name for step in manifest.get("steps", {}).values() for name in step.get("outputs", {})}
        listed |= set(manifest.get("report", {}).get("outputs", {}))
        self._check_inside(
            self.manifest, sorted(name for name in listed if not safe_names.is_inside(self.folder, name))
        )
        return manifest

    def _load_array(self, path):
        path = self._existing(path, "01_preprocess")
        with files.diagnosing(path):
            return memmap.load(path)

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


def _check_types(values, types, what):
    if not isinstance(values, dict):
        raise ValueError(f"{what} is not an object")
    for name, expected in types.items():
        if name in values and not isinstance(values[name], expected):
            raise ValueError(f"{name} of {what} is a {type(values[name]).__name__}, not a {expected.__name__}")
