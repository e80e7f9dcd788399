"""What was handed in, and what of it is graded: the student's answers, in the exercise as it was released.

A folder a student, with notebooks in it, at any depth. Nothing else that lies there is ever copied or run.
"""

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from course_utils.grading.code import defined, same, suspicious, tree_of

import nbformat

LARGEST = 20_000_000  # bytes of a notebook; one full of pictures has a tenth of it
STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


class Refused(Exception):
    """This file is not graded; the text says why, and what the student can do."""


class Cell(NamedTuple):
    """A cell as it was handed in."""

    grade_id: str  # None where the metadata are lost, as below
    id: str
    kind: str  # "code", "markdown" or "raw"
    source: str
    ran: int = 0  # the number in brackets; 0 if there is none


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
            refused[_plain(path.name)] = (
                "is no folder; expected a folder a student, named by the student's id"
            )
        elif not STUDENT_ID.fullmatch(path.name):
            refused[_plain(path.name)] = "is no student id: letters, digits and . _ @ - are possible"
        else:
            found[path.name] = path
    return found, refused


def submitted(folder, releases):
    """Which file of a student's folder is which exercise: ({exercise: path}, {exercise or file name: why
    not}, ignored, {exercise: paths} where there are several).

    releases: {exercise: released notebook}. A wrong file name is no harm where the cells tell the exercise.
    """
    candidates, refused, ignored = {}, {}, []
    for path in sorted(_files(folder)):
        if path.suffix != ".ipynb" or ".ipynb_checkpoints" in path.parts:
            ignored.append(_plain(path.name))
            continue
        named = next((name for name in releases if path.stem == name), None) or next(
            (name for name in releases if path.stem.startswith(name)), None
        )
        try:
            notebook = read(path)
        except Refused as why:
            refused[named or _plain(path.name)] = str(why)
            continue
        fits = named or _by_cells(notebook, releases)
        if fits:
            candidates.setdefault(fits, []).append(path)
        else:
            refused[_plain(path.name)] = "belongs to no exercise: neither its name nor its cells tell which"
    chosen = {}
    for name, paths in candidates.items():
        chosen[name] = newest(paths, lambda path, name=name: untouched(releases[name], read(path)))
        refused.pop(name, None)  # a damaged copy beside a whole one
    return chosen, refused, ignored, {name: paths for name, paths in candidates.items() if len(paths) > 1}


def newest(paths, empty):
    """Of several files of one student, the one that counts: the newest in which there is an answer.

    paths: of the files. empty: tells of a path whether nothing was answered in it. Returns a path.
    """
    answered = [path for path in paths if not empty(path)]
    return max(
        answered or paths, key=lambda path: (path.stat().st_mtime_ns, copy_number(path.stem), path.name)
    )


def copy_number(stem):
    """2 for 'ex01 (2)' and 'ex01-2', 1 for 'Copy of ex01', 0 for 'ex01'."""
    number = re.search(r"(?:\((\d+)\)|-(\d+))$", stem)
    copied = re.match(r"copy of|kopie von", stem, re.IGNORECASE) or re.search(r"-(?:Copy|Kopie)\d*$", stem)
    return int(number[1] or number[2]) if number else int(bool(copied))


def untouched(release, cells):
    """Whether a submission has no answer: all it holds was in the exercise as released."""
    known = {_plain(cell.source).strip() for cell in release.cells} | {""}
    return all(_plain(cell.source).strip() in known for cell in cells)


def _files(folder):
    """All regular files below a folder; links, to wherever, are not followed: they raise no error, they
    aren't there.
    """
    for place, _, names in os.walk(folder, followlinks=False):
        for name in names:
            yield Path(place, name)


