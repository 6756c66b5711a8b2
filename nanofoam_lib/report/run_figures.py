"""Every figure of a run from the files in its folder; nothing is trained.

Each function below takes a `Book` and yields ``(name, figure, numbers)``: the name of the file, the figure, and a table
of exactly what it draws.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib import figures
from nanofoam_lib.base import files
from nanofoam_lib.base.language import text
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.base.score_names import FOREST, SOFTMAX
from nanofoam_lib.figures import style
from nanofoam_lib.images import micrographs
from nanofoam_lib.latent import decode_plan, fulfilment, inverse_design, pore_prediction, projection, separation
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.models.kinds import of_kind
from nanofoam_lib.report import figure_data, tables

#: What a chapter yields, figure by figure.
Drawn = Iterator[tuple[str, Figure, pd.DataFrame]]


@dataclasses.dataclass(frozen=True)
class Book:
    """A run, and how its figures are to look.

    Parameters
    ----------
    run : base.run_folder.Run
    data_name : str
    latent_dims : sequence of int
        The first is the size of the VAE that most figures are about.
    kinds : sequence of str
        Models that were trained.
    seed : int
    lang : {"en", "es"}
    width_cm : float
        Width of every figure.
    """

    run: Run
    data_name: str
    latent_dims: Sequence[int]
    kinds: Sequence[str]
    seed: int
    lang: str = "en"
    width_cm: float = style.WIDTH_CM

    @property
    def look(self) -> dict[str, Any]:
        """What every figure is told."""
        return {"lang": self.lang, "width_cm": self.width_cm}

    @property
    def note(self) -> str:
        """Name data set, split and seed."""
        return style.describe(self.data_name, self.seed, self.lang)

    @property
    def note_on_vae(self) -> str:
        """Name the VAE that is looked at as well."""
        return self.note_on(kinds.MAIN)

    @property
    def on_test(self) -> str:
        """Say that only test images are shown as well."""
        return f"{text('test images', self.lang)}, {self.note_on_vae}"

    @property
    def tells_classes(self) -> bool:
        """Whether the run has several classes, and so has scored who tells them apart."""
        return self.run.table("table1").exists()

    def load(self) -> tuple[NDArray[np.uint8], pd.DataFrame]:
        """Load the images and their index."""
        return self.run.load_images(), self.run.load_index()

    def note_on(self, kind: str) -> str:
        """Name a model of the first latent size as well."""
        named = f"{self.note}, {kinds.model_name(kind, self.latent_dims[0], self.lang)}"
        return named if self.has_skill(kind) else f"{named}, {text('without skill', self.lang)}"

    def has_skill(self, kind: str) -> bool:
        """Tell whether a model of the first latent size has learnt anything that it can draw."""
        models = self.table("models").set_index(["kind", "latent_dim"])["has_skill"]
        return bool(models.get((kind, self.latent_dims[0]), True))

    def load_latent(self) -> dict[str, NDArray[Any]]:
        """Load the latent vectors of the VAE: dict of mu, sigma, z."""
        return self.run.load_descriptors(kinds.MAIN, self.latent_dims[0])

    def table(self, name: str) -> pd.DataFrame:
        """Read a table of the run."""
        return self.run.load_table(name)


def samples(book: Book) -> Drawn:
    """Show micrographs as they came and as the network sees them."""
    images, index = book.load()
    thumbnails = files.read_npz(book.run.examples)
    shown = index.loc[[int(i) for i in thumbnails]]
    raw_um = micrographs.thumbnail_pixels(shown, thumbnails)
    drawn = shown[["id", "path", "label", "group"]]
    figure = figures.micrographs(list(thumbnails.values()), shown["label"], raw_um, book.note, **book.look)
    yield "micrographs_raw", figure, drawn.assign(um_x=raw_um[:, 0], um_y=raw_um[:, 1])
    um = shown[["um_x", "um_y"]]
    figure = figures.micrographs(images[shown.index], shown["label"], um.to_numpy(), book.note, **book.look)
    yield "micrographs_processed", figure, drawn.join(um)


def learning(book: Book) -> Drawn:
    """Draw how training went, and what the models of the first latent size make of images they have not seen."""
    folders = [book.run.model(kind, dim) for dim in book.latent_dims for kind in book.kinds]
    history = pd.concat([book.run.load_history(f).assign(model=f.name) for f in folders], ignore_index=True)
    named = history.assign(model=[kinds.called(name, book.lang) for name in history["model"]])
    yield "training", figures.training(named, book.note, **book.look), history
    made = book.run.load_drawing("reconstructions", "02_train")
    originals = made["images"] / np.float32(255)
    decoded = dict(zip(map(str, made["names"]), made["reconstructions"], strict=True))
    errors = {f"mse_{name}": ((pictures - originals) ** 2).mean(axis=(1, 2)) for name, pictures in decoded.items()}
    errors |= {f"texture_{name}": apart for name, apart in zip(decoded, made["texture_distance"], strict=True)}
    named = {kinds.called(name, book.lang): pictures for name, pictures in decoded.items()}
    figure = figures.reconstructions(originals, named, made["labels"], book.note, **book.look)
    shown = book.run.load_index().set_index("id", drop=False).loc[made["id"], ["id", "path", "label"]]
    yield "reconstructions", figure, shown.reset_index(drop=True).assign(**errors)


def schemes(book: Book) -> Drawn:
    """Draw the network, the way from micrographs to findings, and how a Grad-CAM map comes about."""
    (images, index), latent = book.load(), book.load_latent()
    made = book.run.load_drawing("network", "02_train")
    layers = book.run.load_numbers("layers", "02_train").fillna({"detail": ""})
    row, image, decoded = int(made["row"]), made["image"], made["decoded"]
    yield "architecture", figures.architecture(layers, image, decoded, book.note_on_vae, **book.look), layers

    features, weights = made["features"], made["weights"]
    telling = pore_prediction.strongest(book.table("dimensions"), kinds.MAIN, book.latent_dims[0])
    dimension = max(telling, key=lambda i: np.maximum(features @ weights[:, i], 0).sum())
    parts = figure_data.gradcam(features, weights[:, dimension])
    figure = figures.gradcam_scheme(image, parts, latent["mu"][row], dimension, book.note_on_vae, **book.look)
    yield "gradcam_scheme", figure, parts

    if not book.tells_classes:
        return
    numbers = figure_data.workflow(index, book.table("table1"), book.table("dimensions"), book.latent_dims[0])
    epochs = len(book.run.load_history(book.run.model(kinds.MAIN, book.latent_dims[0])))
    numbers |= {"side": len(image), "epochs": epochs, "dimension": dimension}
    pictures = {
        "micrographs": _one_of_each_class(book, index),
        "preprocessing": [images[row]],
        "autoencoder": [image, decoded],
        "latent vectors": latent["mu"][:24],
        "latent space": _projections(index, {"sigma": latent["sigma"]})["lda"].query("split == 'test'"),
        "classification": _shares(book.table("confusion"), book.latent_dims[0]),
        "Grad-CAM": (image, np.maximum(features @ weights[:, dimension], 0)),
        "generation": list(made["sampled"]),
    }
    figure = figures.workflow(numbers, pictures, book.note_on_vae, **book.look)
    yield "workflow", figure, pd.DataFrame(numbers.items(), columns=["name", "value"])


def examples(book: Book) -> Drawn:
    """Show what PCA, the reparametrisation, WSS and BSS are, on the run's own latent vectors."""
    (_, index), latent = book.load(), book.load_latent()
    train = (index["split"] == "train").to_numpy()
    pair, note = figure_data.correlated_pair(latent["mu"][train]), book.note_on_vae
    on_train = f"{text('train', book.lang)}, {note}"
    table = figure_data.pca_example(latent["mu"][train], index["label"][train], pair)
    yield "pca_example", figures.pca_example(table, pair, on_train, **book.look), table
    table = figure_data.reparametrisation(latent["mu"], latent["sigma"], int(train.argmin()), pair, book.seed)
    yield "reparametrisation", figures.reparametrisation(table, pair, note, **book.look), table
    if not book.tells_classes:
        return
    points = _projections(index, {"sigma": latent["sigma"]})["lda"].query("split == 'test'")
    classes = sorted(set(index["label"]))
    table = figure_data.wss_bss(points, (classes[0], classes[-1]))
    note = f"{text('LDA of σ', book.lang)}, {book.on_test}"
    yield "wss_bss_scheme", figures.wss_bss_scheme(table, classes, note, **book.look), table


