"""Models that compare statistics, not pixels: what they draw, and what they cannot do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nanofoam_lib.latent import fulfilment
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.foams import design, isotropy
from nanofoam_lib.report.findings.phrases import num, percent

if TYPE_CHECKING:
    from nanofoam_lib.models import generation


def drawn(studies: Mapping[str, "generation.Study"]) -> str:
    """Say how the kinds of models compare as makers of foams, and what models of textures cannot do.

    Parameters
    ----------
    studies : dict
        Kind → `generation.Study`.

    Returns
    -------
    str
        Markdown.
    """
    said = []
    for kind, study in studies.items():
        sampled = study.generated.query("what == 'interpolation'")
        said.append(
            f"- **{kind}**: pictures between the classes have {percent(sampled['contrast'].median())} of the contrast "
            f"of real ones, and {_error(study.yardstick.error, sampled)} "
            f"({_error(study.yardstick.error, study.real)} for reconstructions of real images)."
        )
    for kind in (kind for kind in map(kinds.get, studies) if kind.redraws):
        said.append(
            f"\nThe {kind.prose.en} does not reproduce its input: it draws another sample with similar statistics, "
            "every pore elsewhere. Where a single pore lies cannot be asked of it."
        )
        ordered = studies[kind.name].ordered
        said.append(f"\nWith the {kind.prose.en}:\n\n{design(fulfilment.summarise(ordered))}")
        sampled = studies[kind.name].generated.query("what == 'sample'")
        said.append(f"\nSampled: {isotropy(sampled, ordered[ordered['picture'] == fulfilment.REAL])}")
    return "\n".join(said)


def _error(name, table):
    unit = "spacings of cycle error" if name == kinds.CYCLE else "units of distance of statistics"
    return f"{num(table[name].median(), 1)} {unit}"
