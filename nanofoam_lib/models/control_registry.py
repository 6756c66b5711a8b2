"""Controls, descriptors that the latent vectors have to beat: each in one entry.

A control of your own is one more entry. Put it into a module, name that in ``NANOFOAM_PLUGINS`` (`base.plugins`), and
it gets its rows in ``controls.csv`` and its dots in the figures::

    import numpy as np
    from nanofoam_lib import control_registry


    def darkest(images):
        return np.quantile(images, [0.01, 0.1], axis=(1, 2)).T


    control_registry.register(control_registry.Control("darkest", ("darkest grey", "gris más oscuro"), darkest))
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap, plugins
from nanofoam_lib.base.labels import Label
from nanofoam_lib.images import pixel_sizes
from nanofoam_lib.images.targets import TRUTH
from nanofoam_lib.latent import binary_patterns, controls, scattering
from nanofoam_lib.models import kinds

#: Those of `backbone_networks`, by name: what is called how must be known without loading a network.
BACKBONES = ("VGG16", "VGG19", "ResNet50", "DenseNet121", "EfficientNetB0")
#: Name of the descriptor that has seen the labels, and of that which has seen no picture.
TAUGHT, MAGNIFICATION = "supervised features", "magnification"
#: Ends the name of a backbone that labels have retrained, so that nobody takes it for one that has seen none.
WITH_LABELS = "with labels"


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """What controls are computed from.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 128, 128)
    train : array-like of bool, shape (N,)
    sizes : sequence of int
        Numbers of components of the pixel PCA, as a rule the latent sizes of the models that are compared.
    models : dict
        ``(kind, latent_dim)`` → the trained `vae.Autoencoder` that is compared.
    supervised : ndarray, shape (N, F), optional
        Features of a network that was trained with labels (`backbone_networks.supervised`).
    backbones : sequence of str
        Networks for `backbone_networks.deep_features`.
    fine_tune : str
        How deep they are retrained with labels, too (`fine_tuning.features`), or "none".
    seed : int
        Of the untrained weights and of z.
    detail : ndarray, shape (N, 162), optional
        `binary_patterns.multiscale_lbp` of the micrographs, whose detail the images have lost.
    pores : pandas.DataFrame, N rows, optional
        Pore measures of the micrographs (`pores.measure_all`).
    index : pandas.DataFrame, N rows, optional
        Metadata of the images: `pixel_size_um`, NaN where unknown; `TRUTH` where the pores are known.
    """

    images: NDArray[np.uint8]
    train: ArrayLike
    sizes: tuple[int, ...]
    models: dict[tuple[str, int], Any] = dataclasses.field(default_factory=dict)
    supervised: NDArray[np.float32] | None = None
    backbones: tuple = ()
    seed: int = 0
    detail: NDArray[np.float32] | None = None
    pores: pd.DataFrame | None = None
    index: pd.DataFrame | None = None
    fine_tune: str = "none"

    @functools.cached_property
    def scattered(self) -> NDArray[np.float32]:
        """`scattering.scatter` of the images, which two controls begin with: ndarray (N, 60)."""
        return memmap.park(controls.in_blocks(scattering.scatter, self.images, "scattering"))

    @functools.cached_property
    def fresh(self) -> dict[tuple[str, int], Any]:
        """The same models before they were trained (`calibration.fresh`), which two controls look at."""
        from nanofoam_lib.models import calibration

        return {
            key: calibration.fresh(model.config, self.images, self.train, self.seed)
            for key, model in self.models.items()
        }

    def by_model(self) -> list["Given"]:
        """Split it into one for each model: list of Given."""
        return [dataclasses.replace(self, models={key: model}) for key, model in self.models.items()]


@dataclasses.dataclass(frozen=True)
class Control:
    """A control.

    Parameters
    ----------
    name : str
        As it stands in tables.
    label : Label or callable
        What it is called in figures and report; of an entry of several rows a function that gives them by name.
    describe : callable, optional
        Images, ndarray of uint8 (n, 128, 128) → ndarray (n, F), each image by itself.
    rows : callable, optional
        Instead of it, `Given` → pairs of a name and vectors (N, F), where a control needs more or makes several rows.
    by_model : bool
        Whether `rows` is called once for each model, with that alone.
    competes : bool
        Whether a model is held against it; not against what knows the answer, labels or true pores.
    is_taught : bool
        Whether it has learnt the labels of the train groups, so that other splits would test it on what it knows.
    """

    name: str
    label: Label | Callable[[], dict]
    describe: Callable | None = None
    rows: Callable | None = None
    by_model: bool = False
    competes: bool = True
    is_taught: bool = False

    @property
    def labels(self) -> dict[str, Label]:
        """Labels of its rows by their names."""
        return self.label() if callable(self.label) else {self.name: Label._make(self.label)}

    def compute(self, given: Given) -> Iterable[tuple[str, NDArray[Any]]]:
        """Compute its rows: pairs of a name and vectors (N, F)."""
        if self.rows is not None:
            return self.rows(given)
        assert self.describe is not None
        return [(self.name, controls.in_blocks(self.describe, given.images, self.name))]


def _supervised(given):
    return [] if given.supervised is None else [(TAUGHT, given.supervised)]


def _untrained(given):
    """Give μ and σ of a model's encoder with fresh weights, where it has any, but what is the same for all images."""
    from nanofoam_lib.models import descriptors

    for (kind, _), model in given.fresh.items():
        if kinds.get(kind).is_variational and model.encoder.get_layer("mu").trainable_weights:
            found = descriptors.encode(model, given.images, given.seed)
            telling = {name: found[name] for name in ("mu", "sigma") if np.ptp(found[name], axis=0).any()}
            yield from ((kinds.get(kind).untrained(name), vectors) for name, vectors in telling.items())


