"""The book: executed lessons and the pages of book/ as a site that works from a disk.

python tools/make_book.py       writes build/book; open build/book/index.html
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import book_parts, executed  # noqa: E402

PAGES, SOURCE, TARGET = ROOT / "book", ROOT / "build" / "book_source", ROOT / "build" / "book"


def lay_out():
    """Everything that Sphinx reads, in build/book_source; what is unchanged there stays as it is."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    with ThreadPoolExecutor(2) as pool:
        notebooks = dict(zip(paths, pool.map(executed.executed, paths)))
    made = {}
    for file in PAGES.rglob("*"):
        if file.is_file() and file.parent.name not in ("lessons", "__pycache__"):
            made[file.relative_to(PAGES)] = file.read_bytes()
    for file in (ROOT / "notebooks" / "figures").glob("*"):
        made[file.relative_to(ROOT)] = file.read_bytes()
    for path, notebook in notebooks.items():
        stem, title = path.stem, book_parts.title(notebook)
        made[Path("handbook", "lessons", f"{stem}.md")] = book_parts.handbook_page(stem, title, notebook)
        made[Path("notebooks", path.name)] = nbformat.writes(book_parts.as_read(notebook))
    made[Path("handbook", "routes.md")] += ("\n" + book_parts.times_table(notebooks) + "\n").encode()
    if Path("model_card.md") not in made:  # it comes with the weights that it is about
        made[Path("index.md")] = made[Path("index.md")].replace(b"model_card\n", b"")
    named = {path.stem: book_parts.numbered(path.stem, book_parts.title(n)) for path, n in notebooks.items()}
    contents = "".join(f"{name.replace('*', '')} <notebooks/{stem}>\n" for stem, name in named.items())
    made[Path("index.md")] = made[Path("index.md")].replace(b"notebooks/*\n", contents.encode())
    made[Path("live_map.html")] = book_parts.live_map(notebooks[paths[0]])
    weights = ROOT / "course_utils" / "weights" / "photo_net.npz"
    if weights.exists():
        made[Path("_static", "photo_data.js")] = book_parts.photo_data(weights)
    for name, content in made.items():
        book_parts.write(SOURCE / name, content if isinstance(content, bytes) else content.encode())
    for old in [*SOURCE.rglob("*.md"), *SOURCE.rglob("*.ipynb")]:
        if old.relative_to(SOURCE) not in made:
            old.unlink()
    book_parts.copy_libraries(SOURCE / "_static")


def main():
    lay_out()
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-d", ROOT / "build" / "doctrees", SOURCE, TARGET]
    if subprocess.run(sphinx, env={**os.environ, "COURSE_ROOT": str(ROOT)}).returncode:
        raise SystemExit("The book was not made; what Sphinx says above names the page.")
    print(f"The book is made: open {(TARGET / 'index.html').relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
