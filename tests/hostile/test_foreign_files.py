"""What stands in the files of a run folder is checked before it is used, by its size before it is read."""

import json
import re
import zipfile

import foreign
import numpy as np
import pandas as pd
import pytest
from foreign import COMMANDS, array, edit, outside, peak, told

from nanofoam_lib import vae
from nanofoam_lib.__main__ import main
from nanofoam_lib.base import archives, files, json_text, reading, table_forms, yaml_text
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.runs import parameters, pipeline, sweep_spec

FINISHED = ("compare", "sweep", "explore", "apply")


def refused(run, command, name):
    """Give the line with which a command names a file; of a sweep, what is amiss with its point."""
    with told() as line:
        found = COMMANDS[command](run)
    said = found["status"].iloc[0] if command == "sweep" else line.said
    assert said is not None, f"{command} takes {name}"
    assert name in said, said
    assert said.isprintable()
    return said


# Manifests


def nested(depth):
    return "[" * depth + "]" * depth


MANIFESTS = {
    "deep": lambda text: text.replace('"cpus": 2', f'"cpus": {nested(5000)}'),
    "deeper": lambda text: "[" * 200_000,
    "beyond numbers": lambda text: text.replace('"seconds": 1.5', '"seconds": 1e400'),
    "negative time": lambda text: text.replace('"seconds": 1.5', '"seconds": -1'),
    "time for ever": lambda text: text.replace('"seconds": 1.5', '"seconds": 1e300'),
    "no time": lambda text: text.replace('"seconds": 1.5', '"seconds": null'),
    "folder a number": lambda text: text.replace('"folder": null', '"folder": 5'),
    "name an object": lambda text: text.replace('"name": "photographs"', '"name": {}'),
    "half a pair": lambda text: text.replace('"photographs"', '"\\ud800"'),
    "a seed of text": lambda text: text.replace('"seed": 0', '"seed": "0"'),
    "no status": lambda text: text.replace('"status": "done",', ""),
    "another status": lambda text: text.replace('"done"', '"\\u001b[31mdone"'),
    "no parameters": lambda text: text.replace('"parameters"', '"paramters"'),
    "another language": lambda text: text.replace('"lang": "en"', '"lang": "../en"'),
    "outputs a list": lambda text: text.replace(
        '"outputs": {\n        "data/index.csv": null\n      }', '"outputs": [1]'
    ),
    "a null in a name": lambda text: text.replace("data/index.csv", "data/\\u0000"),
    "cut": lambda text: text[: len(text) // 2],
    "of zeros": lambda text: "\0" * len(text),
    "empty": lambda text: "",
    "NaN": lambda text: text.replace('"seed": 0', '"seed": NaN'),
}


@pytest.mark.parametrize("how", MANIFESTS)
def test_a_manifest_of_another_form_is_one_line_that_names_it(foreign_run, tmp_path, how):
    text = foreign_run.manifest.read_text()
    changed = MANIFESTS[how](text)
    assert changed != text
    foreign_run.manifest.write_text(changed)
    before = outside(tmp_path, foreign_run)
    for command in FINISHED:
        refused(foreign_run, command, "manifest.json")
    with told("manifest.json") as line:
        pipeline.run(foreign_run.folder, "demo")
    assert line.said is not None
    assert outside(tmp_path, foreign_run) == before


def test_a_manifest_of_steps_that_the_chain_has_not_is_named_by_the_run(tiny_run):
    edit(tiny_run.manifest, lambda value: value["steps"].__setitem__("07_publish\x1b[2J", {"status": "failed"}))
    with told("manifest.json") as line:
        pipeline.run(tiny_run.folder, "demo")
    assert "07_publish\\x1b[2J" in line.said


def test_nothing_that_a_terminal_obeys_is_printed(foreign_run, tmp_path, capsys):
    """Names, warnings, errors, labels and headings come out as escapes, whatever command writes them."""
    evil = "a\x1b]0;owned\x07\x1b[2J\u202eb"
    (foreign_run.folder / "tables" / f"{evil}.csv").write_text("a\n1\n")
    edit(foreign_run.manifest, lambda value: value["data"].__setitem__("name", evil))
    edit(foreign_run.manifest, lambda value: value["parameters"].__setitem__(evil, evil))
    table = files.read_csv(foreign_run.table("table1")).assign(descriptor=evil, classifier="random forest")
    files.write_csv(foreign_run.table("table1"), table.head(1))
    cited = (foreign_run.folder / "cited.yaml").read_text() + f'- "{evil}"\n- {{table: "\\e[2J"}}\n'
    (foreign_run.folder / "cited.yaml").write_text(cited.replace("\x1b", "\\e").replace("\x07", "\\a"))
    spec = tmp_path / "spec.yaml"
    spec.write_text('grid: {"\\e[2J": [1]}\n')
    for arguments in (
        ["compare", foreign_run.folder], ["verify", foreign_run.folder], ["sweep", spec], ["sweep", spec, "--list"],
        ["run", "--profile", spec, "--out", tmp_path / evil], ["run", "-p", f"seed={evil}"], ["check", tmp_path / evil],
        ["compare", foreign_run.folder, "--json"], ["verify", foreign_run.folder, "--json"],
    ):  # fmt: skip
        main(list(map(str, arguments)))
        said = capsys.readouterr()
        assert "--json" not in arguments or json.loads(said.out)
        for text in said:
            assert all(line.isprintable() for line in text.split("\n")), repr(text)


# Configurations and weights


CONFIGS = {
    "text": {"filters": "abcd"},
    "a number": {"filters": 5},
    "lists": {"filters": [[1]]},
    "a billion": {"filters": [10**9, 4, 4, 4]},
    "a trillion dimensions": {"latent_dim": 10**12},
    "as many as there may be": {"latent_dim": 16_384},
    "wide": {"filters": [4096] * 4, "decoder_filters": [4096] * 3},
    "none": {"filters": [], "decoder_filters": []},
    "too many": {"filters": [1] * 12, "decoder_filters": [1] * 11},
    "a list of kinds": {"kind": []},
    "an unknown kind": {"kind": "\x1b[2J"},
    "no beta": {"beta": None},
    "beta of text": {"beta": "1"},
    "negative beta": {"beta": -1},
    "a truth for a number": {"latent_dim": True},
    "unknown keys": {"run": "os.system"},
    "a texture": {"kind": "texture"},
}


@pytest.mark.parametrize("how", CONFIGS)
def test_a_configuration_that_makes_no_model_is_named(foreign_run, how):
    config = foreign_run.model("vae", 4) / "config.json"
    edit(config, lambda value: value | CONFIGS[how])
    before = peak()
    with pytest.raises(DataError, match=r"(config\.json|encoder\.keras)") as refusal:
        vae.load(config.parent)
    assert str(refusal.value).isprintable()
    assert peak() - before < foreign.MOST_MEMORY / 8
    refused(foreign_run, "explore", "models")


@pytest.mark.parametrize(
    "text", [nested(5000), f'{{"filters": {nested(5000)}}}', "", "{", "\0", "[]", '{"kind": "vae"}']
)
def test_a_configuration_that_is_none_is_named(foreign_run, text):
    config = foreign_run.model("vae", 4) / "config.json"
    config.write_text(text)
    with pytest.raises(DataError, match=r"config\.json"):
        vae.load(config.parent)


def test_the_limits_of_a_configuration_are_those_of_the_parameters():
    known = parameters.PARAMETERS
    assert known["latent_dims"].high == vae.MOST_DIMS
    assert known["filters"].high == known["decoder_filters"].high == vae.MOST_FILTERS


def rezipped(path, change, compression=zipfile.ZIP_STORED):
    """Write a zip file anew, its members (dict of name to bytes) changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)


def test_weights_that_inflate_are_refused_before_they_do(foreign_run):
    path = foreign_run.model("vae", 4) / "encoder.keras"
    zeros = bytes(1 << 28)
    rezipped(path, lambda old: old | {"model.weights.h5": zeros}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    before = peak()
    with pytest.raises(DataError, match=r"encoder\.keras: damaged \(would be 268,\d{3},\d{3} bytes"):
        vae.load(path.parent)
    assert peak() - before < 1 << 26


KERAS = {
    "an architecture of its own": lambda old: (
        old | {"config.json": old["config.json"].replace(b'"filters": 4', b'"filters": 1000000000')}
    ),
    "an architecture that is none": lambda old: old | {"config.json": nested(100_000).encode()},
    "a Lambda": lambda old: old | {"config.json": b'{"module": "builtins", "class_name": "eval", "config": "1"}'},
}  # fmt: skip


@pytest.mark.parametrize("how", KERAS)
def test_nothing_but_weights_is_taken_from_a_file_of_weights(foreign_run, how):
    folder = foreign_run.model("vae", 4)
    whole = vae.load(folder)
    rezipped(folder / "encoder.keras", KERAS[how])
    again = vae.load(folder)
    for one, other in zip(whole.encoder.get_weights(), again.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


WEIGHTS = {
    "more": lambda old: old | {"model.weights.h5": old["model.weights.h5"] + bytes(5 << 20)},
    "others": lambda old: old | {"model.weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(2000)},
    "none": lambda old: {"config.json": old["config.json"]},
    "further files": lambda old: old | {"../../victim": b"x"},
    "none at all": lambda old: {},
}


@pytest.mark.parametrize("how", WEIGHTS)
def test_weights_of_another_network_are_named(foreign_run, tmp_path, how):
    folder, before = foreign_run.model("vae", 4), outside(tmp_path, foreign_run)
    rezipped(folder / "decoder.keras", WEIGHTS[how])
    with pytest.raises(DataError, match=r"decoder\.keras"):
        vae.load(folder)
    assert outside(tmp_path, foreign_run) == before


def test_weights_of_a_smaller_network_are_named(foreign_run, tmp_path):
    other = vae.build(vae.Config("vae", 4, filters=(2, 2, 2, 2), decoder_filters=(2, 2, 2)))
    vae.save(other, tmp_path / "other")
    (tmp_path / "other" / "encoder.keras").replace(foreign_run.model("vae", 4) / "encoder.keras")
    with pytest.raises(DataError, match=r"encoder\.keras"):
        vae.load(foreign_run.model("vae", 4))


# Arrays


def put(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


N, D = 24, 4
GOOD = {"id": array((N,), "int64", bytes(8 * N)), "mu": array((N, D), body=bytes(4 * N * D))}
ARRAYS = {
    "a trillion": GOOD | {"mu": array((10**12,))},
    "a trillion in rows": GOOD | {"mu": array((10**6, 10**6))},
    "beyond numbers": GOOD | {"mu": array((10**30,))},
    "negative": GOOD | {"mu": array((-1, D))},
    "objects": GOOD | {"mu": array((N, D), "O", bytes(8 * N * D))},
    "text": GOOD | {"mu": array((N, D), "U1", bytes(4 * N * D))},
    "other rows": GOOD | {"mu": array((N - 1, D), body=bytes(4 * (N - 1) * D))},
    "other columns": GOOD | {"mu": array((N, D + 1), body=bytes(4 * N * (D + 1)))},
    "one length": GOOD | {"mu": array((N * D,), body=bytes(4 * N * D))},
    "no rows": {"id": array((0,), "int64"), "mu": array((0, D))},
    "no ids": {"mu": GOOD["mu"]},
    "not finite": GOOD | {"mu": array((N, D), body=np.full(N * D, np.nan, "<f4").tobytes())},
    "no array": GOOD | {"mu": b"years of work"},
    "a head without end": GOOD | {"mu": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 60_000},
    "a head of brackets": GOOD | {"mu": b"\x93NUMPY\x02\x00\xff\xff\0\0" + b"[" * 0xFFFF},
    "of another version": GOOD | {"mu": b"\x93NUMPY\x09\x00" + GOOD["mu"][8:]},
}


@pytest.mark.parametrize("how", ARRAYS)
def test_latents_that_are_not_the_index_s_are_refused_before_they_are_read(foreign_run, how):
    put(foreign_run.descriptors("vae", D), ARRAYS[how])
    before = peak()
    with pytest.raises(DataError, match=r"vae-4\.npz: damaged") as refusal:
        foreign_run.load_descriptors("vae", D)
    assert str(refusal.value).isprintable()
    assert peak() - before < 1 << 26
    refused(foreign_run, "explore", "vae-4.npz")


def test_latents_that_are_missing_are_named(foreign_run):
    put(foreign_run.descriptors("vae", D), {"id": GOOD["id"]})
    assert "holds no mu" in refused(foreign_run, "explore", "vae-4.npz")


def test_arrays_that_inflate_are_refused_before_they_do(foreign_run):
    path, n = foreign_run.descriptors("vae", D), 1 << 26
    put(path, {"id": GOOD["id"], "mu": array((n,), body=bytes(4 * n))}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    before = peak()
    with pytest.raises(DataError, match="compressed, as none that this program wrote"):
        files.read_npz(path)
    assert peak() - before < 1 << 26


def test_a_file_of_arrays_is_as_large_as_was_said(tmp_path):
    files.write_npz(tmp_path / "a.npz", a=np.zeros(1 << 19))
    assert len(files.read_npz(tmp_path / "a.npz", most=1 << 22)["a"]) == 1 << 19
    with pytest.raises(DataError, match="where 1,000 are expected"):
        files.read_npz(tmp_path / "a.npz", most=1000)
    with reading.open_plain(tmp_path / "a.npz") as file:
        assert archives.read_header(file) == {"a": ((1 << 19,), np.dtype(float))}


@pytest.mark.parametrize(
    "content",
    [array((10**12,), "u1"), array((24, 128, 128), "f4", bytes(99)), array((23, 128, 128), "u1", bytes(23 << 14)),
     array((24, 1 << 14), "u1", bytes(24 << 14)), array((), "u1", b"1"), b"", b"\0" * 500, array((10**30,), "u1"),
     b"\x93NUMPY\x01\x00v\x00{" + bytes(200), b"\x93NUMPY\x01\x00v\x00{'a': (" + b" " * 200,
     array((24, 128, 128), "O", bytes(8 * 24 << 14))],
)  # fmt: skip
def test_images_that_are_not_the_index_s_are_named(foreign_run, content):
    foreign_run.images.write_bytes(content)
    with pytest.raises(DataError, match=r"images\.npy: damaged"):
        foreign_run.load_images()


# Tables


def change(run, name, how):
    path = run.index if name == "index" else run.pores if name == "pores" else run.table(name)
    path.write_text(how(path.read_text()))


def cell(column, value):
    def how(text):
        head, first, *rest = text.splitlines()
        cells, names = first.split(","), head.split(",")
        cells[names.index(column)] = value
        return "\n".join([head, ",".join(cells), *rest]) + "\n"

    return how


TABLES = {
    "empty": ("compare", "table1", lambda text: ""),
    "a head alone": ("compare", "table1", lambda text: text.splitlines()[0] + "\n"),
    "no head": ("compare", "controls", lambda text: "\n".join(text.splitlines()[1:])),
    "cut within quotes": ("compare", "table1", lambda text: text + 'vae,"4'),
    "bytes": ("compare", "geometry", lambda text: "\0\1\2" * 99),
    "more cells than heads": ("compare", "dimensions", lambda text: text + "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n"),
    "an accuracy abc": ("compare", "table1", cell("accuracy", "abc")),
    "an accuracy 1e400": ("compare", "table1", cell("accuracy", "1e400")),
    "an accuracy 7": ("compare", "controls", cell("accuracy", "7")),
    "a size of text": ("compare", "table1", cell("latent_dim", "\x1b[2J")),
    "a size of 1e300": ("compare", "table1", cell("latent_dim", "1e300")),
    "a size and a half": ("compare", "dimensions", cell("latent_dim", "4.5")),
    "active perhaps": ("compare", "dimensions", cell("active", "perhaps")),
    "a diameter of text": ("compare", "geometry", cell("median_diameter_um", "large")),
    "a model of text": ("sweep", "models", cell("test_kl", "high")),
    "no models": ("sweep", "models", lambda text: text.replace("model,", "modle,")),
    "other measures": ("explore", "pores", lambda text: "\n".join(text.splitlines()[:-1])),
    "no labels": ("explore", "index", lambda text: text.replace("label", "labels")),
    "no rows": ("explore", "index", lambda text: text.splitlines()[0] + "\n"),
    "other rows": ("explore", "index", lambda text: "\n".join(text.splitlines()[:-1])),
    "scales of text": ("explore", "index", cell("um_x", "small")),
    "out of the folder": ("explore", "index", cell("path", "../../victim")),
    "a porosity of text": ("explore", "pores", cell("porosity", "much")),
    "a dimension of text": ("explore", "dimensions", cell("dimension", "first")),
    "an effect of text": ("explore", "dimensions", cell("effect_size", "large")),
    "a claim of text": ("report", "claims", cell("value", "much")),
    "a claim that may hold": ("report", "claims", cell("holds", "maybe")),
}  # fmt: skip


@pytest.mark.parametrize("how", TABLES)
def test_a_table_of_another_form_is_named_with_its_column(foreign_run, how):
    command, name, damage = TABLES[how]
    change(foreign_run, name, damage)
    said = refused(foreign_run, command, f"{name}.csv" if how != "other rows" else "index")
    assert "pandas" not in said


def test_a_table_wider_than_any_is_refused(tmp_path):
    (tmp_path / "wide.csv").write_text(",".join(map(str, range(30_000))) + "\n")
    with pytest.raises(DataError, match="has 30,000 columns"):
        files.read_csv(tmp_path / "wide.csv")


def test_a_form_names_row_and_column():
    table = pd.DataFrame({"total": [1.0, None, "abc"]})
    with pytest.raises(ValueError, match="total in row 3 is 'abc', not a number"):
        table_forms.check("history", table)
    with pytest.raises(ValueError, match="has no column total"):
        table_forms.check("history", table.rename(columns={"total": "sum"}))
    table_forms.check("somebody's own", table)
    with pytest.raises(ValueError, match="extrapolation in row 1 is 'no', not True or False"):
        table_forms.check("design_texture", pd.DataFrame(
            {"picture": ["a"], "measure": ["b"], "wanted": [1.0], "got": [2], "extrapolation": ["no"]}
        ))  # fmt: skip


# YAML

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
YAMLS = {
    "a bomb": (BOMB, r"line 2: \*a is an alias"),
    "a list in itself": ("seed: &a [*a]\n", r"line 1: \*a is an alias"),
    "deep": (f"seed: {nested(20_000)}\n", "nesting depth|more than 32"),
    "indented": ("".join("  " * i + f"k{i}:\n" for i in range(200)), "nesting depth|more than 32"),
    "twice": ("seed: 1\nseed: 2\n", "line 2: 'seed' stands there twice"),
    "another object": ("seed: !!python/object/apply:os.system ['ls']\n", "could not determine a constructor"),
    "merged": ("<<: {seed: 1}\n", "line 1"),
    "a list as a name": ("? [1]\n: 2\n", "cannot be a name"),
    "no encoding": ("seed: '\udcff'\n", "can't decode"),
    "large": ("# " + "x" * (1 << 20), "is larger than 1 MB"),
    "a long number": (f"seed: {'9' * 5000}\n", "digits"),
}


@pytest.mark.parametrize("how", YAMLS)
def test_yaml_that_nobody_writes_by_hand_is_refused_in_one_line(foreign_run, how, capsys):
    text, message = YAMLS[how]
    cited, spec = foreign_run.folder / "cited.yaml", foreign_run.folder / "spec.yaml"
    for path in (cited, spec):
        path.write_bytes(text.encode(errors="surrogateescape"))
    before = peak()
    for arguments in (
        ["verify", foreign_run.folder], ["sweep", spec, "--list"],
        ["run", "--profile", spec, "--out", foreign_run.folder],
    ):  # fmt: skip
        assert main(list(map(str, arguments))) in (1, 2)
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert re.search(message, error)
        assert len(error) < 400 + 2 * len(str(foreign_run.folder))
    assert peak() - before < 1 << 27


def test_plain_yaml_means_what_it_always_did():
    text = "a: [1, 2.5, null, true, text, '5']\nb: {c: 2026-11-29}\n# a remark\n"
    import yaml

    assert yaml_text.parse(text) == yaml.safe_load(text)


def grid(n, *names):
    return "grid:\n" + "".join(f"  {name}: [{', '.join(map(str, range(2, n + 2)))}]\n" for name in names)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("grid: {seed: [1]}\ngrid: {seed: [2]}\n", "'grid' stands there twice"),
        (grid(1001, "seed", "beta"), "1,002,001 points; a sweep may have 100,000"),
        (grid(800, "seed", "n_per_class", "steps"), "512,000,000 points"),
        ("grid: {seed: " + nested(20_000) + "}\n", "nesting depth|more than 32"),
        (f"grid: {{seed: [{10**400}]}}\n", "seed must be a whole number"),
        (f"grid: {{beta: [{'x' * 5000}]}}\n", "beta must be a number"),
    ],
)  # fmt: skip
def test_a_grid_has_limits_that_are_stated(tmp_path, spec, message):
    path = tmp_path / "spec.yaml"
    path.write_text(spec)
    with pytest.raises(UsageError, match=message) as refusal:
        sweep_spec.load(path)
    assert len(str(refusal.value)) < 500 + len(str(path))


def test_as_many_points_as_there_may_be_are_listed(tmp_path):
    path = tmp_path / "spec.yaml"
    numbers = ", ".join(map(str, range(1, 317)))
    path.write_text(f"grid:\n  seed: [{numbers}]\n  steps: [{numbers}]\n")
    assert len(sweep_spec.load(path).items) == 316**2


@pytest.mark.parametrize("value", ["9" * 400, "1e400", "-1", "[1]", "yes", ".inf", "2026-11-29", "x" * 5000])
@pytest.mark.parametrize("entry", ["value", "tolerance"])
def test_a_cited_number_that_is_none_is_a_problem_of_one_line(foreign_run, entry, value):
    text = foreign.CITED.replace(
        "value: 1.0", f"value: {value}" if entry == "value" else f"value: 1.0\n  tolerance: {value}"
    )
    (foreign_run.folder / "cited.yaml").write_text(text)
    citations, problems = COMMANDS["verify"](foreign_run)
    assert len(problems) + len(citations) == 1
    for problem in problems:
        assert len(problem) < 200 + len(str(foreign_run.folder))


@pytest.mark.parametrize("text", ["[" * 20_000, "{" * 20_000, "9" * 5000, "x" * 5000, nested(20_000)])
def test_a_parameter_on_the_command_line_is_quoted_in_part(capsys, tmp_path, text):
    assert main(["run", "--out", str(tmp_path / "out"), "-p", f"seed={text}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "seed must be" in error
    assert len(error) < 300


# JSON


def test_json_is_of_a_form_or_named(tmp_path):
    assert json_text.decode(b'{"a": [1, 2.5, "x", null]}') == {"a": [1, 2.5, "x", None]}
    for text in (nested(65), "NaN", "1e400", '"\\ud800"', "", "{", "\0"):
        with pytest.raises(ValueError):
            json_text.decode(text.encode())
    assert json_text.decode(nested(64).encode())
    assert json_text.decode(json.dumps("[" * 100).encode()) == "[" * 100  # brackets within text are none
    assert json_text.decode(json.dumps('"[\\' * 100).encode()) == '"[\\' * 100
    (tmp_path / "a.json").write_text('{"n": "x"}')
    with pytest.raises(DataError, match=r"a\.json: damaged \(\[\.\.\.\]: Expected int, got str\); do this"):
        json_text.read(tmp_path / "a.json", dict[str, int], "do this")
