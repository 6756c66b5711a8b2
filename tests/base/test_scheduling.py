import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from chains import finish, results, write_chain
from conftest import ROOT, discs, write_tiles
from PIL import Image

from nanofoam_lib import __main__
from nanofoam_lib.base import scheduling
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.images import pores, preprocessing

#: Starts a scheduler and two workers on this machine's own address, tells of both, and ends them with its input.
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    options = dict(processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50)
    with LocalCluster(n_workers=2, threads_per_worker=2, **options) as cluster:
        print(cluster.scheduler_address, *(worker.pid for worker in cluster.workers.values()), flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a cluster of processes; give its address and the process ids of its workers."""
    pytest.importorskip("distributed")
    script = tmp_path_factory.mktemp("cluster") / "cluster.py"
    script.write_text(CLUSTER)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, cwd=script.parent,
    ) as process:  # fmt: skip
        address, *workers = process.stdout.readline().split()
        yield address, list(map(int, workers))
        process.stdin.close()


@pytest.fixture
def photographs(tmp_path):
    folder = write_tiles(tmp_path / "tiles", per_class=16, side=96)
    (folder / "brick" / "broken.png").write_text("hello")
    return folder


def test_the_work_of_a_killed_worker_is_done_again(cluster):
    address, workers = cluster

    def slow_square(number):
        time.sleep(0.02)
        return np.full(1000, number**2)

    with scheduling.on(address):
        found = []
        for square in scheduling.each(slow_square, ((i,) for i in range(80))):
            found.append(square)
            if len(found) == 20:
                os.kill(workers.pop(), signal.SIGKILL)
    assert np.array_equal(found, np.repeat(np.arange(80)[:, None] ** 2, 1000, axis=1))


def process(folder, target):
    index, bad = preprocessing.process(folder, target, skip_bad=True)
    paths = [folder / path for path in index["path"][:4]]
    return target.read_bytes(), index, bad, pores.measure_all(paths, 0.5, crop=0, n_jobs=1)


def test_a_cluster_gives_the_same_arrays_and_tables_as_this_machine(cluster, photographs, tmp_path, monkeypatch):
    here = process(photographs, tmp_path / "here.npy")
    monkeypatch.chdir(tmp_path)  # the workers are elsewhere: relative paths must still reach them
    with scheduling.on(cluster[0]):
        there = process(photographs.relative_to(tmp_path), tmp_path / "there.npy")
    assert len(here[1]) == 48
    assert here[0] == there[0]
    for one, other in zip(here[1:], there[1:], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_where_a_run_was_computed_does_not_make_it_another(cluster, tmp_path):
    """A run on a cluster is unchanged when it is given again without: same keys of its steps, nothing executed."""
    notebooks, out = write_chain(tmp_path / "notebooks"), tmp_path / "run"
    status, _, error = finish(notebooks, out, "--scheduler", cluster[0])
    assert status == 0, error
    steps, before = json.loads((out / "manifest.json").read_text())["steps"], results(out)
    assert len(steps) == 4
    assert finish(notebooks, out)[0] == 0
    assert json.loads((out / "manifest.json").read_text())["steps"] == steps
    assert finish(notebooks, tmp_path / "here")[0] == 0
    assert results(tmp_path / "here") == results(out) == before


def test_what_goes_wrong_on_a_worker_is_told_here(cluster, tmp_path):
    with scheduling.on(cluster[0]), pytest.raises(DataError, match=r"gone.png: cannot be read"):
        pores.measure_all([tmp_path / "gone.png"], 1.0)


def test_a_cluster_is_left_with_the_block(monkeypatch, cluster):
    monkeypatch.delenv(scheduling.VARIABLE, raising=False)
    with scheduling.on(cluster[0]):
        assert os.environ[scheduling.VARIABLE] == cluster[0]
        with scheduling.on(None):
            assert scheduling.VARIABLE not in os.environ
        assert os.environ[scheduling.VARIABLE] == cluster[0]
    assert scheduling.VARIABLE not in os.environ


@pytest.fixture
def foams(tmp_path):
    """Give a folder of 2 × 3 micrographs of discs."""
    for name, radius in (("a", 10), ("b", 13)):
        (tmp_path / "foams" / name).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(discs(radius + i / 2)).save(tmp_path / "foams" / name / f"{i}.png")
    return tmp_path / "foams"


def written(out):
    """Give the bytes of every file in a folder, by its path."""
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


def measure_pores(folder, out, *options):
    return __main__.main(["pores", str(folder), "--out", str(out), "-p", "pixel_size_um=0.5", *options])


def kill_when_it_exists(pattern, out, process):
    while not any(out.glob(pattern)):
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)


@pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")
def test_pores_on_a_cluster_are_those_of_this_machine_byte_by_byte_also_when_a_worker_dies(
    cluster, foams, tmp_path, monkeypatch
):
    address, workers = cluster
    here, there = tmp_path / "here", tmp_path / "there"
    assert measure_pores(foams, here) == 0
    expected = written(here)
    assert {name.partition("/")[0] for name in expected} >= {"pictures.csv", "pores.csv", "labels", "overlays", "parts"}
    assert sum(name.endswith(".tif") for name in expected) == sum(name.endswith(".jpg") for name in expected) == 6

    killer = threading.Thread(target=kill_when_it_exists, args=("parts/a/*.json", there, workers.pop()))
    killer.start()
    monkeypatch.chdir(tmp_path)  # the workers are elsewhere: relative paths must still reach them
    assert measure_pores(foams.relative_to(tmp_path), there.relative_to(tmp_path), "--scheduler", address) == 0
    killer.join()
    assert written(there) == expected


@pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")
def test_a_killed_measurement_of_pores_goes_on_on_a_cluster(cluster, foams, tmp_path):
    out = tmp_path / "out"
    asked = ["pores", str(foams), "--out", str(out), "-p", "pixel_size_um=0.5", "--scheduler", cluster[0]]
    with subprocess.Popen([sys.executable, "-m", "nanofoam_lib", *asked], cwd=ROOT) as command:
        kill_when_it_exists("parts/a/*.json", out, command.pid)
    assert not (out / "pictures.csv").exists()
    done = {file: file.stat().st_mtime_ns for file in out.glob("parts/*/*.json")}
    (torn := next(iter(done))).write_text("{")  # what a full disk may leave
    assert measure_pores(foams, out, "--scheduler", cluster[0]) == 0
    assert all(file.stat().st_mtime_ns == time for file, time in done.items() if file != torn)
    assert measure_pores(foams, tmp_path / "here") == 0
    expected = written(tmp_path / "here")
    assert {name: content for name, content in written(out).items() if "/.tmp-" not in name} == expected


@pytest.mark.parametrize("address", ["", "host:8786", "tcp://host", "http://host:80", "tcp://host:80/x"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UsageError, match="is no address"):
        scheduling.connect(address)


def test_an_address_that_nobody_answers_at_is_one_line(tmp_path, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    assert __main__.main(["run", "--scheduler", address]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nanofoam: error: --scheduler {address}: no Dask scheduler answers there")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"nanofoam\[cluster\]"):
        scheduling.connect("tcp://127.0.0.1:8786")


def test_items_are_taken_as_they_are_needed():
    taken = []
    squares = scheduling.each(pow, ((taken.append(i) or i, 2) for i in range(1000)), n_jobs=1)
    assert [next(squares) for _ in range(3)] == [0, 1, 4]
    assert len(taken) < 20
    squares.close()


def test_what_a_killed_process_had_others_do_ends_with_it(tmp_path):
    script = """
import pathlib, sys, time
from nanofoam_lib.base import scheduling
def work(path):
    path.touch()
    time.sleep(100)
list(scheduling.each(work, [(pathlib.Path(sys.argv[1], name),) for name in "ab"], n_jobs=2))
"""
    with subprocess.Popen([sys.executable, "-c", script, tmp_path]) as process:
        until = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        others = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert len(others) >= 2
    assert psutil.wait_procs(others, timeout=20)[1] == []
