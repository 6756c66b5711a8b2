import ast
import html
import json
import os
import re
import shutil
import subprocess
import sys

import chains
import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import write_tiles
from spanish import english_in

from nanofoam_lib.base import files, provenance
from nanofoam_lib.base.errors import DataError, RunWarning, StepError, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.explain import inspection
from nanofoam_lib.images import micrographs, synthetic_folder
from nanofoam_lib.lab import explore
from nanofoam_lib.latent import binary_patterns, classify
from nanofoam_lib.models import descriptors, kinds, vae
from nanofoam_lib.report import claims, html_report, latex_tables, tables
from nanofoam_lib.runs import execution, pipeline, step_groups

#: Every option that costs little, at once: the demo's own values are those that the notebooks are tested with.
ASKED = {
    "filters": [4, 4, 4, 4], "decoder_filters": [4, 4, 4], "latent_dims": [3], "epochs": 1, "batch_size": 4,
    "protocol": "thesis", "seeds": [0, 5], "backbones": ["random-VGG16"],
}  # fmt: skip


#: What classes may be called: a number, a word for nothing, and 100 characters that mean much to HTML, LaTeX, Python.
NUMBER, NOTHING, HOSTILE = "020", "NA", ("Ní\"q'u%e&l_$x_{$ <b>#{0}~^ " + 100 * "long ").strip()[:100]
CLASSES = {"brick": NUMBER, "grass": NOTHING, "gravel": HOSTILE}


@pytest.fixture(scope="module")
def tiles_folder(tmp_path_factory):
    folder = write_tiles(tmp_path_factory.mktemp("data") / "tiles", per_class=5)
    for name, label in CLASSES.items():
        (folder / name).rename(folder / label)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiles_folder):
    """Run the whole chain once, in Spanish, on real photographs of unknown pixel size and classes of hostile names."""
    out = tmp_path_factory.mktemp("reports") / "tiles"
    return pipeline.run(out, "demo", tiles_folder, ASKED, lang="es")


@pytest.fixture
def copy(finished, tmp_path):
    return Run(shutil.copytree(finished.folder, tmp_path / "copy"))


def never(*_, **__):
    raise AssertionError("a notebook was executed")


@pytest.fixture
def executed(monkeypatch):
    """Replace the execution of notebooks by a list of their names."""
    names = []

    def record(notebook, target, values, on_progress, without=None, kernel=None):
        shutil.copy(notebook, target)
        names.append(notebook.stem)
        return []

    monkeypatch.setattr(pipeline.execution, "execute", record)
    monkeypatch.setattr(pipeline, "_finish", lambda *_: None)  # a report of nothing
    return names


def test_the_run_folder_is_that_of_the_contract(finished):
    files = {path.relative_to(finished.folder).as_posix() for path in finished.folder.rglob("*") if path.is_file()}
    figures = (
        "micrographs_raw", "micrographs_processed", "training", "reconstructions", "pca", "lda", "distances",
        "controls", "confusion", "geometry", "architecture", "workflow", "gradcam_scheme", "pca_example",
        "reparametrisation", "wss_bss_scheme", "table1", "controls_table", "gradcam_cells",
        *(f"gradcam_{name}" for name in Run.class_names(CLASSES.values()).values()),
        "gradcam_average", "gradcam_checks", "class_maps", "latent_map",
        "latent_grid", "traversals", "interpolation", "samples", "designs", "wanted_got", "traversals_texture",
        "wanted_got_texture", "large_foams", "texture_maps", "generated_quality",
    )  # fmt: skip
    tables = ("table1", "controls", "separation", "dimensions", "geometry", "models", "confusion", "seeds",
              "generated_quality")  # fmt: skip
    expected = {
        "manifest.json", "index.html", "thesis.tex", "data/images.npy", "data/index.csv", "data/pores.csv",
        "data/detail.npy",
        *(f"tables/{name}.{suffix}" for name in tables for suffix in ("csv", "tex")),
        *(f"descriptors/{kind}-3.{suffix}" for kind in kinds.KINDS for suffix in ("npz", "csv")),
        *(f"models/{kind}-3/{name}" for kind in kinds.KINDS
          for name in ("config.json", "encoder.keras", "decoder.keras", "history.csv")),
        *(f"figures/{name}.{suffix}" for name in figures for suffix in ("pdf", "png", "csv")),
        *(f"notebooks/{step.name}.ipynb" for step in pipeline.find_steps()),
    }  # fmt: skip
    assert expected <= files
    assert not [name for name in files if ".tmp-" in name]


