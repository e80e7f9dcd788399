"""The book and the decks: how long they take to make, how large their pages are, how soon one can use them."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlparse

from benchmarks import lab
from benchmarks.table import row

TITLE = "The book and the decks, opened from a disk in Chromium"
ROOT = Path(__file__).parents[1]
BOOK = ROOT / "build" / "book"
ROUNDS = 3
READY = """[...document.querySelectorAll('.course-explorer')].every(
    e => e.closest('#course-photo') || e.querySelector('canvas'))"""


def measure(options):
    make()  # executes what has changed since it last was
    start = time.perf_counter()
    make()
    made = time.perf_counter() - start
    pages = [p for p in sorted(BOOK.rglob("*.html")) if not p.relative_to(BOOK).parts[0].startswith("_")]
    decks = [p for p in pages if "slides" in p.parts]
    pages = [p for p in pages if p not in decks]
    slowest, largest, sluggish = [], 0, []
    with lab.browser() as browser:
        for _ in range(ROUNDS):
            opened = {page: open_once(browser, page, READY) for page in pages}
            slowest.append(max(seconds for seconds, _ in opened.values()))
            largest = max(size for _, size in opened.values())
            sluggish.append(
                max(open_once(browser, d, "document.documentElement.dataset.ready")[0] for d in decks)
            )
    return [
        row("`make book slides`, nothing to execute", [made], "s", ("<=", 60)),
        row(f"the slowest of {len(pages)} pages, until its explorers are drawn", slowest, "s", ("<=", 2)),
        row("the largest page with all it loads, without MathJax", [largest / 1e3], "kB", ("<=", 3000)),
        row(f"the slowest of {len(decks)} decks, until it is laid out", sluggish, "s"),
    ], [
        "Each page is opened in a fresh context, without cache and without network; a run is a round over all."
    ]


def make():
    for tool in ("make_book.py", "make_slides.py"):
        subprocess.run([sys.executable, ROOT / "tools" / tool], check=True, stdout=subprocess.DEVNULL)


def open_once(browser, page_file, ready):
    """Seconds until a page can be used, and bytes that it loads without MathJax."""
    context = browser.new_context(viewport={"width": 1360, "height": 900}, offline=True)
    page, size = context.new_page(), []

    def count(request):
        if request.url.startswith("file:") and "mathjax" not in request.url.lower():
            file = Path(unquote(urlparse(request.url).path))
            size.append(file.stat().st_size if file.is_file() else 0)

    page.on("request", count)
    start = time.perf_counter()
    page.goto(page_file.as_uri())
    page.evaluate("window.widgetsShown")
    page.wait_for_function(ready, timeout=60_000)
    seconds = time.perf_counter() - start
    context.close()
    return seconds, sum(size)
