"""What a run claims: one row for each effect that its report may tell, and whether it is more than chance.

The first claim is that a descriptor which was named beforehand tells the materials apart. Where it does not hold, no
other is made: what tells materials apart cannot be said where nothing does (serial gatekeeping [1]_). A run of one
class has nothing to tell apart, and begins with the others. These are corrected within their family, the claims of one
kind, by Holm's method or by the largest of many statistics.

References
----------
.. [1] A. Dmitrienko, W. W. Offen, P. H. Westfall, Statist. Med. 22 (2003) 2387, doi:10.1002/sim.1526
"""

import numpy as np
import pandas as pd

from nanofoam_lib.base.language import LANGUAGES, quantity, text
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import pore_tables
from nanofoam_lib.latent import class_means, permutation, pore_readings, property_study
from nanofoam_lib.models import kinds
from nanofoam_lib.report import tables

LEVEL = 0.05
#: Of a map on a zone, over the zone's share of the image, from which on a dimension is said to look at it.
SMALLEST_SHARE = 1.1
COLUMNS = [
    "id", tables.SENTENCES["en"], "statistic", "value", "ci_low", "ci_high", "null", "p_corrected", "n_groups", "table",
    "holds", tables.SENTENCES["es"],
]  # fmt: skip
#: First part of the id of the claim on which all others depend.
GATE = "materials"
#: Tables that only a run of several classes has, and families that only such a run can claim anything of.
_OF_CLASSES, _BETWEEN_CLASSES = {"comparisons", "separation"}, ("dimension: ", "within: ")

#: What is claimed, by the id's first part; its places are filled in in both languages.
_APART_AT_ALL = "{descriptor} tells the materials apart, more often than guessing"
_MORE = {
    "control": "{descriptor} tells more of the materials than {rival}",
    "training": "{descriptor} tells more of the materials than before training",
    "labels": "{descriptor} tells more of the materials than the same convolutions with labels, same epochs",
}
_LESS = {
    "control": "{descriptor} tells less of the materials than {rival}",
    "training": "{descriptor} tells less of the materials than before training",
    "labels": "{descriptor} tells less of the materials than the same convolutions with labels, same epochs",
}
_APART = "in {descriptor}, {class_a} and {class_b} lie apart"
_KNOWS = "{descriptor} knows the {measure} of unseen specimens within their class"
_PREDICTS = "{descriptor} predicts {target} of a specimen it has not seen"
_PREDICTS_WITHIN = "{descriptor} predicts {target} of a specimen it has not seen, within its class"
_DIFFER_IN_DIMENSION = "the materials differ in dimension {dimension} of the {model}"
_FOLLOWS = "dimension {dimension} of the {model} follows the {measure}"
_DIFFER = "the pores of {class_a} and {class_b} differ in {measure}"
_MATTERS = "erasing what the maps {maps} mark moves the latent farther than erasing {variant}"
_LOOKS = "dimension {dimension} looks at {zone}, by the maps {maps}"
_MODEL = "{size}-d {model}"


