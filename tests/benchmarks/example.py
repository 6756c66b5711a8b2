"""Make ``reports/example`` of a finished quick run: its tables, figures 8 cm wide, and its page.

``uv run python tests/benchmarks/example.py reports/quick [TARGET]`` draws the figures anew in English and in Spanish,
in copies of the run, and renews in TARGET (``reports/example`` if not given) those files that the example holds,
``index.html`` and ``es/index.html``, and ``report.png``, the first screen of the page, by Chromium.
"""

import io
import pathlib
import shutil
import sys
import tempfile

from PIL import Image

from nanofoam_lib.report import html_report
from nanofoam_lib.runs import pipeline

EXAMPLE = pathlib.Path(__file__).parents[2] / "reports" / "example"
WIDTH_CM = 8.0
FIGURES = 720, 50  # width in pixels and quality of a figure, as WebP: a third of the PNG, and its greys stay grey
PAGE_PICTURES = 420, 26  # width in pixels and quality of the pictures within a page
SCREEN, SHOWN = (1400, 900), (1120, 720)  # pixels of the browser's window, and of the picture of it
MOST_BYTES = {"pages": 4_000_000, "the rest": 3_000_000}


def main(run_folder, target=EXAMPLE):
    """Renew the example; give the exit status, 1 if it is too large."""
    target = pathlib.Path(target)
    pages = {"en": target / "index.html", "es": target / "es" / "index.html"}
    html_report.PICTURE_WIDTH, html_report.QUALITY = PAGE_PICTURES
    for lang, page in pages.items():
        with tempfile.TemporaryDirectory() as place:
            copied = shutil.copytree(
                run_folder, pathlib.Path(place) / EXAMPLE.name, ignore=shutil.ignore_patterns(".lock")
            )
            run = pipeline.run(copied, start="06", given={"width_cm": WIDTH_CM}, lang=lang)
            html_report.write(run)  # once more, with smaller pictures
            page.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(run.report, page)
            if lang == "en":
                renew(run, target)
    photograph(pages["en"], target / "report.png")
    sizes = {path: path.stat().st_size for path in target.rglob("*") if path.is_file()}
    written = sum(sizes[page] for page in pages.values())
    found = {"pages": written, "the rest": sum(sizes.values()) - written}
    print(found, "bytes of", MOST_BYTES)
    return int(any(found[part] > MOST_BYTES[part] for part in found))


def renew(run, target):
    """Renew manifest, tables and figures that the example holds, figures as WebP."""
    shutil.copy(run.manifest, target / run.manifest.name)
    for old in sorted([*EXAMPLE.glob("tables/*"), *EXAMPLE.glob("figures/*")]):
        is_figure = old.parent.name == "figures"
        new = run.folder / old.parent.name / (f"{old.stem}.png" if is_figure else old.name)
        written = target / old.parent.name / (f"{old.stem}.webp" if is_figure else old.name)
        written.parent.mkdir(exist_ok=True)
        if target == EXAMPLE and (old != written or not new.exists()):
            old.unlink()
        if not new.exists():
            print("gone:", old.name)
        elif is_figure:
            width, quality = FIGURES
            with Image.open(new) as picture:
                size = width, round(picture.height * width / picture.width)
                shown = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            shown.save(written, quality=quality, method=6)
        else:
            shutil.copy(new, written)


def photograph(page, path):
    """Take a picture of the first screen of a page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        width, height = SCREEN
        tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        screen = tab.screenshot()
        browser.close()
    with Image.open(io.BytesIO(screen)) as picture:
        shown = picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
    levels = [round(round(level * 63 / 255) * 255 / 63) for level in range(256)]  # with a palette, colours would move
    shown.point(levels * 3).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
