import io

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import discs
from PIL import Image

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import pore_choices, pore_folder, pore_study, pore_tables, preprocessing, sources
from nanofoam_lib.lab import pore_panel, pore_trial

pytestmark = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "foams"
    for name, radius in (("a/0.png", 10), ("a/1.png", 11), ("b/0.png", 14), ("b/1.png", 13)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(discs(radius)).save(place / name)
    rows = [("a/0.png", "s1", 2.0), ("a/1.png", "s2", 2.0), ("b/0.png", "s3", 2.0), ("b/1.png", "s4", 2.0)]
    pd.DataFrame(rows, columns=["path", "group", "pixel_size_um"]).to_csv(place / "metadata.csv", index=False)
    return place


@pytest.fixture
def trial(folder):
    return pore_trial.of_folder(folder, crop=0.0)


def test_what_is_seen_is_what_is_measured(trial, folder, tmp_path):
    measured = pore_folder.measure(folder, tmp_path / "out", pore_study.Request(crop=0.0), n_jobs=1)
    for number, row in enumerate(measured.itertuples()):
        trial.look(number)
        assert trial.path == row.path and trial.study.row["n_pores"] == row.n_pores == 20
        assert np.median(trial.diameters()) == pytest.approx(row.median_diameter_um)
    assert "20" in trial.summary() and "Dark phase" in trial.summary() and "Fase oscura" in trial.summary("es")
    assert trial.overlay().shape == (160, 200, 3)


def test_why_a_picture_is_doubtful_is_told_as_the_verdict_has_it(folder):
    noise = np.random.default_rng(0).integers(0, 256, (160, 200), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "a/0.png")
    trial = pore_trial.of_folder(folder, crop=0.0)
    reasons = trial.study.row["reasons"].split("; ")
    assert reasons and all(reason in trial.summary() for reason in reasons)
    told = trial.summary("es")
    assert "Dudosa" in told and not any(reason in told for reason in reasons)
    assert told.rpartition("Dudosa")[2].count("; ") == len(reasons) - 1


def test_a_higher_threshold_moves_the_outlines_and_small_pores_can_be_left_out(trial):
    trial.look(0)
    sizes = []
    for level in (0.3, 0.5, 0.7):
        trial.ask(level=level)
        sizes.append(np.median(trial.diameters()))
    assert sizes[0] != sizes[1] != sizes[2] and (sizes[0] < sizes[1]) == (sizes[1] < sizes[2])
    trial.ask(smallest_um=2 * sizes[2])
    assert not len(trial.diameters()) and trial.request.level == 0.7  # what was asked before still holds


def test_choices_go_into_the_file_that_pores_and_run_obey(trial, folder, tmp_path):
    trial.look(2)
    trial.ask(method="bright", level=0.4)
    assert trial.use_for(pore_choices.CLASSES) == folder / "pores.yaml"
    written = {"method": "bright", "level": 0.4, "smallest_um": 0.0}
    assert yaml.safe_load((folder / "pores.yaml").read_text()) == {"classes": {"b": written}}
    measured = pore_folder.measure(folder, tmp_path / "out", pore_study.Request(crop=0.0), n_jobs=1)
    assert measured["method"].tolist() == ["dark", "dark", "bright", "bright"]
    assert measured["n_pores"][2] == trial.study.row["n_pores"]
    again = pore_trial.of_folder(folder, crop=0.0)
    again.look(2)
    assert again.request == trial.request
    again.ask(method="auto", level=0.5)
    again.use_for(pore_choices.PICTURES)  # back to what holds without the file, although its class says otherwise
    assert pore_choices.request_for(pore_choices.read(folder), "b/0.png", trial.base) == trial.base
    trial.use_for(pore_choices.ALL)
    assert yaml.safe_load((folder / "pores.yaml").read_text()) == {"all": written}


def test_in_a_flat_folder_a_picture_is_no_class_and_the_class_is_all(folder, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for i, path in enumerate(sorted(folder.glob("*/*.png"))):
        path.rename(flat / f"{i}.png")
    known = pd.DataFrame({"path": ["0.png", "1.png"], "label": "flat", "pixel_size_um": 2.0})
    trial = pore_trial.Trial(
        flat, known, [sources.of(flat / name) for name in known["path"]], pore_study.Request(crop=0)
    )
    trial.ask(level=0.4)
    trial.use_for(pore_choices.PICTURES)
    assert list(pore_choices.read(flat)["pictures"]) == ["0.png"]
    trial.use_for(pore_choices.CLASSES)
    assert pore_choices.read(flat)["all"]["level"] == 0.4


def test_a_run_s_micrographs_are_read_as_the_run_read_them(folder, tmp_path):
    run = Run(tmp_path / "run")
    run.images.parent.mkdir(parents=True)
    index, _ = preprocessing.process(folder, run.images, crop=0.1, um_per_pixel=None)
    files.write_csv(run.index, index.assign(split="train"))
    data = {"name": "foams", "folder": str(folder)}
    files.write_json(run.manifest, {"data": data, "parameters": {"crop": 0.1, "pores": "dark"}, "seed": 0})
    trial = pore_trial.of_run(run)
    found = pore_tables.measure(folder, index, method="dark", crop=0.1, n_jobs=1).pictures
    for number in range(4):
        trial.look(number)
        assert trial.study.row["n_pores"] == found["n_pores"][number]
        assert trial.study.row["porosity"] == pytest.approx(found["porosity"][number])


def test_pores_of_synthetic_foams_are_shown_and_not_chosen(folder, tmp_path):
    run = Run(tmp_path / "run")
    run.synthetic.parent.mkdir(parents=True)
    folder.rename(run.synthetic)
    index, _ = preprocessing.process(run.synthetic, run.images, um_per_pixel=None)
    files.write_csv(run.index, index.assign(split="train"))
    files.write_json(run.manifest, {"data": {"name": "synthetic foam", "folder": None}, "parameters": {}, "seed": 0})
    with pytest.raises(DataError, match="synthetic"):
        pore_trial.of_run(run).use_for(pore_choices.ALL)
    assert not (run.synthetic / "pores.yaml").exists()


def test_the_controls_ask_and_show_and_an_error_leaves_what_was_there(trial, folder):
    panel = pore_panel.Panel(trial)
    before = panel.overlay.value
    panel.level.value = 0.8
    assert trial.request.level == 0.8 and panel.overlay.value != before
    panel.method.value = "masks"  # there are none
    assert "has no mask" in panel.status.value
    assert trial.request.method == "auto" == panel.method.value
    panel.number.value = 2
    assert trial.path == "b/0.png" and panel.picture.value == 2 and panel.level.value == 0.5
    panel.smallest.value = 1.0
    panel.keep[2].click()
    assert yaml.safe_load((folder / "pores.yaml").read_text())["all"]["smallest_um"] == 1.0
    histogram = np.asarray(Image.open(io.BytesIO(panel.histogram.value)).convert("RGB"))
    assert len(np.unique(histogram.reshape(-1, 3), axis=0)) > 3


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path):
    shown = pore_panel.show(tmp_path / "nowhere")
    assert "nowhere" in shown.value and "\n" not in shown.value
