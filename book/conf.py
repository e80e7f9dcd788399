"""The book's settings. `make book` calls tools/make_book.py, which lays the executed lessons beside."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ["COURSE_ROOT"])
sys.path.insert(0, str(ROOT))

from tools import book_parts  # noqa: E402

project = "Class Activation Maps"
author = "The CAM course developers"
copyright = "text and figures CC BY 4.0, code MIT"
release = re.search(r'__version__ = "(.+)"', (ROOT / "course_utils" / "__init__.py").read_text())[1]

extensions = ["myst_nb", "sphinx_design"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_block", "substitution"]
myst_heading_anchors = 3
myst_links_external_new_tab = True
nb_execution_mode = "off"  # tools/executed.py did it
nb_merge_streams = True
# The widgets' code lies on this disk; MyST-NB would ask the internet for it.
nb_ipywidgets_js = {f"widgets/{name}": {"defer": "defer"} for name in book_parts.WIDGET_SCRIPTS}
suppress_warnings = ["myst.header", "mystnb.mime_type"]

html_theme = "sphinx_book_theme"
html_title = "Class Activation Maps"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["math.js", "book.js", "quiz.js"]
html_context = {"default_mode": "auto"}
html_show_sphinx = False
html_copy_source = True
mathjax_path = "mathjax/tex-svg.js"
mathjax_options = {"defer": "defer"}
# Without it the theme asks a network for nothing; with it, the buttons for Binder, Colab and issues appear.
repository = os.environ.get("COURSE_REPOSITORY", "")
html_theme_options = {
    "use_download_button": True,
    "use_fullscreen_button": True,
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "navigation_with_keys": False,  # arrow keys belong to sliders
    "navbar_persistent": [],  # the search is in the sidebar
    "search_bar_text": "Search the course",
    "article_header_end": ["article-header-buttons.html"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if repository:
    html_theme_options |= {
        "repository_url": repository,
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
        },
    }


def setup(app):
    app.add_role("lesson", book_parts.lesson_role)
    app.add_role("slide", book_parts.slide_role)
    app.connect("source-read", book_parts.say_where_terms_are_taught)
    app.connect("doctree-read", book_parts.link_terms)
    app.connect("build-finished", book_parts.finish)
