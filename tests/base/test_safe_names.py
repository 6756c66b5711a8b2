import os
import pathlib

import pytest

from nanofoam_lib.base import safe_names


@pytest.mark.parametrize("name", ["a", "a/b.png", "a b/ñ\n-.png", "..a/..b", "a/...", "-rf"])
def test_plain_names_stay_inside(tmp_path, name):
    assert not safe_names.leads_out(name)
    assert safe_names.is_inside(tmp_path, name)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "a/../../../etc"])
def test_names_that_climb_or_start_at_the_root_lead_out(tmp_path, name):
    assert safe_names.leads_out(name)
    assert not safe_names.is_inside(tmp_path, name)


@pytest.mark.parametrize(
    "name", ["C:\\a", "C:/a", "a\\..\\..\\b", "\\\\host\\share\\a", "\\input{x}/1.png", "a:b/1.png"]
)
def test_names_count_by_the_rules_of_the_system(tmp_path, name):
    """What leads out on Windows may be the name of a class elsewhere."""
    on_windows = pathlib.PureWindowsPath(name)
    assert safe_names.leads_out(name) == (os.name == "nt" and (bool(on_windows.anchor) or ".." in on_windows.parts))
    if os.name != "nt":
        assert safe_names.is_inside(tmp_path, name)


@pytest.mark.parametrize("name", ["", ".", "a/..", "a\0b", None, 3])
def test_what_names_no_file_is_not_inside(tmp_path, name):
    assert not safe_names.is_inside(tmp_path, name)


def test_links_count_by_where_they_lead(tmp_path):
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("")
    (folder / "out").symlink_to(tmp_path)
    (folder / "within").symlink_to(folder / "a")
    (folder / "circle").symlink_to(folder / "circle")
    (tmp_path / "alias").symlink_to(folder)
    assert not safe_names.is_inside(folder, "out/secret")
    assert not safe_names.is_inside(folder, "circle")
    assert safe_names.is_inside(folder, "within/1.png")
    assert safe_names.is_inside(tmp_path / "alias", "a/1.png")  # the folder itself may be a link


def test_the_folder_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert safe_names.is_inside(".", "a.png")
    assert not safe_names.is_inside(pathlib.Path("data"), "../a.png")


def test_shown_names_fit_on_one_line_and_keep_their_letters():
    assert safe_names.shown("Espuma ñ μ 100 %/-a.png") == "Espuma ñ μ 100 %/-a.png"
    assert safe_names.shown("a\r\nb\x1b[31m\udce9") == "a\\r\\nb\\x1b[31m\\udce9"


def test_a_name_from_a_list_is_found_inside_or_refused(tmp_path):
    folder = tmp_path / "run"
    (folder / "a").mkdir(parents=True)
    (folder / "out").symlink_to(tmp_path)
    (folder / "link").symlink_to(folder / "a")
    assert safe_names.inside(folder, "a/1.png") == (folder / "a" / "1.png").resolve()
    assert safe_names.inside(folder, "link") == folder.resolve() / "link"  # what is deleted is the link
    for name in ("../x", "out/x", "/etc/passwd", ""):
        with pytest.raises(ValueError, match="leads out of its folder"):
            safe_names.inside(folder, name)


@pytest.mark.parametrize(
    "value", [10**400, "x" * 10**6, "\x1b[31m" * 100, [[1] * 1000] * 1000, {"a": {"b": list(range(1000))}}, None, -1.5]
)
def test_errors_quote_a_little_of_a_value_and_nothing_that_a_terminal_obeys(value):
    told = safe_names.short(value)
    assert len(told) <= safe_names.MOST_QUOTED
    assert told.isprintable()
