import html.parser
import pathlib
import re

import pandas as pd
import pytest
from conftest import ODD
from PIL import Image

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
    assert not re.search(r"""\bsrc=(?!"data:image/webp;base64,)""", page)


def test_it_says_what_the_numbers_say_and_what_to_keep_in_mind(page):
    text = " ".join(Outline(page).text)
    assert f"4 images of {ODD} in 2 classes and 4 groups; 50% are held out" in text
    assert "<strong>σ of the 4-d VAE</strong> 1.00 (95 % interval 0.88 to 1.00)" in page
    assert "σ of the 4-d VAE tells the materials apart (accuracy 1.00, 95 % interval 0.88 to 1.00; 0.5 by" in text
    assert "tells more than LBP (" not in text  # does not hold
    assert "1 of 4 latent dimensions have collapsed" in text
    assert page.index('id="answers"') < page.index('id="section-separation"') < page.index("Keep in mind")


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
        "Respuestas",
        "¿Los distingue la estructura?",
        "A tener en cuenta",
        "¿Distinguen las clases los descriptores?",
        "bosque aleatorio",
        "0,250",
    ):
        assert words in page
    assert 'lang="en"' not in page


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
        ("VAE 4-d", "1 of 4 latent dimensions have collapsed (KL divergence at most 0.01 nat): they carry nothing"),
        ("generated", "2 of 3 rows are extrapolations, outside of what the model knows"),
    ]
    calm = {"lang": "en", "steps": {}, "left_out": [], "parameters": {"protocol": "by-group"}}
    quiet = {"generated": pd.DataFrame({"extrapolation": [False]})}
    assert summary.cautions(calm, quiet) == []


def test_findings_without_their_tables_are_left_out(small_run):
    said = summary.chapters(small_run.load_manifest(), small_run.load_index(), {})
    assert {name: len(own) for name, own in said.items() if own} == {"trust": 1}


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
    assert "<ul><li><strong>Trust the maps of the thesis</strong>" in page
    first = "<li><strong>deletion</strong> (more than 1). The maps of the thesis pass"
    assert f"{first} (erasing what they mark moves the latent farther): grey 2.00 (1.25 to 3.00), blur" in page
    assert page.count("<ul><li>") == 3  # and the effects on classes, and on what maps mark


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


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "lang"), [("light", "en"), ("dark", "en"), ("light", "es")])
def test_the_first_screen_answers_and_no_one_is_shut_out(small_run, browser, scheme, lang):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for name in ("materials", "separation", "difference", "trust"):
        with files.replacing(small_run.figure(f"answer_{name}").with_suffix(".png")) as temporary:
            Image.new("RGB", (1300, 800), "white").save(temporary, format="PNG")
    files.write_json(small_run.manifest, small_run.load_manifest() | {"lang": lang})
    html_report.write(small_run)
    # The page's policy keeps out the script that looks at it
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 1400, "height": 900})
    tab = context.new_page()
    tab.goto(small_run.report.resolve().as_uri())
    answers = tab.locator(".answer")
    assert answers.count() == 4
    for answer in answers.all():
        box = answer.bounding_box()
        assert box["y"] > 0 and box["y"] + box["height"] <= 900
        assert answer.locator(".question").inner_text() and answer.locator(".told").inner_text()
        assert answer.locator(".verdict").inner_text()[0] in "✓◐✗?"  # not by colour alone
        assert answer.locator("img").evaluate("image => image.naturalWidth") == html_report.PICTURE_WIDTH
    assert tab.locator("html").get_attribute("lang") == lang
    for width in (360, 768, 1400):
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        found = axe.Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
    answers.nth(1).click()
    assert tab.evaluate("location.hash") == "#section-separation"


@pytest.mark.browser
def test_on_paper_nothing_is_folded(small_run, browser):
    points = [("deletion", f"variant {i}") for i in range(9)]
    table = pd.DataFrame(points, columns=["check", "variant"]).assign(
        maps="thesis", dimension=None, value=2.0, ci_low=1.5, ci_high=3.0, expected="more than 1", n_images=5
    )
    files.write_csv(small_run.table("gradcam_checks"), table)
    html_report.write(small_run)
    tab = browser.new_page()
    tab.goto(small_run.report.resolve().as_uri())
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("Array.from(document.querySelectorAll('.summary details'), own => own.open).every(Boolean)")


def test_code_and_bold_in_a_finding_are_marked_and_names_are_not():
    page = html_report.paragraphs("Ask by `-p pores=masks`; **<b>** stays.\n- a point")
    assert page == (
        "<p>Ask by <code>-p pores=masks</code>; <strong>&lt;b&gt;</strong> stays.</p><ul><li>a point</li></ul>"
    )