def collect(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Make the claims of a run from its tables alone.

    Parameters
    ----------
    found : dict
        Name → table, as the method ``load_tables`` of a run gives them: "comparisons" (`scoring.compare`), and as far
        as they are there "separation", "geometry", "properties", "dimensions", "gradcam_checks" and "pores".

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. ``id`` is the family and what the claim is about; ``claim`` the sentence in English,
        ``claim_es`` in Spanish; ``null`` the value of the statistic without an effect; ``holds`` whether
        p_corrected is at most 0.05, the interval does not hold ``null``, the effect is not too small to be seen, and
        the first claim holds for some descriptor, unless there is one class.
    """
    rows = []
    for name, make in _FAMILIES.items():
        if len(found.get(name, ())):
            rows += [{**row, "table": name} for row in make(found[name], found)]
    is_one_class = not _OF_CLASSES & found.keys()
    if is_one_class:
        rows = [row for row in rows if not row["id"].startswith(_BETWEEN_CLASSES)]
    claims = pd.DataFrame(rows, columns=COLUMNS)
    # An interval that holds the value by chance, or an effect that rounds to it, is none, whatever its p-value
    outside = claims["ci_low"].isna() | (claims["ci_low"] > claims["null"]) | (claims["ci_high"] < claims["null"])
    seen = np.array([not row["too_small"] for row in rows], bool)
    holds = (claims["p_corrected"].le(LEVEL) & outside & seen).to_numpy(bool)
    is_gate = claims["id"].astype(str).str.startswith(f"{GATE}:").to_numpy(bool)
    return claims.assign(holds=holds & (is_one_class or holds[is_gate].any()))


def of_run(run: Run, *names: str) -> pd.DataFrame:
    """Collect the claims of a run from the tables in its folder: those of `names`, and of comparisons; or from all."""
    wanted = {"comparisons", *names} if names else _FAMILIES.keys()
    return collect({name: run.load_table(name) for name in _FAMILIES if name in wanted and run.table(name).exists()})


def _row(family, what, claim, statistic, value, limits, null, p, n_groups, too_small=False):
    low, high = limits
    row = {"id": f"{family}: {what}", **claim, "statistic": statistic, "value": value, "ci_low": low}
    return row | {"ci_high": high, "null": null, "p_corrected": p, "n_groups": n_groups, "too_small": too_small}


def _say(phrase, **places):
    """Give a claim in each language: dict of column to sentence.

    What is filled in is the same in both languages, or a dict of language to it, as `_both` gives.
    """
    return {
        column: text(phrase, lang).format(
            **{name: own[lang] if isinstance(own, dict) else own for name, own in places.items()}
        )
        for lang, column in tables.SENTENCES.items()
    }


def _both(name, *what):
    """Call a function of `what` and a language for each language."""
    return {lang: name(*what, lang) for lang in LANGUAGES}


def _called(row):
    return _both(kinds.descriptor_name, row.kind, row.latent_dim, row.descriptor)


def _of_comparisons(table, found):
    for row in table.itertuples():
        name, called = f"{row.descriptor} of {row.kind}-{row.latent_dim}", _called(row)
        limits, p = (row.ci_low, row.ci_high), row.p_corrected
        if row.against == "chance":
            limits = [limit + row.rival_accuracy for limit in limits]
            claim = _say(_APART_AT_ALL, descriptor=called)
            yield _row(GATE, name, claim, "accuracy", row.accuracy, limits, row.rival_accuracy, p, row.n_groups)
            continue
        phrases = _MORE if row.difference > 0 else _LESS
        claim = _say(phrases[row.against], descriptor=called, rival=_both(tables.value, row.rival))
        statistic = "difference of accuracies"
        yield _row(row.against, f"{name}, {row.rival}", claim, statistic, row.difference, limits, 0, p, row.n_groups)


def _foremost(table):
    """Choose the rows of the descriptors named beforehand, and of the pores as they tell them, of the first size."""
    named = {kind.name: kind.foremost for kind in kinds.known().values()}
    own = table[table["descriptor"].map(pore_readings.source) == table["kind"].map(named)]
    return own[own["latent_dim"] == own["latent_dim"].iloc[0]] if len(own) else own


def _of_separation(table, found):
    own = _foremost(table)
    for row, p in zip(own.itertuples(), permutation.holm(own["p_value"]), strict=True):
        name = f"{row.descriptor} of {row.kind}-{row.latent_dim}"
        claim = _say(_APART, descriptor=_called(row), class_a=row.class_a, class_b=row.class_b)
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
        limits = row.r2_within_low, row.r2_within_high
        claim = _say(_KNOWS, descriptor=_called(row), measure=_both(quantity, row.measure))
        yield _row("pores", f"{name}, {row.measure}", claim, "R² within classes", row.r2_within, limits, 0, p,
                   _n_groups(found, "test"))  # fmt: skip


def _of_properties(table, found):
    own = _foremost(table[table["model"] == property_study.NAMED])
    families = (("property", "r2", "p", _PREDICTS), ("within", "r2_within", "p_within", _PREDICTS_WITHIN))
    for family, r2, p, phrase in families:
        tested = own[own[p].notna()]
        for row, corrected in zip(tested.itertuples(), permutation.holm(tested[p]), strict=True):
            what = f"{row.descriptor} of {row.kind}-{row.latent_dim}, {row.target}"
            claim = _say(phrase, descriptor=_called(row), target=_both(quantity, row.target))
            value, low, high = (getattr(row, name) for name in (r2, f"{r2}_low", f"{r2}_high"))
            yield _row(family, what, claim, "R²", value, (low, high), 0, corrected, row.n_specimens)


def _of_dimensions(table, found):
    if "effect_p" not in table:
        return
    for (kind, size), own in table.groupby(["kind", "latent_dim"], sort=False):
        first, n = own.loc[own["effect_size"].idxmax()], _n_groups(found, "train")
        name, none = f"dimension {first['dimension']} of {kind}-{size}", (np.nan, np.nan)
        model = _both(_model, kind, size)
        claim = _say(_DIFFER_IN_DIMENSION, dimension=first["dimension"], model=model)
        yield _row("dimension", name, claim, "η²", first["effect_size"], none, 0, first["effect_p"], n)
        if own["best_rho"].notna().any():
            top = own.loc[own["best_rho"].abs().idxmax()]
            measure = _both(quantity, top["best_measure"])
            claim = _say(_FOLLOWS, dimension=top["dimension"], model=model, measure=measure)
            what = f"{kind}-{size}, {top['dimension']}, {top['best_measure']}"
            yield _row("follows", what, claim, "ρ", top["best_rho"], none, 0, top["best_p"], n)


def _model(kind, size, lang):
    return text(_MODEL, lang).format(size=size, model=kinds.get(kind).prose.in_language(lang))


def _of_pores(table, found):
    """Compare the classes in each pore measure, specimen by specimen, of the pictures that can be believed.

    Of the porosity nothing is known nearer than what half a pixel at the outlines makes, which small pores feel most:
    two classes that differ by less are not shown to differ, however many specimens say so.
    """
    used = table[pore_tables.believed(table)] if len(table) else table
    known = [name for name in pore_tables.COMPARED if name in used]
    pairs = class_means.differences(used[known], used["label"], used["group"]).dropna(subset="p_value")
    known_within = used.groupby(used["label"].astype(str))["half_pixel"].mean() if "half_pixel" in used else {}
    for row, p in zip(pairs.itertuples(), permutation.holm(pairs["p_value"]), strict=True):
        measure = _both(quantity, row.measure)
        claim = _say(_DIFFER, class_a=row.class_a, class_b=row.class_b, measure=measure)
        what, none = f"{row.measure}, {row.class_a}, {row.class_b}", (np.nan, np.nan)
        within = max(known_within.get(name, 0.0) for name in (row.class_a, row.class_b))
        too_small = row.measure == "porosity" and abs(row.difference) <= within
        yield _row("differ", what, claim, "difference", row.difference, none, 0, p, used["group"].nunique(), too_small)


def _of_maps(table, found):
    if "p_value" not in table:
        return
    whole = table[(table["check"] == "deletion") & table["dimension"].isna()]
    for row, p in zip(whole.itertuples(), permutation.holm(whole["p_value"]), strict=True):
        claim = _say(_MATTERS, maps=_both(text, row.maps), variant=_both(text, row.variant))
        what = f"{row.maps}, {row.variant}"
        yield _row("deletion", what, claim, "ratio", row.value, (row.ci_low, row.ci_high), 1, p, row.n_groups)
    zones = table[(table["check"] == "localisation") & table["dimension"].notna() & table["p_value"].notna()]
    for row in zones.itertuples():
        places = {"zone": _both(text, row.variant), "maps": _both(text, row.maps)}
        claim = _say(_LOOKS, dimension=row.dimension, **places)
        what = f"{row.maps}, {row.dimension}, {row.variant}"
        limits = row.ci_low, row.ci_high
        yield _row("looks", what, claim, "share of the map on it over its share of the image", row.value, limits, 1,
                   row.p_value, row.n_groups, row.value < SMALLEST_SHARE)  # fmt: skip


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
