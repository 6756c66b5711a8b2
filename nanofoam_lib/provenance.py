"""What a run was made from: the data, the code, the versions, the machine."""

import ast
import contextlib
import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).parent
RECORDED_PACKAGES = (
    "tensorflow", "keras", "numpy", "scipy", "pandas", "scikit-learn", "scikit-image", "pillow", "matplotlib",
    "seaborn", "papermill",
)  # fmt: skip
#: What sets threads and kernels of the numerical libraries, and so the last digits of their sums.
RECORDED_VARIABLES = (
    "KERAS_BACKEND", "TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS", "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
    "NANOFOAM_PRECISION",
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
    without : container of str
        Modules that do not count.

    Notes
    -----
    Syntax trees are hashed: comments and line breaks do not count.
    """
    waiting, seen = set(_parse(source)[1]), {}
    while waiting:
        name = waiting.pop()
        paths = _sources(name)
        if name in seen or not paths or name in without:
            continue
        modules = [_parse(path.read_text(encoding="utf-8")) for path in paths]
        seen[name] = [syntax for syntax, _ in modules]
        waiting = waiting.union(*(imported for _, imported in modules))
    return hash_value(seen)


@functools.cache  # by the text: the steps of a chain share most of their modules
def _parse(text):
    """Give the syntax tree of a module as text, and the names of the library's modules that it imports."""
    tree = ast.parse(text)
    return ast.dump(tree), frozenset(_imported(tree))


def _sources(name):
    """List the files of a module of the library, or of a package of modules; none if it is something else."""
    return [path for path in (PACKAGE / f"{name}.py", *sorted((PACKAGE / name).glob("*.py"))) if path.is_file()]


def _imported(tree):
    """Names of the library's modules that a syntax tree imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "nanofoam_lib":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nanofoam_lib."):
            names.add(node.module.split(".")[1])
    return names
