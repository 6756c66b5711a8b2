import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import RunWarning, TrainingError
from nanofoam_lib.images import augmentation
from nanofoam_lib.models import descriptors, recipes, skill, training, vae

SMALL = {"latent_dim": 4, "filters": (4, 4, 4), "decoder_filters": (4, 4)}
TRAIN, TEST = np.arange(0, 24, 2), np.arange(1, 24, 2)
EPOCHS = 4


def fit(textures, kind="vae", seed=0, epochs=EPOCHS, patience=None, **options):
    model = vae.build(vae.Config(kind, **SMALL), seed)
    recipe = training.Recipe(epochs, batch_size=5, patience=patience)
    return model, training.fit(model, textures[0], TRAIN, TEST, recipe, seed, **options)


def assert_same(first, second):
    """Both are (model, history): equal to the last bit."""
    pd.testing.assert_frame_equal(first[1], second[1], check_exact=True)
    assert all(np.array_equal(a, b) for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True))


@pytest.fixture(scope="module", autouse=True)
def eager():
    """Spare these short trainings the making of a graph, which takes far longer than they do."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def trained(eager, textures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return (*fit(textures, folder=folder), folder)


def test_the_history_has_its_columns_and_adds_up(trained):
    _, history, folder = trained
    assert tuple(history.columns) == training.HISTORY_COLUMNS
    assert list(history["epoch"]) == list(range(1, EPOCHS + 1))
    for prefix in ("", "test_"):
        parts = history[f"{prefix}reconstruction"] + history[f"{prefix}kl"]
        np.testing.assert_allclose(history[f"{prefix}total"], parts, rtol=1e-5)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "history.csv"), history)


def test_the_loss_falls(trained):
    _, history, _ = trained
    assert history["total"].iloc[-1] < history["total"].iloc[0]


def test_the_last_model_is_kept(trained, textures):
    model, history, folder = trained
    kept = vae.load(folder)
    kept.compile(jit_compile=False)
    loss = training.evaluate(kept, textures[0], TEST, 5, seed=0)["total"]
    assert loss == pytest.approx(history["test_total"].iloc[-1], rel=1e-5)
    last = descriptors.encode(vae.load(folder), textures[0])
    np.testing.assert_array_equal(last["mu"], descriptors.encode(model, textures[0])["mu"])


def test_the_test_loss_is_the_elbo_of_the_test_images(textures):
    """Recompute it image by image from what the encoder and the decoder say."""
    model, history = fit(textures, kind="ae", epochs=1)
    x = textures[0][TEST] / 255
    decoded = descriptors.decode(model, descriptors.encode(model, x)["conv"]).astype(float)
    entropy = -(x * np.log(decoded) + (1 - x) * np.log(1 - decoded)).sum(axis=(1, 2)).mean()
    assert history["test_reconstruction"].item() == pytest.approx(entropy, rel=1e-4)
    assert history[["kl", "test_kl"]].isna().all(axis=None)


def test_test_images_do_not_influence_the_model(trained, textures):
    """Nor does anything but the arguments: the models are equal to the last bit."""
    images = textures[0].copy()
    images[TEST] = 255 - images[TEST]
    model, history = fit((images,))
    own = ["epoch", "step", "total", "reconstruction", "kl"]
    assert_same((model, history[own]), (trained[0], trained[1][own]))
    assert (history["test_total"] != trained[1]["test_total"]).all()


#: Trains like `fit`, and never comes back from the epoch that it is told, if any; notes the epochs that it trains.
PROGRAM = """
import json, pathlib, sys, time
import numpy as np
import tensorflow as tf
from nanofoam_lib.models import checkpoints, training, vae

def run_epoch(*given, run_epoch=training.run_epoch, epochs=[]):
    epochs.append(given[-1][1])
    pathlib.Path("epochs.json").write_text(json.dumps(epochs))
    return run_epoch(*given)

def evaluate(*given, evaluate=training.evaluate, calls=[]):
    calls.append(1)
    if len(calls) == int(sys.argv[1]):
        pathlib.Path("waiting").touch()
        time.sleep(1000)
    return evaluate(*given)

