"""New micrographs through a finished run: described as the run's own, flagged where they are of another kind."""

import shutil

import numpy as np
import pandas as pd
import pytest
import small_study
from PIL import Image
from skimage import data

import nanofoam_lib
from nanofoam_lib import __main__
from nanofoam_lib.base import files, memmap, provenance
from nanofoam_lib.base.errors import DataError, RunWarning, UsageError
from nanofoam_lib.images import micrographs
from nanofoam_lib.latent import pore_readings, properties
from nanofoam_lib.report import apply_page, findings
from nanofoam_lib.runs import apply

pytestmark = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")
WITHOUT_PORES = {"pores": "none"}


@pytest.fixture(scope="module")
def foams(tmp_path_factory):
    return small_study.write_foams(tmp_path_factory.mktemp("data") / "foams")


@pytest.fixture(scope="module")
def run(tmp_path_factory, foams):
    return small_study.write(tmp_path_factory.mktemp("reports") / "small", foams)


@pytest.fixture(scope="module")
def study(run):
    return nanofoam_lib.open_run(run.folder)


@pytest.fixture
def odd(tmp_path):
    """Give a folder of what no foam looks like, and fresh foams in a folder called as a class, deep down."""
    place = tmp_path / "later"
    fresh = small_study.write_foams(tmp_path / "fresh", seed=7, n=4)
    shutil.copytree(fresh / "CuNi2", place / "2026" / "june" / "CuNi2")
    y, x = np.mgrid[:150, :200]
    for name, picture in {
        "noise": np.random.default_rng(0).integers(256, size=(150, 200)),
        "ramp": 255 * (x + y) / 348,
        "brick": data.brick()[:150, :200],
        "text": data.page()[:150, :200],
    }.items():
        Image.fromarray(picture.astype(np.uint8)).save(place / f"{name}.png")
    return place


def taken(*arguments):
    return apply.apply(*arguments, n_jobs=1)


