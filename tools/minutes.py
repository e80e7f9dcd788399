"""Writes into a lesson's first cell how long each of its sections takes to read.

    python tools/minutes.py notebooks/*.ipynb

Reading speed: 200 words of text and 12 lines of code per minute; a guess and a question take a minute
to think about. What runs is said beside it, by hand.
"""

import re
import sys
from pathlib import Path

import nbformat

WORDS, LINES = 200, 12  # per minute
LONGEST = 45  # minutes, and cells


def sections(notebook):
    """[(heading, minutes)] of a notebook's `##` sections; what stands before the first belongs to it."""
    found = []
    for cell in notebook.cells:
        heading = re.search(r"^## (.+)$", cell.source, flags=re.M) if cell.cell_type == "markdown" else None
        if heading or not found:
            found.append([heading[1] if heading else "", 0.0])
        found[-1][1] += to_read(cell)
    if len(found) > 1 and not found[0][0]:
        found[1][1] += found.pop(0)[1]
    return [(heading, max(1, round(minutes))) for heading, minutes in found]


def to_read(cell):
    """Minutes for one cell."""
    if cell.cell_type == "code":
        guess = cell.source.startswith("my_guess")
        return guess + sum(bool(line.strip()) for line in cell.source.splitlines()) / LINES
    text = re.sub(r"\*\*Minutes\*\*.*|!\[.*?\]\(.*?\)|<[^>]+>|\]\(.*?\)|\$\$?.+?\$\$?", " ", cell.source)
    questions = len(re.findall(r"^\*\*\d\. ", text, flags=re.M))
    return questions + len(re.findall(r"\w[\w'’.-]*", text)) / WORDS


def said(notebook):
    """The first cell as it should be: minutes in all behind *Needs*, and those of each section."""
    found = sections(notebook)
    first = re.sub(r"\n\n\*\*Minutes\*\*.*", "", notebook.cells[0].source)
    first = re.sub(r"\d+ minutes to read", f"{sum(m for _, m in found)} minutes to read", first)
    return first + "\n\n**Minutes** " + " · ".join(f"{heading} {minutes}" for heading, minutes in found) + "."


def main(paths):
    for path in map(Path, paths):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source = said(notebook)
        nbformat.write(notebook, path)
        minutes, cells = sum(m for _, m in sections(notebook)), len(notebook.cells)
        warning = "  TOO LONG" if max(minutes, cells) > LONGEST else ""
        print(f"{path.stem:34} {minutes:3} minutes {cells:3} cells{warning}")


if __name__ == "__main__":
    main(sys.argv[1:])
