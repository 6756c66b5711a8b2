"""What a run was made from: the data, the versions, the commit."""

import contextlib
import datetime
import hashlib
import importlib.metadata
import pathlib
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).parent
RECORDED_PACKAGES = (
    "tensorflow", "keras", "numpy", "scipy", "pandas", "scikit-learn", "scikit-image", "pillow", "matplotlib",
    "seaborn", "papermill",
)  # fmt: skip


def versions():
    """Versions of Python, of this package and of those that numbers and pictures depend on: dict of name to str."""
    python = ".".join(map(str, sys.version_info[:3]))
    names = ("nanofoam", *RECORDED_PACKAGES)
    return {"python": python} | {name: importlib.metadata.version(name) for name in names}


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
