"""What was handed in, and what of it is graded: the student's answers, in the exercise as it was released.

A folder a student, with notebooks in it, at any depth. Nothing else that lies there is ever copied or run.
"""

import ast
import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

import nbformat

LARGEST = 20_000_000  # bytes of a notebook; one full of pictures has a tenth of it
STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


class Refused(Exception):
    """This file is not graded; the text says why, and what the student can do."""


class Submission(NamedTuple):
    """A student's exercise on its way to the grader."""

    notebook: object  # the released notebook with the student's answers
    remarks: tuple  # sentences for the report: what was restored, left out or looks suspicious
    timestamp: str  # when it was handed in, ISO, or ""


# --- finding ---------------------------------------------------------------------------------


def students(folder):
    """The student folders: {id: path}, and {name: why} for what is none."""
    found, refused = {}, {}
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_symlink() or not path.is_dir():
            refused[path.name] = "is no folder; expected a folder a student, named by the student's id"
        elif not STUDENT_ID.fullmatch(path.name):
            refused[path.name] = "is no student id: letters, digits and . _ @ - are possible"
        else:
            found[path.name] = path
    return found, refused


def submitted(folder, releases):
    """Which file of a student's folder is which exercise: ({exercise: path}, {exercise or file name: why not}, ignored).

    releases: {exercise: released notebook}. A wrong file name is no harm where the cells tell the exercise.
    """
    candidates, refused, ignored = {}, {}, []
    for path in sorted(_files(folder)):
        if path.suffix != ".ipynb" or ".ipynb_checkpoints" in path.parts:
            ignored.append(path.name)
            continue
        named = next((name for name in releases if path.stem == name), None) or next(
            (name for name in releases if path.stem.startswith(name)), None)
        try:
            notebook = read(path)
        except Refused as why:
            refused[named or path.name] = str(why)
            continue
        fits = named or _by_cells(notebook, releases)
        if fits:
            candidates.setdefault(fits, []).append(path)
        else:
            refused[path.name] = "belongs to no exercise: neither its name nor its cells tell which"
    chosen = {}
    for name, paths in candidates.items():
        exact = [path for path in paths if path.stem == name]
        if len(exact or paths) == 1:
            chosen[name] = (exact or paths)[0]
            refused.pop(name, None)  # a damaged copy beside a whole one
        else:
            refused[name] = f"was handed in {len(paths)} times ({', '.join(p.name for p in paths)}); leave one"
    return chosen, refused, ignored


def _files(folder):
    """All regular files below a folder; links, to wherever, are not followed: they raise no error, they aren't there."""
    for place, folders, names in os.walk(folder, followlinks=False):
        for name in names:
            yield Path(place, name)


def read(path):
    """A submitted notebook, nbformat 4; raises `Refused` in one sentence for anything else."""
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode):
        raise Refused("is a link or a device, not a file; hand in the notebook itself")
    if about.st_size > LARGEST:
        raise Refused(f"has {about.st_size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}; clear its outputs and hand it in again")
    raw = path.read_bytes()
    if not raw.strip():
        raise Refused("is empty; save the notebook and hand it in again")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        started = raw.lstrip()[:1] == b"{"
        raise Refused("is cut off in the middle; download and hand it in again" if started else
                      "is no notebook, whatever its name says; hand in the .ipynb file") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells", content.get("worksheets")), list):
        raise Refused("is no notebook: it has no cells; hand in the .ipynb file")
    if content.get("nbformat") != 4:
        raise Refused(f"has notebook format {content.get('nbformat')!r}; open it in JupyterLab, save it, and hand it in again")
    cells = [cell for cell in map(_cell, content["cells"]) if cell]
    return cells


