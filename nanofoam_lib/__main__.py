"""The command line: ``nanofoam run``, ``apply``, ``open``, ``check``, ``pores``, ``compare``, ``verify``, ``sweep``."""

import argparse
import pathlib
import sys
import warnings

EPILOG = """\
parameters (-p NAME=VALUE, VALUE as JSON; a profile's YAML file takes the same names):
"""

CITED = """\
RUN/cited.yaml lists the numbers that a text quotes, an entry for each:

  - table: table1                # RUN/tables/table1.csv
    row: {kind: vae, latent_dim: 128, descriptor: sigma, classifier: random forest, protocol: by-group}
    column: accuracy
    value: 0.65                  # as the text has it
    tolerance: 0.005             # how far the table may be from it; 0.005 if left out

row names columns and their values; exactly one row must have them all.
Exit status: 0 if every number holds, 1 if one has moved or an entry cannot be read.
"""

SCHEDULER = "read images and measure pores on a Dask cluster that you trust, such as tcp://host:8786 (extra: cluster)"

#: Parameters that have a meaning where nothing is trained.
PORE_PARAMETERS = (
    "pores", "stereology", "crop", "bar", "stack", "subfolders", "pixel_size_um", "max_megapixels",
)  # fmt: skip
APPLIED = "what is to be another for the new files than in the run: bar, stack, pixel_size_um, skip_bad, pores, …"
CHECKED = "a parameter of nanofoam run on reading or splitting: crop, subfolders, test_fraction, seed, …"

SWEEP = """\
SPEC.yaml:

  profile: quick                 # as of nanofoam run; so are data, lang and until
  parameters: {epochs: 16}       # the same for all points
  grid:                          # every combination of these
    latent_dims: [16, 64]        # one size a run; [[16, 64]] trains both in each
    beta: [0.5, 1, 4]
    seed: [0, 1, 2]

Each point gets a run folder in DIR; DIR/index.html compares them. Given again, the command skips what is finished and
goes on with what is not. On a cluster whole runs are sent to the workers, which must see the same files.
Exit status: 0 if every run is finished, 1 if one failed.
"""


def main(arguments=None):
    """Run the command line; return the exit status: 0 done, 1 the data or a step failed, 2 wrong usage."""
    from nanofoam_lib.base import safe_names, signals, terminal
    from nanofoam_lib.base.errors import DataError, StepError, UsageError

    terminal.prepare()
    options = _parser().parse_args(arguments)
    try:
        terminal.check_arguments(sys.argv[1:] if arguments is None else arguments)
        with signals.insistent():
            return options.command(options)
    except (DataError, StepError, UsageError, OSError) as error:
        if options.debug:
            raise
        terminal.complain(f"error: {error}")
        return 2 if isinstance(error, UsageError) else 1
    except Exception as error:  # a fault of the program's, of which a person gets one line as well
        if options.debug:
            raise
        told = f"{type(error).__name__}: {safe_names.short(' '.join(str(error).split()))}"
        terminal.complain(f"error: {told}; the same command with --debug shows the traceback")
        return 1
    except KeyboardInterrupt:
        print("nanofoam: stopped; the same command goes on with the step that was running", file=sys.stderr)
        return 130


def _run(options):
    from nanofoam_lib.base import scheduling
    from nanofoam_lib.runs import parameters, pipeline

    _prepare()
    given = dict(parameters.parse(assignment) for assignment in options.parameter)
    with scheduling.on(options.scheduler):
        run = pipeline.run(
            options.out, options.profile, options.data, given, options.start, options.force, options.lang, options.until
        )  # fmt: skip
    return _tell(run)


def _prepare():
    warnings.showwarning = _show_warning


def _tell(run):
    """Show the warnings of a finished run, and where its report is; return the exit status."""
    from nanofoam_lib.base import terminal

    for step, record in run.load_manifest()["steps"].items():
        for warning in record["warnings"]:
            terminal.complain(f"warning: {step}: {warning}")
    terminal.say(run.report)
    return 0


