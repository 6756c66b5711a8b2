"""What a reader asks first, answered from the tables of a run: a verdict, a sentence, and where there is more."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nanofoam_lib.base.language import number, percent, percentage, text
from nanofoam_lib.images import pore_tables, pore_verdicts
from nanofoam_lib.latent import class_means
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report import tables, unlabelled
from nanofoam_lib.report.claims import GATE

#: Signs of the verdicts, so that none is told by colour alone.
SIGNS = {"yes": "✓", "partly": "◐", "no": "✗", "unknown": "?"}
RECOGNISED = 0.95  # accuracy of a forest from which on drawings do not pass for micrographs
FEWEST = 10  # specimens of a class that are held out, below which an accuracy says little
_LISTED = 4  # classes that a sentence names


class Answer(NamedTuple):
    """An answer on the first screen of a report."""

    name: str  # of the question, and of its figure
    question: str
    state: str  # a key of `SIGNS`
    verdict: str  # the same in words
    sentence: str
    chapter: str  # section of the report


def collect(manifest: Mapping[str, Any], index: pd.DataFrame, found: Mapping[str, pd.DataFrame]) -> list[Answer]:
    """Answer the four questions, in the language of the run.

    Parameters
    ----------
    manifest : dict
        Of the run.
    index : pandas.DataFrame
        Of its images.
    found : dict of pandas.DataFrame
        Its tables by name; what is missing is said to be unknown.
    """
    lang = manifest["lang"]
    asked = {
        "materials": ("pores", _materials(found, lang)),
        "separation": ("separation", _separation(found, lang)),
        "difference": ("generation", _difference(found, lang)),
        "trust": ("trust", _trust(manifest, index, found, lang)),
    }
    questions = dict(_QUESTIONS)
    if index["label"].nunique() < 2:
        asked["separation"] = ("neighbours", unlabelled.groupings(found, lang))
        questions |= unlabelled.QUESTIONS
    return [
        Answer(name, text(questions[name], lang), state, text(verdict, lang), sentence, chapter)
        for name, (chapter, (state, verdict, sentence)) in asked.items()
    ]


_QUESTIONS = {
    "materials": "What do the materials look like?",
    "separation": "Can structure tell them apart?",
    "difference": "What differs?",
    "trust": "How far to trust this?",
}


def in_three_lines(manifest: Mapping[str, Any], index: pd.DataFrame, found: Mapping[str, pd.DataFrame]) -> list[str]:
    """Tell the results in three lines: accuracy beside that of the best control, pores, how far to trust both."""
    lang = manifest["lang"]
    told = {answer.name: answer for answer in collect(manifest, index, found)}
    first = _best_scores(found, lang) or told["separation"].sentence
    answered = (told[name] for name in ("materials", "trust"))
    return [first, *(f"{a.question} {a.verdict[:1].upper()}{a.verdict[1:]}. {a.sentence}" for a in answered)]


def _best_scores(found, lang):
    """Set the model's descriptor that a random forest tells the classes by best beside the best control."""
    scores = [found[name] for name in ("table1", "controls") if name in found]
    if len(scores) < 2:
        return ""
    own, controls = (tables.headline(table) for table in scores)
    controls = controls[~controls["descriptor"].isin(control_registry.beyond_competition())]
    best, rival = (table.loc[table["accuracy"].idxmax()] for table in (own, controls))
    right, low, high, other, least, most = (
        _percent(row[name], lang) for row in (best, rival) for name in ("accuracy", "ci_low", "ci_high")
    )
    model = kinds.descriptor_name(best["kind"], int(best["latent_dim"]), best["descriptor"], lang)
    control = tables.value(rival["descriptor"], lang)
    return text(_BESIDE, lang).format(
        model=model, right=right, low=low, high=high, control=control, other=other, least=least, most=most
    )


_BESIDE = (
    "Right for unseen images, by a random forest: {model} {right} ({low} to {high}), the best control, {control}, "
    "{other} ({least} to {most})."
)


