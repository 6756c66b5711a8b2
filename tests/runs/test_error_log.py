import pytest

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import DataError, StepError, UsageError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.runs import error_log


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


def raised(run, error):
    with pytest.raises(Exception, match=r".") as caught, error_log.kept(run):
        raise error
    return caught.value


def test_what_nobody_foresaw_is_one_line_and_a_traceback_in_the_run_folder(run):
    told = raised(run, OverflowError("cannot convert float infinity to integer"))
    assert isinstance(told, StepError)
    assert str(told) == (
        f"OverflowError: cannot convert float infinity to integer; the traceback is in {run.folder / 'error.log'}"
    )
    text = run.log.read_text(encoding="utf-8")
    assert text.startswith("Traceback (most recent call last):") and "raise error" in text


def test_a_failed_step_keeps_its_own_line(run):
    told = raised(run, StepError("02_train failed: \x1b[31mno luck\x1b[0m"))
    assert str(told).startswith("02_train failed: ") and str(told).endswith(f"the traceback is in {run.log}")
    assert "StepError: 02_train failed: no luck" in run.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [DataError("a.png: is not an image"), UsageError("--from 9: no such notebook")])
def test_what_a_person_can_mend_needs_no_log(run, error):
    assert raised(run, error) is error
    assert not run.log.exists()


def test_names_that_are_no_text_and_a_full_disk_do_not_hide_the_error(run, monkeypatch):
    assert "ValueError" in str(raised(run, ValueError("\udce9.png")))
    assert r"\udce9.png" in run.log.read_text(encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_text", full)
    assert str(raised(run, ValueError("no"))) == "ValueError: no"


def test_a_run_that_ends_well_leaves_no_log(run):
    raised(run, ValueError("no"))
    with error_log.kept(run):
        assert run.log.exists()
    assert not run.log.exists()
