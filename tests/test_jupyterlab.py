"""The notebooks in a real JupyterLab in a real browser: run from top to bottom, read, and touched."""

import re
import shutil
from pathlib import Path

from benchmarks import lab as real
from conftest import missing

import pytest

ROOT = Path(__file__).parents[1]
# Three kinds of explorers and the upload; that every notebook runs, and without stderr, nbval sees.
NAMES = ["02_toy_5x5", "11_your_own_photos"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on loopback that serves a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    for part in ("notebooks", "exercises"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with real.jupyterlab(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    if not real.chromium():
        missing("chromium", "no Chromium on the PATH (Debian: apt-get install chromium)")
    with real.browser() as browser:
        yield browser


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.complaints, page.outside = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    here = re.compile(r"(https?|ws)://127\.0\.0\.1|data:|blob:")
    page.on("request", lambda r: page.outside.append(r.url) if not here.match(r.url) else None)
    yield page
    page.close()


def run_all(page, lab, name):
    """Open a notebook, run all its cells, wait until the kernel is idle again."""
    real.run_all(page, lab, f"notebooks/{name}.ipynb")


def model(page, expression):
    """An expression over `cells`, the notebook's cells as JSON: the page draws only those in view."""
    return page.evaluate(
        "() => { const app = window.jupyterapp; "
        "const cells = app.shell.currentWidget.content.model.toJSON().cells; return " + expression + "; }"
    )


@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.long)])
def test_a_notebook_runs_from_top_to_bottom_and_its_sliders_redraw(lab, page, name):
    run_all(page, lab, name)
    outputs = model(page, "cells.filter(c => c.cell_type === 'code').flatMap(c => c.outputs)")
    assert len(outputs) > 5
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o["text"] for o in outputs if o.get("name") == "stderr"]
    assert sum("<img" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs) >= 3

    explorer = scroll_to(page, ".course-explorer:has(.noUi-handle)")
    for move in (by_key, by_mouse):
        moved = {}
        for handle in explorer.locator(".noUi-handle").all():
            moved[handle.get_attribute("aria-label")] = changes(page, explorer, lambda: move(page, handle))
        assert len(moved) >= 2
        # The second slider of notebook 02 weighs the empty map: that it changes nothing is the point of it.
        assert all(changed == (not label.startswith("weight w2")) for label, changed in moved.items()), moved

    for control in explorer.locator(".noUi-handle, select, .widget-toggle-buttons > div").all():
        assert re.fullmatch(r"[\w ]+: .{9,}", control.get_attribute("aria-label")), (
            "no name or no description"
        )

    if model(page, "cells.some(c => c.source.includes('predict_then_reveal('))"):
        page.evaluate("() => window.jupyterapp.shell.currentWidget.content.scrollToItem(0)")
        field = scroll_to(page, "[role=application]")
        field.press("ArrowUp")
        assert changes(page, field, lambda: field.press("Enter"))
        words = page.locator(".course-explorer:has([role=application]) [role=status]").first
        assert words.text_content().startswith("Your cell (")

    assert not page.outside, "a request left the machine"
    assert not page.complaints


def picture(explorer):
    """The pixels that an explorer shows."""
    return explorer.locator("canvas").evaluate("e => e.toDataURL()")


def changes(page, explorer, act):
    """Whether an act changes the picture: at once, or, where Python draws it, within ten seconds."""
    before, earlier = picture(explorer), None
    while before != earlier:  # pictures of earlier acts may still be on their way
        page.wait_for_timeout(500)
        before, earlier = picture(explorer), before
    act()
    for _ in range(20):
        page.wait_for_timeout(500)
        if picture(explorer) != before:
            return True
    return False


def by_key(page, handle):
    """As somebody without a mouse would move a slider: to the left end, then half its way."""
    handle.focus()
    page.keyboard.press("Home")
    for _ in range(10):
        page.keyboard.press("ArrowRight")


def by_mouse(page, handle):
    handle.scroll_into_view_if_needed()
    place = handle.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=5)
    page.mouse.up()


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


