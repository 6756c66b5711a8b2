import dataclasses
import html
import io
import re
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import HOSTILE, write_run
from matplotlib.axes import Axes
from PIL import Image
from spanish import english_in

from nanofoam_lib.base import files
from nanofoam_lib.explain import gradcam, inspection
from nanofoam_lib.lab import explore, scatter, widgets
from nanofoam_lib.latent import projection, traversal
from nanofoam_lib.models import descriptors, realism, vae

# jupyter-scatter 1.0.1 under pandas 3.1
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    run = write_run(tmp_path_factory.mktemp("run"))
    model, mu = vae.load(run.model("vae", 4)), files.read_npz(run.descriptors("vae", 4))["mu"]
    tables = (pd.read_csv(run.pores), mu, pd.read_csv(run.table("dimensions")))
    return inspection.open_space(model, run.load_images(), run.load_index(), *tables, n_dims=2)


@pytest.fixture
def explorer(space):
    return explore.Explorer(space, note="photographs, seed 0")


@pytest.fixture
def controls(explorer, tmp_path):
    return widgets.Panel(explorer, tmp_path / "figures" / "explore")


def decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_an_image_is_shown_with_its_reconstruction(space, explorer):
    explorer.select(3)
    assert np.array_equal(explore.to_bytes(explorer.sight.picture), space.images[3])
    expected = descriptors.reconstruct(space.model, space.images[[3]])[0]
    np.testing.assert_allclose(explorer.sight.reconstruction, expected, atol=1e-5)
    np.testing.assert_allclose(explorer.step.picture, expected, atol=1e-5)


def test_a_region_is_shown_as_its_average(space, explorer):
    rows = [2, 11, 12, 20, 21]
    explorer.select(rows)
    np.testing.assert_allclose(explorer.sight.picture, (space.images[rows] / 255).mean(axis=0), atol=1e-6)
    assert not explorer.maps
    assert inspection.class_mix(space, rows).to_dict() == {"brick": 0.4, HOSTILE: 0.6}
    told = inspection.compare(space, rows)
    assert told.loc["n_pores", "shown"] == pytest.approx(66 / 5)
    assert "wall_um" not in told.index  # unknown of every image


def test_moving_changes_only_the_strongest_dimensions_and_decodes_them(space, explorer):
    before, values = explorer.step.picture, explorer.sight.start[space.dimensions["dimension"]] + 2
    explorer.walk(values)
    moved = explorer.step.vector - explorer.sight.start
    chosen = np.isin(np.arange(4), space.dimensions["dimension"])
    np.testing.assert_allclose(moved, np.where(chosen, 2, 0), atol=1e-5)
    np.testing.assert_allclose(
        explorer.step.picture, descriptors.decode(space.model, explorer.step.vector[None])[0], atol=1e-5
    )
    assert np.abs(explorer.step.picture - before).max() > 0.01


def test_the_gauge_is_that_of_decoding_and_encoding_again(space, explorer):
    vector = explorer.step.vector[None]
    pictures = descriptors.decode(space.model, vector)
    expected = realism.measure(space.yardstick, vector, pictures).iloc[0]
    again = descriptors.encode(space.model, pictures)["mu"]
    _, unit, _ = traversal.locate(space.yardstick.gauge, vector)
    assert expected["cycle_error"] == pytest.approx(np.linalg.norm(again - vector) / unit[0])
    assert explorer.step.distance == pytest.approx(expected["distance"], rel=1e-4)
    assert explorer.step.error == pytest.approx(expected["cycle_error"], rel=1e-4)


def test_far_from_real_images_is_called_extrapolation(space, explorer):
    assert "Near real images" in explorer.summary()
    explorer.walk(space.yardstick.gauge.train.max() + 100 * space.yardstick.gauge.spacing.max() * np.ones(2))
    assert "Extrapolation" in explorer.summary()
    assert explore.style.COLOURS[4] in widgets.gauge(space, explorer.step)


def test_the_strongest_maps_share_one_scale(space):
    chosen, maps = inspection.strongest_maps(space, 5, n=3)
    every = gradcam.latent_maps(space.model.encoder, space.images[[5]])[0]
    assert every.mean(axis=(0, 1))[chosen].tolist() == sorted(every.mean(axis=(0, 1)), reverse=True)[:3]
    upsampled = gradcam.upsample(every[None][..., chosen])[0]
    np.testing.assert_allclose(maps * upsampled.max(), np.moveaxis(upsampled, -1, 0), rtol=1e-5)