def spaces(book: Book) -> Drawn:
    """Draw the latent space in two dimensions, and the distances in it."""
    (_, index), latent = book.load(), book.load_latent()
    for name, points in _projections(index, {key: latent[key] for key in ("mu", "sigma", "z")}).items():
        yield name, figures.projection(points, book.note_on_vae, **book.look), points
    if not book.tells_classes:
        return
    histograms = separation.histograms(latent["sigma"], index["label"])
    yield "distances", figures.distances(histograms, f"σ, {book.note_on_vae}", **book.look), histograms


def scores(book: Book) -> Drawn:
    """Draw table 1, the controls, who is taken for whom, and what the latents know of the pores."""
    _, index = book.load()
    labels = control_registry.labels(book.lang)
    link = book.table("geometry").query("row == 'r2'")
    measures = list(book.run.load_measures())
    link = link.assign(name=style.names(link, book.lang, labels))[["name", *measures]]
    yield "geometry", figures.predictability(link, measures, book.note, **book.look), link
    if not book.tells_classes:
        return
    plain = {name: book.table(name) for name in ("table1", "controls")}
    marked = {name: table.assign(best=tables.best(name, table)) for name, table in plain.items()}
    for name, table in marked.items():
        written = "table1" if name == "table1" else "controls_table"
        yield written, figures.score_table(table, book.note, labels=labels, **book.look), table
    both = pd.concat(marked.values(), ignore_index=True)
    best = tables.headline(both, classifiers=(FOREST, SOFTMAX))
    chance = index.loc[index["split"] == "test", "label"].value_counts(normalize=True).max()
    yield "controls", figures.accuracies(best, chance, book.note, labels=labels, **book.look), best
    confusion = tables.headline(book.table("confusion"), latent_dim=book.latent_dims[0])
    confusion = confusion.assign(title=style.names(confusion, book.lang, labels))
    yield "confusion", figures.confusion(confusion, book.note, **book.look), confusion


