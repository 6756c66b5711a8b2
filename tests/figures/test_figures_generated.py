import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from nanofoam_lib import figures
from nanofoam_lib.base import files, run_folder
from nanofoam_lib.figures.strips import EXTRAPOLATION
from nanofoam_lib.latent import decode_plan, projection
from nanofoam_lib.report import findings

NOTE = "tiles, split by group, seed 0"


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (40, 8, 8), dtype=np.uint8)


def table(series, steps, beyond=()):
    rows = pd.DataFrame([(name, step) for name in series for step in steps], columns=["series", "step"])
    rows["distance"] = 0.5 + np.arange(len(rows)) / 10
    rows["cycle_error"] = 2 * rows["distance"]
    return rows.assign(extrapolation=[i in beyond for i in range(len(rows))], what="traversal", contrast=0.9)


def texts(figure):
    return {artist.get_text() for artist in figure.findobj(mpl.text.Text) if artist.get_text()}


def shown(figure):
    return [axis for axis in figure.findobj(mpl.axes.Axes) if axis.images]


def frame(axis):
    return mpl.colors.to_hex(axis.spines["top"].get_edgecolor()) if axis.spines["top"].get_visible() else None


def test_every_picture_stands_at_its_place_with_its_gauge(pictures):
    rows = table(["μ3", "LDA 1"], [-1.0, 0.0, 1.0], beyond=[5]).iloc[::-1].iloc[::-1]
    figure = figures.traversals(rows, pictures, NOTE)
    axes = shown(figure)
    assert [axis.get_xlabel().split("\n")[0] for axis in axes] == [
        f"{row.distance:.2f} | {row.cycle_error:.2f}" for row in rows.itertuples()
    ]
    for axis, picture in zip(axes, pictures, strict=False):
        np.testing.assert_array_equal(axis.images[0].get_array(), picture)
    assert [axis.get_title() for axis in axes] == ["−1", "0", "1", "", "", ""]
    assert {"μ3", "LDA 1"} <= texts(figure)
    assert any(NOTE in text for text in texts(figure))


def test_extrapolation_is_marked_by_a_frame_and_a_word(pictures):
    axes = shown(figures.traversals(table(["μ3"], [0.0, 1.0, 2.0], beyond=[2]), pictures, NOTE))
    assert [frame(axis) for axis in axes] == [None, None, EXTRAPOLATION.lower()]
    assert ["extrapolation" in axis.get_xlabel() for axis in axes] == [False, False, True]


def test_the_rows_of_a_table_keep_their_pictures(pictures):
    """A part of the table of all generated pictures draws its own pictures, not the first ones."""
    everything = table(["a", "b"], [0.0, 1.0])
    axes = shown(figures.sampled(everything[everything["series"] == "b"], pictures))
    np.testing.assert_array_equal(axes[0].images[0].get_array(), pictures[2])


def test_titles_stand_over_every_row_where_steps_differ(pictures):
    rows = table(["median_diameter_um"], [20.5, 30.0])
    rows = pd.concat([rows, table(["porosity"], [0.25, 0.5])], ignore_index=True)
    figure = figures.traversals(rows, pictures, lang="es")
    assert [axis.get_title() for axis in shown(figure)] == ["20,5", "30,0", "0,25", "0,50"]
    assert {"diámetro mediano\n(µm)", "porosidad"} <= texts(figure)


def test_long_rows_are_cut_to_the_width_of_the_page(pictures):
    axes = shown(figures.sampled(table(["prior"], range(20)), pictures))
    columns = {axis.get_subplotspec().colspan.start for axis in axes}
    assert len(axes) == 20
    assert columns == set(range(7))  # 7 + 7 + 6 rather than 9 + 9 + 2


def test_nothing_to_draw_is_said(pictures):
    nothing = table(["a"], [1.0])[:0]
    assert "nothing was decoded" in texts(figures.traversals(nothing, pictures))
    assert "Nothing" in findings.generated(nothing)
    empty = pd.DataFrame(columns=["picture", "measure", "wanted", "got", "extrapolation"])
    assert "no se conoce ninguna medida de poros" in texts(figures.wanted_got(empty, lang="es"))