def _materials(found, lang):
    """Tell the measure in which the classes differ most, in units of how much specimens of one class do."""
    table = found.get("pores", pd.DataFrame())
    used = table[pore_tables.believed(table)] if len(table) else table
    if not len(used):
        return "unknown", "not measured", text("No pores could be measured that can be believed.", lang)
    known = [name for name in pore_tables.COMPARED if name in used]
    if used["label"].nunique() < 2:
        return unlabelled.materials(used[known], used["label"], used["group"], lang)
    means = class_means.means(used[known], used["label"], used["group"]).dropna(subset="mean")
    first = _widest(means)
    own = means[means["measure"] == first]
    listed = ", ".join(f"{row['class']} {number(row['mean'], lang)}" for _, row in own.head(_LISTED).iterrows())
    listed += " …" if len(own) > _LISTED else ""
    claims = _family(found, "differ")
    pair = claims["id"].astype(str).str.partition(", ")[2]  # they differ if every two classes do in some measure
    state = _share(claims["holds"].groupby(pair).any())
    told = text("Of {n} comparisons of classes in {measures} pore measures {holds} show a difference.", lang).format(
        n=len(claims), measures=len(known), holds=int(claims["holds"].sum())
    )
    words = {
        "yes": "their pores differ",
        "partly": "the pores of some differ",
        "no": "no difference shown",
        "unknown": "not tested",
    }
    called = text(first, lang)
    said = f"{called[0].upper()}{called[1:]}: {listed}. {told if len(claims) else ''}"
    return state, words.get(state, "not tested"), said.strip()


def _widest(means):
    """Name the measure whose class means lie farthest apart, in standard deviations between specimens."""
    by_measure = means.groupby("measure")
    spread = (by_measure["mean"].max() - by_measure["mean"].min()) / by_measure["sd"].mean()
    return spread.fillna(0).idxmax()


def _separation(found, lang):
    """Tell the descriptors that were named beforehand, and how many of the controls they beat or do not reach."""
    table, claims = found.get("comparisons", pd.DataFrame()), _family(found, GATE)
    if not len(table):
        return "unknown", "not tested", text("No accuracies were compared.", lang)
    sentences, states = [], []
    for key, own in table.groupby(["kind", "latent_dim", "descriptor"], sort=False):
        chance = own[own["against"] == "chance"].iloc[0]
        rivals = own[own["against"] == "control"]
        name = f"{key[2]} of {key[0]}-{key[1]}"
        held = _family(found, "control").set_index("id")["holds"]
        holds = np.array([bool(held.get(f"control: {name}, {rival}", False)) for rival in rivals["rival"]], bool)
        better, worse = (int((holds & sign).sum()) for sign in (rivals["difference"] > 0, rivals["difference"] < 0))
        is_told = bool(claims.set_index("id")["holds"].get(f"{GATE}: {name}", False))
        states.append((is_told, better, worse, len(rivals)))
        sentences.append(
            text(_RIGHT, lang).format(
                name=kinds.descriptor_name(*key, lang), right=_percent(chance["accuracy"], lang),
                chance=_percent(chance["rival_accuracy"], lang), better=better, worse=worse, n=len(rivals),
            )
        )  # fmt: skip
    if not any(told for told, *_ in states):
        return "no", "not shown beyond chance", " ".join(sentences)
    if any(told and better == n for told, better, _, n in states):
        return "yes", "yes, better than every control", " ".join(sentences)
    beats = any(told and better for told, better, *_ in states)
    verdict = "yes, but not better than every control" if beats else "yes, but not better than any control"
    return "partly", verdict, " ".join(sentences)


_RIGHT = (
    "{name} is right for {right} of unseen images (guessing {chance}); of {n} controls it beats {better}, and "
    "{worse} beat it, beyond chance."
)


def walk(found: Mapping[str, pd.DataFrame]) -> tuple[str, pd.DataFrame]:
    """Choose the walk that is shown: the kind of model, and rows of its table of generated pictures.

    Returns
    -------
    kind : str
    rows : pandas.DataFrame
        Of the first straight walk through all classes, or along the first principal axis where there is one class;
        empty if nothing was drawn.
    """
    known = [kind for kind in reversed(list(kinds.known())) if kinds.of_kind("generated", kind) in found]
    drawn = {kind: found[kinds.of_kind("generated", kind)] for kind in known}
    for what, series in (("interpolation", "linear"), ("traversal", "PCA 1")):
        for kind, table in drawn.items():
            rows = table[(table["what"] == what) & (table["series"] == series)]
            if len(rows):
                return kind, rows
    return kinds.MAIN, pd.DataFrame()


