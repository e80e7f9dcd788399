"""The book as a reader has it: opened from a disk in a real browser, with no network."""

import base64
import functools
import http.server
import io
import re
import threading
from pathlib import Path

from benchmarks import lab as real
from conftest import missing
from course_utils import plots
from course_utils.datasets.examples import photograph
from course_utils.photos import resized
from tools import book_parts

import nbformat
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "build" / "book"
PHOTO_NET = ROOT / "course_utils" / "weights" / "photo_net.npz"
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# One page of each kind for axe, which takes seconds for each.
JUDGED = ["index.html", "photo.html", "glossary.html", "cheat_sheet.html", "handbook/routes.html"]
JUDGED += [f"notebooks/{stem}.html" for stem in LESSONS[:3]]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


# --- without a browser -----------------------------------------------------------------------


def test_each_question_has_one_right_option_that_begins_with_yes():
    for stem, _, notebook in book_parts.lessons(ROOT / "notebooks"):
        text = "\n".join(c.source for c in notebook.cells if "## Check yourself" in c.source)
        questions = re.split(r"^\*\*\d+\. ", text, flags=re.MULTILINE)[1:]
        assert questions, f"{stem} asks nothing"
        for question in questions:
            options = re.findall(r"<details><summary>[A-Z]\. .+?</summary>(.+?)</details>", question)
            assert len(options) >= 2
            assert sum(bool(re.match(r"Yes\b|Likely\b", reason)) for reason in options) == 1, (
                f"{stem}: {question}"
            )


def test_a_term_is_taught_where_it_is_first_stressed(tmp_path):
    for name, text in (("01_a", "# A\n\nThe bias is here."), ("02_b", "# B\n\nNow the **biases**, and GAP.")):
        nbformat.write(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]), tmp_path / f"{name}.ipynb"
        )
    taught = book_parts.taught_in({"bias": "bias", "GAP": "global average pooling", "ReLU": "ReLU"}, tmp_path)
    assert taught == {"bias": ("02_b", "B"), "global average pooling": ("02_b", "B")}


def test_sections_are_timed_by_words_lines_and_runs():
    new = nbformat.v4
    cells = [
        new.new_markdown_cell("# Title\n\n" + "word " * 399),
        new.new_code_cell("a = 1\n\nb = 2\n" * 6, metadata={"seconds": 3.0}),
        new.new_markdown_cell("And so on.\n\n## Next"),
    ]
    (first, minutes, seconds), (second, *_) = book_parts.sections(new.new_notebook(cells=cells))
    assert (first, round(minutes, 2), seconds, second) == ("Title", 3.0, 3.0, "Next")


def test_a_lecturer_reads_minutes_where_a_section_begins_and_what_to_ask_where_it_is_asked():
    new = nbformat.v4
    texts = ["# By hand", "## Predict first\n\n" + "word " * 400, "## The score, by hand"]
    lesson = new.new_notebook(cells=[new.new_markdown_cell(text) for text in texts])
    cells = book_parts.with_notes("02_toy_5x5", lesson).cells
    aim, ask, rest = (cell.source for cell in cells[1::2])
    assert "**Aim.**" in aim and "3 minutes to teach" in ask and "In which cell is the map largest?" in ask
    assert "?" not in rest


def test_a_question_for_a_section_that_is_gone_stops_the_book():
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# By hand")])
    with pytest.raises(ValueError, match=r"02_toy_5x5 says to ask at 'Predict first'; expected one of"):
        book_parts.with_notes("02_toy_5x5", lesson)


def test_pictures_are_smaller_in_the_book_and_look_the_same():
    photo = resized(photograph("cat"), 224)
    figure = plots.panels(
        [plots.Panel("cat", image=photo, cam=np.linspace(-1, 1, 70).reshape(7, 10))], "A cat"
    )
    html = figure._repr_mimebundle_()[0]["text/html"]
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    cell = nbformat.v4.new_code_cell("", outputs=[output])
    new = book_parts.as_read(nbformat.v4.new_notebook(cells=[cell])).cells[0].outputs[0].data["text/html"]
    before, after = (
        Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", text)[1]))).convert("RGB")
        for text in (html, new)
    )
    assert len(new) < 0.7 * len(html) and after.size == before.size
    change = np.abs(np.asarray(after, float) - np.asarray(before, float))
    assert change.mean() < 3 and not change[(np.asarray(before) == 255).all(axis=-1)].any()