def test_the_learner_finds_alt_texts_and_foldable_answers_on_the_page(lab, page):
    page.goto(f"{lab}/lab/tree/notebooks/06_grad_cam.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    seen, answers = set(), 0
    for _ in range(60):
        seen |= set(page.locator("figure img").evaluate_all("all => all.map(e => e.alt)"))
        answers = max(answers, page.locator("details summary").count())
        page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollBy(0, 700)")
        page.wait_for_timeout(100)
    assert len(seen) >= 2 and all(len(alt) > 5 for alt in seen)
    assert answers >= 2


def test_the_demo_opens_without_network_and_moves(browser, page, tmp_path):
    with real.demo(tmp_path / "log.txt") as address:
        page.goto(address)
        explorer = page.locator(".course-explorer:has(.noUi-handle)")
        explorer.wait_for(timeout=60_000)
        page.wait_for_function("document.querySelectorAll('canvas[data-drawn]').length === 2")
        for move in (by_key, by_mouse):
            assert changes(page, explorer, lambda: move(page, explorer.locator(".noUi-handle").first))
        field = page.locator("[role=application]")
        field.press("ArrowUp")
        field.press("Enter")
        page.wait_for_function(
            "[...document.querySelectorAll('[role=status]')].some(e => e.textContent.startsWith('Your cell'))"
        )
        assert not page.locator("pre").count()  # neither code nor error
        assert not page.outside and not page.complaints


STDERR = """import os
import course_utils
import tensorflow
_ = os.write(2, b"from native code\\n")"""


def test_what_native_code_writes_to_stderr_is_seen_and_a_greeting_is_none_of_it(lab, page):
    """The control of the test above: there is no stderr because nothing is written, not because nobody
    listens.
    """
    save(lab, page, "stderr", STDERR)
    run_all(page, lab, "stderr")
    assert model(page, "cells[0].outputs.map(o => [o.name, o.text])") == [["stderr", "from native code\n"]]


def save(lab, page, name, source):
    """A notebook of one cell, by JupyterLab itself."""
    page.goto(f"{lab}/lab")
    page.wait_for_function("window.jupyterapp")
    page.evaluate(
        """async ([name, source]) => {
        const cell = { id: name, cell_type: "code", source, metadata: {}, outputs: [], execution_count: null };
        const kernelspec = { name: "python3", display_name: "Python 3 (ipykernel)" };
        const content = { cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
        const file = { type: "notebook", format: "json", content };
        await window.jupyterapp.serviceManager.contents.save(`notebooks/${name}.ipynb`, file);
    }""",
        [name, source],
    )


EXPLORERS = """import numpy as np
from IPython.display import display
from course_utils.widgets import cam_explorer, predict_then_reveal
rng = np.random.default_rng(0)
image, cams = rng.uniform(size=(28, 28)), rng.normal(size=(7, 7, 2))
explorer, prediction = cam_explorer(image, cams, ["cat", "dog"]), predict_then_reveal(image, cams[..., 0], "cat")
display(explorer, prediction)"""


def test_explorers_take_keys_before_jupyterlab_does_and_survive_another_run(lab, page):
    save(lab, page, "explorers", EXPLORERS)
    run_all(page, lab, "explorers")
    field = page.locator("[role=application]")
    field.focus()
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function(
        "[...document.querySelectorAll('[role=status]')].some(e => e.textContent.startsWith('Your "
        "cell (2,\xa04) holds more'))"
    )

    opacity = page.locator(".noUi-handle").first
    opacity.focus()
    page.keyboard.press("End")
    page.locator(".widget-toggle-button", has_text="dog").press("Enter")
    pressed = page.locator(".widget-toggle-button[aria-pressed=true]")
    page.wait_for_function(
        "[...document.querySelectorAll('[aria-pressed=true]')].some(e => e.textContent === 'dog')"
    )
    assert pressed.all_text_contents() == ["dog", "for and against"]
    before = picture(page.locator(".course-explorer").first)
    page.evaluate("document.querySelectorAll('canvas').forEach(e => { e.dataset.old = 1; })")
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function("document.querySelectorAll('canvas[data-drawn]:not([data-old])').length === 2")
    assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") == "1"
    assert picture(page.locator(".course-explorer").first) == before
    assert "Your cell (2,\xa04)" in page.locator("[role=status]").nth(1).text_content()
    assert not page.complaints
