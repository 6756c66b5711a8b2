"""Nothing outside a run folder is read, written or deleted for what stands in it, and nothing waits for ever."""

import json
import os
import pathlib
import warnings

import foreign
import pytest
from foreign import COMMANDS, outside, posix, told

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError, RunWarning, UsageError
from nanofoam_lib.runs import ledger, lock, pipeline


def test_the_run_that_these_tests_damage_can_be_given_to_every_command(foreign_run, tiny_run, tmp_path):
    files.write_text(
        foreign_run.folder / "spec.yaml", foreign.SPEC.partition("parameters")[0] + "grid: {beta: [1, 2]}\n"
    )
    before = outside(tmp_path, foreign_run)
    for name in ("compare", "verify", "sweep", "report", "load", "explore", "apply"):
        COMMANDS[name](foreign_run)
    assert COMMANDS["sweep"](foreign_run)["status"].tolist() == ["done"]
    assert outside(tmp_path, foreign_run) == before
    assert pipeline.run(tiny_run.folder, "demo").folder == tiny_run.folder


# Journals


def journal(run, *names, step="01_preprocess"):
    path = run.folder / f".journal-{step}"
    path.write_bytes(b"".join(name if isinstance(name, bytes) else json.dumps(name).encode() + b"\n" for name in names))
    return path


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "{R}/../victim",
        "{R}/../../victim",
        "{R}/data/../../victim",
        "{R}/up/victim",
        "/etc/hostname",
        "../victim",
        "/" + "a" * 5000,
        "{R}/" + "a" * 300,
    ],
)
def test_a_journal_names_nothing_outside_its_run(tiny_run, tmp_path, name, force):
    before = outside(tmp_path, tiny_run)
    journal(tiny_run, name.format(R=tiny_run.folder.resolve()))
    (tiny_run.folder / "up").symlink_to("..")
    assert ledger.Journal(tiny_run, "01_preprocess").names() == set()
    with told():
        pipeline.run(tiny_run.folder, "demo", force=force)
    assert outside(tmp_path, tiny_run) == before
    assert "victim" not in tiny_run.manifest.read_text()


def test_what_is_deleted_is_an_output_of_this_program(tiny_run):
    """A journal or manifest may name any file of the folder, a person's own too: such a file stays."""
    mine = [tiny_run.folder / name for name in ("cited.yaml", "notes.txt", "paper/thesis.tex")]
    for path in mine:
        files.write_text(path, "years of work")
    stale = tiny_run.folder / "tables" / "stale.csv"
    files.write_text(stale, "a\n1\n")
    journal(tiny_run, *(str(path.resolve()) for path in (*mine, stale)))
    pipeline.run(tiny_run.folder, "demo", force=True)
    assert [path.read_text() for path in mine] == ["years of work"] * 3
    assert not stale.exists()


