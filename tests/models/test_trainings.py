"""Models trained at a time are those trained one after the other."""

import time

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.models import training, trainings, vae

SMALL = {"latent_dim": 4, "filters": (4, 4, 4), "decoder_filters": (4, 4)}
TRAIN, TEST = np.arange(0, 24, 2), np.arange(1, 24, 2)


def test_what_is_trained_in_another_process_is_what_would_be_trained_here(textures, tmp_path, monkeypatch):
    monkeypatch.setattr(trainings.joblib, "cpu_count", lambda: 2)
    recipe, own = training.Recipe(2, batch_size=5), []
    folders = {tmp_path / kind / "seed-1": kind for kind in ("ae", "texture")}
    models = {folder: vae.build(vae.Config(kind, **SMALL), 1) for folder, kind in folders.items()}
    step = vae.Autoencoder.train_on_batch
    monkeypatch.setattr(
        vae.Autoencoder, "train_on_batch", lambda self, *given, **how: (own.append(self), step(self, *given, **how))[1]
    )
    histories = trainings.fit_all(models, textures[0], TRAIN, TEST, recipe, seed=1)
    assert list(histories) == list(folders)
    assert {model.config.kind for model in own} == {"ae"}
    for folder, model in models.items():
        alone = vae.build(vae.Config(folders[folder], **SMALL), 1)
        history = training.fit(alone, textures[0], TRAIN, TEST, recipe, 1, tmp_path / "alone" / folders[folder])
        pd.testing.assert_frame_equal(histories[folder], history, check_exact=True)
        assert all(map(np.array_equal, model.get_weights(), alone.get_weights()))


def test_what_is_interrupted_here_does_not_go_on_in_another_process(textures, tmp_path, monkeypatch):
    monkeypatch.setattr(trainings.joblib, "cpu_count", lambda: 2)
    models = {tmp_path / kind: vae.build(vae.Config(kind, **SMALL)) for kind in ("vae", "ae")}
    begun = tmp_path / "vae" / "history.csv"

    def interrupted(*_):
        until = time.monotonic() + 120
        while not begun.exists() and time.monotonic() < until:
            time.sleep(0.1)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainings.fit_all(models, textures[0], TRAIN, TEST, training.Recipe(100_000, batch_size=5))
    last = begun.read_text()
    time.sleep(1)
    assert begun.read_text() == last


def test_a_warning_from_another_process_is_told(textures, tmp_path, monkeypatch):
    monkeypatch.setattr(trainings.joblib, "cpu_count", lambda: 2)
    monkeypatch.setattr(
        trainings.joblib, "Parallel", lambda **_: lambda jobs: ([own] for own in [f"{len(jobs)} went astray"])
    )
    models = {tmp_path / kind: vae.build(vae.Config(kind, **SMALL)) for kind in ("vae", "ae")}
    with pytest.warns(RunWarning, match="1 went astray"):
        histories = trainings.fit_all(models, textures[0], TRAIN, TEST, training.Recipe(1, batch_size=5))
    assert [len(history) for history in histories.values()] == [1, 1]  # what the other has left undone is done here


def test_half_of_the_work_goes_to_another_process():
    kinds = ("vae", "ae", "texture")
    models = {
        f"{kind}-{dim}": vae.build(vae.Config(kind, **SMALL | {"latent_dim": dim})) for dim in (2, 3) for kind in kinds
    }
    assert trainings._longest(models) == ["texture-2", "texture-3"]
    assert trainings._longest({name: models[name] for name in ("ae-2", "vae-2")}) == ["ae-2"]
    assert trainings._longest({"vae-2": models["vae-2"]}) == []