def test_what_is_unchanged_is_not_executed_again(tmp_path, monkeypatch):
    from tools import executed

    monkeypatch.setattr(executed, "KEPT", tmp_path / "kept")
    path = tmp_path / "00_small.ipynb"
    new = nbformat.v4

    def written(text, code):
        nbformat.write(new.new_notebook(cells=[new.new_markdown_cell(text), new.new_code_cell(code)]), path)
        return executed.executed(path)

    def shown(notebook):
        return notebook.cells[1].outputs[0].text

    code = "import time, course_utils.cam\nprint(time.time_ns())"
    first = written("# One", code)
    again = written("# Two", code)
    assert shown(again) == shown(first) and again.cells[0].source == "# Two"
    kept = nbformat.read(tmp_path / "kept" / path.name, as_version=4)
    assert "course_utils/cam.py" in kept.metadata.made_from
    assert shown(written("# Two", code + "  # changed")) != shown(first)
    kept.metadata.made_from["course_utils/cam.py"] = "another"
    nbformat.write(kept, tmp_path / "kept" / path.name)
    assert shown(written("# Two", code)) != shown(first)


# --- in a browser ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    if not real.chromium():
        missing("chromium", "no Chromium on the PATH (Debian: apt-get install chromium)")
    with real.browser() as browser:
        yield browser


@pytest.fixture(scope="module", params=["three alive", pytest.param("all alive", marks=pytest.mark.long)])
def book(request):
    """The book. nbval executes every lesson anyway: here three are, for their explorers; `make long` has all."""
    pytest.importorskip("sphinx_book_theme")
    from tools import executed, make_book

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executed, "AS_SAVED", set(LESSONS[3:] if request.param == "three alive" else ()))
        make_book.main()
        yield BOOK


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1360, "height": 900}, offline=True)
    page = context.new_page()
    page.complaints, page.outside = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.on("requestfailed", lambda r: page.complaints.append(f"missing: {r.url}"))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else page.outside.append(r.url),
    )
    yield page
    context.close()


def pages_of(book):
    """The book's pages, without the decks and without what the theme leaves in its folder."""
    found = sorted(book.rglob("*.html"))
    return [p for p in found if not p.relative_to(book).parts[0].startswith(("_", "slides"))]


