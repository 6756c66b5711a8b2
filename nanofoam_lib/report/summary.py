"""What a run found, in sentences, and what its reader must keep in mind."""

import pandas as pd

from nanofoam_lib.base.language import text
from nanofoam_lib.base.messages import message
from nanofoam_lib.images import pore_verdicts, targets
from nanofoam_lib.latent import fulfilment
from nanofoam_lib.models import kinds
from nanofoam_lib.report import findings
from nanofoam_lib.report.tables import by_group

LEAKY = (
    "rows marked leaky are split after augmentation: copies of one image stand on both sides, "
    "and the accuracies are too high"
)
COLLAPSED = "{n} of {all} latent dimensions have collapsed (KL divergence at most 0.01 nat): they carry nothing"
EXTRAPOLATED = "{n} of {all} rows are extrapolations, outside of what the model knows"
SAMPLED = "Sampled at random: {said}"
SAMPLED_FROM = "Sampled from the {model}: {said}"
WITH = "With the {model}:"


def chapters(manifest, index, tables):
    """Say what the tables say, chapter by chapter.

    Parameters
    ----------
    manifest : dict
        Of the run.
    index : pandas.DataFrame
        Of its images: columns label, group, split, and further ones of the metadata.
    tables : dict
        Name → DataFrame, as the method ``load_tables`` of a run gives them.

    Returns
    -------
    dict of list of str
        Section of the report → Markdown, one for each finding whose tables are there; in the run's language.
    """
    lang = manifest["lang"]
    return {
        "pores": _of_pores(tables, lang),
        "separation": _of_separation(index, tables, lang),
        "neighbours": _of_neighbours(tables, lang),
        "dimensions": _of_dimensions(tables, lang),
        "generation": list(_of_generation(tables, lang)),
        "properties": _of_properties(manifest, index, tables),
        "trust": [_data(manifest, index, tables), *_of_models(tables, lang)],
    }


def _of_pores(tables, lang):
    said = findings.pores(tables["pores"], lang) if _have(tables, "pores") else []
    return said + _effects(tables, "differ", lang=lang)


def _of_separation(index, tables, lang):
    said = []
    if _have(tables, "table1", "controls"):
        scores = pd.concat([tables["table1"], tables["controls"]], ignore_index=True)
        chance = index.loc[index["split"] == "test", "label"].value_counts(normalize=True).max()
        said.append(findings.scores(by_group(scores), chance, lang))
        said += [found] if (found := findings.leak(tables["table1"], lang)) else []
    return said + _effects(tables, *findings.TOLD_APART, lang=lang)


def _of_neighbours(tables, lang):
    is_there = _have(tables, "neighbours") and "clusters" in tables  # which may be none
    return [findings.neighbourhood(tables["neighbours"], tables["clusters"], lang)] if is_there else []


def _of_properties(manifest, index, tables):
    if not _have(tables, "properties"):
        return []
    is_synthetic, lang = manifest["data"]["folder"] is None, manifest["lang"]
    is_synthetic = is_synthetic and manifest["data"]["name"].startswith("synthetic")
    said = [findings.properties(tables["properties"], targets.of_index(index).said, is_synthetic, lang)]
    said += _effects(tables, *findings.PREDICTED, lang=lang)
    if "property_walks" in tables and _have(tables, "claims"):
        said.append(findings.carried(tables["property_walks"], tables["claims"], lang))
    told = {"property_maps": findings.property_maps, "property_orders": findings.property_orders}
    told |= {"suggestions": findings.suggested}
    return said + [tell(tables[name], lang) for name, tell in told.items() if name in tables]


def _of_dimensions(tables, lang):
    said = []
    if _have(tables, "geometry", "dimensions"):
        said.append(findings.geometry(tables["geometry"], tables["dimensions"], lang=lang))
    said += _effects(tables, *findings.SEEN, lang=lang)
    if _have(tables, "gradcam_checks", "claims"):
        said.append(findings.map_checks(tables["gradcam_checks"], tables["claims"], lang))
    return said


