"""Grading from release to report, with submissions that are good, bad and hostile. A small exercise of its
own.
"""

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from benchmarks import lab as real
from conftest import missing
from course_utils import grading
from course_utils.grading import __main__ as command
from course_utils.grading import feedback, intake, pipeline, sandbox
from course_utils.grading.code import unseen

import nbformat
import pytest
from exercise import ROOT, role
from toy_course import NAME, PERFECT, hand_in, make, released

pytestmark = pytest.mark.slow
needs_sandbox = pytest.mark.usefixtures("bubblewrap")


@pytest.fixture(scope="module")
def bubblewrap():
    if sandbox.missing():
        missing("bubblewrap", sandbox.missing())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make(tmp_path_factory.mktemp("course"))


def code(source):
    return {**PERFECT, "total": source}


def without(*grade_ids):
    def change(notebook):
        notebook.cells = [
            c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in grade_ids
        ]

    return change


def cell(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def weaker_test(notebook):
    cell(notebook, "total_test").source = "pass"


def more_points(notebook):
    cell(notebook, "total_test").metadata.nbgrader.points = 400


def copied(notebook):
    again = nbformat.from_dict(json.loads(json.dumps(cell(notebook, "total"))))
    again.id, again.source = "a-copy", "# YOUR CODE HERE"
    notebook.cells.insert(0, again)


def malformed(notebook):
    cell(notebook, "mean").metadata.nbgrader = "broken"
    cell(notebook, "total_test").metadata.nbgrader = {"grade": "yes", "points": []}


def old_format(notebook):
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": []}]})


ATTACK = "def total(maps):\n    return maps.sum(axis=(1, 2))\n"

# student: (answers, change to the notebook, status, points or None, part of the reason or remark)
BATCH = {
    "aaa_good": (PERFECT, None, "graded", 8, ""),
    "loop_python": (code("while True:\n    pass"), None, "graded", 4, ""),
    "loop_c": (code("sum(range(10**13))"), None, "failed", None, "couldn't be stopped"),
    "os_exit": (code("import os\nos._exit(0)"), None, "failed", None, "kernel died"),
    "sys_exit": (code("import sys\nsys.exit()"), None, "graded", 4, "that cell ended"),
    "quits": (code("quit()"), None, "graded", 4, "that cell ended, the others ran"),
    "output_10_mb": (code(ATTACK + "print('x' * 10_000_000)"), None, "graded", 8, ""),
    "memory_hog": (code(ATTACK + "hog = bytearray(10**11)"), None, "graded", 8, ""),
    "fork_bomb": (code("import os\nwhile True:\n    os.fork()"), None, "failed", None, ""),
    "file_600_mb": (code(ATTACK + "open('big', 'wb').write(bytes(600_000_000))"), None, "graded", 8, ""),
    "weaker_test": (
        code("def total(maps):\n    return maps.sum()"),
        weaker_test,
        "graded",
        4,
        "as in the exercise of today",
    ),
    "deleted_test": (
        code("def total(maps):\n    return maps.sum()"),
        without("total_test"),
        "graded",
        4,
        "as in the exercise of today",
    ),
    "deleted_answer": (PERFECT, without("total"), "graded", 4, "answer total was deleted"),
    "more_points": (PERFECT, more_points, "graded", 8, ""),
    "copied_cell": (PERFECT, copied, "graded", 8, "2 times"),
    "malformed_metadata": (PERFECT, malformed, "graded", 8, ""),
    "bad_json": (PERFECT, lambda n: "{'cells': []}", "failed", None, "cut off"),
    "truncated": (PERFECT, lambda n: nbformat.writes(n)[:900], "failed", None, "cut off"),
    "empty": (PERFECT, lambda n: "\n", "failed", None, "is empty"),
    "a_picture": (PERFECT, lambda n: "\x89PNG\r\n", "failed", None, "is no notebook"),
    "format_3": (PERFECT, old_format, "failed", None, "notebook format 3"),
    "a_list": (PERFECT, lambda n: "[]", "failed", None, "has no cells"),
    "reads_solutions": (
        code(
            "import glob\nfound = glob.glob('/**/solutions', recursive=True)\nassert found, 'nothing "
            "to see'\n"
        ),
        None,
        "graded",
        4,
        "",
    ),
    "overwrites": (
        code(
            ATTACK + "import os\nfor place in ['{root}', '{root}/grading', os.path.dirname(os.__file__)]:\n"
            "    try:\n        open(place + '/written', 'w')\n        print('WRITTEN')\n"
            "    except OSError:\n        pass"
        ),
        None,
        "graded",
        8,
        "",
    ),
    "warns": (
        code(
            "import warnings, numpy as np\ndef total(maps):\n    warnings.warn('loud')\n    np.log(0 "
            "* maps)\n"
            "    return maps.sum(axis=(1, 2))"
        ),
        None,
        "graded",
        8,
        "",
    ),
    "cheats": (
        code(
            "import numpy\n__builtins__.AssertionError = Exception\nget_ipython().ast_transformers\n" + ATTACK
        ),
        None,
        "graded",
        8,
        "",
    ),
    "other_name": (PERFECT, None, "graded", 8, ""),
    "untouched": ({}, None, "graded", 0, ""),
    "zzz_good": (PERFECT, None, "graded", 8, ""),
}


@pytest.fixture(scope="module")
def graded(bubblewrap, tmp_path_factory):
    """The whole batch, collected, graded on two kernels and reported: (root, rows of the CSV by student)."""
    root = make(tmp_path_factory.mktemp("batch"))
    for student, (answers, change, *_) in BATCH.items():
        answers = {k: v.replace("{root}", str(root)) for k, v in answers.items()}
        hand_in(
            root,
            student,
            answers,
            change,
            "my homework.ipynb" if student == "other_name" else f"{NAME}.ipynb",
        )
    (root / "inbox" / "zzz_good" / "numpy.py").write_text("raise SystemExit('shadowed')")
    (root / "inbox" / "linked").mkdir()
    (root / "inbox" / "linked" / f"{NAME}.ipynb").symlink_to(root / "inbox" / "aaa_good" / f"{NAME}.ipynb")
    (root / "roster.txt").write_text("aaa_good\nnobody_yet\n")
    before = sorted(p for p in root.rglob("*") if "grading" not in p.parts)
    command.main(["collect", str(root / "inbox"), "--root", str(root)])
    command.main(["grade", "--root", str(root), "--cell-seconds", "4", "--jobs", "2"])
    command.main(["report", "--root", str(root), "--roster", str(root / "roster.txt")])
    assert sorted(p for p in root.rglob("*") if "grading" not in p.parts) == before
    return root, table(root)


def table(root):
    with open(root / "grading" / "report.csv", newline="") as opened:
        return {row["student"]: row for row in csv.DictReader(opened)}


# --- the hostile batch -----------------------------------------------------------------------


@pytest.mark.parametrize("student", sorted(set(BATCH) - {"fork_bomb"}))
def test_every_submission_is_accounted_for(graded, student):
    _, _, status, points, words = BATCH[student]
    row = graded[1][student]
    assert row["status"] == status, row
    assert row["points"] == ("" if points is None else str(points)), row
    assert (status == "failed") == bool(row["reason"])
    assert words in row["reason"] + row["remarks"], row


def test_a_fork_bomb_gets_nothing_for_its_cell_whoever_is_stopped_first(graded):
    """The limit of processes ends the cell, and the other answer counts or starves too; or it ends the kernel."""
    row = graded[1]["fork_bomb"]
    assert (row["status"], row["points"]) in {("failed", ""), ("graded", "4"), ("graded", "0")}, row
    assert (row["status"] == "failed") == bool(row["reason"])


def test_failed_missing_and_zero_differ(graded):
    _, rows = graded
    assert rows["untouched"]["points"] == "0" and rows["untouched"]["status"] == "graded"
    assert rows["os_exit"]["points"] == "" and rows["os_exit"]["status"] == "failed"
    assert rows["nobody_yet"]["points"] == "" and rows["nobody_yet"]["status"] == "not submitted"
    assert rows["linked"]["status"] == "failed" and "link" in rows["linked"]["reason"]


def test_nothing_was_written_where_it_should_not_be(graded):
    root, _ = graded
    executed = nbformat.read(
        root / "grading" / "executed" / "overwrites" / NAME / f"{NAME}.ipynb", as_version=4
    )
    assert "WRITTEN" not in str([c.outputs for c in executed.cells if c.cell_type == "code"])
    assert not list(root.rglob("written"))
    assert sqlite3.connect(root / "grading" / "gradebook.db").execute(
        "pragma integrity_check"
    ).fetchone() == ("ok",)


def test_output_is_bounded(graded):
    root, _ = graded
    assert all(path.stat().st_size < 1_000_000 for path in (root / "grading").rglob("*.ipynb"))


def test_feedback_shows_no_hidden_test(graded):
    root, _ = graded
    pages = {
        path.parents[1].name: path.read_text() for path in (root / "grading" / "feedback").rglob("*.html")
    }
    assert set(pages) == {student for student, row in graded[1].items() if row["status"] == "graded"}
    for page in pages.values():
        assert "secret" not in page and "HIDDEN" not in page and "Traceback" not in page
        assert "http" not in page.replace("https://github.com/ipython", "")  # complete in itself
    assert "expected an array" in pages["weaker_test"]


def test_manual_points_survive_grading_again(graded):
    from nbgrader.api import Gradebook

    root, rows = graded
    url = pipeline.settings(root).CourseDirectory.db_url
    with Gradebook(url) as book:
        grade = book.find_grade("opinion", NAME, NAME, "aaa_good")
        grade.manual_score, grade.needs_manual_grade = 2.0, False
        book.db.commit()
    outcomes = pipeline.remembered(root)
    outcomes["aaa_good"][NAME].pop("graded")  # as if handed in again
    pipeline.remember(root, outcomes)
    pipeline.grade(root, cell_seconds=4)
    [row] = [r for r in pipeline.report(root) if r["student"] == "aaa_good"]
    assert (row["points by machine"], row["points by hand"], row["points"]) == ("8", "2", "10")


def test_a_better_submission_replaces_a_worse_one_and_a_damaged_one_does_not(graded):
    root, _ = graded
    hand_in(root, "deleted_answer")
    hand_in(root, "zzz_good", change=lambda n: "\n")
    pipeline.collect(root, root / "inbox")
    pipeline.grade(root, cell_seconds=4)
    rows = {r["student"]: r for r in pipeline.report(root)}
    assert rows["deleted_answer"]["points"] == "8"
    assert rows["zzz_good"]["points"] == "8" and "the earlier one counts" in rows["zzz_good"]["remarks"]


# --- order, interruption, sandbox ------------------------------------------------------------


@needs_sandbox
def test_one_by_one_and_in_parallel_give_the_same_csv(plain, tmp_path):
    reports = []
    for jobs in (1, 2):
        root = make(tmp_path / str(jobs))
        for i in range(3):
            hand_in(root, f"student{i}", code(ATTACK) if i else {})
        pipeline.collect(root, root / "inbox")
        pipeline.grade(root, jobs=jobs)
        pipeline.write_csv(pipeline.report(root), root / "report.csv")
        reports.append((root / "report.csv").read_bytes())
    assert reports[0] == reports[1] and b"graded" in reports[0]


@needs_sandbox
def test_grading_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    root = make(tmp_path)
    for i in range(3):
        hand_in(root, f"student{i}")
    pipeline.collect(root, root / "inbox")
    real, ran = pipeline.run_text, []

    def execute(text, released, full, student, *rest):
        if student == "student1" and len(ran) < 3:
            ran.append("interrupted")
            raise KeyboardInterrupt
        ran.append(student)
        return real(text, released, full, student, *rest)

    monkeypatch.setattr(pipeline, "run_text", execute)
    with pytest.raises(KeyboardInterrupt):
        pipeline.grade(root, jobs=1)
    ran.extend(["-"] * 3)
    pipeline.grade(root, jobs=1)
    assert ran.count("student0") == 1 and [row["points"] for row in pipeline.report(root)] == ["8"] * 3
    ran.clear()
    pipeline.grade(root, jobs=1)
    assert not ran  # nothing left to do


def test_without_a_sandbox_nothing_is_graded(plain, monkeypatch, capsys):
    monkeypatch.setattr(
        sandbox,
        "missing",
        lambda: "The sandbox needs bubblewrap; on Debian or Ubuntu: apt-get install bubblewrap.",
    )
    with pytest.raises(SystemExit, match="Nothing was graded.*bubblewrap.*--unsafe"):
        command.main(["grade", "--root", str(plain)])


@needs_sandbox
def test_a_leaking_sandbox_is_noticed(plain, monkeypatch):
    real = sandbox.command

    def leaking(arguments, *rest):
        argv = real(arguments, *rest)
        argv.remove("--unshare-net")
        at = argv.index("--setenv")
        return [*argv[:at], *sandbox.way_to(plain), "--ro-bind", str(plain), str(plain), *argv[at:]]

    plain.chmod(0o755)
    monkeypatch.setattr(sandbox, "command", leaking)
    found = " ".join(sandbox.probe([plain / "solutions"]))
    assert "solutions can be seen" in found and "can be reached" in found
    with pytest.raises(RuntimeError, match="isn't in force"):
        pipeline.grade(plain)


def test_unprotected_grading_says_so(tmp_path, capsys):
    root = make(tmp_path)
    hand_in(root, "student")
    command.main(["collect", str(root / "inbox"), "--root", str(root)])
    command.main(["grade", "--root", str(root), "--unsafe"])
    assert "UNPROTECTED" in capsys.readouterr().err
    assert pipeline.report(root)[0]["points"] == "8"


def test_nbgraders_own_autograde_runs_no_code(plain):
    """What the formgrader's button does: it records what ran in the sandbox, and nothing has."""
    from nbgrader.converters import Autograde

    hand_in(plain, "eager", code("open('ran', 'w')"))
    pipeline.collect(plain, plain / "inbox")
    with pytest.raises(RuntimeError, match="hasn't run in the sandbox"):
        pipeline.run_nbgrader(Autograde, pipeline.settings(plain), NAME, "eager")
    assert not list(plain.rglob("ran"))


# --- intake ----------------------------------------------------------------------------------


def cells_of(notebook):
    return [
        (c.metadata.get("nbgrader", {}).get("grade_id"), c.get("id"), c.cell_type, c.source)
        for c in notebook.cells
    ]


def test_own_cells_stay_where_they_were(plain):
    release = released(plain)
    own = nbformat.v4.new_code_cell(
        "helper = 1", metadata={"nbgrader": {"grade": True, "points": 50, "grade_id": "mine"}}
    )
    theirs = released(plain)
    theirs.cells.insert(4, own)
    merged = intake.merge(release, cells_of(theirs)).notebook
    assert merged.cells[4].source == "helper = 1" and not merged.cells[4].metadata
    assert [c.source for c in merged.cells if c.source != "helper = 1"] == [c.source for c in release.cells]


def test_answers_are_found_by_cell_id_where_the_metadata_are_lost(plain):
    release, theirs = released(plain), released(plain)
    for one in theirs.cells:
        one.metadata = {}
    cell_id = cell(release, "total").id
    next(c for c in theirs.cells if c.id == cell_id).source = PERFECT["total"]
    merged = intake.merge(release, cells_of(theirs)).notebook
    assert cell(merged, "total").source == PERFECT["total"] and len(merged.cells) == len(release.cells)


def test_merging_twice_gives_the_same_bytes(plain):
    theirs = cells_of(released(plain)) + [(None, "new", "code", "x = 1")] * 2
    texts = {nbformat.writes(intake.merge(released(plain), theirs).notebook) for _ in range(2)}
    assert len(texts) == 1


def test_of_several_files_the_newest_with_an_answer_counts(plain, tmp_path):
    """As browsers and Google Drive name them."""
    releases = {NAME: released(plain)}
    first, second, empty = released(plain), released(plain), released(plain)
    cell(first, "total").source, cell(second, "total").source = "first = 1", "second = 2"
    for age, (name, notebook) in enumerate(
        {f"{NAME}.ipynb": first, f"Copy of {NAME}.ipynb": second, f"{NAME} (1).ipynb": empty}.items()
    ):
        (tmp_path / name).write_text(nbformat.writes(notebook))
        os.utime(tmp_path / name, (age * 100, age * 100))
    chosen, refused, _ = intake.submitted(tmp_path, releases)
    assert cell(chosen[NAME].notebook, "total").source == "second = 2" and not refused
    assert "handed in 3 times" in chosen[NAME].remarks[0] and "Copy of" in chosen[NAME].remarks[0]
    for path in tmp_path.iterdir():  # unpacked in one second: the number tells
        os.utime(path, (0, 0))
    (tmp_path / f"{NAME} (1).ipynb").write_text("{")
    (tmp_path / f"{NAME} (2).ipynb").write_text(nbformat.writes(first))
    assert cell(intake.submitted(tmp_path, releases)[0][NAME].notebook, "total").source == "first = 1"


@pytest.mark.parametrize(
    "name, ok",
    [
        ("ada", True),
        ("a.b-c_1@x", True),
        ("../up", False),
        ("a+b", False),
        ("", False),
        (".hidden", False),
        ("a b", False),
    ],
)
def test_student_ids(name, ok):
    assert bool(intake.STUDENT_ID.fullmatch(name)) == ok


@pytest.mark.parametrize(
    "source, name",
    [
        ("sys.setprofile(None)", "setprofile"),
        ("import ctypes", "ctypes"),
        ("from threading import Thread", "threading"),
        ("def broken(:\n  sys._getframe", "_getframe"),
    ],
)
def test_what_the_watch_cannot_see_is_remarked(source, name):
    assert [f"cell 1 uses {name}: whether it calls a library isn't seen there"] == unseen({"cell 1": source})


def test_ordinary_code_gets_no_remark():
    ordinary = "import sys, os, numpy as np\nx = np.einsum('hwk,k->hw', maps, w)\n%matplotlib inline\n!ls"
    assert unseen({"cell 1": ordinary}) == []


# --- report ----------------------------------------------------------------------------------


def test_the_csv_is_quoted_and_no_formula(tmp_path):
    row = dict.fromkeys(pipeline.COLUMNS, "") | {
        "student": "=HYPERLINK(1)",
        "reason": 'a "b", c',
        "remarks": "@x\ny",
    }
    pipeline.write_csv([row], tmp_path / "report.csv")
    [back] = csv.DictReader(open(tmp_path / "report.csv", newline=""))
    assert (
        back["student"] == "'=HYPERLINK(1)" and back["reason"] == 'a "b", c' and back["remarks"] == "'@x\ny"
    )


def test_late_submissions_are_called_late(plain):
    from nbgrader.api import Gradebook

    path = hand_in(plain, "tardy")
    (path.parent / "timestamp.txt").write_text("2031-05-02 10:00:00 UTC")
    pipeline.collect(plain, plain / "inbox")
    with Gradebook(pipeline.settings(plain).CourseDirectory.db_url) as book:
        book.update_or_create_assignment(NAME, duedate="2031-05-01 10:00:00 UTC")
    pipeline.grade(plain, protected=not sandbox.missing())
    [row] = [r for r in pipeline.report(plain) if r["student"] == "tardy"]
    assert row["status"] == "late" and row["handed in"].startswith("2031-05-02")


def test_feedback_is_escaped():
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "<script>alert(1)</script>",
                metadata={"nbgrader": {"solution": True, "grade": False, "grade_id": "a<b"}},
            )
        ]
    )
    page = feedback.page(notebook, "<t>", {}, {"a<b": "<i>"})
    assert "<script>" not in page and "<t>" not in page and "<i>" not in page