def opened(page, path):
    page.goto(path.as_uri())
    page.evaluate("window.widgetsShown")
    page.wait_for_function(
        "[...document.querySelectorAll('.course-explorer')].every((e) => e.closest('#course-photo') || e.querySelector('canvas'))"
    )


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    "scheme, pages",
    [("light", "all"), ("dark", "three"), pytest.param("dark", "all", marks=pytest.mark.long)],
)
def test_every_page_is_quiet_asks_nobody_and_can_be_read(book, page, scheme, pages):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    found = {}
    for path in pages_of(book) if pages == "all" else [book / name for name in (*JUDGED[:2], JUDGED[-1])]:
        name = path.relative_to(book).as_posix()
        opened(page, path)
        assert not page.complaints, f"{name}: {page.complaints}"
        assert not page.outside, f"{name} asks {page.outside}"
        assert not page.locator("img:not([alt])").count()
        headings = page.eval_on_selector_all(
            "main :is(h1,h2,h3,h4)", "all => all.map(e => Number(e.tagName[1]))"
        )
        assert headings[:1] in ([], [1]), name
        assert all(b - a <= 1 for a, b in zip(headings, headings[1:])), f"{name} skips a heading: {headings}"
        if name in JUDGED:
            report = Axe().run(
                page, context="main", options={"runOnly": ["wcag2a", "wcag2aa"], "preload": False}
            )
            for violation in report.response["violations"]:
                for node in violation["nodes"]:
                    found.setdefault((violation["id"], node["html"][:120]), name)
    assert not found, "\n".join(f"{name}: {rule} {html}" for (rule, html), name in found.items())


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("pages", ["three", pytest.param("all", marks=pytest.mark.long)])
def test_from_a_plain_server_pages_work_and_stay_small(book, browser, pages):
    """They ask nobody else, and load 3 MB at most besides MathJax."""
    handler = functools.partial(QuietHandler, directory=book)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/"
        for path in pages_of(book) if pages == "all" else [book / name for name in (*JUDGED[:2], JUDGED[-1])]:
            context, complaints, loaded = browser.new_context(), [], []
            page = context.new_page()
            page.on("console", lambda m, to=complaints: to.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda e, to=complaints: to.append(str(e)))
            page.on("requestfinished", lambda r, to=loaded: to.append(r))
            page.goto(here + path.relative_to(book).as_posix(), wait_until="networkidle")
            page.evaluate("window.widgetsShown")
            asked = [r.url for r in loaded if not r.url.startswith(("data:", "blob:"))]
            assert not complaints, f"{path.name}: {complaints}"
            assert all(url.startswith(here) for url in asked), asked
            sizes = [
                (book / url[len(here) :].partition("?")[0]).stat().st_size
                for url in asked
                if "mathjax" not in url
            ]
            assert sum(sizes) <= 3_000_000, f"{path.name} loads {sum(sizes) / 1e6:.1f} MB"
            context.close()
        server.shutdown()


@pytest.mark.browser
@pytest.mark.slow
def test_links_lead_somewhere(book):
    pages = {path: path.read_text(encoding="utf-8") for path in pages_of(book)}
    anchors = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    for path, text in pages.items():
        assert not re.search(r"\{(lesson|slide|term|doc)\}`?", text), (
            f"{path.name} shows a role as it is written"
        )
        for link in re.findall(r'<(?:a|link|script|img)\b[^>]*?(?:href|src)="([^"]*)"', text):
            if re.match(r"(https?|data|mailto|javascript):|#?$", link):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file.partition("?")[0]).resolve() if file else path
            if "slides" in target.parts:  # made by `make slides`
                continue
            assert target.exists(), f"{path.name} leads to {link}"
            if anchor and target in anchors:
                assert anchor in anchors[target], f"{path.name} leads to {link}"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("stem", LESSONS)
def test_a_lesson_s_explorers_move_and_its_questions_count(book, page, stem):
    from playwright.sync_api import expect

    opened(page, book / "notebooks" / f"{stem}.html")
    moving = (
        ".course-explorer:has(.noUi-handle):not(:has([inert]))"  # Python draws the others, and a line says so
    )
    for explorer in page.locator(moving).all():
        canvas = explorer.locator("canvas")
        if explorer.locator("[role=status]").count() and canvas.count():
            before = canvas.evaluate("e => e.toDataURL()")
            handle = explorer.locator(".noUi-handle").first
            handle.focus()
            for _ in range(4):
                page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(200)
            moved = canvas.evaluate("e => e.toDataURL()") != before
            if moved:
                break
    else:
        assert not page.locator(moving).count(), "no slider changes its picture"
    options = page.locator("details:has(summary)").filter(has_text=re.compile(r"^\s*[A-Z]\. "))
    score = page.locator(".course-score")
    options.first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(score).to_have_text(re.compile(r"^[01] of 1 right"))
    assert options.first.locator("summary").text_content()[-1] in "✓✗"
    right = "e => /^\\s*(Yes|Likely)/.test([...e.childNodes].slice(1).map(n => n.textContent).join(''))"
    questions = len(
        re.findall(
            r"^\*\*\d+\. ",
            "\n".join(
                c.source
                for c in nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", 4).cells
                if "## Check yourself" in c.source
            ),
            re.M,
        )
    )
    for option in options.all():
        if option.evaluate(right) and not option.evaluate("e => e.open"):
            option.locator("summary").click()
    first = options.first.evaluate(right)
    expect(score).to_have_text(f"{questions - (not first)} of {questions} right at the first try.")


