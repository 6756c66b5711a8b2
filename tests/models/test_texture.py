import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from gradients import assert_close, by_tape

from nanofoam_lib.explain import gradcam, inspection
from nanofoam_lib.latent import pore_prediction
from nanofoam_lib.models import (
    checkpoints,
    descriptors,
    generation,
    objective,
    spatial_statistics,
    texture,
    texture_decoder,
    training,
    vae,
)
from nanofoam_lib.models.backend import keras
from nanofoam_lib.report import findings

TINY = {"latent_dim": 3, "filters": (4, 6, 8, 5), "decoder_filters": (7, 6, 4)}


@pytest.fixture(scope="module")
def tiny():
    """Give a texture model whose running means and biases are not the initial ones."""
    model = vae.build(vae.Config("texture", **TINY), seed=1)
    rng = np.random.default_rng(0)
    model.encoder.set_weights([w + 0.05 * rng.random(w.shape, np.float32) for w in model.encoder.get_weights()])
    return model


def latents_of(model, images):
    return descriptors.encode(model, images)["mu"]


@pytest.mark.parametrize("size", [64, 128, 512])
def test_pictures_have_the_size_that_is_asked_for(tiny, size):
    pictures = descriptors.decode(tiny, np.eye(2, 3), size=size)
    assert pictures.shape == (2, size, size)
    assert 0 <= pictures.min() < pictures.max() <= 1


@pytest.mark.parametrize(("kind", "size"), [("vae", 256), ("texture", 100), ("texture", 0)])
def test_sizes_that_cannot_be_drawn_are_refused(kind, size):
    with pytest.raises(ValueError, match=f"{size}×{size}"):
        descriptors.decode(vae.build(vae.Config(kind, **TINY)), np.zeros((1, 3)), size=size)


