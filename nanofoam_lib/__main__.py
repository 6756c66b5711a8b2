# PYTHON_ARGCOMPLETE_OK
"""The command line: ``nanofoam run``, ``apply``, ``open``, ``check``, ``pores``, ``compare``, ``verify``, ``sweep``."""

import argparse
import os
import sys

EPILOG = """\
parameters (-p NAME=VALUE, VALUE as JSON; a profile's YAML file takes the same names):
"""

CITED = """\
RUN/cited.yaml lists the numbers that a text quotes, an entry for each:

  - table: table1      # RUN/tables/table1.csv
    row: {kind: vae, latent_dim: 128, descriptor: sigma, classifier: random forest, protocol: by-group}
    column: accuracy
    value: 0.65        # as the text has it
    tolerance: 0.005   # how far the table may be from it; 0.005 if left out

row names columns and their values; exactly one row must have them all.
Exit status: 0 if every number holds, 1 if one has moved or an entry cannot be read.
"""

CHOSEN = """\
DIR/pores.yaml, if there is one, says how pores are found where the method that is asked for does not do:

  all: {method: dark}           # auto, dark, bright, cells or masks
  classes:
    CuNi1: {smallest_um: 2}     # pores of a smaller diameter do not count; in pixels if no pixel size is known
  pictures:
    CuNi1/a.png: {level: 0.4}   # where the outline lies between the greys of walls (0) and pores (1), from 0.05 to 0.95

A picture's choice goes before its class's, and that before the one for all.
The tab Pores of explore shows what a choice does, and writes the file; nanofoam run reads it as well.
"""

COMPLETION = """\
In a shell, eval "$(register-python-argcomplete nanofoam)" lets the tab key complete commands, options and parameters.
"""

SCHEDULER = "read images and measure pores on a Dask cluster that you trust, such as tcp://host:8786 (extra: cluster)"

APPLIED = "what is to be another for the new files than in the run: bar, stack, pixel_size_um, skip_bad, pores, …"
CHECKED = "a parameter of nanofoam run on reading or splitting: crop, subfolders, test_fraction, seed, …"

TRACEBACK = "show the traceback of an error"
LANGUAGE = "language of what is said and of pages and figures (default: as LC_ALL, LC_MESSAGES or LANG have it)"

SWEEP = """\
SPEC.yaml:

  profile: quick             # as of nanofoam run; so are data, lang and until
  parameters: {epochs: 16}   # the same for all points
  grid:                      # every combination of these
    latent_dims: [16, 64]    # one size a run; [[16, 64]] trains both in each
    beta: [0.5, 1, 4]
    seed: [0, 1, 2]

Each point gets a run folder in DIR; DIR/index.html compares them.
Given again, the command skips what is finished and goes on with what is not.
On a cluster whole runs are sent to the workers, which must see the same files.
Exit status: 0 if every run is finished, 1 if one failed.
"""


def main(arguments=None):
    """Run the command line; return the exit status: 0 done, 1 the data or a step failed, 2 wrong usage."""
    from nanofoam_lib.base import safe_names, signals, terminal
    from nanofoam_lib.base.errors import DataError, StepError, UsageError

    terminal.prepare()
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser(terminal.language(arguments=arguments))
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what may be typed
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    try:
        terminal.check_arguments(arguments)
        with signals.insistent():
            return options.command(options)
    except (DataError, StepError, UsageError, OSError) as error:
        if options.debug:
            raise
        terminal.complain(error, options.lang)
        return 2 if isinstance(error, UsageError) else 1
    except Exception as error:  # a fault of the program's, of which a person gets one line as well
        if options.debug:
            raise
        told = f"{type(error).__name__}: {safe_names.short(' '.join(str(error).split()))}"
        terminal.complain(f"{told}; the same command with --debug shows the traceback", options.lang)
        return 1
    except KeyboardInterrupt:
        terminal.remark("stopped; the same command goes on with the step that was running", options.lang)
        return 130


class _Parser(argparse.ArgumentParser):
    """A parser that speaks the reader's language."""

    lang = "en"

    def error(self, message):
        """Say below the usage what is wrong with the command; exit with status 2."""
        super().error(_said(message, self.lang))

    def format_usage(self):
        """Show what may be typed, in a line or two."""
        return self._begun(super().format_usage())

    def format_help(self):
        """Show what may be typed and what it does."""
        return self._begun(super().format_help())

    def _begun(self, shown):
        return _said(_USAGE, self.lang) + shown.removeprefix(_USAGE)


_USAGE = "usage: "


def _said(text, lang):
    if lang == "en":  # and no catalogue is read
        return text
    from nanofoam_lib.base.messages import message

    return "\n".join(message(line, lang) if line[:2] != "  " else _with_remark(line, lang) for line in text.split("\n"))


def _with_remark(line, lang):
    """Put the remark behind an example of YAML into a language; what one types stays."""
    code, mark, remark = line.partition("# ")
    return code + mark + _said(remark, lang)


def _translate(parser, lang):
    """Put what a parser, and those of its commands, say of themselves into a language."""
    parser.lang = lang
    parser.description, parser.epilog = (_said(text or "", lang) for text in (parser.description, parser.epilog))
    for group in parser._action_groups:
        group.title = _said(group.title or "", lang)
    for action in parser._actions:
        action.help = _said(action.help or "", lang)
        if isinstance(action, argparse._SubParsersAction):
            for offered in action._choices_actions:
                offered.help = _said(offered.help, lang)
            for command in action.choices.values():
                _translate(command, lang)