def test_active_dimensions_of_the_model_come_first():
    columns = {"best_measure": "porosity", "best_rho": 0.5, "kind": "vae"}
    rows = [(4, 0, True, 0.1), (4, 1, False, 0.9), (4, 2, True, 0.3), (8, 3, True, 1.0)]
    table = pd.DataFrame(rows, columns=["latent_dim", "dimension", "active", "effect_size"]).assign(**columns)
    chosen = inspection.strongest(table, vae.Config(latent_dim=4), 3)
    assert chosen["dimension"].tolist() == [2, 0, 1]


def test_rows_that_do_not_fit_are_refused(space):
    parts = (space.images[:-1], space.index, space.measures, space.mu, space.dimensions)
    with pytest.raises(ValueError, match="one row per image"):
        inspection.open_space(space.model, *parts)


def test_nothing_selected_is_refused(space):
    with pytest.raises(ValueError, match="nothing"):
        inspection.look(space, [])


def test_an_overlay_is_the_micrograph_where_the_map_is_zero(space):
    heat = np.zeros((128, 128), np.float32)
    heat[:, 64:] = 1
    shown = explore.overlay(space.images[0] / 255, heat)
    assert (shown[:, :64] == space.images[0][:, :64, None]).all()
    assert (np.ptp(shown[:, 64:].astype(int), axis=-1) > 0).all()


def test_saving_writes_three_files_and_never_over_others(space, explorer, tmp_path):
    explorer.select([1, 2, 4])
    explorer.colour = "porosity"
    stem = tmp_path / "figures" / "explore"
    assert [explorer.save(stem).name for _ in range(2)] == ["explore_1", "explore_2"]
    names = {f"explore_{i}{suffix}" for i in (1, 2) for suffix in (".pdf", ".png", ".csv")}
    assert {path.name for path in stem.parent.iterdir()} == names
    table = pd.read_csv(stem.with_name("explore_1.csv"))
    assert table.index[table["selected"]].tolist() == [1, 2, 4]
    np.testing.assert_allclose(table["porosity"][:-1], space.measures["porosity"])
    moved = projection.project(space.maps["PCA"], explorer.step.vector[None])[0]
    np.testing.assert_allclose(table.loc[len(table) - 1, ["x", "y"]].astype(float), moved, rtol=1e-5)


def test_the_picture_on_paper_speaks_spanish(space):
    figure = explore.Explorer(space, lang="es").figure()
    titles = {axis.get_title().partition("\n")[0] for axis in figure.findobj(Axes)}
    assert {"micrografía", "reconstrucción", "desplazada"} <= titles


def test_a_slider_changes_the_picture_and_undo_brings_it_back(controls):
    _, shown = controls.pictures[2]
    before = shown.value
    controls.sliders[0].value += 2
    assert shown.value != before
    assert np.array_equal(decoded(shown.value), explore.to_bytes(controls.explorer.step.picture))
    controls.back.click()
    assert shown.value == before


def test_undo_goes_back_one_move_or_choice_at_a_time(controls):
    first, second = controls.sliders
    seen = [controls.explorer.step.vector.copy()]
    for _ in range(3):
        first.value += 1  # drawn along: one move
    seen.append(controls.explorer.step.vector.copy())
    second.value -= 2
    seen.append(controls.explorer.step.vector.copy())
    controls.image.value = 9
    for vector in reversed(seen):
        controls.back.click()
        np.testing.assert_allclose(controls.explorer.step.vector, vector, atol=1e-6)
        at = [vector[d] for d in controls.explorer.space.dimensions["dimension"]]
        assert [slider.value for slider in controls.sliders] == pytest.approx(at)
    controls.back.click()  # there is nothing before
    np.testing.assert_allclose(controls.explorer.step.vector, seen[0], atol=1e-6)


