"""``nanofoam pores`` on folders as laboratories leave them: read as a run reads them, and what it writes."""

import re

import numpy as np
import pandas as pd
import pytest
from folders import foam, folder, rows, save, write
from PIL import Image
from test_pixels_bars import barred

from nanofoam_lib import __main__
from nanofoam_lib.base import files
from nanofoam_lib.images import pore_choices, pore_folder, pore_study, pore_tables, preprocessing, sources
from nanofoam_lib.runs import pipeline

odd = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")
heard = pytest.mark.filterwarnings("always::nanofoam_lib.base.errors.RunWarning")
CROP = 0.1


def measure(root, out, request=None, **options):
    return pore_folder.measure(root, out, request or pore_study.Request("dark", crop=CROP), n_jobs=1, **options)


def masked(root, label, i, height=150):
    """Lay a mask of what is dark beside a micrograph, as high as its file."""
    mask = np.zeros((height, 200), np.uint8)
    mask[:150][foam(100 * (label == "CuNi2") + i, radius=8 + 3 * (label == "CuNi2")) < 120] = 255
    save(mask, root / label / f"{label}_{i}_mask.png")


@pytest.fixture
def laboratory(tmp_path):
    """Give a folder with data bars and a table as a Spanish Excel writes it."""
    root = folder(tmp_path / "foams", n=2, change=barred(0.1))
    return write(root, rows(root, "0,27"), sep=";", encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("foams/results", "lies in the folder of the micrographs"),
        ("run", "lies in a run"),
        ("run/pores", "lies in a run"),
        ("note.txt", "is a file"),
        ("note.txt/pores", "is a file"),
    ],
)
def test_results_go_neither_among_micrographs_nor_into_a_run(laboratory, tmp_path, out, said, capsys):
    for name in ("run/manifest.json", "run/data/index.csv", "note.txt"):
        files.write_text(tmp_path / name, "{}")
    before = sorted(tmp_path.rglob("*"))
    assert __main__.main(["pores", str(laboratory), "--out", str(tmp_path / out)]) == 2
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@odd
def test_pores_that_are_left_out_are_missing_in_the_verdict(laboratory, tmp_path):
    request = pore_study.Request("dark", smallest_um=1000.0, crop=CROP)
    pictures = measure(laboratory, tmp_path / "out", request)
    assert (pictures["n_pores"] == 0).all() and (pictures["verdict"] == "doubtful").all()
    assert pictures["reasons"].str.contains("only 0 pores are in view").all()