def test_what_notebooks_find_is_said_in_the_language_of_the_run(finished):
    said = {step.name: "\n".join(markdown_in(finished.notebook(step.name))) for step in pipeline.find_steps()}
    assert all(said.values())
    hostile = {part for name in CLASSES.values() for part in (name, html.escape(name, quote=False))}
    for step, text in said.items():
        for name in hostile:
            text = text.replace(name, "")
        assert english_in(text) == [], step


def markdown_in(notebook):
    """Give what the cells of an executed notebook show as Markdown."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            yield from [output["data"]["text/markdown"]] if "text/markdown" in output.get("data", {}) else []


def test_the_index_matches_the_images_and_the_files(finished, tiles_folder):
    images, index = np.load(finished.images, allow_pickle=False), files.read_csv(finished.index)
    columns = ["id", "path", "label", "group", "split", "width", "height", "um_x", "um_y", "sha256"]
    assert list(index.columns[:10]) == columns
    assert images.shape == (15, 128, 128)
    assert images.dtype == np.uint8
    assert set(index["split"]) == {"train", "test"}
    for row in index.itertuples():
        assert row.sha256 == provenance.hash_file(tiles_folder / row.path)


def test_descriptors_are_those_of_the_saved_models(finished):
    images = np.load(finished.images)
    drawn = ["mu", "sigma", "z"]
    for kind, names in (("vae", drawn), ("ae", ["conv"]), ("texture", drawn)):
        with np.load(finished.descriptors(kind, 3), allow_pickle=False) as saved:
            assert saved.files == ["id", *names]
            encoded = descriptors.encode(vae.load(finished.model(kind, 3)), images, seed=0)
            for name in names:
                assert saved[name].dtype == np.float32
                np.testing.assert_allclose(saved[name], encoded[name], atol=1e-6)


def test_table1_has_a_row_for_each_descriptor_and_classifier(finished):
    table = pd.read_csv(finished.table("table1"))
    columns = "data kind latent_dim descriptor classifier protocol accuracy ci_low ci_high n_train n_test"
    assert list(table.columns) == [*columns.split(), "splits", "mean", "sd"]
    assert set(table["descriptor"]) == {"mu", "sigma", "z", "conv"}
    assert set(table["classifier"]) == {"decision tree", "KNN", "random forest", "SVM"}
    assert set(table["data"]) == {"tiles"}
    assert (table["ci_low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["ci_high"]).all()


def test_the_manifest_tells_what_the_run_was_made_from(finished, tiles_folder):
    manifest = json.loads(finished.manifest.read_text())
    assert manifest["parameters"]["epochs"] == 1
    assert manifest["parameters"]["crop"] == 0.15
    assert manifest["seed"] == 0
    assert {"python", "tensorflow", "keras", "numpy"} <= set(manifest["versions"])
    assert manifest["data"]["name"] == "tiles"
    assert re.fullmatch("[0-9a-f]{64}", manifest["data"]["hash"])
    assert [step.name for step in pipeline.find_steps()] == list(manifest["steps"])
    for step in manifest["steps"].values():
        assert step["status"] == "done"
        assert step["seconds"] > 0
        assert re.fullmatch("[0-9a-f]{64}", step["key"])
        for name, digest in step["outputs"].items():
            assert provenance.hash_file(finished.folder / name) == digest


def test_names_stay_what_they_are_from_the_folder_to_the_report(finished):
    labels = set(CLASSES.values())
    columns = {"separation": ("class_a", "class_b"), "confusion": ("true", "predicted"), "latent_map": ("label",)}
    for name, own in columns.items():
        table = files.read_csv(finished.table(name))
        assert set(table[[*own]].to_numpy().ravel()) == labels, name
    assert set(finished.load_index()["label"]) == labels
    assert set(finished.load_generated()[0]["class"]) == labels | {""}
    for path in (finished.figure("pca.csv"), finished.figure("micrographs_raw.csv"), finished.figure("confusion.csv")):
        table = files.read_csv(path)
        assert set(table["true" if "true" in table else "label"]) == labels, path
    page = finished.report.read_text(encoding="utf-8")
    assert html.escape(HOSTILE, quote=False) in html.unescape(page).replace(HOSTILE, html.escape(HOSTILE, quote=False))
    assert "<b>#{0}" not in page
    document = (finished.folder / "thesis.tex").read_text(encoding="utf-8")
    assert latex_tables.escape(HOSTILE) in document and HOSTILE not in document


def test_the_explorer_opens_a_run_whose_names_are_hostile(finished, tmp_path):
    images, index, measures = finished.load_images(), finished.load_index(), files.read_csv(finished.pores)
    model, mu = vae.load(finished.model("vae", 3)), files.read_npz(finished.descriptors("vae", 3))["mu"]
    dimensions = files.read_csv(finished.table("dimensions"))
    explorer = explore.Explorer(inspection.open_space(model, images, index, measures, mu, dimensions), HOSTILE, "es")
    assert set(explorer.space.index["label"]) == set(CLASSES.values())
    explorer.figure().savefig(tmp_path / "explorer.png")
    assert explorer.summary()


def test_the_report_needs_nothing_else(finished):
    page = finished.report.read_text()
    shown = {path.stem for path in finished.folder.glob("figures/*.png")} - html_report.AS_TABLES
    assert page.count("data:image/webp;base64,") == len(shown)
    assert not re.search(r"""\b(src|href)\s*=\s*(?!["'](data:image/webp|#))""", page)
    for word in ("tiles", "table1", "reconstructions", "learning_rate", "tensorflow"):
        assert word in page


def test_executed_notebooks_show_their_pictures_and_no_noise(finished):
    for step in pipeline.find_steps():
        notebook = json.loads(finished.notebook(step.name).read_text())
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        noise = ["".join(output["text"]) for output in outputs if output.get("name") == "stderr"]
        assert all(re.fullmatch(r"(RunWarning: .*\n)+", text) for text in noise), (step.name, noise)
        pictures = [output for output in outputs if "image/png" in output.get("data", {})]
        assert len(pictures) >= {"01": 2, "02": 1, "03": 5, "06": 10}.get(step.name[:2], 1), step.name


def test_separation_controls_and_dimensions_have_the_columns_of_the_contract(finished):
    separation, controls = pd.read_csv(finished.table("separation")), pd.read_csv(finished.table("controls"))
    columns = "kind latent_dim descriptor class_a class_b wss_a wss_b bss r ci_low ci_high"
    assert list(separation.columns)[:11] == columns.split()
    assert len(separation) == 7 * 3  # μ, σ, z of two models and conv, three pairs of classes
    assert list(controls.columns) == list(pd.read_csv(finished.table("table1")).columns)
    assert set(controls["descriptor"]) == {
        "untrained mu", "untrained sigma", "texture statistics",  # no pores: those of photographs are doubtful
        "pooled features", "untrained pooled features", "pixel PCA",
        "LBP", "multi-scale LBP", "scattering", "scattering and LBP", "power spectrum", "grey mean+std",
        "random-VGG16",
        "supervised features",
    }  # fmt: skip
    dimensions = pd.read_csv(finished.table("dimensions"))
    assert list(dimensions["dimension"]) == 2 * [0, 1, 2]  # of the VAE, then of the texture model
    np.testing.assert_allclose(dimensions.groupby("kind")["forest_importance"].sum(), 1)


def test_claims_have_the_columns_of_the_contract_and_are_those_of_the_tables(finished):
    found = pd.read_csv(finished.table("claims"))
    columns = "id claim statistic value ci_low ci_high null p_corrected n_groups table holds claim_es"
    assert list(found.columns) == columns.split()
    assert {"comparisons", "separation", "dimensions", "gradcam_checks"} <= set(found["table"])
    again = claims.of_run(finished)
    pd.testing.assert_frame_equal(found, again, check_dtype=False)


def test_geometry_holds_measures_of_each_image_and_r2_of_each_descriptor(finished):
    geometry, measures = files.read_csv(finished.table("geometry")), files.read_csv(finished.pores)
    images, r2 = (geometry[geometry["row"] == row].reset_index(drop=True) for row in ("image", "r2"))
    pd.testing.assert_frame_equal(images[list(measures)], measures, check_dtype=False)
    assert list(images["id"]) == list(range(15))
    assert {"mu", "sigma", "z", "conv", "LBP"} <= set(r2["descriptor"])
    known = measures.dropna(axis="columns", how="all")  # without a pixel size, lengths are unknown
    assert (r2[list(known)].max() <= 1).all()


def test_the_detail_is_that_of_the_micrographs(finished, tiles_folder):
    found, index = finished.load_detail(), finished.load_index()
    assert found.shape == (15, 162) and found.dtype == np.float32
    for row, path in zip(found, index["path"], strict=True):
        grey = micrographs.read(tiles_folder / path)
        left, top, right, bottom = micrographs.crop_box(grey.shape[1], grey.shape[0], 0.15)
        np.testing.assert_array_equal(row, binary_patterns.multiscale_lbp(grey[top:bottom, left:right]))


def test_table1_can_be_recomputed_from_the_saved_descriptors(finished):
    table, index = pd.read_csv(finished.table("table1")), finished.load_index()
    row = tables.headline(table, descriptor="sigma").iloc[0]
    sigma = np.load(finished.descriptors("vae", 3))["sigma"]
    result, _ = classify.score(sigma, index["label"], index["group"], index["split"], seed=0)
    assert result["accuracy"] == pytest.approx(row["accuracy"])


def test_the_leaky_protocol_stands_beside_the_fair_one(finished):
    table = pd.read_csv(finished.table("table1"))
    assert set(table["protocol"]) == {"by-group", "thesis (leaky classifiers)", "thesis (leaky)"}
    assert set(table.loc[table["protocol"] != "by-group", "n_train"]) == {round(88 * 2400 / 3520)}


def test_seeds_and_backbones_are_there_when_asked_for(finished):
    seeds = pd.read_csv(finished.table("seeds"))
    assert (seeds["seeds"] == 2).all()
    np.testing.assert_allclose(seeds["mean"], seeds[["seed_0", "seed_5"]].mean(axis=1))
    assert (finished.model("vae", 3, repeat=5) / "encoder.keras").exists()
    assert "random-VGG16" in set(pd.read_csv(finished.table("controls"))["descriptor"])


def test_an_unknown_pixel_size_is_nowhere_made_up(finished):
    assert finished.load_index()["um_x"].isna().all()
    assert pd.read_csv(finished.pores)["median_diameter_um"].isna().all()


def test_an_unchanged_run_executes_nothing_and_changes_nothing(finished, tiles_folder, monkeypatch):
    def dates():
        return {path: path.stat().st_mtime_ns for path in finished.folder.rglob("[!.]*") if path.is_file()}

    before = dates()
    monkeypatch.setattr(pipeline.execution, "execute", never)
    pipeline.run(finished.folder, profile="demo", data=tiles_folder, given=ASKED, lang="es")
    assert dates() == before


ALL = [step.name for step in pipeline.find_steps()]


@pytest.mark.parametrize(
    ("given", "lang", "expected"),
    [
        ({}, "en", ALL[-1:]),
        ({"epochs": 2}, "es", ALL[1:]),
        ({"crop": 0.1}, "es", ALL),
        ({"seed": 1}, "es", ALL),
    ],
)
def test_what_depends_on_a_change_runs_again(copy, tiles_folder, executed, given, lang, expected):
    pipeline.run(copy.folder, "demo", tiles_folder, ASKED | given, lang=lang)
    assert executed == expected


def test_another_image_or_a_damaged_file_runs_again(copy, tiles_folder, executed, tmp_path):
    (copy.folder / "tables" / "table1.csv").write_text("damaged")
    with pytest.warns(RunWarning, match=r"table1\.csv: missing or changed since 03_latent_space wrote it"):
        pipeline.run(copy.folder, "demo", tiles_folder, ASKED, lang="es")
    assert executed == ALL[2:]
    executed.clear()
    other = shutil.copytree(tiles_folder, tmp_path / "tiles")
    shutil.copy(other / NUMBER / "brick_0.png", other / NUMBER / "new.png")
    pipeline.run(copy.folder, "demo", other, ASKED)
    assert executed == ALL


def test_force_runs_everything_and_from_runs_the_rest_with_the_run_s_own_parameters(copy, tiles_folder, executed):
    pipeline.run(copy.folder, "demo", tiles_folder, ASKED, force=True)
    assert executed == ALL
    executed.clear()
    pipeline.run(copy.folder, start="03")
    assert executed == ALL[2:]
    manifest = copy.load_manifest()
    assert manifest["parameters"]["filters"] == ASKED["filters"]
    assert manifest["data"]["folder"] == str(tiles_folder)


def test_files_that_a_step_no_longer_writes_are_removed(copy, tiles_folder, executed):
    """With another latent size the models of the old one would stand beside results they do not belong to."""
    assert copy.model("vae", 3).joinpath("encoder.keras").exists()
    pipeline.run(copy.folder, "demo", tiles_folder, ASKED | {"latent_dims": [2]})
    assert executed == ALL[1:]
    assert not copy.model("vae", 3).joinpath("encoder.keras").exists()
    assert copy.images.exists()


def test_a_new_colour_does_not_train_anew_but_a_new_loss_does(monkeypatch, tmp_path):
    library = shutil.copytree(pipeline.PACKAGE, tmp_path / "nanofoam_lib")
    steps = pipeline.find_steps()
    monkeypatch.setattr(provenance, "PACKAGE", library)

    def hashes():
        return {step.name: pipeline.hash_code(step) for step in steps}

    def changed(name, line, old=""):
        """Put `line` in the place of `old`, or at the end, and list the steps that would run again."""
        before, path = hashes(), library / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, line, 1) if old else text + line, encoding="utf-8")
        return [step for step, value in hashes().items() if value != before[step]]

    assert changed("figures/scores.py", "\nNEW = 1\n") == ALL[-1:]
    assert changed("figures/style.py", "\nNEW = 1\n") == ALL[-1:]
    assert changed("report/run_figures.py", "\nNEW = 1\n") == ALL[-1:]
    assert changed("report/findings/latents.py", "\nNEW = 1\n") == []
    assert changed("base/language.yaml", "\nnew phrase: frase nueva\n") == ALL[-1:]
    assert changed("report/captions.yaml", "\nnew: [new, nuevo]\n") == []
    assert changed("models/vae.py", "\n# only a comment\n") == []
    assert changed("models/kinds.py", "A kind of models.", old="A kind of model.") == []
    assert changed("models/kinds.py", '"VAE of textures"', old='"texture VAE"') == ALL[-1:]
    assert changed("models/control_registry.py", '"espectro"', old='"espectro de potencia"') == ALL[-1:]
    assert changed("base/labels.py", "\nNEW = 1\n") == ALL[-1:]
    assert changed("models/kinds.py", "draws_large=False", old="draws_large=True") == ALL[1:]
    assert changed("models/objective.py", "\nNEW = 1\n") == ALL[1:]
    assert changed("latent/separation.py", "\nNEW = 1\n") == [ALL[2], ALL[-1]]
    assert changed("base/files.py", "\nNEW = 1\n") == ALL


