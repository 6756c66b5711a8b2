"""A report in Spanish says everything in Spanish: no English in its text, and a Spanish form of every phrase."""

import ast
import html.parser
import itertools
import pathlib
import re

import numpy as np
import pandas as pd
import pytest
import test_structure_findings
import yaml
from conftest import ODD
from spanish import NAMES, english_in

from nanofoam_lib.base import files, language, messages
from nanofoam_lib.images import pore_verdicts, splits, targets, treatment
from nanofoam_lib.latent import clusters, fulfilment, suggestions
from nanofoam_lib.models import control_registry
from nanofoam_lib.report import claims, findings, html_report, tables

LIBRARY = language.CATALOGUE.parents[1]


class Visible(html.parser.HTMLParser):
    """The text of a page that a reader sees or hears, outside of code and of the lists of reproducibility."""

    HIDDEN = frozenset({"script", "style", "code", "dl"})

    def __init__(self, page):
        super().__init__()
        self.hidden, self.text = 0, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in self.HIDDEN
        self.text += [value for name, value in attrs if name in ("alt", "aria-label") and value]

    def handle_endtag(self, tag):
        self.hidden -= tag in self.HIDDEN

    def handle_data(self, data):
        if not self.hidden:
            self.text.append(data)


def test_the_list_finds_english_and_leaves_spanish_and_names_alone():
    assert english_in("450 images of foam") == ["images", "of"]
    assert english_in("450 imágenes en tables/test.csv, vae-128 y images_a, " + ODD) == []


@pytest.fixture
def spanish_page(small_run):
    """Give the page of a run in Spanish that warns as runs do."""
    manifest = small_run.load_manifest()
    warning = (
        "fewer than 10 groups of a class are held out (CuNi 1): the accuracy on test images is uncertain, whatever "
        "their number; photograph more specimens"
    )
    manifest["steps"]["01_preprocess"]["warnings"] = [warning, "w.png and 2 more: shows one grey level only"]
    bad = {"path": "x.png", "problem": "is not an image of a known format"}
    files.write_json(small_run.manifest, manifest | {"lang": "es", "left_out": [bad]})
    index = small_run.load_index()
    told = {"pixel_size_um": 0.9, "pixel_size_from": "metadata.csv", "bar": "", "levels": "16-bit", "black": 0.0}
    files.write_csv(small_run.index, index.assign(**told, white=4095.0, width=640, height=480))
    html_report.write(small_run)
    return small_run.report.read_text()


def test_a_spanish_report_holds_no_english(spanish_page):
    text = " ".join(Visible(spanish_page).text)
    assert english_in(text) == []
    assert "σ del VAE de 4 dimensiones distingue los materiales" in text
    assert "muestra un solo nivel de gris" in text
    assert "no es una imagen de un formato conocido" in text
    assert not re.search(r"\d\.\d", NAMES.sub(" ", re.sub(r"\d{4}-\d\d-\d\d", "", text)))


def every_finding(lang):
    """Say what findings say of made-up numbers, so that most of their phrases are used."""
    index = pd.DataFrame({"label": list("aabb"), "group": list("wxyz"), "split": ["train", "test"] * 2})
    summary = pd.DataFrame(
        {"model": ["vae-2", "ae-2", "ae-3", "texture-2"], "steps": 900, "latent_dim": 2, "skill_train": 0.5,
         "active": pd.array([2, None, 1, 2], "Int64"), "skill_test": [-0.1, 0.4, 0.2, 0.8], "skill_flat": 0.04,
         "skill_pca": [0.3, 0.3, 0.3, None], "contrast": 0.56, "has_skill": [False, True, True, True]}
    )  # fmt: skip
    yield findings.data(index, 1, 0, "synthetic foam", 0.3, lang)
    yield findings.models(summary, lang)
    yield findings.without_skill(summary, lang)
    history = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.5, 0.9], "test_accuracy": [0.5, 0.75]})
    yield findings.classifier(history, np.array([0, 0, 1, 1]), lang)
    yield findings.classifier(history, np.array([0, 0, 0, 1]), lang)
    maps = np.zeros((2, 4, 4, 4))
    maps[0, 1, 1, 0], maps[1, 1, 1, 0], maps[:, 0, 0, 2], maps[0, 1, 1, 3] = 3, 1, 2, 1
    yield findings.average_maps(maps, ["a", "b"], [5, 8, 9], [0.01, 1, 1], lang)
    yield findings.average_maps(np.ones((2, 4, 4, 3)), ["a", "b"], [5, 8], [0.06, 1], lang)
    yield from _of_checks(lang)
    yield from _of_clusters(lang)
    yield from _of_pictures(lang)
    yield from _of_structures(lang)


