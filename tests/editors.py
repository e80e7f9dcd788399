"""Notebooks as editors save them, and what a student does in one: split, merge, paste, move. Texts, as on the
disk.
"""

import copy
import json

import nbformat


def place(notebook, grade_id):
    return next(
        k for k, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def own(source, kind="code"):
    make = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    return make[kind](source)


def split(notebook, grade_id, line):
    """JupyterLab: the metadata are in both halves, the second has a new id, the cut no empty lines."""
    at = place(notebook, grade_id)
    lines = notebook.cells[at].source.split("\n")
    second = copy.deepcopy(notebook.cells[at])
    second.id = f"{second.id}-second"
    notebook.cells[at].source, second.source = (
        "\n".join(half).strip("\n") for half in (lines[:line], lines[line:])
    )
    notebook.cells.insert(at + 1, second)


def merged(notebook, first, last, active):
    """JupyterLab: one cell with a new id and metadata and type of the active one, locked ones in it."""
    taken = notebook.cells[first:last]
    one = copy.deepcopy(notebook.cells[active])
    one.id, one.source = "merged", "\n\n".join(cell.source for cell in taken)
    notebook.cells[first:last] = [one]


def moved(notebook, grade_id, to):
    cell = notebook.cells.pop(place(notebook, grade_id))
    notebook.cells.insert(len(notebook.cells) if to is None else to, cell)


def deleted(notebook, grade_id):
    return notebook.cells.pop(place(notebook, grade_id))


def vscode(notebook):
    """VS Code: cells that it made say their language; one text for a source of one line."""
    content = json.loads(nbformat.writes(notebook))
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11.7"}
    for cell in content["cells"]:
        if "nbgrader" not in cell["metadata"] and cell["cell_type"] == "code":
            cell["metadata"]["vscode"] = {"languageId": "python"}
        if len(cell["source"]) == 1:
            cell["source"] = cell["source"][0]
    return json.dumps(content)


def colab(notebook, keeps=True):
    """Colab: format 4.0, the id in the metadata; keeps: whether nbgrader's metadata are still there."""
    content = json.loads(nbformat.writes(notebook))
    content["nbformat_minor"] = 0
    content["metadata"]["colab"] = {"provenance": [], "toc_visible": True}
    for cell in content["cells"]:
        about = {"nbgrader": cell["metadata"]["nbgrader"]} if keeps and "nbgrader" in cell["metadata"] else {}
        cell["metadata"] = {"id": cell.pop("id"), **about}
    return json.dumps(content)


def bare(notebook):
    """Format 4.4, and all metadata lost: cells were pasted into a new notebook."""
    content = json.loads(nbformat.writes(notebook))
    content["nbformat_minor"] = 4
    for cell in content["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    return json.dumps(content)


def crlf(notebook):
    """Written on Windows by a tool that ends lines its own way; sources in one piece."""
    content = json.loads(nbformat.writes(notebook))
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    return json.dumps(content, indent=1).replace("\n", "\r\n")
