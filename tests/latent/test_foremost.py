import numpy as np

from nanofoam_lib.latent import foremost


def test_what_tells_the_classes_of_other_specimens_wins_and_what_tells_specimens_does_not():
    rng = np.random.default_rng(0)
    groups, labels = np.repeat(np.arange(24), 4), np.repeat(np.arange(24) % 3, 4)
    of_class = labels[:, None] + 0.3 * rng.normal(size=(96, 3))
    of_specimen = rng.normal(size=(24, 3))[groups] + 0.01 * rng.normal(size=(96, 3))  # learnt by heart at once
    scores = foremost.accuracies({"specimen": of_specimen, "class": of_class}, labels, groups)
    assert scores["class"] > 0.9 and scores["specimen"] < 0.6
    assert foremost.choose(scores) == "class"


def test_one_group_in_a_class_leaves_the_order_to_decide():
    scores = foremost.accuracies({"b": np.eye(4), "a": np.eye(4)}, list("xxyy"), list("1122"))
    assert np.isnan(list(scores.values())).all()
    assert foremost.choose(scores) == "b"
