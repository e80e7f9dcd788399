"""The whole book as one PDF: each page printed by Chromium, joined in order, with bookmarks.

python tools/make_pdf.py       after make_book.py; writes build/book/cam-course.pdf
"""

import io
import re
import sys
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import lab  # noqa: E402

BOOK = ROOT / "build" / "book"
TARGET = BOOK / "cam-course.pdf"
FOOT = '<div style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></div>'
# Canvases of explorers print as they are; questions unfold, and pictures that are further down are loaded.
READY = """async () => {
  document.querySelectorAll("details").forEach((e) => { e.open = true; });
  await Promise.all([document.fonts.ready, window.MathJax?.startup?.promise, window.widgetsShown,
    ...[...document.images].map((i) => i.decode().catch(() => {}))]);
}"""


def pages():
    """The book's pages, in the order of its contents: the links of the sidebar on the front page."""
    front = (BOOK / "index.html").read_text(encoding="utf-8")
    sidebar = front[front.index("bd-links") :]
    sidebar = sidebar[: sidebar.index("</nav>")]
    links = re.findall(r'href="([^"#:]+\.html)"', sidebar)
    return list(dict.fromkeys(["index.html", *links]))


def printed(page, name):
    page.goto((BOOK / name).as_uri())
    page.evaluate(READY)
    page.wait_for_timeout(300)
    margins = {"top": "15mm", "bottom": "15mm", "left": "15mm", "right": "15mm"}
    return page.pdf(
        format="A4",
        margin=margins,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOT,
        outline=True,
        tagged=True,
    )


def join(parts):
    """One PDF of {page's name: PDF}: outlines become bookmarks, links between pages lead inside."""
    writer, starts = PdfWriter(), {}
    for name, content in parts.items():
        starts[(BOOK / name).as_uri()] = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(content)), import_outline=True)
    for page in writer.pages:
        for annotation in page.get("/Annots", ()):
            link = annotation.get_object()
            address = str(link.get("/A", {}).get("/URI", "")).partition("#")[0]
            if address in starts:
                del link["/A"]
                target = writer.pages[starts[address]].indirect_reference
                link[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])
    writer.compress_identical_objects()
    return writer


def main():
    with lab.browser() as browser:
        page = browser.new_page(color_scheme="light")
        parts = {name: printed(page, name) for name in pages()}
    join(parts).write(TARGET)
    size = TARGET.stat().st_size / 1e6
    print(f"{TARGET.relative_to(ROOT)}: {len(PdfReader(TARGET).pages)} pages, {size:.0f} MB.")


if __name__ == "__main__":
    main()
