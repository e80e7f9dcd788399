"""What the book does beyond Sphinx and MyST-NB: where terms are taught, and nothing from a network."""

import base64
import io
import json
import re
from pathlib import Path

from tools import minutes

import nbformat
from docutils import nodes
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PHOTO_CLASSES, PHOTO_SIZE = ["cat", "dog"], 224  # pixels of the longer side: 14 cells
TEACHING = 1.5  # minutes of a lecture with its questions, per minute of reading
NOTES = {"slideshow": {"slide_type": "notes"}}
WIDGET_SCRIPTS = ("offline_widgets.js", "extension.js", "anywidget.js")  # in this order


def copy_libraries(target):
    """MathJax and the widgets' code, out of installed packages, to where pages can read them from a disk."""
    import anywidget
    import mathjax
    import widgetsnbextension

    sources = {
        "mathjax/tex-svg.js": Path(mathjax.__file__).parent / "static/mathjax/es5/tex-svg.js",
        "widgets/offline_widgets.js": ROOT / "tools" / "offline_widgets.js",
        "widgets/extension.js": Path(widgetsnbextension.__file__).parent / "static" / "extension.js",
        "widgets/anywidget.js": Path(anywidget.__file__).parent / "nbextension" / "index.js",
    }
    for name, source in sources.items():
        copy(source, target / name)
    # An ES module can't be loaded from a disk; as a plain script it starts by itself.
    script = (ROOT / "course_utils" / "quiz.js").read_text(encoding="utf-8")
    script = (
        script.replace("export default", "window.courseQuiz =")
        + """
document.addEventListener("DOMContentLoaded", () => {
  const last = [...document.querySelectorAll("details")].filter(question).at(-1);
  if (last) { const place = document.createElement("p"); last.after(place); follow(place); }
});
"""
    )
    write(target / "quiz.js", script.encode())


def copy(source, target):
    write(target, source.read_bytes())


