import os
import re
import subprocess
import sys

import chains
import pandas as pd
import pytest
from conftest import ROOT

from nanofoam_lib import __main__, figures
from nanofoam_lib.runs import sweep_spec, sweeps

EXAMPLES = ROOT / "notebooks" / "sweeps"
#: In place of ``nanofoam run``, leaves what a run leaves. Scores follow from the parameters; β = 9 fails with seed 1.
PROGRAM = """
import json, pathlib, sys
arguments = sys.argv[1:]
out = pathlib.Path(arguments[arguments.index("--out") + 1])
given = [text.partition("=") for text in arguments[1:] if "=" in text and not text.startswith("/")]
values = {name: json.loads(value) for name, _, value in given}
step = {"key": "k", "status": "done", "seconds": 2.5, "warnings": [], "outputs": {}}
failed = values["beta"] == 9 and values["seed"] == 1
if failed:
    step |= {"status": "failed", "error": "no luck"}
data = {"name": "foam", "folder": None, "hash": None}
manifest = {"finished": None if failed else "now", "parameters": values, "data": data, "profile": "demo", "lang": "en"}
manifest |= {"seed": 0, "versions": {}, "git": None}
manifest["steps"] = {"02": step}
(out / "tables").mkdir(parents=True, exist_ok=True)
(out / "manifest.json").write_text(json.dumps(manifest))
if failed:
    sys.exit("first line\\nnanofoam: error: 02 failed: no luck")
(out / "index.html").write_text("report")
head = "kind,latent_dim,descriptor,classifier,protocol,accuracy,ci_low,ci_high"
rows, models = [head], ["model,kind,latent_dim,has_skill,active,test_kl,test_reconstruction"]
for dim in values["latent_dims"]:
    score = 0.5 + dim / 100 + values["seed"] / 10
    rows += [f"vae,{dim},mu,KNN,by-group,0.9,,", f"vae,{dim},mu,random forest,by-group,{score},,"]
    rows += [f"vae,{dim},sigma,random forest,by-group,{score + 0.001},,"]
    rows += [f"vae,{dim},mu,random forest,thesis (leaky),1.0,,"]
    models += [f"vae-{dim},vae,{dim},True,{dim},{10 / values['beta']},99.0", f"ae-{dim},ae,{dim},True,,,98.0"]
controls = [head, "control,9,LBP,random forest,by-group,0.75,,"]
controls += ["control,9,supervised features,random forest,by-group,1,,"]
for name, lines in {"table1": rows, "controls": controls, "models": models}.items():
    (out / "tables" / f"{name}.csv").write_text("\\n".join(lines))
"""
SPEC = "profile: demo\ngrid:\n  latent_dims: [2, [4, 8]]\n  beta: [1, 9]\n  seed: [0, 1]\n"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Let sweeps call the program above."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    monkeypatch.setattr(sweeps, "COMMAND", (sys.executable, str(path)))
    return path


