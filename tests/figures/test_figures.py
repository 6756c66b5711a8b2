import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from layout import assert_readable, visible_texts
from PIL import Image

from nanofoam_lib import figures
from nanofoam_lib.base import language
from nanofoam_lib.figures import style
from nanofoam_lib.latent import classify, projection, separation
from nanofoam_lib.report import figure_data

NOTE = "tiles, split by group, seed 0"
MEASURES = ["n_pores", "median_diameter_um", "mean_diameter_um", "density_per_mm2", "spacing_um", "wall_um"]


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
    assert {"a", "b", "c", "μ, train (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}20)"} <= texts(figure)
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
    rows = [("vae", 4, "sigma", "random forest", 0.7), ("vae", 4, "mu", "random forest", 0.5)]
    rows += [("control", 54, "LBP", "random forest", 0.9), ("control", 64, "LBP", "softmax", 0.8)]
    table = pd.DataFrame(rows, columns=["kind", "latent_dim", "descriptor", "classifier", "accuracy"])
    return table.assign(ci_low=table["accuracy"] - 0.1, ci_high=table["accuracy"] + 0.1)


def test_accuracies_stand_with_their_intervals_against_chance(scores):
    axis = figures.accuracies(scores, 1 / 3, NOTE, labels={"vae": "VAE"}).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["VAE 4 σ", "VAE 4 μ", "LBP", "LBP, softmax"]
    bars, points = axis.lines[0:-1:2], axis.lines[1:-1:2]
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], scores[["ci_low", "ci_high"]])
    np.testing.assert_allclose([point.get_xdata()[0] for point in points], scores["accuracy"])
    assert axis.lines[-1].get_xdata()[0] == 1 / 3


def quality():
    """Make a table of how often pictures of two models are told from real ones."""
    table = pd.DataFrame({"features": ["pores", "lbp", "spectrum"] * 2, "accuracy": [0.98, 0.8, 0.5, 0.7, np.nan, 1.0]})
    table = table.assign(name=["VAE 128-d"] * 3 + ["texture VAE 128-d"] * 3)
    return table.assign(ci_low=table["accuracy"] - 0.1, ci_high=np.minimum(table["accuracy"] + 0.1, 1))


def test_pictures_told_from_real_ones_stand_with_their_intervals_against_guessing():
    figure = figures.told_apart(quality(), NOTE)
    (axis,) = figure.axes
    first, second, chance = axis.lines
    np.testing.assert_array_equal(first.get_xdata(), [0.98, 0.8, 0.5])
    np.testing.assert_array_equal(second.get_xdata(), [0.7, np.nan, 1.0])
    assert set(chance.get_xdata()) == {0.5}
    assert (first.get_color(), first.get_marker()) != (second.get_color(), second.get_marker())
    np.testing.assert_allclose(axis.collections[0].get_segments()[0][:, 0], [0.88, 1.0])
    assert {"pores", "local binary patterns", "spectrum", "VAE 128-d", "texture VAE 128-d"} <= texts(figure)
    assert "patrones binarios locales" in texts(figures.told_apart(quality(), NOTE, "es"))
    assert figures.told_apart(quality()[:0], NOTE).axes


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
    assert [text.get_text() for text in axis.texts] == ["0.25", "−0.50", "0.90", "–"]
    assert "porosidad" in texts(figures.predictability(link, ["porosity", "wall_um"], lang="es"))


@pytest.fixture
def layers():
    rows = [
        ("encoder", "images", "input", "", 32, 32, 1),
        ("encoder", "conv_1", "convolution", "3×3", 32, 32, 8),
        ("encoder", "conv_1/relu", "ReLU", "", 32, 32, 8),
        ("encoder", "pool_1", "max pooling", "2×2", 16, 16, 8),
        ("encoder", "features", "convolution", "3×3", 16, 16, 512),
        ("encoder", "flatten", "flatten", "", 1, 1, 131072),
        ("encoder", "mu", "dense", "", 1, 1, 6),
        ("encoder", "log_var", "dense", "", 1, 1, 6),
        ("latent", "z", "sampling", "z = μ + σ ε", 1, 1, 6),
        ("decoder", "spread", "dense", "", 1, 1, 1024),
        ("decoder", "reshape", "reshape", "", 16, 16, 4),
        ("decoder", "conv_1", "convolution", "3×3", 16, 16, 4),
        ("decoder", "up_1", "upsampling", "2×2", 32, 32, 4),
        ("decoder", "logits", "convolution", "3×3", 32, 32, 1),
        ("decoder", "image", "sigmoid", "", 32, 32, 1),
    ]
    return pd.DataFrame(rows, columns=["part", "layer", "kind", "detail", "height", "width", "depth"])


