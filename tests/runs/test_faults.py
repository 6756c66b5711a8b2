"""Kills, signals, full disks, damaged files, second processes: nothing is lost, and what happened is told by name."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from chains import NOTEBOOKS, finish, results, start, write_chain

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError, RunWarning, StepError, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.runs import execution, kernels, ledger, lock, pipeline, step_groups

posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    return write_chain(tmp_path_factory.mktemp("chain") / "notebooks")


@pytest.fixture(scope="module")
def reference(notebooks, tmp_path_factory):
    """Run the tiny chain undisturbed."""
    out = tmp_path_factory.mktemp("reports") / "reference"
    assert finish(notebooks, out)[0] == 0
    return out


@pytest.fixture
def copy(reference, tmp_path, notebooks, monkeypatch):
    """Give the undisturbed run in a folder of its own, and run what this process runs on the tiny chain."""
    monkeypatch.setattr(pipeline, "NOTEBOOKS", notebooks)
    return Run(shutil.copytree(reference, tmp_path / "copy"))


@pytest.fixture
def executed(monkeypatch):
    """Replace the execution of notebooks by a list of their names, and leave out the report of nothing."""
    names = []

    def record(notebook, target, values, on_progress, without=None, kernel=None):
        shutil.copy(notebook, target)
        names.append(notebook.stem)
        return []

    monkeypatch.setattr(execution, "execute", record)
    monkeypatch.setattr(pipeline, "_finish", lambda *_: None)
    return names


def working_for(folder):
    """List the processes that work for a run, beside the one that was started for it."""
    found = []
    for process in psutil.process_iter():
        try:
            if pathlib.Path(process.environ().get(files.JOURNAL_VARIABLE, "")).parent == folder.resolve():
                found.append(process)
        except psutil.Error:
            continue
    return found


def statuses(out):
    """Give the status of each step, as the manifest has it at this moment."""
    manifest = out / "manifest.json"
    steps = json.loads(manifest.read_text())["steps"] if manifest.exists() else {}
    return {name: step["status"] for name, step in steps.items()}


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def leftovers(folder):
    return [path.name for path in folder.rglob(".*") if path.name != ".lock"]


def kill_at_random(notebooks, out, moments, arguments=()):
    """Start a chain and kill it after each of some times; then let it end. Returns how many kills met it alive."""
    met = 0
    for moment in moments:
        process = start(notebooks, out, *arguments)
        time.sleep(moment)
        process.kill()
        process.communicate()
        met += process.returncode == -signal.SIGKILL
        if set(statuses(out).values()) == {"done"}:
            break
    status, _, err = finish(notebooks, out, *arguments)
    assert status == 0, err
    assert leftovers(out) == []
    assert working_for(out) == []
    return met


@posix
def test_killed_and_started_again_ends_like_a_run_that_never_was(notebooks, reference, tmp_path, record_property):
    moments = np.random.default_rng(0).uniform(1, 7, size=3)
    met = kill_at_random(notebooks, tmp_path / "out", moments)
    assert results(tmp_path / "out") == results(reference)
    record_property("count", f"{met} kills of a tiny chain at random moments")


@pytest.mark.soak
@posix
def test_twenty_four_kills_of_the_tiny_chain(notebooks, reference, tmp_path, record_property):
    rng, met, runs = np.random.default_rng(1), 0, 0
    while met < 24:
        out = tmp_path / f"out-{runs}"
        met += kill_at_random(notebooks, out, rng.uniform(0.5, 9, size=4))
        runs += 1
        assert results(out) == results(reference)
    record_property("count", f"{met} kills of the tiny chain in {runs} runs at random moments")


@pytest.mark.soak
@posix
def test_kills_of_the_real_chain_and_the_same_numbers_twice(tmp_path, record_property):
    small = ["filters=[4,4,4,4]", "decoder_filters=[4,4,4]", "latent_dims=[3,2]", "epochs=12", "n_per_class=8"]
    arguments = [word for value in small for word in ("-p", value)]
    began = time.monotonic()
    assert finish(NOTEBOOKS, tmp_path / "first", *arguments)[0] == 0
    seconds = time.monotonic() - began
    assert finish(NOTEBOOKS, tmp_path / "second", *arguments)[0] == 0
    expected, table = results(tmp_path / "first"), pd.read_csv(Run(tmp_path / "first").table("table1"))
    assert (set(table["latent_dim"]), set(table["protocol"])) == ({2, 3}, {"by-group"})
    assert results(tmp_path / "second") == expected
    moments = np.random.default_rng(2).uniform(5, seconds / 2, size=8)
    met = kill_at_random(NOTEBOOKS, tmp_path / "killed", moments, arguments)
    assert results(tmp_path / "killed") == expected
    counted = f"{met} kills of the real chain ({seconds:.0f} s); {len(expected)} files byte for byte the same, 3 runs"
    record_property("count", counted)


ASLEEP = "import time\ntime.sleep(600)"
BUSY = "import numpy as np\na = np.random.default_rng(0).random((6000, 6000))\nwhile True: np.linalg.svd(a)"


@posix
@pytest.mark.parametrize(
    ("number", "step", "code"), [("SIGINT", "01_preprocess", ASLEEP), ("SIGTERM", "02_train", BUSY)]
)
def test_a_signal_ends_the_run_and_its_kernels_and_says_how_to_go_on(tmp_path, record_property, number, step, code):
    chain, out = write_chain(tmp_path / "notebooks", **{step: code}), tmp_path / "out"
    process = start(chain, out)
    wait_for(lambda: statuses(out).get(step) == "running" and working_for(out))
    time.sleep(2)
    began = time.monotonic()
    process.send_signal(getattr(signal, number))
    stdout, stderr = process.communicate(timeout=60)
    record_property("count", f"{number}: gone after {time.monotonic() - began:.1f} s")
    assert (process.returncode, stdout) == (130, "")
    assert stderr == "nanofoam: stopped; the same command goes on with the step that was running\n"
    assert working_for(out) == []
    assert statuses(out) == {"01_preprocess": "done"} | {step: "stopped"}
    assert not [name for name in leftovers(out) if "tmp" in name]


@posix
def test_a_second_process_is_refused_while_the_first_lives_and_its_kernel_does_not_outlive_it(tmp_path):
    chain, out = write_chain(tmp_path / "notebooks", **{"01_preprocess": ASLEEP}), tmp_path / "out"
    first = start(chain, out)
    wait_for(lambda: working_for(out))
    with pytest.raises(UsageError, match=f"--out {out}: process {first.pid} is at work there"), lock.hold(out):
        pass
    first.kill()
    first.communicate()
    with lock.hold(out):
        wait_for(lambda: not working_for(out))


def test_what_works_for_a_killed_run_is_ended_and_nothing_else(tmp_path):
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    folders = [tmp_path / "run", tmp_path / "run-2"]
    ours, other = (
        subprocess.Popen(sleep, env=os.environ | {files.JOURNAL_VARIABLE: str(folder / ".journal-02_train")})
        for folder in folders
    )
    kernels.end_processes(lambda journal: journal.parent == folders[0])
    assert not psutil.pid_exists(ours.pid)
    assert other.poll() is None
    other.kill()
    for process in (ours, other):
        process.wait()


def test_a_lock_is_free_after_its_holder_and_names_another_while_held(tmp_path):
    with lock.hold(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
        with pytest.raises(UsageError, match=str(tmp_path)), lock.hold(tmp_path):
            pass
    (tmp_path / ".lock").write_text("1\n")  # a process that lives, but holds nothing
    with lock.hold(tmp_path):
        pass


# Full disks and lost permissions


@posix
def test_a_full_disk_leaves_the_earlier_file_and_is_told_in_one_line(notebooks, reference, tmp_path):
    import resource

    out = pathlib.Path(shutil.copytree(reference, tmp_path / "out"))
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))}  # images take 197 kB
    status, _, err = finish(notebooks, out, "-p", "seed=1", **limit)
    assert status == 1
    assert err.count("\n") == 1
    assert "01_preprocess failed: OSError" in err
    assert results(out) == results(reference)
    assert statuses(out) == dict.fromkeys(statuses(reference), "outdated") | {"01_preprocess": "failed"}
    assert not [name for name in leftovers(out) if "tmp" in name]


def refuse(*_, **__):
    raise OSError(28, "No space left on device")


def test_a_failed_step_is_told_even_if_the_manifest_cannot_be_written(copy, monkeypatch):
    def fail(*_):
        monkeypatch.setattr(files, "write_text", refuse)
        raise StepError("02_train failed: OSError: [Errno 28] No space left on device")

    before = copy.manifest.read_text()
    monkeypatch.setattr(execution, "execute", fail)
    with pytest.raises(StepError, match=r"02_train failed.*No space left"):
        pipeline.run(copy.folder, "demo", given={"epochs": 3})
    assert statuses(copy.folder)["02_train"] == "running"
    assert json.loads(before)["steps"].keys() == statuses(copy.folder).keys()


def test_where_the_manifest_cannot_be_written_nothing_runs(copy, executed, monkeypatch):
    before = copy.manifest.read_text()
    monkeypatch.setattr(files, "write_text", refuse)
    with pytest.raises(StepError, match="No space left"):
        pipeline.run(copy.folder, "demo", given={"epochs": 3})
    assert executed == []
    assert copy.manifest.read_text() == before


def test_an_executed_notebook_that_cannot_be_written_fails_its_step(copy, monkeypatch):
    import papermill

    monkeypatch.setattr(papermill, "execute_notebook", refuse)
    with pytest.raises(StepError, match=r"02_train failed: .*No space left on device"):
        pipeline.run(copy.folder, "demo", given={"epochs": 3})
    assert statuses(copy.folder)["02_train"] == "failed"


def test_a_report_that_was_not_written_is_written_by_the_next_run(copy, monkeypatch):
    page = copy.report.read_text()
    monkeypatch.setattr(execution, "execute", refuse)
    copy.report.unlink()
    with monkeypatch.context() as broken:
        broken.setattr("nanofoam_lib.report.html_report.write", refuse)
        with pytest.raises(StepError, match="No space left"):
            pipeline.run(copy.folder, "demo")
    pipeline.run(copy.folder, "demo")
    assert copy.report.read_text().splitlines()[:5] == page.splitlines()[:5]


# Damage


def damage(path, how):
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[:-7], "garbled": content[:-7] + b"garbled"}[how])


OUTPUTS = {
    "data/images.npy": "01_preprocess",
    "data/index.csv": "01_preprocess",
    "models/vae-2/encoder.npz": "02_train",
    "descriptors/vae-2.npz": "03_latent_space",
    "tables/weights.csv": "03_latent_space",
}


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "garbled"])
@pytest.mark.parametrize(("name", "step"), OUTPUTS.items())
def test_damage_is_named_by_a_later_step_and_rebuilt_by_its_own(copy, executed, name, step, how):
    damage(copy.folder / name, how)
    with pytest.raises(DataError, match=f"{name}: .* since {step} wrote it; leave --from out, or give --from"):
        pipeline.run(copy.folder, "demo", start="06")
    assert executed == []
    with pytest.warns(RunWarning, match=f"{name}: missing or changed since {step} wrote it"):
        pipeline.run(copy.folder, "demo")
    assert executed[0] == step
    assert not (copy.folder / name).exists()  # so that the step cannot take it over


@pytest.mark.soak
@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("force", [False, True])
def test_damage_is_rebuilt(copy, reference, name, force):
    damage(copy.folder / name, "cut")
    with contextlib.nullcontext() if force else pytest.warns(RunWarning, match=name):
        pipeline.run(copy.folder, "demo", force=force)
    assert results(copy.folder) == results(reference)


def test_force_takes_nothing_over_and_removes_nothing_else(copy, monkeypatch):
    found = {}

    def look(notebook, target, values, on_progress, without=None, kernel=None):
        shutil.copy(notebook, target)
        found[notebook.stem] = set(results(copy.folder)) | {p.name for p in copy.folder.glob("models/*/*")}
        return []

    (copy.folder / "notes.txt").write_text("mine")
    (copy.folder / "tables" / "mine.csv").write_text("mine")
    monkeypatch.setattr(execution, "execute", look)
    monkeypatch.setattr(pipeline, "_finish", lambda *_: None)
    pipeline.run(copy.folder, "demo", force=True)
    assert "data/images.npy" not in found["01_preprocess"]
    assert "encoder.npz" in found["01_preprocess"]
    assert "encoder.npz" not in found["02_train"]
    assert set(results(copy.folder)) == {"tables/mine.csv"}
    assert (copy.folder / "notes.txt").exists()


@pytest.mark.parametrize("epochs", [4, 5])
def test_an_unfinished_step_finds_what_it_left_but_keeps_nothing_of_another_recipe(copy, monkeypatch, epochs):
    """A checkpoint outlives a kill; of another recipe's files none stays when the step is done."""
    model = copy.folder / "models" / "vae-2"

    def stop(notebook, target, values, on_progress, without=None, kernel=None):
        with ledger.Journal(copy, notebook.stem):  # as its kernel would
            files.write_text(model / "checkpoint.npz", str(values["epochs"]))
        raise KeyboardInterrupt

    def go_on(notebook, target, values, on_progress, without=None, kernel=None):
        shutil.copy(notebook, target)
        if notebook.stem == "02_train":
            found.append((model / "checkpoint.npz").exists())
            with ledger.Journal(copy, notebook.stem):
                files.write_text(model / "encoder.npz", "new")
        return []

    found = []
    monkeypatch.setattr(execution, "execute", stop)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(copy.folder, "demo", given={"epochs": 4})
    assert statuses(copy.folder)["02_train"] == "stopped"
    monkeypatch.setattr(execution, "execute", go_on)
    monkeypatch.setattr(pipeline, "_finish", lambda *_: None)
    pipeline.run(copy.folder, "demo", given={"epochs": epochs})
    assert found == [True]
    assert (model / "checkpoint.npz").exists() is (epochs == 4)
    outputs = copy.load_manifest()["steps"]["02_train"]["outputs"]
    assert ("models/vae-2/checkpoint.npz" in outputs) is (epochs == 4)