#: What only the report is made from, a word of it, and another in its place: captions, the page, sentences.
WORDS = (
    ("report/captions.yaml", "Las micrografías tal como llegaron", "Las micrografías como vinieron"),
    ("report/templates/page.html.j2", "</body>", "<!-- changed --></body>"),
    ("report/findings/learning.py", " images", " pictures"),
)


def test_a_new_word_in_the_report_makes_the_report_anew_and_nothing_else(copy, tiles_folder, tmp_path):
    """The library is copied and changed, and the command given again in a process of its own."""
    library = shutil.copytree(pipeline.PACKAGE, tmp_path / "code" / "nanofoam_lib")
    shutil.copytree(pipeline.NOTEBOOKS, tmp_path / "code" / "notebooks")
    asked = [f"-p{name}={json.dumps(value)}" for name, value in ASKED.items()]
    command = [sys.executable, "-m", "nanofoam_lib", "run", "--profile", "demo", "--lang", "es", "--out", copy.folder,
               "--data", tiles_folder, *asked]  # fmt: skip

    def rewritten():
        """Run again, and name the files that were written."""
        before = {path: path.stat().st_mtime_ns for path in copy.folder.rglob("[!.]*") if path.is_file()}
        subprocess.run(command, cwd=tmp_path / "code", check=True, capture_output=True)
        return {
            path.relative_to(copy.folder).as_posix() for path, then in before.items() if path.stat().st_mtime_ns != then
        }

    def change(name, old, new):
        text = (library / name).read_text(encoding="utf-8")
        assert old in text
        (library / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    change("models/training.py", "\n\n\n", "\n\n# only a comment\n")
    assert rewritten() == set()
    for name, old, new in WORDS:
        change(name, old, new)
    written = rewritten()
    assert {"index.html", "thesis.tex", "manifest.json"} <= written
    assert not {name for name in written if not name.endswith((".tex", ".html", "manifest.json"))}
    page = copy.report.read_text(encoding="utf-8")
    assert "Las micrografías como vinieron" in page and "<!-- changed --></body>" in page


@pytest.mark.parametrize(("name", "old", "new"), WORDS)
def test_each_word_of_the_report_is_in_its_key_and_no_comment_is(finished, monkeypatch, tmp_path, name, old, new):
    library, manifest = shutil.copytree(pipeline.PACKAGE, tmp_path / "nanofoam_lib"), finished.load_manifest()
    monkeypatch.setattr(provenance, "PACKAGE", library)
    monkeypatch.setattr(pipeline, "REPORT", library / "report")
    key = pipeline._report_key(manifest)
    assert key == manifest["report"]["key"]
    with (library / "report/html_report.py").open("a", encoding="utf-8") as module:
        module.write("\n# only a comment\n")
    assert pipeline._report_key(manifest) == key
    text = (library / name).read_text(encoding="utf-8")
    (library / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert pipeline._report_key(manifest) != key


def test_whoever_asks_for_epochs_does_not_get_the_profile_s_steps():
    steps = pipeline.find_steps()
    assert pipeline._merge(steps, "quick", {}, {})["steps"] > 0
    asked = pipeline._merge(steps, "quick", {"epochs": 3}, {})
    assert asked["epochs"] == 3 and asked["steps"] is None
    assert pipeline._merge(steps, "quick", {"epochs": 3, "steps": 50}, {})["steps"] == 50


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_bad_images_stop_the_run_and_leave_the_earlier_one(copy, tiles_folder, tmp_path):
    bad = shutil.copytree(tiles_folder, tmp_path / "tiles")
    for name, length in (("brick_2", 900), ("grass_1", 0)):
        victim = bad / CLASSES[name.split("_")[0]] / f"{name}.png"
        victim.write_bytes(victim.read_bytes()[:length])
    before = snapshot(copy.folder)
    with pytest.raises(DataError, match=r"brick_2\.png.*2 bad in all.*skip_bad=true"):
        pipeline.run(copy.folder, "demo", bad, ASKED)
    assert snapshot(copy.folder) == before


def test_bad_images_can_be_left_out_and_are_recorded(tiles_folder, tmp_path, executed, monkeypatch):
    bad = shutil.copytree(tiles_folder, tmp_path / "tiles")
    (bad / NOTHING / "grass_1.png").write_text("hello")
    monkeypatch.undo()
    real = pipeline.execution.execute
    monkeypatch.setattr(
        pipeline.execution,
        "execute",
        lambda notebook, *rest: real(notebook, *rest) if "01" in notebook.stem else stop(),
    )
    with pytest.raises(StepError, match="enough"):
        pipeline.run(tmp_path / "out", "demo", bad, ASKED | {"skip_bad": True, "pixel_size_um": 2})
    manifest = Run(tmp_path / "out").load_manifest()
    assert manifest["left_out"] == [{"path": "NA/grass_1.png", "problem": "is not an image of a known format"}]
    assert len(Run(tmp_path / "out").load_images()) == 14
    assert (Run(tmp_path / "out").load_index()["um_x"] == 2 * 112 / 128).all()


def stop():
    raise StepError("enough")


def test_a_failed_step_is_recorded_and_its_notebook_kept(copy, tiles_folder, monkeypatch):
    def fail(notebook, target, values, on_progress, without=None, kernel=None):
        target.write_text("{}")
        raise StepError(f"{notebook.stem} failed: no luck")

    monkeypatch.setattr(pipeline.execution, "execute", fail)
    with pytest.raises(StepError, match=r"02_train failed: no luck \(see .*02_train\.ipynb\)"):
        pipeline.run(copy.folder, "demo", tiles_folder, ASKED | {"epochs": 3})
    steps = copy.load_manifest()["steps"]
    expected = ["done", "failed", *["outdated"] * len(ALL[2:])]
    assert [step["status"] for step in steps.values()] == expected
    assert copy.notebook("02_train").read_text() == "{}"


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("raise TrainingError('training of vae_3 diverged')", StepError, "^bad failed: training of vae_3 diverged$"),
        ("1 / 0", StepError, "^bad failed: ZeroDivisionError: division by zero$"),
        ("raise DataError('cut.png: is not an image')", DataError, r"^cut\.png: is not an image$"),
        ("import os; os._exit(1)", StepError, "^bad failed: its kernel died"),
    ],
)
def test_what_a_notebook_raises_ends_in_one_line(tmp_path, code, error, message):
    source = f"from nanofoam_lib.base.errors import DataError, TrainingError\n{code}"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    with pytest.raises(error, match=message):
        execution.execute(tmp_path / "bad.ipynb", tmp_path / "out.ipynb", {}, lambda share: None)