def test_the_same_seed_draws_the_same_picture_and_another_one_another(tiny):
    first, again, other = (descriptors.decode(tiny, np.eye(3), seed)[1] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.05
    alone = descriptors.decode(tiny, np.eye(3)[[1]], seed=4)[0]
    np.testing.assert_allclose(alone, first, atol=1e-5)


def test_new_noise_draws_another_sample_of_the_same_texture(tiny):
    one, two = (descriptors.decode(tiny, 20 * np.eye(3), seed, size=256) for seed in (0, 1))
    redrawn = descriptors.texture_distance(one, two)
    changed = descriptors.texture_distance(one, np.roll(one, 1, axis=0))
    assert (redrawn < 0.5 * changed).all()


def test_pictures_have_no_edge(tiny):
    """Rolled noise gives the rolled picture, also across the border."""
    noise = np.random.default_rng(0).standard_normal((1, 64, 64, 1), np.float32)
    latents = np.ones((1, 3), np.float32)
    picture = np.asarray(tiny.decoder([latents, noise]))
    rolled = np.asarray(tiny.decoder([latents, np.roll(noise, (24, 8), axis=(1, 2))]))
    np.testing.assert_allclose(rolled, np.roll(picture, (24, 8), axis=(1, 2)), atol=1e-4)


def test_nuclei_are_the_positive_local_maxima_of_a_tiled_picture_and_stand_apart():
    maps = np.random.default_rng(0).standard_normal((2, 16, 24, 8), np.float32)
    found = np.asarray(texture_decoder.Nuclei(share=0.75)(maps))
    np.testing.assert_array_equal(found[..., :2], maps[..., :2])
    seeds = maps[..., 2:]
    around = [np.roll(seeds, (v, u), axis=(1, 2)) for v in (-1, 0, 1) for u in (-1, 0, 1)]
    expected = np.where(seeds == np.max(around, axis=0), np.maximum(seeds, 0), 0)
    np.testing.assert_array_equal(found[..., 2:], expected)
    kept = expected > 0
    assert 0.08 < kept.mean() < 0.12  # one of nine is the largest of its neighbourhood, and then mostly positive
    for v, u in ((0, 1), (1, 0), (1, 1), (1, -1)):
        assert not (kept & np.roll(kept, (v, u), axis=(1, 2))).any()


def test_normalisation_gives_the_mean_and_spread_that_are_asked_for():
    maps = np.random.default_rng(0).random((2, 32, 32, 3), np.float32) * [1, 5, 0.1]
    scale, shift = np.float32([[0, 1, 2]] * 2), np.float32([[3, 0, -1]] * 2)
    found = np.asarray(texture_decoder.AdaptiveNormalization()([maps.astype(np.float32), scale, shift]))
    np.testing.assert_allclose(found.mean(axis=(1, 2)), shift, atol=1e-3)
    np.testing.assert_allclose(found.std(axis=(1, 2)), 1 + scale, rtol=1e-2)


def test_the_loss_is_the_distance_of_statistics_and_the_kl(tiny, textures):
    images = descriptors.to_input(textures[0][:4])
    output = tiny(images)
    loss = float(tiny.compute_loss(images, y_pred=output))
    pictures = np.asarray(keras.ops.sigmoid(output["logits"]))[..., 0]
    far = texture.STATISTICS_WEIGHT * np.asarray(spatial_statistics.distance(images[..., 0], pictures)).mean()
    kl = np.asarray(objective.kl_divergence(output["mu"], output["log_var"])).sum(axis=1).mean()
    assert loss == pytest.approx(far + kl, rel=1e-4)
    assert float(tiny.reconstruction.result()) == pytest.approx(far, rel=1e-4)


def test_save_and_load_give_the_same_model(tiny, textures, tmp_path):
    vae.save(tiny, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "encoder.keras", "decoder.keras"}
    loaded = vae.load(tmp_path)
    assert loaded.config == tiny.config
    before, after = (descriptors.encode(each, textures[0]) for each in (tiny, loaded))
    assert sorted(before) == ["mu", "sigma", "z"]
    for name, vectors in before.items():
        np.testing.assert_array_equal(vectors, after[name])
    pictures = [descriptors.decode(each, before["mu"][:2], seed=3) for each in (tiny, loaded)]
    np.testing.assert_array_equal(*pictures)


def test_gradients_on_constant_images_are_finite():
    model = vae.build(vae.Config("texture", **TINY))
    flat = np.stack([np.full((128, 128, 1), grey, np.float32) for grey in (0, 0.5, 1)])
    with tf.GradientTape() as tape:
        loss = model.compute_loss(flat, y_pred=model(flat, training=True))
    assert all(np.isfinite(own).all() for own in tape.gradient(loss, model.trainable_variables))


@pytest.fixture
def eager():
    """Spare a short training the making of a graph, which takes far longer than it does."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_an_interrupted_training_goes_on_to_the_same_end(eager, textures, tmp_path, monkeypatch):
    def fit(folder):
        model = vae.build(vae.Config("texture", 2, (2, 2), (2,)))
        recipe = training.Recipe(2, batch_size=2)
        return model, training.fit(model, textures[0], [0, 1], [2, 3], recipe, folder=tmp_path / folder)

    whole, history = fit("whole")
    run_epoch, epochs = training.run_epoch, []
    monkeypatch.setattr(checkpoints, "MAX_SHARE", float("inf"))
    monkeypatch.setattr(training, "run_epoch", lambda *given: epochs.append(given[-1][1]) or run_epoch(*given))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "run_epoch", lambda *given: run_epoch(*given) if given[-1][1] == 1 else interrupt())
        fit("cut")
    model, again = fit("cut")
    assert epochs == [2]
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), model.get_weights(), strict=True))
    pd.testing.assert_frame_equal(history, again, check_exact=True)


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("weights", gradcam.WEIGHTS)
@pytest.mark.parametrize("layer", [None])
@pytest.mark.parametrize(("head", "output"), [("mu", 0), ("sigma", 1)])
def test_maps_are_those_of_one_gradient_per_dimension(tiny, textures, layer, head, output, weights, monkeypatch):
    images = textures[0][[0, 9, 18]]
    transform = objective.sigma if head == "sigma" else tf.identity
    expected = by_tape(tiny.encoder, images, output, layer or "features", transform, weights)
    options = {"head": head, "layer": layer, "signed": True, "weights": weights}
    assert_close(gradcam.latent_maps(tiny.encoder, images, **options), expected)
    monkeypatch.setattr(gradcam, "_BYTES", 1)  # one image and one dimension at a time
    alone = gradcam.latent_maps(tiny.encoder, images[1:2], dims=[2], **options)
    assert_close(alone[..., 0], expected[1:2, ..., 2])


def test_the_explorer_and_the_walks_draw_what_decode_draws(tiny, textures, monkeypatch):
    monkeypatch.setattr(generation, "FIELDS", 2)
    images, labels = textures
    index = pd.DataFrame(
        {"id": range(24), "label": labels, "group": range(24), "split": ["train", "train", "test"] * 8}
    )
    index = index.assign(width=128, height=128, um_x=2.0, um_y=2.0)
    measures = pd.DataFrame({"porosity": images.mean(axis=(1, 2)), "n_pores": range(24)})
    measures = measures.assign(median_diameter_um=np.nan, density_per_mm2=np.nan)
    latents = descriptors.encode(tiny, images)
    named = {("texture", 3, name): vectors for name, vectors in latents.items()}
    usage = objective.usage_of_all(named, index["split"] == "train")
    identity = pore_prediction.identify(named, usage, measures, index)
    space = inspection.open_space(tiny, images, index, measures, latents["mu"], identity)
    step = inspection.step(space, latents["mu"][5])
    np.testing.assert_allclose(step.picture, descriptors.decode(tiny, latents["mu"][[5]])[0], atol=1e-5)
    assert len(inspection.strongest_maps(space, 5, n=2)[0]) == 2

    study = generation.study(tiny, latents["mu"], images, index, measures, dims=[2, 0])
    assert set(study.generated["what"]) == {"traversal", "interpolation", "sample", "map", "design"}
    walked = study.generated.query("series == 'μ2' and step == 0").index[0]
    mean = descriptors.decode(tiny, latents["mu"][index["split"] == "train"].mean(axis=0, keepdims=True))[0]
    np.testing.assert_allclose(study.pictures[walked], 255 * mean, atol=1)
    share = study.pictures[walked].std() / images[index["split"] == "test"].std(axis=(1, 2)).mean()
    assert study.generated["contrast"][walked] == pytest.approx(share, rel=0.02)
    assert set(study.ordered["measure"]) == {"porosity"}
    counts = study.ordered["picture"].value_counts().to_dict()
    assert counts == {"designed": 14, "real, 128×128": 8, "reconstruction": 8}
    made = study.ordered.query("picture == 'designed'")
    first, second = (made.query("noise == @field").set_index("order")["got"] for field in (1, 2))
    drawn = study.generated.query("what == 'design'")["porosity"]
    np.testing.assert_allclose(first, drawn, rtol=1e-5)  # the field of all other pictures
    assert not np.allclose(first, second)
    sizes = measures.assign(median_diameter_um=images.std(axis=(1, 2)), density_per_mm2=latents["mu"] @ [1, -2, 3])
    both = generation.study(tiny, latents["mu"], images, index, sizes, dims=[2, 0])
    again = both.ordered.query("measure == 'porosity'").reset_index(drop=True)
    columns = ["picture", "wanted", "got", "noise"]  # the same fields in every study, but for a pixel of Otsu's
    pd.testing.assert_frame_equal(again[columns], study.ordered[columns], rtol=1e-3)
    pairs = both.ordered.query("picture == 'designed together'")
    assert pairs.groupby(["measure", "noise"]).size().to_dict() == {
        (name, noise): 9 for name in ("density_per_mm2", "median_diameter_um") for noise in (1, 2)
    }
    np.testing.assert_allclose(pairs["predicted"], pairs["wanted"], rtol=1e-6)
    assert len(both.generated.query("what == 'together'")) == 9
    isotropy = findings.isotropy(study.generated, study.ordered.query("picture == 'real, 128×128'"))
    assert "falls to half at" in isotropy
