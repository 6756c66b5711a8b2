"""The command line: ``nanofoam run``, ``check``, ``compare``, ``verify``."""

import argparse
import signal
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


def main(arguments=None):
    """Run the command line; return the exit status: 0 done, 1 the data or a step failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    from nanofoam_lib.errors import DataError, StepError, UsageError

    try:
        return options.command(options)
    except (DataError, StepError, UsageError, OSError) as error:
        if options.debug:
            raise
        print(f"nanofoam: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("nanofoam: stopped; the same command goes on with the step that was running", file=sys.stderr)
        return 130


def _run(options):
    from nanofoam_lib import parameters, pipeline

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the kernels and keeps account, like Ctrl-C
    warnings.showwarning = _show_warning
    given = dict(parameters.parse(assignment) for assignment in options.parameter)
    run = pipeline.run(
        options.out, options.profile, options.data, given, options.start, options.force, options.lang
    )  # fmt: skip
    manifest = run.load_manifest()
    for step, record in manifest["steps"].items():
        for warning in record["warnings"]:
            print(f"nanofoam: warning: {step}: {warning}", file=sys.stderr)
    print(run.report)
    return 0


def _show_warning(message, *_):
    print(f"nanofoam: warning: {message}", file=sys.stderr)


def _check(options):
    from nanofoam_lib import collection, names, parameters, preprocessing
    from nanofoam_lib.errors import RunWarning

    limit = {} if options.max_megapixels is None else {"max_megapixels": options.max_megapixels}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RunWarning)
        problems = preprocessing.check(options.data_folder, **parameters.check(limit))
    for warning in caught:
        print(f"nanofoam: warning: {warning.message}", file=sys.stderr)
    for path, problem in zip(problems["path"], problems["problem"], strict=True):
        print(f"{names.shown(path)}: {problem}")
    n_images = len(collection.list_folder(options.data_folder))
    print(f"{n_images} images, {len(problems)} problems" if len(problems) else f"{n_images} images, all well")
    return 1 if len(problems) else 0


def _compare(options):
    from nanofoam_lib import compare, files

    comparison = compare.compare(options.run_folders)
    sys.stdout.write(compare.as_text(comparison))
    if options.html:
        files.write_text(options.html, compare.as_html(comparison))
    return 0


def _verify(options):
    from nanofoam_lib import cited
    from nanofoam_lib.runs import Run

    citations, problems = cited.verify(Run(options.run_folder))
    moved = [citation for citation in citations if not citation.holds]
    for citation in moved:
        print(f"{citation.where}: cited as {citation.cited:g}, now {citation.now:g}")
    for problem in problems:
        print(f"nanofoam: error: {' '.join(problem.split())}", file=sys.stderr)
    print(f"{len(citations) - len(moved)} of {len(citations) + len(problems)} cited numbers hold")
    return 1 if moved or problems else 0


def _parser():
    from nanofoam_lib.parameters import PARAMETERS

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
    run.add_argument("--force", action="store_true", help="run every notebook, unchanged or not")
    run.add_argument("--lang", choices=("en", "es"), default="en", help="language of the figures (default: en)")
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="read every image of a data folder and list the bad ones")
    check.add_argument("data_folder", metavar="DIR")
    check.add_argument("--max-megapixels", type=float, metavar="N", help="largest image that is read (default: 100)")
    check.set_defaults(command=_check)

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

    for command in (run, check, compare, verify):
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