DAMAGED = {
    "no bytes": b"",
    "of zeros": b"\0" * 200,
    "another encoding": '"/home/ñ/a.csv"\n'.encode("utf-16"),
    "latin-1": '"/home/ñ/a.csv"\n'.encode("latin-1"),
    "odd lines": b'"/a/b\n[1, 2]\n{"a": 3}\n',
    "numbers": b"3\n4\n",
    "two lines in one": b'"/a/cut of"/a/b.csv"\n',
    "names without a folder": b'"a.csv"\n',
    "a null in a name": b'"/a/\\u0000"\n',
    "half a pair": b'"/a/\\ud800"\n',
    "brackets": b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_journal_is_a_warning_and_the_step_counts_as_not_done(tiny_run, how):
    path = journal(tiny_run, DAMAGED[how])
    with pytest.warns(RunWarning, match=r"\.journal-01_preprocess: damaged; 01_preprocess counts as not done") as found:
        pipeline.run(tiny_run.folder, "demo")
    assert len(found) == 1
    assert not path.exists()
    assert tiny_run.load_manifest()["steps"]["01_preprocess"]["status"] == "done"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.run(tiny_run.folder, "demo")


# Links, pipes and folders where files are expected


def run_or_tell(run):
    with told() as line:
        pipeline.run(run.folder, "demo", force=True)
    return line.said


@posix
@pytest.mark.parametrize("target", ["../victim", "manifest.json", "gone"])
def test_a_lock_that_is_a_link_is_refused_by_name(tiny_run, tmp_path, target):
    before = outside(tmp_path, tiny_run)
    (tiny_run.folder / ".lock").unlink(missing_ok=True)
    (tiny_run.folder / ".lock").symlink_to(target)
    assert f"{tiny_run.folder / '.lock'}" in run_or_tell(tiny_run)
    with pytest.raises(UsageError, match=r"\.lock is no lock"), lock.hold(tiny_run.folder):
        pass
    assert outside(tmp_path, tiny_run) == before
    assert not (tiny_run.folder / "gone").exists()


@posix
def test_a_lock_that_is_a_folder_a_pipe_or_somebodys_text_is_refused_by_name(tiny_run):
    path = tiny_run.folder / ".lock"
    for make in (path.mkdir, lambda: os.mkfifo(path), lambda: path.write_text("years of work")):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        make()
        assert str(path) in run_or_tell(tiny_run)
        with pytest.raises(UsageError, match=r"\.lock is no lock"), lock.hold(tiny_run.folder):
            pass
    assert path.read_text() == "years of work"


PLACES = (
    "manifest.json", "data", "data/index.csv", "data/images.npy", "tables", "tables/table1.csv", "models", "figures",
    "notebooks", "notebooks/01_preprocess.ipynb", "index.html", "thesis.tex", "error.log", ".journal-02_train",
    ".tmp-0123456789ab-x.npy",
)  # fmt: skip


@posix
@pytest.mark.parametrize("what", ["link to a file", "link to a folder", "link to nothing", "pipe"])
@pytest.mark.parametrize("place", PLACES)
def test_a_run_writes_through_no_link_and_waits_for_no_pipe(tiny_run, tmp_path, place, what):
    before = outside(tmp_path, tiny_run)
    path = tiny_run.folder / place
    path.rename(tmp_path / "reports" / "R-moved") if path.exists() else path.parent.mkdir(exist_ok=True)
    before |= {k: v for k, v in outside(tmp_path, tiny_run).items() if "R-moved" in k}
    target = {"link to a file": "victim", "link to a folder": "reports/other", "link to nothing": "nowhere"}.get(what)
    path.symlink_to(tmp_path / target) if target else os.mkfifo(path)
    assert place in run_or_tell(tiny_run)
    assert outside(tmp_path, tiny_run) == before


@posix
def test_links_that_stay_inside_and_links_of_ones_own_are_left_alone(tiny_run, tmp_path):
    (tiny_run.folder / "tables").rename(tiny_run.folder / "data" / "tables")
    (tiny_run.folder / "tables").symlink_to("data/tables")
    (tiny_run.folder / "paper").symlink_to(tmp_path / "data")
    assert pipeline.run(tiny_run.folder, "demo", force=True).folder == tiny_run.folder


#: What each command reads first.
READ = {
    "compare": ("manifest.json", "tables/table1.csv", "tables/controls.csv", "tables/dimensions.csv"),
    "verify": ("cited.yaml", "tables/table1.csv"),
    "sweep": ("manifest.json", "tables/table1.csv", "tables/models.csv"),
    "load": ("models/vae-4/config.json", "models/vae-4/encoder.keras", "data/images.npy", "data/index.csv"),
    "explore": ("data/pores.csv", "descriptors/vae-4.npz", "tables/dimensions.csv"),
    "report": ("tables/claims.csv",),
}  # fmt: skip


@posix
@pytest.mark.parametrize(("command", "name"), [(command, name) for command, names in READ.items() for name in names])
@pytest.mark.parametrize("what", ["pipe", "folder"])
def test_no_reader_waits_for_a_pipe_or_takes_a_folder_for_a_file(foreign_run, command, name, what):
    path = foreign_run.folder / name
    path.unlink()
    os.mkfifo(path) if what == "pipe" else path.mkdir()
    with told(pathlib.PurePath(name).name) as line:
        found = COMMANDS[command](foreign_run)
    if command == "sweep":  # tells of each point what is amiss with it
        assert found["status"].str.contains(name).all()
    elif command == "verify" and name != "cited.yaml":
        assert len(found[1]) == 1
    else:
        assert line.said is not None


def test_a_manifest_names_no_figure_or_report_outside_its_run(foreign_run, tmp_path):
    before = outside(tmp_path, foreign_run)
    for place in ("steps", "report"):
        manifest = foreign_run.load_manifest()
        owner = manifest["report"] if place == "report" else manifest["steps"]["01_preprocess"]
        owner["outputs"]["../victim"] = None
        files.write_json(foreign_run.manifest, manifest)
        for command in ("compare", "report", "explore"):
            with pytest.raises(DataError, match="leads out of its folder"):
                COMMANDS[command](foreign_run)
        del owner["outputs"]["../victim"]
        files.write_json(foreign_run.manifest, manifest)
    assert outside(tmp_path, foreign_run) == before
