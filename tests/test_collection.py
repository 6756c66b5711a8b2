import numpy as np
import pytest
from conftest import save

from nanofoam_lib import collection
from nanofoam_lib.errors import DataError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,group\na,b\n", "no column 'path'"),
        ("path,label\nbrick/brick_0.png,grass\n", "label 'grass'"),
        ("path,pixel_size_um\nbrick/brick_0.png,large\n", "'large'"),
        ("path,pixel_size_um\nbrick/brick_0.png,-1\n", "not a length"),
        ("path,group\nbrick/brick_0.png,a\nbrick/brick_0.png,b\n", "twice"),
    ],
)
def test_metadata_that_cannot_be_used_is_named(tiles, text, message):
    (tiles / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        collection.list_folder(tiles)
    assert "metadata.csv" in str(caught.value)


def test_folders_that_are_no_data_are_named(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        collection.list_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        collection.list_folder(tmp_path / "file")
    with pytest.raises(DataError, match="no images"):
        collection.list_folder(tmp_path)
    (tmp_path / "only").mkdir()
    save(np.zeros((64, 64), np.uint8), tmp_path / "only" / "a.png")
    with pytest.raises(DataError, match="only the class 'only'"):
        collection.list_folder(tmp_path)


def test_suffixes_match_in_any_case_and_other_files_are_not_images(tiles):
    (tiles / "brick" / "brick_0.png").rename(tiles / "brick" / "B0.PNG")
    (tiles / "brick" / "notes.txt").write_text("not an image, and not called one")
    (tiles / ".cache").mkdir()
    save(np.zeros((64, 64), np.uint8), tiles / ".cache" / "a.png")
    paths = collection.list_folder(tiles)["path"]
    assert len(paths) == 18
    assert "brick/B0.PNG" in set(paths)