def test_architecture_is_drawn_from_the_layers(layers, textures):
    image = textures[0][0] / 255
    figure = figures.architecture(layers, image, 1 - image, NOTE)
    assert {"encoder", "latent", "decoder", "μ", "log σ²", "z", "512", "16×16", "convolution 3×3", NOTE} <= texts(
        figure
    )
    shown = [drawn.get_array() for drawn in figure.axes[0].images]
    np.testing.assert_array_equal(shown, [image, 1 - image])
    slimmer = layers.assign(depth=layers["depth"].replace(512, 64))
    assert "512" not in texts(figures.architecture(slimmer))
    plain = layers[~layers["layer"].isin(["log_var", "z"])].replace({"mu": "conv"})
    assert {"conv"} <= texts(figures.architecture(plain))
    assert not {"latent", "sampling z = μ + σ ε"} & texts(figures.architecture(plain))


def test_architecture_sizes_follow_the_shapes(layers):
    """The front of each convolution is as high as the root of its height, whatever its place."""
    axes = figures.architecture(layers).axes[0]
    fronts = [p.get_xy() for p in axes.patches if isinstance(p, mpl.patches.Polygon) and len(p.get_xy()) == 5]
    blue = mpl.colors.to_rgba(style.COLOURS[0])
    own = [xy for xy, p in zip(fronts, axes.patches, strict=False) if p.get_facecolor() == blue]
    heights = [np.ptp(xy[:, 1]) for xy in own]
    np.testing.assert_allclose(np.array(heights) / heights[0], [1, 0.5**0.5, 0.5**0.5, 1])
    widths = [np.ptp(xy[:, 0]) for xy in own]
    assert np.argsort(widths)[::-1].tolist() == [1, 0, 2, 3]  # 512, 8, 4, 1 channels


@pytest.fixture
def cam(textures):
    rng = np.random.default_rng(0)
    features, weights = rng.random((4, 4, 6)), rng.normal(size=6)
    return textures[0][0] / 255, figure_data.gradcam(features, weights), rng.normal(size=9), 7


def test_gradcam_scheme_shows_the_pictures_of_its_table(cam):
    image, parts, _, _ = cam
    figure = figures.gradcam_scheme(*cam, NOTE)
    drawn = [np.asarray(shown.get_array()) for shown in figure.axes[0].images]
    pictures = {name: own["value"].to_numpy().reshape(4, 4) for name, own in parts.groupby("picture")}
    np.testing.assert_array_equal(drawn[0], image)
    for values in pictures.values():
        assert any(shown.shape == (4, 4) and np.array_equal(shown, values) for shown in drawn)
    assert {"A, 4×4×6", "128×128", "μ, D = 9", "M = ReLU(Σₖ αₖ Aₖ)"} <= texts(figure)
    first = parts.iloc[0]
    name = first["picture"][1:].translate(str.maketrans("123456", "₁₂₃₄₅₆"))
    assert f"α{name} = {language.fixed(first['weight'], decimals=3)}" in texts(figure)


@pytest.fixture
def flow(textures, points, cam):
    images, labels = textures
    numbers = {"images": 24, "classes": 3, "groups": 24, "side": 128, "train": 18, "test": 6, "epochs": 1000}
    numbers |= {"latent_dim": 512, "active": 128, "dimension": 511, "accuracy": 0.5, "chance": 1 / 3}
    pictures = {
        "micrographs": {label: images[labels == label][0] for label in ("brick", "grass", "gravel")},
        "preprocessing": [images[0]],
        "autoencoder": [images[0] / 255, images[1] / 255],
        "latent vectors": np.arange(-6.0, 6).reshape(3, 4),
        "latent space": points[points["split"] == "test"],
        "classification": np.eye(3),
        "Grad-CAM": (images[0] / 255, np.ones((4, 4))),
        "generation": [images[2] / 255, images[3] / 255],
    }
    return numbers, pictures


