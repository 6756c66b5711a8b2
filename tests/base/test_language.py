import ast

import pytest
import yaml

from nanofoam_lib.base import language
from nanofoam_lib.figures import generated, network, schemes, sweeps
from nanofoam_lib.lab import explore
from nanofoam_lib.models import control_registry, kinds
from nanofoam_lib.report import captions, html_report, summary, tables

NAN = float("nan")
LIBRARY = language.CATALOGUE.parents[1]


def entries(path):
    """Keys and values of a YAML file as they are written, those that stand twice too."""
    root = yaml.compose(path.read_text(encoding="utf-8"))
    return [(key.value, yaml.safe_load(yaml.serialize(value))) for key, value in root.value]


def test_no_phrase_stands_twice():
    keys = [key for key, _ in entries(language.CATALOGUE)]
    assert len(keys) == len(set(keys))
    english = {}
    for key, own in entries(language.CATALOGUE):
        phrase, spanish = (key, own) if isinstance(own, str) else own
        assert english.setdefault(phrase, spanish) == spanish, f"{phrase} is translated in two ways"


def test_captions_hold_no_words_of_the_catalogue():
    assert [key for key, _ in entries(captions.CAPTIONS)] == ["sections", "figures", "tables"]


def test_every_entry_has_both_languages():
    for key, own in entries(language.CATALOGUE):
        assert isinstance(own, str) or len(own) == len(language.LANGUAGES), key
        assert all(isinstance(part, str) and part for part in ([own] if isinstance(own, str) else own)), key


def test_no_phrase_is_a_label_as_well():
    """What a registry calls its entries stands there alone, so that no word is changed in one place of two."""
    kinds_labels = [label for kind in kinds.KINDS.values() for label in (kind.short, kind.prose)]
    rows = {name: label for control in control_registry.CONTROLS.values() for name, label in control.labels.items()}
    phrases = {key for key, _ in entries(language.CATALOGUE)}
    for label in (*kinds_labels, *rows.values()):
        assert label.en not in phrases | {language.text(phrase) for phrase in phrases}, label
    assert not phrases & (rows.keys() | kinds.KINDS.keys())


def gaps(phrase):
    return sorted(part.partition("}")[0] for part in phrase.split("{")[1:])


def test_a_phrase_and_its_translation_have_the_same_gaps():
    two_lines = ["where dimension {dimension}", "of μ looks"]  # of one sentence, whose words change places
    own = {english: spanish for english, spanish in entries(language.CATALOGUE) if english not in two_lines}
    assert not {e: s for e, s in own.items() if isinstance(s, str) and gaps(e) != gaps(s)}
    assert gaps(" ".join(language.text(line, "es") for line in two_lines)) == ["dimension"]


def looked_up(path):
    """Phrases that stand in a module's calls of `language.text`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in {"text", "language.text"}:
            first = node.args[0]
            for part in [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]:
                if isinstance(part, ast.Constant):
                    yield part.value


def test_every_word_of_figures_and_documents_has_both_languages():
    found = {*sweeps.ACCURACIES.values(), sweeps.CONTROL, *generated.GAUGES.values(), *explore.GAUGES.values()}
    found |= {*schemes.CHAIN, *html_report.WORDS.values()}
    found |= {summary.LEAKY, summary.COLLAPSED, summary.EXTRAPOLATED, tables.ROWS_OF, captions.BOTH_SPLITS}
    found |= {*network.KINDS} - {"ReLU"}
    found |= {phrase for path in LIBRARY.rglob("*.py") for phrase in looked_up(path)}
    assert len(found) > 60
    assert not found - set(dict(entries(language.CATALOGUE)))


@pytest.mark.parametrize(
    ("phrase", "english", "spanish"),
    [
        ("random forest", "random forest", "bosque aleatorio"),
        ("median_diameter_um", "median diameter (µm)", "diámetro mediano (µm)"),
        ("latent_dim", "latent size", "tamaño latente"),
        ("true", "true class", "clase verdadera"),
        ("yes", "yes", "sí"),
        ("LBP", "LBP", "LBP"),
        ("my_column", "my_column", "my_column"),
    ],
)
def test_words_are_translated_and_names_are_not(phrase, english, spanish):
    assert (language.text(phrase), language.text(phrase, "es")) == (english, spanish)


def test_only_the_library_s_own_data_have_a_translated_name():
    assert language.data_set("synthetic foam", "es") == "espuma sintética"
    assert [language.data_set(name, "es") for name in ("test", "label")] == ["test", "label"]


@pytest.mark.parametrize(
    ("value", "digits", "english", "spanish"),
    [
        (0.5, 3, "0.5", "0,5"), (-0.12345, 3, "−0.123", "−0,123"), (1234.5, 4, "1234", "1234"),
        (20.5, 4, "20.5", "20,5"),
        (2e-7, 3, "2e−07", "2e−07"), (NAN, 3, "–", "–"), (30, 4, "30", "30"),
    ],
)  # fmt: skip
def test_significant_digits(value, digits, english, spanish):
    assert [language.number(value, lang, digits) for lang in language.LANGUAGES] == [english, spanish]


@pytest.mark.parametrize(
    ("value", "decimals", "english", "spanish"),
    [
        (0.98, 2, "0.98", "0,98"), (-0.5, 2, "−0.50", "−0,50"), (-0.001, 2, "0.00", "0,00"),
        (1234.5, 1, "1234.5", "1234,5"),
        (3.0, 0, "3", "3"), (NAN, 2, "–", "–"), (0.0041, 4, "0.0041", "0,0041"),
    ],
)  # fmt: skip
def test_fixed_decimals(value, decimals, english, spanish):
    assert [language.fixed(value, lang, decimals) for lang in language.LANGUAGES] == [english, spanish]


def test_a_percentage_stands_apart_from_its_sign_in_spanish():
    assert language.percent("35%") == "35%"
    assert language.percent("35%", "es") == "35\N{NO-BREAK SPACE}%"


def test_figures_tables_and_latex_write_a_number_alike():
    """One module writes numbers: no other changes a decimal mark or a minus."""
    for path in sorted([*LIBRARY.glob("figures/*.py"), *LIBRARY.glob("report/**/*.py")]):
        source = path.read_text(encoding="utf-8")
        assert '.replace(".", ' not in source, path.name
        assert '.replace("-", "−")' not in source, path.name
