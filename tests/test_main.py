import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys
import textwrap

import pytest
from PIL import Image
from spanish import english_in

from nanofoam_lib import __main__
from nanofoam_lib.base import terminal
from nanofoam_lib.base.errors import DataError, StepError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import checking, pore_choices
from nanofoam_lib.images.pore_study import Request
from nanofoam_lib.runs import pipeline


def call(*arguments, capsys):
    try:
        status = __main__.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_check_of_good_data_says_so(tiles, capsys):
    status, out, _ = call("check", tiles, capsys=capsys)
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["class", "images", "groups", "train", "test", "pixels", "µm", "per", "pixel"]
    assert lines[1:4] == [[name, "6", "6", "4", "2", "160×160", "–"] for name in ("brick", "grass", "gravel")]
    assert out.splitlines()[4:] == ["18 images, all well, but few"]


@pytest.mark.parametrize("order", [("--lang", "es", "check", "nowhere"), ("check", "nowhere", "--lang", "es")])
def test_the_language_stands_before_the_command_or_behind_it(order, capsys):
    status, _, err = call(*order, capsys=capsys)
    assert status == 1 and err.startswith("nanofoam: error: nowhere: no existe")
    with pytest.raises(DataError):
        __main__.main(["--debug", "check", "nowhere"])


def test_the_choices_that_help_shows_can_be_read(tmp_path):
    shown = [line for line in __main__.CHOSEN.splitlines() if line.startswith("  ")]
    (tmp_path / pore_choices.NAME).write_text(textwrap.dedent("\n".join(shown)))
    choices, base = pore_choices.read(tmp_path), Request()
    assert pore_choices.request_for(choices, "CuNi1/a.png", base) == Request("dark", 0.4, 2)
    assert pore_choices.request_for(choices, "CuNi2/b.png", base) == dataclasses.replace(base, method="dark")
    assert f"{', '.join(pore_choices.METHODS[:-1])} or {pore_choices.METHODS[-1]}" in __main__.CHOSEN
    assert "from {:g} to {:g}".format(*pore_choices.LIMITS["level"]) in __main__.CHOSEN


def test_check_lists_each_bad_image(tiles, capsys):
    (tiles / "brick" / "text.png").write_text("hello")
    Image.new("L", (1, 1)).save(tiles / "grass" / "dot.png")
    status, out, _ = call("check", tiles, capsys=capsys)
    assert status == 1
    assert [line.split(":")[0].strip() for line in out.splitlines()] == [
        "brick/text.png",
        "grass/dot.png",
        "class  images  usable  groups  train  test  pixels µm per pixel",
        "brick       7       6       6      4     2 160×160            –",
        "grass       7       6       6      4     2 160×160            –",
        "gravel       6       6       6      4     2 160×160            –",
        "20 images, 2 problems, 2 warnings",
    ]


def test_check_warns_of_what_is_odd_and_keeps_each_name_on_one_line(tiles, capsys):
    (tiles / "metadata.csv").write_text("path,group\ngone.png,a\n")
    (tiles / "brick" / "two\nlines.png").write_text("hello")
    status, out, err = call("check", tiles, capsys=capsys)
    assert status == 1
    assert out.splitlines()[0] == "brick/two\\nlines.png: is not an image of a known format"
    warned = [line for line in err.splitlines() if line.startswith("nanofoam: warning: ")]
    assert "metadata.csv has no row for brick/brick_0.png and 18 more" in warned[0]
    assert "metadata.csv lists gone.png, which the data folder does not hold" in warned[1] and len(warned) == 4
    assert out.splitlines()[-1] == "19 images, 1 problem, 4 warnings"


def test_check_as_json_holds_what_is_said_in_words(tiles, capsys):
    assert json.loads(call("check", tiles, "--json", capsys=capsys)[1])["problems"] == []
    (tiles / "brick" / "text.png").write_text("hello")
    status, words, warned = call("check", tiles, capsys=capsys)
    again, out, err = call("check", tiles, "--json", capsys=capsys)
    found = json.loads(out)
    assert (status, again) == (1, 1) and "warning" not in err and found["images"] == 19
    (problem,) = found["problems"]
    assert problem["path"] == "brick/text.png" and f"{problem['path']}: {problem['problem']}" in words
    assert found["warnings"] and all(message in warned for message in found["warnings"])
    brick, *_ = found["classes"]
    assert (brick["class"], brick["images"], brick["usable"], brick["train"], brick["test"]) == ("brick", 7, 6, 4, 2)


