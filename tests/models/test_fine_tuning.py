import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.latent import classify
from nanofoam_lib.models import backbone_networks, control_registry, fine_tuning, scoring
from nanofoam_lib.models.backend import keras


@pytest.fixture(scope="module")
def stripes():
    """Stripes of either direction at any phase, three pictures of each of 16 specimens; grey alone tells nothing."""
    rng = np.random.default_rng(0)
    index = pd.DataFrame({"label": np.repeat(["flat", "steep"], 24), "group": np.repeat(np.arange(16), 3)})
    index["split"] = np.where(index["group"] % 8 < 6, "train", "test")
    waves = 127 + 90 * np.sin(np.arange(128) / 3 + rng.uniform(0, 2 * np.pi, (48, 1)))
    flat = np.broadcast_to(waves[:, :, None], (48, 128, 128))
    images = np.where((index["label"] == "flat").to_numpy()[:, None, None], flat, flat.swapaxes(1, 2))
    return (images + rng.normal(0, 15, images.shape)).clip(0, 255).astype(np.uint8), index


@pytest.fixture
def bodies(monkeypatch):
    """Put a tiny network in place of VGG16, and list those that were built."""
    built = []

    def build(name, seed=0):
        kernels = [keras.initializers.HeNormal(seed + i) for i in range(2)]
        layers = keras.layers
        body = keras.Sequential(
            [
                keras.Input((128, 128, 3)),
                layers.Conv2D(4, 5, 4, activation="relu", kernel_initializer=kernels[0], name="block1_conv"),
                layers.BatchNormalization(name="block1_bn"),
                layers.Conv2D(12, 3, 2, activation="relu", kernel_initializer=kernels[1], name="block5_conv"),
                layers.GlobalAveragePooling2D(),
            ],
            name="body",
        )
        built.append((body, body.get_weights()))
        return body

    monkeypatch.setattr(backbone_networks, "build", build)
    monkeypatch.setattr(fine_tuning, "HEAD_EPOCHS", 6)  # so that there is something left to learn
    monkeypatch.setattr(fine_tuning, "BODY_EPOCHS", 2)
    return built


def changed(body, before):
    """Tell the names of the weights that are no longer, bit for bit, what they were."""
    after = zip(body.weights, before, strict=True)
    return {weight.path.removeprefix("body/") for weight, old in after if not np.array_equal(weight.numpy(), old)}


@pytest.mark.parametrize(
    ("depth", "trained"),
    [
        ("head", set()),
        ("last", {"block5_conv/kernel", "block5_conv/bias"}),
        ("all", {"block1_conv/kernel", "block1_conv/bias", "block1_bn/gamma", "block1_bn/beta", "block5_conv/kernel",
                 "block5_conv/bias"}),
    ],
)  # fmt: skip
def test_only_what_is_asked_for_is_retrained(stripes, bodies, depth, trained):
    found = fine_tuning.features("random-VGG16", *stripes, depth, seed=1)
    assert found.shape == (48, fine_tuning.SIZE) and found.dtype == np.float32 and (found >= 0).all()
    assert changed(*bodies[0]) == trained


def test_it_learns_what_the_labels_say_and_tells_it_of_groups_not_seen(stripes, bodies, monkeypatch):
    monkeypatch.setattr(fine_tuning, "HEAD_EPOCHS", 40)
    images, index = stripes
    vectors = fine_tuning.features("random-VGG16", images, index, "all")
    result, _ = classify.score(vectors, index["label"], index["group"], index["split"], "KNN")
    assert result["accuracy"] == 1
    dealt = index.assign(label=np.random.default_rng(3).permutation(index["label"].to_numpy()[::3]).repeat(3))
    luck = fine_tuning.features("random-VGG16", images, dealt, "head")
    result, _ = classify.score(luck, dealt["label"], dealt["group"], dealt["split"], "KNN")
    assert result["accuracy"] < 1


