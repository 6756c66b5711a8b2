"""Models that compare statistics, not pixels: what they draw, and what they cannot do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nanofoam_lib.latent import fulfilment
from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.foams import design, isotropy
from nanofoam_lib.report.findings.phrases import num, percent, say

if TYPE_CHECKING:
    from nanofoam_lib.models import generation

_BETWEEN = {
    kinds.CYCLE: (
        "- **{model}**: pictures between the classes have {contrast} of the contrast of real ones, and {drawn} "
        "spacings of cycle error ({real} for reconstructions of real images)."
    ),
    kinds.STATISTICS: (
        "- **{model}**: pictures between the classes have {contrast} of the contrast of real ones, and {drawn} units "
        "of distance of statistics ({real} for reconstructions of real images)."
    ),
}
_REDRAWS = (
    "The {model} does not reproduce its input: it draws another sample with similar statistics, every pore elsewhere. "
    "Where a single pore lies cannot be asked of it."
)
_WITH, _SAMPLED = "With the {model}:", "Sampled: {said}"


def drawn(studies: Mapping[str, "generation.Study"], lang: str = "en") -> str:
    """Say how the kinds of models compare as makers of foams, and what models of textures cannot do.

    Parameters
    ----------
    studies : dict
        Kind → `generation.Study`.
    lang : {"en", "es"}

    Returns
    -------
    str
        Markdown.
    """
    said = [_between(kinds.get(kind), study, lang) for kind, study in studies.items()]
    for kind in (kind for kind in map(kinds.get, studies) if kind.redraws):
        called, ordered = kind.prose.in_language(lang), studies[kind.name].ordered
        said.append(f"\n{say(_REDRAWS, lang, model=called)}")
        said.append(f"\n{say(_WITH, lang, model=called)}\n\n{design(fulfilment.summarise(ordered), lang)}")
        sampled = studies[kind.name].generated.query("what == 'sample'")
        told = isotropy(sampled, ordered[ordered["picture"] == fulfilment.REAL], lang)
        said.append(f"\n{say(_SAMPLED, lang, said=told)}")
    return "\n".join(said)


def _between(kind, study, lang):
    sampled = study.generated.query("what == 'interpolation'")
    error = study.yardstick.error
    of_drawn, of_real = (num(own[error].median(), lang, 1) for own in (sampled, study.real))
    contrast = percent(sampled["contrast"].median(), lang)
    called = kind.short.in_language(lang)
    return say(_BETWEEN[error], lang, model=called, contrast=contrast, drawn=of_drawn, real=of_real)
