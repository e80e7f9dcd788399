"""The decks in a real browser: nothing is cut, nothing comes from a network, explorers and questions work."""

from pathlib import Path

from benchmarks import lab as real
from conftest import missing
from tools import book_parts

import pytest

ROOT = Path(__file__).parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))

# Every slide shown in turn: what reaches beyond 1280×720, stretched pictures, and code below 18 pixels.
FAULTS = """() => {
  const scale = Reveal.getScale(), faults = [];
  Reveal.getSlides().forEach((slide, n) => {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    const edge = slide.getBoundingClientRect();
    let [right, bottom] = [slide.scrollWidth, slide.scrollHeight];
    for (const e of slide.querySelectorAll("*")) {
      const box = e.getBoundingClientRect();
      if (!box.width || e.closest("aside, mjx-assistive-mml")) continue;
      [right, bottom] = [Math.max(right, (box.right - edge.left) / scale), Math.max(bottom, (box.bottom - edge.top) / scale)];
    }
    if (right > 1281 || bottom > 721) faults.push(`slide ${n + 1} is ${Math.round(right)}×${Math.round(bottom)}`);
    for (const picture of slide.querySelectorAll("img")) {
      const stretched = picture.width / picture.height / (picture.naturalWidth / picture.naturalHeight);
      if (Math.abs(stretched - 1) > 0.02) faults.push(`slide ${n + 1} has a picture stretched by ${stretched.toFixed(2)}`);
    }
    for (const code of slide.querySelectorAll(".highlight pre")) {
      const size = parseFloat(getComputedStyle(code).fontSize) * (code.currentCSSZoom ?? 1);
      if (size < 18) faults.push(`slide ${n + 1} has code of ${size} pixels`);
    }
  });
  return faults;
}"""


@pytest.fixture(scope="module")
def browser():
    if not real.chromium():
        missing("chromium", "no Chromium on the PATH (Debian: apt-get install chromium)")
    with real.browser() as browser:
        yield browser


@pytest.fixture(scope="module", params=["three alive", pytest.param("all alive", marks=pytest.mark.long)])
def decks(request):
    """The decks. nbval executes every lesson anyway: here three are, for their explorers; `make long` has all."""
    pytest.importorskip("sphinx_revealjs")
    from tools import executed, make_slides

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executed, "AS_SAVED", set(LESSONS[3:] if request.param == "three alive" else ()))
        make_slides.main()
        yield make_slides.TARGET


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else page.complaints.append(r.url),
    )
    yield page
    context.close()


def opened(page, path, query=""):
    page.goto(path.as_uri() + query)
    page.wait_for_selector("html[data-ready]", timeout=60_000)


def show(page, selector):
    """The slide that holds the first of these."""
    page.eval_on_selector(
        selector,
        "e => { const { h, v } = Reveal.getIndices(e.closest('section.page')); Reveal.slide(h, v, 99); }",
    )
    return page.locator(selector).first


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("stem", LESSONS)
def test_no_slide_is_cut_and_all_of_the_lesson_is_there(decks, page, stem):
    from tools.executed import executed
    from tools.make_slides import helper

    opened(page, decks / f"{stem}.html")
    assert page.evaluate(FAULTS) == []
    assert not page.complaints
    shown = page.evaluate("document.querySelector('.slides').textContent.replace(/\\s+/g, '')")
    pictures = page.locator(".slides img").count()
    cells = [
        c
        for c in executed(ROOT / "notebooks" / f"{stem}.ipynb").cells
        if c.metadata.get("slideshow", {}).get("slide_type") != "skip"
    ]
    for cell in (c for c in cells if c.cell_type == "code" and not helper(c)):
        for line in cell.source.splitlines():  # a long cell goes on on the next slide
            assert "".join(line.split()) in shown, f"code is missing: {line}"
    outputs = [o.get("data", {}) for c in cells for o in c.get("outputs", ())]
    # A widget's still picture gives way to the widget itself.
    still = [o for o in outputs if "<img" in "".join(o.get("text/html", "")) and WIDGET not in o]
    assert pictures >= len(still)
    assert page.locator(".slides .jupyter-widgets").count() >= sum(WIDGET in o for o in outputs)


@pytest.mark.browser
@pytest.mark.slow
def test_a_link_of_the_handbook_opens_a_deck_at_its_section(decks, page):
    heading = "Softmax sees differences: the centred map"
    opened(page, decks / f"{LESSONS[1]}.html", f"#/{book_parts.slug(heading)}")
    assert heading in page.evaluate("Reveal.getCurrentSlide().textContent")


@pytest.mark.browser
@pytest.mark.slow
def test_the_measure_sees_a_slide_that_is_cut(decks, page):
    opened(page, decks / f"{LESSONS[0]}.html")
    page.evaluate(
        "document.querySelector('section.page').insertAdjacentHTML('beforeend', '<div style=\"height:800px\">x</div>')"
    )
    assert len(page.evaluate(FAULTS)) == 1