def test_neither_labels_nor_pictures_of_test_groups_change_any_weight(stripes, bodies):
    images, index = stripes
    test = (index["split"] == "test").to_numpy()
    poisoned = index.assign(label=np.where(test, np.where(index["label"] == "flat", "steep", "flat"), index["label"]))
    ruined = np.where(test[:, None, None], 255 - images // 2, images).astype(np.uint8)
    a = fine_tuning.features("random-VGG16", images, index, "all")
    b = fine_tuning.features("random-VGG16", ruined, poisoned, "all")
    for own, other in zip(bodies[0][0].get_weights(), bodies[1][0].get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    np.testing.assert_allclose(a[~test], b[~test], rtol=1e-5, atol=1e-6)
    assert np.abs(a[test] - b[test]).max() > 0.01


def test_the_global_state_decides_nothing_and_the_seed_all(stripes, bodies):
    runs = [("last", 4, 1), ("last", 4, 2), ("head", 5, 2)]
    a, again, other = (
        keras.utils.set_random_seed(state) or fine_tuning.features("random-VGG16", *stripes, depth, seed)
        for depth, seed, state in runs
    )
    np.testing.assert_allclose(a, again, rtol=1e-4, atol=1e-5)
    assert np.abs(a - other).max() > 0.01


def test_the_weights_that_did_best_on_held_out_groups_are_kept(stripes, bodies, monkeypatch):
    """A rate that ruins whatever was learnt: what is kept is what the head had come to before the body moved."""
    head = fine_tuning.features("random-VGG16", *stripes, "head")
    monkeypatch.setattr(fine_tuning, "BODY_RATE", 10.0)
    np.testing.assert_allclose(fine_tuning.features("random-VGG16", *stripes, "all"), head, rtol=1e-4, atol=1e-5)


def test_the_last_block_of_every_backbone_is_known():
    assert fine_tuning.LAST.keys() == backbone_networks.BACKBONES.keys()
    for name, begins in fine_tuning.LAST.items():
        module = getattr(keras.applications, backbone_networks.BACKBONES[name])
        body = getattr(module, name)(weights=None, include_top=False, pooling="avg", input_shape=(128, 128, 3))
        weighted = [layer.name for layer in body.layers if layer.weights]
        is_last = [layer.startswith(begins) for layer in weighted]
        assert any(is_last) and not all(is_last), name
        assert is_last == sorted(is_last), f"{name}: {weighted}"  # none before, and none after it is left out


def test_a_network_of_timm_and_a_class_of_one_train_group_are_clear_errors(stripes, bodies, monkeypatch):
    images, index = stripes
    with pytest.raises(DataError, match="class 'flat' has one group only"):
        fine_tuning.features("random-VGG16", images, index.assign(group=index["label"]))
    monkeypatch.undo()
    with pytest.raises(UsageError, match=r"'timm:resnest50d' cannot be retrained; only VGG16, VGG19"):
        fine_tuning.features("timm:resnest50d", images, index)


def test_its_row_says_that_labels_were_used_and_no_model_is_held_against_it(stripes, bodies, monkeypatch):
    images, index = stripes
    few = {
        name: control_registry.CONTROLS[name] for name in ("supervised features", "backbones with labels", "backbones")
    }
    monkeypatch.setattr(control_registry, "CONTROLS", few)
    monkeypatch.setattr(backbone_networks, "deep_features", lambda name, images, seed: np.ones((len(images), 3)))
    given = control_registry.Given(images, index["split"] == "train", (), index=index, backbones=("random-VGG16",))
    names = [name for _, _, name in control_registry.compute(given)]
    assert "random-VGG16" in names and not any("labels" in name for name in names)
    tuned = control_registry.Given(
        images, given.train, (), index=index, backbones=("random-VGG16",), fine_tune="head",
        supervised=np.ones((48, 2)),
    )  # fmt: skip
    found = control_registry.compute(tuned)
    row = "random-VGG16 with labels"
    assert [key for key in found if "VGG" in key[2]] == [("control", 64, row), ("control", 3, "random-VGG16")]
    assert row in control_registry.beyond_competition() and row in control_registry.taught()
    assert control_registry.labels("es")[row] == "random-VGG16 con etiquetas"
    further = scoring.further_splits(index, 0.3, 2)
    table, _ = scoring.controls(found, np.zeros((48, 2)), index, "stripes", further=further)
    splits = table.groupby("descriptor")["splits"].max()
    assert splits["random-VGG16"] == 2 and splits[row] == splits["supervised features"] == 0
    one = control_registry.compute(
        control_registry.Given(images, given.train, (), index=index.assign(label="foam"), backbones=("random-VGG16",),
                               fine_tune="head")
    )  # fmt: skip
    assert row not in {name for _, _, name in one}