def test_check_refuses_larger_images_than_it_is_told(tiles, capsys):
    status, out, _ = call("check", tiles, "--max-megapixels", "0.02", capsys=capsys)
    assert status == 1
    assert out.count("max_megapixels allows 0.02\n") == 18
    assert call("check", tiles, "--max-megapixels", "0.03", capsys=capsys)[0] == 0
    status, _, err = call("check", tiles, "--max-megapixels", "0", capsys=capsys)
    assert status == 2
    assert "max_megapixels must be a number" in err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["run", "-p", "epoch=3"], 2, "unknown parameter 'epoch'"),
        (["run", "-p", "epochs=many"], 2, "epochs must be a whole number"),
        (["run", "-p", "epochs"], 2, "NAME=VALUE"),
        (["run", "--profile", "nope"], 2, "no such profile"),
        (["run", "--from", "77"], 2, "no such notebook"),
        (["run", "--data", "nowhere"], 1, "nowhere: does not exist"),
        (["check", "nowhere"], 1, "nowhere: does not exist"),
        (["run", "--out", "file"], 2, "is a file"),
        (["run", "--out", "file/out"], 1, "cannot be written to"),
    ],
)
def test_errors_are_one_line_on_stderr(tmp_path, monkeypatch, capsys, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    found, out, err = call(*arguments, capsys=capsys)
    assert found == status
    assert out == ""
    assert err.startswith("nanofoam: error: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run", "--lang", "fr"], ["run", "--speed"]])
def test_wrong_usage_exits_with_2(capsys, arguments):
    assert call(*arguments, capsys=capsys)[0] == 2


def test_a_traceback_only_with_debug(capsys):
    with pytest.raises(ValueError, match="unknown parameter"):
        call("run", "-p", "epoch=3", "--debug", capsys=capsys)


def test_run_hands_its_arguments_on_and_ends_with_the_report_s_path(tmp_path, monkeypatch, capsys):
    seen = []

    def run(*arguments):
        seen.extend(arguments)
        (tmp_path / "manifest.json").write_text(
            '{"steps": {"01_preprocess": {"status": "running", "warnings": ["mixed image sizes"]}}}'
        )
        return Run(tmp_path)

    monkeypatch.setattr(pipeline, "run", run)
    arguments = ["run", "--profile", "demo", "--data", "d", "--out", "o", "-p", "epochs=2", "-p", "beta=0.5"]
    arguments += ["--from", "03", "--force", "--lang", "es"]
    status, out, err = call(*arguments, capsys=capsys)
    assert seen == ["o", "demo", "d", {"epochs": 2, "beta": 0.5}, "03", True, "es", None]
    assert (status, out) == (0, f"{tmp_path / 'index.html'}\n")
    assert "aviso: 01_preprocess: mixed image sizes" in err


def test_a_finished_run_ends_with_three_lines_of_results_and_the_path(small_run, monkeypatch, capsys):
    def run(*arguments):
        pipeline._finish(small_run, small_run.load_manifest() | {"lang": arguments[6]}, "a key")
        return small_run

    monkeypatch.setattr(pipeline, "run", run)
    *lines, path = call("run", capsys=capsys)[1].splitlines()
    assert lines[0] == (
        "Right for unseen images, by a random forest: σ of the 4-d VAE 100% (88% to 100%), the best control, LBP, 75% "
        "(50% to 88%)."
    )
    assert lines[1].startswith("What do the materials look like? Not measured. ")
    assert lines[2].startswith("How far to trust this? ") and "specimens were held out whole" in lines[2]
    assert (len(lines), path) == (3, str(small_run.report))
    *lines, path = call("run", "--lang", "es", capsys=capsys)[1].splitlines()
    assert not english_in(" ".join(lines))


def test_a_failed_step_exits_with_1(monkeypatch, capsys):
    def run(*_):
        raise StepError("02_train failed:\nno luck")

    monkeypatch.setattr(pipeline, "run", run)
    assert call("run", capsys=capsys) == (1, "", "nanofoam: error: 02_train failed: no luck\n")


def test_the_installed_command_and_the_module_are_the_same():
    command = os.path.join(os.path.dirname(sys.executable), "nanofoam")  # noqa: PTH118, PTH120
    helps = [
        subprocess.run([*start, "run", "--help"], capture_output=True, text=True, check=True).stdout
        for start in ([command], [sys.executable, "-m", "nanofoam_lib"])
    ]
    assert helps[0] == helps[1]
    assert "latent_dims" in helps[0]