@pytest.mark.browser
@pytest.mark.slow
def test_keys_on_a_slider_move_the_slider_and_elsewhere_the_deck(decks, page):
    opened(page, decks / f"{LESSONS[0]}.html")
    handle = show(page, ".noUi-handle")
    canvas = page.locator(".course-explorer:has(.noUi-handle) canvas").first
    here, picture = page.evaluate("Reveal.getIndices()"), canvas.evaluate("e => e.toDataURL()")
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    assert page.evaluate("Reveal.getIndices()") == here
    assert canvas.evaluate("e => e.toDataURL()") != picture
    page.keyboard.press("Space")
    assert page.evaluate("Reveal.getIndices()") != here


@pytest.mark.browser
@pytest.mark.slow
def test_esc_leaves_a_slider_and_the_arrows_are_the_deck_s_again(decks, page):
    opened(page, decks / f"{LESSONS[0]}.html")
    show(page, ".noUi-handle").focus()
    here = page.evaluate("Reveal.getIndices()")
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices()") != here


@pytest.mark.browser
@pytest.mark.slow
def test_tab_stays_on_the_slide(decks, page):
    opened(page, decks / f"{LESSONS[2]}.html")
    show(page, ".noUi-handle")  # the slide before it has an answer to open
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('.present .course-explorer')")


@pytest.mark.browser
@pytest.mark.slow
def test_a_click_in_the_overview_goes_to_that_slide(decks, page):
    opened(page, decks / f"{LESSONS[0]}.html")
    page.keyboard.press("o")
    page.wait_for_timeout(300)
    box = page.evaluate(
        "(({ left, top, width, height }) => [left + width / 2, top + height / 2])(Reveal.getSlides()[1].getBoundingClientRect())"
    )
    page.mouse.click(*box)
    assert not page.evaluate("Reveal.isOverview()") and page.evaluate("Reveal.getSlidePastCount()") == 1


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("control", ["summary", ".widget-toggle-button"])
def test_after_a_click_on_a_control_space_goes_on(decks, page, control):
    opened(page, decks / f"{LESSONS[0]}.html")
    show(page, control).click()
    here = page.evaluate("Reveal.getIndices()")
    page.keyboard.press("Space")
    assert page.evaluate("Reveal.getIndices()") != here


@pytest.mark.browser
@pytest.mark.slow
def test_a_picture_to_guess_in_is_large_and_a_click_chooses_the_cell_below_it(decks, page):
    from playwright.sync_api import expect

    opened(page, decks / f"{LESSONS[0]}.html")
    canvas = show(page, "[role=application] canvas")
    box = canvas.bounding_box()
    assert box["width"] > 560  # 384 in the lesson
    canvas.click(position={"x": 12.5 / 14 * box["width"], "y": 8.5 / 10 * box["height"]})
    expect(page.locator(".present .course-words")).to_contain_text("row 8, column 12")


@pytest.mark.browser
@pytest.mark.slow
def test_a_question_is_answered_on_the_slide(decks, page):
    from playwright.sync_api import expect

    opened(page, decks / f"{LESSONS[0]}.html")
    show(page, "summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".course-score")).to_contain_text("right at the first try")
    assert page.locator("summary").first.text_content()[-1] in "✓✗"


@pytest.mark.browser
@pytest.mark.slow
def test_an_answer_stays_hidden_until_it_is_asked_for(decks, page):
    from playwright.sync_api import expect

    opened(page, decks / f"{LESSONS[2]}.html", "#/the-score-by-hand")
    means = page.locator(".present .output_subarea", has_text="0.08").first  # below "What is F_3?"
    expect(means).not_to_be_visible()
    page.keyboard.press("Space")
    expect(means).to_be_visible()


@pytest.mark.browser
@pytest.mark.slow
def test_a_section_begins_on_a_slide_of_its_own(decks, page):
    opened(page, decks / f"{LESSONS[4]}.html")
    ids = page.evaluate(
        "[...document.querySelectorAll('section.page h2:not(.again)')].filter((h) => h.previousElementSibling).length"
    )
    assert ids == 0


@pytest.mark.browser
@pytest.mark.slow
def test_the_lecturer_sees_the_notes(decks, page):
    from playwright.sync_api import expect

    opened(page, decks / f"{LESSONS[0]}.html")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    view = popup.value
    notes = view.locator(".speaker-controls-notes .value")
    expect(notes).to_contain_text("Everybody points before you reveal", timeout=20_000)
    page.keyboard.press("Space")  # the section goes on, and so do its notes
    page.wait_for_function("Reveal.getState().indexv > 0")
    expect(notes).to_contain_text("Everybody points before you reveal")


@pytest.mark.browser
@pytest.mark.slow
def test_a_deck_prints_a_page_per_slide(decks, page):
    import io

    from pypdf import PdfReader

    opened(page, decks / f"{LESSONS[0]}.html")
    slides = page.evaluate("Reveal.getTotalSlides()")
    opened(page, decks / f"{LESSONS[0]}.html", "?print-pdf")
    page.wait_for_timeout(2000)
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(PdfReader(io.BytesIO(pdf)).pages) == slides
