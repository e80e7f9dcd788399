"""The student's work in the released notebook: answers where they belong, all else they wrote beside them.

Answers are found by their grade_id, by their cell id, or by the names they define, however an editor saved,
split, merged or moved the cells.
"""

import hashlib
import json
import re
from typing import NamedTuple

from course_utils.grading.code import constant, defined, same, tree_of, unseen

import nbformat

OWN = 100  # cells of the student's own; the exercises have fewer than 30 altogether


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
    remarks: tuple  # sentences for the report: what was found elsewhere, left out or taken from the release
    timestamp: str  # when it was handed in, ISO, or ""
    worked_as: str  # the id that stands in the notebook, or ""


class Release:
    """A released notebook, as far as merging asks for it. A place is the number of one of its cells."""

    def __init__(self, notebook):
        self.cells = notebook.cells
        self.about = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
        self.sources = [plain(cell.source) for cell in notebook.cells]
        self.answers = {at for at, its in enumerate(self.about) if its.get("solution")}
        self.locked = {at for at, its in enumerate(self.about) if its.get("locked")}
        self.by_grade = {its["grade_id"]: at for at, its in enumerate(self.about) if "grade_id" in its}
        self.by_id = {cell.id: at for at, cell in enumerate(notebook.cells)}
        self.by_source = {}  # sources that are there once
        for at, source in enumerate(self.sources):
            self.by_source[source.strip()] = at if source.strip() not in self.by_source else None
        # Texts and tests: where one was merged with a student's cell, it is taken out of it.
        self.fixed = [
            source
            for at, (cell, source) in enumerate(zip(notebook.cells, self.sources))
            if source.strip()
            and at not in self.answers
            and (cell.cell_type != "code" or self.about[at].get("grade"))
        ]

    def place(self, cell):
        """Which of the released cells this one is; None for one of the student's own."""
        if cell.grade_id in self.by_grade:
            return self.by_grade[cell.grade_id]
        if cell.grade_id is None and isinstance(cell.id, str) and cell.id in self.by_id:
            return self.by_id[cell.id]
        return self.by_source.get(plain(cell.source).strip())

    def untouched(self, cell, at):
        """Whether the cell at a place is as it was released."""
        return at is not None and same(cell.source, self.sources[at], cell.kind)


def merge(release, cells):
    """The student's work in the released notebook, as a `Submission` without time. cells: as `read` gives
    them.

    Nothing that the student wrote is left out: whatever isn't as released and is no answer becomes a cell of
    the student's own, where it was. Everything else is as released, whatever was done to it.
    """
    release_ = Release(release)
    cells = _whole([cell._replace(source=plain(cell.source)) for cell in (Cell(*cell) for cell in cells)])
    given, own = _sort_out(release_, cells)
    merged, remarks = nbformat.from_dict(json.loads(json.dumps(release))), []
    written = _written(release_, given, own)
    for at in sorted(release_.answers):
        fill = _fill_code if merged.cells[at].cell_type == "code" else _fill_text
        remarks += fill(merged.cells[at], at, given.get(at, []), own, written)
    left_out = sum(map(len, own.values())) - OWN
    if left_out > 0:
        remarks.append(f"left out: the last {left_out} of {left_out + OWN} cells of the student's own")
    changed = _changed(release_, cells)
    if changed:
        remarks.append(f"as in the exercise of today, since another version came back: {', '.join(changed)}")
    merged.cells = _with_own(merged.cells, own)
    return Submission(merged, (*remarks, *unseen(_theirs(merged))), "", worked_as(merged, worked_as(release)))


def _theirs(notebook):
    """{what it is called: source} of the code that is the student's."""
    found = {}
    for number, cell in enumerate(notebook.cells, start=1):
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and not about.get("locked"):
            found[f"answer {about['grade_id']}" if "grade_id" in about else f"cell {number}"] = cell.source
    return found


def worked_as(notebook, default=""):
    """The id that stands in the notebook, or "". default: the one that it came with; another comes first."""
    typed = [constant(source, "my_id").strip() for source in _theirs(notebook).values()]
    typed = [one[:100] for one in typed if one and one.isprintable()]
    return next((one for one in typed if one != default), typed[0] if typed else "")


# --- whose is what ---------------------------------------------------------------------------


