"""The notebooks in a real JupyterLab in a real browser: run from top to bottom, read, and touched."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from conftest import missing

ROOT = Path(__file__).parents[1]
NAMES = sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on loopback that serves a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    settings = {"JUPYTER_CONFIG_DIR": folder / "config", "JUPYTER_DATA_DIR": folder / "data", "JUPYTER_RUNTIME_DIR": folder / "runtime",
                "JUPYTERLAB_SETTINGS_DIR": folder / "settings", "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces"}
    log = (folder / "log.txt").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
         "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--ServerApp.open_browser=False",
         "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
        env=os.environ | {k: str(v) for k, v in settings.items()}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            break
        except OSError:
            time.sleep(0.5)
    else:
        server.terminate()
        pytest.fail("JupyterLab didn't answer within a minute:\n" + (folder / "log.txt").read_text()[-2000:])
    yield address
    server.terminate()
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
    log.close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        missing("chromium", "no Chromium on the PATH (Debian: apt-get install chromium)")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.complaints, page.outside = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.on("request", lambda r: page.outside.append(r.url) if not re.match(r"(https?|ws)://127\.0\.0\.1|data:|blob:", r.url) else None)
    yield page
    page.close()


def run_all(page, lab, name):
    """Open a notebook, run all its cells, wait until the kernel is idle again."""
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.set_default_timeout(300_000)
    page.evaluate("""async () => {
        await window.jupyterapp.restored;
        await window.jupyterapp.shell.currentWidget.sessionContext.ready;
        await window.jupyterapp.commands.execute('notebook:run-all-cells');  // settles when all have run
    }""")
    page.set_default_timeout(30_000)


def model(page, expression):
    """An expression over `cells`, the notebook's cells as JSON: the page draws only those in view."""
    return page.evaluate("() => { const app = window.jupyterapp; "
                         "const cells = app.shell.currentWidget.content.model.toJSON().cells; return " + expression + "; }")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom_and_its_sliders_redraw(lab, page, name):
    run_all(page, lab, name)
    outputs = model(page, "cells.filter(c => c.cell_type === 'code').flatMap(c => c.outputs)")
    assert len(outputs) > 5
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o["text"] for o in outputs if o.get("name") == "stderr"]
    assert sum("<img" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs) >= 3

    picture = scroll_to(page, "img.widget-image")
    sliders = page.locator(".widget-slider .noUi-handle")
    assert sliders.count() >= 2
    moved = []
    for i in range(sliders.count()):
        before = picture.get_attribute("src")
        sliders.nth(i).focus()
        for _ in range(6):  # by keyboard, as somebody without a mouse would
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(1500)
        moved.append(picture.get_attribute("src") != before)
    # The second slider of notebook 02 weighs the empty map: that it changes nothing is the point of it.
    assert moved == [not (name.startswith("02") and i == 1) for i in range(len(moved))]

    assert not page.outside, "a request left the machine"
    assert not page.complaints


def scroll_to(page, selector):
    """The first element that matches, in view: JupyterLab draws a cell only when it gets near."""
    found = page.locator(selector).first
    for _ in range(80):
        if found.count():
            found.scroll_into_view_if_needed()
            return found
        page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollBy(0, 500)")
        page.wait_for_timeout(150)
    pytest.fail(f"no {selector} anywhere in the notebook")


@pytest.mark.parametrize("name", NAMES)
def test_the_learner_finds_alt_texts_and_foldable_answers_on_the_page(lab, page, name):
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    seen, answers = set(), 0
    for _ in range(60):
        seen |= set(page.locator("figure img").evaluate_all("all => all.map(e => e.alt)"))
        answers = max(answers, page.locator("details summary").count())
        page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollBy(0, 700)")
        page.wait_for_timeout(100)
    assert len(seen) >= 2 and all(len(alt) > 5 for alt in seen)
    assert answers >= 2
