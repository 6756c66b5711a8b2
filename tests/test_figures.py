import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nanofoam_lib import figures, projection, separation, style

NOTE = "tiles, split by group, seed 0"


@pytest.fixture
def history():
    epochs = np.arange(1, 4)
    vae = pd.DataFrame({"model": "vae-4", "epoch": epochs, "reconstruction": [9.0, 8, 7], "kl": [3.0, 2, 1]})
    ae = pd.DataFrame({"model": "ae-4", "epoch": epochs, "reconstruction": [9.0, 7, 5], "kl": np.nan})
    both = pd.concat([vae, ae], ignore_index=True)
    return both.assign(test_reconstruction=both["reconstruction"] + 1, test_kl=both["kl"] + 1)


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    index = pd.DataFrame({"id": range(30), "label": list("abc") * 10, "split": ["train"] * 20 + ["test"] * 10})
    vectors = rng.normal(size=(30, 5))
    train = index["split"] == "train"
    found = {name: projection.pca(vectors[train], vectors[~train]) for name in ("mu", "sigma")}
    return projection.points(found, index, "PC")


def drawings(textures):
    images, labels = textures
    chosen = [0, 1, 8, 9, 16, 17]
    return images[chosen], labels[chosen]


def texts(figure):
    found = (artist.get_text() for artist in figure.findobj(mpl.text.Text))
    return {text for text in found if text}


def test_classes_have_fixed_colours_whatever_their_order():
    assert style.class_colours(["b", "a", "b"]) == style.class_colours(["a", "b"])
    assert style.class_colours(["a", "b"])["a"] == "#0072B2"


def test_micrographs_in_rows_by_class_with_true_scale_bars(textures):
    images, labels = drawings(textures)
    figure = figures.micrographs(images, labels, np.full((6, 2), (2.0, 1.0)), NOTE)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 6
    assert {"brick", "grass", "gravel", "50 µm", NOTE} <= texts(figure)
    for axis, image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(axis.images[0].get_array(), image)
        assert axis.images[0].get_extent() == [0, 256, 128, 0]  # 128 pixels of 2 by 1 µm
    bars = figure.findobj(mpl.patches.Rectangle)
    assert 50 in {bar.get_width() for bar in bars}


def test_an_unknown_pixel_size_is_said_in_either_language(textures):
    images, labels = drawings(textures)
    unknown = np.full((6, 2), np.nan)
    assert "pixel size unknown" in texts(figures.micrographs(images, labels, unknown))
    assert "tamaño de píxel desconocido" in texts(figures.micrographs(images, labels, unknown, lang="es"))


@pytest.mark.parametrize(("width", "length"), [(432, 100), (302, 100), (40, 10), (0.9, 0.2), (3000, 500)])
def test_scale_bars_are_round_and_about_a_quarter(width, length):
    assert style.scale_bar_length(width) == pytest.approx(length)


def test_spanish_numbers_have_a_decimal_comma():
    assert style.number(0.5, "es") == "0,5"
    assert style.number(0.5, "en") == "0.5"


def test_training_draws_every_curve_and_no_kl_of_a_plain_autoencoder(history):
    figure = figures.training(history, NOTE)
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == [
        f"{m}, {s}" for m in ("vae-4", "ae-4") for s in ("train", "test")
    ]
    assert [line.get_label() for line in right.lines] == ["vae-4, train", "vae-4, test"]
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [9, 8, 7])
    np.testing.assert_array_equal(right.lines[1].get_ydata(), [4, 3, 2])
    assert "época" in texts(figures.training(history, lang="es"))


def test_reconstructions_stand_under_their_inputs(textures):
    images, labels = drawings(textures)
    decoded = {"vae-4": np.full((6, 128, 128), 0.25), "ae-4": np.full((6, 128, 128), 0.75)}
    figure = figures.reconstructions(images / 255, decoded, labels)
    values = [axis.images[0].get_array().mean() for axis in figure.axes]
    np.testing.assert_allclose(values[:6], images.mean(axis=(1, 2)) / 255)
    np.testing.assert_allclose(values[6:], [0.25] * 6 + [0.75] * 6)
    assert {"input", "vae-4", "ae-4", "gravel"} <= texts(figure)
    assert all(axis.images[0].get_clim() == (0, 1) for axis in figure.axes)


def test_projection_draws_exactly_its_points(points):
    figure = figures.projection(points, NOTE)
    assert len(figure.axes) == 4
    drawn = [np.asarray(axis.collections[0].get_offsets()) for axis in figure.axes]
    for axis_points, (name, split) in zip(
        drawn, [(n, s) for n in ("mu", "sigma") for s in ("train", "test")], strict=True
    ):
        own = points[(points["descriptor"] == name) & (points["split"] == split)]
        np.testing.assert_allclose(axis_points, own[["x", "y"]])
    assert {"a", "b", "c", "μ, train (n = 20)", "σ, test (n = 10)"} <= texts(figure)
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


@pytest.fixture
def clouds():
    rng = np.random.default_rng(0)
    labels = np.repeat(list("abc"), 20)
    return rng.normal(size=(60, 4)) + np.repeat([0, 3, 9], 20)[:, None], labels