def read(path):
    """The cells of a submitted notebook, nbformat 4; raises `Refused` in one sentence for anything else."""
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode):
        raise Refused("is a link or a device, not a file; hand in the notebook itself")
    if about.st_size > LARGEST:
        raise Refused(
            f"has {about.st_size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}; clear its outputs and "
            "hand it in again"
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Refused(f"can't be read ({error.strerror})") from None
    if not raw.strip():
        raise Refused("is empty; save the notebook and hand it in again")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        started = raw.lstrip()[:1] == b"{"
        raise Refused(
            "is cut off in the middle; download and hand it in again"
            if started
            else "is no notebook, whatever its name says; hand in the .ipynb file"
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("cells", content.get("worksheets")), list):
        raise Refused("is no notebook: it has no cells; hand in the .ipynb file")
    if content.get("nbformat") != 4:
        raise Refused(
            f"has notebook format {content.get('nbformat')!r}; open it in JupyterLab, save it, and "
            "hand it in again"
        )
    cells = [cell for cell in map(_cell, content["cells"]) if cell]
    return cells


def _cell(cell):
    """A `Cell`, whatever its metadata look like; None if it is none."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    about = metadata.get("nbgrader")
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    ids = cell.get("id"), metadata.get("id")  # Colab has it in the metadata
    ran = cell.get("execution_count")
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return Cell(
        grade_id if isinstance(grade_id, str) else None,
        next((i for i in ids if isinstance(i, str)), None),
        cell["cell_type"],
        source,
        ran if type(ran) is int else 0,
    )


def _by_cells(cells, releases):
    """The one exercise that most of the cells come from; None if none is, or several are."""
    shared = {}
    for name, release in releases.items():
        known = _known(release)
        shared[name] = len({_index(cell, *known) for cell in cells} - {None})
    fits = [name for name, n in shared.items() if n and n == max(shared.values())]
    return fits[0] if len(fits) == 1 else None


# --- merging ---------------------------------------------------------------------------------

OWN = 100  # cells of the student's own; the exercises have fewer than 30 altogether


def _answers(release):
    """{grade_id: cell} of the cells that the student writes."""
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in release.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def merge(release, cells):
    """The student's work in the released notebook, as a `Submission` without time. cells: as `read` gives
    them.

    Nothing that the student wrote is left out: answers are found by their grade_id, by their cell id, or by
    the names they define; whatever else isn't as released becomes a cell of the student's own, where it was.
    Everything else is as released, whatever was done to it.
    """
    cells = _whole([cell._replace(source=_plain(cell.source)) for cell in (Cell(*cell) for cell in cells)])
    answers, remarks = _answers(release), []
    given, own = _sorted(release, cells)
    merged = nbformat.from_dict(json.loads(json.dumps(release)))
    stubs = {cell.source.strip() for cell in answers.values()}
    written = [
        (at, piece)
        for places in (own, given)
        for at, pieces in sorted(places.items())
        for piece in pieces
        if piece.source.strip() not in stubs
    ]
    for at, cell in enumerate(merged.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id not in answers:
            continue
        tried = [
            piece for piece in given.get(at, []) if piece.source.strip() not in ("", cell.source.strip())
        ]
        if len(given.get(at, [])) > 1:
            remarks.append(
                f"answer {grade_id} is there {len(given[at])} times, split or copied: "
                "all of it counts, and of copies the one that was worked on last"
            )
        if cell.cell_type == "markdown":
            tried = _texts(own, at) + tried + _texts(own, at + 1)
            cell.source = "\n\n".join(dict.fromkeys(piece.source for piece in tried)) or cell.source
        else:
            names = defined(cell.source, also_none=True)
            elsewhere = [] if tried else [(p, piece) for p, piece in written if names & defined(piece.source)]
            for (
                place,
                piece,
            ) in elsewhere:  # what stands before the answer runs there, too: others may need it
                if place >= at and piece in own.get(place, []):
                    own[place].remove(piece)
            tried = _in_order(tried + [piece for _, piece in elsewhere], names)
            own.setdefault(at, []).extend(tried[:-1])
            cell.source = tried[-1].source if tried else cell.source
            if elsewhere:
                remarks.append(f"answer {grade_id} was found in another cell")
        if at not in given and not tried:
            remarks.append(f"answer {grade_id} was deleted")
    left_out = sum(map(len, own.values())) - OWN
    if left_out > 0:
        remarks.append(f"left out: the last {left_out} of {left_out + OWN} cells of the student's own")
    restored = _changed(release, cells)
    if restored:
        remarks.append(f"restored as released: {', '.join(restored)}")
    merged.cells = _with_own(merged.cells, own)
    remarks += suspicious(merged)
    return Submission(merged, tuple(remarks), "")


def _sorted(release, cells):
    """What the student wrote: ({place of an answer: its pieces}, {place: the student's own cells there})."""
    known, sources = _known(release), [_plain(cell.source) for cell in release.cells]
    about = [cell.metadata.get("nbgrader", {}) for cell in release.cells]
    solution = {at for at, its in enumerate(about) if its.get("solution")}
    locked = {at for at, its in enumerate(about) if its.get("locked")}
    fixed = [
        source
        for at, source in enumerate(sources)
        if source.strip()
        and at not in solution
        and (release.cells[at].cell_type != "code" or about[at].get("grade"))
    ]  # texts and tests
    places = [_index(cell, *known) for cell in cells]
    whole = {
        at for at, cell in zip(places, cells) if at is not None and same(cell.source, sources[at], cell.kind)
    }
    before, after, last, following = [], [], -1, len(sources)  # the released cells around each
    for at, behind in zip(places, reversed(places)):
        last = at if at is not None else last
        before.append(last)
        after.append(following)
        following = behind if behind is not None else following
    after.reverse()
    given, own = {}, {}
    for number, (cell, at) in enumerate(zip(cells, places)):
        theirs = cell.source
        for source in [
            *fixed,
            *([sources[at]] if at in locked else []),
        ]:  # cells that were merged with this one
            theirs = _without(theirs, source)
        piece = cell._replace(source=theirs)
        if at in solution:
            given.setdefault(at, []).append(piece)
            continue
        if at is not None and same(cell.source, sources[at], cell.kind):
            continue
        if at in locked and theirs == cell.source and at not in whole:
            continue  # it was changed, and is restored; what was only pasted under its name stays
        if at is not None and cell.kind != "code" and theirs == cell.source:
            lines = {line.strip() for line in sources[at].splitlines()}
            added = [line for line in theirs.splitlines() if line.strip() not in lines]
            piece = cell._replace(source="\n".join(added))
        if piece.source.strip():
            # As early as its neighbours are in the exercise: where one was moved, what led to it moves along.
            own.setdefault(min(before[number] + 1, after[number]), []).append(piece)
    return given, own


def _without(text, lines):
    """The text without these whole lines, where they are in it."""
    around = f"\n{text}\n"
    return around.replace(f"\n{lines}\n", "\n").strip("\n") if f"\n{lines}\n" in around else text


def _known(release):
    """{grade_id: place}, {cell id: place} and {source: place} of the released cells; sources that are there
    once.
    """
    by_grade, by_id, by_source = {}, {}, {}
    for at, cell in enumerate(release.cells):
        by_grade[cell.metadata.get("nbgrader", {}).get("grade_id")] = at
        by_id[cell.id] = at
        source = _plain(cell.source).strip()
        by_source[source] = at if source not in by_source else None
    return by_grade, by_id, by_source


def _index(cell, by_grade, by_id, by_source):
    """Which of the released cells this one is; None for one of the student's own."""
    if cell.grade_id in by_grade and cell.grade_id is not None:
        return by_grade[cell.grade_id]
    if cell.grade_id is None and isinstance(cell.id, str) and cell.id in by_id:
        return by_id[cell.id]
    return by_source.get(_plain(cell.source).strip())


def _plain(source):
    """Line ends as Python has them, and nothing that can't be written to a file."""
    return re.sub("\r\n?", "\n", source).encode("utf-8", "replace").decode()


def _texts(own, at):
    """The student's own text at a place, which is taken from there: it goes on with the answer beside it."""
    texts = [piece for piece in own.get(at, []) if piece.kind != "code"]
    own[at] = [piece for piece in own.get(at, []) if piece.kind == "code"]
    return texts


def _in_order(pieces, names):
    """The pieces of an answer as they run, the last one being the answer. names: what it must define."""
    versions = [piece for piece in pieces if names & defined(piece.source)]
    if len(versions) > 1 and set.intersection(*(names & defined(piece.source) for piece in versions)):
        # Copies. The number in brackets tells which ran last; where one has none, the last in the notebook
        # counts.
        known = all(piece.ran for piece in versions)
        last = max(reversed(versions), key=lambda piece: piece.ran) if known else versions[-1]
        return [piece for piece in pieces if piece is not last] + [last]
    return pieces


def _whole(cells):
    """The cells, halves of one that was split inside a statement made one again."""
    result = []
    for cell in cells:
        before = result[-1] if result else cell
        both = before.source + "\n" + cell.source
        if (
            before.kind == cell.kind == "code"
            and cell.grade_id in (None, before.grade_id)
            and None in (tree_of(before.source), tree_of(cell.source))
            and tree_of(both) is not None
        ):
            result[-1] = before._replace(source=both)
        else:
            result.append(cell)
    return result


def _with_own(cells, own):
    """Released cells with the student's own between them, ordinary ones from now on, as many as are taken."""
    make = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    result, number = [], 0
    for at in range(len(cells) + 1):
        for piece in own.get(at, [])[: OWN - number]:
            # Ids drawn at random would make two collections of one submission differ.
            digest = hashlib.sha256(f"{number}{piece.source}".encode()).hexdigest()
            result.append(make[piece.kind](piece.source, id=digest[:12]))
            number += 1
        result += cells[at : at + 1]
    return result


def _changed(release, cells):
    """grade_ids of locked cells that were altered or deleted; one that was merged with another, or copied, is
    there.
    """
    sources = {cell.source for cell in cells}
    altered = []
    for cell in release.cells:
        source, grade_id = _plain(cell.source), cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.metadata.get("nbgrader", {}).get("locked") and not any(source in other for other in sources):
            theirs = [other for other in cells if (other.grade_id or other.id) in (grade_id, cell.id)]
            if not any(same(other.source, source, cell.cell_type) for other in theirs):
                altered.append(grade_id)
    return altered
