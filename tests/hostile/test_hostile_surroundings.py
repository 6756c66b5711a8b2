"""Locales, full disks: the work is done, or one line says which file or variable it is, and what is needed."""

import errno
import os
import pathlib
import re
import subprocess
import sys

import chains
import pytest
from foreign import posix

from nanofoam_lib.base import files, terminal
from nanofoam_lib.base.errors import UsageError

PLAIN = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def call(*arguments, **options):
    """Call the command line in a process of its own: status, stdout, stderr, as bytes."""
    command = [sys.executable, "-m", "nanofoam_lib", *map(os.fsencode, map(str, arguments))]
    done = subprocess.run(command, capture_output=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr


@posix
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["verify", "--help"], ["sweep", "--help"]])
def test_help_is_written_in_any_locale(arguments):
    status, out, error = call(*arguments, env=os.environ | PLAIN)
    assert (status, error) == (0, b"")
    assert b"usage: nanofoam" in out
    assert out.decode("ascii")


@posix
def test_runs_are_compared_in_any_locale(foreign_run):
    usual = call("compare", foreign_run.folder, foreign_run.folder)
    status, out, error = call("compare", foreign_run.folder, foreign_run.folder, env=os.environ | PLAIN)
    assert (usual[0], status, error) == (0, 0, b"")
    assert "R²".encode() in usual[1]
    assert b"R\\xb2 of median diameter" in out


@posix
def test_a_chain_runs_in_any_locale(tiny_original, tmp_path):
    notebooks, reference = tiny_original
    status, _, error = chains.finish(notebooks, tmp_path / "out", env=os.environ | PLAIN)
    assert (status, error) == (0, "")
    assert chains.results(tmp_path / "out") == chains.results(reference)


@posix
def test_a_name_that_the_locale_cannot_read_is_one_line_that_names_the_variable(tmp_path):
    for name in ("رغوة", "espuma_ñ"):
        (tmp_path / name / "a").mkdir(parents=True)
        status, out, error = call("check", tmp_path / name, env=os.environ | PLAIN)
        assert (status, out) == (2, b"")
        assert error.count(b"\n") == 1
        assert b"PYTHONUTF8" in error
    inner = tmp_path / "data"
    for label in ("رغوة", "b"):
        (inner / label).mkdir(parents=True)
        (inner / label / "1.png").write_bytes(b"x")
    status, _, error = call("check", inner, env=os.environ | PLAIN)
    assert status == 1
    assert b"PYTHONUTF8" in error
    assert error.count(b"\n") == 1


def test_arguments_of_bytes_that_mean_nothing_are_no_matter_of_the_locale(monkeypatch):
    terminal.check_arguments(["check", "a\udce9"])  # reading it is refused by name later
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    with pytest.raises(UsageError, match="PYTHONUTF8"):
        terminal.check_arguments(["check", "a\udce9"])


@posix
def test_a_disk_that_takes_nothing_is_told_with_the_folder_and_what_is_needed(tmp_path):
    import resource

    def nothing():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    out = tmp_path / "out"
    status, said, error = call("run", "--profile", "demo", "--out", out, preexec_fn=nothing, env=os.environ)
    assert (status, said) == (1, b"")
    assert re.search(
        rb"nanofoam: error: --out .*out: cannot be written to \(.*; 100,000,000 bytes are needed, [\d,]+ are free\)",
        error,
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_a_file_that_does_not_fit_is_named_with_its_size(tmp_path, monkeypatch, number):
    def full(path, content):
        raise OSError(number, os.strerror(number))

    path = tmp_path / "index.html"
    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"index\.html: .*; 5 bytes are needed, [\d,]+ are free"):
        files.write_text(path, "words")
    assert list(tmp_path.iterdir()) == []


@posix
def test_an_array_that_does_not_fit_is_named(tmp_path):
    code = (
        "import resource, numpy as np; from nanofoam_lib.base import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "with files.replacing('a.npy') as path:\n    np.save(path, np.zeros(99999))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.search(r"OSError: a\.npy: .*; more than [\d,]+ bytes are needed, [\d,]+ are free", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_a_disk_stay_what_they_are(tmp_path):
    with pytest.raises(IsADirectoryError), files.replacing(tmp_path / "a"):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