def _untrained_labels():
    symbols = {"mu": "μ", "sigma": "σ"}
    found = {}
    for kind in kinds.known().values():
        for name in {"mu", "sigma"} & set(kind.descriptors):
            symbol = symbols.get(name, name)
            of_en, of_es = ("", "") if kind.name == kinds.MAIN else (f"{kind.name} ", f" del {kind.short.es}")
            found[kind.untrained(name)] = Label(f"untrained {of_en}{symbol}", f"{symbol}{of_es} sin entrenar")
    return found


def _pooled(given, name, is_trained):
    """Pool the feature maps of the thesis's VAE; other kinds have the same convolutions."""
    from nanofoam_lib.models import backbone_networks

    for (kind, _), model in (given.models if is_trained else given.fresh).items():
        if kind == kinds.MAIN:
            yield name, backbone_networks.pooled_features(model.encoder, given.images)


def _statistics(given):
    """Give the statistics that a texture model's encoder begins with, before it sees them along its axes."""
    from nanofoam_lib.models import descriptors
    from nanofoam_lib.models.backend import keras

    for (kind, _), model in given.models.items():
        if "statistics" in {layer.name for layer in model.encoder.layers}:
            plain = keras.Model(model.encoder.input, model.encoder.get_layer("statistics").output)
            (vectors,) = descriptors.heads(plain, given.images).values()
            yield f"{kind} statistics", vectors


def _statistics_labels():
    kinds_of = (kind for kind in kinds.known().values() if kind.redraws)
    return {
        f"{kind.name} statistics": Label(f"{kind.name} statistics", f"estadística del {kind.short.es}")
        for kind in kinds_of
    }


def _pores(given):
    if given.pores is not None:
        yield from _known("pore measures", given.pores, given.train)


def _true_pores(given):
    if given.index is not None and set(TRUTH) & set(given.index):
        yield from _known(
            "true pore measures", given.index[[name for name in TRUTH if name in given.index]], given.train
        )


def _known(name, measures, train):
    """Give measures as vectors, unknown ones as the median of the train images; nothing where none is known."""
    values = measures.astype(float)
    median = values[np.asarray(train, bool)].median()
    values = values[median.index[median.notna()]].fillna(median)
    if len(values.columns):
        yield name, values.to_numpy(np.float32)


def _deep(given):
    from nanofoam_lib.models import backbone_networks

    for name in given.backbones:
        yield name.partition("=")[0], backbone_networks.deep_features(name, given.images, given.seed)


def _tuned(given):
    """Give the backbones as they are once the labels of train groups have retrained them; nothing of one class."""
    from nanofoam_lib.models import fine_tuning

    if given.fine_tune != fine_tuning.NONE and len(given.index["label"].unique()) > 1:
        for name in given.backbones:
            vectors = fine_tuning.features(name, given.images, given.index, given.fine_tune, given.seed)
            yield f"{name.partition('=')[0]} {WITH_LABELS}", vectors


def _tuned_labels():
    names = (f"{how}{name}" for name in BACKBONES for how in ("", "random-"))
    return {f"{name} {WITH_LABELS}": Label(f"{name} with labels", f"{name} con etiquetas") for name in names}