def _of_checks(lang):
    rows = [
        (check, variant, kind, value, expected)
        for kind in ("thesis", "cell by cell")
        for check, variant, value, expected in (
            ("deletion", "random pixels", 2.0, "above 1"), ("randomisation", "mu", 0.1, "near 0"),
            ("stability", "vertical flip", 0.2, "near 1"), ("localisation", "rims", 1.1, "1 by chance"),
        )
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["check", "variant", "maps", "value", "expected"])
    table = table.assign(ci_low=0.5, ci_high=2.5, dimension=pd.NA)
    for held in ((), ("thesis",), ("thesis", "cell by cell")):
        ids = [f"deletion: {kind}, random pixels" for kind in held]
        yield findings.map_checks(table, pd.DataFrame({"id": ids, "holds": True}), lang)
    yield findings.map_checks(table.assign(value=np.nan), pd.DataFrame({"id": [], "holds": []}), lang)


def _of_clusters(lang):
    points = pd.DataFrame({"cluster": [0, 0, 1, clusters.NONE], "label": list("aabb"), "trust": 0.9})
    row = {"cluster": 0, "n_images": 2, "n_specimens": 1, "class": "a", "class_share": 1.0, "jaccard": 0.8}
    found = pd.DataFrame([row | {"stable": True}, row | {"cluster": 1, "stable": False}])
    for labels in (points["label"], "a"):
        yield findings.neighbourhood(points.assign(trust_of_plane=0.7, label=labels), found, lang)
    yield findings.neighbourhood(points.assign(trust_of_plane=0.7), found[:0], lang)


def _of_pictures(lang):
    rows = pd.DataFrame({"series": ["prior", "a"] * 2, "distance": [0.5, 1, 2, 3.25], "contrast": 0.2})
    yield findings.generated(rows.assign(extrapolation=[True, False, True, False]), lang)
    yield findings.generated(rows[:0], lang)
    half = pd.DataFrame({"half_width_x": [3.0, 3.5], "half_width_y": [4.0, 4.0]})
    for real in (half, half.assign(half_width_x=9.0), half[:0]):
        yield findings.isotropy(half, real, lang)
    quality = pd.DataFrame({"features": ["pores", "lbp", "spectrum"], "accuracy": [0.98, 0.8, 0.6]})
    quality = quality.assign(ci_low=0.5, ci_high=0.99, kind="texture", latent_dim=8)
    for copies, diversity, accuracy in ((0, 0.5, 0.9), (0.02, np.nan, 0.7), (0.3, 0.5, np.nan), (np.nan, 1, 0.6)):
        yield findings.told_apart(quality.assign(copies=copies, diversity=diversity, accuracy=accuracy), lang)
    yield findings.told_apart(quality[:0], lang)
    yield findings.design(_orders(), lang)
    yield findings.design(_orders()[:0], lang)


