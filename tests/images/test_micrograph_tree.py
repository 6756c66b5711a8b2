import numpy as np
import pytest
from PIL import Image

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import micrograph_tree


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / name)


def test_flat_nested_and_deep_images_are_found_in_order(tmp_path):
    put(tmp_path, "b.png", "a/1.png", "x/CuNi1/s1/2.tif", "x/CuNi1/CuNi2/3.png")
    (tmp_path / "notes.txt").write_text("")
    found = micrograph_tree.survey(tmp_path, ["CuNi1", "CuNi2"]).table
    assert found["path"].tolist() == ["a/1.png", "b.png", "x/CuNi1/CuNi2/3.png", "x/CuNi1/s1/2.tif"]
    assert found["label"].tolist() == ["", "", "CuNi2", "CuNi1"]  # the innermost folder of a class
    assert found["group"].tolist() == found["path"].tolist()


def test_masks_runs_results_and_left_overs_are_no_micrographs(tmp_path):
    put(tmp_path, "a.png", "a_mask.png", "masks/a.png", "run/figures/p.png", "out/p.png", ".thumbs/p.png", "~$b.png")
    (tmp_path / "run/manifest.json").write_text("{}")
    assert micrograph_tree.survey(tmp_path, without=[tmp_path / "out"]).table["path"].tolist() == ["a.png"]


def test_metadata_name_specimens_and_pixel_sizes(tmp_path):
    put(tmp_path, "a.png", "deep/b.png")
    (tmp_path / "metadata.csv").write_text("path,specimen,pixel_size_um\na.png,S1,0.5\ndeep/b.png,S1,0.25\n")
    found = micrograph_tree.survey(tmp_path).table
    assert found["group"].tolist() == ["S1", "S1"] and found["pixel_size_um"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(("name", "message"), [("", "no images found"), ("gone", "does not exist")])
def test_what_is_no_folder_of_micrographs_is_said(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        micrograph_tree.survey(tmp_path / name)