def test_wrong_usage_is_told_before_anything_runs(tmp_path, tiles_folder, executed):
    cases = [
        ({"given": {"epoch": 1}}, UsageError, "unknown parameter 'epoch'"),
        ({"given": {"epochs": "x"}}, UsageError, "epochs must be"),
        ({"profile": "nope"}, UsageError, "no such profile"),
        ({"start": "99"}, UsageError, "no such notebook"),
        ({"start": "02"}, DataError, "01_preprocess has not been run"),
        ({"data": tmp_path / "nowhere"}, DataError, "does not exist"),
    ]
    for arguments, error, message in cases:
        with pytest.raises(error, match=message):
            pipeline.run(tmp_path / "out", **arguments)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        pipeline.run(tmp_path / "file", data=tiles_folder)
    assert executed == []
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, tiles_folder):
    # A file in the way refuses even root, whom permissions would not stop
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"--out .*cannot be written to"):
        pipeline.run(tmp_path / "file" / "out", data=tiles_folder)
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(OSError, match="cannot be written to"):
            pipeline.run(tmp_path / "locked", data=tiles_folder)


def test_a_damaged_manifest_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json: damaged"):
        pipeline.run(tmp_path)


def test_what_tells_classes_apart_is_left_out_where_there_is_one(tmp_path):
    """Cells of the tag are not executed, and nothing else differs; the manifest says how many classes there are."""
    data_folder, notebooks = tmp_path / "foams", tmp_path / "notebooks"
    data_folder.mkdir()
    for number in range(3):
        shutil.copy(
            write_tiles(tmp_path / f"t{number}", per_class=1) / "brick/brick_0.png", data_folder / f"{number}.png"
        )
    notebooks.mkdir()
    cells = [
        "folder = ''",
        "import pathlib\nplace = pathlib.Path(folder)",
        "(place / 'apart').touch()",
        "(place / 'always').touch()",
    ]
    chains.write_notebook(notebooks / "n.ipynb", *cells)
    notebook = nbformat.read(notebooks / "n.ipynb", as_version=4)
    notebook.cells[2].metadata["tags"] = [step_groups.CLASSES]
    nbformat.write(notebook, notebooks / "n.ipynb")
    seen = {}
    for without in (None, step_groups.CLASSES):
        folder = tmp_path / str(without)
        folder.mkdir()
        execution.execute(
            notebooks / "n.ipynb", folder / "out.ipynb", {"folder": str(folder)}, lambda share: None, without
        )
        seen[without] = {path.name for path in folder.iterdir()}
    assert seen == {None: {"apart", "always", "out.ipynb"}, step_groups.CLASSES: {"always", "out.ipynb"}}
    executed = nbformat.read(tmp_path / step_groups.CLASSES / "out.ipynb", as_version=4)
    assert any("Left out: there is one class" in cell.source for cell in executed.cells)
    assert pipeline._describe_data(data_folder, "foam", "auto")["classes"] == 1


