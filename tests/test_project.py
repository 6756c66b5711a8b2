"""The rules that hold the project together, read from its source."""

import ast
import graphlib
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import papermill
import pytest
import yaml
from conftest import ROOT

import nanofoam_lib
from nanofoam_lib.runs import parameter_cells, parameters, pipeline

LIBRARY = ROOT / "nanofoam_lib"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHAIN = [path for path in NOTEBOOKS if path.name[0].isdigit()]
#: Where each package stands; it imports itself and those below, not those beside it.
FLOORS = {
    "base": 1, "images": 2, "latent": 2, "figures": 2, "models": 3, "report": 4, "explain": 4, "runs": 5, "lab": 5,
    "__main__": 6,
}  # fmt: skip
MODULES = {
    ".".join(path.relative_to(LIBRARY).with_suffix("").parts): path
    for path in LIBRARY.rglob("*.py")
    if path != LIBRARY / "__init__.py"
}
HEAVY = {"tensorflow", "keras", "torch", "jax"}
DRAWING = {"matplotlib", "seaborn"}


def imports(path):
    """Top-level packages that a module imports anywhere, and the library's packages among what it imports."""
    outside, own = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            outside |= {name.split(".")[0] for name in names}
            own |= {name.split(".")[1] for name in names if name.startswith("nanofoam_lib.")}
        elif isinstance(node, ast.ImportFrom):
            outside.add(node.module.split(".")[0])
            if node.module == "nanofoam_lib":
                own |= {alias.name for alias in node.names}
            elif node.module.startswith("nanofoam_lib."):
                own.add(node.module.split(".")[1])
    return outside, own


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_only_from_floors_below(name):
    outside, own = imports(MODULES[name])
    package = name.split(".")[0]
    below = {other for other, floor in FLOORS.items() if floor < FLOORS[package]}
    assert own <= below | {package}, f"{name} imports {own - below - {package}}"
    if package in {"base", "images", "latent", "figures"}:
        assert not outside & HEAVY
    if package in {"base", "images", "latent", "models"}:
        assert not outside & DRAWING
    own_ways = {"models.backend", "models.device_epochs", "models.devices", "models.mixed_precision"}
    if name not in own_ways:  # elsewhere any backend will do
        assert "tensorflow" not in outside or package != "models"


def test_no_module_imports_itself_by_way_of_others():
    within = {name: set() for name in MODULES}
    for name, path in MODULES.items():
        for node in path_imports(path):
            within[name] |= {other for other in node if other in MODULES}
    assert list(graphlib.TopologicalSorter(within).static_order())


def path_imports(path):
    """Each import of the library's in a module at its top level, as the dotted names below the package it may mean."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("nanofoam_lib"):
            package = node.module.partition(".")[2]
            yield {package} | {f"{package}.{alias.name}" for alias in node.names}


def test_importing_the_library_or_asking_for_help_loads_nothing_heavy():
    code = "import sys, nanofoam_lib.__main__ as m; m._parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pandas", "tensorflow", "keras", "matplotlib", "papermill", "sklearn"} & set(loaded)


def test_figures_are_drawn_without_loading_a_network():
    notebook = next(path for path in NOTEBOOKS if path.name.startswith("06"))
    code = f"{code_of(read(notebook))[0]}\nimport sys\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "nanofoam_lib.report.run_figures" in loaded
    assert not {"tensorflow", "keras", "torch", "jax"} & set(loaded)


def test_every_public_name_can_be_imported():
    names = nanofoam_lib.__all__
    assert {"descriptors", "micrographs", "vae", "gradcam", "separation", "synthetic", "splits", "Run"} <= set(names)
    for name in names:
        assert getattr(nanofoam_lib, name) is not None


def public_modules():
    """Paths of the modules that ``__init__.pyi`` hands on; of a package, those that its ``__init__.py`` takes from."""
    stub = ast.parse((LIBRARY / "__init__.pyi").read_text(encoding="utf-8"))
    names = {(node.module, alias.name) for node in stub.body for alias in node.names}
    for module, name in names:
        place = LIBRARY.joinpath(*(module or "").split("."))
        if (place / name).is_dir():
            init = ast.parse((place / name / "__init__.py").read_text(encoding="utf-8"))
            sources = [node.module for node in init.body if isinstance(node, ast.ImportFrom)]
            yield from (MODULES[source.partition(".")[2]] for source in sources)
        else:
            yield next(path for path in (place / f"{name}.py", place.with_suffix(".py")) if path.is_file())


def signatures(body):
    """The functions of a module that are public, with the methods of its public classes, `__init__` and its like."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not re.match(r"_(?!_)", node.name):
            yield from signatures(node.body) if isinstance(node, ast.ClassDef) else [node]


