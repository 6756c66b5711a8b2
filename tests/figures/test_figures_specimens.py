import numpy as np
import pandas as pd
import pytest
from layout import assert_readable
from matplotlib.collections import LineCollection, PathCollection

from nanofoam_lib import figures
from nanofoam_lib.figures import specimens
from nanofoam_lib.latent import property_axes


@pytest.fixture
def predicted():
    rng = np.random.default_rng(0)
    parts = []
    for kind, name in (("vae", "sigma"), ("texture", "mu")):
        for target, unit, scale in (("modulus_gpa", "GPa", 30.0), ("uptake_mg_g", "mg/g", 0.2)):
            y = scale * rng.uniform(1, 2, 24)
            own = {"target": target, "unit": unit, "kind": kind, "latent_dim": 8, "descriptor": name, "r2": 0.125}
            found = y + 0.1 * scale * rng.normal(size=24)
            limits = {"low": found - scale / 4, "high": found + scale / 4}
            labels = np.resize(["brick", "grass"], 24)
            parts.append(pd.DataFrame(own | {"label": labels, "measured": y, "predicted": found} | limits))
    return pd.concat(parts, ignore_index=True)


def test_each_specimen_stands_at_its_values_with_its_interval(predicted):
    figure = figures.properties(predicted, "tiles", {"vae": "VAE"})
    panels = [axis for axis in figure.axes if axis.collections]
    assert len(panels) == 4
    for axis, (_, own) in zip(panels, predicted.groupby(["kind", "target"], sort=False), strict=True):
        (points,) = (part for part in axis.collections if isinstance(part, PathCollection))
        np.testing.assert_allclose(points.get_offsets(), own[["measured", "predicted"]])
        bars = [line for part in axis.collections if isinstance(part, LineCollection) for line in part.get_segments()]
        drawn = sorted((x, low, high) for (x, low), (_, high) in bars)
        np.testing.assert_allclose(drawn, sorted(own[["measured", "low", "high"]].itertuples(index=False)))
    assert panels[0].get_title() == "modulus (GPa)\nVAE 8 σ, R²\N{NO-BREAK SPACE}0.12"


def test_a_name_that_no_word_is_known_for_keeps_its_unit():
    assert specimens.titled("uptake_mg_g", "mg/g", "es") == "uptake_mg_g (mg/g)"
    assert specimens.titled("hardness", np.nan) == "hardness"


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width_cm", [8.0, 16.0])
def test_every_text_can_be_read(predicted, lang, width_cm):
    assert_readable(figures.properties(predicted, "tiles, split by group, seed 0", lang=lang, width_cm=width_cm))
    nothing = figures.properties(predicted.iloc[:0], "tiles", lang=lang, width_cm=width_cm)
    assert_readable(nothing)


def test_without_a_property_the_walks_say_so():
    nothing = pd.DataFrame(columns=property_axes.WALKED)
    assert_readable(figures.property_walks(nothing, np.zeros((0, 9, 9), np.uint8), MEASURES, "tiles"))


def test_an_interval_without_end_is_no_harm(predicted):
    figures.properties(predicted.assign(low=-np.inf, high=np.inf), "tiles").canvas.draw()


def walks_of():
    """Make ways of seven steps for two properties, and their pictures."""
    steps = np.tile(np.linspace(1, 2, 7), 2)
    table = pd.DataFrame(
        {"target": np.repeat(["modulus_gpa", "uptake_mg_g"], 7), "unit": np.repeat(["GPa", "mg/g"], 7),
         "step": steps * np.repeat([40, 1], 7), "extrapolation": np.arange(14) == 13, "median_diameter_um": 30 * steps,
         "density_per_mm2": 900 / steps, "porosity": 0.4}
    )  # fmt: skip
    return table, np.random.default_rng(0).integers(256, size=(14, 32, 32), dtype=np.uint8)


MEASURES = ("median_diameter_um", "density_per_mm2", "porosity")


def test_a_way_shows_values_above_and_pores_below_each_picture():
    table, pictures = walks_of()
    axes = figures.property_walks(table, pictures, MEASURES, "tiles").axes
    shown = [axis for axis in axes if axis.get_images()]
    assert len(shown) == 14
    assert [axis.get_title() for axis in shown[:2]] == ["40.0", "46.7"] and shown[7].get_title() == "1.00"
    assert shown[0].get_xlabel() == "30\n900\n0.4" and shown[13].get_xlabel().endswith("extrapolation")
    np.testing.assert_array_equal(shown[9].get_images()[0].get_array(), pictures[9])


def maps_of():
    rng = np.random.default_rng(0)
    return {
        "targets": np.array(["modulus_gpa", "uptake_mg_g"]), "measured": rng.uniform(1, 9, (2, 3)),
        "predicted": rng.uniform(1, 9, (2, 3)), "images": rng.integers(256, size=(2, 3, 32, 32), dtype=np.uint8),
        "maps": rng.normal(size=(2, 3, 8, 8)),
    }  # fmt: skip


def test_a_map_of_a_property_has_its_own_symmetric_scale():
    drawing = maps_of()
    drawing["maps"][1] *= 100
    axes = figures.property_maps(**drawing).axes
    over = [axis.get_images()[1] for axis in axes if len(axis.get_images()) == 2]
    assert len(over) == 6
    for image, limit in zip(over, np.abs(drawing["maps"]).max(axis=(1, 2, 3)).repeat(3), strict=True):
        assert image.get_clim() == (-limit, limit)


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width_cm", [8.0, 16.0])
def test_every_text_of_ways_and_maps_can_be_read(lang, width_cm):
    look = {"note": "tiles, split by group, seed 0", "lang": lang, "width_cm": width_cm}
    assert_readable(figures.property_walks(*walks_of(), MEASURES, **look))
    assert_readable(figures.property_maps(**maps_of(), **look))
    assert_readable(figures.property_maps(**{name: part[:0] for name, part in maps_of().items()}, **look))