def _sweep(options):
    from nanofoam_lib.base import scheduling, terminal
    from nanofoam_lib.runs import sweep_spec, sweeps

    _prepare()
    sweep = sweep_spec.load(options.spec)
    folder = pathlib.Path(options.out or f"reports/{pathlib.Path(options.spec).stem}")
    if options.list:
        print(*(f"{number} {item.name}" for number, item in enumerate(sweep.items)), sep="\n")
        return 0
    if options.item is not None:
        return _tell(sweeps.run_item(sweep, options.item, folder))
    failed = {}
    if not options.collect:
        with scheduling.on(options.scheduler):
            failed = sweeps.run(sweep, folder, options.jobs)
    for name, problem in failed.items():
        terminal.complain(f"error: {name}: {problem}")
    table = sweeps.write(sweep, folder)
    done = table.loc[table["status"] == "done", "item"].nunique()
    print(f"{done} of {len(sweep.items)} runs are finished\n{folder / 'index.html'}")
    return 1 if failed else 0


def _show_warning(message, *_):
    from nanofoam_lib.base import terminal

    terminal.complain(f"warning: {message}")


def _check(options):
    from nanofoam_lib.base import safe_names, terminal
    from nanofoam_lib.images import checking
    from nanofoam_lib.runs import parameters

    given = dict(parameters.parse(assignment) for assignment in options.parameter)
    given |= {} if options.max_megapixels is None else {"max_megapixels": options.max_megapixels}
    found = checking.check(options.data_folder, **parameters.check(given, "-p", checking.PARAMETERS))
    if options.json:
        _print_json(checking.as_data(found))
        return 1 if len(found.problems) else 0
    for message in (*found.said, *found.few):
        terminal.complain(f"warning: {message}")
    for path, problem in zip(found.problems["path"], found.problems["problem"], strict=True):
        terminal.say(f"{safe_names.shown(path)}: {problem}")
    for fact in (*found.facts, checking.classes(found).to_string(index=False)):
        terminal.say(fact)
    counts = [(len(found.problems), "problem"), (len(found.said), "warning")]
    told = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in counts if n)
    print(f"{len(found.labels)} images, {told or 'all well' + ', but few' * bool(found.few)}")
    return 1 if len(found.problems) else 0


def _pores(options):
    from nanofoam_lib.base import safe_names, scheduling, terminal
    from nanofoam_lib.base.errors import UsageError
    from nanofoam_lib.images import collection, pore_folder, pore_study
    from nanofoam_lib.report import pore_page
    from nanofoam_lib.runs import parameters

    _prepare()
    given = dict(parameters.parse(assignment) for assignment in options.parameter)
    given = parameters.check(given, "-p", PORE_PARAMETERS)
    out = pathlib.Path(options.out or f"reports/pores-{pathlib.Path(options.data_folder).resolve().name}")
    collection.check_apart(options.data_folder, out)
    method, stereology = given.pop("pores", "auto"), given.pop("stereology", "none")
    if method == "none":
        raise UsageError("-p pores=none: there is nothing to do; leave it out, or name a method")
    request = pore_study.Request(method, crop=given.pop("crop", 0.15))
    with scheduling.on(options.scheduler):
        pictures = pore_folder.measure(options.data_folder, out, request, **given)
    problems = pictures["problem"].dropna().tolist()
    for problem in problems:
        terminal.complain(f"error: {problem}")
    if len(problems) == len(pictures):
        return 1
    name = safe_names.shown(pathlib.Path(options.data_folder).resolve().name)
    doubtful = int((pictures["verdict"] == "doubtful").sum())
    print(f"{len(pictures) - len(problems)} pictures, {doubtful} doubtful")
    print(pore_page.write(out, name, options.lang, stereology))
    return 1 if problems else 0


