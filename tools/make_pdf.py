"""The whole book as one PDF: each page printed by Chromium, joined in order, with bookmarks.

python tools/make_pdf.py       after make_book.py; writes build/book/cam-course.pdf
"""

import io
import re
import sys
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject, TextStringObject

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import lab  # noqa: E402

BOOK = ROOT / "build" / "book"
TARGET = BOOK / "cam-course.pdf"
# Canvases of explorers print as they are; questions unfold, and pictures that are further down are loaded.
READY = """async () => {
  document.querySelectorAll("details").forEach((e) => { e.open = true; });
  await Promise.all([document.fonts.ready, window.MathJax?.startup?.promise, window.widgetsShown,
    ...[...document.images].map((i) => i.decode().catch(() => {}))]);
}"""

HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4")].map((heading) => [...heading.childNodes]
  .filter((part) => !part.matches?.(".headerlink")).map((part) => part.textContent).join(""))"""


def pages():
    """The book's pages, in the order of its contents: the links of the sidebar on the front page."""
    front = (BOOK / "index.html").read_text(encoding="utf-8")
    sidebar = front[front.index("bd-links") :]
    sidebar = sidebar[: sidebar.index("</nav>")]
    links = re.findall(r'href="([^"#:]+\.html)"', sidebar)
    return list(dict.fromkeys(["index.html", *links]))


def printed(page, name):
    """A page's PDF, and its headings."""
    page.goto((BOOK / name).as_uri())
    page.evaluate(READY)
    page.wait_for_timeout(300)
    margins = {"top": "15mm", "bottom": "15mm", "left": "15mm", "right": "15mm"}
    headings = page.evaluate(HEADINGS)
    content = page.pdf(
        format="A4", margin=margins, print_background=True, scale=0.8, outline=True, tagged=True
    )
    return content, headings


def join(parts):
    """One PDF of {page's name: (PDF, headings)}: with bookmarks, and links between pages that lead inside."""
    writer, starts, names = PdfWriter(), {}, {}
    for name, (content, headings) in parts.items():
        starts[(BOOK / name).as_uri()] = len(writer.pages)
        names |= {"".join(heading.split()): " ".join(heading.split()) for heading in headings}
        writer.append(PdfReader(io.BytesIO(content)), import_outline=True)
    for bookmark in _bookmarks(writer.get_outline_root()):
        # Chromium loses the blanks where a heading wraps, and says it twice where it moved to the next page.
        said = "".join(bookmark["/Title"].split())
        name = names.get(said) or names.get(said[: len(said) // 2]) or bookmark["/Title"]
        bookmark[NameObject("/Title")] = TextStringObject(name)
    for page in writer.pages:
        for annotation in page.get("/Annots", ()):
            link = annotation.get_object()
            address = str(link.get("/A", {}).get("/URI", "")).partition("#")[0]
            if address in starts:
                del link["/A"]
                target = writer.pages[starts[address]].indirect_reference
                link[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])
            elif address.startswith("file:"):  # a deck, say: it lies beside the PDF
                beside = address.removeprefix(BOOK.as_uri() + "/")
                link["/A"][NameObject("/URI")] = TextStringObject(beside)
    writer.compress_identical_objects()
    return writer


def _bookmarks(parent):
    child = parent.get("/First")
    while child is not None:
        bookmark = child.get_object()
        yield bookmark
        yield from _bookmarks(bookmark)
        child = bookmark.get("/Next")


def main():
    with lab.browser() as browser:
        page = browser.new_page(color_scheme="light")
        parts = {name: printed(page, name) for name in pages()}
    join(parts).write(TARGET)
    size = TARGET.stat().st_size / 1e6
    print(f"{TARGET.relative_to(ROOT)}: {len(PdfReader(TARGET).pages)} pages, {size:.0f} MB.")


if __name__ == "__main__":
    main()
