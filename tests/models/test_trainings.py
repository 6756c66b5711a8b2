"""Models trained at a time are those trained one after the other."""

import functools
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from nanofoam_lib.base.errors import RunWarning, TrainingError
from nanofoam_lib.models import training, trainings, vae

SMALL = {"latent_dim": 4, "filters": (4, 4, 4), "decoder_filters": (4, 4)}
TRAIN, TEST = np.arange(0, 24, 2), np.arange(1, 24, 2)
LONG = training.Recipe(100_000, batch_size=5)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(trainings.joblib, "cpu_count", lambda: 2)


def build(folder, kinds):
    return {folder / kind / "seed-1": vae.build(vae.Config(kind, **SMALL), 1) for kind in kinds}


def test_what_is_trained_in_other_processes_is_what_would_be_trained_here(textures, tmp_path, monkeypatch):
    models, recipe = build(tmp_path, ("ae", "texture")), training.Recipe(2, batch_size=5)
    own = []
    monkeypatch.setattr(vae.Autoencoder, "train_on_batch", lambda self, *_, **__: own.append(self))
    histories = trainings.fit_all(models, textures[0], TRAIN, TEST, recipe, seed=1)
    assert list(histories) == list(models) and not own
    monkeypatch.undo()
    for folder, model in models.items():
        alone = vae.build(model.config, 1)
        history = training.fit(alone, textures[0], TRAIN, TEST, recipe, 1)
        pd.testing.assert_frame_equal(histories[folder], history, rtol=1e-4)  # by two threads: rounded otherwise
        here, there, start = map(_flat, (alone, model, vae.build(model.config, 1)))
        assert np.linalg.norm(here - there) < 0.05 * np.linalg.norm(here - start)


def test_a_classifier_is_trained_beside_the_others(textures, tmp_path):
    recipe, classes = training.Recipe(2, batch_size=5), np.repeat([0, 1, 2], 8)
    vae_folder, folder = tmp_path / "vae", tmp_path / "classifier"
    build_classifier = functools.partial(vae.classifier, vae.Config(**SMALL), 3, 1)
    models = {vae_folder: vae.build(vae.Config(**SMALL), 1), folder: build_classifier()}
    found = trainings.fit_all(models, textures[0], TRAIN, TEST, recipe, 1, classes=classes)
    assert ["accuracy" in table for table in found.values()] == [False, True]
    alone = build_classifier()
    history = training.fit_classifier(alone, textures[0], classes, TRAIN, TEST, recipe, 1)
    pd.testing.assert_frame_equal(found[folder], history, rtol=1e-4)
    here, there, start = map(_flat, (alone, models[folder], build_classifier()))
    assert np.linalg.norm(here - there) < 0.05 * np.linalg.norm(here - start)
    assert np.array_equal(_flat(vae.load_classifier(folder)), there)


def _flat(model):
    return np.concatenate([weights.ravel() for weights in model.get_weights()])


def test_what_is_missing_is_trained_as_if_all_were(textures, tmp_path):
    recipe = training.Recipe(2, batch_size=5)
    first, again = (build(tmp_path / name, ("vae", "texture")) for name in ("first", "again"))
    trainings.fit_all(first, textures[0], TRAIN, TEST, recipe, 1)
    ended, other = again
    model = vae.build(again[ended].config, 1)
    training.fit(model, textures[0], TRAIN, TEST, recipe, 1, ended)  # here, and by as many threads as there are
    trainings.fit_all(again, textures[0], TRAIN, TEST, recipe, 1)
    assert np.array_equal(_flat(model), _flat(again[ended]))
    assert np.array_equal(_flat(first[tmp_path / "first" / "texture" / "seed-1"]), _flat(again[other]))


def _is_begun(folders):
    return all((folder / "history.csv").exists() for folder in folders)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_is_interrupted_or_killed_does_not_go_on_in_other_processes(tmp_path, number):
    script = """
import pathlib, signal, sys
import numpy as np
from nanofoam_lib.models import training, trainings, vae
signal.signal(signal.SIGINT, signal.default_int_handler)  # workers of pytest ignore it, and so would what they start
trainings.joblib.cpu_count = lambda: 2
models = {pathlib.Path(sys.argv[1], kind): vae.build(vae.Config(kind, 4, (4, 4), (4,))) for kind in ("vae", "ae")}
images = np.random.default_rng(0).integers(256, size=(24, 128, 128), dtype=np.uint8)
trainings.fit_all(models, images, range(16), range(16, 24), training.Recipe(100_000, batch_size=8))
"""
    folders = [tmp_path / "vae", tmp_path / "ae"]
    command = [sys.executable, "-c", script, tmp_path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 120
        while not _is_begun(folders) and time.monotonic() < until:
            time.sleep(0.1)
        others = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert len(others) >= 2
    assert psutil.wait_procs(others, timeout=20)[1] == []
    assert process.returncode != 0 and ("KeyboardInterrupt" in told) == (number == signal.SIGINT)
    last = [(folder / "history.csv").read_text() for folder in folders]
    time.sleep(1)
    assert [(folder / "history.csv").read_text() for folder in folders] == last


def test_a_process_that_is_lost_is_told(textures, tmp_path):
    models = build(tmp_path, ("vae", "ae"))
    (begun,) = [folder for folder in models if folder.parent.name == "vae"]

    def kill():
        until = time.monotonic() + 120
        while not _is_begun([begun]) and time.monotonic() < until:
            time.sleep(0.1)
        max(psutil.Process().children(recursive=True), key=lambda each: each.memory_info().rss).kill()

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(TrainingError, match="ended from outside"):
        trainings.fit_all(models, textures[0], TRAIN, TEST, LONG)


def test_a_warning_from_another_process_is_told(textures, tmp_path, monkeypatch):
    monkeypatch.setattr(
        trainings.joblib, "Parallel", lambda *_, **__: lambda jobs: ([own] for own in [f"{len(jobs)} went astray"])
    )
    with pytest.warns(RunWarning, match="2 went astray"):
        histories = trainings.fit_all(
            build(tmp_path, ("vae", "ae")), textures[0], TRAIN, TEST, training.Recipe(1, batch_size=5)
        )
    assert [len(history) for history in histories.values()] == [1, 1]  # what the others have left undone is done here


@pytest.mark.parametrize(("free", "at_once"), [(2**40, 2), (3 * 2**30, 1), (2**20, 1)])
def test_as_many_at_a_time_as_find_room_the_longest_first(tmp_path, monkeypatch, free, at_once):
    asked = []

    def parallel(n, **how):
        asked.append((n, how["pre_dispatch"], how["initargs"][1]))
        return lambda jobs: (own for own in [asked.append([job[1][-1].parent.name for job in jobs])] if own)

    monkeypatch.setattr(trainings.joblib, "Parallel", parallel)
    monkeypatch.setattr(trainings.psutil, "virtual_memory", lambda: type("Memory", (), {"available": free}))
    models = build(tmp_path, ("vae", "ae", "texture"))
    trainings._fit_apart(models, 2, lambda model: None)
    assert asked == [(2, at_once, 1), ["texture", "vae", "ae"]]
