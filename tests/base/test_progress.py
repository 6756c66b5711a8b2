"""Progress: what jobs report elsewhere is one bar here."""

import time

import pytest

from nanofoam_lib.base import progress


def _until(report, share):
    until = time.monotonic() + 20
    while progress.read(report)[0] != share and time.monotonic() < until:
        time.sleep(0.05)
    return progress.read(report)


def test_jobs_count_by_their_weight_and_the_least_far_is_named(tmp_path, monkeypatch):
    own = tmp_path / "own"
    monkeypatch.setenv(progress.REPORT_VARIABLE, str(own))
    with progress.gather([3, 1]) as (first, second):
        assert progress.read(own) == (None, "")
        second.write_text("0.8 short 8/10")
        assert _until(own, 0.2) == (0.2, "short 8/10")
        first.write_text("0.4 long 4/10")
        assert _until(own, 0.5) == (0.5, "long 4/10")
        first.write_text("0.1 long, second stage 1/10")  # what was done stays done
        time.sleep(0.5)
        assert progress.read(own) == (0.5, "long, second stage 1/10")


def test_what_was_done_before_counts(tmp_path, monkeypatch):
    own = tmp_path / "own"
    monkeypatch.setenv(progress.REPORT_VARIABLE, str(own))
    shares = [progress.read(own)[0] for _ in progress.track(range(2, 4), "epoch", total=4, done=2)]
    assert shares == [None, 0.75] and progress.read(own) == (1.0, "epoch 4/4")


def test_where_nobody_collects_reports_there_is_a_bar(monkeypatch, capsys):
    monkeypatch.delenv(progress.REPORT_VARIABLE, raising=False)
    with progress.gather([1]) as (report,):
        report.write_text("0.25 training vae_8 1/4")
        until, shown = time.monotonic() + 20, ""
        while "25%" not in shown and time.monotonic() < until:
            time.sleep(0.1)
            shown += capsys.readouterr().err
    assert "training vae_8 1/4:  25%" in shown


@pytest.mark.parametrize("text", ["", "0.", "x y", None])
def test_a_report_that_is_being_written_is_none_yet(tmp_path, text):
    report = tmp_path / "report"
    if text is not None:
        report.write_text(text)
    assert progress.read(report) in [(None, ""), (0.0, "")]