# --- release ---------------------------------------------------------------------------------


def test_no_line_of_a_solution_reaches_the_release(plain):
    text = (plain / "exercises" / NAME / f"{NAME}.ipynb").read_text()
    for secret in (
        "secret",
        "HIDDEN",
        "SOLUTION",
        "MARK SCHEME",
        "size: 2 points",
        "doesn't depend",
        "return maps",
    ):
        assert secret not in text
    assert "NotImplementedError" in text and "YOUR ANSWER HERE" in text


def test_nothing_but_notebooks_is_released(plain, tmp_path):
    for name in ("TEACHER.md", "key.py", ".env", "notes.txt", "w.npz"):
        (plain / "solutions" / NAME / name).write_text("secret")
    pipeline.release(plain, tmp_path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [f"{NAME}.ipynb"]


def test_releasing_twice_gives_the_same_bytes(plain, tmp_path):
    pipeline.release(plain, tmp_path)
    path = f"{NAME}/{NAME}.ipynb"
    assert (tmp_path / path).read_bytes() == (plain / "exercises" / path).read_bytes()


@pytest.mark.parametrize(
    "line", ["### BEGIN HIDDEN TEST", "# begin solution", "### BEGIN SOLUTIONS", "### END HIDEN TESTS"]
)
def test_a_misspelt_marker_is_caught(tmp_path, line):
    root = make(tmp_path)
    path = root / "solutions" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell(notebook, "total_test").source += "\n" + line
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="none of"):
        pipeline.release(root, tmp_path / "out")