@heard
def test_the_command_leaves_tables_labels_outlines_and_a_page(laboratory, tmp_path, capsys):
    out = tmp_path / "out"
    asked = ["pores", str(laboratory), "--out", str(out), "-p", f"crop={CROP}", "-p", "pores=dark"]
    assert __main__.main([*asked, "-p", "stereology=spheres"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == str(out / "index.html")
    assert "between semicolons" in told.err
    pictures = files.read_csv(out / "pictures.csv")
    assert pictures["group"].tolist() == ["CuNi1-S0"] * 2 + ["CuNi2-S0"] * 2
    assert (pictures["pixel_size_um"] == 0.27).all()
    expected = [pore_study.of_picture(foam(100 * k + i, radius=8 + 3 * k), 0.27, pore_study.Request("dark", crop=CROP))
                for k in range(2) for i in range(2)]  # fmt: skip
    for name in ("n_pores", "porosity", "median_diameter_um", "wall_um"):  # as without the bars
        np.testing.assert_allclose(pictures[name], [study.row[name] for study in expected], rtol=1e-9)
    every = files.read_csv(out / "pores.csv")
    assert len(every) == sum(len(study.pores) for study in expected)
    for row in pictures.itertuples():
        where = pore_folder.place(out, row.name)
        assert where.labels.exists()
        with Image.open(where.overlay) as overlay:
            assert overlay.size == (200, 165)  # the bar is shown, and what was measured framed
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count('<figure class="overlay') == 4
    assert re.search(r"4 pictures, of which .*\d.* are doubtful", page)
    named = re.findall(r"<code>([\w.]+csv)", (out / "index.html").read_text(encoding="utf-8"))
    assert named and all((out / name).is_file() for name in named)
    for name in ("classes.csv", "differences.csv", "spheres.csv", "pore_sizes.pdf"):
        assert (out / name).exists() == (name in ("classes.csv", "differences.csv") or "ok" in set(pictures["verdict"]))
    assert __main__.main([*asked, "--lang", "es"]) == 0
    assert '<html lang="es"' in (out / "index.html").read_text(encoding="utf-8")


@heard
@pytest.mark.parametrize(
    ("extra", "status", "message"),
    [
        (["-p", "pores=none"], 2, "there is nothing to do"),
        (["-p", "pores=magic"], 2, "pores must be one of"),
        (["-p", "beta=2"], 2, "unknown parameter 'beta'; known are pores, stereology, crop"),
        (["--out", "{root}/../foams/.."], 2, "lies in the run folder"),
        (["-p", "max_megapixels=0.01"], 1, "max_megapixels allows 0.01"),
        (["-p", "pores=masks"], 1, "CuNi1_0.png: has no mask; put CuNi1_0_mask.tif beside it"),
    ],
)
def test_what_cannot_be_done_is_said_in_its_exit_status(laboratory, tmp_path, capsys, extra, status, message):
    extra = [text.format(root=laboratory) for text in extra]
    assert __main__.main(["pores", str(laboratory), "--out", str(tmp_path / "out"), *extra]) == status
    assert message in capsys.readouterr().err


@odd
def test_one_bad_picture_does_not_stop_the_others(laboratory, tmp_path, capsys):
    (laboratory / "CuNi1/CuNi1_9.png").write_bytes(b"no image")
    save(np.asarray(Image.open(laboratory / "CuNi1/CuNi1_0.png")), laboratory / "CuNi1/CuNi1_8.png")
    assert __main__.main(["pores", str(laboratory), "--out", str(tmp_path / "out"), "-p", "pores=dark"]) == 1
    told = capsys.readouterr()
    assert "4 pictures, " in told.out
    assert "CuNi1_9.png: is not an image" in told.err
    assert "CuNi1_8.png: is an exact duplicate of CuNi1/CuNi1_0.png" in told.err
    assert "CuNi1_9.png" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


@odd
def test_where_all_pictures_are_doubtful_there_is_a_page_nevertheless(tmp_path, rng):
    (tmp_path / "noise/a").mkdir(parents=True)
    save(rng.integers(0, 256, (100, 140), dtype=np.uint8), tmp_path / "noise/a/0.png")
    assert __main__.main(["pores", str(tmp_path / "noise"), "--out", str(tmp_path / "out"), "-p", "pores=dark"]) == 0
    assert files.read_csv(tmp_path / "out/pictures.csv")["verdict"].tolist() == ["doubtful"]
    assert files.read_csv(tmp_path / "out/classes.csv").empty
    assert "1 picture" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


@odd
def test_a_mask_is_as_large_as_the_file_and_loses_the_same_bar(laboratory, tmp_path):
    for label in ("CuNi1", "CuNi2"):
        for i in range(2):
            masked(laboratory, label, i, height=165)
    request = pore_study.Request("masks", crop=[0.1, 0.2, 0.1, 0.0])
    found = measure(laboratory, tmp_path / "out", request)
    assert found["method"].tolist() == ["masks"] * 4
    for k, row in enumerate(found.itertuples()):
        dark = foam(100 * (k // 2) + k % 2, radius=8 + 3 * (k // 2)) < 120
        assert row.porosity == pytest.approx(dark[15:135, 0:160].mean(), abs=0.01)
    masked(laboratory, "CuNi1", 0, height=150)
    assert "has 200×150 pixels, its micrograph 200×165" in measure(laboratory, tmp_path / "out", request)["problem"][0]


@odd
def test_sub_folders_deep_greys_and_planes_are_read_as_a_run_reads_them(tmp_path):
    root, out = tmp_path / "foams", tmp_path / "out"
    for i in range(2):
        planes = [Image.fromarray(foam(10 * i + plane).astype(np.uint16) * 16) for plane in range(2)]
        (root / "CuNi1" / f"S{i}").mkdir(parents=True)
        planes[0].save(root / f"CuNi1/S{i}/stack.tif", save_all=True, append_images=planes[1:])
        save(foam(50 + i), root / f"CuNi2/S{i}/b.png")
    found = measure(root, out, stack="each", subfolders="groups", pixel_size_um=0.5)
    index, _ = preprocessing.process(
        root, tmp_path / "i.npy", CROP, pixel_size_um=0.5, stack="each", subfolders="groups", n_jobs=1
    )
    assert found["group"].tolist() == index["group"].tolist() == ["CuNi1/S0"] * 2 + ["CuNi1/S1"] * 2 + [
        "CuNi2/S0", "CuNi2/S1",
    ]  # fmt: skip
    assert found["name"].tolist()[:2] == ["CuNi1/S0/stack.tif.0.0", "CuNi1/S0/stack.tif.0.1"]
    assert found["name"][5] == "CuNi2/S1/b.png"
    tables = pore_tables.measure(root, index, "dark", CROP, n_jobs=1)
    pd.testing.assert_frame_equal(
        found[[*pore_tables.MEASURES]], tables.pictures[[*pore_tables.MEASURES]], check_dtype=False
    )
    assert sources.of_index(root, index)[0].scale.white == 4095  # of 12 bits
    assert files.read_csv(out / "pores.csv")["name"].nunique() == 6


def test_masks_and_choices_are_part_of_the_data(tmp_path):
    root = folder(tmp_path / "d", n=2)
    seen = [pipeline._describe_data(root, "foam", "auto")["hash"]]
    pore_choices.write(root, "classes", "CuNi1", {"method": "masks"})
    seen.append(pipeline._describe_data(root, "foam", "auto")["hash"])
    masked(root, "CuNi1", 0)
    seen.append(pipeline._describe_data(root, "foam", "auto")["hash"])
    save(np.asarray(Image.open(root / "CuNi1/CuNi1_0_mask.png")), root / "masks/CuNi1_0.png")  # a second one
    seen.append(pipeline._describe_data(root, "foam", "auto")["hash"])
    assert len(set(seen)) == 4
    (root / "masks/notes.txt").write_text("Monday")
    assert pipeline._describe_data(root, "foam", "auto")["hash"] == seen[-1]
