import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base import files, memmap
from nanofoam_lib.images import augmentation
from nanofoam_lib.models import backend, descriptors, vae


@pytest.fixture(scope="module")
def model():
    return vae.build(vae.Config(latent_dim=4, filters=(4, 4), decoder_filters=(4,)), seed=2)


def test_the_names_shapes_and_types_of_the_contract(model, textures):
    encoded = descriptors.encode(model, textures[0])
    assert list(encoded) == ["mu", "sigma", "z"]
    assert {(values.shape, values.dtype.name) for values in encoded.values()} == {((24, 4), "float32")}
    plain = vae.build(vae.Config("ae", 4, (4, 4), (4,)))
    assert list(descriptors.encode(plain, textures[0])) == ["conv"]


def test_they_are_what_the_encoder_says(model, textures):
    encoded = descriptors.encode(model, textures[0][:3], seed=7)
    mu, log_var = model.encoder.predict(textures[0][:3, ..., None].astype("float32") / 255, verbose=0)
    np.testing.assert_allclose(encoded["mu"], mu, atol=1e-5)
    np.testing.assert_allclose(encoded["sigma"], np.exp(log_var / 2), rtol=1e-5)
    noise = (encoded["z"] - encoded["mu"]) / encoded["sigma"]
    np.testing.assert_allclose(noise, np.random.default_rng(7).standard_normal((3, 4), np.float32), atol=1e-4)


def test_mu_and_sigma_are_deterministic_and_z_follows_its_seed(model, textures):
    first, again, other = (descriptors.encode(model, textures[0], seed) for seed in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert np.array_equal(first["mu"], other["mu"])
    assert not np.array_equal(first["z"], other["z"])


def test_an_image_s_descriptor_does_not_depend_on_its_neighbours(model, textures):
    together = descriptors.encode(model, np.concatenate([textures[0], textures[0][::-1]]))
    alone = descriptors.encode(model, textures[0][:1])
    for name in alone:
        np.testing.assert_allclose(together[name][:1], alone[name], atol=1e-5)


@pytest.mark.parametrize(("average", "elements"), [("flips", (0, 2, 4, 6)), ("turns", range(8))])
def test_averages_over_flips_do_not_change_with_them(model, textures, average, elements):
    images = textures[0][:5]
    found = descriptors.encode(model, images, average=average)
    each = [descriptors.encode(model, augmentation.dihedral(images, [i] * 5)) for i in elements]
    for name in ("mu", "sigma"):
        np.testing.assert_allclose(found[name], np.mean([own[name] for own in each], axis=0), atol=1e-6)
    noise = np.random.default_rng(0).standard_normal((5, 4), np.float32)
    np.testing.assert_allclose(found["z"], found["mu"] + found["sigma"] * noise, atol=1e-6)
    flipped = descriptors.encode(model, images[:, ::-1], average=average)
    np.testing.assert_allclose(flipped["mu"], found["mu"], atol=1e-5)
    plain = descriptors.encode(model, images[:, ::-1])["mu"]
    assert np.abs(plain - descriptors.encode(model, images)["mu"]).max() > 1e-3  # without it, they do


def test_another_average_is_refused(model, textures):
    with pytest.raises(ValueError, match="'flips', 'turns', not 'mean'"):
        descriptors.encode(model, textures[0], average="mean")


def test_float_images_are_the_same_images(model, textures):
    floats = descriptors.encode(model, textures[0] / 255)
    np.testing.assert_allclose(floats["mu"], descriptors.encode(model, textures[0])["mu"], atol=1e-5)


def test_many_images_are_encoded_the_same_by_a_traced_encoder(model, textures, monkeypatch):
    many = np.concatenate([textures[0]] * 3)[:70]  # two batches and a part of one
    plain = descriptors.encode(model, many)
    monkeypatch.setattr(backend, "TRACED_FROM", 1)
    for name, vectors in descriptors.encode(model, many).items():
        np.testing.assert_array_equal(vectors, plain[name])


def test_a_memory_mapped_array_will_do(model, textures, tmp_path):
    np.save(tmp_path / "images.npy", textures[0])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(descriptors.encode(model, mapped)["mu"], descriptors.encode(model, textures[0])["mu"])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 64, 64), np.uint8), r"\(N, 128, 128\)"),
        (np.zeros((128, 128), np.uint8), r"\(N, 128, 128\)"),
        (np.zeros((1, 128, 128), np.int64), "int64"),
        (np.full((1, 128, 128), 255.0), r"\[0, 1\]"),
        (np.full((1, 128, 128), np.nan), "finite"),
    ],
)
def test_other_images_are_refused(model, images, message):
    with pytest.raises(ValueError, match=message):
        descriptors.encode(model, images)


def test_what_is_written_for_r_is_the_same_to_the_last_digit(tmp_path, rng, monkeypatch):
    vectors = {"mu": rng.normal(size=(5, 3)).astype(np.float32), "sigma": np.exp(rng.normal(size=(5, 2))) / 3e7}
    index = pd.DataFrame({"id": range(5), "path": list("abcde"), "label": ["NA", "020"] + ["x,y"] * 3, "um_x": 1.0})
    slices = memmap.slices
    monkeypatch.setattr(memmap, "slices", lambda n: slices(n, 2))  # block by block
    descriptors.write(tmp_path / "vae-3.npz", index, vectors)
    table = files.read_csv(tmp_path / "vae-3.csv")
    assert table.columns.tolist() == ["id", "path", "label", "mu_0", "mu_1", "mu_2", "sigma_0", "sigma_1"]
    assert table["label"].tolist() == index["label"].tolist()
    saved = files.read_npz(tmp_path / "vae-3.npz")
    assert saved["id"].tolist() == table["id"].tolist()
    np.testing.assert_array_equal(table[["mu_0", "mu_1", "mu_2"]].to_numpy(np.float32), saved["mu"])
    np.testing.assert_array_equal(table[["sigma_0", "sigma_1"]].to_numpy(), saved["sigma"])