def explanations(book: Book) -> Drawn:
    """Draw the maps that 04_explain has left: of each class, cell by cell, averages, a classifier's; and the checks."""
    _, index = book.load()
    names = book.run.class_names(index["label"])
    notes = {f"gradcam_{name}": f"{label}, {book.on_test}" for label, name in names.items()}
    notes["gradcam_cells"] = f"{text('maps', book.lang)} {text('cell by cell', book.lang)}, {book.on_test}"
    for kind in kinds.but_main(book.kinds):
        notes[f"{kind}_maps"] = f"{text('test images', book.lang)}, {book.note_on(kind)}"
    for name, note in notes.items():
        for drawing in _drawing(book, name):
            ids = drawing.pop("id")
            every = np.concatenate([drawing["maps"], drawing["mean_map"][..., None]], axis=-1)
            cells = _cells(every, "id", ids, [*drawing["dims"], "mean"])
            yield name, figures.gradcam(**drawing, note=note, **book.look), cells
    for drawing in _drawing(book, "gradcam_average"):
        figure = figures.gradcam_average(**drawing, note=book.on_test, **book.look)
        yield "gradcam_average", figure, _cells(drawing["maps"], "label", drawing["labels"], [*drawing["dims"], "mean"])
    for drawing in _drawing(book, "class_maps"):
        ids, classes = drawing.pop("id"), drawing["classes"]
        cells = _cells(drawing["cams"], "id", ids, classes).rename(columns={"map": "class", "value": "cam"})
        cells["gradcam"] = _cells(drawing["maps"], "id", ids, classes)["value"]
        yield "class_maps", figures.class_maps(**drawing, note=book.on_test, **book.look), cells
    if book.run.table("gradcam_checks").exists():
        table = book.table("gradcam_checks")
        figure = figures.gradcam_checks(table, book.note_on_vae, **book.look)
        yield "gradcam_checks", figure, table[table["dimension"].isna()]