def write(path, content):
    """Unless it is there already: Sphinx makes anew what has a new time."""
    if not (path.exists() and path.read_bytes() == content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


# --- lessons ---------------------------------------------------------------------------------


def lessons(folder):
    """(name, title, notebook) of every lesson in a folder, in order."""
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        yield path.stem, title(notebook), notebook


def title(notebook):
    return re.search(r"^# (.+)$", _markdown(notebook), re.MULTILINE)[1]


def as_read(notebook):
    """A lesson with pictures as small as they may be."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = re.sub(
                    r"(?<=data:image/png;base64,)[A-Za-z0-9+/=]+", _smaller, output.data["text/html"]
                )
    return notebook


def _smaller(found):
    """The same picture with 256 colours, a quarter as large: paper stays white, others move by 1 % or so."""
    picture = Image.open(io.BytesIO(base64.b64decode(found[0]))).convert("RGB")
    file = io.BytesIO()
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    small = base64.b64encode(file.getvalue()).decode()
    return min(small, found[0], key=len)


def _markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def topic(stem):
    """localization, of 05_localization: a lesson's number may change."""
    return stem.split("_", 1)[1]


def numbered(stem, title):
    return f"{stem.split('_')[0]} · {title}"


def _named(env, name):
    """(stem, title, notebook) of the lesson on a topic."""
    found = {topic(stem): (stem, title, nb) for stem, title, nb in lessons(Path(env.srcdir) / "notebooks")}
    if name not in found:
        raise ValueError(f"{env.docname}: there is no lesson '{name}'; expected one of {', '.join(found)}.")
    return found[name]


def lesson_role(role, rawtext, text, lineno, inliner, options=None, content=None):
    """{lesson}`localization`: a link with the lesson's number and title."""
    from sphinx.addnodes import pending_xref

    env = inliner.document.settings.env
    stem, title, _ = _named(env, text)
    where = dict(refdomain="std", reftype="doc", reftarget=f"/notebooks/{stem}", refdoc=env.docname)
    label = nodes.inline("", numbered(stem, title), classes=["doc"])
    return [pending_xref("", label, refexplicit=True, refwarn=True, **where)], []


def slug(heading):
    """The id of a heading's first slide; book/slides/deck.js makes the same."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def slide_role(role, rawtext, text, lineno, inliner, options=None, content=None):
    """{slide}`shortcuts#Predict, then look`: a link to the slide where that section of a deck begins."""
    env = inliner.document.settings.env
    lesson, _, heading = text.partition("#")
    stem, _, notebook = _named(env, lesson)
    known = re.findall(r"^##? (.+)$", _markdown(notebook), re.MULTILINE)
    if heading and heading not in known:
        raise ValueError(f"{env.docname}: {stem} has no section '{heading}'; expected one of {known}.")
    heading = heading or known[0]
    link = nodes.reference(
        "", "", refuri=f"{'../' * env.docname.count('/')}slides/{stem}.html#/{slug(heading)}"
    )
    link += nodes.Text(f"{stem.split('_')[0]} · {heading}")
    return [link], []


def heading_in(cell):
    """The heading in a cell, also below a sentence that ends the section before: a match, or None."""
    return re.search(r"^##? (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None


def sections(notebook):
    """(heading, minutes to read, seconds to run) of each section."""
    found = []
    for cell in notebook.cells:
        heading = heading_in(cell)
        if heading or not found:
            found.append([heading[1] if heading else "", 0.0, 0.0])
        found[-1][1] += minutes.to_read(cell)
        found[-1][2] += cell.metadata.get("seconds", 0.0)
    return found


def handbook_page(stem, title, notebook):
    """A lecturer's page on a lesson: what book/handbook/lessons says, and its minutes."""
    rows = [
        f"| {heading.replace('|', '&#124;')} | {to_read:.1f} | {seconds:.0f} |"
        for heading, to_read, seconds in sections(notebook)
    ]
    page = f"# {numbered(stem, title)}\n\n[The lesson](../../notebooks/{stem}.ipynb) · "
    page += f'<a href="../../slides/{stem}.html">its slides</a>\n\n{said_of(stem)}\n'
    return page + "## Minutes\n\n| Section | read, min | run, s |\n|---|---:|---:|\n" + "\n".join(rows) + "\n"


def said_of(stem):
    """What the handbook says of a lesson."""
    return (ROOT / "book" / "handbook" / "lessons" / f"{topic(stem)}.md").read_text(encoding="utf-8")


def with_notes(stem, notebook):
    """The notebook with what a lecturer is to see beside its slides: on the first, what the handbook says of
    the lesson; where a section begins, its minutes, and the question to ask there.
    """
    text = said_of(stem)
    ask = re.search(r"\*\*Ask, at \*(.+?)\*\.\*\*.+?(?=\n\*\*Skip)", text, flags=re.DOTALL)
    times = {heading: (to_read, seconds) for heading, to_read, seconds in sections(notebook)}
    if not ask or ask[1] not in times:
        raise ValueError(
            f"The handbook on {stem} says to ask at '{ask and ask[1]}'; expected one of {list(times)}."
        )
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        heading = heading_in(cell)
        if heading:
            to_read, seconds = times[heading[1]]
            said = f"**{heading[1]}**: {TEACHING * to_read:.0f} minutes to teach, {seconds:.0f} s to run."
            said += f"\n\n{text}" if len(cells) == 1 else f"\n\n{ask[0]}" if heading[1] == ask[1] else ""
            cells.append(nbformat.v4.new_markdown_cell(said, metadata=NOTES))
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def times_table(notebooks):
    """Minutes of every lesson, {path: notebook}, for the routes."""
    rows = ["| Lesson | read, min | run, s |", "|---|---:|---:|"]
    for path, notebook in notebooks.items():
        _, to_read, seconds = zip(*sections(notebook))
        label = numbered(path.stem, title(notebook))
        rows.append(f"| [{label}](lessons/{path.stem}.md) | {sum(to_read):.0f} | {sum(seconds):.0f} |")
    return "\n".join(rows)


def live_map(notebook):
    """HTML of a notebook's first explorer, alive: its view, and the state of its widgets."""
    view_type = "application/vnd.jupyter.widget-view+json"
    views = (
        output["data"][view_type]["model_id"]
        for cell in notebook.cells
        if cell.cell_type == "code" and "cam_explorer(" in cell.source
        for output in cell.outputs
        if view_type in output.get("data", {})
    )
    view = next(views, None)
    if view is None:
        return ""
    saved = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]
    state, wanted = saved["state"], {view}
    while True:
        inside = {
            i for name in wanted for i in re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[name]["state"]))
        }
        links = {  # joins controls and canvas, and is held by neither
            name
            for name, model in state.items()
            if "Link" in model["model_name"]
            and set(re.findall(r"IPY_MODEL_(\w+)", json.dumps(model["state"]))) & wanted
        }
        if inside | links <= wanted:
            break
        wanted |= inside | links
    kept = {**saved, "state": {name: state[name] for name in state if name in wanted}}
    script = '<script type="{}">{}</script>'
    view_json = json.dumps({"version_major": 2, "version_minor": 0, "model_id": view})
    parts = [
        script.format("application/vnd.jupyter.widget-state+json", json.dumps(kept).replace("</", "<\\/"))
    ]
    parts += [f'<div class="course-live-map">{script.format(view_type, view_json)}</div>']
    return "\n".join(
        parts + [f'<script src="_static/widgets/{name}" defer></script>' for name in WIDGET_SCRIPTS]
    )