def test_cells_without_the_tag_need_no_name_of_those_with_it():
    """Read from the source: what a run of one class executes defines all that it uses."""
    for step in pipeline.find_steps():
        cells = [cell for cell in nbformat.read(step.notebook, as_version=4).cells if cell.cell_type == "code"]
        of_classes = {
            name for cell in cells if step_groups.CLASSES in cell.metadata.get("tags", []) for name in bound(cell)
        }
        kept = [cell for cell in cells if step_groups.CLASSES not in cell.metadata.get("tags", [])]
        known = {name for cell in kept for name in bound(cell)}
        used = {node.id for cell in kept for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        assert not used & (of_classes - known), step.name


@pytest.mark.soak
def test_the_whole_chain_runs_on_images_without_classes(tmp_path):
    """Minutes: everything that needs no labels, to the report."""
    flat = tmp_path / "foams"
    made = synthetic_folder.write_folder(tmp_path / "made", 12, size=(150, 200), pixel_size_um=2.16, n_jobs=1)
    flat.mkdir()
    for path in made["path"]:
        shutil.copy(tmp_path / "made" / path, flat)
    run = pipeline.run(tmp_path / "run", "demo", flat, ASKED | {"protocol": "by-group", "backbones": [], "seeds": []})
    tables, figures = ({path.stem for path in run.folder.glob(f"{kind}/*.csv")} for kind in ("tables", "figures"))
    assert {"clusters", "neighbours", "geometry", "dimensions", "generated", "pores", "models", "claims"} <= tables
    assert not tables & {"table1", "controls", "comparisons", "separation", "confusion"}
    families = set(run.load_table("claims")["id"].str.partition(": ")[0])
    assert families and families <= {"pores", "property", "follows", "deletion", "looks"}
    assert {"neighbours", "pca", "traversals", "pore_sizes"} <= figures and not figures & {"lda", "confusion", "table1"}
    assert not run.classifier.exists()
    page = run.report.read_text(encoding="utf-8")
    assert "what tells classes apart is left out" in page and ("Without their labels" in page or "No clusters" in page)


def bound(cell):
    """Names that a cell assigns or imports."""
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
