"""Pores that cannot be believed, of a class or of all: missing measures go through the chain, and nothing is said."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import HOSTILE, write_run

from nanofoam_lib import figures
from nanofoam_lib.base import files
from nanofoam_lib.images import pore_tables
from nanofoam_lib.latent import decode_plan, fulfilment, inverse_design, pore_prediction
from nanofoam_lib.models import generation, objective, vae
from nanofoam_lib.report import findings, run_figures

NO_NUMBER = re.compile(r"\b(nan|inf)\b")


@pytest.fixture(scope="module", params=["a class", "all"])
def doubted(request, tmp_path_factory):
    """Give a run of whose micrographs one class, or all, are doubtful: measures as `pore_tables` leaves them."""
    run = write_run(tmp_path_factory.mktemp("reports") / "run")
    index = run.load_index()
    rng = np.random.default_rng(0)
    measures = pd.DataFrame(
        rng.uniform(0.1, 0.9, (len(index), len(pore_tables.MEASURES))), columns=pore_tables.MEASURES
    )
    measures[np.ones(len(index), bool) if request.param == "all" else index["label"] == HOSTILE] = np.nan
    files.write_csv(run.pores, measures)
    files.write_csv(run.table("models"), pd.DataFrame({"kind": ["vae"], "latent_dim": 4, "has_skill": False}))
    return run, measures


def test_descriptors_and_dimensions_are_tied_to_what_is_known(doubted):
    run, measures = doubted
    index, latents = run.load_index(), files.read_npz(run.descriptors("vae", 4))
    named = {("vae", 4, name): latents[name] for name in ("mu", "sigma", "z")}
    link = pore_prediction.summarise(named, measures, index)
    usage = objective.usage_of_all(named, index["split"] == "train")
    identity = pore_prediction.identify(named, usage, measures, index)
    assert len(identity) == 4
    assert not NO_NUMBER.search(findings.geometry(link, identity))
    r2 = link[link["row"] == "r2"]
    known = measures.notna().any()
    assert r2[[name for name in known.index if not known[name]]].isna().all().all()
    drawn = figures.predictability(r2.assign(name="μ"), measures, "")
    assert not [text for text in drawn.findobj(plt.Text) if NO_NUMBER.search(text.get_text())]


def test_new_foams_are_made_drawn_and_told_of(doubted):
    run, measures = doubted
    images, index = run.load_images(), run.load_index()
    mu = files.read_npz(run.descriptors("vae", 4))["mu"]
    study = generation.study(vae.load(run.model("vae", 4)), mu, images, index, measures, [0, 1])
    for name, table in (("generated", study.generated), ("design", study.ordered), ("latent_map", study.points)):
        files.write_csv(run.table(name), table)
    files.write_npz(run.drawing("generated"), pictures=study.pictures)
    between = decode_plan.beside_real(study.generated.query("what == 'interpolation'"), measures, index["label"])
    plt.close(figures.interpolation(between, study.pictures, inverse_design.MEASURES, ""))
    book = run_figures.Book(run, "walls", [4], ["vae"], 0)
    drawn = {name: figure for name, figure, _ in run_figures.generated(book)}
    assert {"latent_map", "interpolation", "samples", "designs", "wanted_got"} <= set(drawn)
    texts = [text.get_text() for figure in drawn.values() for text in figure.findobj(plt.Text)]
    assert not [text for text in texts if NO_NUMBER.search(text)]
    said = [findings.design(fulfilment.summarise(study.ordered)), findings.generated(study.generated)]
    said.append(findings.latent_map(study.points, measures, inverse_design.MEASURES, index["group"]))
    assert not NO_NUMBER.search(" ".join(said))