def test_the_explorer_speaks_spanish(space, tmp_path):
    controls = widgets.Panel(explore.Explorer(space, lang="es"), tmp_path / "explore")
    controls.scatter.widget.selection = np.array([0, 1, 13], dtype="uint32")
    whole = [controls.heading.value, controls.facts.value, controls.gauge.value, controls.explorer.summary()]
    whole += [own.description for own in (*controls.sliders, controls.colour, controls.image, controls.back)]
    whole += [name for name, _ in controls.colour.options] + [heading.value for heading, _ in controls.pictures]
    said = re.sub(r"<[^>]*>|&\w+;", " ", " ".join(whole))
    for name in set(space.index["label"]):
        said = said.replace(html.escape(name), " ").replace(name, " ")
    assert english_in(said) == []
    assert not re.search(r"\d\.\d", said)


def test_a_slider_that_the_browser_rounds_moves_nothing(controls):
    before = controls.pictures[2][1].value
    controls.sliders[0].value += 0.5 * controls.sliders[0].step
    assert controls.pictures[2][1].value == before
    assert np.array_equal(controls.explorer.step.vector, controls.explorer.sight.start)


def test_pointing_at_the_map_shows_the_image_and_sets_the_controls(space, controls):
    controls.scatter.widget.selection = np.array([7], dtype="uint32")
    assert np.array_equal(decoded(controls.pictures[0][1].value), space.images[7])
    assert controls.image.value == 7
    assert [s.value for s in controls.sliders] == pytest.approx(space.mu[7][space.dimensions["dimension"]].tolist())
    controls.image.value = 9
    assert controls.scatter.selection().tolist() == [9]
    assert np.array_equal(decoded(controls.pictures[0][1].value), space.images[9])


def test_a_region_has_no_maps_but_a_mix_of_classes(controls):
    controls.scatter.widget.selection = np.array([0, 1, 13], dtype="uint32")
    assert {image.layout.visibility for _, image in controls.overlays} == {"hidden"}
    assert "67%" in controls.facts.value
    controls.image.value = 5
    assert {image.layout.visibility for _, image in controls.overlays} == {"visible"}


def test_names_reach_the_page_escaped(space, controls):
    for rows in ([15], [14, 15]):
        controls.scatter.widget.selection = np.array(rows, dtype="uint32")
        shown = controls.heading.value + controls.facts.value
        assert "&lt;img" in shown
        assert "<img" not in shown


def test_points_of_unknown_measure_are_hidden(space, controls):
    controls.colour.value = "porosity"
    assert controls.scatter.filter().tolist() == [i for i in range(24) if i != 3]
    controls.colour.value = "label"
    assert controls.scatter.widget.filter is None
    assert "wall_um" not in dict(controls.colour.options).values()


def test_the_cross_on_the_map_follows_the_moved_point(space, controls):
    controls.map.value = "LDA"
    controls.sliders[0].value += 1
    way, across, _ = scatter.mark(controls.explorer)
    expected = projection.project(
        space.maps["LDA"], np.stack([space.mu[controls.image.value], controls.explorer.step.vector])
    )
    np.testing.assert_allclose(way.vertices, expected, rtol=1e-5)
    np.testing.assert_allclose(np.mean(across.vertices, axis=0), expected[1], rtol=1e-5)


def test_the_save_button_says_where(controls, tmp_path):
    controls.save.click()
    assert "explore_1" in controls.status.value
    assert (tmp_path / "figures" / "explore_1.pdf").exists()


def test_a_folder_that_cannot_be_written_is_told(explorer, tmp_path):
    (tmp_path / "figures").write_text("not a folder")
    controls = widgets.Panel(explorer, tmp_path / "figures" / "explore")
    controls.save.click()
    assert "Not saved" in controls.status.value


def test_ten_thousand_points_fit_on_the_map(space):
    rows = np.arange(10_000) % 24
    many = dataclasses.replace(
        space, images=np.broadcast_to(space.images[0], (10_000, 128, 128)), mu=space.mu[rows],
        index=space.index.iloc[rows].reset_index(drop=True), measures=space.measures.iloc[rows].reset_index(drop=True),
    )  # fmt: skip
    assert np.shape(scatter.build(many).widget.points)[0] == 10_000


def test_without_jupyter_scatter_one_line_says_what_to_do(explorer, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jscatter", None)
    assert "pip install nanofoam[interactive]" in widgets.show(explorer, tmp_path / "explore").value
    assert explorer.figure().axes
