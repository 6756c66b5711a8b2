"""The page that a run ends in: four answers, then every figure and table by chapter, in one file that opens offline."""

import base64
import io
import json
import re

import markupsafe
import pandas as pd
from PIL import Image

from nanofoam_lib.base import files, language
from nanofoam_lib.report import answers, captions, page, summary, tables

LONGEST_TABLE = 50  # rows shown; the file holds them all
FOLDED_FROM = 21  # rows from which on a table is folded
SHORT_SENTENCE = 60  # letters, of what is no sentence yet
LONG_POINT = 200  # letters after the first sentence of a point, from which on they are folded
PICTURE_WIDTH = 1000  # pixels, of embedded figures; the files have more
QUALITY = 50  # of WebP: enough that no letter suffers
#: Figures that are tables in another form, which the page has as such.
AS_TABLES = {"table1", "controls_table"}
#: The page's own words, by their name in its template.
WORDS = {
    "contents": "Contents",
    "answers": "Answers",
    "rows": "{n} rows",
    "reproducibility": "Reproducibility",
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
    index = run.load_index()
    manifest = captions.counted(run.load_manifest(), index)
    classes = {name: label for label, name in run.class_names(index["label"]).items()}
    lang, found = manifest["lang"], run.load_tables()
    figures = {path.stem: path for path in run.folder.glob("figures/*.png")}
    told = summary.chapters(manifest, index, found)
    cautions = {"trust": [(_source(name, manifest, found), told) for name, told in summary.cautions(manifest, found)]}
    shown = captions.arrange({name: path for name, path in figures.items() if name not in AS_TABLES}, found)
    sections = [name for name in captions.sections() if shown.get(name) or told.get(name) or cautions.get(name)]
    text = page.render(
        "report.html.j2",
        title=run.folder.resolve().name,
        lang=lang,
        words={name: language.text(phrase, lang) for name, phrase in WORDS.items()},
        facts=_facts(manifest, index),
        answers=[_answer(own, manifest, figures, sections) for own in answers.collect(manifest, index, found)],
        sections=[
            {"id": f"section-{name}", "heading": captions.section(name, lang),
             "cautions": cautions.get(name, []),
             "said": [paragraphs(said) for said in told.get(name, ())],
             "exhibits": [_item(kind, own, manifest, classes, figures, found) for kind, own in shown.get(name, ())]}
            for name in sections
        ],
        lists=_lists(manifest),
    )  # fmt: skip
    files.write_text(run.report, text)


def _source(name, manifest, found):
    """Name what a caution is about: a table by its title, a step or a model by its own name."""
    return captions.caption("tables", name, manifest).title if name in found else name


def _facts(manifest, index):
    lang = manifest["lang"]
    values = {"data": language.data_set(manifest["data"]["name"], lang)}
    values |= {"images": len(index), "classes": index["label"].nunique(), "specimens": index["group"].nunique()}
    values |= {"pixel size": _pixel_size(index, lang)}
    return [(language.text(name, lang), value) for name, value in values.items()]


def _pixel_size(index, lang):
    """Give the size of a raw pixel in µm, or between which sizes all lie."""
    known = index["pixel_size_um"].dropna() if "pixel_size_um" in index else pd.Series(dtype=float)
    ends = dict.fromkeys(language.number(size, lang) for size in (known.min(), known.max())) if len(known) else ()
    return f"{'–'.join(ends)} µm" if ends else language.MISSING


def _answer(answer, manifest, figures, sections):
    """Give an answer with its picture, and where it leads: to its chapter, if there is one."""
    name = f"answer_{answer.name}"
    target = f"#section-{answer.chapter}" if answer.chapter in sections else "#report"
    shown = {"sign": answers.SIGNS[answer.state], "target": target}
    if name in figures:
        shown["picture"] = picture(figures[name]) | {"text": captions.caption("figures", name, manifest).text}
    return {"picture": None} | answer._asdict() | shown


def paragraphs(markdown):
    """Turn a finding into HTML: paragraphs or points of a list, bold between two asterisks, code; the rest is escaped.

    Of a long point only the first sentence, or a bold heading, is seen, until one opens it.
    """
    lines = [
        re.sub(r"`(.+?)`", r"<code>\1</code>", re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", line))
        for line in str(markupsafe.escape(markdown)).splitlines()
    ]
    listed = [f"<li>{_folded(line[2:])}</li>" if line.startswith("- ") else f"<p>{line}</p>" for line in lines if line]
    return markupsafe.Markup(re.sub(r"(<li>.*</li>)", r"<ul>\1</ul>", "".join(listed)))


def _folded(point):
    """Fold what follows the first sentence or heading of a point, which ends after a parenthesis, if it is long."""
    first, end, rest = point.partition("). ")
    is_said = len(first) >= SHORT_SENTENCE or first.startswith("<strong>")
    if not is_said or len(rest) < LONG_POINT:
        return point
    return f"<details><summary>{first}{end.strip()}</summary>{rest}</details>"


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
    """Embed a PNG file, as WebP and no larger than a screen: dict of source (a data address), width and height."""
    with Image.open(path) as image:
        shown = image.convert("RGB")
    if shown.width > PICTURE_WIDTH:
        size = PICTURE_WIDTH, round(shown.height * PICTURE_WIDTH / shown.width)
        shown = shown.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=QUALITY, method=6)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {"source": f"data:image/webp;base64,{data}", "width": shown.width, "height": shown.height}


def _table(name, table, text, lang):
    whole = tables.view(name, table, lang)
    condensed, constant = tables.condense(whole, lang)
    shown = condensed.head(LONGEST_TABLE)
    file, notes = f"tables/{name}.csv", [text, constant]
    if len(shown) < len(table):
        notes.append(language.text(tables.ROWS_OF, lang).format(shown=len(shown), all=len(table), file=file))
    columns, rows = cells(shown, lang, tables.best(name, whole)[: len(shown)])
    said = {"text": " ".join(filter(None, notes)), "columns": columns, "rows": rows, "file": file}
    count = language.text("{n} rows" if len(table) else "nothing to list", lang).format(n=len(table))
    return said | {"is_folded": not 0 < len(rows) < FOLDED_FROM, "count": count}


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
    columns = [{"name": name, "head": tables.head(name, lang), "numeric": _is_numeric(frame[name])} for name in frame]
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
    versions = [(language.text("finished", lang), manifest["finished"][:10]), *manifest["versions"].items()]
    if git:
        dirty = f", {language.text('with uncommitted changes', lang)}" if git["dirty"] else ""
        versions.append((language.text("commit", lang), git["commit"] + dirty))
    if manifest["data"]["hash"]:
        versions.append((language.text("data (SHA-256)", lang), manifest["data"]["hash"]))
    entries = {
        "parameters": [
            (language.text("profile", lang), manifest["profile"]),
            *((name, json.dumps(value)) for name, value in manifest["parameters"].items()),
        ],
        "steps": [(name, f"{language.number(step['seconds'], lang, 4)} s") for name, step in manifest["steps"].items()],
        "versions": versions,
    }
    return [(name, language.text(name.capitalize(), lang), own) for name, own in entries.items()]