def test_temporary_files_of_a_killed_process_are_removed(copy, executed):
    for name in (".tmp-1-02_train.ipynb", "data/.tmp-abc-images.npy", "models/vae-2/.tmp-abc-encoder.keras"):
        (copy.folder / name).write_text("half")
    pipeline.run(copy.folder, "demo")
    assert leftovers(copy.folder) == []
    assert executed == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "truncated"),
        ("[]", "Expected object, got (array|null)"),
        ("null", "Expected object, got (array|null)"),
        ('{"steps": []}', "steps: Expected object, got array"),
        ('{"steps": {"02_train": "done"}}', r"steps\[...\]: Expected object, got str"),
        (
            '{"steps": {"02_train": {"status": "done", "outputs": ["a"]}}}',
            r"steps\[...\].outputs: Expected object, got array",
        ),
        ('{"parameters": 3}', "parameters: Expected object, got int"),
        ('{"steps": {"02_train": {"status": "done"}}}', "02_train has no key"),
        ("\udcff".encode(errors="surrogateescape"), "invalid character"),
    ],
)
def test_a_manifest_of_another_shape_is_named(copy, executed, text, message):
    copy.manifest.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=rf"manifest\.json: damaged .*({message}).*; delete it"):
        pipeline.run(copy.folder, "demo")
    assert executed == []


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/etc/hostname", "data/../../outside.txt", "link/outside.txt", "\0"]
)
@pytest.mark.parametrize("force", [False, True])
def test_a_manifest_cannot_name_files_outside_its_folder(copy, executed, name, force):
    outside = copy.folder.parent / "outside.txt"
    outside.write_text("mine")
    (copy.folder / "link").symlink_to(copy.folder.parent)
    manifest = copy.load_manifest()
    manifest["steps"]["01_preprocess"]["outputs"][name] = None
    files.write_json(copy.manifest, manifest)
    with pytest.raises(DataError, match="leads out of its folder"):
        pipeline.run(copy.folder, "demo", force=force)
    assert outside.exists()
    assert executed == []