# --- what exercises use ----------------------------------------------------------------------


def test_numbers_belong_to_the_student(monkeypatch):
    monkeypatch.delenv(grading.STUDENT, raising=False)
    draw = [grading.variant(student).integers(10**9) for student in ("ada", " ADA ", "bob")]
    assert draw[0] == draw[1] != draw[2]
    monkeypatch.setenv(grading.STUDENT, "bob")
    assert grading.variant("ada").integers(10**9) == draw[2]


@pytest.mark.parametrize("student", ["", "  ", None, 7])
def test_what_is_no_id(monkeypatch, student):
    monkeypatch.delenv(grading.STUDENT, raising=False)
    with pytest.raises((ValueError, TypeError), match="student_id is"):
        grading.variant(student)


@pytest.mark.parametrize(
    "given, message",
    [
        (None, "nothing was given"),
        (..., "nothing was given"),
        ("seven", "a str was given"),
        ([1, 2], "shape \\(2,\\) was given"),
        (float("nan"), "NaN"),
        (3.1, "3.1 isn't right"),
    ],
)
def test_close_says_what_is_wrong(given, message):
    with pytest.raises(AssertionError, match=f"score: .*{message}"):
        grading.close("score", given, 3.0)


def test_check_runs_what_can_be_seen(plain, monkeypatch, capsys):
    monkeypatch.chdir(plain / "exercises" / NAME)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    import numpy as np

    given = {
        "close": grading.close,
        "maps": np.ones((2, 3, 4)),
        "mean": lambda m: m.sum(axis=(1, 2)),
        "total": lambda m: m.sum(axis=(1, 2)),
    }
    grading.check(namespace=given)
    assert capsys.readouterr().out.splitlines() == [
        "✓ total_test: what you can see of it passes (4 points)",
        "✗ mean_test: mean: 2 of 2 numbers aren't right.",
    ]


