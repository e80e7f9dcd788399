"""The steps around nbgrader: release, collect, grade, report. Each can be interrupted and called again.

    solutions/ --release--> exercises/            what students get
    a folder a student --collect--> grading/submitted/    their answers in the exercise as released
    --grade--> grading/executed/ (in the sandbox, several at once), then grading/autograded/ and gradebook.db
    (nbgrader) --report--> grading/report.csv, grading/feedback/

grading/outcomes.json remembers for every student and exercise what came of it, and why.
"""

import contextlib
import hashlib
import json
import logging
import re
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from course_utils import files
from course_utils.grading import intake, private, sandbox
from course_utils.grading.examiner import OurFault
from course_utils.grading.execute import run_text
from course_utils.grading.intake import in_words
from course_utils.grading.merging import worked_as
from course_utils.grading.nbgrader_settings import GRADING, settings
from course_utils.machine import cluster

import nbformat

MARKERS = (
    "BEGIN SOLUTION",
    "END SOLUTION",
    "BEGIN HIDDEN TESTS",
    "END HIDDEN TESTS",
    "BEGIN MARK SCHEME",
    "END MARK SCHEME",
)
COLUMNS = (
    "student",
    "exercise",
    "status",
    "reason",
    "handed in",
    "points by machine",
    "points by hand",
    "points",
    "possible",
    "to be graded by hand",
    "remarks",
)


# --- release ---------------------------------------------------------------------------------


def exercises(root):
    """{name: path} of the sources: in solutions/, or in the lecturer's private folder."""
    return {path.stem: path for path in sorted(private.solutions(root).glob("ex*/ex*.ipynb"))}


def release(root, target):
    """Generate the exercises that students get into the folder `target`."""
    from nbgrader.preprocessors import SaveCells

    config = settings(root)
    config.GenerateAssignment.no_database = True
    config.GenerateAssignment.preprocessors = [
        p for p in config.GenerateAssignment.preprocessors if p is not SaveCells
    ]
    _generate(root, config, Path(target).resolve())


def _generate(root, config, target):
    """Have nbgrader make the students' notebooks of all exercises in the folder `target`; returns the full
    ones, {name: notebook}.
    """
    from nbgrader.converters import GenerateAssignment

    full = {}
    with tempfile.TemporaryDirectory() as sources:
        for name, path in exercises(root).items():
            check_markers(path)
            full[name] = private.with_seed(root, nbformat.read(path, as_version=4))
            Path(sources, name).mkdir()
            nbformat.write(full[name], Path(sources, name, path.name))
        config.CourseDirectory.source_directory = sources
        config.CourseDirectory.release_directory = str(target)
        for name in full:
            run_nbgrader(GenerateAssignment, config, name)
    return full


def check_markers(path):
    """Raise ValueError for a marker that nbgrader would not know, and so would publish what is behind it."""
    for cell in nbformat.read(path, as_version=4).cells:
        for line in cell.source.splitlines():
            looks_like = re.match(r"\s*#+\s*(BEGIN|END)\b(.*)", line, re.IGNORECASE)
            if looks_like and line.strip().lstrip("#").strip() not in MARKERS:
                raise ValueError(
                    f"{Path(path).name} has the line {line.strip()!r}, which is none of: "
                    f"{', '.join(MARKERS)}. "
                    "What it should hide would be published."
                )


class Exercise(NamedTuple):
    """An exercise as it is now."""

    released: object  # the notebook that students get
    full: object  # the same with solutions and hidden tests

    @property
    def default_id(self):
        """The id that stands in the released notebook."""
        return worked_as(self.released)

    def key(self, text):
        """Stands for a submission and the exercise it is graded by: if either changes, it is graded anew."""
        return hashlib.sha256((text + nbformat.writes(self.full)).encode()).hexdigest()