tf.config.run_functions_eagerly(True)
training.run_epoch, training.evaluate, checkpoints.MAX_SHARE = run_epoch, evaluate, float("inf")
model = vae.build(vae.Config("vae", **{small}))
recipe = training.Recipe({epochs}, batch_size=5)
training.fit(model, np.load("images.npy"), {train}, {test}, recipe, folder="model")
"""


def start(folder, hangs_in=0):
    program = PROGRAM.format(small=SMALL, train=TRAIN.tolist(), test=TEST.tolist(), epochs=EPOCHS)
    command = [sys.executable, "-c", program, str(hangs_in)]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def killed(textures, tmp_path_factory):
    """Give the model folder of a process that got SIGKILL in its third epoch, as when memory runs out."""
    folder = tmp_path_factory.mktemp("killed")
    np.save(folder / "images.npy", textures[0])
    with start(folder, hangs_in=3) as process:
        while not (folder / "waiting").exists() and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert len(pd.read_csv(folder / "model" / "history.csv")) == 2
    return folder / "model"


def test_a_killed_training_goes_on_to_the_same_end(killed, textures, tmp_path):
    """In processes of their own, since what a process has computed before may change how it rounds."""
    again, whole = shutil.copytree(killed.parent, tmp_path / "again"), tmp_path / "whole"
    whole.mkdir()
    np.save(whole / "images.npy", textures[0])
    for folder, epochs in ((again, [3, 4]), (whole, [1, 2, 3, 4])):
        with start(folder) as process:
            assert process.wait() == 0
        assert json.loads((folder / "epochs.json").read_text()) == epochs
    assert (again / "model/history.csv").read_bytes() == (whole / "model/history.csv").read_bytes()
    files_of = [sorted(path.name for path in (folder / "model").iterdir()) for folder in (again, whole)]
    assert files_of[0] == files_of[1]
    weights = [vae.load(folder / "model").get_weights() for folder in (again, whole)]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_another_seed_is_another_training(trained, killed, textures, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "model")
    with pytest.warns(RunWarning, match="belongs to another training"):
        _, history = fit(textures, epochs=1, seed=1, folder=folder)
    assert list(history["epoch"]) == [1]
    assert not np.isclose(history["total"][0], trained[1]["total"][0], rtol=1e-4)


def test_a_finished_training_is_read_back(trained, textures, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "run_epoch", None)  # must not be called
    monkeypatch.setenv(files.JOURNAL_VARIABLE, str(tmp_path / "journal"))
    assert_same(fit(textures, folder=trained[2]), trained)
    kept = {json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()}
    assert kept == {str(path) for path in trained[2].rglob("*") if path.is_file()}  # else the chain removes them
    with pytest.raises(TypeError):
        fit(textures, epochs=EPOCHS + 1, folder=trained[2])


def test_training_stops_at_once_when_the_loss_is_not_finite(textures, tmp_path):
    model = vae.build(vae.Config(**SMALL))
    kernel = model.encoder.get_layer("log_var").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(TrainingError, match=r"vae_4 diverged in epoch 1 .*lower learning_rate \(now 0\.001\)"):
        training.fit(model, textures[0], TRAIN, TEST, training.Recipe(5), folder=tmp_path)
    assert not list(tmp_path.rglob("*.keras"))


def test_a_budget_of_steps_is_rounded_to_whole_epochs_of_full_batches():
    recipe = training.Recipe(epochs=7, batch_size=16)
    assert recipe.n_epochs(100) == 7 and recipe.steps_per_epoch(100) == 6
    assert recipe.steps_per_epoch(5) == 1  # fewer images than a batch are one
    budget = training.Recipe(steps=20, batch_size=16)
    assert [budget.n_epochs(n) for n in (100, 160, 5)] == [3, 2, 20]
    assert budget.n_epochs(160, step_cost=4) == 1
    thesis = training.Recipe(steps=300_000, batch_size=16)
    assert thesis.n_epochs(2400) == 2000  # the thesis's 2000 epochs of 2400 images


def test_a_budget_of_steps_makes_few_epochs_of_several_passes():
    recipe, rows = training.Recipe(steps=800, batch_size=16), np.arange(100, 412)
    assert (recipe.passes(312), recipe.steps_per_epoch(312), recipe.n_epochs(312)) == (2, 38, 21)
    images = np.zeros((412, 128, 128), np.uint8)
    drawn = [own for own, _ in recipes.batches(images, rows, recipe, (0, 1))]
    assert [len(own) for own in drawn] == 38 * [16]
    for one_pass in (drawn[:19], drawn[19:]):
        assert len(np.unique(np.concatenate(one_pass))) == 19 * 16 and set(np.concatenate(one_pass)) <= set(rows)
    assert not np.array_equal(drawn[0], drawn[19])
    np.testing.assert_array_equal(recipes.drawn(images, rows, recipe, (0, 1))[0], drawn)
    assert training.Recipe(steps=300_000, batch_size=16).passes(2400) == 1


def test_steps_count_what_the_optimiser_did(textures):
    model, history = fit(textures, epochs=3)
    assert history["step"].tolist() == [2, 4, 6] and int(model.optimizer.iterations) == 6


def test_patience_ends_a_training_and_gives_the_best_model_back(textures, monkeypatch, tmp_path):
    losses = iter([5.0, 3.0, 4.0, 3.5, 1.0])
    kept, evaluate = [], training.evaluate

    def watched(model, images, rows, *rest):
        found = evaluate(model, images, rows, *rest)
        if list(rows) == [1, 3]:
            kept.append(model.get_weights())
            found["total"] = next(losses)
        return found

    monkeypatch.setattr(training, "evaluate", watched)
    model, history = fit(textures, epochs=9, patience=2, held_out_rows=[1, 3], folder=tmp_path)
    assert history["held_out_total"].tolist() == [5, 3, 4, 3.5]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), kept[1], strict=True))
    again = vae.load(tmp_path)
    assert all(
        np.array_equal(a, b) for a, b in zip(again.encoder.get_weights(), model.encoder.get_weights(), strict=True)
    )


def test_windows_are_cut_from_the_wide_pictures_and_the_test_side_is_not(textures, monkeypatch):
    seen = {"train": [], "test": []}
    wide = np.pad(textures[0], ((0, 0), (3, 3), (3, 3)), constant_values=7)
    augment = augmentation.augment
    monkeypatch.setattr(augmentation, "augment", lambda own, *rest: seen["train"].append(own) or augment(own, *rest))
    monkeypatch.setattr(
        training, "evaluate", lambda model, images, *rest: seen["test"].append(images) or {"total": 1.0}
    )
    fit(textures, epochs=1, wide=wide)
    assert {images.shape[1:] for images in seen["train"]} == {(134, 134)}
    assert {images.shape[1:] for images in seen["test"]} == {(128, 128)}


def test_a_collapsed_model_and_one_without_skill_are_told_of():
    verdict = pd.Series({"has_skill": False, "skill_test": -0.1, "skill_flat": 0.04})
    with pytest.warns(RunWarning, match=r"vae-3 has no skill \(test images: −0.10, a flat grey 0.04\)"):
        skill.warn_if_without_skill("vae-3", verdict)
    with pytest.warns(RunWarning, match="vae-3 has collapsed"):
        skill.warn_if_collapsed("vae-3", 0)


def test_a_larger_beta_leaves_less_information_in_the_latents(textures):
    divergences = []
    for beta in (1e-3, 1e3):
        model = vae.build(vae.Config(**SMALL, beta=beta))
        training.compile_autoencoder(model, learning_rate=1e-2)
        losses = [
            training.run_epoch(model, textures[0], TRAIN, training.Recipe(batch_size=6), (0, epoch))
            for epoch in range(6)
        ]
        divergences.append(losses[-1]["kl"])
    assert divergences[1] < 0.5 * divergences[0]


def test_a_classifier_learns_its_labels_and_is_kept(textures, tmp_path):
    tf.config.run_functions_eagerly(False)  # the last test, and the only one long enough for a graph
    images, labels = textures
    classes = np.unique(labels, return_inverse=True)[1]
    model = vae.classifier(vae.Config(filters=(4, 4, 8), decoder_filters=(4, 4)), 3)
    recipe = training.Recipe(24, batch_size=4, learning_rate=3e-3)
    history = training.fit_classifier(model, images, classes, TRAIN, TEST, recipe, folder=tmp_path)
    assert list(history.columns) == ["epoch", "accuracy", "loss", "test_accuracy", "test_loss"]
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    kept = vae.load_classifier(tmp_path)
    hit = np.argmax(kept(descriptors.to_input(images[TEST])), axis=1) == classes[TEST]
    assert history["test_accuracy"].iloc[-1] == pytest.approx(hit.mean())
