"""Every figure as a function of arrays, in English or Spanish.

All take ``note``, the data set, split and seed that stand below the figure, ``lang``, "en" or "es", and ``width_cm``,
16 (a page of text) if not given; all return a `matplotlib.figure.Figure`.
"""

from nanofoam_lib.figures.answers import class_overview, held_out_specimens, walk
from nanofoam_lib.figures.examples import pca_example, reparametrisation, wss_bss_scheme
from nanofoam_lib.figures.explorer import explorer
from nanofoam_lib.figures.generated import interpolation, latent_map, sampled, traversals, wanted_got
from nanofoam_lib.figures.learning import training
from nanofoam_lib.figures.maps import class_maps, gradcam, gradcam_average, gradcam_checks, map_numbers
from nanofoam_lib.figures.neighbours import neighbours
from nanofoam_lib.figures.network import architecture
from nanofoam_lib.figures.pores import diameters, pore_overlays, pore_sizes
from nanofoam_lib.figures.samples import micrographs, reconstructions
from nanofoam_lib.figures.schemes import gradcam_scheme, workflow
from nanofoam_lib.figures.scores import accuracies, confusion, predictability, told_apart
from nanofoam_lib.figures.spaces import distances, projection
from nanofoam_lib.figures.specimens import properties, property_maps, property_walks
from nanofoam_lib.figures.sweeps import sweep, sweep_numbers
from nanofoam_lib.figures.tables import score_table

__all__ = [
    "accuracies",
    "architecture",
    "class_maps",
    "class_overview",
    "confusion",
    "diameters",
    "distances",
    "explorer",
    "gradcam",
    "gradcam_average",
    "gradcam_checks",
    "gradcam_scheme",
    "held_out_specimens",
    "interpolation",
    "latent_map",
    "map_numbers",
    "micrographs",
    "neighbours",
    "pca_example",
    "pore_overlays",
    "pore_sizes",
    "predictability",
    "projection",
    "properties",
    "property_maps",
    "property_walks",
    "reconstructions",
    "reparametrisation",
    "sampled",
    "score_table",
    "sweep",
    "sweep_numbers",
    "told_apart",
    "training",
    "traversals",
    "walk",
    "wanted_got",
    "workflow",
    "wss_bss_scheme",
]