def _known(root):
    """{name: `Exercise`}; the gradebook knows them afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        full = _generate(root, settings(root), folder)
        return {
            name: Exercise(nbformat.read(Path(folder, name, f"{name}.ipynb"), as_version=4), notebook)
            for name, notebook in full.items()
        }


def run_nbgrader(converter, config, exercise, student="*"):
    """One of nbgrader's converters, for one exercise (of one student)."""
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from sqlalchemy.exc import SAWarning

    course = CourseDirectory(config=config)
    course.assignment_id, course.student_id = exercise, student
    log, said = logging.Logger("nbgrader"), []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own housekeeping in its gradebook
            converter(coursedir=course, config=config, log=log, force=True).start()
    except NbGraderException as error:  # "see the log"
        why = next((text for text in said if text.startswith("Traceback")), str(error))
        named = re.findall(
            r"^[\w.]+(?:Error|Exception): .*", why, re.MULTILINE
        )  # sqlalchemy goes on after it
        raise RuntimeError(f"{exercise}: {(named or why.strip().splitlines())[-1]}") from error


# --- what isn't the student's fault ----------------------------------------------------------

# What an error's text holds: what to do. Nothing is remembered of the submission at which it happened.
OURS = {
    "No space left|disk is full|Disk quota": "The disk is full: make room.",
    "database is locked": "Another program uses the gradebook: close it.",
    "malformed|not a database|no such table|no such column": "grading/gradebook.db is damaged: put a copy of "
    "it back, or move it away (points given by hand are in there) and grade `--again`.",
    "readonly database|Permission denied|Read-only": "grading/ can't be written to: see to its rights.",
    "alembic": "nbgrader's helper `alembic` isn't found: `pip install -r requirements.lock` installs it.",
    "Cannot allocate memory|can't start new thread|Too many open files|Resource temporarily": "This machine "
    "has no room for so many at once: take fewer `--jobs`.",
}


class OurFailure(RuntimeError):
    """Something is wrong here and not with a submission; the text says what to do."""


@contextlib.contextmanager
def blamed_rightly():
    """Errors that aren't a student's leave as `OurFailure`."""
    try:
        yield
    except Exception as error:
        raise _ours(error) or error from error


def _ours(error):
    """`OurFailure` for an error that isn't the student's; None for any other."""
    if isinstance(error, OurFailure):
        return error
    text = in_words(error)
    for pattern, advice in OURS.items():
        if re.search(pattern, text):
            return OurFailure(f"{advice} Then call it again. ({text})")
    if isinstance(error, (OSError, MemoryError)):
        return OurFailure(f"This machine doesn't do what grading needs: {text}. Mend it, and call it again.")
    return OurFailure(text) if isinstance(error, OurFault) else None


# --- collect ---------------------------------------------------------------------------------


@blamed_rightly()
def collect(root, folder):
    """Take in what students handed in: {student: {exercise: outcome}}, which is remembered; prints what was
    refused.
    """
    root = Path(root).resolve()
    releases = {name: exercise.released for name, exercise in _known(root).items()}
    outcomes = remembered(root)
    found, none = intake.students(folder)
    for name, why in none.items():
        print(f"{name}: {why}")
    for student, place in found.items():
        theirs = outcomes.setdefault(student, {})
        try:
            chosen, refused, ignored = intake.submitted(place, releases)
            for name, submission in chosen.items():
                _accept(root, student, name, submission, theirs)
        except Exception as error:  # whatever one of them holds, the others are taken in
            if _ours(error):
                raise
            refused, ignored = {"their folder": f"couldn't be taken in: {in_words(error)}"}, []
        for name, why in refused.items():
            print(f"{student}: {name} {why}")
            _refuse(theirs, name if name in releases else f"? {name}", f"{name} {why}")
        if ignored:
            print(f"{student}: not looked at: {', '.join(ignored)}")
        remember(root, outcomes)
    return outcomes


