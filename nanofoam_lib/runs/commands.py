"""What each command of the command line does: from its options to its exit status.

What a command needs is imported when it is given: no other pays for it.
"""

import pathlib
import sys
import warnings

#: Parameters that have a meaning where nothing is trained.
PORE_PARAMETERS = (
    "pores", "stereology", "crop", "bar", "stack", "subfolders", "pixel_size_um", "max_megapixels",
)  # fmt: skip


def run(options):
    """Run the chain."""
    from nanofoam_lib.base import scheduling
    from nanofoam_lib.runs import parameters, pipeline

    _prepare(options.lang)
    given = parameters.parse_all(options.parameter)
    with scheduling.on(options.scheduler):
        run = pipeline.run(
            options.out, options.profile, options.data, given, options.start, options.force, options.lang, options.until
        )  # fmt: skip
    return _tell(run, options.lang)


def _prepare(lang):
    from nanofoam_lib.base import terminal

    warnings.showwarning = lambda warning, *_: terminal.complain(warning, lang, "warning")


def _tell(run, lang):
    """Show the warnings of a finished run, its results and where its report is; return the exit status."""
    from nanofoam_lib.base import terminal

    manifest = run.load_manifest()
    for step, record in manifest["steps"].items():
        for warning in record["warnings"]:
            terminal.complain(f"{step}: {warning}", lang, "warning")
    for line in manifest.get("report", {}).get("said", []):
        terminal.say(line)
    terminal.say(run.report)
    return 0


def sweep(options):
    """Run the points of a sweep, or list or compare them."""
    from nanofoam_lib.base import scheduling, terminal
    from nanofoam_lib.runs import sweep_spec, sweeps

    _prepare(options.lang)
    sweep = sweep_spec.load(options.spec, options.lang)
    folder = pathlib.Path(options.out or f"reports/{pathlib.Path(options.spec).stem}")
    if options.list:
        print(*(f"{number} {item.name}" for number, item in enumerate(sweep.items)), sep="\n")
        return 0
    if options.item is not None:
        return _tell(sweeps.run_item(sweep, options.item, folder), options.lang)
    failed = {}
    if not options.collect:
        with scheduling.on(options.scheduler):
            failed = sweeps.run(sweep, folder, options.jobs)
    for name, problem in failed.items():
        terminal.complain(f"{name}: {problem}", options.lang)
    table = sweeps.write(sweep, folder)
    done = table.loc[table["status"] == "done", "item"].nunique()
    terminal.say(f"{done} of {len(sweep.items)} runs are finished\n{folder / 'index.html'}", options.lang)
    return 1 if failed else 0


def check(options):
    """Say all that a run would refuse a data folder for, or warn of."""
    from nanofoam_lib.base import language, messages, safe_names, terminal
    from nanofoam_lib.images import checking
    from nanofoam_lib.runs import parameters

    lang = options.lang
    given = parameters.parse_all(options.parameter)
    given |= {} if options.max_megapixels is None else {"max_megapixels": options.max_megapixels}
    found = checking.check(options.data_folder, **parameters.check(given, "-p", checking.PARAMETERS))
    if options.json:
        _print_json(checking.as_data(found))
        return 1 if len(found.problems) else 0
    for message in (*found.said, *found.few):
        terminal.complain(message, lang, "warning")
    for path, problem in zip(found.problems["path"], found.problems["problem"], strict=True):
        terminal.say(f"{safe_names.shown(path)}: {problem}", lang)
    for fact in found.facts:
        terminal.say(fact, lang)
    counted = checking.classes(found)
    words = counted.columns.drop("class")
    counted[words] = counted[words].map(lambda cell: messages.message(cell, lang) if isinstance(cell, str) else cell)
    terminal.say(counted.rename(columns=lambda name: language.text(name, lang)).to_string(index=False))
    warned = len(found.said) + len(found.few) * bool(len(found.problems) or found.said)
    counts = [(len(found.problems), "problem"), (warned, "warning")]
    told = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in counts if n)
    terminal.say(f"{len(found.labels)} images, {told or 'all well' + ', but few' * bool(found.few)}", lang)
    return 1 if len(found.problems) else 0


