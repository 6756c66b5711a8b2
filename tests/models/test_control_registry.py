import numpy as np
import pandas as pd
import pytest

from nanofoam_lib import figures
from nanofoam_lib.latent import classify, controls, scattering
from nanofoam_lib.models import control_registry, vae
from nanofoam_lib.models.control_registry import Control, Given
from nanofoam_lib.report import tables

PLAIN = [name for name, control in control_registry.CONTROLS.items() if control.describe]
TINY = {"latent_dim": 2, "filters": (2, 2), "decoder_filters": (2,)}


@pytest.mark.parametrize("name", PLAIN)
def test_every_control_describes_each_image_by_itself(name, textures):
    images, describe = textures[0], control_registry.CONTROLS[name].describe
    features = describe(images[:6])
    assert features.dtype == np.float32 and len(features) == 6 and np.isfinite(features).all()
    np.testing.assert_array_equal(features[2:4], describe(images[2:4]))


def test_controls_do_not_depend_on_the_blocks_they_are_computed_in(monkeypatch):
    images = np.random.default_rng(0).integers(256, size=(30, 32, 32), dtype=np.uint8)
    given = Given(images, np.arange(30) < 20, [4])
    whole = control_registry.compute(given)
    monkeypatch.setattr(controls, "BLOCK", 8)
    in_blocks = control_registry.compute(given)
    assert [name for _, _, name in whole] == [
        "pixel PCA", "LBP", "scattering", "power spectrum", "grey mean+std",
    ]  # fmt: skip
    assert set(PLAIN) < {name for _, _, name in whole}
    assert whole.keys() == in_blocks.keys()
    for name, vectors in whole.items():
        if name[2] == "pixel PCA":
            np.testing.assert_allclose(in_blocks[name], vectors, atol=1e-5)
        else:
            assert np.array_equal(in_blocks[name], vectors)


def test_rows_stand_in_the_order_of_the_registry_and_models_take_turns(textures):
    models = {(kind, 2): vae.build(vae.Config(kind, **TINY)) for kind in ("vae", "ae", "texture")}
    detail, pores = np.zeros((24, 162), np.float32), pd.DataFrame({"porosity": np.arange(24.0), "wall_um": np.nan})
    true = pd.DataFrame({"label": "a", "porosity": np.arange(24.0), "n_pores": 3})
    found = control_registry.compute(
        Given(
            textures[0],
            np.ones(24, bool),
            [2],
            models,
            np.zeros((24, 5)),
            seed=3,
            detail=detail,
            pores=pores,
            index=true,
        )
    )
    assert [name for _, _, name in found] == [
        "supervised features", "true pore measures", "pore measures", "untrained mu", "untrained sigma",
        "pooled features", "untrained pooled features", "texture statistics",  # μ of which is not trained at all
        "pixel PCA", "LBP", "multi-scale LBP", "scattering", "scattering and LBP", "power spectrum", "grey mean+std",
    ]  # fmt: skip
    assert {kind for kind, _, _ in found} == {"control"}
    assert all(vectors.shape == (24, size) for (_, size, _), vectors in found.items())
    assert {name for _, _, name in found} <= set(control_registry.labels("es"))


def test_what_is_known_of_the_micrographs_stands_alone_and_beside_scattering(textures):
    images, detail = textures[0][:4], np.random.default_rng(0).random((4, 162), np.float32)
    found = control_registry.compute(Given(images, np.ones(4, bool), [], detail=detail))
    scattered = scattering.scatter(images)
    np.testing.assert_array_equal(found["control", 162, "multi-scale LBP"], detail)
    np.testing.assert_array_equal(found["control", 60, "scattering"], scattered)
    np.testing.assert_array_equal(found["control", 222, "scattering and LBP"], np.hstack([scattered, detail]))


def test_scattering_is_computed_once_for_the_two_controls_that_need_it(textures, monkeypatch):
    calls = []
    monkeypatch.setattr(scattering, "scatter", lambda images: calls.append(1) or np.zeros((len(images), 60)))
    control_registry.compute(Given(textures[0], np.ones(24, bool), [], detail=np.zeros((24, 162), np.float32)))
    assert len(calls) == 1


def test_one_entry_adds_the_rows_the_label_and_the_dot(textures, monkeypatch):
    monkeypatch.setattr(control_registry, "CONTROLS", dict(control_registry.CONTROLS))

    def darkest(images):
        return np.quantile(images, [0.01, 0.1], axis=(1, 2)).T

    control_registry.register(Control("darkest", ("darkest grey", "gris más oscuro"), darkest))

    images, labels = textures
    index = pd.DataFrame({"label": labels, "group": np.arange(24), "split": ["train", "train", "test"] * 8})
    table, _ = classify.table1(control_registry.compute(Given(images, index["split"] == "train", [])), index, "tiles")
    assert (table["descriptor"] == "darkest").sum() == len(classify.CLASSIFIERS)
    forest = table[table["classifier"] == "random forest"]
    for lang, label in (("en", "darkest grey"), ("es", "gris más oscuro")):
        figure = figures.accuracies(forest, 0.4, lang=lang, labels=control_registry.labels(lang))
        assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()][-1] == label
        assert tables.value("darkest", lang) == label


def test_no_two_controls_share_a_name():
    with pytest.raises(ValueError, match="LBP already"):
        control_registry.register(control_registry.CONTROLS["LBP"])


def test_unknown_pore_measures_are_those_of_the_median_train_image(textures):
    measures = pd.DataFrame({"porosity": [1.0, 2, np.nan, 9], "wall_um": np.nan})
    train = np.array([True, True, True, False])
    found = control_registry.compute(Given(textures[0][:4], train, [], pores=measures))
    assert found["control", 1, "pore measures"].ravel().tolist() == [1, 2, 1.5, 9]
    gone = control_registry.compute(
        Given(textures[0][:4], train, [], pores=measures[["wall_um"]], index=pd.DataFrame())
    )
    assert not {"pore measures", "true pore measures"} & {name for _, _, name in gone}


def test_what_knows_the_answer_is_beyond_competition():
    taught = {name for name in control_registry.labels("en") if name.endswith("with labels")} | {"supervised features"}
    assert len(taught) > 1 and control_registry.taught() == taught
    assert control_registry.beyond_competition() == taught | {"true pore measures"}


def test_the_backbones_that_are_named_are_those_that_there_are():
    from nanofoam_lib.models import backbone_networks

    assert set(control_registry.BACKBONES) == set(backbone_networks.BACKBONES)
