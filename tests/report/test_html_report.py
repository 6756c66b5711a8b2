import html.parser
import pathlib
import re

import pandas as pd
import pytest
from conftest import ODD

from nanofoam_lib.base import files
from nanofoam_lib.report import html_report, summary

CHROMIUM = pathlib.Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


VOID = {"meta", "img", "br", "link"}


class Outline(html.parser.HTMLParser):
    """Elements that are open but never closed, ids, targets of links, headings and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.text = [], [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if "href" in attrs else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def page(small_run):
    html_report.write(small_run)
    return small_run.report.read_text()


def test_the_page_is_well_formed_and_every_link_leads_somewhere(page):
    outline = Outline(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.links
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    controlled = {attrs["aria-controls"] for _, attrs in outline.tags if "aria-controls" in attrs}
    assert controlled <= set(outline.ids)


def test_names_from_the_disk_are_escaped(page):
    assert "<i>" not in page
    assert "<b>" not in page
    text = " ".join(Outline(page).text)
    assert f"Grad-CAM of {ODD}" in text
    assert "mixed image sizes <b>" in text


def test_the_policy_lets_nothing_through_but_the_page_s_own_parts(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"""\bsrc=(?!"data:image/png;base64,)""", page)


def test_it_says_what_the_numbers_say_and_what_to_keep_in_mind(page):
    text = " ".join(Outline(page).text)
    assert f"4 images of {ODD} in 2 classes and 4 groups; 50% are held out" in text
    assert "<strong>sigma of vae-4</strong> 1.00 (95 % interval 0.88 to 1.00)" in page
    told = (
        "sigma of vae-4 tells the materials apart (accuracy 1.00, 95 % interval 0.88 to 1.00; 0.5 by chance; p = 0.002"
    )
    assert told in text
    assert "tells more than LBP (" not in text  # does not hold
    assert "1 of 4 latent dimensions have collapsed" in text
    assert page.index("Keep in mind") < page.index('id="summary"')


def test_numbers_carry_their_full_value_and_the_best_is_bold(page):
    assert '<td class="number" data-value="0.25">0.250</td>' in page
    assert '<td class="number" data-value="1.0"><strong>1.000</strong></td>' in page
    assert "<strong>0.750</strong>" not in page  # of the controls: the interval of the best holds the second
    assert '<button type="button" title="best_rho">ρ</button>' in page


def test_captions_headings_and_numbers_are_in_the_language_of_the_run(small_run):
    files.write_json(small_run.manifest, small_run.load_manifest() | {"lang": "es"})
    html_report.write(small_run)
    page = small_run.report.read_text()
    assert '<html lang="es">' in page
    for words in (
        "Resumen",
        "A tener en cuenta",
        "¿Distinguen las clases los descriptores?",
        "bosque aleatorio",
        "0,250",
    ):
        assert words in page
    assert '<section class="summary" lang="en">' in page


def test_a_table_without_rows_and_a_long_one_are_shown(small_run):
    files.write_csv(small_run.table("near_duplicates"), pd.DataFrame(columns=["train_id", "test_id"]))
    files.write_csv(small_run.table("long"), pd.DataFrame({"image": range(html_report.LONGEST_TABLE + 1)}))
    html_report.write(small_run)
    page = small_run.report.read_text()
    assert '<td colspan="2">–</td>' in page
    assert f"{html_report.LONGEST_TABLE} of {html_report.LONGEST_TABLE + 1} rows; all are in tables/long.csv." in page


def test_cautions_name_leaks_bad_images_collapse_and_extrapolation(small_run):
    manifest = small_run.load_manifest() | {"left_out": [{"path": "a.png", "problem": "empty"}]}
    manifest["parameters"]["protocol"] = "thesis"
    found = small_run.load_tables()
    found["generated"] = pd.DataFrame({"extrapolation": [True, False, True]})
    assert summary.cautions(manifest, found) == [
        ("01_preprocess", "mixed image sizes <b>"),
        ("Images left out", "a.png (empty)"),
        ("table1", summary.LEAKY),
        ("vae-4", "1 of 4 latent dimensions have collapsed (KL divergence at most 0.01 nat): they carry nothing"),
        ("generated", "2 of 3 rows are extrapolations, outside of what the model knows"),
    ]
    calm = {"lang": "en", "steps": {}, "left_out": [], "parameters": {"protocol": "by-group"}}
    quiet = {"generated": pd.DataFrame({"extrapolation": [False]})}
    assert summary.cautions(calm, quiet) == []


def test_findings_without_their_tables_are_left_out(small_run):
    said = summary.sentences(small_run.load_manifest(), small_run.load_index(), {})
    assert len(said) == 1


def test_a_finding_of_several_points_is_a_list(small_run):
    columns = {
        "check": "deletion",
        "variant": ["grey", "blur"],
        "maps": "thesis",
        "dimension": None,
        "value": [2.0, 1.5],
    }
    columns |= {"ci_low": 1.25, "ci_high": 3.0, "expected": "more than 1", "n_images": 5}
    files.write_csv(small_run.table("gradcam_checks"), pd.DataFrame(columns))
    html_report.write(small_run)
    page = small_run.report.read_text()
    first = "<ul><li><strong>deletion</strong> (more than 1). The maps of the thesis pass"
    assert f"{first} (erasing what they mark moves the latent farther): grey 2.00 (1.25 to 3.00), blur" in page
    assert page.count("<ul><li>") == 2  # and the effects


@pytest.fixture
def browser():
    if not CHROMIUM.exists():
        pytest.skip("no /usr/bin/chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.mark.browser
def test_in_a_browser_it_is_silent_fits_a_phone_and_sorts(small_run, browser):
    wide = {f"a rather long heading {i}": ["many words " * 5] * 2 for i in range(9)}
    files.write_csv(small_run.table("wide"), pd.DataFrame(wide))
    html_report.write(small_run)
    tab, noise, requests = browser.new_page(viewport={"width": 375, "height": 800}), [], []
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda error: noise.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(small_run.report.resolve().as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == 375
    assert tab.evaluate("Array.from(document.images, image => image.naturalWidth)") == [640, 640]

    heading = tab.locator("#tables-dimensions th", has_text="KL")
    column = "rows => rows.map(row => row.cells[1].textContent)"
    for state, order in (
        ("ascending", ["0.00", "0.25", "0.50", "2.00"]),
        ("descending", ["2.00", "0.50", "0.25", "0.00"]),
    ):
        heading.locator("button").press("Enter")
        assert heading.get_attribute("aria-sort") == state
        assert tab.locator("#tables-dimensions tbody tr").evaluate_all(column) == order

    tab.locator("#figures-pca button").click()
    assert tab.locator("#figures-pca-picture.large img").bounding_box()["width"] > 375
    assert tab.evaluate("document.documentElement.scrollWidth") == 375
    assert noise == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
