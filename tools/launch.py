"""Prepares the lessons for Colab, once the course has an address; without one it takes that out again.

    python tools/launch.py https://github.com/you/cam-course
    python tools/launch.py

Colab opens a lesson alone, without the package. So a first cell installs it there; elsewhere it does nothing,
and neither the book nor the decks show it. Then: make notebooks, and COURSE_REPOSITORY=… make book.
"""

import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
ID = "install-on-colab"
CODE = """# Only Google Colab needs this: it installs the course. Elsewhere nothing happens.
import os

if "COLAB_RELEASE_TAG" in os.environ:
    %pip install --quiet "cam-course @ git+{address}"
"""


def launch(notebook, address):
    """The notebook with the cell that installs from the address as its first, or without any."""
    notebook.cells = [cell for cell in notebook.cells if cell.id != ID]
    if address:
        cell = nbformat.v4.new_code_cell(CODE.format(address=address).rstrip(), id=ID)
        cell.metadata = {"tags": ["remove-cell"], "slideshow": {"slide_type": "skip"}}
        notebook.cells.insert(1, cell)  # behind the title, which stays the first thing that one reads
    return notebook


def main(address=""):
    if address and not address.startswith("https://"):
        sys.exit(f"{address!r} is no address; expected one that begins with https://")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        nbformat.write(launch(nbformat.read(path, as_version=4), address), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