@pytest.mark.browser
@pytest.mark.slow
def test_questions_count_in_jupyterlab_too(browser, tmp_path):
    new, folder = nbformat.v4, tmp_path / "lab"
    folder.mkdir()
    asks = (
        "## Check yourself\n\n**1. Why?**\n\n<details><summary>A. So.</summary>No: that isn't it.</details>\n"
    )
    asks += "<details><summary>B. Because.</summary>Yes: it is.</details>\n\n**2. When?**\n\n"
    asks += "<details><summary>A. Now.</summary>Yes: at once.</details>\n<details><summary>B. Then.</summary>No.</details>"
    cells = [new.new_markdown_cell(asks), new.new_code_cell("from course_utils.quiz import score\n\nscore()")]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new.new_notebook(cells=cells, metadata=kernel), folder / "quiz.ipynb")
    with real.jupyterlab(folder) as address:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        real.run_all(page, address, "quiz.ipynb")
        score = page.locator(".course-score")
        score.wait_for(timeout=60_000)
        page.locator("summary", has_text="A. So.").click()
        page.wait_for_function("document.querySelector('.course-score').textContent.startsWith('0 of 1')")
        page.locator("summary", has_text="B. Because.").click()  # reading on doesn't count
        page.locator("summary", has_text="A. Now.").focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('.course-score').textContent.startsWith('1 of 2')")
        assert page.locator("summary", has_text="A. Now.").text_content().endswith("✓")
        page.close()


@pytest.mark.browser
@pytest.mark.slow
def test_the_search_finds_a_word_and_shows_where_it_stands(book, page):
    page.goto((book / "search.html").as_uri() + "?q=softmax")
    page.wait_for_selector("ul.search li .context", timeout=10_000)
    assert "softmax" in page.locator("ul.search li .context").first.text_content().lower()
    assert not page.outside


@pytest.mark.browser
@pytest.mark.slow
def test_in_the_dark_no_figure_is_a_light_panel(book, page):
    page.emulate_media(color_scheme="dark")
    opened(page, book / "notebooks" / f"{LESSONS[1]}.html")
    page.wait_for_function(
        "[...document.querySelectorAll('figure img')].every((e) => e.dark && e.src === e.dark)"
    )
    corner = """async (image) => { await image.decode(); const c = document.createElement("canvas"); c.width = c.height = 4;
        const x = c.getContext("2d"); x.drawImage(image, 0, 0, 4, 4, 0, 0, 4, 4); return [...x.getImageData(1, 1, 1, 1).data]; }"""
    for image in page.locator("figure img").all():
        assert image.evaluate(corner)[3] < 10, "the figure's paper is seen"
        assert image.evaluate("e => getComputedStyle(e).backgroundColor") == "rgba(0, 0, 0, 0)"


@pytest.mark.browser
@pytest.mark.slow
def test_no_figure_is_taller_than_a_printed_page(book, page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})  # A4 less margins, in CSS pixels
    for stem in LESSONS:
        opened(page, book / "notebooks" / f"{stem}.html")
        for style, height in page.eval_on_selector_all(
            "figure, .course-explorer",
            "all => all.map(e => [getComputedStyle(e).breakInside, e.getBoundingClientRect().height])",
        ):
            assert style == "avoid" and height < 1000


# --- the page without Python -----------------------------------------------------------------


@pytest.fixture
def photo_page(page, tmp_path):
    """The page's own scripts around its own element."""
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "photo_data.js").write_text(book_parts.photo_data(PHOTO_NET), encoding="utf-8")
    for name in ("photo_net.js", "photo.js"):
        book_parts.copy(ROOT / "book" / "_static" / name, tmp_path / "_static" / name)
    text = (ROOT / "book" / "photo.md").read_text(encoding="utf-8")
    (tmp_path / "photo.html").write_text(text.split("```{raw} html\n")[1].split("```")[0], encoding="utf-8")
    page.goto((tmp_path / "photo.html").as_uri())
    return page