def _accept(root, student, name, submission, theirs):
    """Put a submission where nbgrader looks for it; an unchanged one keeps what came of it."""
    folder = Path(root, GRADING, "submitted", student, name)
    folder.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(submission.notebook)
    before, path = theirs.get(name, {}), folder / f"{name}.ipynb"
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    files.write_whole(path, text)
    if submission.timestamp:
        when = datetime.fromisoformat(submission.timestamp)
        when = when.astimezone(UTC) if when.tzinfo else when
        noted = when.strftime("%Y-%m-%d %H:%M:%S.%f %Z").strip()  # as nbgrader's exchanges write and read it
        files.write_whole(folder / "timestamp.txt", noted)
    theirs[name] = {
        "status": "collected",
        "reason": "",
        "remarks": list(submission.remarks),
        "timestamp": submission.timestamp,
        "worked as": submission.worked_as,
    }
    if same and "graded" in before:
        kept = ("status", "reason", "graded", "on running")
        theirs[name] |= {key: before[key] for key in kept if key in before}


def _refuse(theirs, name, why):
    """Note a file that wasn't taken; one that was taken earlier goes on counting."""
    if theirs.get(name, {}).get("timestamp") is None:
        theirs[name] = {"status": "failed", "reason": why}
    else:
        said = f"handed in again, but {why}: the earlier one counts"
        theirs[name]["remarks"] = list(dict.fromkeys([*theirs[name]["remarks"], said]))


# --- grade -----------------------------------------------------------------------------------


class Work(NamedTuple):
    """A submission to be graded."""

    student: str
    name: str
    text: str  # the notebook
    key: str
    typed: str  # the id that stands in it
    is_free: bool  # whether that belongs to nobody else


@blamed_rightly()
def grade(root, jobs=None, again=False, protected=True, cell_seconds=30, scheduler=None):
    """Grade what was collected and hasn't been graded; returns the outcomes. Refuses to start where the
    sandbox leaks. scheduler: address of a Dask cluster that does the work.
    """
    root = Path(root).resolve()
    with cluster.workers(scheduler, jobs) as workers:
        if protected:
            _check_sandbox(root, workers)
        return _grade(root, workers, again, protected, cell_seconds)


def _grade(root, workers, again, protected, cell_seconds):
    from tqdm.auto import tqdm

    known, outcomes = _known(root), remembered(root)
    todo = _todo(root, known, outcomes, again)

    items = (
        (w, run_text, w.text, *known[w.name], w.student, w.typed, w.is_free, cell_seconds, protected)
        for w in todo
    )
    done = cluster.in_turn(workers.submit, items, 2 * workers.count)
    for work, future in tqdm(done, "grading", len(todo), disable=not todo):
        outcomes[work.student][work.name] |= _record(root, work, future)
        remember(root, outcomes)
    return outcomes


def _check_sandbox(root, workers):
    """Raise RuntimeError where it isn't in force."""
    secret = [root / name for name in ("solutions", GRADING, "exercises", ".git")]
    secret += [private.solutions(root), Path.home() / ".ssh"]
    flaws = dict.fromkeys(flaw for found in workers.everywhere(sandbox.flaws, secret) for flaw in found)
    if flaws:
        raise RuntimeError(
            f"Nothing was graded: the sandbox isn't in force ({'; '.join(flaws)}). With --unsafe the "
            "students' code runs with all your rights."
        )


def _todo(root, known, outcomes, again):
    """What hasn't been graded as it is now, or isn't in the gradebook any more."""
    from nbgrader.api import Gradebook

    todo = []
    with Gradebook(settings(root).CourseDirectory.db_url) as book:
        there = {name: {s.student.id for s in book.assignment_submissions(name)} for name in known}
    for student in sorted(outcomes):
        for name in sorted(set(outcomes[student]) & set(known)):
            path = Path(root, GRADING, "submitted", student, name, f"{name}.ipynb")
            if path.is_file():
                text, outcome = path.read_text(encoding="utf-8"), outcomes[student][name]
                key = known[name].key(text)
                lost = outcome["status"] == "graded" and student not in there[name]
                if again or lost or outcome.get("graded") != key:
                    typed = outcome.get("worked as", "")
                    is_free = typed != known[name].default_id and _is_free(outcomes, typed, name)
                    todo.append(Work(student, name, text, key, typed, is_free))
    return todo


