"""The explorer in JupyterLab, in a real browser: what unit tests cannot see."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from conftest import HOSTILE, ROOT, write_run
from PIL import Image

from nanofoam_lib.base import files
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import pore_choices
from nanofoam_lib.lab import scatter
from nanofoam_lib.latent import projection

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # else cells out of sight are not in the page
}
ERROR = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
PATIENCE = 120_000  # milliseconds: a busy machine takes long to import TensorFlow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found: apt-get install chromium"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),  # jupyter-scatter under pandas 3.1
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Give a folder with a small run and the explorer's notebook set to it, and JupyterLab's own settings."""
    folder = tmp_path_factory.mktemp("lab")
    give_micrographs(write_run(folder / "run"), folder / "foams")
    notebook = json.loads((ROOT / "notebooks" / "explore.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    cell["source"] = 'run_folder = "run"\nlatent_dims = [4]\nkinds = ["vae"]\nlang = "en"'
    (folder / "explore.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for name, values in SETTINGS.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    return folder


def give_micrographs(run, folder):
    """Put discs where the run's micrographs were, larger from picture to picture."""
    index = run.load_index()
    folder.mkdir()
    y, x = np.mgrid[:160, :200] + 0.5
    away = np.hypot(x % 40 - 20, y % 40 - 20)
    for i, path in enumerate(index["path"]):
        grey = 40 + 160 * np.clip(away - 8 - i / 4, 0, 1)
        Image.fromarray(grey.astype(np.uint8)).save(folder / path)
    read = {"picture": 0, "plane": "first", "black": 0.0, "white": 255.0, "bar": "", "pixel_size_um": 2.0}
    files.write_csv(run.index, index.assign(**read))
    data = {"name": "photographs", "folder": str(folder)}
    files.write_json(run.manifest, run.load_manifest() | {"data": data, "parameters": {"crop": 0.0}})


@pytest.fixture(scope="module")
def jupyterlab(workplace):
    """Start JupyterLab on a free port of this machine alone; give its address and token, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, address = secrets.token_urlsafe(24), f"http://127.0.0.1:{port}"
    own = {name: str(workplace / name) for name in ("config", "data", "runtime")}
    places = {f"JUPYTER_{name.upper()}_DIR": path for name, path in own.items()}
    environment = os.environ | places | {
        "JUPYTER_TOKEN": token,
        "JUPYTERLAB_SETTINGS_DIR": str(workplace / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(workplace / "workspaces"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={workplace}", "--KernelManager.transport=ipc",
    ]  # fmt: skip
    with (workplace / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(server, f"{address}/api?token={token}", workplace / "server.log")
            yield address, token
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(30)
            server.kill()
            server.wait()


def wait_for(server, url, log, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page(jupyterlab):
    """Open the notebook and run all its cells: the page, with lists of its requests elsewhere and of its errors."""
    from playwright.sync_api import sync_playwright

    address, token = jupyterlab
    local = (address, address.replace("http", "ws"), "data:", "blob:")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1700, "height": 1200})
        page.set_default_timeout(PATIENCE)
        page.outside, page.errors = [], []
        page.on("request", lambda request: request.url.startswith(local) or page.outside.append(request.url))
        page.on("websocket", lambda opened: opened.url.startswith(local) or page.outside.append(opened.url))
        page.on("console", lambda message: message.type == "error" and page.errors.append(message.text))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{address}/lab/tree/explore.ipynb?token={token}")
        page.get_by_text("(ipykernel) | Idle").wait_for()  # earlier, Run opens a dialog
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        last = page.locator(".jp-RenderedText", has_text="limit")
        last.or_(page.locator(ERROR)).first.wait_for()
        yield page
        browser.close()


def shown(page, title):
    """Wait for the picture under `title` in the explorer; give its locator."""
    return page.locator(".nanofoam .widget-vbox", has=page.get_by_text(title, exact=True)).last.locator("img")


def pixels(picture):
    """Give what a picture shows, as the browser decoded it."""
    return picture.evaluate(
        """async picture => {
            await picture.decode();
            const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
            const context = canvas.getContext("2d");
            context.drawImage(picture, 0, 0);
            return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
        }"""
    )


def wait_until_changed(picture, before, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = pixels(picture)
        if now != before:
            return now
        time.sleep(0.1)
    pytest.fail("the picture did not change")


def test_the_notebook_runs_without_an_error(page):
    assert page.locator(ERROR).all_inner_texts() == []
    box = page.locator(".nanofoam canvas").first.bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=2)  # or points lie out of sight at the sides
    assert page.locator(".jp-RenderedImage img").count() == 1  # the picture on paper


def test_a_slider_changes_the_moved_picture_alone(page):
    reconstruction, moved = (shown(page, title) for title in ("reconstruction", "moved"))
    before = pixels(moved)
    assert pixels(reconstruction) == before
    handle = page.locator(".nanofoam .noUi-handle").first
    handle.focus()
    for _ in range(20):
        handle.press("ArrowRight")
    after = wait_until_changed(moved, before)
    assert pixels(reconstruction) == before != after


def test_pointing_at_the_map_shows_another_image(page, workplace):
    picture, reconstruction = (shown(page, title) for title in ("micrograph", "reconstruction"))
    before = pixels(picture), pixels(reconstruction)
    row, across, down = loneliest_point(Run(workplace / "run"))
    canvas = page.locator(".nanofoam canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    place = box["x"] + across * box["width"], box["y"] + down * box["height"]
    page.mouse.move(*place)
    page.get_by_text("Split", exact=True).first.wait_for()  # the tooltip
    page.mouse.click(*place)
    page.locator(".nanofoam b", has_text=f"Image {row}, ").wait_for()
    wait_until_changed(picture, before[0])
    wait_until_changed(reconstruction, before[1])


def loneliest_point(run):
    """Find on the PCA map the point that is farthest from all others: its row, and its place as shares of the sides."""
    mu, train = files.read_npz(run.descriptors("vae", 4))["mu"], run.load_index()["split"] == "train"
    plane = projection.project(projection.pca(mu[train], mu[~train]), mu)
    low, high = plane.min(axis=0), plane.max(axis=0)
    places = (plane - low) / (high - low)
    gaps = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(len(places))
    row = gaps.min(axis=1).argmax()
    across, up = (places[row] + scatter.MARGIN) / (1 + 2 * scatter.MARGIN)
    return row, across, 1 - up


def test_the_image_number_shows_that_image(page):
    number = page.locator(".nanofoam input[type=number]").first
    number.fill("15")
    number.press("Enter")
    page.locator(".nanofoam b", has_text="Image 15").wait_for()
    assert HOSTILE in page.locator(".nanofoam b").first.inner_text()  # as text, not as an element


def test_the_save_button_writes_into_the_run_folder(page, workplace):
    page.get_by_role("button", name="Save picture").click()
    page.get_by_text("as .pdf, .png and .csv").wait_for()
    written = {path.name for path in (workplace / "run" / "figures").iterdir()}
    assert written == {"explore_1.pdf", "explore_1.png", "explore_1.csv"}


def test_the_tab_of_pores_follows_the_threshold_and_keeps_it(page, workplace):
    page.get_by_role("tab", name="Pores").click()
    panel = page.locator(".nanofoam-pores")
    overlay = panel.locator("img").first
    before = pixels(overlay)
    handle = panel.locator(".noUi-handle").first
    handle.focus()
    for _ in range(20):
        handle.press("ArrowRight")
    wait_until_changed(overlay, before)
    panel.get_by_text("number of pores 20").wait_for()
    panel.get_by_role("button", name="Use for this picture").click()
    panel.get_by_text("nanofoam run and nanofoam pores obey it").wait_for()
    assert list(pore_choices.read(workplace / "foams")["pictures"]) == ["0.png"]
    assert pore_choices.read(workplace / "foams")["pictures"]["0.png"]["level"] > 0.5


def test_nothing_left_this_machine_and_no_error_was_logged(page):
    """Last: what all the others have caused."""
    assert page.locator(".nanofoam img[src*='example']").count() == 0
    assert page.outside == []
    assert page.errors == []
