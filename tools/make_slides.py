"""A deck per lesson, made from the lesson's own cells: opens from a disk, its explorers move.

    python tools/make_slides.py       writes build/book/slides

What stands on a slide is decided where it is shown (book/slides/deck.js): with that computer's fonts, cells
are laid out on as many slides of 1280×720 as they need, so none is cut.
"""

import ast
import html
import json
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import book_parts, executed  # noqa: E402

TARGET = ROOT / "build" / "book" / "slides"
HIDING = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
# Statements that only fetch or show: the room sees what they show.
SHOWING = re.compile(
    r"(from|import) |(\w+\.)?(panels|three_panels|reveal|picture|say|table|\w*explorer|\w*sheet)\(|plots\.|"
    r"(\w+ = )?predict_then_reveal\(|\w+$"
)
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
# A cell alone: the state of widgets stands once in the deck, and there is no jQuery.
TEMPLATE = """{% extends 'basic/index.html.j2' %}{% block footer %}{% endblock %}
{% block data_widget_view scoped %}{% set view = 'application/vnd.jupyter.widget-view+json' %}
<div class="output_subarea"><script type="{{ view }}">{{ output.data[view] | json_dumps }}</script></div>
{% endblock %}
"""


def helper(cell):
    """Whether a code cell only fetches or shows, so that a slide has room for what it shows."""
    if HIDING & set(cell.metadata.get("tags", ())):
        return True
    try:
        statements = ast.parse(cell.source).body
    except SyntaxError:  # a line for IPython
        return False
    return all(SHOWING.match(ast.unparse(statement)) for statement in statements)


def deck(path):
    """Write a lesson's deck; its path."""
    import nbconvert

    notebook = book_parts.with_notes(path.stem, executed.executed(path))
    exporter = nbconvert.HTMLExporter(
        raw_template=TEMPLATE,
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    where = {"metadata": {"path": str(path.parent)}}
    slides = []
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type") or "-"
        if kind == "skip":
            continue
        if kind in ("slide", "subslide") or not slides:
            slides.append((kind if slides else "slide", []))
        if "reveal(my_guess" in cell.source:  # the room guessed another cell than the one it was saved with
            cell.outputs = [o for o in cell.outputs if "text/markdown" not in o.get("data", {})]
        if cell.cell_type == "code" and helper(cell):
            cell.source = ""
        alone = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": notebook.metadata["widgets"]})
        page, _ = exporter.from_notebook_node(alone, dict(where))
        tag = (
            'aside class="notes"'
            if kind == "notes"
            else f'div class="cell {cell.cell_type}" data-kind="{kind}"'
        )
        slides[-1][1].append(f"<{tag}>{page}</{tag.split()[0]}>")
    groups = "\n".join(f'<div data-slide="{kind}">{"".join(cells)}</div>' for kind, cells in slides)
    state = json.dumps(notebook.metadata["widgets"].get(WIDGET_STATE, {})).replace("</", "<\\/")
    template = (ROOT / "book" / "slides" / "deck.html").read_text(encoding="utf-8")
    title = book_parts.numbered(path.stem, book_parts.title(notebook))
    for name, value in (("TITLE", html.escape(title)), ("STATE", state), ("GROUPS", groups)):
        template = template.replace(f"{{{{{name}}}}}", value, 1)
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / f"{path.stem}.html").write_text(template, encoding="utf-8")
    return TARGET / f"{path.stem}.html"


def copy_libraries():
    import sphinx_revealjs

    book_parts.copy_libraries(TARGET / "lib")
    reveal = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
    for source, name in (
        ("dist/reveal.js", "reveal.js"),
        ("dist/reveal.css", "reveal.css"),
        ("plugin/notes/notes.js", "notes.js"),
    ):
        book_parts.copy(reveal / source, TARGET / "lib" / name)
    for name in ("deck.js", "deck.css"):
        book_parts.copy(ROOT / "book" / "slides" / name, TARGET / "lib" / name)
    colours = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
    (TARGET / "lib" / "code.css").write_text(colours, encoding="utf-8")


def main():
    copy_libraries()
    with ProcessPoolExecutor(2) as pool:
        made = list(pool.map(deck, sorted((ROOT / "notebooks").glob("*.ipynb"))))
    print(f"{len(made)} decks are in {TARGET.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
