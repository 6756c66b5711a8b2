"""Whatever is changed in a run folder, by its structure: one line, nothing touched outside, no memory to speak of."""

import copy
import io
import json
import pathlib
import shutil
import warnings
import zipfile

import foreign
import numpy as np
import pytest
from foreign import COMMANDS, array, canaries, outside, peak, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.run_folder import Run

#: Values that stand in no file of this program, or in another place.
ODD = (
    None, True, False, 0, -1, 1.5, 1e308, -1e308, 2**63, 10**30, 10**400, 10**9, "", "x" * 300, "abc", "1", "=1+1",
    "NaN",
    "\x1b[2J", "a\nb", "\0", "\u202e", "../../victim", "../victim", "/etc/hostname", "data/../../victim", ".", "C:\\x",
    [], {}, [[1]], ["../victim"], {"a": None}, [0] * 1000, "vae", "done", "5000-01-01",
)  # fmt: skip
#: What is no JSON, or more than may be.
RAW = ("1e400", "NaN", "-Infinity", '"\\ud800"', "[" * 5000 + "]" * 5000, "[" * 5000, "", "\0\0", "9" * 5000, "'a'")


def places(value, found=()):
    """List the ways to every entry of nested dicts and lists."""
    yield found
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, own in items:
        yield from places(own, (*found, key))