def _apply(options):
    from nanofoam_lib.base import safe_names, scheduling
    from nanofoam_lib.runs import apply, parameters

    _prepare()
    given = dict(parameters.parse(assignment) for assignment in options.parameter)
    given = parameters.check(given, "-p", apply.PARAMETERS)
    run, folder = (pathlib.Path(place).resolve().name for place in (options.run_folder, options.data_folder))
    out = pathlib.Path(options.out or f"reports/apply-{run}-{folder}")
    with scheduling.on(options.scheduler):
        applied = apply.apply(options.run_folder, options.data_folder, out, given)
    off = int(applied.predictions["off_manifold"].sum())
    print(f"{len(applied.predictions)} images of {safe_names.shown(folder)}, {off} off what the run has seen")
    print(apply.write_page(applied, out, safe_names.shown(folder), options.lang))
    return 0


def _open(options):
    import webbrowser

    from nanofoam_lib.base import safe_names
    from nanofoam_lib.base.errors import DataError
    from nanofoam_lib.base.run_folder import Run

    report = Run(options.run_folder).report
    if not report.is_file():
        raise DataError(f"{safe_names.shown(report)}: missing; give a folder in which nanofoam has written a report")
    if not webbrowser.open(report.resolve().as_uri()):
        print("nanofoam: no browser was found; open the page in one", file=sys.stderr)
    print(report)
    return 0


def _compare(options):
    from nanofoam_lib.base import files
    from nanofoam_lib.report import compare

    comparison = compare.compare(options.run_folders)
    if options.json:
        _print_json(compare.as_data(comparison))
    else:
        sys.stdout.write(compare.as_text(comparison))
    if options.html:
        files.write_text(options.html, compare.as_html(comparison))
    return 0


def _verify(options):
    from nanofoam_lib.base import terminal
    from nanofoam_lib.base.run_folder import Run
    from nanofoam_lib.report import cited_numbers

    citations, problems = cited_numbers.verify(Run(options.run_folder))
    moved = [citation for citation in citations if not citation.holds]
    if options.json:
        cited = [citation._asdict() | {"holds": citation.holds} for citation in citations]
        _print_json({"cited": cited, "problems": problems})
        return 1 if moved or problems else 0
    for citation in moved:
        terminal.say(f"{citation.where}: cited as {citation.cited:g}, now {citation.now:g}")
    for problem in problems:
        terminal.complain(f"error: {problem}")
    print(f"{len(citations) - len(moved)} of {len(citations) + len(problems)} cited numbers hold")
    return 1 if moved or problems else 0


def _print_json(data):
    import json

    from nanofoam_lib.base import terminal

    terminal.say_json(json.dumps(data, ensure_ascii=False, indent=1, default=lambda value: value.item()))