def test_a_journal_counts_files_of_the_run_alone_and_survives_a_cut_line(tmp_path):
    run = Run(tmp_path / "run")
    with ledger.Journal(run, "02_train") as journal:
        files.write_text(run.folder / "a" / "né\nw.txt", "x")
        files.write_text(tmp_path / "elsewhere.txt", "x")
        files.keep(run.folder / "never there")
    files.write_text(run.folder / "later.txt", "x")
    with (run.folder / ".journal-02_train").open("a") as file:
        file.write('"' + str(run.folder / "cut of")[:-1])
    assert journal.names() == {"a/né\nw.txt"}
    journal.forget()
    assert journal.names() == set()


@pytest.mark.parametrize("how", ["empty", "cut", "garbled"])
def test_what_reads_a_damaged_file_names_it(tmp_path, how):
    run = Run(tmp_path)
    with files.replacing(run.images) as path:
        np.save(path, np.zeros((2, 128, 128), np.uint8))
    files.write_npz(run.examples, a=np.arange(9))
    files.write_csv(run.index, pd.DataFrame({"id": [0], "path": ["a"]}))
    for path in (run.images, run.examples):
        damage(path, how)
    if how != "garbled":  # an array's last bytes say nothing of themselves; only the manifest's hash tells
        with pytest.raises(DataError, match=r"images\.npy: damaged"):
            run.load_images()
    with pytest.raises(DataError, match=r"examples\.npz: damaged"):
        files.read_npz(run.examples)
    with pytest.raises(DataError, match=r"index\.csv: damaged \(has no column"):
        run.load_index()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from nanofoam_lib.models import vae

    folder = tmp_path_factory.mktemp("models") / "vae-2"
    vae.save(vae.build(vae.Config("vae", 2, filters=(2, 2, 2, 2), decoder_filters=(2, 2, 2))), folder)
    return folder


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "garbled"])
@pytest.mark.parametrize("name", ["encoder.keras", "decoder.keras", "config.json"])
def test_a_damaged_model_is_named(model, tmp_path, name, how):
    from nanofoam_lib.models import vae

    folder = shutil.copytree(model, tmp_path / "model")
    damage(folder / name, how)
    with pytest.raises(FileNotFoundError if how == "missing" else DataError, match=name):
        vae.load(folder)