def _pixel_pca(given):
    return (("pixel PCA", controls.pixel_pca(given.images, given.train, size)) for size in given.sizes)


def _multiscale_lbp(given):
    return [] if given.detail is None else [("multi-scale LBP", given.detail)]


def _magnification(given):
    """Give the logarithm of the pixel size, 0 where unknown, and whether it is known; nothing where all are alike."""
    sizes = pixel_sizes.alike([] if given.index is None else given.index.get("pixel_size_um", []))
    if len(np.unique(sizes)) > 1:  # NaN counts as one
        known = np.isfinite(sizes)
        yield MAGNIFICATION, np.stack([np.log(np.where(known, sizes, 1.0)), known], axis=1)


def _scattering_and_lbp(given):
    if given.detail is not None:
        yield "scattering and LBP", np.concatenate([given.scattered, given.detail], axis=1)


#: By name, in the order of their rows; neighbours that are computed by model take turns.
CONTROLS = {
    control.name: control
    for control in (
        Control(TAUGHT, Label("supervised features", "rasgos supervisados"), rows=_supervised, competes=False,
                is_taught=True),
        Control("backbones with labels", _tuned_labels, rows=_tuned, competes=False, is_taught=True),
        Control("true pore measures", Label("true pore measures", "medidas verdaderas de poros"), rows=_true_pores,
                competes=False),
        Control("pore measures", Label("pore measures", "medidas de poros"), rows=_pores),
        Control("untrained", _untrained_labels, rows=_untrained, by_model=True),
        Control("pooled features", Label("pooled features", "rasgos promediados"),
                rows=functools.partial(_pooled, name="pooled features", is_trained=True), by_model=True),
        Control("untrained pooled features", Label("untrained pooled features", "rasgos promediados sin entrenar"),
                rows=functools.partial(_pooled, name="untrained pooled features", is_trained=False), by_model=True),
        Control("statistics", _statistics_labels, rows=_statistics, by_model=True),
        Control("backbones", dict, rows=_deep),  # called like their networks
        Control("pixel PCA", Label("pixel PCA", "PCA de píxeles"), rows=_pixel_pca),
        Control("LBP", Label("LBP", "LBP"), binary_patterns.lbp_histograms),
        Control("multi-scale LBP", Label("multi-scale LBP", "LBP multiescala"), rows=_multiscale_lbp),
        Control("scattering", Label("wavelet scattering", "dispersión de ondículas"),
                rows=lambda given: [("scattering", given.scattered)]),
        Control("scattering and LBP", Label("scattering + multi-scale LBP", "dispersión + LBP multiescala"),
                rows=_scattering_and_lbp),
        Control("power spectrum", Label("power spectrum", "espectro de potencia"), controls.power_spectrum),
        Control(MAGNIFICATION, Label("magnification alone", "solo el aumento"), rows=_magnification),
        Control("grey mean+std", Label("grey mean+std", "media y desviación del gris"), controls.grey_statistics),
    )
}  # fmt: skip


def register(control: Control) -> None:
    """Add a control; ValueError if its name is taken."""
    if control.name in CONTROLS:
        raise ValueError(f"there is a control called {control.name} already")
    CONTROLS[control.name] = control


def known() -> dict[str, Control]:
    """Give all controls, those of plug-ins too: dict of name to `Control`."""
    plugins.load()
    return CONTROLS


def labels(lang: str) -> dict[str, str]:
    """Say what is called how: each row that a control may have, and each kind of model; dict of name, as in tables."""
    rows = {name: label.in_language(lang) for control in known().values() for name, label in control.labels.items()}
    return kinds.labels(lang) | rows


def beyond_competition() -> set[str]:
    """Name the rows of controls that know the answer, so that no model is held against them."""
    return {name for control in known().values() if not control.competes for name in control.labels}


def taught() -> set[str]:
    """Name the rows of controls that have learnt the labels of the train groups."""
    return {name for control in known().values() if control.is_taught for name in control.labels}


def compute(given: Given) -> dict[tuple[str, int, str], NDArray[Any]]:
    """Compute all controls.

    Parameters
    ----------
    given : Given

    Returns
    -------
    dict
        ``("control", F, name)`` → ndarray (N, F).
    """
    found = {}
    for by_model, group in itertools.groupby(known().values(), lambda control: control.by_model):
        own = list(group)
        for part in given.by_model() if by_model else [given]:
            pairs = itertools.chain.from_iterable(control.compute(part) for control in own)
            found |= {("control", vectors.shape[1], name): memmap.park(vectors) for name, vectors in pairs}
    return found