def _parser():
    from nanofoam_lib.runs.parameters import PARAMETERS

    listed = "\n".join(f"  {name:16} {parameter.meaning}" for name, parameter in PARAMETERS.items())
    parser = argparse.ArgumentParser(prog="nanofoam", description="From a folder of micrographs to a report.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="run the chain of notebooks and write a report", epilog=EPILOG + listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    run.add_argument("--profile", metavar="demo|quick|thesis|FILE.yaml", help="parameter values (default: quick)")
    run.add_argument("--data", metavar="DIR", help="micrographs as DIR/<class>/*.png (default: synthetic foam)")
    run.add_argument("--out", metavar="DIR", help="run folder (default: reports/<profile>)")
    run.add_argument("-p", dest="parameter", metavar="NAME=VALUE", action="append", default=[], help="see below")
    run.add_argument("--from", dest="start", metavar="NN", help="begin with notebook NN, with the run's own parameters")
    run.add_argument("--until", metavar="NN", help="end with notebook NN")
    run.add_argument("--force", action="store_true", help="run every notebook, unchanged or not")
    run.add_argument("--lang", choices=("en", "es"), default="en", help="language of the figures (default: en)")
    run.add_argument("--scheduler", metavar="ADDRESS", help=SCHEDULER)
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="say of a data folder all that a run would refuse or warn of")
    check.add_argument("data_folder", metavar="DIR")
    check.add_argument("-p", dest="parameter", metavar="NAME=VALUE", action="append", default=[], help=CHECKED)
    check.add_argument("--max-megapixels", type=float, metavar="N", help="largest image that is read (default: 100)")
    check.set_defaults(command=_check)

    pores = commands.add_parser(
        "pores", help="measure pores, without any training: tables, overlays, label images and a page"
    )
    pores.add_argument("data_folder", metavar="DIR", help="micrographs as DIR/<class>/*.png")
    pores.add_argument("--out", metavar="FOLDER", help="folder of the results (default: reports/pores-DIR)")
    pores.add_argument(
        "-p", dest="parameter", metavar="NAME=VALUE", action="append", default=[],
        help=f"parameters of nanofoam run: {', '.join(PORE_PARAMETERS)}",
    )  # fmt: skip
    pores.add_argument("--lang", choices=("en", "es"), default="en", help="language of the page (default: en)")
    pores.add_argument("--scheduler", metavar="ADDRESS", help=SCHEDULER)
    pores.set_defaults(command=_pores)

    apply = commands.add_parser(
        "apply", help="take new micrographs through a finished run: descriptors, classes, what lies off, a page"
    )
    apply.add_argument("run_folder", metavar="RUN", help="a finished run, such as reports/quick; it is not changed")
    apply.add_argument("data_folder", metavar="DIR", help="micrographs, in folders of any depth or in none")
    apply.add_argument("--out", metavar="FOLDER", help="folder of the results (default: reports/apply-RUN-DIR)")
    apply.add_argument("-p", dest="parameter", metavar="NAME=VALUE", action="append", default=[], help=APPLIED)
    apply.add_argument("--lang", choices=("en", "es"), default="en", help="language of the page (default: en)")
    apply.add_argument("--scheduler", metavar="ADDRESS", help=SCHEDULER)
    apply.set_defaults(command=_apply)

    shown = commands.add_parser("open", help="show the report of a run, or of what was applied, in the browser")
    shown.add_argument("run_folder", metavar="RUN", help="a folder with index.html in it, such as reports/quick")
    shown.set_defaults(command=_open)

    compare = commands.add_parser("compare", help="set parameters and headline numbers of runs side by side")
    compare.add_argument("run_folders", metavar="RUN", nargs="+", help="run folders, such as reports/quick")
    compare.add_argument("--html", metavar="FILE", help="write it as a page as well")
    compare.set_defaults(command=_compare)

    verify = commands.add_parser(
        "verify", help="tell whether the numbers that a text quotes are still those of the run", epilog=CITED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verify.add_argument("run_folder", metavar="RUN")
    verify.set_defaults(command=_verify)

    sweep = commands.add_parser(
        "sweep", help="run a grid of parameters, one run for each point, and compare them", epilog=SWEEP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    sweep.add_argument("spec", metavar="SPEC.yaml", help="see below")
    sweep.add_argument("--out", metavar="DIR", help="folder of the runs' folders (default: reports/SPEC)")
    sweep.add_argument("--jobs", type=int, metavar="N", help="runs at a time (default: half the cores)")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help=SCHEDULER)
    only = sweep.add_mutually_exclusive_group()
    only.add_argument("--list", action="store_true", help="list the points with their numbers, and run nothing")
    only.add_argument("--item", type=int, metavar="K", help="run point K alone, as in a task of a job array")
    only.add_argument("--collect", action="store_true", help="run nothing, compare what is finished")
    sweep.set_defaults(command=_sweep)

    for command in (check, compare, verify):
        command.add_argument("--json", action="store_true", help="write what is found as JSON")
    for command in (run, apply, shown, check, pores, compare, verify, sweep):
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
