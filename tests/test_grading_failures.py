"""What goes wrong with the machine and not with a student: a sentence says what to do, and nobody pays for it."""

import errno
import sqlite3

from course_utils import files
from course_utils.grading import __main__ as command
from course_utils.grading import examiner, nbgrader_settings, pipeline

import pytest
from toy_course import NAME, hand_in, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = make(tmp_path_factory.mktemp("course"))
    for student in ("ada", "bob"):
        hand_in(root, student)
    pipeline.collect(root, root / "inbox")
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Submissions aren't run: this is about what is done with them."""
    monkeypatch.setattr(
        pipeline, "run_text", lambda text, released, full, *_: (_with_tests(text, full), "", [])
    )


def _with_tests(text, full):
    import nbformat

    sources = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in full.cells}
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = sources[cell.metadata.nbgrader.grade_id]
    return nbformat.writes(notebook)


def grade(root, *options):
    command.main(["grade", "--root", str(root), "--unsafe", *options])


def points(root):
    return [row["points"] for row in pipeline.report(root)]


def said(root, step=grade):
    with pytest.raises(SystemExit) as caught:
        step(root)
    return str(caught.value)


def full_disk(path, text):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_the_batch_and_the_next_call_goes_on(course, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", full_disk)
        assert "The disk is full: make room. Then call it again." in said(course)
    assert {o[NAME]["status"] for o in pipeline.remembered(course).values()} == {"collected"}
    grade(course)
    assert points(course) == ["8", "8"]


def test_a_locked_gradebook_stops_the_batch_and_the_next_call_goes_on(course, monkeypatch):
    from nbgrader.converters import Autograde

    def locked(self):
        raise RuntimeError("(sqlite3.OperationalError) database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(Autograde, "start", locked)
        with pytest.raises(SystemExit, match="Another program uses the gradebook: close it"):
            grade(course, "--again")
    grade(course, "--again")
    assert points(course) == ["8", "8"]


def test_what_is_missing_in_the_gradebook_is_graded_again(course, capsys):
    grade(course)
    (course / "grading" / "gradebook.db").unlink()
    assert {row["status"] for row in pipeline.report(course)} == {"failed"}
    grade(course)
    assert points(course) == ["8", "8"]


def test_a_damaged_gradebook_is_named(course):
    grade(course)
    path = course / "grading" / "gradebook.db"
    whole = path.read_bytes()
    path.write_bytes(b"no database at all" * 1000)
    assert "gradebook.db is damaged: put a copy of it back" in said(course)
    path.write_bytes(whole)
    assert points(course) == ["8", "8"]


def test_a_gradebook_that_another_program_holds_is_named(course, monkeypatch):
    holder = sqlite3.connect(course / "grading" / "gradebook.db", isolation_level=None)
    holder.execute("begin exclusive")
    try:
        assert "Another program uses the gradebook" in said(course)
    finally:
        holder.close()


def test_alembic_that_is_not_there_is_named(course, monkeypatch, tmp_path):
    root = make(tmp_path)
    monkeypatch.setattr(nbgrader_settings.sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "`alembic` isn't found: `pip install" in said(root, lambda root: grade(root))


def test_damaged_outcomes_are_named(course):
    path = course / "grading" / "outcomes.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    assert "outcomes.json is damaged: delete it" in said(course)
    path.write_text(whole)


def test_a_cell_of_ours_that_does_not_run_is_no_students_fault(course, monkeypatch):
    def broken(*_):
        raise examiner.OurFault("cell given can't be run: ImportError('h5py')")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_text", broken)
        with pytest.raises(SystemExit, match="cell given can't be run"):
            grade(course, "--again")
    assert {o[NAME]["status"] for o in pipeline.remembered(course).values()} == {"graded"}
