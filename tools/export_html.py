"""Notebooks as pages that open from disk, with explorers that still move: no kernel, no network, one file
each.

    python tools/export_html.py notebooks/02_toy_5x5.ipynb -o build

`jupyter nbconvert` asks a server on the internet for the widgets' JavaScript. The same code is on disk
already: ipywidgets and anywidget bring it along for the classic notebook. Formulas are typeset when there is
a network.
"""

import argparse
from pathlib import Path

import anywidget
import widgetsnbextension
from nbconvert import HTMLExporter
from run_notebooks import executed

SCRIPTS = (
    Path(__file__).parent / "offline_widgets.js",
    Path(widgetsnbextension.__file__).parent / "static" / "extension.js",
    Path(anywidget.__file__).parent / "nbextension" / "index.js",
)
TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block html_head_js_mathjax %}{{ super() | replace('<script src', '<script async src') }}{% endblock %}
{% block jupyter_widgets %}<style>.jupyter-widgets-disconnected::before { display: none !important; }</style>
{% for script in resources.scripts %}<script>{{ script }}</script>{% endfor %}{% endblock %}
"""


def export(path, folder):
    """Execute a notebook and write it, with the state of its widgets, as `folder`/name.html; its path."""
    scripts = [script.read_text(encoding="utf-8").replace("</script", "<\\/script") for script in SCRIPTS]
    page, _ = HTMLExporter(raw_template=TEMPLATE).from_notebook_node(
        executed(path), {"scripts": scripts, "metadata": {"name": path.stem}}
    )
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.stem}.html"
    target.write_text(page, encoding="utf-8")
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("-o", "--folder", type=Path, default=Path("build"))
    options = parser.parse_args()
    for notebook in options.notebooks:
        print(export(notebook, options.folder))