def _is_free(outcomes, typed, name):
    """Whether an id is that of no student, and was typed in by one only."""
    wanted = typed.strip().casefold()
    used = [theirs.get(name, {}).get("worked as", "").strip().casefold() for theirs in outcomes.values()]
    return wanted not in {other.casefold() for other in outcomes} and used.count(wanted) == 1


def _record(root, work, future):
    """Put what came of a submission into the gradebook: its outcome."""
    from nbgrader.converters import Autograde

    remarks = []
    try:
        text, why, remarks = cluster.result(future)
        target = Path(root, GRADING, "executed", work.student, work.name, f"{work.name}.ipynb")
        if why:
            target.unlink(missing_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            files.write_whole(target, text)
            run_nbgrader(Autograde, settings(root), work.name, work.student)
    except cluster.Lost as error:  # tried again by the next `grade`
        return {"status": "collected", "reason": f"not graded yet: {error}", "on running": []}
    except Exception as error:  # whatever one of them does to the grader, the others are graded
        if _ours(error):
            raise
        why = f"It couldn't be graded: {in_words(error)}"
    return {"status": "failed" if why else "graded", "reason": why, "graded": work.key, "on running": remarks}


# --- remembering -----------------------------------------------------------------------------


def remembered(root):
    """{student: {exercise: outcome}}, as the last step left it."""
    path = Path(root, GRADING, "outcomes.json")
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError:
        raise OurFailure(f"{path} is damaged: delete it, collect and grade again.") from None


def remember(root, outcomes):
    files.write_whole(Path(root, GRADING, "outcomes.json"), json.dumps(outcomes, indent=1, sort_keys=True))


# --- report ----------------------------------------------------------------------------------


@blamed_rightly()
def report(root, roster=()):
    """One row for every student and exercise, as dicts of `COLUMNS`; also those of whom nothing came (roster:
    their ids).
    """
    from nbgrader.api import Gradebook

    outcomes, rows = remembered(root), []
    with Gradebook(settings(root).CourseDirectory.db_url) as book:
        for student in sorted(set(outcomes) | set(roster)):
            theirs = outcomes.get(student, {})
            for name in sorted(set(exercises(root)) | set(theirs)):
                outcome = theirs.get(name, {"status": "not submitted", "reason": ""})
                rows.append(_row(book, student, name, outcome))
    return rows


def _row(book, student, name, outcome):
    """What the report says of one student's exercise."""
    row = dict.fromkeys(COLUMNS, "") | {
        "student": student,
        "exercise": name,
        "status": outcome["status"],
        "reason": outcome["reason"],
        "handed in": outcome.get("timestamp", ""),
        "remarks": "; ".join(outcome.get("remarks", []) + outcome.get("on running", [])),
    }
    if outcome["status"] == "graded":
        try:
            row |= _points(book, student, name)
        except Exception as error:  # whatever is wrong with one of them, the others are reported
            if _ours(error):
                raise
            row |= {
                "status": "failed",
                "reason": f"the gradebook doesn't have it; grade again ({in_words(error)})",
            }
    return row


def _points(book, student, name):
    found = book.find_submission(name, student)
    grades = [grade for notebook in found.notebooks for grade in notebook.grades]
    return {
        "points by machine": f"{sum(grade.auto_score or 0 for grade in grades):g}",
        "points by hand": f"{sum(grade.manual_score or 0 for grade in grades):g}",
        "points": f"{found.score:g}",
        "possible": f"{found.max_score:g}",
        "to be graded by hand": "yes" if found.needs_manual_grade else "no",
        "status": "late" if found.total_seconds_late > 0 else "graded",
    }


def write_csv(rows, path):
    """The rows of a report as a CSV that a spreadsheet shows and doesn't execute."""
    files.write_csv(COLUMNS, [[row[name] for name in COLUMNS] for row in rows], path)
