"""What was handed in, and what of it is graded: the student's answers, in the exercise as it was released.

A folder a student, with notebooks in it, at any depth. Nothing else that lies there is ever copied or run.
"""

import json
import os
import re
import stat
from pathlib import Path

from course_utils.grading.merging import Cell, Release, merge, plain

LARGEST = 20_000_000  # bytes of a notebook; one full of pictures has a tenth of it
STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


class Refused(Exception):
    """This file is not graded; the text says why, and what the student can do."""


# --- finding ---------------------------------------------------------------------------------


def students(folder):
    """The student folders: {id: path}, and {name: why} for what is none."""
    found, refused = {}, {}
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_symlink() or not path.is_dir():
            refused[plain(path.name)] = "is no folder; expected a folder a student, named by the student's id"
        elif not STUDENT_ID.fullmatch(path.name):
            refused[plain(path.name)] = "is no student id: letters, digits and . _ @ - are possible"
        else:
            found[path.name] = path
    return found, refused


def submitted(folder, releases):
    """What a student's folder holds of each exercise: ({exercise: `Submission`}, {exercise or file name: why
    not}, ignored).

    releases: {exercise: released notebook}. A wrong file name is no harm where the cells tell the exercise.
    Of several files for one exercise the newest counts in which something was answered.
    """
    candidates, refused, ignored = {}, {}, []
    for path in sorted(_files(folder)):
        if path.suffix != ".ipynb" or ".ipynb_checkpoints" in path.parts:
            ignored.append(plain(path.name))
            continue
        named = _by_name(path, releases)
        try:
            cells = read(path)
        except Refused as why:
            refused[named or plain(path.name)] = str(why)
            continue
        fits = named or _by_cells(cells, releases)
        if fits:
            candidates.setdefault(fits, []).append((path, cells))
        else:
            refused[plain(path.name)] = "belongs to no exercise: neither its name nor its cells tell which"
    chosen = {}
    for name, found in candidates.items():
        refused.pop(name, None)  # a damaged copy beside a whole one
        try:
            chosen[name] = _newest(releases[name], found)
        except Exception as error:  # whatever one of them holds, the other exercises are taken in
            refused[name] = f"couldn't be taken in: {in_words(error)}"
    return chosen, refused, ignored


def in_words(error):
    """What an exception says, on one line of bounded length."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception that can't say what it is
        text = ""
    return text.encode("utf-8", "replace").decode()[:300] or type(error).__name__


def _newest(release, found):
    """The submission made of the newest of these files in which something was answered.

    found: [(path, cells)]. Files of the same second are told apart by the number that browsers and file
    managers give to copies.
    """
    found = sorted(found, key=lambda one: _age(one[0]), reverse=True)
    merged = [(path, merge(release, cells)) for path, cells in found]
    path, submission = next((one for one in merged if _answered(release, one[1])), merged[0])
    if len(found) > 1:
        names = ", ".join(plain(path.name) for path, _ in found)
        said = f"handed in {len(found)} times ({names}): the newest with an answer counts, {plain(path.name)}"
        submission = submission._replace(remarks=(said, *submission.remarks))
    return submission._replace(timestamp=timestamp(path.parent))


def _age(path):
    number = re.search(r"\((\d{1,9})\)|[-_ ](?:Copy|Kopie)(\d{1,9})?$", path.stem)
    return int(path.stat().st_mtime), int((number[1] or number[2] or 1) if number else 0), path.name


def _answered(release, submission):
    """Whether anything stands in the answers, or in cells of the student's own."""
    released = {cell.id: cell.source for cell in release.cells}
    return any(
        cell.source.strip() and released.get(cell.id) != cell.source
        for cell in submission.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution") or cell.id not in released
    )


def timestamp(folder):
    """When what is in a folder was handed in, ISO, as nbgrader's exchange noted it; "" if it didn't."""
    path = folder / "timestamp.txt"  # nbgrader's exchange puts it there
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 100:
        return ""
    from dateutil import parser

    try:
        return parser.parse(path.read_text(errors="replace").strip()).isoformat()
    except (ValueError, OverflowError):
        return ""


def _by_name(path, releases):
    """The exercise that a file's name holds, the longest one."""
    return max((name for name in releases if name in path.stem), key=len, default=None)


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
        places = Release(release)
        shared[name] = len({places.place(cell) for cell in cells} - {None})
    fits = [name for name, n in shared.items() if n and n == max(shared.values())]
    return fits[0] if len(fits) == 1 else None