def generated(book: Book) -> Drawn:
    """Draw what 05_generate decoded: map, walks, samples, foams to order, large foams, and if they pass for real."""
    images, index = book.load()
    measures = book.run.load_measures()
    for kind in sorted(book.kinds, key=book.has_skill, reverse=True):
        for name, figure, numbers in _of_study(book, kind, images, index, measures):
            yield of_kind(name, kind), figure, numbers
    for kind in kinds.drawing_large(book.kinds):
        for drawing in _drawing(book, name := of_kind("large_foams", kind, kinds.MAIN_LARGE)):
            pictures, labels, um = (drawing[part] for part in ("pictures", "labels", "um"))
            figure = figures.micrographs(pictures, labels, um, book.note_on(kind), **book.look)
            yield name, figure, pd.DataFrame({"label": labels, "um_x": um[:, 0], "um_y": um[:, 1]})
    if book.run.table("generated_quality").exists():
        table = book.table("generated_quality")
        models = zip(table["kind"], table["latent_dim"], strict=True)
        table = table.assign(name=[kinds.model_name(kind, size, book.lang) for kind, size in models])
        yield "generated_quality", figures.told_apart(table, book.note, **book.look), table


def _of_study(book, kind, images, index, measures):
    """Draw what one kind of model has decoded, if it is one that does."""
    for drawing in _drawing(book, of_kind("generated", kind)):
        pictures, note = drawing["pictures"], book.note_on(kind)
        points, ordered = (book.table(of_kind(name, kind)) for name in ("latent_map", "design"))
        walked = book.table(of_kind("generated", kind)).fillna({"class": ""})
        yield "latent_map", figures.latent_map(points, images, note, **book.look), points
        walks = dict(tuple(walked.groupby("what")))
        for name, what in {"traversals": "traversal", "latent_grid": "map", "designs": "design"}.items():
            own = walks.get(what, walked.iloc[:0])
            yield name, figures.traversals(own, pictures, note, **book.look), own
        if "interpolation" in walks:  # there are classes to go between
            between = decode_plan.beside_real(walks["interpolation"], measures, index["label"])
            figure = figures.interpolation(between, pictures, inverse_design.MEASURES, note, **book.look)
            yield "interpolation", figure, between
        yield "samples", figures.sampled(walks["sample"], pictures, note, **book.look), walks["sample"]
        ordered = fulfilment.over_noise(ordered)
        yield "wanted_got", figures.wanted_got(ordered, note, **book.look), ordered


def _drawing(book, name):
    """Read the arrays of a drawing: a list of one dict, or of none where the run has no such drawing."""
    path = book.run.drawing(name)
    return [files.read_npz(path)] if path.exists() else []


def _cells(maps, key, keys, names):
    """List the values of maps (n, h, w, m): a table of `key`, map, row, column and value."""
    height, width = maps.shape[1:3]
    levels = pd.MultiIndex.from_product([keys, range(height), range(width), names], names=[key, "row", "column", "map"])
    return pd.DataFrame({"value": maps.reshape(-1)}, index=levels).reset_index()


def _projections(index, spaces):
    """Lay out PCA and LDA of latent vectors, fitted on train: dict of name to the table of points."""
    pca, lda = projection.both(spaces, index)
    fitted = {"pca": (pca, "PC"), "lda": (lda, "LD")}
    return {name: projection.points(found, index, axis) for name, (found, axis) in fitted.items() if found}


def _one_of_each_class(book, index):
    """Load one raw micrograph of each class: dict of class to image."""
    thumbnails = files.read_npz(book.run.examples)
    return {index["label"][int(i)]: image for i, image in reversed(thumbnails.items())}


def _shares(confusion, latent_dim):
    """Give the share of each true class that a random forest on σ takes for each class: ndarray (C, C)."""
    own = tables.headline(confusion, kinds.MAIN, latent_dim, "sigma")
    counts = own.pivot(index="true", columns="predicted", values="count").to_numpy()
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
