import json
import math
import os
import pathlib
import time

import psutil
import pytest

from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.runs import execution, kernels, pipeline

posix = pytest.mark.skipif(os.name == "nt", reason="processes do not tell their environment")


def write_notebook(path, *cells):
    code = [
        {"cell_type": "code", "id": f"c{i}", "source": cell, "metadata": {}, "outputs": [], "execution_count": None}
        for i, cell in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
    path.write_text(json.dumps({"cells": code, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def step_of(path, imports):
    return pipeline.Step(path.stem, path, {}, "", imports)


def execute_after_waiting(folder, imports, *cells):
    """Execute cells in a kernel that has started before; give its process and the cells as they are then."""
    notebook, kernel = write_notebook(folder / "02_next.ipynb", *cells), kernels.Kernel(folder / ".journal", imports)
    kernel.start(folder)
    pid = kernel.manager.provisioner.pid
    execution.execute(notebook, folder / "out.ipynb", {}, lambda share: None, kernel=kernel)
    return pid, json.loads((folder / "out.ipynb").read_text())["cells"]


def test_a_kernel_that_waited_has_imported_and_knows_nothing_else(tmp_path):
    told = "import json, os, sys; before = 'colorsys' in sys.modules"
    given = "('In', 'Out', 'get_ipython', 'exit', 'quit', 'open')"
    names = f"names = sorted(n for n in globals() if n[0] != '_' and n not in {given})"
    left = f"json.dump([os.getpid(), before, names], open({str(tmp_path / 'found')!r}, 'w'))"
    own, _ = execute_after_waiting(tmp_path, "import colorsys", "import colorsys", told, names, left)
    pid, before, known = json.loads((tmp_path / "found").read_text())
    assert (pid, before) == (own, True)
    assert set(known) - {"json", "os", "sys", "before"} == {"colorsys"}
    assert not psutil.pid_exists(own)


def test_cells_are_counted_from_one_in_a_kernel_that_waited(tmp_path):
    _, (cell,) = execute_after_waiting(tmp_path, "import colorsys", "1 + 1")
    assert cell["execution_count"] == 1


@pytest.mark.parametrize("imports", ["import colorsys", "raise SystemExit", "import time; time.sleep(600)"])
def test_whatever_waits_at_the_end_is_ended(tmp_path, monkeypatch, imports):
    monkeypatch.setattr(kernels, "ENOUGH_MEMORY", 0)
    step = step_of(tmp_path / "02_next.ipynb", imports)
    with kernels.Queue(Run(tmp_path)) as queue:
        queue.prepare(step)
        kernel = queue.take(step)
        own = kernel.manager.provisioner.pid
        time.sleep(0.5)
    assert not psutil.pid_exists(own) or psutil.Process(own).status() == psutil.STATUS_ZOMBIE


def test_a_kernel_whose_imports_fail_still_executes_its_step(tmp_path):
    _, (cell,) = execute_after_waiting(tmp_path, "import no_such_module", "print(6 * 7)")
    assert "".join(cell["outputs"][0]["text"]) == "42\n"


@posix
def test_a_step_that_ends_leaves_the_kernel_alone_that_waits_for_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "ENOUGH_MEMORY", 0)
    first, second = (step_of(write_notebook(tmp_path / f"{n}.ipynb", "1"), "") for n in ("01_a", "02_b"))
    with kernels.Queue(Run(tmp_path)) as queue:
        kernel = queue.take(first)
        queue.prepare(second)
        execution.execute(first.notebook, tmp_path / "out.ipynb", {}, lambda share: None, kernel=kernel)
        waiting = queue.take(second)
        assert psutil.pid_exists(waiting.manager.provisioner.pid)
        execution.execute(second.notebook, tmp_path / "out.ipynb", {}, lambda share: None, kernel=waiting)


def test_where_memory_is_short_nothing_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "ENOUGH_MEMORY", math.inf)
    step = step_of(tmp_path / "02_next.ipynb", "")
    before = set(psutil.Process().children())
    with kernels.Queue(Run(tmp_path)) as queue:
        queue.prepare(step)
        assert set(psutil.Process().children()) == before


def test_each_kernel_has_the_variables_of_its_step(tmp_path):
    told = "import os; print(os.environ['NANOFOAM_PROGRESS'], os.environ['NANOFOAM_JOURNAL'])"
    steps = [step_of(write_notebook(tmp_path / f"{name}.ipynb", told), "") for name in ("04_a", "05_b")]
    with kernels.Queue(Run(tmp_path), lambda name: {"NANOFOAM_PROGRESS": f"of {name}"}) as queue:
        taken = [queue.take(step) for step in steps]
        for step, kernel in zip(steps, taken, strict=True):
            execution.execute(step.notebook, tmp_path / "out.ipynb", {}, lambda share: None, kernel=kernel)
            (cell,) = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
            assert "".join(cell["outputs"][0]["text"]) == f"of {step.name} {tmp_path / f'.journal-{step.name}'}\n"


def test_a_notebook_runs_in_its_own_folder_and_this_process_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deeper").mkdir()
    notebook = write_notebook(tmp_path / "deeper" / "a.ipynb", "import os; print(os.getcwd())")
    seen = []
    execution.execute(notebook, pathlib.Path("out.ipynb"), {}, lambda share: seen.append(pathlib.Path.cwd()))
    (cell,) = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    assert "".join(cell["outputs"][0]["text"]) == f"{notebook.parent}\n"
    assert set(seen) == {tmp_path}
