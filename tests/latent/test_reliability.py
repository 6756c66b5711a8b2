import numpy as np
import pandas as pd
import pytest

from nanofoam_lib.latent import reliability


def predictions(probability, right, groups):
    true = np.array(["a"] * len(right))
    predicted = np.where(right, "a", "b")
    return pd.DataFrame({"group": groups, "true": true, "predicted": predicted, "probability": probability})


def test_specimens_are_listed_with_what_they_are_taken_for_the_worst_first():
    table = reliability.by_specimen(predictions([0.9, 0.7, 0.6, 0.8], [True, True, False, False], list("xxyy")))
    assert table["group"].tolist() == ["y", "x"]
    assert table["right"].tolist() == [0, 1]
    assert table["taken_for"].tolist() == ["b", "a"]
    assert table["probability"].tolist() == pytest.approx([0.7, 0.8])


def test_a_classifier_that_is_too_sure_is_found_out_and_one_that_is_not_is_not():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.4, 1, 2000)
    honest = reliability.calibration(predictions(probability, rng.random(2000) < probability, np.arange(2000)))
    assert honest["n_images"].tolist() == [400] * 5
    assert honest["probability"].is_monotonic_increasing
    assert ((honest["ci_low"] <= honest["probability"]) & (honest["probability"] <= honest["ci_high"])).all()
    sure = reliability.calibration(predictions(probability, rng.random(2000) < probability - 0.3, np.arange(2000)))
    assert sure["gap"].to_numpy() == pytest.approx(0.3, abs=0.1)
    assert (sure["ci_high"] < sure["probability"]).all()


def test_without_probabilities_nothing_is_calibrated():
    assert reliability.calibration(predictions(np.nan, [True, False], ["x", "y"])).empty
    assert len(reliability.calibration(predictions([0.5, 0.6], [True, False], ["x", "y"]))) == 2
