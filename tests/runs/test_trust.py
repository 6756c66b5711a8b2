"""Nothing that comes from a data folder, a run folder or a command line is run, or leaves its place."""

import ast
import functools
import json
import os
import re

import nbformat
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from nanofoam_lib.base import provenance
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.runs import execution, pipeline

LIBRARY = ROOT / "nanofoam_lib"
SOURCES = [*sorted(LIBRARY.rglob("*.py")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
#: Modules, functions and methods that run code found in data, or hand text to a shell.
DANGEROUS = {
    "pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "read_pickle", "to_pickle", "eval", "exec",
    "__import__", "unsafe_load", "full_load", "UnsafeLoader", "FullLoader", "enable_unsafe_deserialization", "system",
    "popen", "getoutput", "getstatusoutput", "run_cell", "run_line_magic", "Markup",
}  # fmt: skip
DANGEROUS_CALLS = {"compile", "joblib.load", "torch.load", "yaml.load", "yaml.load_all"}
DANGEROUS_ARGUMENTS = {("shell", True), ("safe_mode", False), ("allow_pickle", True), ("autoescape", False)}


#: Looked at by hand: our own style and script; sentences that are escaped first; LaTeX, which is escaped on its own.
KNOWN = {
    "report/page.py": ["Markup"],
    "report/html_report.py": ["Markup"],
    "runs/sweeps.py": ["Markup"],
    "report/latex_document.py": ["autoescape=False"],
}


def dangers(source):
    """List what in a piece of Python could run code from data."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.name.split(".")[0] for alias in node.names} | {getattr(node, "module", None)}
    calls = [dangers_of_call(node) for node in nodes if isinstance(node, ast.Call)]
    return sorted(names & DANGEROUS) + [danger for found in calls for danger in found]


def dangers_of_call(call):
    name = ast.unparse(call.func)
    given = {(word.arg, getattr(word.value, "value", None)) for word in call.keywords}
    found = [f"{argument}={value}" for argument, value in given & DANGEROUS_ARGUMENTS]
    if name in DANGEROUS_CALLS:
        found.append(name)
    if name == "np.load" and ("allow_pickle", False) not in given:
        found.append("np.load without allow_pickle=False")
    if name.startswith("subprocess.") and isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp):
        found.append("a command as text")
    return found


def python_of(path):
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_runs_code_from_data(path):
    name = path.relative_to(LIBRARY).as_posix() if path.suffix == ".py" else path.name
    assert dangers(python_of(path)) == KNOWN.get(name, [])


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import dill as d", "eval(text)", "f = exec", "yaml.load(text)",
        "yaml.unsafe_load(text)", "joblib.load(path)", "pd.read_pickle(path)", "np.load(path)",
        "np.load(path, allow_pickle = True)", "keras.saving.load_model(path, safe_mode = False)", "os.system(line)",
        "keras.config.enable_unsafe_deserialization()", "subprocess.run(f'ls {name}')",
        "subprocess.run('ls ' + name)", "subprocess.run(command, shell= True)", "get_ipython().system('ls')",
        "compile(text, '', 'exec')", "jinja2.Environment(autoescape=False)", "__import__(name)",
        "from os import system",
    ],
)  # fmt: skip
def test_the_search_finds_what_is_dangerous(source):
    assert dangers(source)


@pytest.mark.parametrize(
    "source",
    [
        "model.compile(optimizer='adam')", "re.compile('a')", "yaml.safe_load(text)", "model.evaluate(x)",
        "subprocess.run(['git', 'status'])", "np.load(path, allow_pickle=False)", "ast.literal_eval(text)",
    ],
)  # fmt: skip
def test_the_search_finds_nothing_else(source):
    assert dangers(source) == []


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.html.j2")), ids=lambda path: path.name)
def test_pages_escape_every_name(path):
    """What a template exempts from escaping runs in the reader's browser: nothing but our own style and script."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"([\w.]+)\s*\|\s*safe\b", text)) <= {"style", "script"}
    assert "autoescape" not in text


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "thesis.docx"
    path.write_text("years of work")
    return path


def write_manifest(run, names):
    outputs = dict.fromkeys(names, "0" * 64)
    step = {"key": "0", "status": "done", "seconds": 1, "warnings": [], "outputs": outputs}
    run.folder.mkdir(exist_ok=True)
    run.manifest.write_text(json.dumps({"steps": {"01_preprocess": step}}))


@pytest.mark.parametrize("name", ["../thesis.docx", "{tmp_path}/thesis.docx", "link/thesis.docx", "data/../..", ""])
def test_a_manifest_names_no_file_outside_its_run(tmp_path, outside, tiles, name):
    """The chain removes files that an earlier run wrote: it must not be talked into removing others."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    (run.folder / "link").symlink_to(tmp_path)
    write_manifest(run, ["data/images.npy", name.format(tmp_path=tmp_path)])
    with pytest.raises(DataError, match=r"manifest\.json: names '.*', which leads out"):
        run.load_manifest()
    with pytest.raises(DataError, match="leads out"):
        pipeline.run(run.folder, "demo", tiles)
    assert outside.read_text() == "years of work"


def test_a_manifest_of_its_own_files_is_read(tmp_path):
    run = Run(tmp_path / "run")
    write_manifest(run, ["data/images.npy", "figures/pca.png", "not yet there/a.csv"])
    assert len(run.load_manifest()["steps"]["01_preprocess"]["outputs"]) == 3


@pytest.mark.parametrize("name", ["../../private.png", "/etc/passwd", "a/../../b.png"])
def test_an_index_names_no_file_outside_the_data(tmp_path, name):
    run = Run(tmp_path)
    run.index.parent.mkdir()
    columns = {"label": "a", "group": "g", "split": "train", "sha256": "0"}
    pd.DataFrame({"path": ["a/1.png", name], **columns}).to_csv(run.index, index=False)
    with pytest.raises(DataError, match=r"index\.csv: names '.*', which leads out"):
        run.load_index()


def test_a_run_folder_around_its_data_is_refused(tiles):
    for out in (tiles, tiles.parent):
        with pytest.raises(UsageError, match="choose another --out"):
            pipeline.run(out, "demo", tiles)
    assert not (tiles / "notebooks").exists()


@pytest.mark.skipif(os.name == "nt", reason="no pipes")
def test_a_pipe_among_the_data_does_not_stop_the_hash(tiles):
    os.mkfifo(tiles / "brick" / "pipe.png")
    assert provenance.hash_files(tiles, ["brick/brick_0.png", "brick/pipe.png"])


HOSTILE = [
    '"); import os #', "'); __import__('os').system('touch x') #", '"""\nimport os\n"""', "\\", '\\"', "a\\", "{x}",
    "{{x}}", "%s", "$(touch x)", "`touch x`", "line\nbreak", "\r", "\0", "\u2028", "\udce9", "ñ μ", "None", "",
]  # fmt: skip


@functools.cache
def first_notebook():
    return load_notebook_node(str(ROOT / "notebooks" / "01_preprocess.ipynb"))


def injected(values):
    """Give what the cell that papermill adds assigns; fails if there is anything but literals in it."""
    cells = parameterize_notebook(first_notebook(), values).cells
    source = next(cell.source for cell in cells if "injected-parameters" in cell.metadata.get("tags", []))
    body = ast.parse(source).body
    assert all(isinstance(node, ast.Assign) for node in body)
    return {node.targets[0].id: ast.literal_eval(node.value) for node in body}


@pytest.mark.parametrize("text", HOSTILE)
def test_parameters_reach_the_kernel_as_data(text):
    values = {"run_folder": text, "data_folder": text, "crop": 0.1, "skip_bad": True, "pixel_size_um": None}
    assert injected(values) == values
    assert injected({"backbones": [text]}) == {"backbones": [text]}


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(text=st.text())
def test_any_text_reaches_the_kernel_as_data(text):
    assert injected({"data_folder": text}) == {"data_folder": text}


def test_a_hostile_folder_name_is_only_a_name(tmp_path):
    """Through a real kernel: a folder called like code is opened, not run."""
    folder = tmp_path / '"); import os; os._exit(3) # {folder} {}'
    folder.mkdir()
    cell = nbformat.v4.new_code_cell("folder = ''", metadata={"tags": ["parameters"]})
    writes = nbformat.v4.new_code_cell("import pathlib\npathlib.Path(folder, 'seen').write_text(folder)")
    notebook = nbformat.v4.new_notebook(cells=[cell, writes])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "n.ipynb")
    execution.execute(folder / "n.ipynb", folder / "out.ipynb", {"folder": str(folder)}, lambda share: None)
    assert (folder / "seen").read_text() == str(folder)
    assert (folder / "out.ipynb").exists()