def test_workflow_tells_the_numbers_of_the_run(flow):
    english, spanish = figures.workflow(*flow, NOTE), figures.workflow(*flow, NOTE, "es")
    assert {"24 images, 3 classes\n24 groups", "accuracy 0.50, guessing 0.33\nrandom forest on σ"} <= texts(english)
    assert {"24 imágenes, 3 clases\n24 probetas", "exactitud 0,50, azar 0,33\nbosque aleatorio, σ"} <= texts(spanish)
    scattered = [own for own in english.axes[0].collections if isinstance(own, mpl.collections.PathCollection)]
    assert sum(len(own.get_offsets()) for own in scattered) == 20
    frames = [p.get_edgecolor() for p in english.axes[0].patches if p.get_linewidth() == 1.5]
    assert frames == [mpl.colors.to_rgba(colour) for colour in style.COLOURS[:3]]


@pytest.fixture
def example(clouds):
    vectors, labels = clouds
    return figure_data.pca_example(vectors, labels, (1, 3))


def test_pca_example_draws_points_and_axes(example):
    before, after = figures.pca_example(example, (1, 3), NOTE).axes
    images, axes = (example[example["kind"] == kind] for kind in ("image", "axis"))
    np.testing.assert_allclose(before.collections[0].get_offsets(), images[["x", "y"]])
    np.testing.assert_allclose(after.collections[0].get_offsets(), images[["pc1", "pc2"]])
    arrows = [text for text in before.texts if text.arrow_patch]
    np.testing.assert_allclose([arrow.xy for arrow in arrows], axes[["x", "y"]].to_numpy() + axes[["dx", "dy"]])
    np.testing.assert_allclose([arrow.get_position() for arrow in arrows], axes[["x", "y"]])
    assert (before.get_xlabel(), before.get_title(loc="left"), after.get_title(loc="left")) == (
        "μ, dimension 1",
        "a",
        "b",
    )


@pytest.fixture
def draws(clouds):
    return figure_data.reparametrisation(clouds[0], np.full((60, 4), 0.5), 3, (0, 2))


def test_reparametrisation_draws_noise_and_where_it_leads(draws):
    noise, latent = figures.reparametrisation(draws, (0, 2), NOTE).axes
    own = draws[draws["kind"] == "draw"]
    np.testing.assert_allclose(noise.collections[0].get_offsets(), own[["e_x", "e_y"]])
    np.testing.assert_allclose(latent.collections[1].get_offsets(), own[["x", "y"]])
    image = draws[draws["kind"] == "image"].iloc[0]
    assert [ellipse.width for ellipse in latent.patches] == [2 * image["sigma_x"], 4 * image["sigma_x"]]
    np.testing.assert_allclose([ellipse.center for ellipse in latent.patches], [image[["x", "y"]].tolist()] * 2)


@pytest.fixture
def pairs(points):
    return figure_data.wss_bss(points, ("a", "c"), n=4)


def test_wss_bss_scheme_draws_each_distance_and_their_means(pairs):
    within, between = figures.wss_bss_scheme(pairs, ["a", "b", "c"], NOTE).axes
    lines = np.concatenate([own.get_segments() for own in (*within.collections[:2], between.collections[0])])
    np.testing.assert_allclose(lines.reshape(-1, 4), pairs[["x", "y", "to_x", "to_y"]])
    means = pairs.groupby(["class_a", "class_b"])["distance"].mean()
    assert within.get_title() == f"WSS a = {means['a', 'a']:.2f}\nWSS c = {means['c', 'c']:.2f}"
    assert between.get_title() == f"BSS = {means['a', 'c']:.2f}"
    colours = {mpl.colors.to_hex(colour) for colour in within.collections[2].get_facecolors()}
    assert colours == {style.COLOURS[0].lower(), style.COLOURS[2].lower()}  # c keeps its colour without b


@pytest.fixture
def table():
    rows = [(kind, size, name) for kind, size, name in (("vae", 64, "mu"), ("vae", 64, "sigma"), ("ae", 64, "conv"))]
    rows = [(*row, c, p) for p in ("by-group", "thesis (leaky)") for row in rows for c in ("KNN", "random forest")]
    made = pd.DataFrame(rows, columns=["kind", "latent_dim", "descriptor", "classifier", "protocol"])
    made["accuracy"] = np.linspace(0.3, 0.9, len(made))
    made = made.assign(ci_low=made["accuracy"] - 0.1, ci_high=made["accuracy"] + 0.1)
    return made.assign(best=made["accuracy"] == made.groupby("protocol")["accuracy"].transform("max"))