def _of_structures(lang):
    walks, orders = test_structure_findings.walks_of(), test_structure_findings.orders_of()
    for holds in (True, False):
        yield findings.carried(walks, test_structure_findings.claims_of(holds), lang)
    yield findings.carried(walks[:0], test_structure_findings.claims_of(), lang)
    for own in (orders, orders.assign(by=fulfilment.REGRESSION), orders.assign(pi_high=np.inf), orders[:0]):
        yield findings.property_orders(own, lang)
    moves = {"target": "modulus_gpa", "variant": ["random pixels", "same shape elsewhere"], "p_value": [0.001, 0.4]}
    moves = pd.DataFrame(moves | {"value": [3.0, 1.1]})
    rows = pd.DataFrame({"target": "modulus_gpa", "seek": suggestions.SEEK, "place": "cu_m 0.25", "sd": 0.5})
    for own in (rows.assign(predicted=[44.0, 46, 48]), rows.assign(predicted=46.0), rows[:0]):
        yield findings.suggested(own, lang)
    yield from (findings.property_maps(own, lang) for own in (moves, moves.assign(value=np.nan), moves[:0]))


def _orders():
    """Make what `fulfilment.summarise` gives, a row for each thing that may be said of orders."""
    row = {"picture": "designed", "measure": "median_diameter_um", "refused": "", "round": True, "error": 0.05}
    row |= {"ci_low": 0.04, "ci_high": 0.06, "designed": 0.07, "fields": 1, "orders": 7, "rank_correlation": 0.9}
    row |= {"train_median": 0.2, "middle": 0.3, "beats_constant": True, "circularity": 0.9, "real_circularity": 0.95}
    row |= {"filled": 5, "r2": 0.8, "reconstruction": 0.1, "real": 0.01, "without_pores": 0, "tolerated": 0.1}
    row |= {"out_of_reach": 0, "nearest": np.nan}
    changes = [
        {}, {"fields": 10}, {"error": 0.3, "ci_high": 0.5}, {"round": False}, {"beats_constant": False},
        {"refused": "regression, ranks, constant"}, {"out_of_reach": 2, "nearest": 0.15},
        {"out_of_reach": 7, "nearest": 0.15, "refused": "reach"}, {"measure": "density_per_mm2", "without_pores": 1},
        {"measure": "porosity", "picture": fulfilment.TOGETHER},
    ]  # fmt: skip
    return pd.DataFrame([row | change for change in changes])


def test_findings_say_the_same_in_both_languages_and_no_english_in_spanish():
    english, spanish = list(every_finding("en")), list(every_finding("es"))
    assert len(english) == len(spanish) > 20
    for said, told in zip(english, spanish, strict=True):
        assert english_in(told) == []
        assert said.count("\n") == told.count("\n")
        assert numbers(said) == numbers(told), (said, told)


def numbers(said):
    """Sort the numbers of a text, whatever their order and decimal mark."""
    said = re.sub(r"(\d),(\d)", r"\1.\2", said.replace("\N{NO-BREAK SPACE}", "").replace(" %", "%"))
    return sorted(re.findall(r"[−]?\d+(?:\.\d+)?%?", said))


def leaves(node):
    """Give the strings of an expression that are values, not what something is looked up by."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Dict):
        for _, value in zip(node.keys, node.values, strict=True):
            yield from leaves(value)
    elif isinstance(node, (ast.Tuple, ast.List, ast.IfExp)):
        for part in [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.elts:
            yield from leaves(part)


def constants(tree):
    """Give the strings of each constant of a module: dict of name to set of str."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=True) if several else [(target, node.value)]
                found |= {name.id: set(leaves(value)) for name, value in pairs if isinstance(name, ast.Name)}
    return found