def tree(folder):
    """Hash all that lies in a folder, with the times at which it was written."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): (provenance.hash_file(path), path.stat().st_mtime_ns) for path in paths}


def test_the_run_s_own_micrographs_come_out_as_the_run_has_them(run, foams, tmp_path):
    before = tree(run.folder)
    applied = taken(run.folder, foams, tmp_path / "out", WITHOUT_PORES)
    assert tree(run.folder) == before
    np.testing.assert_array_equal(np.load(tmp_path / "out/images.npy"), run.load_images())
    for kind in ("vae", "texture"):
        own, again = (files.read_npz(f / "descriptors" / f"{kind}-32.npz") for f in (run.folder, tmp_path / "out"))
        for name in ("id", "mu", "sigma", "z"):
            np.testing.assert_allclose(again[name], own[name], atol=1e-6)
        table = pd.read_csv(tmp_path / "out/descriptors" / f"{kind}-32.csv", dtype={"mu_3": np.float32})
        assert table["path"].tolist() == run.load_index()["path"].tolist()
        np.testing.assert_array_equal(table["mu_3"].to_numpy(), again["mu"][:, 3])  # every digit
    found = applied.predictions
    assert (found["nearest"] == found["path"]).all() and (found["in_run"] == run.load_index()["split"]).all()
    assert (found["predicted_class"] == found["label"])[found["in_run"] == "train"].all()
    shares = found[[f"probability_CuNi{i}" for i in (1, 2, 3)]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert found["off_manifold"][found["in_run"] == "test"].mean() <= 0.2
    nearest = files.read_csv(tmp_path / "out/nearest.csv")
    assert nearest["rank"].tolist() == [1, 2, 3] * len(found)
    assert (nearest["distance"][nearest["rank"] == 1] < 1e-3).all()


def test_blocks_are_the_same_as_one_go(run, foams, tmp_path, monkeypatch):
    taken(run.folder, foams, tmp_path / "one", WITHOUT_PORES)
    monkeypatch.setattr(apply, "BLOCK", 5)
    taken(run.folder, foams, tmp_path / "many", WITHOUT_PORES)
    assert len(memmap.slices(24, 5)) == 5
    for name in ("descriptors/texture-32.csv", "descriptors/vae-32.csv", "descriptors/vae-32.npz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes(), name
    for name in ("predictions.csv", "nearest.csv"):  # where products of matrices round as their shapes have it
        one, many = (files.read_csv(tmp_path / place / name) for place in ("one", "many"))
        pd.testing.assert_frame_equal(one, many, rtol=1e-5, atol=1e-5)


def test_what_is_no_foam_is_flagged_and_fresh_foams_are_not(run, odd, tmp_path):
    found = taken(run.folder, odd, tmp_path / "out", WITHOUT_PORES).predictions.set_index("path")
    for name in ("noise", "ramp", "brick", "text"):
        assert found.loc[f"{name}.png", "off_manifold"], name
        assert found.loc[f"{name}.png", "label"] == ""
    fresh = found[found["label"] == "CuNi2"]
    assert len(fresh) == 4 and (fresh["in_run"] == "").all()
    assert fresh["off_manifold"].sum() <= 1


def test_numpy_images_are_told_the_same_as_files(study, run, foams, tmp_path):
    applied = taken(run.folder, foams, tmp_path / "out", WITHOUT_PORES).predictions
    greys = [micrographs.read(foams / path) for path in applied["path"][:5]]
    told, prepared = study.predict(greys), study.predict(run.load_images()[:5])
    pd.testing.assert_frame_equal(told, prepared)
    columns = ["predicted_class", "probability_CuNi1", "off_manifold", "nearest"]
    pd.testing.assert_frame_equal(told[columns], applied[columns].head(), check_dtype=False)
    encoded = study.encode(greys)
    assert set(encoded) == {(kind, 32, name) for kind in ("vae", "texture") for name in ("mu", "sigma", "z")}
    np.testing.assert_allclose(encoded["texture", 32, "mu"], study.vectors(("texture", 32, "mu"))[:5], atol=1e-5)
    assert study.predict(run.load_images()[:0]).columns.tolist() == told.columns.tolist()
    with pytest.raises(ValueError, match="grey micrographs of uint8"):
        study.encode([greys[0] / 255])


def test_the_descriptor_is_chosen_by_train_specimens_alone(study):
    assert set(study.accuracies) == {("vae", 32, "sigma"), ("texture", 32, "mu")}
    assert study.told_by == max(study.accuracies, key=study.accuracies.get)
    assert study.placed_by == ("texture", 32, "mu")


def test_properties_come_with_intervals_that_hold_on_fresh_specimens(study, run, foams, tmp_path):
    named = {"modulus_gpa", "permeability_um2"} & set(study.predictors)
    assert named == set(study.predictors) - {"cu_m", "ni_m"} and named
    fresh = small_study.write_foams(tmp_path / "fresh", seed=9, n=8)
    found = taken(run.folder, fresh, tmp_path / "out", WITHOUT_PORES)
    truth = files.read_csv(fresh / "metadata.csv")
    for name in study.predictors:
        low, value, high = (found.predictions[f"{name}{end}"].to_numpy() for end in ("_low", "", "_high"))
        np.testing.assert_allclose(high - value, study.predictors[name].half_width, rtol=1e-6)
        measured = truth.set_index("path").loc[found.predictions["path"], name].to_numpy()
        assert ((low <= measured) & (measured <= high)).mean() >= 0.75  # of 24, for 0.9
    page = apply.write_page(found, tmp_path / "out", "fresh").read_text(encoding="utf-8")
    assert "modulus ± " in page and "(24 specimens)" in page


def test_properties_are_told_through_the_pores_where_the_run_measured_them(study, run, tmp_path):
    assert study.reader is None  # its measures do not vary
    images = study.run.load_images()[:5]
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    other = nanofoam_lib.open_run(copy)
    measures = other.index[["porosity", "median_diameter_um"]].astype(float)
    measures.loc[::5] = np.nan  # doubtful pictures
    files.write_csv(other.run.pores, measures)
    mu, groups = other.vectors(other.placed_by), other.index["group"]
    told = pore_readings.unseen(mu, measures, groups, seed=0)
    expected = properties.fit(told, other.index["modulus_gpa"], groups)
    found, encoded = other.predict(images), other.encode(images)[other.placed_by]
    for end, values in zip(("", "_low", "_high"), expected.predict(other.reader.read(encoded)), strict=True):
        np.testing.assert_allclose(found[f"modulus_gpa{end}"], values)
    assert (found["modulus_gpa"] != study.predict(images)["modulus_gpa"]).all()
    assert list(found) == list(study.predict(images))
    facts = {"run": "copy", "told_by": study.told_by, "placed_by": study.placed_by, "level": 0.9, "n_groups": 9}
    facts |= {"properties": {"modulus_gpa": (2.0, 24)}, "by_pores": True}
    said = findings.application(found.assign(in_run="", label=""), facts)
    assert any("on the pores as μ (texture VAE 32-d) tells them" in line for line in said)


def test_pores_are_measured_and_what_cannot_be_is_named(run, odd, tmp_path):
    taken(run.folder, odd, tmp_path / "out", {"pores": "dark"})
    found = files.read_csv(tmp_path / "out/pores.csv").set_index("path")
    assert found.index.tolist() == files.read_csv(tmp_path / "out/predictions.csv")["path"].tolist()
    fresh = found[found["label"] == "CuNi2"]
    assert (fresh["method"] == "dark").all() and fresh["porosity"].between(0.2, 0.7).all()
    taken(run.folder, odd, tmp_path / "out", {"pores": "masks"})
    assert files.read_csv(tmp_path / "out/pores.csv")["problem"].str.contains("has no mask").all()


def test_a_damaged_run_is_one_line_and_so_is_an_unfinished_one(run, odd, tmp_path, capsys):
    copy = small_study.Run(shutil.copytree(run.folder, tmp_path / "copy"))
    weights = copy.model("texture", 32) / "encoder.keras"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert __main__.main(["apply", str(copy.folder), str(odd), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"{weights}: changed since the run wrote it; give nanofoam run" in told
    weights.unlink()
    with pytest.raises(DataError, match=r"encoder\.keras: missing"):
        nanofoam_lib.open_run(copy.folder)
    shutil.copy(run.model("texture", 32) / "encoder.keras", weights)
    manifest = copy.load_manifest()
    files.write_json(copy.manifest, manifest | {"parameters": {"latent_dims": [32]}})
    with pytest.raises(DataError, match="has no parameter kinds, as of another version; give nanofoam run"):
        nanofoam_lib.open_run(copy.folder)
    manifest["steps"]["02_train"]["status"] = "failed"
    files.write_json(copy.manifest, manifest)
    with pytest.raises(DataError, match="02_train is not done"):
        nanofoam_lib.open_run(copy.folder)
    with pytest.raises(DataError, match="is no run folder"):
        nanofoam_lib.open_run(odd)


def test_a_bad_file_stops_it_or_is_named_and_left_out(run, odd, tmp_path):
    (odd / "a.png").write_text("hello")
    shutil.copy(odd / "noise.png", odd / "twice.png")  # of one content: no problem here
    with pytest.raises(DataError, match=r"a\.png: is not an image.*1 bad in all, which -p skip_bad=true leaves out"):
        taken(run.folder, odd, tmp_path / "out", WITHOUT_PORES)
    assert not (tmp_path / "out/predictions.csv").exists()
    with pytest.warns(RunWarning, match=r"a\.png: is not an image of a known format; left out"):
        applied = taken(run.folder, odd, tmp_path / "out", WITHOUT_PORES | {"skip_bad": True})
    assert "a.png" not in set(applied.predictions["path"]) and "twice.png" in set(applied.predictions["path"])
    page = apply.write_page(applied, tmp_path / "out", "later").read_text(encoding="utf-8")
    assert "a.png: is not an image" in page


def test_another_scale_is_off_and_an_unknown_one_is_said(run, odd, tmp_path):
    applied = taken(run.folder, odd, tmp_path / "out", WITHOUT_PORES)
    assert any("the pixel size of 8 images is unknown" in line for line in applied.said)
    same = taken(run.folder, odd, tmp_path / "out", WITHOUT_PORES | {"pixel_size_um": small_study.PIXEL_UM})
    assert not same.said and (same.predictions["remark"] == "").all()
    other = taken(run.folder, odd, tmp_path / "out", WITHOUT_PORES | {"pixel_size_um": 0.1})
    assert "8 images show other scales" in other.said[0]
    assert other.predictions["off_manifold"].all() and (other.predictions["remark"] == "other scale").all()


def test_where_it_may_not_write_is_said_first(run, foams):
    for place in (run.folder, run.folder / "applied"):
        with pytest.raises(UsageError, match="lies in the run"):
            taken(run.folder, foams, place)
    with pytest.raises(UsageError, match="is the folder of the micrographs"):
        taken(run.folder, foams, foams)


def test_the_command_ends_with_a_page_that_needs_nothing_else(run, odd, tmp_path, capsys):
    asked = ["apply", str(run.folder), str(odd), "--out", str(odd / "results"), "-p", "pores=dark"]
    assert __main__.main(asked) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == str(odd / "results" / "index.html")
    assert told.out.startswith("8 images of later, ")
    page = (odd / "results" / "index.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 8 and "http" not in page.replace("http-equiv", "")
    assert page.index("brick.png</strong>") < page.index("CuNi2/CuNi2_000.jpg</strong>")  # what lies off stands first
    assert "4 images in folders that are called as a class" in page
    assert __main__.main([*asked, "--lang", "es"]) == 0  # does not take its own results for micrographs
    assert capsys.readouterr().out.startswith("8 imágenes de later, ")
    page = (odd / "results" / "index.html").read_text(encoding="utf-8")
    assert '<html lang="es"' in page and "fuera de lo que la ejecución ha visto" in page
    assert "se desconoce" in page.split("</section>")[0] and "pixel size" not in page  # what is to be kept in mind, too
    assert __main__.main([*asked, "-p", "crop=0.2"]) == 2
    assert "unknown parameter 'crop'; known are bar, stack" in capsys.readouterr().err


def test_a_run_at_one_scale_shows_others_at_it(tmp_path):
    folder = small_study.write_foams(tmp_path / "foams", n=4)
    table = pd.read_csv(folder / "metadata.csv")
    table.loc[table.index % 2 == 0, "pixel_size_um"] *= 1.5
    table.to_csv(folder / "metadata.csv", index=False)
    run = small_study.write(tmp_path / "run", folder, kinds=["vae"])
    study = nanofoam_lib.open_run(run.folder)
    assert study.reading.field.side_um == pytest.approx(106 * small_study.PIXEL_UM)  # of 150, without 15 % on each side
    taken(run.folder, folder, tmp_path / "out", WITHOUT_PORES)
    np.testing.assert_array_equal(np.load(tmp_path / "out/images.npy"), run.load_images())
    path = folder / "CuNi1/CuNi1_000.jpg"
    shown = study.prepare([micrographs.read(path)], 1.5 * small_study.PIXEL_UM)
    np.testing.assert_array_equal(shown[0], run.load_images()[0])
    with pytest.raises(DataError, match="has no known pixel size"):
        study.prepare([micrographs.read(path)])


def test_open_shows_the_report_or_says_where_it_is(tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("webbrowser.open", lambda address: seen.append(address) or len(seen) == 1)
    (tmp_path / "index.html").write_text("")
    assert __main__.main(["open", str(tmp_path)]) == 0
    assert seen == [(tmp_path / "index.html").as_uri()]
    assert capsys.readouterr() == (f"{tmp_path / 'index.html'}\n", "")
    assert __main__.main(["open", str(tmp_path)]) == 0
    assert "no browser was found" in capsys.readouterr().err
    assert __main__.main(["open", str(tmp_path / "nowhere")]) == 1
    assert "index.html: missing" in capsys.readouterr().err


def test_a_run_of_one_class_tells_none(foams, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in sorted((foams / "CuNi1").iterdir()):
        shutil.copy(path, flat)
    run = small_study.write(tmp_path / "run", flat)
    applied = taken(run.folder, foams, tmp_path / "out", WITHOUT_PORES)
    assert not applied.study.is_supervised
    columns = set(applied.predictions)
    assert {"path", "off_manifold", "nearest"} <= columns
    assert not columns & {"predicted_class", "probability_flat"}
    assert "The run has one class" in apply.write_page(applied, tmp_path / "out", "x").read_text(encoding="utf-8")


def test_each_plane_of_a_file_is_an_image_with_neighbours_of_its_own(run, foams, tmp_path, monkeypatch):
    pictures = [Image.open(foams / f"CuNi{number}/CuNi{number}_000.jpg").convert("L") for number in (1, 3)]
    (tmp_path / "stacks").mkdir()
    pictures[0].save(tmp_path / "stacks/s.tif", save_all=True, append_images=pictures[1:])
    applied = taken(run.folder, tmp_path / "stacks", tmp_path / "out", WITHOUT_PORES | {"stack": "each"})
    found = applied.predictions
    assert found["path"].tolist() == ["s.tif"] * 2 and found["plane"].tolist() == ["0", "1"]
    assert found["nearest"].tolist() == ["CuNi1/CuNi1_000.jpg", "CuNi3/CuNi3_000.jpg"]
    read = pd.read_csv
    monkeypatch.setattr(pd, "read_csv", lambda *given, **named: read(*given, **named | {"chunksize": 2}))
    beside = apply_page._nearest(tmp_path / "out/nearest.csv", {0, 1})
    assert [own["known"].iloc[0] for own in beside.values()] == found["nearest"].tolist()
    assert [len(own) for own in beside.values()] == [3, 3]
