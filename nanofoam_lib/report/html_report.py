"""The page that a run ends in: what was found, and every figure and table, in one file that opens offline."""

import base64
import json
import re

import markupsafe
import pandas as pd
from PIL import Image

from nanofoam_lib.base import files, language
from nanofoam_lib.report import captions, page, summary, tables

LONGEST_TABLE = 400  # rows shown; the file holds them all
#: The page's own words, by their name in its template.
WORDS = {
    "contents": "Contents",
    "summary": "Summary",
    "warnings": "Keep in mind",
    "skip": "Skip to the report",
    "enlarge": "Enlarge",
    "also": "Also as PDF and CSV:",
}


def write(run):
    """Write ``index.html`` of a run from its manifest, figures and tables.

    Parameters
    ----------
    run : base.run_folder.Run

    Notes
    -----
    Figures are embedded, so the page needs no other file and no network. Names from the disk are escaped.
    """
    manifest, index = run.load_manifest(), run.load_index()
    classes = {name: label for label, name in run.class_names(index["label"]).items()}
    lang, found = manifest["lang"], run.load_tables()
    figures = {path.stem: path for path in run.folder.glob("figures/*.png")}
    text = page.render(
        "report.html.j2",
        title=run.folder.resolve().name,
        lang=lang,
        words={name: language.text(phrase, lang) for name, phrase in WORDS.items()},
        facts=_facts(manifest),
        cautions=summary.cautions(manifest, found),
        summary=[paragraphs(said) for said in summary.sentences(manifest, index, found)],
        sections=[
            {"id": f"section-{name}", "heading": captions.section(name, lang),
             "exhibits": [_item(kind, own, manifest, classes, figures, found) for kind, own in entries]}
            for name, entries in captions.arrange(figures, found).items()
        ],
        lists=_lists(manifest),
    )  # fmt: skip
    files.write_text(run.report, text)


def _facts(manifest):
    lang = manifest["lang"]
    values = {"data": language.data_set(manifest["data"]["name"], lang), "profile": manifest["profile"]}
    values |= {"seed": manifest["seed"], "finished": manifest["finished"].replace("T", " ").replace("+00:00", " UTC")}
    return [(language.text(name, lang), value) for name, value in values.items()]


def paragraphs(markdown):
    """Turn a finding into HTML: paragraphs or the points of a list, bold between two asterisks; the rest is escaped."""
    lines = [
        re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(markupsafe.escape(line))) for line in markdown.splitlines()
    ]
    listed = [f"<li>{line[2:]}</li>" if line.startswith("- ") else f"<p>{line}</p>" for line in lines if line]
    return markupsafe.Markup(re.sub(r"(<li>.*</li>)", r"<ul>\1</ul>", "".join(listed)))


def _item(kind, name, manifest, classes, figures, found):
    caption = captions.caption(kind, name, manifest, classes)
    item = {"kind": kind, "id": f"{kind}-{_slug(name)}", "title": caption.title, "text": caption.text}
    if kind == "figures":
        return item | picture(figures[name]) | {"file": f"figures/{name}.pdf, .csv"}
    return item | _table(name, found[name], caption.text, manifest["lang"])


def _slug(name):
    """Turn a name into one that can stand in an address; the code of each other character keeps two names apart."""
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"-{ord(found[0]):x}-", name)


def picture(path):
    """Embed a PNG file: dict of source (a data address), width and height."""
    with Image.open(path) as image:
        width, height = image.size
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"source": f"data:image/png;base64,{data}", "width": width, "height": height}


def _table(name, table, text, lang):
    shown = tables.view(name, table).head(LONGEST_TABLE)
    condensed, constant = tables.condense(shown, lang)
    file, notes = f"tables/{name}.csv", [text, constant]
    if len(shown) < len(table):
        notes.append(language.text(tables.ROWS_OF, lang).format(shown=len(shown), all=len(table), file=file))
    columns, rows = cells(condensed, lang, tables.best(name, shown))
    return {"text": " ".join(filter(None, notes)), "columns": columns, "rows": rows, "file": file}


def cells(frame, lang, best):
    """Turn a table into what the template shows.

    Parameters
    ----------
    frame : pandas.DataFrame
    lang : {"en", "es"}
    best : list of bool
        Rows whose accuracy stands out.

    Returns
    -------
    columns : list of dict
        name, head (in the reader's language), numeric.
    rows : list of list of dict
        text; value, by which numbers sort; best.
    """
    columns = [{"name": name, "head": language.text(name, lang), "numeric": _is_numeric(frame[name])} for name in frame]
    texts = tables.cells(frame, lang).itertuples(index=False)
    rows = [
        [
            {"text": text, "value": value, "best": is_best and name == "accuracy"}
            for name, value, text in zip(frame, *row, strict=True)
        ]
        for *row, is_best in zip(frame.itertuples(index=False), texts, best, strict=True)
    ]
    return columns, rows


def _is_numeric(column):
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _lists(manifest):
    """Parameters, steps and versions: (id, heading, entries)."""
    lang, git = manifest["lang"], manifest["git"]
    versions = list(manifest["versions"].items())
    if git:
        dirty = f", {language.text('with uncommitted changes', lang)}" if git["dirty"] else ""
        versions.append((language.text("commit", lang), git["commit"] + dirty))
    if manifest["data"]["hash"]:
        versions.append((language.text("data (SHA-256)", lang), manifest["data"]["hash"]))
    entries = {
        "parameters": [(name, json.dumps(value)) for name, value in manifest["parameters"].items()],
        "steps": [(name, f"{language.number(step['seconds'], lang, 4)} s") for name, step in manifest["steps"].items()],
        "versions": versions,
    }
    return [(name, language.text(name.capitalize(), lang), own) for name, own in entries.items()]