def phrases(path):
    """Give what a module hands to `text`, `say` or `_say`: strings, its constants, and what it chooses from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in SPEAKING:
            yield from leaves(node.args[0])
            names = {part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)}
            for name in names & known.keys():
                yield from known[name]
    # A function that chooses a phrase gives a constant back, or keeps it under a name of its own
    for name, strings in known.items():
        if name.startswith("_") and any(re.search(r"\{[a-z_]+\}|[a-z] [a-z]", string) for string in strings):
            yield from strings


SPEAKING = {"text", "language.text", "say", "_say"}
MODULES = sorted(path for path in (LIBRARY / "report").rglob("*.py"))


def test_every_phrase_of_the_report_has_a_spanish_form():
    known = yaml.safe_load(language.CATALOGUE.read_text(encoding="utf-8"))
    found = {phrase for path in MODULES for phrase in phrases(path)}
    # Keys of columns, names and symbols are no phrases
    named = known.keys() | control_registry.labels("es").keys()
    missing = {phrase for phrase in found - named if re.search("[a-z] ", phrase)}
    assert len(found) > 200
    assert missing == set()


def test_every_claim_has_a_sentence_in_each_language():
    table = pd.DataFrame(
        {"kind": "texture", "latent_dim": 12, "descriptor": "mu",
         "against": ["chance", "control", "training", "labels"],
         "rival": ["", "LBP", "untrained mu", "supervised features"], "accuracy": 0.9, "rival_accuracy": 1 / 3,
         "ci_low": 0.4, "ci_high": 0.7, "difference": [0.5, 0.5, -0.5, 0.5], "p_corrected": 0.001, "n_groups": 15}
    )  # fmt: skip
    found = claims.collect({"comparisons": table})
    assert found["claim"].tolist()[:2] == [
        "μ of the 12-d texture model tells the materials apart, more often than guessing",
        "μ of the 12-d texture model tells more of the materials than LBP",
    ]
    assert found["claim_es"].tolist()[2] == (
        "μ del modelo de texturas de 12 dimensiones distingue los materiales peor que antes del entrenamiento"
    )
    assert english_in(" ".join(found["claim_es"])) == []
    assert english_in(findings.effects(found, lang="es")) == []


def test_messages_of_a_run_are_found_again_by_their_words():
    index = pd.DataFrame(
        {"group": list("wxyz") * 3, "label": "a", "note": "dark", "modulus_gpa": [1.5, None, 2, 3] * 3}
    )
    index = index.assign(width_of_all=2.5)
    said = [messages.message(own, "es") for own in targets.of_index(index).said]
    assert any(
        own == "width_of_all: vale 2,5 en todas las probetas, de modo que nada se puede aprender de ella"
        for own in said
    )
    assert any(own.startswith("modulus_gpa: se conoce de 3 de 4 probetas") for own in said)
    assert english_in(" ".join(said)) == []
    pixels = pd.DataFrame(
        {"pixel_size_from": ["metadata.csv"], "pixel_size_um": [0.25], "bar": [""], "levels": ["16-bit"]}
    )
    facts = [messages.message(own, "es") for own in treatment.describe(pixels.assign(black=0.0, white=4095.0))]
    assert facts[0] == "tamaño de píxel de 1 imágenes, según metadata.csv: 0,25 µm"
    assert facts[1].startswith("niveles de 16 bits de 1 imágenes: 0 es negro y 4095 es blanco")
    with pytest.warns(UserWarning) as caught:
        splits.warn_of_few_groups(["a"] * 4, list("wxyz"), ["test"] * 4)
    assert "conviene fotografiar más probetas" in messages.message(str(caught[0].message), "es")
    lit = messages.message(
        "a.png and 2 more: is overexposed: 5–17 % of its pixels are white, where nothing can be seen any more", "es"
    )
    assert lit == "a.png y 2 más: está sobreexpuesta: el 5–17 % de sus píxeles son blancos, donde ya no se ve nada"
    assert messages.message("nobody wrote this", "es") == "nobody wrote this"


def test_what_is_doubtful_about_a_picture_is_said_with_its_numbers():
    said = [
        "; ".join(pore_verdicts.reasons({name: 99.5, "contrast": 0.25}, rule))
        for rule, limits in pore_verdicts.RULES.items()
        for name in limits
    ]
    table = pd.DataFrame({"reasons": [*said, ""], "id": 0, "group": "g", "why": "", "path": "a.png"})
    shown = tables.view("pores", table, "es")["reasons"]
    assert english_in(" ".join(shown)) == [] and shown.iloc[-1] == ""
    moved = "el número de poros cambia 99,50 al mover una décima el umbral o la escala (como mucho 0,25)"
    assert shown.str.contains(moved, regex=False).any()
    assert tables.view("pores", table)["reasons"].tolist() == [*said, ""]


#: Options, parameters and entries of files, which are typed alike in every language.
TYPED = {"from", "pores", "none", "random", "FILE", "row", "value"}
ERRORS = {"DataError", "StepError", "TrainingError", "UsageError", "OSError"}


def wordings(node, named):
    """Give what an expression may say, with a 7 for each part that is filled in: list of str."""
    if isinstance(node, ast.JoinedStr):
        parts = [wordings(part, named) for part in ast.iter_child_nodes(node)]
        return ["".join(found) for found in itertools.product(*parts)]
    if isinstance(node, ast.IfExp):
        return [*wordings(node.body, named), *wordings(node.orelse, named)]
    if isinstance(node, ast.FormattedValue):
        return wordings(node.value, named)
    if isinstance(node, ast.Name) and node.id in named:
        others = {name: own for name, own in named.items() if name != node.id}
        return [said for own in named[node.id] for said in wordings(own, others)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else ["7"]


def told(path, speaks):
    """Give what a module says in calls that `speaks` picks, each of its wordings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    phrased, named = (ast.JoinedStr, ast.IfExp, ast.Constant), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, phrased):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and speaks(ast.unparse(node.func)):
            yield from wordings(node.args[0], named)