@pytest.mark.parametrize("path", sorted(set(public_modules())), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_public_functions_have_type_hints(path):
    for node in signatures(ast.parse(path.read_text(encoding="utf-8")).body):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        bare = [one.arg for one in arguments if one and one.annotation is None and one.arg != "self"]
        assert not bare, f"{path.stem}.{node.name}: {', '.join(bare)} without a hint"
        assert node.returns, f"{path.stem}.{node.name} does not say what it returns"


def test_the_library_says_that_it_is_typed():
    assert (LIBRARY / "py.typed").is_file()


def test_notebooks_and_readme_use_public_names_alone():
    texts = ["\n".join(code_of(read(path))) for path in NOTEBOOKS]
    texts += re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "nanofoam_lib":
                assert node.module == "nanofoam_lib"
                assert {alias.name for alias in node.names} <= set(nanofoam_lib.__all__)


def test_tests_stand_where_what_they_test_stands():
    packages = {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").is_file()}
    assert packages == set(FLOORS) - {"__main__"}
    assert packages | {"benchmarks", "browser", "field", "hostile"} == {
        path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"
    }


@pytest.mark.parametrize("name", MODULES)
def test_public_things_are_documented(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name}"


def resolves(reference):
    """Tell whether a dotted name, such as ``splits.by_group`` or ``base.run_folder.Run``, is one of the library's."""
    owner, _, name = reference.rpartition(".")
    known = rf"^(?:(?:def|class) {name}\b|{name}\b.*=)"
    owners = [path for module, path in MODULES.items() if f".{module}".endswith(f".{owner}")]
    found = any(re.search(known, path.read_text(encoding="utf-8"), re.MULTILINE) for path in owners)
    is_member = owner.rpartition(".")[2][:1].isupper()  # of a class
    return found or reference in MODULES or (is_member and resolves(owner))


def test_docstrings_name_what_is_there():
    others = {
        "PIL", "ipywidgets", "joblib", "jscatter", "keras", "markupsafe", "matplotlib", "numpy", "pandas", "pathlib",
        "skimage",
    }  # fmt: skip
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                named = re.findall(r"(?<!`)`(\w+(?:\.\w+)+)`(?!`)", text)
                named += re.findall(r"^\w[\w, ]* : ([a-zA-Z]\w*(?:\.\w+)+)", text, re.MULTILINE)
                wrong = [own for own in named if own.split(".")[0] not in others and not resolves(own)]
                assert not wrong, f"{name}: {wrong}"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_hold_no_control_characters(path):
    """A formula whose backslash was taken for an escape is the usual way they get in."""
    for cell in read(path)["cells"]:
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", "".join(cell["source"])), cell["id"]


def code_of(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_compose_and_never_define(path):
    notebook = read(path)
    cells = notebook["cells"]
    assert "".join(cells[0]["source"]).startswith("# ")
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    sources = code_of(notebook)
    for source in sources:
        assert not [
            n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda)
        ]
    lengths = sorted(len(source.splitlines()) for source in sources)
    assert lengths[-1] <= 12
    assert lengths[len(lengths) // 2] <= 4
    assert sum(len([line for line in source.splitlines() if line.strip()]) for source in sources) <= 60


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path):
    for cell in read(path)["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def parameters_of(notebook):
    (tagged,) = (cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    return "".join(tagged["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_parameters_cells_hold_literals_of_known_names(path):
    source = parameters_of(read(path))
    assert all(isinstance(node, ast.Assign) for node in ast.parse(source).body)
    values = parameter_cells.read(source)
    # What papermill does not find, it complains of in every run that sets it
    parameter_cells.teach_papermill()
    assert set(papermill.inspect_notebook(path)) == set(values)
    shared = {name: value for name, value in values.items() if name in parameters.PARAMETERS}
    assert set(values) - set(shared) <= {"run_folder", "data_folder", "data_name", "lang"}
    assert "run_folder" in values
    parameters.check(shared)


def prose_of(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_name_and_link_only_notebooks_that_exist(path):
    text = "\n".join(prose_of(read(path)))
    named = {f"{name}.ipynb" for name in re.findall(r"`(\d\d_\w+)`", text)} | set(re.findall(r"\]\(([^):]+)\)", text))
    assert named <= {other.name for other in NOTEBOOKS}


@pytest.mark.parametrize(("path", "following"), list(itertools.pairwise(CHAIN)), ids=lambda path: path.stem)
def test_each_notebook_ends_with_a_link_to_the_next(path, following):
    last = read(path)["cells"][-1]
    assert last["cell_type"] == "markdown"
    assert "".join(last["source"]).startswith(f"Next: [`{following.stem}`]({following.name}) ")


def test_notebooks_agree_on_the_defaults_they_share():
    seen = {}
    for step in pipeline.find_steps():
        for name, value in step.defaults.items():
            assert seen.setdefault(name, value) == value, (step.name, name)
    assert set(parameters.PARAMETERS) <= set(seen)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks" / "profiles").glob("*.yaml")), ids=lambda path: path.name)
def test_profiles_hold_known_parameters(path):
    assert parameters.load_profile(path.stem, path.parent)


def test_the_conda_environment_takes_everything_from_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert environment["name"] == project["name"]
    python, pip, from_pip = environment["dependencies"]
    assert python == f"python{project['requires-python']}"
    assert (pip, from_pip) == ("pip", {"pip": ["-e ."]})


def test_direct_dependencies_are_held_to_a_minor_series():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = itertools.chain(*project["project"]["optional-dependencies"].values())
    for requirement in [*project["project"]["dependencies"], *extras, *project["dependency-groups"]["dev"]]:
        _, version = requirement.split("~=")
        assert version.count(".") == 2, requirement


def tracked():
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [pathlib.Path(line) for line in listed.stdout.splitlines()]


def test_nothing_stands_at_the_top_level_beyond_the_layout():
    layout = {
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "CITATION.cff", "environment.yml", "pyproject.toml",
        ".gitignore", ".ci", "nanofoam_lib", "notebooks", "tests", "reports",
    }  # fmt: skip
    assert {path.parts[0] for path in tracked()} <= layout


def test_no_committed_file_is_large():
    for path in tracked():
        if (ROOT / path).exists():
            assert (ROOT / path).stat().st_size <= 3_000_000, path


def test_the_readme_is_short_and_has_both_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    assert "pip install uv && uv run nanofoam run" in text
    assert "pip install uv && uv run pytest" in text


def test_the_contributor_s_page_points_at_what_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+\?) \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) >= 5
    for question, answer in rows:
        places = re.findall(r"`([\w/]+\.(?:py|yaml))`(?:: `(\w+)`)?", answer)
        assert 1 <= len({file for file, _ in places}) <= 2, question
        for file, name in places:
            assert re.search(rf"\b{name}\b", (LIBRARY / file).read_text(encoding="utf-8")), f"{file}: {name}"
    floors = {name: int(floor) for floor, name in re.findall(r"^\| (\d) \| `(\w+)` \|", text, re.MULTILINE)}
    assert floors == FLOORS


def test_the_committed_example_is_small():
    files = [ROOT / path for path in tracked() if path.parts[:2] == ("reports", "example")]
    sizes = {path: path.stat().st_size for path in files if path.exists()}
    pages = sum(size for path, size in sizes.items() if path.suffix == ".html")
    assert pages <= 4_000_000
    assert sum(sizes.values()) - pages <= 3_000_000


def test_every_picture_and_page_that_the_readme_shows_is_committed():
    shown = re.findall(
        r"\]\(([\w/.-]+\.(?:png|md|html|sbatch|cff))\)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert len(shown) > 5
    assert set(map(pathlib.Path, shown)) <= set(tracked())
