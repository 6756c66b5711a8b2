import numpy as np
import pandas as pd
import pytest
from layout import assert_readable
from matplotlib.collections import LineCollection, PathCollection

from nanofoam_lib import figures
from nanofoam_lib.figures import specimens


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
    assert panels[0].get_title() == "modulus (GPa)\nVAE 8 σ, R² 0.12"


def test_a_name_that_no_word_is_known_for_keeps_its_unit():
    assert specimens.titled("uptake_mg_g", "mg/g", "es") == "uptake_mg_g (mg/g)"
    assert specimens.titled("hardness", np.nan) == "hardness"


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width_cm", [8.0, 16.0])
def test_every_text_can_be_read(predicted, lang, width_cm):
    assert_readable(figures.properties(predicted, "tiles, split by group, seed 0", lang=lang, width_cm=width_cm))
    nothing = figures.properties(predicted.iloc[:0], "tiles", lang=lang, width_cm=width_cm)
    assert_readable(nothing)


def test_an_interval_without_end_is_no_harm(predicted):
    figures.properties(predicted.assign(low=-np.inf, high=np.inf), "tiles").canvas.draw()