# --- the exercises of the course, all the way ------------------------------------------------


@needs_sandbox
@pytest.mark.parametrize("which", ["ex0[26]*", pytest.param("ex*", marks=pytest.mark.long)])
def test_every_exercise_of_the_course_is_graded_right(tmp_path, which):
    """Perfect, partial and untouched work on each of them: collected, run in the sandbox, in the gradebook,
    in the CSV. One with NumPy and one with Keras; `make long` tries all.
    """
    for part in ("solutions", "exercises"):
        for path in (ROOT / part).glob(which):
            shutil.copytree(path, tmp_path / part / path.name)
    expected = {}
    for name, source in pipeline.exercises(tmp_path).items():
        full = nbformat.read(source, as_version=4)
        by_id = {c.metadata.nbgrader.grade_id: c for c in full.cells if c.metadata.get("nbgrader")}
        answers = [grade_id for grade_id, c in by_id.items() if role(c) == "answer"]
        tests = {grade_id: c.metadata.nbgrader.points for grade_id, c in by_id.items() if role(c) == "test"}
        order = list(by_id)  # what the first answer earns: the tests up to the second
        firsts = sum(tests.get(grade_id, 0) for grade_id in order[: order.index(answers[1])])
        for student, given in {"perfect": answers, "partial": answers[:1], "untouched": []}.items():
            notebook = nbformat.read(tmp_path / "exercises" / name / f"{name}.ipynb", as_version=4)
            for one in notebook.cells:
                grade_id = one.metadata.get("nbgrader", {}).get("grade_id")
                if grade_id in given:
                    one.source = by_id[grade_id].source
            path = tmp_path / "inbox" / student / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, path)
            expected[student, name] = {"perfect": sum(tests.values()), "untouched": 0, "partial": firsts}[
                student
            ]
    pipeline.collect(tmp_path, tmp_path / "inbox")
    pipeline.grade(tmp_path, cell_seconds=60)
    rows = pipeline.report(tmp_path)
    assert {
        (row["student"], row["exercise"]): (row["status"], row["points"], row["possible"], row["remarks"])
        for row in rows
    } == {key: ("graded", f"{points:g}", "10", "") for key, points in expected.items()}