@pytest.fixture
def maps(rng):
    labels = list("ab") * 10
    index = pd.DataFrame({"id": range(20), "label": labels, "split": ["train"] * 10 + ["test"] * 10})
    vectors = rng.normal(size=(20, 4))
    found = {
        "PCA": projection.pca(vectors[:10], vectors[10:]),
        "LDA": projection.lda(vectors[:10], labels[:10], vectors[10:]),
    }
    return projection.maps(found, index)


def test_the_map_shows_test_images_at_the_ends_of_each_class(maps, pictures):
    chosen = maps[maps["shown"]]
    assert set(chosen["split"]) == {"test"}
    assert chosen.groupby(["descriptor", "label"]).size().tolist() == [2, 2, 2, 2]
    figure = figures.latent_map(maps, pictures, NOTE)
    drawn = [axis.images[0].get_array() for axis in shown(figure)]
    assert len(drawn) == 8
    assert all(any(np.array_equal(picture, pictures[i]) for picture in drawn) for i in chosen["id"])
    lines = figure.findobj(mpl.patches.ConnectionPatch)
    ends = {tuple(np.round(line.xy2, 6)) for line in lines}
    assert ends == {(round(x, 6), round(y, 6)) for x, y in zip(chosen["x"], chosen["y"], strict=True)}
    assert {"PCA", "LDA", "a", "b", NOTE} <= texts(figure)


def test_the_farthest_points_of_a_class_are_its_extremes(rng):
    plane = rng.normal(size=(50, 2)) * [10, 0.1] @ [[0.6, 0.8], [-0.8, 0.6]]
    found = projection.extremes(plane, ["a"] * 50)
    distances = np.linalg.norm(plane[:, None] - plane, axis=2)
    assert set(found) == set(np.unravel_index(distances.argmax(), distances.shape))


@pytest.fixture
def between():
    rows = table(["linear", "spherical"], [0.0, 0.5, 1.0], beyond=[1]).assign(what="interpolation", porosity=0.3)
    rows = rows.assign(median_diameter_um=np.nan)
    rows["class"] = ["a", "", "b"] * 2
    measures = pd.DataFrame({"porosity": [0.2, 0.4, 0.9, 0.5], "median_diameter_um": np.nan})
    return decode_plan.beside_real(rows, measures, ["a", "a", "b", "b"])


def test_interpolations_stand_beside_the_medians_of_real_classes(between):
    real = between[between["series"] == "real"]
    assert real["class"].tolist() == ["a", "b"]
    np.testing.assert_allclose(real["porosity"], [0.3, 0.7])
    np.testing.assert_allclose(real["step"], [0, 1])


