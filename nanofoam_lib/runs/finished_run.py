"""A finished run, opened to describe and judge images that came after it. Nothing is trained, nothing in it changes.

Keras is loaded when images are encoded, not before: meanwhile other processes may be at work on them.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors

from nanofoam_lib.base import files, memmap, safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import contents, field_of_view, micrographs, same_reading, targets
from nanofoam_lib.images.pore_resolution import SIDE
from nanofoam_lib.latent import classify, foremost, novelty, pore_readings, properties
from nanofoam_lib.models import kinds
from nanofoam_lib.runs import ledger
from nanofoam_lib.runs.parameters import PARAMETERS

if TYPE_CHECKING:
    from nanofoam_lib.models import vae

Key = tuple[str, int, str]
CLASSIFIER = "random forest"  # the one that gives probabilities, and the thesis's best
NEAREST = 3  # known micrographs that are shown beside a new one
#: Steps that must be done, and files of theirs that what is told rests on.
STEPS = {"01_preprocess": ("data/images.npy", "data/index.csv", "data/pores.csv"), "02_train": ("models/",),
         "03_latent_space": ("descriptors/",)}  # fmt: skip

#: Parameters of the run by which others are read and judged alike.
NEEDED = (
    "latent_dims", "kinds", "seed", "crop", "bar", "stack", "um_per_pixel", "pixel_size_um", "max_megapixels",
    "skip_bad", "pores",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """A finished run; made by `open_run`.

    Attributes
    ----------
    run : base.run_folder.Run
    parameters : dict
        Of the run.
    index : pandas.DataFrame
        Of its images.
    told_by : tuple
        The descriptor that tells the classes, ``(kind, latent_dim, name)``: of those that were named beforehand
        (`models.kinds.Kind`), the one by which a forest, cross-validated over train specimens, does best.
    placed_by : tuple
        The descriptor in which neighbours are sought and what is off is told: μ of the texture model, which compares
        statistics, or else of the VAE.
    accuracies : dict
        Descriptor → that accuracy; empty where there is one class.
    """

    run: Run
    parameters: dict[str, Any]
    index: pd.DataFrame
    told_by: Key
    placed_by: Key
    accuracies: Mapping[Key, float]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted(set(self.index["label"]))

    @property
    def is_supervised(self) -> bool:
        """Whether there are classes to tell apart."""
        return len(self.classes) > 1

    @functools.cached_property
    def models(self) -> dict[tuple[str, int], "vae.Autoencoder"]:
        """The models, by ``(kind, latent_dim)``, read when they are first asked for."""
        from nanofoam_lib.models import vae

        dims, names = self.parameters["latent_dims"], self.parameters["kinds"]
        return {(kind, dim): vae.load(self.run.model(kind, dim)) for dim in dims for kind in names}

    @functools.cached_property
    def reading(self) -> contents.Decided:
        """How the run has read its micrographs."""
        return same_reading.of_index(self.index, self.parameters["um_per_pixel"])

    def vectors(self, key: Key) -> NDArray[np.float32]:
        """Read a descriptor of the run's own images: float32 (N, latent_dim)."""
        kind, dim, name = key
        with files.diagnosing(self.run.descriptors(kind, dim)):
            return self.run.load_descriptors(kind, dim)[name]

    @functools.cached_property
    def classifier(self) -> Any:
        """The forest, fitted to the train images."""
        train = (self.index["split"] == "train").to_numpy()
        forest = classify.CLASSIFIERS[CLASSIFIER](self.parameters["seed"])
        return forest.fit(self.vectors(self.told_by)[train], self.index["label"].to_numpy(str)[train])

    @functools.cached_property
    def predictors(self) -> dict[str, properties.Predictor]:
        """What predicts each property, by ridge from what `shows` gives: of those known of ten specimens or more.

        All of the run's specimens teach, held-out ones too; the width of the intervals is that of specimens not seen.
        """
        values, vectors = targets.of_index(self.index).table, self.vectors(self.placed_by)
        if self.reader is not None:
            measures, groups = self.run.load_measures(), self.index["group"]
            vectors = pore_readings.unseen(vectors, measures, groups, self.parameters["seed"])
        known = {name: values.loc[values[name].notna(), name].groupby(self.index["group"]).mean() for name in values}
        return {
            name: properties.fit(vectors, values[name], self.index["group"], seed=self.parameters["seed"])
            for name, own in known.items()
            if len(own) >= properties.FEWEST
        }

    @functools.cached_property
    def reader(self) -> pore_readings.Reader | None:
        """What reads the pore measures of an image by `placed_by`; None where the run has none that can be learnt."""
        return pore_readings.fit(self.vectors(self.placed_by), self.run.load_measures(), self.index["group"])

    def shows(self, place: NDArray[Any]) -> NDArray[Any]:
        """Give what properties are predicted by, of vectors of `placed_by`: the pores as these tell them, or they."""
        return place if self.reader is None else self.reader.read(place)

    @functools.cached_property
    def detector(self) -> novelty.Detector:
        """What tells images that lie off what the run has seen."""
        vectors, train = self.vectors(self.placed_by), (self.index["split"] == "train").to_numpy()
        return novelty.fit(vectors[train], vectors[~train], self.index["group"][~train])

    @functools.cached_property
    def neighbours(self) -> NearestNeighbors:
        """What finds the run's images nearest to a point."""
        number = min(NEAREST, len(self.index))
        return NearestNeighbors(n_neighbors=number, algorithm="brute").fit(self.vectors(self.placed_by))

    def prepare(self, images: Any, pixel_size_um: float | None = None) -> memmap.Rows:
        """Bring micrographs to what the networks see, as the run did with its own.

        Parameters
        ----------
        images : ndarray (N, 128, 128), or sequence of ndarray of uint8 (H, W)
            The former are taken for what the networks see already; the latter are grey micrographs of any size, without
            data bars, and are cropped and resized.
        pixel_size_um : float, optional
            Of the micrographs; needed where the run showed all at one scale.

        Returns
        -------
        ndarray, shape (N, 128, 128)
        """
        if getattr(images, "ndim", 0) == 3 and images.shape[1:] == (SIDE, SIDE):
            return images
        greys = [np.asarray(grey) for grey in images]
        if any(grey.ndim != 2 or grey.dtype != np.uint8 for grey in greys):
            raise ValueError("images must be an array (N, 128, 128), or grey micrographs of uint8 (H, W)")
        crop, field = self.parameters["crop"], self.reading.field
        if field is None:
            shown = [micrographs.preprocess(grey, crop, SIDE) for grey in greys]
        else:
            um = np.nan if pixel_size_um is None else pixel_size_um
            shown = [field_of_view.show(grey, crop, um, field, SIDE) for grey in greys]
        return np.stack(shown) if shown else np.zeros((0, SIDE, SIDE), np.uint8)

    def encode(self, images: Any, pixel_size_um: float | None = None) -> dict[Key, NDArray[np.float32]]:
        """Describe images by every model of the run.

        Parameters
        ----------
        images, pixel_size_um
            As in `prepare`.

        Returns
        -------
        dict
            ``(kind, latent_dim, name)`` → float32 (N, latent_dim), as `descriptors.encode_all`.
        """
        return self._encode(self.models, self.prepare(images, pixel_size_um))

    def predict(self, images: Any, pixel_size_um: float | None = None) -> pd.DataFrame:
        """Say of images what the run tells of them, a row for each: as `judge`; `images` as in `prepare`."""
        images = self.prepare(images, pixel_size_um)
        wanted = {self.told_by[:2], self.placed_by[:2]}
        models = {key: model for key, model in self.models.items() if key in wanted}
        return self.judge(self._encode(models, images))

    def _encode(self, models, images):
        from nanofoam_lib.models import descriptors

        return descriptors.encode_all(models, images, self.parameters["seed"])

    def judge(self, latents: Mapping[Key, NDArray[Any]], rows: slice = slice(None)) -> pd.DataFrame:
        """Say what descriptors tell of their images.

        Parameters
        ----------
        latents : dict
            As `encode` gives them; `told_by` and `placed_by` are looked at.
        rows : slice
            Of those, the images to speak of.

        Returns
        -------
        pandas.DataFrame
            One row per image: predicted_class, the likeliest, and ``probability_<class>`` of each, unless the run has
            but one class; each property, with ``<property>_low`` and ``<property>_high``, its 90 % interval (called
            ``property_…`` where another column has the name); distance and typicality (`novelty.locate`);
            off_manifold, whether it lies off what the run has seen; nearest, the path of the run's micrograph most
            like it.
        """
        place = memmap.take(latents[self.placed_by], rows)
        if not len(place):
            some = {key: self.vectors(key)[:1] for key in (self.told_by, self.placed_by)}
            return self.judge(some).head(0)
        found = pd.DataFrame(index=range(len(place)))
        if self.is_supervised:
            shares = self.classifier.predict_proba(memmap.take(latents[self.told_by], rows))
            found["predicted_class"] = self.classifier.classes_[shares.argmax(axis=1)]
            for label, own in zip(self.classifier.classes_, shares.T, strict=True):
                found[f"probability_{label}"] = own
        found["distance"], found["typicality"] = novelty.locate(self.detector, place)
        found["off_manifold"] = novelty.is_atypical(self.detector, found["typicality"].to_numpy())
        found["nearest"] = self.index["path"].to_numpy(str)[self.nearest(place)[1][:, 0]]
        first, shown_by = found.columns.get_loc("distance"), self.shows(place)
        for name, predictor in self.predictors.items():
            shown = f"property_{name}" if name in found else name
            for end, values in zip(("", "_low", "_high"), predictor.predict(shown_by), strict=True):
                found.insert(first, f"{shown}{end}", values)
                first += 1
        return found

    def nearest(self, place: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
        """Find the run's images nearest to vectors of `placed_by` (N, D): distances and rows of the index, (N, k)."""
        return self.neighbours.kneighbors(np.asarray(place))


def open_run(folder: files.StrPath) -> Study:
    """Open a finished run, to describe and judge images that came after it.

    Parameters
    ----------
    folder : path-like
        A run folder, such as ``reports/quick``. Nothing in it is changed.

    Returns
    -------
    Study

    Raises
    ------
    DataError
        If there is no run, if it is not finished, or if a file of it that is needed is no longer what the run wrote.

    Examples
    --------
    >>> study = open_run("reports/quick")  # doctest: +SKIP
    >>> study.predict([micrographs.read("foam.png")])["predicted_class"]  # doctest: +SKIP
    """
    run = Run(folder)
    manifest = run.load_manifest()
    if not manifest:
        raise DataError(f"{safe_names.shown(folder)}: is no run folder; give one that nanofoam run has written")
    _check_whole(run, manifest)
    index, parameters = run.load_index(), _read_parameters(run, manifest)
    dims, names = parameters["latent_dims"], parameters["kinds"]
    candidates = [
        (name, dim, kind.foremost) for dim in dims for name in names if (kind := kinds.get(name)).foremost is not None
    ]
    study = Study(run, parameters, index, candidates[0], kinds.placing(names, dims[0]), {})
    if not study.is_supervised:
        return study
    train = (index["split"] == "train").to_numpy()
    known = {key: study.vectors(key)[train] for key in candidates}
    scores = foremost.accuracies(known, index["label"][train], index["group"][train], parameters["seed"])
    return dataclasses.replace(study, told_by=foremost.choose(scores), accuracies=scores)


def _read_parameters(run, manifest):
    """Check the parameters of a run; DataError names the first that is missing or cannot be."""
    advice = f"give nanofoam run with --out {safe_names.shown(run.folder)} again"
    found = manifest.get("parameters", {})
    if missing := [name for name in NEEDED if name not in found]:
        raise DataError(
            f"{safe_names.shown(run.manifest)}: has no parameter {missing[0]}, as of another version; {advice}"
        )
    for name in NEEDED:
        if not (known := PARAMETERS[name]).accepts(found[name]):
            told = f"{name} must be {known.expected}, not {safe_names.short(found[name])}"
            raise DataError(f"{safe_names.shown(run.manifest)}: damaged ({told}); {advice}")
    return found


def _check_whole(run, manifest):
    """Raise DataError unless all that is needed is there as the run wrote it."""
    for name, needed in STEPS.items():
        step = manifest.get("steps", {}).get(name, {})
        if step.get("status") != "done":
            raise DataError(
                f"{safe_names.shown(run.folder)}: {name} is not done; finish the run with nanofoam run first"
            )
        outputs = {path: digest for path, digest in step["outputs"].items() if path.startswith(needed)}
        damaged = ledger.find_damage(run, outputs)
        if damaged:
            path = run.folder / damaged[0]
            what = "changed since the run wrote it" if path.exists() else "missing"
            raise DataError(
                f"{safe_names.shown(path)}: {what}; give nanofoam run with --out {safe_names.shown(run.folder)} again, "
                "which makes it anew"
            )
