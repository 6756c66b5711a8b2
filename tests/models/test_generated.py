import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.images import copies, pores, synthetic
from nanofoam_lib.models import descriptors, generated, vae

COLUMNS = [
    "kind", "latent_dim", "features", "accuracy", "ci_low", "ci_high", "n_real", "n_generated", "copies", "diversity",
]  # fmt: skip


class Decoder:
    """Draws what it is told from latents, and from noise if it takes any."""

    def __init__(self, draw, inputs=2):
        self.draw, self.inputs = draw, [None] * inputs

    def __call__(self, batch, training):
        latents, *noise = batch if len(self.inputs) > 1 else [batch]
        return self.draw(latents, *noise)[..., None]


class Model:
    """Stands for a trained model that draws with a `Decoder`."""

    name = "stub"

    def __init__(self, draw, inputs=2):
        self.decoder = Decoder(draw, inputs)
        self.config = vae.Config("texture", 4, (4, 4, 4, 4), (4, 4, 4))


@pytest.fixture(scope="module")
def foams():
    """Give 8 train and 12 test foams, two of each specimen, and their index."""
    names = list(synthetic.COMPOSITIONS)
    drawn = [synthetic.foam_micrograph(names[i % 3], i, (184, 184), 1.8, specimen=i // 2)[0] for i in range(20)]
    images = np.stack([picture[28:156, 28:156].mean(axis=2).astype(np.uint8) for picture in drawn])
    index = pd.DataFrame({"group": [f"s{i // 2}" for i in range(20)], "split": ["train"] * 8 + ["test"] * 12})
    return images, index.assign(width=184, height=184, um_x=1.8, um_y=1.8)


@pytest.fixture
def numbered():
    """Give latents that say which image they belong to."""
    return np.arange(20)[:, None].repeat(4, axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def few_pixels(monkeypatch):
    """Measure pores on fewer pixels and at fewer points, to be quick."""

    def measure(pictures, sizes):
        return pd.DataFrame(
            [pores.measure(own, um, crop=0, pixels=6000) for own, um in zip(pictures, sizes, strict=True)]
        )

    monkeypatch.setattr(generated.pores, "measure_pictures", measure)
    monkeypatch.setattr(generated, "FIELDS", 3)
    monkeypatch.setattr(generated, "LATENTS", 2)


def redraw(images, of=lambda i: i):
    """Draw the image that a latent belongs to, or another one: without heeding any noise."""
    return lambda latents, *noise: np.stack([images[of(int(i))] for i in latents[:, 0]]) / np.float32(255)


def test_the_columns_of_the_contract_one_row_for_each_set_of_features(foams, numbered):
    images, index = foams
    table = generated.quality(Model(redraw(images)), images, numbered, index)
    assert list(table) == COLUMNS
    assert table["features"].tolist() == ["pores", "lbp", "spectrum"]
    assert set(table["kind"]) == {"texture"} and set(table["latent_dim"]) == {4}
    assert set(table["n_real"]) == set(table["n_generated"]) == {12}
    assert table["accuracy"].tolist() == [0.5] * 3  # what is drawn is the held-out image itself
    again = generated.quality_of_all({"texture": Model(redraw(images))}, images, {"texture": numbered}, index)
    pd.testing.assert_frame_equal(again, table)


def test_noise_is_told_from_foams_by_all_features(foams, numbered):
    images, index = foams
    model = Model(lambda latents, noise: np.clip(0.5 + 0.2 * noise[..., 0], 0, 1))
    table = generated.quality(model, images, numbered, index)
    assert (table["accuracy"] > 0.95).all()
    assert (table["copies"] == 0).all()


def test_drawing_train_images_is_copying_however_they_are_shifted_and_flipped(foams, numbered):
    images, index = foams
    moved = np.roll(images[:, :, ::-1], (30, 70), axis=(1, 2))
    table = generated.quality(Model(redraw(moved, of=lambda i: i % 8)), images, numbered, index)
    assert (table["copies"] == 1).all()


def test_who_ignores_the_noise_has_no_diversity_and_who_takes_none_is_not_asked(foams, numbered):
    images, index = foams
    real = generated.hold_out(images, index)
    assert generated.diversity(Model(redraw(images)), numbered[real.rows], real) == 0
    assert np.isnan(generated.diversity(Model(redraw(images), inputs=1), numbered[real.rows], real))


def test_diversity_is_the_spread_by_noise_over_that_within_specimens(foams, numbered, monkeypatch):
    """What is measured is here the mean grey, which the decoder draws with half the spread that specimens have."""
    index = foams[1]
    level = np.array([110, 120] * 10, np.uint8)  # two of each specimen, with a variance of 50
    images = np.ones((20, 128, 128), np.uint8) * level[:, None, None]
    monkeypatch.setattr(generated, "FIELDS", 40)
    monkeypatch.setattr(generated, "LATENTS", 12)
    monkeypatch.setattr(
        generated.pores,
        "measure_pictures",
        lambda pictures, um: pd.DataFrame(dict.fromkeys(generated.PORE_MEASURES, pictures.mean(axis=(1, 2)))),
    )
    real = generated.hold_out(images, index)
    spread = np.sqrt(50) / 2 / 255
    model = Model(lambda latents, noise: 0.5 + 0.0 * noise[..., 0] + spread * noise[:, :1, :1, 0])
    assert generated.diversity(model, numbered[real.rows], real) == pytest.approx(0.5, rel=0.1)


def test_lengths_are_in_pixels_where_nobody_knows_their_size(foams, numbered):
    images, index = foams
    unknown = index.assign(um_x=np.nan, um_y=np.nan)
    real = generated.hold_out(images, unknown)
    assert np.isfinite(real.features["pores"]).all()
    known = generated.hold_out(images, index).features["pores"]
    np.testing.assert_allclose(known[:, 3], 1.8 * real.features["pores"][:, 3])


def test_a_single_specimen_gives_a_table_all_the_same(foams, numbered):
    images, index = foams
    table = generated.quality(Model(redraw(images)), images, numbered, index.assign(group="one"))
    assert table["accuracy"].isna().all()
    assert (table["copies"] < 1).all()


def test_no_more_images_take_part_than_are_needed(foams, numbered, monkeypatch):
    images, index = foams
    monkeypatch.setattr(generated, "PICTURES", 5)
    monkeypatch.setattr(generated, "KNOWN", 3)
    real = generated.hold_out(images, index)
    assert real.rows.tolist() == [8, 10, 13, 16, 19]
    assert len(real.known) == 3
    np.testing.assert_array_equal(real.resemblance, copies.nearest(images[real.rows], images[[0, 3, 7]], range(8)))


def test_pooled_spread_is_exactly_nothing_of_equal_values_and_unknown_of_single_ones():
    assert generated.pooled_sd([0.1] * 10 + [0.7] * 10, np.arange(20) // 10) == 0
    assert np.isnan(generated.pooled_sd([1.0, 2.0, np.nan], [0, 1, 1]))
    assert np.isnan(generated.pooled_sd([], []))


def test_each_picture_has_noise_of_its_own_that_does_not_depend_on_how_many_there_are():
    model = vae.build(vae.Config("texture", 4, (4, 4, 4, 4), (4, 4, 4)), seed=2)
    latents = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
    latents[1:] = latents[0]
    many, few = (descriptors.decode(model, latents[:n], seed=5, own_noise=True) for n in (40, 3))
    np.testing.assert_allclose(many[:3], few, atol=2e-6)  # 1.3e-6 with AVX2
    assert len(np.unique(many.round(6).reshape(40, -1), axis=0)) == 40
    assert not np.allclose(many, descriptors.decode(model, latents, seed=6, own_noise=True))
    same = descriptors.decode(model, latents, seed=5)
    assert np.ptp(same, axis=0).max() < 2e-6


def test_one_field_for_all_stays_what_it_was():
    model = vae.build(vae.Config("texture", 4, (4, 4, 4, 4), (4, 4, 4)), seed=2)
    latents = np.ones((3, 4), np.float32)
    noise = np.random.default_rng(5).standard_normal((1, 128, 128, 1), np.float32)
    for own in descriptors.decoder_input(model, latents, seed=5)[1]:
        np.testing.assert_array_equal(own, noise[0])
