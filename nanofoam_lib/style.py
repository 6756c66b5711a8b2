"""What all figures share: size, fonts, colours, words in two languages, and how a figure is saved."""

import math
import pathlib

import matplotlib as mpl
import matplotlib.pyplot as plt

from nanofoam_lib import files

#: Okabe and Ito's colours, in the order in which classes (sorted by name) get them.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

SYMBOLS = {"mu": "μ", "sigma": "σ"}

#: What the columns of the pore measures are called in a figure.
MEASURES = {
    "n_pores": "number of pores",
    "median_diameter_um": "median diameter (µm)",
    "mean_diameter_um": "mean diameter (µm)",
    "density_per_mm2": "density (per mm²)",
    "spacing_um": "spacing (µm)",
    "wall_um": "wall (µm)",
}

#: Width of a figure in cm: the text width of the thesis's page.
WIDTH_CM = 16.0

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # fonts are embedded whole, so that a publisher can edit the text
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

_SPANISH = {
    "train": "entrenamiento",
    "test": "prueba",
    "epoch": "época",
    "reconstruction (nats per image)": "reconstrucción (nats por imagen)",
    "KL divergence (nats per image)": "divergencia KL (nats por imagen)",
    "input": "entrada",
    "pixel size unknown": "tamaño de píxel desconocido",
    "synthetic foam": "espuma sintética",
    "split by group, seed": "partición por grupo, semilla",
    "distance": "distancia",
    "density": "densidad",
    "predicted": "predicha",
    "true": "verdadera",
    "accuracy on test groups (dotted: naming the largest class)": "exactitud en los grupos de prueba "
    "(punteado: nombrar la clase mayor)",
    "pixel PCA": "PCA de píxeles",
    "power spectrum": "espectro de potencia",
    "grey mean+std": "media y desviación del gris",
    "untrained mu": "μ sin entrenar",
    "untrained sigma": "σ sin entrenar",
    "untrained z": "z sin entrenar",
    "pooled features": "mapas promediados",
    "untrained pooled features": "mapas promediados sin entrenar",
    "number of pores": "número de poros",
    "median diameter (µm)": "diámetro mediano (µm)",
    "mean diameter (µm)": "diámetro medio (µm)",
    "density (per mm²)": "densidad (por mm²)",
    "porosity": "porosidad",
    "circularity": "circularidad",
    "spacing (µm)": "espaciado (µm)",
    "wall (µm)": "pared (µm)",
    "linear": "lineal",
    "spherical": "esférica",
    "prior": "a priori",
    "extrapolation": "extrapolación",
    "hollow: extrapolation": "hueco: extrapolación",
    "below each picture: distance to train images | cycle error, in units of their spacing": "bajo cada imagen: "
    "distancia a las imágenes de entrenamiento | error de ciclo, en unidades de su espaciado",
    "real median": "mediana real",
    "designed": "diseñada",
    "reconstruction": "reconstrucción",
    "real, 128×128": "real, 128×128",
    "wanted": "pedido",
    "got": "obtenido",
    "nothing was decoded": "no se decodificó nada",
    "no pore measure is known": "no se conoce ninguna medida de poros",
}


def text(phrase, lang="en"):
    """Give `phrase` in the language of the figure: "en" leaves it, "es" looks it up and leaves names as they are."""
    return _SPANISH.get(phrase, phrase) if lang == "es" else phrase


def number(value, lang="en", digits=3):
    """Write a number with at most `digits` significant digits, with a decimal comma in Spanish."""
    written = f"{value:.{digits}g}"
    return written.replace(".", ",") if lang == "es" else written


def class_colours(labels):
    """Give each class, in sorted order, its fixed colour: dict of label → hex colour."""
    return {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(sorted(set(labels)))}


@mpl.rc_context(STYLE)
def save(figure, stem, numbers):
    """Write ``stem.pdf`` (vector), ``stem.png`` (300 dpi) and ``stem.csv`` (the numbers drawn).

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : path-like
        Path without a suffix.
    numbers : pandas.DataFrame
        What the figure shows.

    Returns
    -------
    matplotlib.figure.Figure
        `figure`, for the notebook to show.
    """
    stem = pathlib.Path(stem)
    pdf = {"metadata": {"CreationDate": None}}
    png = {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}}
    for suffix, options in ((".pdf", pdf), (".png", png)):
        with files.replacing(stem.with_name(stem.name + suffix)) as temporary:
            figure.savefig(temporary, dpi=300, **options)
        figure.set_layout_engine("none")  # the places are found; finding them again takes seconds
    files.write_csv(stem.with_name(stem.name + ".csv"), numbers)
    return figure


def grid(rows, columns, cell_aspect, note):
    """Make a figure of the page's width: (figure, axes); cells are `cell_aspect` times as high as wide."""
    width = WIDTH_CM / 2.54
    height = width / columns * cell_aspect * rows + 0.3
    figure = plt.figure(figsize=(width, min(height, 23 / 2.54)), layout="constrained")
    plt.close(figure)  # pyplot need not remember it; Jupyter shows what a cell returns, once
    axes = figure.subplots(rows, columns, squeeze=False)
    if note:
        figure.supxlabel(note, fontsize=6, color="0.35")
    return figure, axes


def row_title(axis, title):
    """Write `title` upright at the left of an axes whose own labels are off."""
    axis.text(-0.04, 0.5, title, transform=axis.transAxes, rotation=90, ha="right", va="center")


def scale_bar_length(width):
    """Choose the round length (1, 2 or 5 times a power of ten) nearest to a quarter of `width`.

    Examples
    --------
    >>> scale_bar_length(432)
    100.0
    """
    power = 10.0 ** math.floor(math.log10(width / 4))
    return min((factor * power for factor in (1, 2, 5, 10)), key=lambda length: abs(length - width / 4))


def describe(data_name, seed, lang="en"):
    """Name data set, split and seed in the words that stand under every figure."""
    return f"{text(data_name, lang)}, {text('split by group, seed', lang)} {seed}"


def names(table, lang="en"):
    """Write the columns kind, latent_dim and descriptor of `table` as one: list of str, such as "vae-128 μ"."""
    return [
        text(row.descriptor, lang)
        if row.kind == "control"
        else f"{row.kind}-{row.latent_dim:.0f} {SYMBOLS.get(row.descriptor, row.descriptor)}"
        for row in table[["kind", "latent_dim", "descriptor"]].itertuples()
        if row.kind == row.kind
    ]
