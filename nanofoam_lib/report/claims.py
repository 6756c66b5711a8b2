"""What a run claims: one row for each effect that its report may tell, and whether it is more than chance.

The first claim is that a descriptor which was named beforehand tells the materials apart. Where it does not hold, no
other is made: what tells materials apart cannot be said where nothing does (serial gatekeeping [1]_). The others are
corrected within their family, the claims of one kind, by Holm's method or by the largest of many statistics.

References
----------
.. [1] A. Dmitrienko, W. W. Offen, P. H. Westfall, Statist. Med. 22 (2003) 2387, doi:10.1002/sim.1526
"""

import numpy as np
import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.base.language import text
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import pore_tables
from nanofoam_lib.latent import class_means, permutation, property_study
from nanofoam_lib.models import control_registry, kinds

LEVEL = 0.05
#: Of a map on a zone, over the zone's share of the image, from which on a dimension is said to look at it.
SMALLEST_SHARE = 1.1
COLUMNS = [
    "id", "claim", "statistic", "value", "ci_low", "ci_high", "null", "p_corrected", "n_groups", "table", "holds",
]  # fmt: skip
#: First part of the id of the claim on which all others depend.
GATE = "materials"


def collect(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Make the claims of a run from its tables alone.

    Parameters
    ----------
    found : dict
        Name → table, as `tables.read_all` gives them: "comparisons" (`scoring.compare`), and as far as they are there
        "separation", "geometry", "properties", "dimensions", "gradcam_checks" and "pores".

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. ``id`` is the family and what the claim is about; ``claim`` the sentence in English;
        ``null`` the value of the statistic without an effect; ``holds`` whether p_corrected is at most 0.05, the
        interval does not hold ``null``, and the first claim holds for some descriptor.
    """
    rows = []
    for name, make in _FAMILIES.items():
        if len(found.get(name, ())):
            rows += [{**row, "table": name} for row in make(found[name], found)]
    claims = pd.DataFrame(rows, columns=COLUMNS)
    # An interval that holds the value by chance, or an effect that rounds to it, is none, whatever its p-value
    outside = claims["ci_low"].isna() | (claims["ci_low"] > claims["null"]) | (claims["ci_high"] < claims["null"])
    too_small = claims["id"].astype(str).str.startswith("looks:") & (claims["value"] < SMALLEST_SHARE)
    holds = (claims["p_corrected"].le(LEVEL) & outside & ~too_small).to_numpy(bool)
    is_gate = claims["id"].astype(str).str.startswith(f"{GATE}:").to_numpy(bool)
    return claims.assign(holds=holds & holds[is_gate].any())


def of_run(run: Run) -> pd.DataFrame:
    """Collect the claims of a run from the tables in its folder."""
    paths = {name: run.table(name) for name in _FAMILIES}
    return collect({name: files.read_csv(path) for name, path in paths.items() if path.exists()})


def _row(family, what, claim, statistic, value, limits, null, p, n_groups):
    low, high = limits
    row = {"id": f"{family}: {what}", "claim": claim, "statistic": statistic, "value": value, "ci_low": low}
    return row | {"ci_high": high, "null": null, "p_corrected": p, "n_groups": n_groups}


def _measure(name):
    """Name a pore measure in a sentence, without its unit."""
    return text(name).partition(" (")[0]


def _of_comparisons(table, found):
    labels = control_registry.labels("en")
    for row in table.itertuples():
        name = f"{row.descriptor} of {row.kind}-{row.latent_dim}"
        called = kinds.descriptor_name(row.kind, row.latent_dim, row.descriptor)
        limits, p = (row.ci_low, row.ci_high), row.p_corrected
        if row.against == "chance":
            limits = [limit + row.rival_accuracy for limit in limits]
            claim = f"{called} tells the materials apart, more often than guessing"
            yield _row(GATE, name, claim, "accuracy", row.accuracy, limits, row.rival_accuracy, p, row.n_groups)
            continue
        more = "more" if row.difference > 0 else "less"
        claim = {
            "control": f"{called} tells {more} of the materials than {labels.get(row.rival, row.rival)}",
            "training": f"{called} tells {more} of the materials than before training",
            "labels": f"{called} tells {more} of the materials than the same convolutions with labels, same epochs",
        }[row.against]
        statistic = "difference of accuracies"
        yield _row(row.against, f"{name}, {row.rival}", claim, statistic, row.difference, limits, 0, p, row.n_groups)


def _foremost(table):
    """Choose the rows of the descriptors that were named beforehand, of the first latent size."""
    named = {kind.name: kind.foremost for kind in kinds.known().values()}
    own = table[table["descriptor"] == table["kind"].map(named)]
    return own[own["latent_dim"] == own["latent_dim"].iloc[0]] if len(own) else own


def _of_separation(table, found):
    own = _foremost(table)
    for row, p in zip(own.itertuples(), permutation.holm(own["p_value"]), strict=True):
        name = f"{row.descriptor} of {row.kind}-{row.latent_dim}"
        called = kinds.descriptor_name(row.kind, row.latent_dim, row.descriptor)
        claim = f"in {called}, {row.class_a} and {row.class_b} lie apart"
        what = f"{name}, {row.class_a}, {row.class_b}"
        yield _row("apart", what, claim, "R", row.r, (row.ci_low, row.ci_high), 0.5, p, _n_groups(found))


def _of_geometry(table, found):
    own = _foremost(table.dropna(subset="descriptor"))
    images = ["row", "id", "label", "group", "split", "kind", "latent_dim", "descriptor"]
    long = own.melt([*images], var_name="measure").pivot_table(
        index=["kind", "latent_dim", "descriptor", "measure"], columns="row", values="value", sort=False
    )
    if "r2_within_p" not in long:
        return
    long = long.dropna(subset=["r2_within_p"])
    for row, p in zip(long.reset_index().itertuples(), permutation.holm(long["r2_within_p"]), strict=True):
        name = f"{row.descriptor} of {row.kind}-{row.latent_dim}"
        called = kinds.descriptor_name(row.kind, row.latent_dim, row.descriptor)
        limits = row.r2_within_low, row.r2_within_high
        claim = f"{called} knows the {_measure(row.measure)} of unseen specimens within their class"
        yield _row("pores", f"{name}, {row.measure}", claim, "R² within classes", row.r2_within, limits, 0, p,
                   _n_groups(found, "test"))  # fmt: skip


def _of_properties(table, found):
    own = _foremost(table[table["model"] == property_study.NAMED])
    for family, r2, p, more in (("property", "r2", "p", ""), ("within", "r2_within", "p_within", ", within its class")):
        tested = own[own[p].notna()]
        for row, corrected in zip(tested.to_dict("records"), permutation.holm(tested[p]), strict=True):
            name = f"{row['descriptor']} of {row['kind']}-{row['latent_dim']}"
            called = kinds.descriptor_name(row["kind"], row["latent_dim"], row["descriptor"])
            claim = f"{called} predicts {row['target']} of a specimen it has not seen{more}"
            limits = row[f"{r2}_low"], row[f"{r2}_high"]
            yield _row(family, f"{name}, {row['target']}", claim, "R²", row[r2], limits, 0, corrected,
                       row["n_specimens"])  # fmt: skip


def _of_dimensions(table, found):
    if "effect_p" not in table:
        return
    for (kind, size), own in table.groupby(["kind", "latent_dim"], sort=False):
        first, n = own.loc[own["effect_size"].idxmax()], _n_groups(found, "train")
        name, none = f"dimension {first['dimension']} of {kind}-{size}", (np.nan, np.nan)
        claim = f"the materials differ in dimension {first['dimension']} of the {_model(kind, size)}"
        yield _row("dimension", name, claim, "η²", first["effect_size"], none, 0, first["effect_p"], n)
        if own["best_rho"].notna().any():
            top = own.loc[own["best_rho"].abs().idxmax()]
            claim = (
                f"dimension {top['dimension']} of the {_model(kind, size)} follows the {_measure(top['best_measure'])}"
            )
            what = f"{kind}-{size}, {top['dimension']}, {top['best_measure']}"
            yield _row("follows", what, claim, "ρ", top["best_rho"], none, 0, top["best_p"], n)


def _model(kind, size):
    return f"{size}-d {kinds.get(kind).prose.en}"


def _of_pores(table, found):
    """Compare the classes in each pore measure, specimen by specimen, of the pictures that can be believed."""
    used = table[pore_tables.believed(table)] if len(table) else table
    known = [name for name in pore_tables.COMPARED if name in used]
    pairs = class_means.differences(used[known], used["label"], used["group"]).dropna(subset="p_value")
    for row, p in zip(pairs.itertuples(), permutation.holm(pairs["p_value"]), strict=True):
        claim = f"the pores of {row.class_a} and {row.class_b} differ in {_measure(row.measure)}"
        what, none = f"{row.measure}, {row.class_a}, {row.class_b}", (np.nan, np.nan)
        yield _row("differ", what, claim, "difference", row.difference, none, 0, p, used["group"].nunique())


def _of_maps(table, found):
    if "p_value" not in table:
        return
    whole = table[(table["check"] == "deletion") & table["dimension"].isna()]
    for row, p in zip(whole.itertuples(), permutation.holm(whole["p_value"]), strict=True):
        claim = f"erasing what the maps {_MAPS[row.maps]} mark moves the latent farther than erasing {row.variant}"
        what = f"{row.maps}, {row.variant}"
        yield _row("deletion", what, claim, "ratio", row.value, (row.ci_low, row.ci_high), 1, p, row.n_groups)
    zones = table[(table["check"] == "localisation") & table["dimension"].notna() & table["p_value"].notna()]
    for row in zones.itertuples():
        claim = f"dimension {row.dimension} looks at {row.variant}, by the maps {_MAPS[row.maps]}"
        what = f"{row.maps}, {row.dimension}, {row.variant}"
        limits = row.ci_low, row.ci_high
        yield _row("looks", what, claim, "share of the map on it over its share of the image", row.value, limits, 1,
                   row.p_value, row.n_groups)  # fmt: skip


_MAPS = {"thesis": "of the thesis", "cell by cell": "cell by cell"}
_FAMILIES = {
    "comparisons": _of_comparisons,
    "separation": _of_separation,
    "geometry": _of_geometry,
    "properties": _of_properties,
    "dimensions": _of_dimensions,
    "gradcam_checks": _of_maps,
    "pores": _of_pores,
}


def _n_groups(found, side=None):
    """Count the groups of a side, or of all, by the images in the table of pores; missing where there is none."""
    if not len(found.get("geometry", ())):
        return pd.NA
    images = found["geometry"].query("row == 'image'")
    return images.loc[images["split"] == side if side else images["split"].notna(), "group"].nunique()
