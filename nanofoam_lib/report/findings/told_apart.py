"""Whether anybody could be fooled by generated pictures."""

import pandas as pd

from nanofoam_lib.models import kinds
from nanofoam_lib.report.findings.phrases import num, percent

#: By what pictures are told apart, as a sentence calls it.
BY = {"pores": "pore measures", "lbp": "local binary patterns", "spectrum": "power spectrum"}
HARDLY, NEARLY_EVERY_TIME = 0.65, 0.9  # accuracies up to which, and above which, that is said
SOME = 0.05  # share of nearest pictures up to which chance, 1 % of few, may have its hand in it


def told_apart(table: pd.DataFrame) -> str:
    """Say of each model whether its pictures are told from real ones, are copies, and vary as foams do.

    Parameters
    ----------
    table : pandas.DataFrame
        Tables of `generated.quality`.

    Returns
    -------
    str
        Markdown, one item per model. "Hardly" is said of an accuracy up to 0.65, "nearly every time" above 0.9, "often"
        between them; half is guessing.
    """
    models = table.groupby(["kind", "latent_dim"], sort=False)
    return (
        "\n".join(f"- {_of_model(kind, size, own)}" for (kind, size), own in models) or "No model draws new pictures."
    )


def _of_model(kind, latent_dim, rows):
    said = f"The {kinds.get(kind).prose.en} ({kind}-{latent_dim}): {_told(rows)} {_copied(rows['copies'].iloc[0])}"
    return f"{said} {_varied(kind, rows['diversity'].iloc[0])}"


def _told(rows):
    if rows["accuracy"].isna().all():
        return "whether its pictures can be told from micrographs takes two held-out specimens or more to say."
    verdicts = rows["accuracy"].map(_verdict)
    said = [
        f"{verdict} by {' and '.join(_by(row) for row in own.itertuples())}"
        for verdict, own in rows.groupby(verdicts, sort=False)
    ]
    return f"a forest tells its pictures from micrographs {'; '.join(said)}. Guessing is right in 50% of cases."


def _by(row):
    right = f"right in {percent(row.accuracy)} of cases, 95 % interval {percent(row.ci_low)} to {percent(row.ci_high)}"
    return f"{BY.get(row.features, row.features)} ({right})"


def _verdict(accuracy):
    if accuracy <= HARDLY:
        return "**hardly**"
    return "**nearly every time**" if accuracy > NEARLY_EVERY_TIME else "**often**"


def _copied(share):
    if pd.isna(share):
        return "Whether they are copies is not known."
    if share == 0:
        return "None is a copy of a train image."
    nearer = f"{percent(share)} lie nearer to a train image than 99% of held-out micrographs do"
    return f"{nearer}, hardly more than chance allows." if share <= SOME else f"**{nearer}**: they may be copies."


def _varied(kind, diversity):
    if pd.notna(diversity):
        return f"At fixed z their median diameter varies {num(diversity, 1)} times as much as within a specimen."
    if kinds.get(kind).redraws:
        return "How much they vary at fixed z is not known: no held-out specimen has two images with pores."
    return "It draws one picture for each z."