# Steps beside each other


def beside(folder, monkeypatch, execute):
    """Run the chain anew, its steps replaced by `execute`, on a machine that has memory for two at a time."""
    monkeypatch.setattr(step_groups, "BESIDE", ("03_latent_space",))
    monkeypatch.setattr(kernels, "is_room", lambda: True)
    monkeypatch.setattr(kernels.Queue, "prepare", lambda *_: None)
    monkeypatch.setattr(kernels.Queue, "take", lambda *_: None)
    monkeypatch.setattr(execution, "execute", execute)
    monkeypatch.setattr(pipeline, "_finish", lambda *_: None)
    pipeline.run(folder, "demo", force=True)


def test_two_steps_run_at_a_time_where_neither_needs_the_other(copy, monkeypatch):
    meeting = threading.Barrier(2, timeout=60)
    order = []

    def execute(notebook, target, values, on_progress, without=None, kernel=None):
        order.append(notebook.stem)
        shutil.copy(notebook, target)
        if notebook.stem in ("02_train", "03_latent_space"):
            meeting.wait()  # broken, if one waits for the other to end
        return []

    beside(copy.folder, monkeypatch, execute)
    assert (order[0], order[-1]) == ("01_preprocess", "06_figures")
    assert set(statuses(copy.folder).values()) == {"done"}


def test_where_one_of_two_steps_fails_the_other_is_ended_and_counts_as_stopped(copy, monkeypatch):
    ended = threading.Event()

    def execute(notebook, target, values, on_progress, without=None, kernel=None):
        shutil.copy(notebook, target)
        if notebook.stem == "02_train":
            raise StepError("02_train failed: no luck")
        if notebook.stem == "03_latent_space":
            assert ended.wait(60)
            raise StepError("03_latent_space failed: its kernel died")
        return []

    monkeypatch.setattr(kernels.Queue, "end", lambda self: ended.set())
    with pytest.raises(StepError, match="02_train failed: no luck"):
        beside(copy.folder, monkeypatch, execute)
    found = statuses(copy.folder)
    assert found == {
        "01_preprocess": "done", "02_train": "failed", "03_latent_space": "stopped", "06_figures": "outdated",
    }  # fmt: skip