# --- the glossary ----------------------------------------------------------------------------


def glossary_terms():
    """{name, synonyms too: the entry's first name}, as book/glossary.md has them."""
    names, entry = {}, None
    for line in (
        (ROOT / "book" / "glossary.md").read_text(encoding="utf-8").split("```{glossary}")[1].splitlines()
    ):
        if line.startswith("```"):
            break
        if line and not line.startswith(" "):
            entry = entry or line
            names[line] = entry
        else:
            entry = None
    return names


def _pattern(names):
    """Finds any of the names as words, longest first, also in the plural."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(
        r"(?<![\w-])(" + "|".join(map(re.escape, longest)) + r")(?:e?s)?(?![\w-])", re.IGNORECASE
    )


def taught_in(names, folder):
    """{entry: (lesson, title)}: where a term is first set in bold or italics, else where it is first used."""
    used, stressed = {}, {}
    pattern = _pattern(names)
    canonical = {name.lower(): entry for name, entry in names.items()}
    for stem, title, notebook in lessons(folder):
        text = re.sub(r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)", " ", _markdown(notebook), flags=re.DOTALL)
        marked = " · ".join(re.findall(r"\*\*?([^*\n]+)\*\*?", text))
        for found, where in ((text, used), (marked, stressed)):
            for match in pattern.finditer(found):
                where.setdefault(canonical[match[1].lower()], (stem, title))
    return used | stressed


def say_where_terms_are_taught(app, docname, source):
    if docname != "glossary":
        return
    names = glossary_terms()
    taught = taught_in(names, Path(app.srcdir) / "notebooks")
    lines, entry = [], None
    for line in source[0].splitlines():
        if line in names:
            entry = names[line]
        elif entry and line.strip():
            stem, title = taught.get(entry, (None, None))
            line += f" Taught in [{stem.split('_')[0]} · {title}](notebooks/{stem}.ipynb)." if stem else ""
            entry = None
        lines.append(line)
    source[0] = "\n".join(lines)


def link_terms(app, doctree):
    """In a lesson, the first mention of each term leads to the glossary."""
    from sphinx.addnodes import pending_xref

    docname = app.env.docname
    if not docname.startswith("notebooks/"):
        return
    names = {name.lower(): name for name in glossary_terms()}
    pattern, linked = _pattern(names.values()), set()
    entry = glossary_terms()
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in [t for t in paragraph.findall(nodes.Text) if _is_prose(t)]:
            parts, at = [], 0
            for match in pattern.finditer(text):
                name = names[match[1].lower()]
                if entry[name] in linked:
                    continue
                linked.add(entry[name])
                link = pending_xref(
                    "",
                    nodes.inline("", match[0], classes=["std", "std-term"]),
                    refdomain="std",
                    reftype="term",
                    reftarget=name,
                    refdoc=docname,
                    refexplicit=True,
                    refwarn=True,
                )
                parts += [nodes.Text(text[at : match.start()]), link]
                at = match.end()
            if parts:
                parent = text.parent
                parent.replace(text, [*parts, nodes.Text(text[at:])])


def _is_prose(text):
    parent = text.parent
    while not isinstance(parent, nodes.paragraph):
        if not isinstance(parent, (nodes.strong, nodes.emphasis)):
            return False
        parent = parent.parent
    while parent is not None:  # no links inside tables of contents, lists of links or cells' outputs
        if isinstance(parent, nodes.container) and "cell_output" in parent.get("classes", ()):
            return False
        parent = parent.parent
    return True


# --- the page without Python -----------------------------------------------------------------


def photo_data(weights):
    """JavaScript that holds photo_net's weights, half precision as they are stored, and an explorer to fill.

    A page on a disk may not fetch: so all of it is one script, `PHOTO`.
    """
    from course_utils import widgets

    import numpy as np

    network = {}
    with np.load(weights) as stored:
        for name in (key.removesuffix("/kernel") for key in stored.files if key.endswith("/kernel")):
            kernel, bias = (stored[f"{name}/{part}"].astype("<f2") for part in ("kernel", "bias"))
            network[name] = {"kernel": _base64(kernel), "bias": _base64(bias), "shape": kernel.shape}
    with np.load(Path(weights).with_name("photo_probe.npz")) as stored:
        probe = {"weights": stored["weights"].tolist(), "bias": float(stored["bias"])}
    grey, silent = np.zeros((14, 14, 3), np.uint8), np.zeros((14, 14, 2), np.float32)
    canvas = widgets.cam_explorer(grey, silent, PHOTO_CLASSES, np.zeros(2)).children[-1]
    traits = {k: v for k, v in canvas.get_state().items() if not k.startswith("_")}
    traits["sent"] = {k: v for k, v in traits["sent"].items() if k not in ("picture", "maps")}
    photo = {
        "network": network,
        "probe": probe,
        "names": PHOTO_CLASSES,
        "size": PHOTO_SIZE,
        "traits": traits,
        "explorer": (ROOT / "course_utils" / "explorer.js").read_text(encoding="utf-8"),
        "style": (ROOT / "course_utils" / "explorer.css").read_text(encoding="utf-8"),
    }
    return f"const PHOTO = {json.dumps(photo, default=_plain)};\n"


def _base64(array):
    return base64.b64encode(array.tobytes()).decode()


def _plain(value):
    """Bytes as numbers, for JSON."""
    return list(value)


# --- after Sphinx ----------------------------------------------------------------------------


def finish(app, exception):
    """Texts for the search's excerpts, which a page on a disk may not fetch; icons as fonts, not as code."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    texts = {}
    for docname in sorted(app.env.found_docs):
        doctree = app.env.get_doctree(docname)
        paragraphs = [
            p.astext() for p in doctree.findall(lambda n: isinstance(n, (nodes.paragraph, nodes.title)))
        ]
        texts[docname] = " ".join(" ".join(paragraphs).split())
    script = f"const SEARCH_TEXTS = {json.dumps(texts, ensure_ascii=False)};\n"
    script += (ROOT / "book" / "search_from_disk.js").read_text(encoding="utf-8")
    (out / "_static" / "search_texts.js").write_text(script, encoding="utf-8")
    search = out / "search.html"
    page = search.read_text(encoding="utf-8")
    tag = '<script src="_static/search_texts.js"></script>'
    if tag not in page:
        search.write_text(page.replace("</head>", f"{tag}\n</head>", 1), encoding="utf-8")
    # 1.5 MB that draw as SVG the icons which three small fonts beside them already hold.
    for name in ("fontawesome.js", "fontawesome.js.map"):
        file = out / "_static" / "scripts" / name
        if file.exists():
            file.write_text("", encoding="utf-8")
    for leftover in out.rglob("*.map"):
        leftover.unlink()