def said_of_itself(parser):
    """List what a parser and those of its commands say in words: of several lines, those with words, example or not."""
    texts = [parser.format_usage().partition(" ")[0], parser.description or "", *(parser.epilog or "").split("\n")]
    texts += [group.title for group in parser._action_groups]
    for action in parser._actions:
        texts.append(action.help or "")
        if isinstance(action, argparse._SubParsersAction):
            texts += [offered.help for offered in action._choices_actions]
            texts += [text for command in action.choices.values() for text in said_of_itself(command)]
    return texts


def test_every_text_of_the_help_has_a_spanish_form():
    english, spanish = (said_of_itself(__main__._parser(lang)) for lang in ("en", "es"))
    typed = re.compile(
        r"    (row|column|beta|seed): .*|  (- table|classes|pictures): ?.*|SPEC.yaml:|"
    )  # stays as it is
    assert len(english) == len(spanish) > 100
    same = [text for text, own in zip(english, spanish, strict=True) if text == own]
    assert [text for text in same if not typed.fullmatch(text)] == []


@pytest.mark.parametrize("asked", [["--lang", "es"], ["--lang=es"], []])
def test_help_follows_the_language_asked_for_and_else_the_terminal_s(asked, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "es_CO.UTF-8" if not asked else "C.UTF-8")
    status, out, _ = call("run", *asked, "--help", capsys=capsys)
    assert status == 0
    assert out.startswith("uso: nanofoam run")
    assert "latent_dims      tamaños latentes" in out
    assert call("run", "--lang", "en", "--help", capsys=capsys)[1].startswith("usage: nanofoam run")


def test_a_percentage_in_spanish_is_printed_as_one_reads_it(capsys):
    terminal.say("89\N{NO-BREAK SPACE}% de 3", "es")
    terminal.remark("el 5\N{NO-BREAK SPACE}%", "es")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("89 % de 3\n", "nanofoam: el 5 %\n")


def complete(line, tmp_path):
    """Give what the shell is offered at the end of a command line."""
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    offered = tmp_path / "offered"
    environment = os.environ | asked | {"_ARGCOMPLETE_STDOUT_FILENAME": str(offered)}
    subprocess.run([sys.executable, "-m", "nanofoam_lib"], env=environment, check=True)
    return {word.strip() for word in offered.read_text().split("\n")}


def test_the_shell_is_told_what_may_be_typed(tmp_path):
    assert {"run", "pores", "apply", "check"} <= complete("nanofoam ", tmp_path)
    assert complete("nanofoam run --pro", tmp_path) == {"--profile"}
    assert {"latent_dims=", "learning_rate="} == complete("nanofoam run -p l", tmp_path)


def test_what_nobody_foresaw_is_one_line_too(monkeypatch, capsys, tiles):
    def fail(*_, **__):
        raise OverflowError("cannot convert\nfloat infinity")

    monkeypatch.setattr(checking, "check", fail)
    status, out, err = call("check", tiles, capsys=capsys)
    assert (status, out) == (1, "")
    said = "OverflowError: cannot convert float infinity; the same command with --debug shows the traceback"
    assert err == f"nanofoam: error: {said}\n"
    with pytest.raises(OverflowError):
        call("check", tiles, "--debug", capsys=capsys)


def test_a_spanish_terminal_is_answered_in_spanish(tiles, capsys, monkeypatch):
    (tiles / "brick" / "text.png").write_text("hello")
    monkeypatch.setenv("LC_ALL", "es_MX.UTF-8")
    status, out, _ = call("check", tiles, capsys=capsys)
    assert status == 1
    assert out.splitlines()[0] == "brick/text.png: no es una imagen de un formato conocido"
    assert out.splitlines()[1].split()[:3] == ["clase", "imágenes", "utilizables"]
    assert out.splitlines()[-1] == "19 imágenes, 1 problema, 2 avisos"
    _, _, err = call("open", tiles, capsys=capsys)
    assert err.startswith("nanofoam: error: ") and "falta; hay que dar una carpeta" in err
    status, _, err = call("open", capsys=capsys)
    assert (status, err.splitlines()[-1]) == (2, "nanofoam open: error: faltan los argumentos RUN")
    assert "missing; give a folder" in call("open", tiles, "--lang", "en", capsys=capsys)[2]
