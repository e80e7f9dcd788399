"""The steps around nbgrader: release, collect, grade, report. Each can be interrupted and called again.

    solutions/ --release--> exercises/            what students get
    a folder a student --collect--> grading/submitted/    their answers in the exercise as released
    --grade--> grading/executed/ (in the sandbox, several at once), then grading/autograded/ and gradebook.db
    (nbgrader) --report--> grading/report.csv, grading/feedback/

grading/outcomes.json remembers for every student and exercise what came of it, and why.
"""

import concurrent.futures
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

from course_utils import files
from course_utils.grading import intake, sandbox
from course_utils.grading.execute import Failed, execute
from course_utils.grading.nbgrader_settings import GRADING, settings

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
    """{name: path} of the sources in solutions/."""
    return {path.stem: path for path in sorted(Path(root, "solutions").glob("ex*/ex*.ipynb"))}


def release(root, target):
    """Generate the exercises that students get into the folder `target`, from solutions/."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import SaveCells

    for path in exercises(root).values():
        check_markers(path)
    config = settings(root)
    config.CourseDirectory.release_directory = str(Path(target).resolve())
    config.GenerateAssignment.no_database = True
    config.GenerateAssignment.preprocessors = [
        p for p in config.GenerateAssignment.preprocessors if p is not SaveCells
    ]
    for name in exercises(root):
        _run(GenerateAssignment, config, name)


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


def _prepare(root):
    """A gradebook that knows the exercises as they are now, and {name: (released notebook, its locked
    sources)}.
    """
    from nbgrader.converters import GenerateAssignment

    beside = str(
        Path(sys.executable).parent
    )  # nbgrader calls `alembic` by its name, also where no environment is active
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = beside + os.pathsep + os.environ["PATH"]
    known = {}
    with tempfile.TemporaryDirectory() as folder:
        config = settings(root)
        config.CourseDirectory.release_directory = folder
        for name, source in exercises(root).items():
            check_markers(source)
            _run(GenerateAssignment, config, name)
            released = nbformat.read(Path(folder, name, f"{name}.ipynb"), as_version=4)
            full = nbformat.read(source, as_version=4)
            known[name] = released, full
    return known


def _run(converter, config, exercise, student="*"):
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
        why = (
            next((text for text in said if text.startswith("Traceback")), str(error)).strip().splitlines()[-1]
        )
        raise RuntimeError(f"{exercise}: {why}") from error


# --- collect ---------------------------------------------------------------------------------


def collect(root, folder):
    """Take in what students handed in: {student: {exercise: outcome}}, which is remembered; prints what was
    refused.
    """
    root = Path(root).resolve()
    known, outcomes = _prepare(root), _outcomes(root)
    releases = {name: release for name, (release, _) in known.items()}
    found, none = intake.students(folder)
    for name, why in none.items():
        print(f"{name}: {why}")
    for student, place in found.items():
        chosen, refused, ignored, several = intake.submitted(place, releases)
        for name, why in refused.items():
            print(f"{student}: {name} {why}")
            _refuse(
                outcomes.setdefault(student, {}), name if name in releases else f"? {name}", f"{name} {why}"
            )
        if ignored:
            print(f"{student}: not looked at: {', '.join(ignored)}")
        for name, path in chosen.items():
            try:
                submission = intake.merge(releases[name], intake.read(path))
                if name in several:
                    remark = f"handed in {len(several[name])} times; {path.name} counts"
                    submission = submission._replace(remarks=(remark, *submission.remarks))
                _accept(root, student, name, submission._replace(timestamp=_timestamp(path.parent)), outcomes)
            except Exception as error:  # whatever one of them holds, the others are taken in
                print(f"{student}: {name} couldn't be taken in: {_in_words(error)}")
                _refuse(
                    outcomes.setdefault(student, {}), name, f"{name} couldn't be taken in: {_in_words(error)}"
                )
        outcomes.setdefault(student, {})
    _remember(root, outcomes)
    return outcomes


def _accept(root, student, name, submission, outcomes):
    """Put a submission where nbgrader looks for it; an unchanged one keeps what came of it."""
    folder = Path(root, GRADING, "submitted", student, name)
    folder.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(submission.notebook)
    files.write_whole(folder / f"{name}.ipynb", text)
    if submission.timestamp:
        files.write_whole(folder / "timestamp.txt", submission.timestamp)
    before = outcomes.get(student, {}).get(name, {})
    outcome = {
        "status": "collected",
        "reason": "",
        "remarks": list(submission.remarks),
        "timestamp": submission.timestamp,
    }
    if before.get("graded") == _hash(root, name, text):
        outcome |= {key: before[key] for key in ("status", "reason", "graded", "on running") if key in before}
    outcomes.setdefault(student, {})[name] = outcome


def _refuse(theirs, name, why):
    """Note a file that wasn't taken; one that was taken earlier goes on counting."""
    if theirs.get(name, {}).get("timestamp") is None:
        theirs[name] = {"status": "failed", "reason": why}
    else:
        theirs[name]["remarks"] = [
            *theirs[name]["remarks"],
            f"handed in again, but {why}: the earlier one counts",
        ]


def _timestamp(folder):
    path = folder / "timestamp.txt"  # nbgrader's exchange puts it there
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 100:
        return ""
    from dateutil import parser

    try:
        return parser.parse(path.read_text(errors="replace").strip()).isoformat()
    except (ValueError, OverflowError):
        return ""