@pytest.mark.parametrize("width_cm", [8, 16])
def test_the_table_shows_every_value_and_the_best_in_bold(table, width_cm):
    figure = figures.score_table(table, NOTE, labels={"vae": "VAE", "ae": "AE"}, width_cm=width_cm)
    assert {
        "VAE 64 σ",
        "AE 64 conv",
        "split by group",
        "the thesis's split after augmentation (leaky)",
        "KNN",
    } <= texts(figure)
    assert {f"{value:.2f}" for value in table["accuracy"]} <= texts(figure)
    assert {f"{row.ci_low:.2f}–{row.ci_high:.2f}" for row in table.itertuples()} <= texts(figure)
    bold = {text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"}
    assert bold == {f"{value:.2f}" for value in table.loc[table["best"], "accuracy"]}
    assert len(bold) == 2  # one for each protocol
    by_text = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert by_text["0.30"][1] > by_text["0.35"][1] - 1e-9  # rows from top to bottom
    spanish = texts(figures.score_table(table, NOTE, "es", width_cm=width_cm))
    assert "0,30" in spanish
    assert "bosque\naleatorio" in spanish or "bosque aleatorio" in spanish


@pytest.fixture
def controls():
    """Every classifier and a network's own decisions, on controls of long names."""
    names = ["rasgos promediados sin entrenar", "μ del VAE de texturas sin entrenar", "dispersión + LBP multiescala"]
    rows = list(itertools.product(names, [*classify.CLASSIFIERS, "softmax"]))
    made = pd.DataFrame(rows, columns=["descriptor", "classifier"]).assign(kind="control", latent_dim=128)
    return made.assign(protocol="by-group", accuracy=0.25, ci_low=0.75, ci_high=1.0, best=True)


@pytest.fixture
def every_figure(
    textures, history, points, clouds, scores, confusions, layers, cam, flow, example, draws, pairs, table, controls
):
    """Name of each figure → its function and arguments."""
    images, labels = drawings(textures)
    named = confusions.replace({"a": "network", "b": "pearlite", "c": "spheroidite"})
    rng = np.random.default_rng(0)
    names = [*style.names(scores, "es"), "rasgos promediados sin entrenar", "media y desviación del gris"]
    every_measure = pd.DataFrame({"name": names} | {name: rng.normal(size=len(names)) for name in MEASURES})
    confusions = pd.concat([named.assign(title=f"vae-{size} μ") for size in (64, 128, 256, 512)])
    maps = rng.random((3, 4, 4, 2))
    plane = points[points["descriptor"] == points["descriptor"].iloc[0]].assign(selected=False, porosity=0.5)
    where, seen = (("PC1 (24%)", "PC2 (7%)"), np.eye(2)), {f"micrograph\n{i}": maps[0, ..., 0] for i in range(3)}
    mix = pd.Series({"brick": 0.25, "a class with a long name": 0.75})
    return {
        "micrographs": (figures.micrographs, images, labels, np.full((6, 2), 2.0)),
        "unknown_size": (figures.micrographs, images, labels, np.full((6, 2), np.nan)),
        "training": (figures.training, history),
        "reconstructions": (figures.reconstructions, images, {"vae-128": images / 255}, labels),
        "projection": (figures.projection, points),
        "distances": (figures.distances, separation.histograms(*clouds)),
        "accuracies": (figures.accuracies, scores, 1 / 3),
        "told_apart": (figures.told_apart, quality()),
        "confusion": (figures.confusion, confusions),
        "predictability": (figures.predictability, every_measure, MEASURES),
        "architecture": (figures.architecture, layers, images[0] / 255, images[1] / 255),
        "gradcam_scheme": (figures.gradcam_scheme, *cam),
        "workflow": (figures.workflow, *flow),
        "pca_example": (figures.pca_example, example, (1, 3)),
        "reparametrisation": (figures.reparametrisation, draws, (0, 2)),
        "wss_bss_scheme": (figures.wss_bss_scheme, pairs, ["a", "b", "c"]),
        "score_table": (figures.score_table, table),
        "controls_table": (figures.score_table, controls),
        "gradcam": (figures.gradcam, images[:3], images[:3] / 255, maps, maps.mean(axis=-1), [3, 127]),
        "gradcam_average": (figures.gradcam_average, maps, ["brick", "grass", "gravel"], [127]),
        "explorer": (
            figures.explorer,
            plane,
            "label",
            *where,
            seen,
            {f"dimension {i}": maps[0, ..., 0] for i in range(4)},
            mix,
        ),
        "explorer_region": (figures.explorer, plane, "porosity", *where, seen, {}, mix),
        "class_maps": (figures.class_maps, images[:3], labels[:3], maps - 0.5, maps, ["brick", "gravel"]),
    }


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width_cm", [8, 16])
def test_every_text_can_be_read(every_figure, lang, width_cm):
    for draw, *arrays in every_figure.values():
        figure = draw(*arrays, f"{NOTE}, VAE 128-d, test", lang, width_cm=width_cm)
        assert figure.get_size_inches()[0] == pytest.approx(width_cm / 2.54)
        assert_readable(figure)


@pytest.mark.parametrize("odd", ["$x_{$", "$a$", r"\frac{", "100 $", "a_b^c"])
def test_the_names_of_classes_are_drawn_as_they_are_and_never_taken_for_formulas(textures, clouds, points, odd):
    images, labels = textures
    labels = np.where(labels == "brick", odd, labels)
    vectors, clusters = clouds
    histograms = separation.histograms(vectors, np.where(clusters == "a", odd, clusters))
    for figure in (
        figures.micrographs(*drawings((images, labels)), np.full((6, 2), 2.0), odd),
        figures.projection(points.replace({"a": odd}), odd),
        figures.distances(histograms, odd),
    ):
        figure.canvas.draw()
        named = [text for text in figure.findobj(mpl.text.Text) if odd in " ".join(text.get_text().split())]
        assert named
        assert not any(text.get_parse_math() for text in named)


def test_the_check_of_the_layout_finds_what_it_is_for():
    figure, axes = mpl.pyplot.subplots(figsize=(3, 3))
    mpl.pyplot.close(figure)
    axes.text(0.5, 0.5, "first")
    assert_readable(figure)
    second = axes.text(0.52, 0.5, "second")
    with pytest.raises(AssertionError, match="first"):
        assert_readable(figure)
    second.set_position((1.0, 0.8))
    with pytest.raises(AssertionError, match="second"):
        assert_readable(figure)
    second.set(position=(0.2, 0.8), fontsize=5.5)
    with pytest.raises(AssertionError, match=r"5\.5"):
        assert_readable(figure)


def test_spanish_ticks_have_a_decimal_comma(scores):
    figure = figures.accuracies(scores, 1 / 3, NOTE, "es")
    written = [text for text, _ in visible_texts(figure)]
    assert "0,25" in written or "0,2" in written
    assert not [text for text in written if text.replace(".", "", 1).isdigit() and "." in text]


def test_save_writes_vector_raster_and_numbers(tmp_path, points):
    style.save(figures.projection(points, NOTE), tmp_path / "f" / "pca", points)
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["pca.csv", "pca.pdf", "pca.png"]
    with Image.open(tmp_path / "f" / "pca.png") as image:
        assert image.width == pytest.approx(style.WIDTH_CM / 2.54 * 300, abs=2)
    content = (tmp_path / "f" / "pca.pdf").read_bytes()
    assert b"/FontFile2" in content  # embedded as TrueType
    assert b"/Type3" not in content
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "f" / "pca.csv"), points)


def test_pictures_are_small_and_no_eye_can_tell(tmp_path, textures):
    images, labels = drawings(textures)
    figure = style.save(figures.micrographs(images, labels, np.full((6, 2), 2.0), NOTE), tmp_path / "a", pd.DataFrame())
    figure.savefig(tmp_path / "b.png", dpi=300)
    with Image.open(tmp_path / "a.png") as small, Image.open(tmp_path / "b.png") as full:
        assert small.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        error = np.asarray(small.convert("RGB"), float) - np.asarray(full.convert("RGB"), float)
        white = (np.asarray(full.convert("RGB")) == 255).all(axis=-1)
    assert np.sqrt(np.square(error).mean()) <= 2
    assert not error[white].any()
    assert (tmp_path / "a.png").stat().st_size < 0.6 * (tmp_path / "b.png").stat().st_size


def test_the_same_figure_has_the_same_bytes(tmp_path, history):
    for name in "ab":
        style.save(figures.training(history, NOTE), tmp_path / name, history)
    for suffix in (".pdf", ".png", ".csv"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