def _difference(found, lang):
    """Tell how the pores of drawn pictures change from the first class to the last, and if these pass for real."""
    kind, rows = walk(found)
    if not len(rows):
        return "unknown", "nothing was drawn", text("No model drew pictures between the classes.", lang)
    ends = rows.iloc[[0, -1]]
    changes = [
        f"{text(name, lang)} {number(ends[name].iloc[0], lang)} → {number(ends[name].iloc[1], lang)}"
        for name in ("median_diameter_um", "density_per_mm2", "porosity")
        if ends[name].notna().all()
    ]
    changed, is_walk = ", ".join(changes) or text("no pores", lang), rows["what"].iloc[0] == "interpolation"
    if is_walk:
        first, last = ends["class"]
        said = text("Drawn from {first} to {last}: {changes}.", lang).format(first=first, last=last, changes=changed)
    else:
        said = unlabelled.along_axis(kind, changed, lang)
    quality = found.get("generated_quality", pd.DataFrame(columns=["kind", "features", "accuracy"]))
    told = quality.loc[(quality["kind"] == kind) & (quality["features"] == "pores"), "accuracy"].dropna()
    if len(told):
        said += " " + text(_TOLD, lang).format(share=_percent(told.iloc[0], lang))
    held = _family(found, "dimension" if is_walk else "follows")
    draws = _has_skill(found, kind) and not (told >= RECOGNISED).any()
    state = ("yes" if draws else "partly") if held["holds"].any() else "no"
    if state == "yes" and not changes:  # a difference that nothing measured can name
        return "partly", "structure that a model sees, but not in pores that can be believed", said
    return state, _DIFFERS[state], said


_DIFFERS = {
    "yes": "structure that a model sees",
    "partly": "structure that a model sees, but does not draw yet",
    "no": "nothing beyond chance",
}
_TOLD = "A forest tells such drawings from micrographs in {share} of cases (half is guessing)."


def _has_skill(found, kind):
    """Tell whether what a kind of model draws of its images is better than the simplest guess; so if nobody asked."""
    models = found.get("models", pd.DataFrame(columns=["kind", "has_skill"]))
    own = models.loc[models["kind"] == kind, "has_skill"].astype(bool)
    return bool(own.all())


def _trust(manifest, index, found, lang):
    """Count what speaks for and against the numbers."""
    test = index[index["split"] == "test"]
    fewest = int(test.groupby("label")["group"].nunique().min()) if len(test) else 0
    leaks = len(found.get("near_duplicates", ()))
    pores = found.get("pores", pd.DataFrame(columns=["verdict"]))
    doubtful = int((pores["verdict"] == pore_verdicts.DOUBTFUL).sum())
    models = found.get("models", pd.DataFrame(columns=["has_skill"]))
    unskilled = int((~models["has_skill"].astype(bool)).sum())
    claims = found.get("claims", pd.DataFrame(columns=["holds"]))
    failing = int((~claims["holds"].astype(bool)).sum())
    values = {
        "specimens": test["group"].nunique(), "fewest": fewest, "leaks": leaks, "doubtful": doubtful,
        "pictures": len(pores), "unskilled": unskilled, "models": len(models), "failing": failing,
        "claims": len(claims),
    }  # fmt: skip
    problems = [fewest < FEWEST, leaks > 0, doubtful > pore_tables.MOST_DOUBTFUL * max(len(pores), 1), unskilled > 0]
    problems += [bool(manifest["left_out"])]
    state = "yes" if not any(problems) else "partly" if sum(problems) < 3 else "no"
    words = {"yes": "the usual checks hold", "partly": "with care", "no": "hardly"}
    said = [text(_CHECKS, lang).format(**values), text(_EACH_ALONE, lang) if index["group"].is_unique else ""]
    return state, words[state], " ".join(filter(None, said))


_CHECKS = (
    "{specimens} specimens were held out whole, at least {fewest} of a class; train and test images that show the same "
    "picture: {leaks}. Doubtful pores: {doubtful} of {pictures} pictures; models without skill: {unskilled} of "
    "{models}; effects looked for and not claimed: {failing} of {claims}."
)
_EACH_ALONE = "Every image counts as a specimen of its own."


def _family(found, name):
    """Choose the claims of one family."""
    claims = found.get("claims", pd.DataFrame(columns=["id", "holds"]))
    own = claims[claims["id"].astype(str).str.startswith(f"{name}: ")]
    return own.assign(holds=own["holds"].astype(bool))


def _share(holds):
    if not len(holds):
        return "unknown"
    return "yes" if holds.all() else "partly" if holds.any() else "no"


def _percent(share, lang):
    return percent(percentage(share), lang)
