"""Images without pores: no measure to order by, no number to write, and still every table, figure and sentence."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import write_run

from nanofoam_lib.base import files
from nanofoam_lib.latent import fulfilment, inverse_design
from nanofoam_lib.models import generation, vae
from nanofoam_lib.report import findings, run_figures
from nanofoam_lib.report.findings import phrases


@pytest.fixture(scope="module")
def without_pores(tmp_path_factory):
    """Give a run folder as 05_generate leaves it, of micrographs in which nothing was found: counts of 0, no sizes."""
    run = write_run(tmp_path_factory.mktemp("reports") / "run")
    images, index = run.load_images(), run.load_index()
    measures = pd.DataFrame(np.nan, index.index, [*inverse_design.MEASURES, "circularity", "n_pores"])
    measures = measures.assign(**{name: 0.0 for name in ("n_pores", "density_per_mm2", "porosity") if name in measures})
    files.write_csv(run.pores, measures)
    mu = files.read_npz(run.descriptors("vae", 4))["mu"]
    study = generation.study(vae.load(run.model("vae", 4)), mu, images, index, measures, [0, 1])
    for name, table in (("generated", study.generated), ("design", study.ordered), ("latent_map", study.points)):
        files.write_csv(run.table(name), table)
    files.write_npz(run.drawing("generated"), pictures=study.pictures)
    files.write_csv(run.table("models"), pd.DataFrame({"kind": ["vae"], "latent_dim": 4, "has_skill": False}))
    return run


def test_every_figure_of_new_foams_is_drawn(without_pores):
    book = run_figures.Book(without_pores, "walls", [4], ["vae"], 0)
    drawn = {name: figure for name, figure, _ in run_figures.generated(book)}
    assert {"latent_map", "traversals", "interpolation", "samples", "designs", "wanted_got"} <= set(drawn)
    texts = [text.get_text() for figure in drawn.values() for text in figure.findobj(plt.Text)]
    assert not [text for text in texts if re.search(r"\b(nan|inf)\b", text)]


def test_the_sentences_say_so_and_hold_no_number_that_is_none(without_pores):
    ordered = files.read_csv(without_pores.table("design"))
    points = files.read_csv(without_pores.table("latent_map"))
    said = [findings.design(fulfilment.summarise(ordered))]
    measures, groups = files.read_csv(without_pores.pores), without_pores.load_index()["group"]
    said.append(findings.latent_map(points, measures, inverse_design.MEASURES, groups))
    said.append(findings.generated(files.read_csv(without_pores.table("generated"))))
    assert said[0] == "No pore measure is known to order by."
    assert not re.search(r"\b(nan|inf)\b", " ".join(said))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, None, pd.NA])
def test_what_is_no_number_is_a_dash_in_sentences(value):
    assert phrases.num(value) == phrases.percent(value) == "–"