def _sort_out(release, cells):
    """What the student wrote: ({place of an answer: its pieces}, {place: the student's own cells there})."""
    places = [release.place(cell) for cell in cells]
    whole = {at for at, cell in zip(places, cells) if release.untouched(cell, at)}
    given, own = {}, {}
    for cell, at, room in zip(cells, places, _rooms(places, len(release.cells))):
        piece = cell._replace(source=_without_released(release, cell, at))
        if at in release.answers:
            given.setdefault(at, []).append(piece)
            continue
        if release.untouched(cell, at):
            continue
        if piece.source == cell.source and at is not None:
            if at in release.locked and at not in whole:
                continue  # it was changed, and is restored; what was only pasted under its name stays
            if cell.kind != "code":
                piece = cell._replace(source=_added(cell.source, release.sources[at]))
        if piece.source.strip():
            own.setdefault(room, []).append(piece)
    return given, own


def _rooms(places, n):
    """For each cell the place at which it goes in as the student's own: as early as its neighbours are in the
    exercise. Where one was moved, what led to it moves along.
    """
    before, after, last, following = [], [], -1, n
    for at, behind in zip(places, reversed(places)):
        last = at if at is not None else last
        before.append(last)
        after.append(following)
        following = behind if behind is not None else following
    return [min(one + 1, other) for one, other in zip(before, reversed(after))]


def _without_released(release, cell, at):
    """The text of a cell without the released cells that were merged with it."""
    text = cell.source
    for source in [*release.fixed, *([release.sources[at]] if at in release.locked else [])]:
        around = f"\n{text}\n"
        if f"\n{source}\n" in around:
            text = around.replace(f"\n{source}\n", "\n").strip("\n")
    return text


def _added(text, released):
    lines = {line.strip() for line in released.splitlines()}
    return "\n".join(line for line in text.splitlines() if line.strip() not in lines)


def _written(release, given, own):
    """[(place, piece)] of all that isn't an untouched answer: own cells first, each in order."""
    stubs = {release.cells[at].source.strip() for at in release.answers}
    return [
        (at, piece)
        for places in (own, given)
        for at, pieces in sorted(places.items())
        for piece in pieces
        if piece.source.strip() not in stubs
    ]


# --- answers ---------------------------------------------------------------------------------


def _tried(cell, given):
    """The pieces that hold anything, and what to say of how many there are."""
    tried = [piece for piece in given if piece.source.strip() not in ("", cell.source.strip())]
    said = []
    if len(given) > 1:
        said.append(
            f"answer {cell.metadata.nbgrader.grade_id} is there {len(given)} times, split or copied: "
            "all of it counts, and of copies the one that was worked on last"
        )
    return tried, said


def _fill_text(cell, at, given, own, written):
    """Put the text of an answer into its cell; returns remarks."""
    tried, said = _tried(cell, given)
    tried = _texts(own, at) + tried + _texts(own, at + 1)
    cell.source = "\n\n".join(dict.fromkeys(piece.source for piece in tried)) or cell.source
    return said + _if_deleted(cell, given or tried)


def _fill_code(cell, at, given, own, written):
    """Put the code of an answer into its cell, and what leads to it before it; returns remarks."""
    tried, said = _tried(cell, given)
    names = defined(cell.source, also_none=True)
    elsewhere = [] if tried else [(p, piece) for p, piece in written if names & defined(piece.source)]
    for place, piece in elsewhere:  # what stands before the answer runs there, too: others may need it
        if place >= at and piece in own.get(place, []):
            own[place].remove(piece)
    tried = _in_order(tried + [piece for _, piece in elsewhere], names)
    own.setdefault(at, []).extend(tried[:-1])
    cell.source = tried[-1].source if tried else cell.source
    if elsewhere:
        said.append(f"answer {cell.metadata.nbgrader.grade_id} was found in another cell")
    return said + _if_deleted(cell, given or tried)


def _if_deleted(cell, found):
    return [] if found else [f"answer {cell.metadata.nbgrader.grade_id} was deleted"]


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


# --- the rest --------------------------------------------------------------------------------


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
    """grade_ids of locked cells that came back altered or not at all; one that was merged with another, or
    copied, is there.
    """
    texts, changed = {cell.source for cell in cells}, []
    for at in sorted(release.locked):
        source, grade_id = release.sources[at], release.about[at].get("grade_id")
        if not any(source in text for text in texts):
            theirs = [one for one in cells if (one.grade_id or one.id) in (grade_id, release.cells[at].id)]
            if not any(release.untouched(one, at) for one in theirs):
                changed.append(grade_id)
    return changed


def plain(source):
    """Line ends as Python has them, and nothing that can't be written to a file."""
    return re.sub("\r\n?", "\n", source).encode("utf-8", "replace").decode()
