"""What the tables say, in sentences computed from their numbers: for the notebooks and the report.

All return Markdown.
"""

from nanofoam_lib.report.findings.application import application
from nanofoam_lib.report.findings.effects import PREDICTED, SEEN, TOLD_APART, effects
from nanofoam_lib.report.findings.foams import design, gauge, generated, isotropy, latent_map
from nanofoam_lib.report.findings.latents import geometry, projections, scores
from nanofoam_lib.report.findings.leaky import leak
from nanofoam_lib.report.findings.learning import classifier, data, models, without_skill
from nanofoam_lib.report.findings.maps import average_maps, map_checks
from nanofoam_lib.report.findings.neighbourhood import neighbourhood
from nanofoam_lib.report.findings.specimens import properties
from nanofoam_lib.report.findings.structures import carried, property_maps, property_orders, suggested
from nanofoam_lib.report.findings.textures import drawn
from nanofoam_lib.report.findings.told_apart import told_apart
from nanofoam_lib.report.findings.verdicts import how_far, pores

__all__ = [
    "PREDICTED",
    "SEEN",
    "TOLD_APART",
    "application",
    "average_maps",
    "carried",
    "classifier",
    "data",
    "design",
    "drawn",
    "effects",
    "gauge",
    "generated",
    "geometry",
    "how_far",
    "isotropy",
    "latent_map",
    "leak",
    "map_checks",
    "models",
    "neighbourhood",
    "pores",
    "projections",
    "properties",
    "property_maps",
    "property_orders",
    "scores",
    "suggested",
    "told_apart",
    "without_skill",
]
