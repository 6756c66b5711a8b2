import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base import score_names
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.models import scoring, thesis_protocol, training, vae

SMALL = {"latent_dim": 3, "filters": (4, 4, 4, 4), "decoder_filters": (4, 4, 4)}
RECIPE = training.Recipe(steps=6, batch_size=4, patience=2, symmetries=augmentation.FLIPS)


@pytest.fixture(scope="module")
def data():
    images = np.random.default_rng(0).integers(256, size=(12, 128, 128), dtype=np.uint8)
    index = pd.DataFrame({"id": range(12), "label": np.repeat(["a", "b"], 6), "group": range(12)})
    return images, index.assign(split=splits.by_group(index["label"], index["group"], 0.3, 0))


def test_copies_are_turned_images_on_both_sides(data):
    images, index = data
    pictures, table = thesis_protocol.copies(images, index, seed=1)
    rows, elements, split = splits.thesis(12, seed=1)
    assert len(pictures) == len(table) == round(12 * 88 / 15)
    assert np.array_equal(pictures[:], augmentation.dihedral(images[rows], elements))
    assert (table["split"] == split).all() and (table["id"] == index["id"].to_numpy()[rows]).all()
    sides = table.groupby("id")["split"].nunique()
    assert (sides == 2).any()  # the leak


def distance(model, other):
    """How far the weights of two models are apart, root of the sum of squares."""
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return np.sqrt(sum(float(np.square(a - b).sum()) for a, b in pairs))


def test_the_model_is_trained_on_the_leaky_train_side_alone_and_on_copies_as_they_are(data):
    images, index = data
    model = vae.build(vae.Config(**SMALL), 0)
    thesis_protocol.fit(model, images, index, RECIPE, seed=0)
    rows, elements, split = splits.thesis(12, 0)
    copies = augmentation.dihedral(images[rows], elements)
    plain = training.Recipe(steps=6, batch_size=4, symmetries=(0,))
    same, other = vae.build(vae.Config(**SMALL), 0), vae.build(vae.Config(**SMALL), 0)
    training.fit(same, copies, *(np.flatnonzero(split == side) for side in ("train", "test")), plain)
    start = vae.build(vae.Config(**SMALL), 0)
    assert distance(model, same) < 0.02 * distance(start, same)  # threads add up in any order: not the last bits
    training.fit(other, images, *(np.flatnonzero(index["split"] == side) for side in ("train", "test")), plain)
    assert distance(model, other) > 0.2 * distance(start, other)


def test_both_leaks_stand_below_the_split_by_group(data):
    images, index = data
    models = {("vae", 3): vae.build(vae.Config(**SMALL), 0)}
    leaky = {("vae", 3): vae.build(vae.Config(**SMALL), 5)}
    latents = {("vae", 3, "mu"): np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32)}
    fair, _ = scoring.table1(latents, models, images, index, "d")
    table, _ = scoring.table1(latents, models, images, index, "d", leaky=leaky)
    assert list(dict.fromkeys(table["protocol"])) == ["by-group", score_names.LEAKY_CLASSIFIERS, score_names.LEAKY]
    pd.testing.assert_frame_equal(table.iloc[: len(fair)], fair)
    own = table[table["protocol"] == score_names.LEAKY].reset_index(drop=True)
    alone, _ = scoring.table1(latents, leaky, images, index, "d", leaky=leaky)
    again = alone[alone["protocol"] == score_names.LEAKY_CLASSIFIERS].reset_index(drop=True)
    assert own["accuracy"].tolist() == again["accuracy"].tolist()  # the models that were handed over were scored