@st.composite
def changed_json(draw, text):
    """Change JSON in one to three places: an entry replaced, removed, doubled or renamed, or bytes of it."""
    value = json.loads(text)
    marks = {}
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(list(places(value))))
        if not way:
            value = draw(st.sampled_from([value, value, [], None, 3]))
            continue
        owner = value
        for key in way[:-1]:
            owner = owner[key]
        match draw(st.sampled_from(["odd", "odd", "raw", "remove", "rename", "copy"])):
            case "odd":
                owner[way[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case "raw":
                mark = f"mark{len(marks)}"
                marks[f'"{mark}"'] = draw(st.sampled_from(RAW))
                owner[way[-1]] = mark
            case "remove":
                del owner[way[-1]]
            case "rename" if isinstance(owner, dict):
                owner[draw(st.sampled_from([word for word in ODD if isinstance(word, str)]))] = owner.pop(way[-1])
            case "copy":
                owner[way[-1]] = copy.deepcopy(value)
    text = json.dumps(value)
    for mark, raw in marks.items():
        text = text.replace(mark, raw)
    return draw(changed_bytes(text.encode())) if draw(st.integers(0, 9)) == 0 else text.encode()


@st.composite
def changed_bytes(draw, content):
    """Damage a file of any kind: cut, cleared, doubled, or some bytes of it others."""
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    match draw(st.sampled_from(["cut", "clear", "insert", "empty", "flip", "double"])):
        case "cut":
            return content[:at]
        case "clear":
            return content[:at] + bytes(len(content) - at)
        case "insert":
            return content[:at] + draw(st.binary(max_size=20)) + content[at:]
        case "empty":
            return b""
        case "flip":
            return (
                content[:at] + bytes([content[at] ^ 1 << draw(st.integers(0, 7))]) + content[at + 1 :]
                if content
                else b""
            )
    return content + content


@st.composite
def changed_table(draw, text):
    """Change a table: a cell, a heading, a row, a column."""
    rows = [line.split(",") for line in text.decode().splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, len(rows[0]) - 1))
        match draw(st.sampled_from(["cell", "cell", "heading", "drop row", "drop column", "more", "none"])):
            case "cell" if column < len(rows[row]):
                odd = draw(st.sampled_from([value for value in ODD if not isinstance(value, list | dict)]))
                rows[row][column] = str(odd).replace(",", ";")
            case "heading":
                rows[0][column] = draw(st.sampled_from(["", "label", "id", "x" * 300, "=1", "\x1b[2J"]))
            case "drop row" if len(rows) > 1:
                del rows[row]
            case "drop column" if len(rows[0]) > 1:
                rows = [own[:column] + own[column + 1 :] for own in rows]
            case "more":
                rows[row] = rows[row] * draw(st.sampled_from([2, 30]))
            case "none":
                rows = rows[:1]
    content = "\n".join(",".join(row) for row in rows).encode() + b"\n"
    return draw(changed_bytes(content)) if draw(st.integers(0, 9)) == 0 else content


@st.composite
def changed_zip(draw, content):
    """Change a zip file: members that are missing, others, compressed, or of another size than their head tells."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(sorted(members)))
    shape = draw(st.sampled_from([(10**12,), (24, 4), (4, 24), (0,), (), (10**30,), (-1,), (24, 10**9), (24,)]))
    kind = draw(st.sampled_from(["<f4", "<f8", "<i8", "|O", "<U9", "|b1", "<c16"]))
    match draw(st.sampled_from(["head", "whole", "bytes", "remove", "add", "inflate", "same"])):
        case "head":
            members[name] = array(shape, kind, members[name][128:])
        case "whole":
            size = np.dtype(kind).itemsize * max(int(np.prod([n for n in shape if 0 <= n < 10**5])), 0)
            members[name] = array(shape, kind, bytes(size))
        case "bytes":
            members[name] = draw(changed_bytes(members[name]))
        case "remove":
            del members[name]
        case "add":
            members[draw(st.sampled_from(["../../victim", "/etc/x", "mu.npy", "a" * 300]))] = array(shape, kind)
        case "inflate":
            members[name] = members[name] + bytes(1 << 21)
    compression = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for member, body in members.items():
            archive.writestr(member, body)
    whole = file.getvalue()
    return draw(changed_bytes(whole)) if draw(st.integers(0, 4)) == 0 else whole


LINES = (
    "&a [*a]", "*a", "&a x", "[" * 40 + "]" * 40, "{a: 1, a: 2}", "!!python/name:os.system", "!!binary aGk=",
    "2026-11-29", "1:30", "0x7f", ".nan", ".inf", "1e400", "9" * 400, "'\\e[2J'", '"\\e[2J"', "~", "yes", "? [1]\n: 2",
    "- 1", "|\n  x", "<<: 3",
)  # fmt: skip


@st.composite
def changed_yaml(draw, text):
    """Change YAML: a value, an entry given twice, a line removed or doubled."""
    lines = text.decode().splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["value", "value", "twice", "drop", "indent", "line"])):
            case "value":
                name, colon, _ = lines[at].partition(":")
                lines[at] = f"{name}{colon} {draw(st.sampled_from([*LINES, *map(str, ODD[:12])]))}"
            case "twice":
                lines.insert(at, lines[at])
            case "drop" if len(lines) > 1:
                del lines[at]
            case "indent":
                lines[at] = "  " + lines[at]
            case "line":
                lines.insert(at, draw(st.sampled_from(LINES)))
    content = "\n".join(lines).encode(errors="replace") + b"\n"
    return draw(changed_bytes(content)) if draw(st.integers(0, 9)) == 0 else content


@st.composite
def journals(draw, folder):
    """Write a journal of lines that a step writes, and of others."""
    inside = [str(folder / name) for name in ("data/images.npy", "tables/weights.csv", "manifest.json", "gone")]
    other = [str(folder / ".." / "victim"), str(folder.parent / "victim"), "/etc/hostname", "..", "", "\0", "a" * 5000]
    lines = draw(st.lists(st.sampled_from([json.dumps(name) for name in (*inside, *other)] + list(RAW)), max_size=6))
    content = "\n".join([*lines, ""]).encode()
    return draw(changed_bytes(content)) if draw(st.booleans()) else content


#: File → how it is changed, and what is done with the run then.
FILES = {
    "manifest.json": (changed_json, ("compare", "sweep", "explore", "apply", "report")),
    "models/vae-4/config.json": (changed_json, ("load",)),
    "models/vae-4/encoder.keras": (changed_zip, ("load",)),
    "descriptors/vae-4.npz": (changed_zip, ("explore", "apply")),
    "tables/table1.csv": (changed_table, ("compare", "sweep", "verify", "report")),
    "tables/controls.csv": (changed_table, ("compare", "sweep", "report")),
    "tables/dimensions.csv": (changed_table, ("compare", "explore", "report")),
    "tables/geometry.csv": (changed_table, ("compare", "report")),
    "tables/models.csv": (changed_table, ("sweep", "report")),
    "tables/claims.csv": (changed_table, ("report",)),
    "data/index.csv": (changed_table, ("explore", "apply", "report")),
    "data/pores.csv": (changed_table, ("explore",)),
    "data/images.npy": (changed_bytes, ("load",)),
    "cited.yaml": (changed_yaml, ("verify",)),
    "spec.yaml": (changed_yaml, ("spec",)),
}


def settle(n):
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=checks)


@pytest.fixture
def place(foreign_original, tmp_path):
    """Give a folder in which each example gets a run of its own, and what there is beside it."""
    canaries(tmp_path)
    whole = Run(shutil.copytree(foreign_original.folder, tmp_path / "reports" / "R"))
    (whole.folder / "spec.yaml").write_text(foreign.SPEC)
    for command in ("compare", "verify", "sweep", "report", "load", "explore", "apply"):
        COMMANDS[command](whole)
    return tmp_path, whole, outside(tmp_path, whole), peak()


def hurt(place, name, content):
    """Put a changed file into the run, give it to every command that reads it, and put the old one back."""
    folder, run, before, memory = place
    path = run.folder / name
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        for command in FILES[name][1]:
            with told() as line, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                COMMANDS[command](run)
            assert line.said is None or "\n" not in line.said
        assert outside(folder, run) == before
        assert peak() - memory < foreign.MOST_MEMORY
    finally:
        path.write_bytes(whole)


def fuzz(place, name, example):
    way, whole = FILES[name][0], (place[1].folder / name).read_bytes()
    hurt(place, name, example.draw(way(whole)))


@pytest.mark.parametrize("name", FILES)
@settle(3)
@given(example=st.data())
def test_a_changed_file_is_used_or_told_of_in_one_line(place, name, example):
    fuzz(place, name, example)


@pytest.mark.soak
@pytest.mark.parametrize("name", FILES)
@settle(150)
@given(example=st.data())
def test_a_changed_file_is_used_or_told_of_in_one_line_for_long(place, name, example):
    fuzz(place, name, example)


def go_on(run, folder, name, content):
    """Run a chain over a changed manifest or journal, as often as it takes to be whole again."""
    before, memory = outside(folder, run), peak()
    path = run.folder / name
    whole = {own: own.read_bytes() for own in (run.manifest,)}
    path.write_bytes(content)
    try:
        for force in (False, True):
            with told(), warnings.catch_warnings():
                warnings.simplefilter("ignore", RunWarning)
                COMMANDS["run"](run) if force else pipeline_run(run)
        assert outside(folder, run) == before
        assert peak() - memory < foreign.MOST_MEMORY
    finally:
        for own, content in whole.items():
            own.write_bytes(content)
        for journal in run.folder.glob(".journal-*"):
            journal.unlink()


def pipeline_run(run):
    return foreign.pipeline.run(run.folder, "demo")


def fuzz_run(run, folder, name, example):
    if name == "manifest.json":
        content = example.draw(changed_json(run.manifest.read_bytes()))
    else:
        content = example.draw(journals(pathlib.Path(run.folder).resolve()))
    go_on(run, folder, name, content)


RUN_FILES = ("manifest.json", ".journal-01_preprocess", ".journal-03_latent_space")


@pytest.mark.parametrize("name", RUN_FILES)
@settle(10)
@given(example=st.data())
def test_a_run_goes_on_over_a_changed_file_or_tells_of_it(tiny_run, tmp_path, name, example):
    fuzz_run(tiny_run, tmp_path, name, example)


@pytest.mark.soak
@pytest.mark.parametrize("name", RUN_FILES)
@settle(250)
@given(example=st.data())
def test_a_run_goes_on_over_a_changed_file_or_tells_of_it_for_long(tiny_run, tmp_path, name, example):
    fuzz_run(tiny_run, tmp_path, name, example)