def test_distances_draw_the_histograms_they_are_given(clouds):
    histograms = separation.histograms(*clouds)
    figure = figures.distances(histograms, NOTE)
    assert [axis.get_title() for axis in figure.axes] == ["a – b", "a – c", "b – c"]
    for axis in figure.axes:
        assert [patch.get_label()[:3] for patch in axis.patches] == ["WSS", "WSS", "BSS"]
    drawn = figure.axes[1].patches[2].get_data()
    own = histograms[(histograms["class_b"] == "c") & (histograms["class_a"] == "a") & (histograms["within"] == "")]
    np.testing.assert_allclose(drawn.values, own["density"])
    assert own["count"].sum() == 400
    assert ((own["high"] - own["low"]) * own["density"]).sum() == pytest.approx(1)


@pytest.fixture
def scores():
    rows = [("vae", 4, "sigma", 0.7), ("vae", 4, "mu", 0.5), ("control", 54, "LBP", 0.9)]
    table = pd.DataFrame(rows, columns=["kind", "latent_dim", "descriptor", "accuracy"])
    return table.assign(ci_low=table["accuracy"] - 0.1, ci_high=table["accuracy"] + 0.1)


def test_accuracies_stand_with_their_intervals_against_chance(scores):
    axis = figures.accuracies(scores, 1 / 3, NOTE).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["vae-4 σ", "vae-4 μ", "LBP"]
    bars, points = axis.lines[0:-1:2], axis.lines[1:-1:2]
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], scores[["ci_low", "ci_high"]])
    np.testing.assert_allclose([point.get_xdata()[0] for point in points], scores["accuracy"])
    assert axis.lines[-1].get_xdata()[0] == 1 / 3


@pytest.fixture
def confusions():
    rows = [("vae-4 μ", t, p, 9 if t == p else 1) for t in "abc" for p in "abc"]
    return pd.DataFrame(rows, columns=["title", "true", "predicted", "count"])


def test_confusion_shows_the_counts(confusions):
    axis = figures.confusion(confusions, NOTE).axes[0]
    assert [text.get_text() for text in axis.texts] == ["9", "1", "1", "1", "9", "1", "1", "1", "9"]
    np.testing.assert_allclose(np.diag(axis.collections[0].get_array().reshape(3, 3)), 9 / 11)


@pytest.fixture
def link():
    return pd.DataFrame({"name": ["vae-4 μ", "LBP"], "porosity": [0.25, -0.5], "wall_um": [np.nan, 0.9]})


def test_predictability_writes_r2_and_clips_only_the_colour(link):
    axis = figures.predictability(link, ["porosity", "wall_um"], NOTE).axes[0]
    assert [text.get_text() for text in axis.texts] == ["0.25", "-0.50", "0.90"]
    assert "porosidad" in texts(figures.predictability(link, ["porosity", "wall_um"], lang="es"))


@pytest.mark.parametrize("lang", ["en", "es"])
def test_no_text_overlaps_another(textures, history, points, clouds, scores, confusions, link, lang):
    images, labels = drawings(textures)
    drawn = [
        figures.micrographs(images, labels, np.full((6, 2), 2.0), NOTE, lang),
        figures.training(history, NOTE, lang),
        figures.reconstructions(images, {"vae-4": images / 255}, labels, NOTE, lang),
        figures.projection(points, NOTE, lang),
        figures.distances(separation.histograms(*clouds), NOTE, lang),
        figures.accuracies(scores, 1 / 3, NOTE, lang),
        figures.confusion(confusions, NOTE, lang),
        figures.predictability(link, ["porosity", "wall_um"], NOTE, lang),
    ]
    for figure in drawn:
        boxes = visible_texts(figure)
        for i, (text, box) in enumerate(boxes):
            clashes = [other for other, second in boxes[i + 1 :] if box.overlaps(second)]
            assert not clashes, (text, clashes)
            assert figure.bbox.x0 <= box.x0, text
            assert box.x1 <= figure.bbox.x1, text
            assert figure.bbox.y0 <= box.y0, text
            assert box.y1 <= figure.bbox.y1, text


def visible_texts(figure):
    """Text and box of everything written; ticks of axes that are switched off, or out of view, are not drawn."""
    figure.draw_without_rendering()
    found = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        found += [axes.title, *axes.texts]
        if axes.get_legend():
            found += axes.get_legend().get_texts()
        if axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                found += [axis.label, *(label for tick in ticks for label in (tick.label1, tick.label2))]
    shown = [text for text in found if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


def test_save_writes_vector_raster_and_numbers(tmp_path, points):
    style.save(figures.projection(points, NOTE), tmp_path / "f" / "pca", points)
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["pca.csv", "pca.pdf", "pca.png"]
    with Image.open(tmp_path / "f" / "pca.png") as image:
        assert image.width == pytest.approx(style.WIDTH_CM / 2.54 * 300, abs=2)
    content = (tmp_path / "f" / "pca.pdf").read_bytes()
    assert b"/FontFile2" in content  # embedded as TrueType
    assert b"/Type3" not in content
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "f" / "pca.csv"), points)


def test_the_same_figure_has_the_same_bytes(tmp_path, history):
    for name in "ab":
        style.save(figures.training(history, NOTE), tmp_path / name, history)
    for suffix in (".pdf", ".png", ".csv"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