def _effects(tables, *families, lang):
    """Tell the claims of some families, if any was looked at."""
    if not _have(tables, "claims"):
        return []
    family = tables["claims"]["id"].str.split(": ").str[0]
    return [findings.effects(tables["claims"], *families, lang=lang)] if family.isin(families).any() else []


def _of_generation(tables, lang):
    if _have(tables, "generated"):
        said = findings.generated(tables["generated"].query("what == 'sample'"), lang)
        yield text(SAMPLED, lang).format(said=said)
    if _have(tables, "design"):
        yield findings.design(fulfilment.summarise(tables["design"]), lang)
    for kind in map(kinds.get, kinds.but_main(kinds.known())):
        if _have(tables, name := kinds.of_kind("design", kind.name)):
            called = kind.prose.in_language(lang)
            ordered = findings.design(fulfilment.summarise(tables[name]), lang)
            yield f"{text(WITH, lang).format(model=called)}\n{ordered}"
            real = tables[name].query("picture == @fulfilment.REAL")
            drawn = tables[kinds.of_kind("generated", kind.name)].query("what == 'sample'")
            yield text(SAMPLED_FROM, lang).format(model=called, said=findings.isotropy(drawn, real, lang))
    if _have(tables, "generated_quality"):
        yield findings.told_apart(tables["generated_quality"], lang)


def _of_models(tables, lang):
    return [findings.models(tables["models"], lang)] if _have(tables, "models") else []


def cautions(manifest, tables):
    """List what qualifies the results: (where it comes from, what it is), in the run's language.

    Parameters
    ----------
    manifest, tables : dict
        As for `sentences`.

    Returns
    -------
    list of (str, str)
        Warnings of the steps, bad images, leaky rows, collapsed dimensions, and generated foams outside of what the
        model knows.
    """
    lang = manifest["lang"]
    found = [(step, message(warning, lang)) for step, done in manifest["steps"].items() for warning in done["warnings"]]
    bad = "; ".join(f"{image['path']} ({message(image['problem'], lang)})" for image in manifest["left_out"])
    found += [(text("Images left out", lang), bad)] if bad else []
    if manifest["parameters"].get("protocol") == "thesis":
        found.append(("table1", text(LEAKY, lang)))
    for (kind, size), active in _active(tables):
        if 0 < active < size:  # a model without any has warned itself
            found.append((kinds.model_name(kind, size, lang), text(COLLAPSED, lang).format(n=size - active, all=size)))
    if _have(tables, "generated") and (beyond := tables["generated"]["extrapolation"]).any():
        counts = {"n": int(beyond.sum()), "all": len(beyond)}
        found.append(("generated", text(EXTRAPOLATED, lang).format(**counts)))
    return found + [("pores", said) for said in _doubts(tables, lang)]


def _doubts(tables, lang):
    """Say of which classes the pores are doubtful, and what to do; nothing where all can be believed."""
    is_doubtful = _have(tables, "pores") and (tables["pores"]["verdict"] == pore_verdicts.DOUBTFUL).any()
    return (
        [said.replace("**", "").replace("- ", "") for said in findings.pores(tables["pores"], lang)]
        if is_doubtful
        else []
    )


def _have(tables, *names):
    return all(name in tables and len(tables[name]) for name in names)


def _data(manifest, index, tables):
    n_pairs = len(tables.get("near_duplicates", ()))
    share = manifest["parameters"]["test_fraction"]
    n_left_out, name = len(manifest["left_out"]), manifest["data"]["name"]
    return findings.data(index, n_pairs, n_left_out, name, share, manifest["lang"])


def _active(tables):
    if not _have(tables, "dimensions"):
        return []
    return tables["dimensions"].groupby(["kind", "latent_dim"])["active"].sum().items()