def call(capsys, *arguments):
    status = __main__.main(["sweep", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_a_sweep_runs_each_point_goes_on_after_a_failure_and_compares(program, tmp_path, capsys):
    spec, out = tmp_path / "spec.yaml", tmp_path / "out"
    spec.write_text(SPEC)
    status, printed, error = call(capsys, spec, "--out", out, "--jobs", "2")
    assert (status, printed) == (1, f"6 of 8 runs are finished\n{out / 'index.html'}\n")
    bad = "latent_dims=2_beta=9_seed=1"
    assert f"nanofoam: error: {bad}: 02 failed: no luck\n" in error
    table = pd.read_csv(out / "sweep.csv")
    assert table["item"].tolist()[:4] == [f"latent_dims=2_beta={b}_seed={s}" for b in (1, 9) for s in (0, 1)]
    assert table["latent_dim"].tolist() == [2] * 4 + [4, 8] * 4
    assert table["status"].tolist()[:4] == ["done"] * 3 + ["failed in 02: no luck"]
    assert table["forest_mu"].round(6).tolist()[:3] == [0.52, 0.62, 0.52]
    assert table["forest_sigma"].round(6).tolist()[:3] == [0.521, 0.621, 0.521]
    assert (table["control"].tolist()[0], table["forest_control"][0]) == ("LBP", 0.75)
    assert table["active"].tolist()[:3] == [2, 2, 2]
    assert table["kl"].round(3).tolist()[:3] == [10, 10, 1.111]
    assert table["seconds"].tolist()[:3] == [2.5] * 3
    assert all((out / f"scores.{suffix}").exists() for suffix in ("pdf", "png", "csv"))
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'href="latent_dims%3D2_beta%3D1_seed%3D0/index.html"' in page
    assert f'href="{bad}' not in page
    assert "Runs of the sweep" in page and "terminada" not in page
    call(capsys, spec, "--out", out, "--collect", "--lang", "es")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert '<html lang="es"' in page and "<h2>Puntuaciones según los parámetros del barrido</h2>" in page
    assert ">terminada<" in page and "falló en 02: no luck" in page
    assert "exactitud con μ" in page and "mejor control" in page and "forest_" not in page
    assert pd.read_csv(out / "sweep.csv").equals(table)


def test_a_comparison_takes_no_run_for_finished_that_had_other_parameters(program, tmp_path, capsys):
    spec, out = tmp_path / "spec.yaml", tmp_path / "out"
    spec.write_text("parameters: {beta: 1, latent_dims: [2]}\ngrid: {seed: [0]}\n")
    assert call(capsys, spec, "--out", out, "--collect")[1].startswith("0 of 1")
    assert call(capsys, spec, "--out", out)[1].startswith("1 of 1")
    spec.write_text("parameters: {beta: 2, latent_dims: [2]}\ngrid: {seed: [0]}\n")
    assert call(capsys, spec, "--out", out, "--collect")[1].startswith("0 of 1")


def test_a_run_is_called_so_that_it_means_the_same_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    item = sweep_spec.Item("seed=1", {"seed": 1})
    sweep = sweep_spec.Sweep("mine.yaml", "foams", "es", "03", {"filters": [4, 4]}, [item])
    command = sweeps.call_of(sweep, item, "out")
    assert command[len(sweeps.COMMAND) :] == [
        "run", "--out", str(tmp_path / "out" / "seed=1"), "--lang", "es", "--profile", str(tmp_path / "mine.yaml"),
        "--data", str(tmp_path / "foams"), "--until", "03", "-p", "filters=[4, 4]", "-p", "seed=1",
    ]  # fmt: skip
    options = __main__._parser().parse_args(command[len(sweeps.COMMAND) :])
    assert (options.until, options.parameter) == ("03", ["filters=[4, 4]", "seed=1"])


def test_wrong_usage_is_one_line(tmp_path, capsys):
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    for arguments, message in ((["--item", "8"], "items 0 to 7"), (["--jobs", "0"], "give 1 or more")):
        status, _, error = call(capsys, spec, "--out", tmp_path / "out", *arguments)
        assert status == 2
        assert message in error
        assert error.count("\n") == 1


def table(**columns):
    scores = {f"forest_{name}": 0.5 for name in ("mu", "sigma", "conv", "control")}
    return pd.DataFrame(columns | scores | {"active": 3, "kl": 1.0, "reconstruction": 9.0})


def test_numbers_of_the_figure_are_means_over_seeds_with_their_range():
    found = table(item=list("abcd"), latent_dim=[8, 8, 32, 32], beta=1.0, seed=[0, 1, 0, 1])
    found["forest_mu"] = [0.2, 0.4, 0.6, 0.7]
    numbers = figures.sweep_numbers(found, ["latent_dim"])
    own = numbers[(numbers["score"] == "forest_mu") & (numbers["series"] == "")]
    assert own["x"].tolist() == ["8", "8", "32", "32"]
    assert own["mean"].round(6).tolist() == [0.3, 0.3, 0.65, 0.65]
    assert own[["low", "high"]].to_numpy().tolist() == [[0.2, 0.4]] * 2 + [[0.6, 0.7]] * 2


def test_the_figure_shows_every_series_and_what_is_not_swept_is_no_axis():
    found = table(item=list("abcd"), latent_dim=8, beta=[1.0, 1.0, 4.0, 4.0], crop=[0.1, 0.2] * 2, seed=0)
    spec = sweep_spec.Sweep(
        None, None, "en", None, {}, [sweep_spec.Item("a", {"latent_dims": [8], "beta": 1, "crop": 1, "seed": 0})]
    )
    swept = sweeps.swept(spec, found)
    assert swept == ["beta", "crop"]
    figure = figures.sweep(figures.sweep_numbers(found, swept))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["best control", "crop 0.1", "crop 0.2"]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["1", "4"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_example_sweeps_can_be_read_and_their_job_arrays_have_their_size(path):
    script = path.with_suffix(".sbatch")
    text = script.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    lines = text.splitlines()
    assert lines[0].startswith("#!")
    options = [i for i, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert options == list(range(1, len(options) + 1))  # sbatch reads them before the first command alone
    first, last = map(int, re.search(r"^#SBATCH --array=(\d+)-(\d+)$", text, re.MULTILINE).groups())
    assert (first, last) == (0, len(sweep_spec.load(path).items) - 1)


def test_a_task_of_the_job_array_runs_its_point_with_and_without_srun(tmp_path):
    notebooks, spec, out, programs = (tmp_path / name for name in ("notebooks", "spec.yaml", "out", "bin"))
    chains.write_chain(notebooks, **{name: "" for name in chains.STEPS if name != "01_preprocess"})
    spec.write_text('profile: demo\nuntil: "01"\ngrid: {test_fraction: [0.25, 0.5, 0.75]}\n')
    programs.mkdir()
    quoted = " ".join(f"'{part}'" for part in (sys.executable, "-c", chains.RUN, str(notebooks)))
    write_program(programs / "nanofoam", f'exec {quoted} "$@"')
    own = {"PATH": f"{programs}:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "2", "SLURM_CPUS_PER_TASK": "1"}
    task = ["bash", EXAMPLES / "foam.sbatch", spec, out]
    subprocess.run(task, env=os.environ | own, check=True, cwd=tmp_path, capture_output=True)
    assert [path.name for path in out.iterdir()] == ["test_fraction=0.75"]
    assert (out / "test_fraction=0.75" / "data" / "images.npy").exists()
    write_program(programs / "nanofoam", f'echo "$@" > {programs}/arguments')
    write_program(programs / "srun", f'touch {programs}/called; exec "$@"')
    subprocess.run(task, env=os.environ | own, check=True, cwd=tmp_path)
    assert (programs / "called").exists()
    assert (programs / "arguments").read_text() == f"sweep {spec} --out {out} --item 2\n"


def write_program(path, code):
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