def pores(options):
    """Measure the pores of a data folder."""
    from nanofoam_lib.base import safe_names, scheduling, terminal
    from nanofoam_lib.base.errors import UsageError
    from nanofoam_lib.images import collection, pore_folder, pore_study
    from nanofoam_lib.report import pore_page
    from nanofoam_lib.runs import parameters

    _prepare(options.lang)
    given = parameters.parse_all(options.parameter)
    given = parameters.check(given, "-p", PORE_PARAMETERS)
    out = pathlib.Path(options.out or f"reports/pores-{pathlib.Path(options.data_folder).resolve().name}")
    collection.check_apart(options.data_folder, out)
    pore_folder.check_out(options.data_folder, out)
    method, stereology = given.pop("pores", "auto"), given.pop("stereology", "none")
    if method == "none":
        raise UsageError("-p pores=none: there is nothing to do; leave it out, or name a method")
    request = pore_study.Request(method, crop=given.pop("crop", 0.15))
    with scheduling.on(options.scheduler):
        pictures = pore_folder.measure(options.data_folder, out, request, **given)
    problems = pictures["problem"].dropna().tolist()
    for problem in problems:
        terminal.complain(problem, options.lang)
    if len(problems) == len(pictures):
        return 1
    name = safe_names.shown(pathlib.Path(options.data_folder).resolve().name)
    doubtful = int((pictures["verdict"] == "doubtful").sum())
    terminal.say(f"{len(pictures) - len(problems)} pictures, {doubtful} doubtful", options.lang)
    print(pore_page.write(out, name, options.lang, stereology))
    return 1 if problems else 0


def apply(options):
    """Take new micrographs through a finished run."""
    from nanofoam_lib.base import safe_names, scheduling, terminal
    from nanofoam_lib.runs import apply, parameters

    _prepare(options.lang)
    given = parameters.parse_all(options.parameter)
    given = parameters.check(given, "-p", apply.PARAMETERS)
    run, folder = (pathlib.Path(place).resolve().name for place in (options.run_folder, options.data_folder))
    out = pathlib.Path(options.out or f"reports/apply-{run}-{folder}")
    with scheduling.on(options.scheduler):
        applied = apply.apply(options.run_folder, options.data_folder, out, given)
    off = int(applied.predictions["off_manifold"].sum())
    told = f"{len(applied.predictions)} images of {safe_names.shown(folder)}, {off} off what the run has seen"
    terminal.say(told, options.lang)
    print(apply.write_page(applied, out, safe_names.shown(folder), options.lang))
    return 0


def show(options):
    """Show a report in the browser."""
    import webbrowser

    from nanofoam_lib.base import safe_names, terminal
    from nanofoam_lib.base.errors import DataError
    from nanofoam_lib.base.run_folder import Run

    report = Run(options.run_folder).report
    if not report.is_file():
        raise DataError(f"{safe_names.shown(report)}: missing; give a folder in which nanofoam has written a report")
    if not webbrowser.open(report.resolve().as_uri()):
        terminal.remark("no browser was found; open the page in one", options.lang)
    print(report)
    return 0


def compare(options):
    """Set runs side by side."""
    from nanofoam_lib.base import files
    from nanofoam_lib.report import compare

    comparison = compare.compare(options.run_folders)
    if options.json:
        _print_json(compare.as_data(comparison))
    else:
        sys.stdout.write(compare.as_text(comparison, options.lang))
    if options.html:
        files.write_text(options.html, compare.as_html(comparison, options.lang))
    return 0


def verify(options):
    """Tell whether cited numbers still hold."""
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
        terminal.say(f"{citation.where}: cited as {citation.cited:g}, now {citation.now:g}", options.lang)
    for problem in problems:
        terminal.complain(problem, options.lang)
    told = f"{len(citations) - len(moved)} of {len(citations) + len(problems)} cited numbers hold"
    terminal.say(told, options.lang)
    return 1 if moved or problems else 0


def _print_json(data):
    import json

    from nanofoam_lib.base import terminal

    terminal.say_json(json.dumps(data, ensure_ascii=False, indent=1, default=lambda value: value.item()))