def test_interpolation_draws_strips_and_the_known_measures(between, pictures):
    figure = figures.interpolation(between, pictures, ["median_diameter_um", "porosity"], NOTE)
    assert len(shown(figure)) == 6
    curves = [axis for axis in figure.findobj(mpl.axes.Axes) if not axis.images]
    assert [axis.get_ylabel() for axis in curves] == ["porosity"]
    assert [label.get_text() for label in curves[0].get_xticklabels()] == ["a", "b"]
    hollow = [line for line in curves[0].lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == 1
    assert list(hollow[0].get_xdata()) == [0.5]
    assert {"linear", "spherical", "real median"} <= texts(figure)


def test_interpolation_without_any_known_measure_draws_the_strips_alone(between, pictures):
    figure = figures.interpolation(between, pictures, ["median_diameter_um"], NOTE, "es")
    assert len(figure.findobj(mpl.axes.Axes)) == len(shown(figure)) == 6
    assert "lineal" in texts(figure)


def test_wanted_and_got_are_drawn_around_the_diagonal():
    rows = pd.DataFrame({"picture": ["designed"] * 3 + ["real, 128×128"], "measure": "porosity"})
    rows = rows.assign(wanted=[0.3, 0.4, 0.5, 0.4], got=[0.1, np.nan, 0.4, 0.41], extrapolation=[True] + [False] * 3)
    axis = figures.wanted_got(rows.assign(spread=np.nan), NOTE).axes[0]
    designed, real = points(axis)
    np.testing.assert_allclose(designed.get_offsets()[[0, 2]], [[0.3, 0.1], [0.5, 0.4]])
    assert designed.get_offsets().mask[1].any()
    np.testing.assert_allclose(real.get_offsets(), [[0.4, 0.41]])
    np.testing.assert_allclose(designed.get_facecolor()[0], 1)
    assert not np.allclose(designed.get_facecolor()[2], 1)
    assert axis.lines[0].get_slope() == 1


def points(axis):
    return [own for own in axis.collections if isinstance(own, mpl.collections.PathCollection)]


def test_bars_are_the_spread_over_noise_and_a_maker_looks_alike_in_all_panels():
    rows = pd.DataFrame({"picture": ["designed", "designed together", "real", "designed", "real"]})
    rows = rows.assign(measure=["a"] * 3 + ["b"] * 2, wanted=[1.0, 2, 3, 1, 3], got=[1.0, 2, 3, 1, 3])
    figure = figures.wanted_got(rows.assign(spread=[0.5, 0.1] + [np.nan] * 3, extrapolation=False), NOTE)
    first, second = figure.axes[:2]
    np.testing.assert_allclose(points(first)[2].get_edgecolor(), points(second)[1].get_edgecolor())
    (bar,) = next(own for own in first.collections if isinstance(own, mpl.collections.LineCollection)).get_segments()
    np.testing.assert_allclose(bar, [[1, 0.5], [1, 1.5]])
    assert any("bars: standard deviation" in own for own in texts(figure))


def test_findings_name_what_is_extrapolation_and_what_is_pale():
    rows = table(["prior", "a"], range(4), beyond=[0, 1, 2])
    said = findings.generated(rows)
    assert "5 of 8 pictures" in said
    assert "prior 3 of 4." in said
    assert "too pale" not in said
    assert "too pale" in findings.generated(rows.assign(contrast=0.2))


def test_findings_tell_which_measures_change_along_a_map(maps):
    measures = pd.DataFrame({"porosity": np.nan, "density_per_mm2": np.zeros(20)})
    own = maps[maps["descriptor"] == "PCA"].set_index("id")
    measures["density_per_mm2"] = -own["y"].sort_index()
    said = findings.latent_map(maps, measures, list(measures), np.arange(20))
    assert "On the map of PCA, test images change in density along axis 2 (ρ = −1.00, p = 0.0" in said
    assert "porosity" not in said
    one = findings.latent_map(maps, measures, list(measures), np.zeros(20))
    assert "On the map of PCA, test images change in none of the pore measures by more than chance allows" in one
    noise = measures.assign(density_per_mm2=np.random.default_rng(0).normal(size=20))
    assert "ρ" not in findings.latent_map(maps, noise, list(measures), np.arange(20))


def test_what_was_generated_is_read_back_as_written(tmp_path, pictures):
    place = run_folder.Run(tmp_path)
    rows = table(["NA", "7"], [0.0, 1.0], beyond=[1])
    rows["class"] = ["NA", "", "7", ""]
    rows["median_diameter_um"] = [1.5, np.nan, 2.0, 3.0]
    files.write_csv(place.table("generated"), rows)
    files.write_npz(place.drawing("generated"), pictures=pictures)
    again, read = place.load_generated()
    pd.testing.assert_frame_equal(again, rows, check_dtype=False)
    assert again["extrapolation"].dtype == bool
    np.testing.assert_array_equal(read, pictures)


def test_foams_are_as_isotropic_as_real_ones_if_their_ratios_agree():
    """On pixels that are not square the ratio of real ones is not 1 either."""
    real = pd.DataFrame({"half_width_x": [3.0, 3.0], "half_width_y": [4.0, 4.0]})
    said = findings.isotropy(2 * real, real)
    assert "6.0 pixels in x and 8.0 in y, a ratio of 0.75" in said
    assert "**as isotropic as real ones**" in said
    assert "stretched as real ones are not" in findings.isotropy(real.assign(half_width_x=3.5), real)
    # What differs between the pictures themselves is no stretch
    spread = pd.DataFrame({"half_width_x": [2.6, 3.2], "half_width_y": [4.0, 4.0]})
    assert "**as isotropic as real ones**" in findings.isotropy(spread, real)
    assert findings.isotropy(real, real[:0]).endswith("a ratio of 0.75.")