def _cell(cell):
    """(grade_id or None, cell id or None, type, source) of a cell, whatever its metadata look like; None if it is none."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = cell.get("metadata")
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    return (grade_id if isinstance(grade_id, str) else None, cell.get("id"), cell["cell_type"], source)


def _by_cells(cells, releases):
    """The one exercise whose grade_ids the cells carry; None if none does, or several do."""
    theirs = {grade_id for grade_id, *_ in cells if grade_id}
    shared = {name: len(theirs & set(_answers(release))) for name, release in releases.items()}
    fits = [name for name, n in shared.items() if n and n == max(shared.values())]
    return fits[0] if len(fits) == 1 else None


# --- merging ---------------------------------------------------------------------------------


def _answers(release):
    """{grade_id: cell} of the cells that the student writes."""
    return {cell.metadata.nbgrader.grade_id: cell for cell in release.cells
            if cell.metadata.get("nbgrader", {}).get("solution")}


def merge(release, cells):
    """The student's answers in the released notebook, as a `Submission` without time.

    Answers are found by their grade_id, or by their cell id where the metadata are lost. Everything else is as
    released, whatever was done to it; cells of the student's own stay, behind what they followed, as ordinary ones.
    """
    answers, remarks = _answers(release), []
    by_id = {cell.id: grade_id for grade_id, cell in answers.items()}
    given, own, known, at = {}, {}, _known(release), None
    for grade_id, cell_id, kind, source in cells:
        answer = grade_id if grade_id in answers else by_id.get(cell_id) if grade_id is None else None
        if answer:
            given.setdefault(answer, []).append(source)
            at = answers[answer].id
        elif cell_id in known or grade_id in known.values() or source in known_sources(release):
            at = cell_id if cell_id in known else at
        elif source.strip():
            own.setdefault(at, []).append((kind, source))

    merged = nbformat.from_dict(json.loads(json.dumps(release)))
    result = []
    for cell in merged.cells if None not in own else _own(own[None]) + merged.cells:
        result.append(cell)
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            stub = answers[grade_id].source
            tried = [source for source in given.get(grade_id, []) if source.strip() != stub.strip()]
            cell.source = tried[-1] if tried else stub
            if grade_id not in given:
                remarks.append(f"answer {grade_id} was deleted")
            elif len(given[grade_id]) > 1:
                remarks.append(f"answer {grade_id} is there {len(given[grade_id])} times; the last one that was worked on counts")
        result += _own(own.get(cell.get("id"), []))
    merged.cells = result
    restored = _changed(release, cells)
    if restored:
        remarks.append(f"restored what isn't the student's: {', '.join(restored)}")
    remarks += suspicious(merged)
    return Submission(merged, tuple(remarks), "")


def _known(release):
    """{cell id: grade_id or None} of the released cells."""
    return {cell.id: cell.metadata.get("nbgrader", {}).get("grade_id") for cell in release.cells}


def known_sources(release):
    return {cell.source for cell in release.cells}


def _own(cells):
    """Cells of the student's own, ordinary from now on."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell, "raw": nbformat.v4.new_raw_cell}
    # Ids drawn at random would make two collections of one submission differ.
    return [make[kind](source, id=hashlib.sha256(f"{i}{source}".encode()).hexdigest()[:12]) for i, (kind, source) in enumerate(cells)]


def _changed(release, cells):
    """grade_ids of locked cells that were altered or deleted."""
    theirs = {}
    for grade_id, cell_id, _, source in cells:
        theirs.setdefault(grade_id or cell_id, []).append(source)
    locked = [cell for cell in release.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    return [cell.metadata.nbgrader.grade_id for cell in locked
            if theirs.get(cell.metadata.nbgrader.grade_id, theirs.get(cell.id)) != [cell.source]]


# --- suspicious ------------------------------------------------------------------------------

# A test runs in the student's own kernel and can be fooled there. These names have no place in an answer.
SUSPICIOUS = {"ast_transformers", "input_transformers_cleanup", "input_transformers_post", "get_ipython", "builtins", "__builtins__",
              "settrace", "setprofile", "_getframe", "gc", "ctypes", "inspect", "importlib", "subprocess", "environ",
              "AssertionError", "sys", "__class__", "__dict__", "setattr", "exec", "eval", "compile", "globals", "ipykernel"}


def suspicious(notebook):
    """Sentences on code that a person should look at; it is graded like any other."""
    remarks = []
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or about.get("locked") or about.get("grade") and not about.get("solution"):
            continue
        where = f"answer {about['grade_id']}" if "grade_id" in about else "a cell of the student's own"
        names = sorted(_names(cell.source) & SUSPICIOUS)
        if names:
            remarks.append(f"look at {where}: it uses {', '.join(names)}")
    return remarks


def _names(source):
    """All names, attributes and imported modules in a piece of code; lines only IPython understands are left out."""
    plain = "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    names = {"get_ipython"} if plain != source and re.search(r"^\s*[!%]", source, re.M) else set()
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return names | set(re.findall(r"[A-Za-z_]\w*", plain)) & SUSPICIOUS
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Import):
            names |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            names |= set((node.module or "").split(".")) | {alias.name for alias in node.names}
    return names
