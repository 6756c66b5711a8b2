"""The document that a thesis takes its figures and tables from: ``thesis.tex`` and ``tables/<name>.tex``."""

import pathlib
import re

import jinja2

from nanofoam_lib.base import files, language
from nanofoam_lib.base.language import text
from nanofoam_lib.report import captions, latex_tables, tables

TEMPLATES = pathlib.Path(__file__).with_name("templates")
BABEL = {"en": "british", "es": "spanish,es-tabla,es-noshorthands"}


def write(run):
    r"""Write every table of a run as LaTeX, and a document that shows them and every figure, with captions.

    Parameters
    ----------
    run : base.run_folder.Run
        With manifest, figures and tables; ``manifest["lang"]`` chooses the language.

    Notes
    -----
    The document compiles in the run's folder with ``latexmk -pdf thesis.tex``. A table without rows is left out.
    """
    manifest = captions.counted(run.load_manifest(), run.load_index())
    filled = {name: table for name, table in run.load_tables().items() if len(table)}
    for name, table in filled.items():
        files.write_text(run.table(name).with_suffix(".tex"), _table(name, table, manifest))
    figures = [path.stem for path in run.folder.glob("figures/*.pdf")]
    places = captions.arrange(figures, filled)
    lang, names = manifest["lang"], run.class_names(run.load_index()["label"])
    classes = {name: label for label, name in names.items()}
    page = _environment().get_template("thesis.tex.j2").render(
        name=latex_tables.escape(run.folder.resolve().name),
        babel=BABEL[lang],
        fit=latex_tables.FIT,
        title=latex_tables.escape(language.data_set(manifest["data"]["name"], lang)),
        subtitle=latex_tables.escape(
            f"{text('profile', lang)} {manifest['profile']}, {text('seed', lang)} {manifest['seed']}"
        ),
        date=latex_tables.escape((manifest["finished"] or "")[:10]),
        sections=[
            (
                latex_tables.escape(captions.section(section, lang)),
                [_entry(*entry, manifest, classes) for entry in entries],
            )
            for section, entries in places.items()
        ],
    )  # fmt: skip
    files.write_text(run.folder / "thesis.tex", page)


def _table(name, table, manifest):
    caption, lang = _caption("tables", name, manifest), manifest["lang"]
    if name in tables.RIVALS:
        return latex_tables.scores(table, tables.best(name, table), caption, name, lang)
    return latex_tables.table(tables.view(name, table, lang), caption, name, f"tables/{name}.csv", lang)


def _entry(kind, name, manifest, classes):
    file = f"figures/{name}.pdf" if kind == "figures" else f"tables/{name}.tex"
    caption = latex_tables.escape(_caption(kind, name, manifest, classes))
    return kind, {"path": latex_tables.path(file), "caption": caption, "label": re.sub(r"[^A-Za-z0-9]+", "-", name)}


def _caption(kind, name, manifest, classes=None):
    caption = captions.caption(kind, name, manifest, classes)
    return f"{caption.title}. {caption.text}"


def _environment():
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), variable_start_string="<<", variable_end_string=">>",
        block_start_string="<%", block_end_string="%>", comment_start_string="<#", comment_end_string="#>",
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined,
        autoescape=False,
    )  # fmt: skip
