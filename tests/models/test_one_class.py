"""What remains where there is one class: everything that needs no labels, and nothing that tells classes apart."""

import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import assignment, pore_tables
from nanofoam_lib.latent import decode_plan, projection
from nanofoam_lib.models import backbone_networks, generation, recipes, scoring, training, vae
from nanofoam_lib.report import findings


@pytest.fixture
def index():
    split = np.where(np.arange(24) % 3 == 0, "test", "train")
    return pd.DataFrame(
        {"id": range(24), "path": [f"{i}.png" for i in range(24)], "label": "foam", "group": np.arange(24) // 2,
         "split": split, "um_x": 2.0, "um_y": 2.0,
         "width": 200, "height": 200}
    )  # fmt: skip


def test_the_split_says_what_is_left_out(textures, index):
    with pytest.warns(RunWarning, match="all images are of one class, 'foam': what tells classes apart is left out"):
        split, _ = assignment.assign(index, textures[0], 0.3)
    assert set(split) == {"train", "test"}


def test_maps_are_those_that_need_no_labels(index, rng):
    pca, lda = projection.both({"mu": rng.normal(size=(24, 5))}, index)
    assert list(pca) == ["mu"] and lda == {}
    assert "LDA" not in findings.projections(pca, lda)


def test_there_is_no_way_between_classes_and_no_classifier(tmp_path, rng):
    assert decode_plan.interpolations(rng.normal(size=(6, 3)), ["a"] * 6) is None
    assert backbone_networks.of_run(Run(tmp_path), np.zeros((2, 128, 128), np.uint8)) == (None, None)


def test_a_notebook_that_is_opened_by_itself_says_what_to_do_in_one_line(textures, index):
    with pytest.raises(DataError, match=r"there is one class, .* run the chain by nanofoam run"):
        scoring.further_splits(index, 0.3, 0)
    classifier = vae.classifier(vae.Config(filters=(2, 2), decoder_filters=(2,)), 1)
    with pytest.raises(DataError, match="there is one class"):
        training.fit_classifier(classifier, textures[0], np.zeros(24, int), [0, 1], [2], recipes.Recipe(1))


def test_foams_are_generated_all_the_same(textures, index, rng):
    model = vae.build(vae.Config(latent_dim=4, filters=(4, 4, 4, 4), decoder_filters=(4, 4, 4)))
    mu = rng.normal(size=(24, 4)).astype(np.float32)
    measures = pd.DataFrame({name: rng.uniform(1, 2, 24) for name in pore_tables.MEASURES})
    study = generation.study(model, mu, textures[0], index, measures, [0, 1])
    assert set(study.generated["what"]) >= {"traversal", "sample", "map"}
    assert "interpolation" not in set(study.generated["what"])
    assert set(study.points["descriptor"]) == {"PCA"}
