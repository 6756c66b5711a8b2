import numpy as np
import pandas as pd
import pytest

from nanofoam_lib import descriptors, training, vae
from nanofoam_lib.backend import keras
from nanofoam_lib.errors import RunWarning, TrainingError

SMALL = {"latent_dim": 4, "filters": (4, 8, 8), "decoder_filters": (8, 4)}
TRAIN, TEST = np.arange(0, 24, 2), np.arange(1, 24, 2)


def fit(textures, kind="vae", seed=0, epochs=3, **options):
    model = vae.build(vae.Config(kind, **SMALL), seed)
    return model, training.fit(model, textures[0], TRAIN, TEST, epochs, batch_size=5, seed=seed, **options)


@pytest.fixture(scope="module")
def trained(textures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return (*fit(textures, epochs=8, folder=folder), folder)


def test_the_history_has_its_columns_and_adds_up(trained):
    _, history, folder = trained
    assert tuple(history.columns) == training.HISTORY_COLUMNS
    assert list(history["epoch"]) == list(range(1, 9))
    for prefix in ("", "test_"):
        parts = history[f"{prefix}reconstruction"] + history[f"{prefix}kl"]
        np.testing.assert_allclose(history[f"{prefix}total"], parts, rtol=1e-5)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "history.csv"), history)


def test_the_loss_falls(trained):
    _, history, _ = trained
    assert history["total"].iloc[-1] < history["total"].iloc[0]


def test_last_and_best_models_are_kept(trained, textures):
    model, history, folder = trained
    for path, epoch in ((folder, 7), (folder / "best", history["test_total"].idxmin())):
        kept = vae.load(path)
        kept.compile(jit_compile=False)
        loss = training.evaluate(kept, textures[0], TEST, 5, seed=0)["total"]
        assert loss == pytest.approx(history["test_total"][epoch], rel=1e-5)
    last = descriptors.encode(vae.load(folder), textures[0])
    np.testing.assert_array_equal(last["mu"], descriptors.encode(model, textures[0])["mu"])


def test_the_test_loss_is_the_elbo_of_the_test_images(textures):
    """Recompute it image by image from what the encoder and the decoder say, with many draws of the noise."""
    model, history = fit(textures, kind="ae", epochs=1)
    x = textures[0][TEST] / 255
    decoded = descriptors.decode(model, descriptors.encode(model, x)["conv"]).astype(float)
    entropy = -(x * np.log(decoded) + (1 - x) * np.log(1 - decoded)).sum(axis=(1, 2)).mean()
    assert history["test_reconstruction"].item() == pytest.approx(entropy, rel=1e-4)
    assert history[["kl", "test_kl"]].isna().all(axis=None)


def test_the_same_seed_trains_the_same_model(textures):
    (first, h1), (again, h2), (_, h3) = fit(textures), fit(textures), fit(textures, seed=1)
    pd.testing.assert_frame_equal(h1, h2)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    assert not h1.equals(h3)


def test_test_images_do_not_influence_the_model(textures):
    images, labels = textures
    other = images.copy()
    other[TEST] = 255 - other[TEST]
    (first, h1), (second, h2) = fit((images, labels)), fit((other, labels))
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))
    assert (h1["test_total"] != h2["test_total"]).all()


def test_training_stops_at_once_when_the_loss_is_not_finite(textures, tmp_path):
    model = vae.build(vae.Config(**SMALL))
    kernel = model.encoder.get_layer("mu").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(TrainingError, match=r"vae_4 diverged in epoch 1 .*lower learning_rate \(now 0\.001\)"):
        training.fit(model, textures[0], TRAIN, TEST, 5, folder=tmp_path)
    assert not list(tmp_path.rglob("*.keras"))


def test_active_dimensions_are_those_above_a_hundredth_of_a_nat():
    mu = np.zeros((100, 3))
    mu[:, 1] = 0.2  # KL = 0.02
    mu[:, 2] = 0.1  # KL = 0.005
    assert training.count_active(mu, np.ones((100, 3))) == 1
    with pytest.warns(RunWarning, match="vae-3 has collapsed"):
        training.warn_if_collapsed("vae-3", 0)


def test_a_larger_beta_leaves_less_information_in_the_latents(textures):
    divergences = []
    for beta in (1e-3, 1e3):
        model = vae.build(vae.Config(**SMALL, beta=beta))
        history = training.fit(model, textures[0], TRAIN, TEST, 15, batch_size=6, learning_rate=3e-3)
        divergences.append(history["test_kl"].iloc[-1])
    assert divergences[1] < 0.5 * divergences[0]


def test_a_classifier_learns_its_labels_and_is_kept(textures, tmp_path):
    images, labels = textures
    classes = np.unique(labels, return_inverse=True)[1]
    model = vae.classifier(vae.Config(**SMALL), 3)
    history = training.fit_classifier(model, images, classes, TRAIN, TEST, 24, batch_size=4, folder=tmp_path)
    assert list(history.columns) == ["epoch", "accuracy", "loss", "test_accuracy", "test_loss"]
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    kept = keras.saving.load_model(tmp_path / "classifier.keras")
    hit = np.argmax(kept(descriptors.to_input(images[TEST])), axis=1) == classes[TEST]
    assert history["test_accuracy"].iloc[-1] == pytest.approx(hit.mean())