@pytest.mark.browser
def test_the_network_in_the_page_equals_keras_on_twenty_pictures(photo_page):
    from course_utils import networks

    import keras

    model = networks.photo_net()
    both = keras.Model(model.input, [model.get_layer("feature_maps").output, model.output])
    class_weights = model.get_layer("class_scores").get_weights()[0]
    rng = np.random.default_rng(0)
    for _ in range(20):
        h, w = rng.integers(90, 225, 2)
        image = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        features, scores = (np.asarray(a)[0] for a in both(image[None].astype("float32")))
        answer = photo_page.evaluate(
            "([pixels, h, w]) => { const a = explainPhoto(network, pixels, h, w, PHOTO.probe); return {...a, maps: [...a.maps]}; }",
            [image.ravel().tolist(), int(h), int(w)],
        )
        assert answer["grid"] == list(features.shape[:2])
        np.testing.assert_allclose(answer["scores"], scores, atol=1e-3)
        assert (answer["drawn"] > 0) == networks.unlike_photographs(image[None])[0]
        np.testing.assert_allclose(
            np.reshape(answer["maps"], (*features.shape[:2], 2)), features @ class_weights, atol=1e-3
        )


@pytest.mark.browser
def test_a_photograph_is_explained_as_it_was_held_and_a_text_gets_its_sentence(photo_page, tmp_path):
    from course_utils.datasets.drawn.pets import drawn_pets

    from PIL import Image

    upright = Image.fromarray(np.asarray(drawn_pets(1, seed=3).images[0], np.uint8)).resize((480, 320))
    note = Image.Exif()
    note[0x0112] = 6  # to be turned clockwise
    upright.save(tmp_path / "upright.png")
    upright.rotate(90, expand=True).save(tmp_path / "lying.jpg", quality=95, exif=note)
    (tmp_path / "text.jpg").write_text("no picture")
    said, chosen = photo_page.locator("[role=status]").first, photo_page.locator("input[type=file]")

    answers = []
    for name in ("upright.png", "lying.jpg"):
        photo_page.evaluate("document.getElementById('course-photo').answer = null")
        chosen.set_input_files(tmp_path / name)
        photo_page.wait_for_function("document.getElementById('course-photo').answer")
        answers.append(photo_page.evaluate("document.getElementById('course-photo').answer.scores"))
        assert photo_page.evaluate("document.getElementById('course-photo').answer.grid") == [10, 14]
        assert re.search(r"cat [\d.]+ %, dog [\d.]+ %", said.text_content())
    np.testing.assert_allclose(*answers, atol=0.3)  # the same picture but for its JPEG

    canvas = photo_page.locator(".course-explorer canvas")
    for control in ("input[name=class_idx]:not(:checked)", "input[name=evidence]:not(:checked)"):
        before = canvas.evaluate("e => e.toDataURL()")
        photo_page.locator(control).click()
        photo_page.wait_for_timeout(200)
        assert canvas.evaluate("e => e.toDataURL()") != before

    chosen.set_input_files(tmp_path / "text.jpg")
    photo_page.wait_for_timeout(500)
    assert said.text_content().startswith("text.jpg can't be opened as a picture; expected a JPEG")
    assert not photo_page.outside and not photo_page.complaints


def test_the_page_without_python_is_small():
    assert len(book_parts.photo_data(PHOTO_NET)) < 2.2e6  # the theme adds less than 0.8 MB


def test_the_cell_for_colab_comes_behind_the_title_and_goes_again():
    from tools.launch import ID, launch

    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title")])
    twice = launch(launch(lesson, "https://example.org/a"), "https://example.org/course")
    assert [c.id == ID for c in twice.cells] == [False, True]
    assert "git+https://example.org/course" in twice.cells[1].source
    assert "remove-cell" in twice.cells[1].metadata.tags
    assert len(launch(twice, "").cells) == 1
