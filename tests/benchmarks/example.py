"""Make ``reports/example`` of a finished quick run: its tables, figures 8 cm wide, and its page in both languages.

``uv run python tests/benchmarks/example.py reports/quick`` draws the figures anew in English and in Spanish, in copies
of the run, and renews those files that the example holds, and ``index.html`` and ``es/index.html``.
"""

import pathlib
import shutil
import sys
import tempfile

from PIL import Image

from nanofoam_lib.report import html_report
from nanofoam_lib.runs import pipeline

EXAMPLE = pathlib.Path(__file__).parents[2] / "reports" / "example"
WIDTH_CM = 8.0
COLOURS = 96  # of a figure, chosen to cover all that there are, so that no class takes another's
FIGURE_WIDTH = 600  # pixels, at most
PAGE_PICTURES = 420, 32  # width in pixels and quality of the pictures within a page
MOST_BYTES = {"pages": 4_000_000, "the rest": 3_000_000}


def main(run_folder):
    """Renew the example; give the exit status, 1 if it is too large."""
    pages = {"en": EXAMPLE / "index.html", "es": EXAMPLE / "es" / "index.html"}
    html_report.PICTURE_WIDTH, html_report.QUALITY = PAGE_PICTURES
    for lang, page in pages.items():
        with tempfile.TemporaryDirectory() as place:
            copied = shutil.copytree(
                run_folder, pathlib.Path(place) / EXAMPLE.name, ignore=shutil.ignore_patterns(".lock")
            )
            run = pipeline.run(copied, start="06", given={"width_cm": WIDTH_CM}, lang=lang)
            html_report.write(run)  # once more, with smaller pictures
            page.parent.mkdir(exist_ok=True)
            shutil.copy(run.report, page)
            if lang == "en":
                renew(run)
    sizes = {path: path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()}
    written = sum(sizes[page] for page in pages.values())
    found = {"pages": written, "the rest": sum(sizes.values()) - written}
    print(found, "bytes of", MOST_BYTES)
    return int(any(found[part] > MOST_BYTES[part] for part in found))


def renew(run):
    """Renew manifest, tables and figures that the example holds, figures in fewer colours."""
    shutil.copy(run.manifest, EXAMPLE / run.manifest.name)
    for old in sorted([*EXAMPLE.glob("tables/*"), *EXAMPLE.glob("figures/*.png")]):
        new = run.folder / old.parent.name / old.name
        if not new.exists():
            old.unlink()
            print("gone:", old.name)
        elif old.suffix == ".png":
            with Image.open(new) as picture:
                shown = picture.convert("RGB")
                shown.thumbnail((FIGURE_WIDTH, 10 * FIGURE_WIDTH), Image.Resampling.LANCZOS)
                few = shown.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
                few.save(old, optimize=True)
        else:
            shutil.copy(new, old)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
