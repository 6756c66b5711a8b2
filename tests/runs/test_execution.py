import io
import pathlib
import re
import time

import pytest

from nanofoam_lib.base import progress
from nanofoam_lib.runs import execution


class Terminal:
    """A stream that says it is a terminal, and keeps what is written."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("lang", "epoch", "left"),
    [("en", "training vae-8, epoch 3/4", "left"), ("es", "entrenamiento de vae-8, época 3/4", "quedan")],
)
def test_the_bar_shows_step_model_epoch_and_the_time_that_is_left(monkeypatch, lang, epoch, left):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with execution.ChainBar({"01_preprocess": 1, "02_train": 9}, lang) as bar:
        with bar.step("01_preprocess") as on_progress:
            on_progress(1)
        with bar.step("02_train"):
            report = pathlib.Path(bar.variables("02_train")[progress.REPORT_VARIABLE])
            report.write_text("0.7500 training vae-8, epoch 3/4")
            time.sleep(0.7)
    shown = terminal.text.split("\r")
    last = next(line for line in reversed(shown) if "02_train" in line)
    assert last.startswith("2/2 02_train") and last.rstrip().endswith(epoch) and left in last
    share = float(re.search(r"(\d+)%", last)[1]) / 100
    assert share == pytest.approx(0.1 + 0.9 * 0.9 * 0.75, abs=0.01)


def test_the_bar_adds_up_steps_that_run_beside_each_other(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with (
        execution.ChainBar({"04_explain": 4, "05_generate": 6}) as bar,
        bar.step("04_explain") as first,
        bar.step("05_generate") as second,
    ):
        first(0.5)
        second(0.25)
        # 0.5 · 4 + 0.25 · 6 of 10, under the name of the first that runs
        until = time.monotonic() + 30
        while not re.search(r"1/2 04_explain +35%", terminal.text) and time.monotonic() < until:
            time.sleep(0.1)
    assert re.search(r"1/2 04_explain +35%", terminal.text)


def test_where_nobody_watches_a_line_now_and_then_is_written(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    monkeypatch.setattr(execution, "TOLD_EVERY", 0.3)
    with execution.ChainBar({"01_preprocess": 1, "02_train": 9}) as bar, bar.step("01_preprocess") as on_progress:
        on_progress(1)
        assert log.getvalue() == ""  # nothing of a chain that ends at once
        until = time.monotonic() + 30
        while log.getvalue().count("\n") < 2 and time.monotonic() < until:
            time.sleep(0.1)
    assert log.getvalue().splitlines()[:2] == 2 * ["1/2 01_preprocess 10%"]
