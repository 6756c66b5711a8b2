import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.models import descriptors, layer_shapes, model_pictures, vae


@pytest.fixture(scope="module")
def models():
    size = {"latent_dim": 6, "filters": (4, 4, 4), "decoder_filters": (4, 4)}
    return {f"{kind}-6": vae.build(vae.Config(kind=kind, **size), seed=0) for kind in ("ae", "vae")}


@pytest.fixture(scope="module")
def study():
    """Images of two classes, three specimens of each on test, two images of each specimen."""
    images = np.random.default_rng(0).integers(0, 256, (16, 128, 128), np.uint8)
    groups = np.repeat(["b1", "b2", "b3", "b4", "a1", "a2", "a3", "a4"], 2)
    split = np.where(np.char.endswith(groups, "4"), "train", "test")
    return images, pd.DataFrame(
        {"id": np.arange(16) + 100, "label": [g[0] for g in groups], "group": groups, "split": split}
    )


def test_each_model_reconstructs_images_of_different_specimens_held_out(models, study):
    images, index = study
    found = model_pictures.reconstructions(models, images, index)
    assert found["id"].tolist() == [108, 110, 100, 102] and found["labels"].tolist() == list("aabb")
    np.testing.assert_array_equal(found["images"], images[[8, 10, 0, 2]])
    for name, made, apart in zip(found["names"], found["reconstructions"], found["texture_distance"], strict=True):
        originals = found["images"] / np.float32(255)
        np.testing.assert_array_equal(made, descriptors.reconstruct(models[name], originals))
        assert (apart > 0).all() and (descriptors.texture_distance(originals, originals) == 0).all()


def test_what_is_written_is_of_the_main_model_and_draws_its_map(models, study, tmp_path):
    images, index = study
    run, main = Run(tmp_path), models["vae-6"]
    with pytest.raises(DataError, match=r"network\.npz.* 02_train"):
        run.load_drawing("network", "02_train")
    with pytest.raises(DataError, match=r"layers\.csv: missing; run 02_train first"):
        run.load_numbers("layers", "02_train")
    model_pictures.write(run, models, images, index, seed=3)
    assert files.read_npz(run.drawing("reconstructions"))["names"].tolist() == ["ae-6", "vae-6"]
    made = run.load_drawing("network", "02_train")
    assert made["row"] == 0  # the first on test
    with pytest.raises(DataError, match=r"network\.npz: damaged \(holds no margins\); run 02_train again"):
        made["margins"]
    np.testing.assert_array_equal(made["image"], images[0] / np.float32(255))
    np.testing.assert_array_equal(made["features"], layer_shapes.features(main.encoder, images[:1])[0])
    np.testing.assert_array_equal(made["weights"], layer_shapes.channel_weights(main.encoder))
    noise = np.random.default_rng(3).standard_normal((2, 6))
    np.testing.assert_array_equal(made["sampled"], descriptors.decode(main, noise))
    layers = run.load_numbers("layers", "02_train").fillna({"detail": ""})
    pd.testing.assert_frame_equal(layers, layer_shapes.of_model(main), check_dtype=False)
