"""Models that compare statistics, not pixels: what they gain, and what they cannot do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from nanofoam_lib.latent import fulfilment
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report.findings.foams import design, isotropy
from nanofoam_lib.report.findings.phrases import num, percent
from nanofoam_lib.report.tables import headline

if TYPE_CHECKING:
    from nanofoam_lib.models import generation


def texture(
    table: pd.DataFrame, controls: pd.DataFrame, link: pd.DataFrame, measure: str = "median_diameter_um"
) -> str:
    """Say what each model of textures gains over the VAE, over controls, and over itself untrained.

    Parameters
    ----------
    table, controls : pandas.DataFrame
        Table 1 and the controls, as `classify.table1` gives them; random forests by group count.
    link : pandas.DataFrame
        As `pore_prediction.summarise` gives it.
    measure : str
        The pore measure whose R² is told.

    Returns
    -------
    str
        Markdown. "Gains" is said of what lies above the upper end of the interval of the VAE's μ.
    """
    scores, rivals = (headline(own) for own in (table, controls))
    rivals = rivals[rivals["descriptor"] != control_registry.TAUGHT].set_index("descriptor")["accuracy"]
    r2 = link[link["row"] == "r2"].set_index(["kind", "descriptor"])[measure].astype(float)
    said = [_gain(kind, scores, rivals, r2) for kind in map(kinds.get, dict.fromkeys(scores["kind"])) if kind.redraws]
    return "\n".join(said) or "No texture model was trained."


def _gain(kind, scores, rivals, r2):
    own, pixel = (scores[scores["kind"] == name].set_index("descriptor") for name in (kind.name, kinds.MAIN))
    untrained = rivals[kind.untrained("mu")]
    plain = rivals[~rivals.index.isin([kind.untrained(name) for name in kind.descriptors])]
    mu, z, vae = own["accuracy"]["mu"].max(), own["accuracy"]["z"].max(), pixel["accuracy"]["mu"].max()
    gains = "**gains**" if mu > pixel["ci_high"]["mu"].max() else "gains nothing that chance does not allow"
    head = "it knew that before" if mu - untrained < 0.05 else "training adds to it"
    return (
        f"A random forest on μ of the {kind.prose.en} is right for {num(mu)} of the test images, on z for {num(z)}; "
        f"on μ of the VAE for {num(vae)}: it {gains}. The best control, {plain.idxmax()}, reaches "
        f"{num(plain.max())}; the same encoder before this run {num(untrained)}: {head}. μ predicts {r2.name} of "
        f"unseen specimens with R² = {num(r2[kind.name, 'mu'].max())} (VAE {num(r2[kinds.MAIN, 'mu'].max())}, before "
        f"{num(r2['control', kind.untrained('mu')].max())})."
    )


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
            f"of real ones, and {_error(study.yardstick.error, sampled)} ({_error(study.yardstick.error, study.real)} "
            f"for reconstructions of real images)."
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
