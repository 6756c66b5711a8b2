"""Figures of pores: what each panel shows, and that all of it can be read."""

import numpy as np
import pandas as pd
import pytest
from layout import assert_readable
from matplotlib.collections import PolyCollection

from nanofoam_lib import figures
from nanofoam_lib.images import pore_tables
from nanofoam_lib.latent import class_means

CLASSES = ["CuNi1", "CuNi2", "a class with a long name"]


def measured(n_specimens):
    """Give distributions, means and specimens of three classes, three images to a specimen."""
    rng = np.random.default_rng(0)
    labels = np.repeat(CLASSES, 3 * n_specimens)
    groups = [f"{label}{i // 3}" for i, label in enumerate(labels)]
    values = pd.DataFrame({name: rng.normal(10, 1, len(labels)) for name in pore_tables.COMPARED})
    known = values, labels, groups
    sizes = pd.DataFrame({"class": np.repeat(CLASSES, 9), "diameter_um": np.tile(np.arange(9), 3)})
    sizes = sizes.assign(share=1 / 9, area_share=1 / 9)
    return sizes, class_means.means(*known), class_means.by_specimen(*known)


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width_cm", [8.0, 16.0])
def test_every_text_can_be_read(lang, width_cm):
    assert_readable(figures.pore_sizes(*measured(5), CLASSES, "tiles, seed 0", lang, width_cm=width_cm))
    pictures = np.zeros((4, 60, 80, 3), np.uint8)
    titles = ["CuNi1/a_long_name_of_a_file_000.tif: doubtful"] * 4
    assert_readable(figures.pore_overlays(pictures, titles, "tiles, seed 0", lang, width_cm=width_cm))


@pytest.mark.parametrize(("n_specimens", "shown"), [(5, True), (41, False)])
def test_each_specimen_is_shown_where_there_are_few_and_their_density_always(n_specimens, shown):
    sizes, means, specimens = measured(n_specimens)
    axis = figures.pore_sizes(sizes, means, specimens, CLASSES).axes[2]
    first = specimens[specimens["measure"] == means["measure"].iloc[0]]
    clouds = [part for part in axis.collections if isinstance(part, PolyCollection)]
    assert len(clouds) == len(CLASSES)
    for place, cloud in enumerate(clouds):  # half of it, so that the specimens have room beside
        assert cloud.get_paths()[0].vertices[:, 0].max() == pytest.approx(place)
    points = [line.get_ydata() for line in axis.lines if len(line.get_ydata()) == n_specimens]
    assert len(points) == (len(CLASSES) if shown else 0)
    for label, own in zip(sorted(CLASSES), points, strict=False):
        np.testing.assert_allclose(own, first.loc[first["class"] == label, "value"])


def test_a_class_of_one_specimen_or_of_equal_ones_has_no_density():
    sizes, means, specimens = measured(2)
    same = specimens.assign(value=1.0)
    figure = figures.pore_sizes(sizes, means, same, CLASSES)
    assert not [part for part in figure.axes[2].collections if isinstance(part, PolyCollection)]