def _hash(root, name, text):
    """Stands for a submission and the exercise it is graded by: if either changes, it is graded anew."""
    return hashlib.sha256(text.encode() + exercises(root)[name].read_bytes()).hexdigest()


# --- grade -----------------------------------------------------------------------------------


def grade(root, jobs=None, again=False, protected=True, cell_seconds=30):
    """Grade what was collected and hasn't been graded; returns the outcomes. Refuses to start where the
    sandbox leaks.
    """
    from nbgrader.converters import Autograde
    from tqdm.auto import tqdm

    root = Path(root).resolve()
    if protected:
        flaws = (
            [sandbox.missing()]
            if sandbox.missing()
            else sandbox.probe(
                [root / name for name in ("solutions", GRADING, "exercises", ".git")] + [Path.home() / ".ssh"]
            )
        )
        if flaws:
            raise RuntimeError(
                f"Nothing was graded: the sandbox isn't in force ({'; '.join(flaws)}). With --unsafe the "
                "students' code runs with all your rights."
            )
    known, outcomes = _prepare(root), _outcomes(root)
    todo = []
    for student in sorted(outcomes):
        for name in sorted(set(outcomes[student]) & set(known)):
            path = Path(root, GRADING, "submitted", student, name, f"{name}.ipynb")
            if path.is_file():
                key = _hash(root, name, path.read_text(encoding="utf-8"))
                if again or outcomes[student][name].get("graded") != key:
                    todo.append((student, name, path, key))

    def run(item):
        student, name, path, _ = item
        try:
            return _execute(root, student, name, path, *known[name], cell_seconds, protected)
        except Exception as error:  # whatever one of them does to the grader, the others are graded
            return f"It couldn't be run: {_in_words(error)}", []

    with concurrent.futures.ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        futures = {item: pool.submit(run, item) for item in todo}
        try:
            for student, name, _, key in tqdm(todo, "grading", disable=not todo):
                why, on_running = futures[student, name, _, key].result()
                if not why:
                    try:  # one after the other: the gradebook has one writer
                        config = settings(root)
                        _run(Autograde, config, name, student)
                    except Exception as error:
                        why = f"nbgrader couldn't record it: {_in_words(error)}"
                outcomes[student][name] |= {
                    "status": "failed" if why else "graded",
                    "reason": why,
                    "graded": key,
                    "on running": on_running,
                }
                _remember(root, outcomes)
        except KeyboardInterrupt:
            for future in futures.values():
                future.cancel()
            raise
    return outcomes


def _execute(root, student, name, path, released, full, cell_seconds, protected):
    """Run one submission and keep it in executed/; returns why it failed, or "", and remarks."""
    notebook = nbformat.read(path, as_version=4)
    target = Path(root, GRADING, "executed", student, name, f"{name}.ipynb")
    try:
        remarks = execute(notebook, released, full, student, cell_seconds, protected)
    except Failed as why:
        target.unlink(missing_ok=True)
        return str(why), []
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write_whole(target, nbformat.writes(notebook))
    return "", remarks


def _in_words(error):
    """What an exception says, on one line of bounded length."""
    return " ".join(str(error).split()).encode("utf-8", "replace").decode()[:300] or type(error).__name__


# --- remembering -----------------------------------------------------------------------------


def _outcomes(root):
    path = Path(root, GRADING, "outcomes.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _remember(root, outcomes):
    files.write_whole(Path(root, GRADING, "outcomes.json"), json.dumps(outcomes, indent=1, sort_keys=True))


# --- report ----------------------------------------------------------------------------------


def report(root, roster=()):
    """One row for every student and exercise, as dicts of `COLUMNS`; also those of whom nothing came (roster:
    their ids).
    """
    from nbgrader.api import Gradebook, MissingEntry

    outcomes, rows = _outcomes(root), []
    with Gradebook(settings(root).CourseDirectory.db_url) as book:
        for student in sorted(set(outcomes) | set(roster)):
            theirs = outcomes.get(student, {})
            for name in sorted(set(exercises(root)) | set(theirs)):
                outcome = theirs.get(name, {"status": "not submitted", "reason": ""})
                row = dict.fromkeys(COLUMNS, "")
                row |= {
                    "student": student,
                    "exercise": name,
                    "status": outcome["status"],
                    "reason": outcome["reason"],
                    "handed in": outcome.get("timestamp", ""),
                    "remarks": "; ".join(outcome.get("remarks", []) + outcome.get("on running", [])),
                }
                if outcome["status"] == "graded":
                    try:
                        found = book.find_submission(name, student)
                    except MissingEntry:
                        row |= {"status": "failed", "reason": "the gradebook doesn't have it; grade again"}
                    else:
                        by_machine = sum(g.auto_score or 0 for n in found.notebooks for g in n.grades)
                        by_hand = sum(g.manual_score or 0 for n in found.notebooks for g in n.grades)
                        row |= {
                            "points by machine": f"{by_machine:g}",
                            "points by hand": f"{by_hand:g}",
                            "points": f"{found.score:g}",
                            "possible": f"{found.max_score:g}",
                            "to be graded by hand": "yes" if found.needs_manual_grade else "no",
                            "status": "late" if found.total_seconds_late > 0 else "graded",
                        }
                rows.append(row)
    return rows


def write_csv(rows, path):
    """The rows of a report as a CSV that a spreadsheet shows and doesn't execute."""
    files.write_csv(COLUMNS, [[row[name] for name in COLUMNS] for row in rows], path)