def untold(found):
    """Pick what has no Spanish form, but for what is made of other messages alone."""
    spanish = {own: messages.message(own, "es") for own in found if re.search("[a-z]{2,} [a-z]", own)}
    return {own: said for own, said in spanish.items() if said == own or set(english_in(said)) - TYPED}


def test_every_warning_has_a_spanish_form():
    found = {own for path in LIBRARY.rglob("*.py") for own in told(path, "warnings.warn".__eq__)}
    assert len(found) >= 7
    assert untold(found) == {}


def test_every_error_has_a_spanish_form():
    found = {own for path in LIBRARY.rglob("*.py") for own in told(path, ERRORS.__contains__)}
    assert len(found) > 150
    assert untold(found) == {}


def test_the_list_finds_an_error_that_has_none():
    assert untold({"7: somebody forgot the translation"}) == {
        "7: somebody forgot the translation": "7: somebody forgot the translation"
    }


@pytest.mark.parametrize(
    ("said", "spanish"),
    [
        (
            "-p: beta must be a number from 0 to 1e+06, not -0.5",
            "-p: beta debe ser un número de 0 a 1e+06, no -0.5",
        ),
        (
            "p.yaml: crop must be a number from 0 to 0.45 or a JSON list of 4, [top, right, bottom, left], not 3",
            "p.yaml: crop debe ser un número de 0 a 0.45 o una lista JSON de 4, [top, right, bottom, left], no 3",
        ),
        (
            "data/metadata.csv: row 3 has no path",
            "data/metadata.csv: la fila 3 no tiene ruta",
        ),
        (
            "d/a/x.png: is not an image of a known format; 2 bad in all, which -p skip_bad=true leaves out",
            "d/a/x.png: no es una imagen de un formato conocido; en total hay 2 malas, que -p skip_bad=true excluye",
        ),
        (
            "r/manifest.json: damaged (is larger than 64 MB); delete it to start this run anew",
            "r/manifest.json: dañado (ocupa más de 64 MB); hay que borrarlo para empezar esta ejecución de nuevo",
        ),
    ],
)  # fmt: skip
def test_an_error_is_said_whole_and_what_is_typed_keeps_its_point(said, spanish):
    assert messages.message(said, "es") == spanish


def test_a_message_and_its_translation_have_the_same_places():
    entries = yaml.safe_load(messages.CATALOGUE.read_text(encoding="utf-8"))
    for english, spanish in entries.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", spanish)), english


def test_specimens_are_called_by_one_name():
    for path in (language.CATALOGUE, messages.CATALOGUE, LIBRARY / "report" / "captions.yaml"):
        assert not re.search("espécimen|especímenes", pathlib.Path(path).read_text(encoding="utf-8"))