def _add_parameters(command, meaning, known):
    option = command.add_argument(
        "-p", dest="parameter", metavar="NAME=VALUE", action="append", default=[], help=meaning
    )
    option.completer = lambda **_: [f"{name}=" for name in known]  # type: ignore[attr-defined]


def _parser(lang="en"):
    from nanofoam_lib.runs import commands
    from nanofoam_lib.runs.parameters import PARAMETERS

    listed = "\n".join(f"  {name:16} {_said(own.meaning, lang)}" for name, own in PARAMETERS.items())
    parser = _Parser(prog="nanofoam", description="From a folder of micrographs to a report.", epilog=COMPLETION)
    offered = parser.add_subparsers(required=True, metavar="COMMAND")

    run = offered.add_parser(
        "run", help="run the chain of notebooks and write a report", epilog=EPILOG + listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    run.add_argument("--profile", metavar="demo|quick|thesis|FILE.yaml", help="parameter values (default: quick)")
    run.add_argument("--data", metavar="DIR", help="micrographs as DIR/<class>/*.png (default: synthetic foam)")
    run.add_argument("--out", metavar="DIR", help="run folder (default: reports/<profile>)")
    _add_parameters(run, "see below", PARAMETERS)
    run.add_argument("--from", dest="start", metavar="NN", help="begin with notebook NN, with the run's own parameters")
    run.add_argument("--until", metavar="NN", help="end with notebook NN")
    run.add_argument("--force", action="store_true", help="run every notebook, unchanged or not")
    run.set_defaults(command=commands.run)

    check = offered.add_parser("check", help="say of a data folder all that a run would refuse or warn of")
    check.add_argument("data_folder", metavar="DIR")
    _add_parameters(check, CHECKED, PARAMETERS)
    check.add_argument("--max-megapixels", type=float, metavar="N", help="largest image that is read (default: 100)")
    check.set_defaults(command=commands.check)

    pores = offered.add_parser(
        "pores", help="measure pores, without any training: tables, overlays, label images and a page", epilog=CHOSEN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    pores.add_argument("data_folder", metavar="DIR", help="micrographs as DIR/<class>/*.png")
    pores.add_argument("--out", metavar="FOLDER", help="folder of the results (default: reports/pores-DIR)")
    known = commands.PORE_PARAMETERS
    _add_parameters(pores, f"parameters of nanofoam run: {', '.join(known)}", known)
    pores.set_defaults(command=commands.pores)

    apply = offered.add_parser(
        "apply", help="take new micrographs through a finished run: descriptors, classes, what lies off, a page"
    )
    apply.add_argument("run_folder", metavar="RUN", help="a finished run, such as reports/quick; it is not changed")
    apply.add_argument("data_folder", metavar="DIR", help="micrographs, in folders of any depth or in none")
    apply.add_argument("--out", metavar="FOLDER", help="folder of the results (default: reports/apply-RUN-DIR)")
    _add_parameters(apply, APPLIED, PARAMETERS)
    apply.set_defaults(command=commands.apply)

    shown = offered.add_parser("open", help="show the report of a run, or of what was applied, in the browser")
    shown.add_argument("run_folder", metavar="RUN", help="a folder with index.html in it, such as reports/quick")
    shown.set_defaults(command=commands.show)

    compare = offered.add_parser("compare", help="set parameters and headline numbers of runs side by side")
    compare.add_argument("run_folders", metavar="RUN", nargs="+", help="run folders, such as reports/quick")
    compare.add_argument("--html", metavar="FILE", help="write it as a page as well")
    compare.set_defaults(command=commands.compare)

    verify = offered.add_parser(
        "verify", help="tell whether the numbers that a text quotes are still those of the run", epilog=CITED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verify.add_argument("run_folder", metavar="RUN")
    verify.set_defaults(command=commands.verify)

    sweep = offered.add_parser(
        "sweep", help="run a grid of parameters, one run for each point, and compare them", epilog=SWEEP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    sweep.add_argument("spec", metavar="SPEC.yaml", help="see below")
    sweep.add_argument("--out", metavar="DIR", help="folder of the runs' folders (default: reports/SPEC)")
    sweep.add_argument("--jobs", type=int, metavar="N", help="runs at a time (default: half the cores)")
    only = sweep.add_mutually_exclusive_group()
    only.add_argument("--list", action="store_true", help="list the points with their numbers, and run nothing")
    only.add_argument("--item", type=int, metavar="K", help="run point K alone, as in a task of a job array")
    only.add_argument("--collect", action="store_true", help="run nothing, compare what is finished")
    sweep.set_defaults(command=commands.sweep)

    for command in (check, compare, verify):
        command.add_argument("--json", action="store_true", help="write what is found as JSON")
    for command in (run, pores, apply, sweep):
        command.add_argument("--scheduler", metavar="ADDRESS", help=SCHEDULER)
    parser.set_defaults(lang=lang, debug=False)
    for command in (parser, run, apply, shown, check, pores, compare, verify, sweep):  # before the command or behind it
        command.add_argument("--lang", choices=("en", "es"), default=argparse.SUPPRESS, help=LANGUAGE)
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=TRACEBACK)
    _translate(parser, lang)
    return parser


if __name__ == "__main__":
    sys.exit(main())
