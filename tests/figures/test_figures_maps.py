import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from nanofoam_lib import figures
from nanofoam_lib.figures.style import OTHER_MARKERS

RNG = np.random.default_rng(0)


@pytest.fixture
def drawing():
    maps = RNG.random((2, 8, 8, 3)).astype(np.float32)
    maps[1, ..., 2] = 0
    maps[0, ..., 1] *= 0.01  # weak, and must look it
    images = RNG.integers(0, 256, (2, 128, 128), np.uint8)
    return {"images": images, "decoded": RNG.random((2, 128, 128)), "maps": maps, "mean_map": maps.mean(-1),
            "dims": [4, 17, 9]}  # fmt: skip


def pictures(figure):
    return [axis.images[0] for axis in figure.axes if axis.images]


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def test_all_maps_of_a_figure_share_one_scale(drawing):
    figure = figures.gradcam(**drawing, note="tiles, seed 0")
    assert titles(figure) == ["$x$", r"$\hat{x}$", "$M^{4}$", "$M^{17}$", "$M^{9}$", r"$\overline{M}$"]
    shown = pictures(figure)
    maps = [image for image in shown if image.cmap.name == "magma"]
    assert len(maps) == 8
    assert {(image.norm.vmin, image.norm.vmax) for image in maps} == {(0, drawing["maps"].max())}
    np.testing.assert_array_equal(maps[1].get_array(), drawing["maps"][0, ..., 1])
    assert maps[1].to_rgba(drawing["maps"][0, ..., 1])[..., :3].max() < 0.5
    assert "tiles, seed 0" in [text.get_text() for text in figure.findobj(mpl.text.Text)]


def test_a_map_that_is_zero_everywhere_is_crossed_out(drawing):
    crossed = [axis for axis in figures.gradcam(**drawing).axes if axis.lines]
    assert [axis.images[0].get_array().any() for axis in crossed] == [False]
    drawing["maps"][:] = 0
    drawing["mean_map"] = np.zeros((2, 8, 8))
    assert sum(bool(axis.lines) for axis in figures.gradcam(**drawing).axes) == 8


def test_the_csv_holds_the_values_that_are_drawn(drawing):
    table = figures.map_numbers(drawing["maps"], drawing["mean_map"], drawing["dims"], ids=[30, 31])
    assert list(table.columns) == ["id", "map", "row", "column", "value"]
    maps = [image for image in pictures(figures.gradcam(**drawing)) if image.cmap.name == "magma"]
    for image, (_, name) in zip(maps, [(i, m) for i in (30, 31) for m in ("4", "17", "9", "mean")], strict=True):
        found = table[(table["id"] == _) & (table["map"] == name)].pivot(index="row", columns="column", values="value")
        np.testing.assert_array_equal(found, image.get_array())


def test_class_averages_have_a_row_per_class(drawing):
    maps = RNG.random((3, 8, 8, 4))
    figure = figures.gradcam_average(maps, ["a", "b", "c"], [1, 2, 3])
    shown = pictures(figure)
    np.testing.assert_array_equal(shown[5].get_array(), maps[1, ..., 1])
    assert {image.norm.vmax for image in shown[:12]} == {maps.max()}


@pytest.mark.parametrize("lang", ["en", "es"])
def test_class_maps_are_symmetric_about_zero(drawing, lang):
    cams = RNG.normal(size=(2, 8, 8, 2))
    figure = figures.class_maps(drawing["images"], ["a", "b"], cams, np.maximum(cams, 0), ["a", "b"], lang=lang)
    assert titles(figure) == ["CAM\na", "CAM\nb", "Grad-CAM\na", "Grad-CAM\nb"]
    signed = [image for image in pictures(figure) if image.cmap.name == "PuOr_r"]
    assert {image.norm.vmax for image in signed[:4]} == {np.abs(cams).max()} == {-i.norm.vmin for i in signed[:4]}


def test_checks_are_drawn_where_the_table_says():
    rows = [
        ("deletion", "random pixels", None, 2.0), ("deletion", "same shape elsewhere", None, 1.5),
        ("randomisation", "mu", None, 0.1), ("stability", "vertical flip", None, 0.9),
        ("localisation", "pores", None, 1.2), ("localisation", "pores", 7, 3.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["check", "variant", "dimension", "value"]).assign(maps="thesis")
    table = pd.concat([table, table.assign(maps="cell by cell", value=table["value"] + 2)]).sort_index(kind="stable")
    table = table.assign(ci_low=table["value"] - 0.1, ci_high=table["value"] + 0.1)
    figure = figures.gradcam_checks(table.astype({"dimension": "Int64"}), lang="es")
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == [
        "píxeles al azar",
        "la misma forma en otro lugar",
    ]
    thesis, by_cell = (line for line in first.lines if line.get_marker() in OTHER_MARKERS)
    assert list(thesis.get_xdata()) == [2.0, 1.5]
    assert list(by_cell.get_xdata()) == [4.0, 3.5]
    assert thesis.get_color() != by_cell.get_color()
    assert (thesis.get_ydata() < by_cell.get_ydata()).all()
    assert first.collections[0].get_segments()[0][:, 0] == pytest.approx([1.9, 2.1])
    assert [len(line.get_xdata()) for line in figure.axes[3].lines if line.get_marker() in OTHER_MARKERS] == [1, 1]
    assert [label.get_text() for label in figure.legends[0].get_texts()] == ["mapas de la tesis", "mapas celda a celda"]
