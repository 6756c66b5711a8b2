"""What a run was made from: the data, the code, the versions, the machine."""

import ast
import contextlib
import datetime
import functools
import hashlib
import importlib.metadata
import json
import operator
import os
import pathlib
import platform
import subprocess
import sys
from typing import NamedTuple

from nanofoam_lib.base import plugins

PACKAGE = pathlib.Path(__file__).parents[1]
PACKAGE_NAME = "nanofoam_lib"
REGISTRIES = ("models.kinds", "models.control_registry")  # what uses them depends on the plug-ins
LABELS = "base.labels"
RECORDED_PACKAGES = (
    "tensorflow", "keras", "numpy", "scipy", "pandas", "scikit-learn", "scikit-image", "pillow", "matplotlib",
    "seaborn", "papermill",
)  # fmt: skip
#: What sets threads and kernels of the numerical libraries, and so the last digits of their sums.
RECORDED_VARIABLES = (
    "KERAS_BACKEND", "TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS", "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
    "NANOFOAM_PRECISION", "NANOFOAM_PLUGINS",
)  # fmt: skip


def versions():
    """Versions of Python, of this package and of those that numbers and pictures depend on: dict of name to str."""
    python = ".".join(map(str, sys.version_info[:3]))
    names = ("nanofoam", *RECORDED_PACKAGES)
    return {"python": python} | {name: importlib.metadata.version(name) for name in names}


def machine():
    """Describe what may change the last digits elsewhere: platform, CPUs, `RECORDED_VARIABLES` (None: not set)."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "platform": platform.platform(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "cpus_usable": usable,
        "environment": {name: os.environ.get(name) for name in RECORDED_VARIABLES},
    }


def git_state():
    """Commit of the checkout that the package runs from, and whether files differ from it; None outside a checkout."""
    if not (PACKAGE.parent / ".git").exists():
        return None
    git = ["git", "-C", str(PACKAGE.parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
        status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit.strip(), "dirty": bool(status.strip())}


def hash_files(folder, names):
    """SHA-256 over names and contents of files in `folder`: hex str.

    A file that is missing or cannot be read counts by its name alone; saying so is for whoever reads it.
    """
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0")
        path = pathlib.Path(folder) / name
        if path.is_file():  # a pipe would never end
            with contextlib.suppress(OSError):
                digest.update(hash_file(path).encode())
    return digest.hexdigest()


def hash_file(path):
    """SHA-256 of a file's content: hex str."""
    with pathlib.Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def now():
    """Time of day in UTC, to the second: ISO 8601 str."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def hash_value(value):
    """SHA-256 of a value that JSON can hold: hex str."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def hash_modules(source, without=()):
    """SHA-256 over the library modules that `source` imports, directly or not: hex str.

    Parameters
    ----------
    source : str
        Python code.
    without : iterable of str
        Modules and packages of the library that do not count, such as ``figures`` or ``base.files``, nor what only
        they import; with `LABELS`, nor the words in any ``Label(...)``.

    Notes
    -----
    Syntax trees without docstrings are hashed: what only a reader sees does not count. A module counts with the words
    that it reads from the YAML file of its name beside it; plug-ins count where a registry does.
    """
    left_out = tuple(without)
    reading = _with_labels if not _is_within(LABELS, left_out) else _without_labels
    waiting, seen = set(_parse(source).imported), {}
    while waiting:
        name = waiting.pop()
        if name in seen or _is_within(name, left_out):
            continue
        path = _path(name)
        module = _parse(path.read_text(encoding="utf-8"))
        words = path.with_suffix(".yaml")
        seen[name] = [reading(module), hash_file(words)] if words.is_file() else reading(module)
        waiting |= module.imported
        for file, text in (plugins.sources() if name in REGISTRIES else {}).items():
            module = _parse(text)
            seen[file] = reading(module)
            waiting |= module.imported
    return hash_value(seen)


def _is_within(name, packages):
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


class _Module(NamedTuple):
    """What counts of a module: hashes of its syntax tree, and the names of the library's modules that it imports."""

    whole: str
    unlabelled: str
    imported: frozenset[str]


_with_labels, _without_labels = operator.attrgetter("whole"), operator.attrgetter("unlabelled")


@functools.cache  # by the text: the steps of a chain share most of their modules
def _parse(text):
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    whole = unlabelled = _hash_tree(tree)
    labels = [node for node in nodes if isinstance(node, ast.Call) and _is_label(node.func)]
    if labels:
        for node in labels:
            node.args, node.keywords = [], []
        unlabelled = _hash_tree(tree)
    return _Module(whole, unlabelled, frozenset(module for node in nodes for module in _imported(node)))


def _hash_tree(tree):
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_label(function):
    return isinstance(function, ast.Name | ast.Attribute) and ast.unparse(function) in {"Label", "labels.Label"}


def _drop_docstring(node):
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        del node.body[0]


def _imported(node):
    """List the library's modules that a node of a syntax tree imports, by their names below the package."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE_NAME:
        package = node.module.partition(".")[2]
        return [module for alias in node.names for module in _modules_of(package, alias.name)]
    return []


def _modules_of(package, name):
    """List the modules that ``from package import name`` needs: `name` itself, or where the package has it from."""
    module = f"{package}.{name}".strip(".")
    if _path(module):
        return [module]
    if package and not (PACKAGE / package.replace(".", "/")).is_dir():
        return [package]
    public = _public(package)
    return [public[name]] if name in public else [package] if package else []


def _public(package):
    """Read which module each public name of a package comes from, out of the stub that `lazy_loader` reads as well."""
    stub = PACKAGE / package.replace(".", "/") / "__init__.pyi"
    if not stub.is_file():
        return {}
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            source = f"{package}.{node.module or ''}".strip(".")
            for alias in node.names:
                module = f"{source}.{alias.name}".strip(".")
                found[alias.name] = module if _path(module) else source
    return found


def _path(module):
    """Give the file of a module of the library by its name below the package, or None if there is none."""
    path = PACKAGE / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
