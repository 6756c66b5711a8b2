import pandas as pd
from matplotlib.text import Text

from nanofoam_lib import figures
from nanofoam_lib.report import findings, summary

POINTS = pd.DataFrame(
    {"label": ["a", "a", "b", "b"], "x": range(4), "y": range(4), "cluster": [0, 0, 1, -1], "trust": 0.9,
     "trust_of_plane": 0.75}
)  # fmt: skip
FOUND = pd.DataFrame(
    {"cluster": [0, 1], "n_images": [2, 1], "n_specimens": [2, 1], "jaccard": [0.8, 0.4], "stable": [True, False],
     "class": ["a", "b"], "class_share": [1.0, 1.0]}
)  # fmt: skip


def test_clusters_are_told_with_what_is_not_to_be_relied_on():
    said = findings.neighbourhood(POINTS, FOUND)
    assert "form 2 clusters, of which **1 is found again**" in said and "25% of the images lie in none" in said
    assert "- cluster 1: 2 images of 2 specimens, 100% of them a; Jaccard 0.80." in said
    assert "- cluster 2: 1 image of 1 specimen, 100% of them b; Jaccard 0.40, not to be relied on." in said
    assert "trustworthiness of 0.90, against 0.75" in said and "mean nothing" in said


def test_without_classes_or_clusters_nothing_is_said_of_them():
    one = findings.neighbourhood(POINTS.assign(label="a"), FOUND.assign(**{"class": "a"}))
    assert "Rand" not in one and "of them" not in one
    without = {"neighbours": POINTS.assign(cluster=-1), "clusters": FOUND.iloc[:0]}
    assert "**No clusters**" in findings.neighbourhood(*without.values())
    assert "**No clusters**" in summary._of_neighbours(without, "en")[0] and not summary._of_neighbours({}, "en")


def test_the_figure_shows_each_image_by_class_and_by_cluster():
    figure = figures.neighbours(POINTS, "note", "es")
    left, right = figure.axes
    assert len(left.collections[0].get_offsets()) == sum(len(part.get_offsets()) for part in right.collections) == 4
    assert [text.get_text() for text in right.get_legend().get_texts()] == [
        "en ningún grupo", "grupo natural 1", "grupo natural 2",
    ]  # fmt: skip
    assert any("fidelidad 0,90" in text.get_text() for text in figure.findobj(Text))
