"""Every figure as a function of arrays, in English or Spanish.

All take ``note``, the data set, split and seed that stand below the figure, and ``lang``, "en" or "es"; all return a
`matplotlib.figure.Figure`.
"""

from nanofoam_lib.figures.generated import interpolation, latent_map, sampled, traversals, wanted_got
from nanofoam_lib.figures.learning import training
from nanofoam_lib.figures.maps import class_maps, gradcam, gradcam_average, gradcam_checks, map_numbers
from nanofoam_lib.figures.samples import micrographs, reconstructions
from nanofoam_lib.figures.scores import accuracies, confusion, predictability
from nanofoam_lib.figures.spaces import distances, projection

__all__ = [
    "accuracies",
    "class_maps",
    "confusion",
    "distances",
    "gradcam",
    "gradcam_average",
    "gradcam_checks",
    "interpolation",
    "latent_map",
    "map_numbers",
    "micrographs",
    "predictability",
    "projection",
    "reconstructions",
    "sampled",
    "training",
    "traversals",
    "wanted_got",
]