# --- the room, as root and as an ordinary user -----------------------------------------------

ASK_THE_PROBE = """import json, sys
from course_utils.grading import sandbox
print(json.dumps(sandbox.probe(json.loads(sys.argv[1]))))"""


@pytest.fixture
def by_user():
    """A function that asks the probe as root, if we are, or as nobody, and returns what it found."""
    python = Path("/usr/bin/python3")
    if sandbox.missing():
        missing("bubblewrap", sandbox.missing())
    if not python.exists():
        pytest.skip("no Python that everybody may run (/usr/bin/python3)")
    place = tempfile.TemporaryDirectory(prefix="course-room-")  # pytest's own folders are closed to others
    package = Path(place.name, "course_utils")
    (package / "grading").mkdir(parents=True)
    for part in ("__init__.py", "quiet.py", "grading/sandbox.py"):
        shutil.copy(ROOT / "course_utils" / part, package / part)
    (package / "grading" / "__init__.py").touch()  # the room needs nothing of it
    for path in (package.parent, *package.parent.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

    def ask(user, secrets):
        who = dict(user=65534, group=65534, extra_groups=[]) if user == "nobody" and os.getuid() == 0 else {}
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": place.name, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [python, "-c", ASK_THE_PROBE, json.dumps(secrets)],
            cwd="/",
            env=environment,
            capture_output=True,
            text=True,
            **who,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with place:
        yield ask


@pytest.mark.slow
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_nothing_of_the_grader_is_in_the_room_and_nothing_there_is_without_limit(by_user, user):
    assert by_user(user, [str(ROOT / "solutions")]) == []


@pytest.mark.slow
def test_the_probe_sees_what_it_asks_for(by_user):
    """The control: what is in there is found."""
    assert by_user("nobody", ["/usr/bin"]) == ["/usr/bin can be seen"]


# --- the lecturer opens a submission ---------------------------------------------------------

ATTACK = """<script>window.script = 1</script> <img src=x onerror="window.image = 1"> [link](javascript:window.link=1)
``` and a fence
<style>body { display: none }</style>"""
SHOWS = """from IPython.display import HTML, Javascript, display
display(HTML("<script>window.html = 1</script><img src=x onerror='window.htmlimage = 1'>"), Javascript("window.javascript = 1"))
display({"image/png": "x' onerror='window.png = 1", "image/svg+xml": "<svg onload='window.svg = 1'/>", "text/plain": "shown"}, raw=True)"""


@pytest.mark.slow
@pytest.mark.browser
def test_nothing_that_a_student_wrote_runs_in_the_lecturers_browser(tmp_path):
    from nbgrader.api import Gradebook

    if not real.chromium():
        missing("chromium", "no Chromium on the PATH (Debian: apt-get install chromium)")
    root = tmp_path / "course"
    make(root)

    def attack(notebook):
        notebook.cells.insert(1, nbformat.v4.new_code_cell(SHOWS))
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(ATTACK))

    hand_in(root, "mallory", {**PERFECT, "opinion": ATTACK}, attack)
    command.main(["collect", str(root / "inbox"), "--root", str(root)])
    command.main(["grade", "--root", str(root), "--unsafe", "--jobs", "1"])
    command.main(["report", "--root", str(root)])
    (root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    with Gradebook(pipeline.settings(root).CourseDirectory.db_url) as book:
        submission = book.find_submission_notebook(NAME, NAME, "mallory").id
    with real.jupyterlab(root, started_in=root) as address, real.browser() as browser:
        page = browser.new_page()
        page.goto(f"{address}/formgrader/submissions/{submission}")
        page.wait_for_selector("text=window.script")
        page.wait_for_timeout(1500)
        ran = page.evaluate(
            "['script', 'image', 'html', 'htmlimage', 'javascript', 'png', 'svg'].filter(name => name "
            "in window)"
        )
        assert ran == [] and page.locator("a[href^=javascript]").count() == 0
        assert page.locator("text=and a fence").count() == 2 and page.locator("text=shown").count() >= 1
    feedback_page = next((root / "grading" / "feedback" / "mallory").rglob("*.html")).read_text()
    assert "&lt;script&gt;window.script" in feedback_page and "```text" not in feedback_page
