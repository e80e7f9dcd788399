"""No student's work is lost: notebooks as JupyterLab, VS Code and Colab write them, collected, graded and
reported.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import missing
from course_utils.grading import execute, feedback, intake, merging, nbgrader_settings, pipeline, sandbox

import editors
import nbformat
import pytest
from editors import own, place
from exercise import ROOT
from toy_course import NAME, PERFECT, hand_in, make, released, solution

pytestmark = pytest.mark.slow

HELPER = "def helper(m):\n    return m.sum(axis=2)"
USES = "def total(maps):\n    return helper(maps).sum(axis=1)"
LONG = "def total(maps):\n    rows = maps.sum(axis=1)\n\n    return rows.sum(axis=1)"
WRONG = "def total(maps):\n    return 0"


def gave(**answers):
    return {**PERFECT, **answers}


def helper_before(notebook):
    notebook.cells.insert(place(notebook, "total"), own(HELPER))


def helper_in_vscode(notebook):
    helper_before(notebook)
    return editors.vscode(notebook)


def helper_on_top_in_colab(notebook):
    notebook.cells.insert(0, own(HELPER))
    return editors.colab(notebook)


def helper_in_the_cell_for_the_id(notebook):
    notebook.cells[1].source = 'my_id = "ada"\n' + HELPER


def helper_in_a_locked_cell(notebook):
    notebook.cells[2].source += "\n\n" + HELPER


def helper_pasted_over_a_copied_test(notebook):
    again = nbformat.from_dict(json.loads(json.dumps(notebook.cells[place(notebook, "total_test")])))
    again.id, again.source = "pasted", HELPER
    notebook.cells.insert(place(notebook, "total"), again)


def split_at(line, save=None):
    def change(notebook):
        editors.split(notebook, "total", line)
        return save and save(notebook)

    return change


def split_and_all_lost(notebook):
    editors.split(notebook, "total", 2)
    return editors.bare(notebook)


def split_in_vscode(notebook):
    """There the second half has no metadata."""
    editors.split(notebook, "total", 2)
    notebook.cells[place(notebook, "total") + 1].metadata = {}
    return editors.vscode(notebook)


def split_where_the_values_begin(notebook):
    notebook.cells[
        place(notebook, "total")
    ].source = "total = None\nfactor = 1\n\ndef total(m):\n    return factor * m.sum(axis=(1, 2))"
    editors.split(notebook, "total", 3)


def one_cell_of_two_answers_and_a_test(notebook):
    first = place(notebook, "total")
    editors.merged(notebook, first, first + 3, first)


def wrong_answer_merged_with_a_right_one(notebook):
    first = place(notebook, "total")
    editors.merged(notebook, first, first + 3, first + 2)


def merged_into_the_text_above(notebook):
    notebook.cells.insert(3, own("My answer:", "markdown"))
    notebook.cells[3].source = "# A toy (10 points)"
    editors.merged(notebook, 3, 5, 3)


def pasted_at_the_end(notebook):
    notebook.cells.append(own(editors.deleted(notebook, "total").source))


def pasted_beside_the_untouched_cell(notebook):
    stub = released_stub(notebook)
    notebook.cells.insert(place(notebook, "total"), own(PERFECT["total"]))
    notebook.cells[place(notebook, "total")].source = stub


def released_stub(notebook):
    return "def total(maps):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def all_in_one_cell_at_the_end(notebook):
    notebook.cells.append(
        own("\n\n".join(editors.deleted(notebook, name).source for name in ("total", "mean")))
    )


def moved_to_the_end_with_its_helper(notebook):
    notebook.cells.append(own(HELPER))
    editors.moved(notebook, "total", None)


def moved_up(notebook):
    editors.moved(notebook, "mean", 0)


def copies(first, second, ran):
    def change(notebook):
        at = place(notebook, "total")
        again = nbformat.from_dict(json.loads(json.dumps(notebook.cells[at])))
        again.id = "copy"
        for cell, source, number in zip((notebook.cells[at], again), (first, second), ran):
            cell.source, cell.execution_count = source, number
        notebook.cells.insert(at + 1, again)

    return change


def odd_ids(notebook):
    content = json.loads(nbformat.writes(notebook))
    for number, cell in enumerate(content["cells"]):
        cell["id"] = [[], {}, 7, None, "toy-03"][number % 5]
    content["cells"].insert(
        0, {"cell_type": "code", "id": ["a"], "metadata": [], "source": ["x = 1\n", 5], "outputs": []}
    )
    return json.dumps(content)


def half_a_character(notebook):
    notebook.cells.append(own("# \ud83d"))
    return json.dumps(json.loads(json.dumps(notebook)))


def formatted(notebook):
    """What "format on save" does to every cell, the locked ones too."""
    test = notebook.cells[place(notebook, "total_test")]
    test.source = test.source.replace('"', "'").replace(", ", ",\n    ") + "\n"


def byte_order_mark(notebook):
    return "\ufeff" + nbformat.writes(notebook)


def many_that_sleep(notebook):
    notebook.cells[2:2] = [own(f"import time\ntime.sleep(0.9)  # {n}") for n in range(merging.OWN + 50)]


def floods(notebook):
    notebook.cells[
        place(notebook, "total")
    ].source = "def total(maps):\n    print('debug ' * 100_000)\n    return maps"


# student: (answers, what the student or the editor did, points of 8, part of the remarks)
BATCH = {
    "helper": (gave(total=USES), helper_before, 8, ""),
    "helper_vscode": (gave(total=USES), helper_in_vscode, 8, ""),
    "helper_colab": (gave(total=USES), helper_on_top_in_colab, 8, ""),
    "helper_id_cell": (gave(total=USES), helper_in_the_cell_for_the_id, 8, ""),
    "helper_locked_cell": (gave(total=USES), helper_in_a_locked_cell, 8, ""),
    "helper_pasted_over": (gave(total=USES), helper_pasted_over_a_copied_test, 8, ""),
    "split": (gave(total=HELPER + "\n\n" + USES), split_at(3), 8, "is there 2 times"),
    "split_inside": (gave(total=LONG), split_at(2), 8, ""),
    "split_colab": (gave(total=LONG), split_at(2, editors.colab), 8, ""),
    "split_bare": (gave(total=LONG), split_and_all_lost, 8, ""),
    "split_vscode": (gave(total=LONG), split_in_vscode, 8, ""),
    "split_values": (PERFECT, split_where_the_values_begin, 8, ""),
    "merged": (PERFECT, one_cell_of_two_answers_and_a_test, 8, "mean was found in another cell"),
    "merged_wrong": (
        gave(total=WRONG),
        wrong_answer_merged_with_a_right_one,
        4,
        "total was found in another cell",
    ),
    "merged_text": (PERFECT, merged_into_the_text_above, 8, "total was found in another cell"),
    "pasted": (PERFECT, pasted_at_the_end, 8, "total was found in another cell"),
    "pasted_beside": (PERFECT, pasted_beside_the_untouched_cell, 8, "total was found in another cell"),
    "all_in_one": (PERFECT, all_in_one_cell_at_the_end, 8, "mean was found in another cell"),
    "moved_down": (gave(total=USES), moved_to_the_end_with_its_helper, 8, ""),
    "moved_up": (PERFECT, moved_up, 8, ""),
    "bare": (PERFECT, editors.bare, 8, ""),
    "colab": (PERFECT, editors.colab, 8, ""),
    "colab_lost": (PERFECT, lambda n: editors.colab(n, keeps=False), 8, ""),
    "windows": (PERFECT, editors.crlf, 8, ""),
    "backup_above": (PERFECT, copies(WRONG, PERFECT["total"], (None, None)), 8, "worked on last"),
    "backup_below": (PERFECT, copies(PERFECT["total"], WRONG, (9, 2)), 8, "worked on last"),
    "odd_ids": (PERFECT, odd_ids, 8, ""),
    "half_a_character": (PERFECT, half_a_character, 8, ""),
    "formatted": (PERFECT, formatted, 8, ""),
    "mark": (PERFECT, byte_order_mark, 8, ""),
    "sleeps": (PERFECT, many_that_sleep, 8, "cells of the student's own didn't run"),
    "floods": ({**PERFECT}, floods, 4, ""),
    "quit": (gave(total="quit"), None, 4, "cell 4: quit, exit or SystemExit"),
    "exit_in_function": (gave(total="def total(maps):\n    exit(0)"), None, 4, ""),
    "system_exit": (
        gave(total="def stop():\n    raise SystemExit\nstop()"),
        None,
        4,
        "cell 4: quit, exit or SystemExit",
    ),
    "sys_exit": (gave(total="import sys\ndef total(maps):\n    sys.exit(0)"), None, 4, ""),
    "shows_a_number": (
        gave(
            total="from IPython.display import display\ndisplay({'text/plain': 7}, raw=True)\n"
            + PERFECT["total"]
        ),
        None,
        8,
        "",
    ),
}


# The others are merged and run here, without a kernel each: that is forty seconds less.
IN_A_KERNEL = {
    "helper_vscode",
    "helper_colab",
    "split",
    "split_vscode",
    "merged",
    "pasted",
    "moved_down",
    "bare",
    "colab_lost",
    "windows",
    "odd_ids",
    "half_a_character",
    "sleeps",
    "floods",
    "quit",
    "exit_in_function",
    "system_exit",
    "sys_exit",
    "shows_a_number",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    root, rows = make(tmp_path_factory.mktemp("editors")), {}
    for student, (answers, change, *_) in BATCH.items():
        path = hand_in(root, student, answers, change)
        if student not in IN_A_KERNEL:
            merged = intake.merge(released(root), intake.read(path))
            rows[student] = {
                "status": "graded",
                "points": str(points_of(merged.notebook)),
                "remarks": "; ".join(merged.remarks),
            }
            shutil.rmtree(path.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "OWN", 1)
        pipeline.collect(root, root / "inbox")
        pipeline.grade(root, jobs=2, cell_seconds=5, protected=not sandbox.missing())
    return rows | {row["student"]: row for row in pipeline.report(root)}


def points_of(notebook):
    """Points of the tests that pass, hidden parts and all, when the cells run one after the other."""
    hidden = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solution().cells
        if "nbgrader" in cell.metadata
    }
    namespace, points = {"__name__": "__main__"}, 0
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code":
            try:
                exec(hidden[about.grade_id] if about.get("locked") else cell.source, namespace)
                points += about.get("points", 0)
            except Exception as error:
                print(f"{about.get('grade_id')}: {error!r}")  # pytest shows it where a point is missing
    return points


@pytest.mark.parametrize("student", BATCH)
def test_no_point_is_lost_by_an_editor(graded, student):
    row, (_, _, points, words) = graded[student], BATCH[student]
    assert (row["status"], row["points"]) == ("graded", str(points)), row
    assert words in row["remarks"], row


def test_nobody_is_accused(graded):
    assert not {
        student: row["remarks"] for student, row in graded.items() if "another version" in row["remarks"]
    }


def test_what_was_cut_is_said(graded):
    assert f"left out: the last 50 of {merging.OWN + 50} cells" in graded["sleeps"]["remarks"]


# --- text, which a person grades -------------------------------------------------------------


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return released(make(tmp_path_factory.mktemp("course")))


def opinion(release, *cells):
    """The text answer after these cells stand where it was; None is the untouched cell."""
    theirs = [
        (c.metadata.get("nbgrader", {}).get("grade_id"), c.id, c.cell_type, c.source) for c in release.cells
    ]
    theirs[7:] = [theirs[7] if c is None else c for c in cells]
    notebook = intake.merge(release, theirs).notebook
    return notebook.cells[place(notebook, "opinion")].source


ANSWER = ("opinion", "toy-07", "markdown", "It grows.")


@pytest.mark.parametrize(
    "cells, text",
    [
        ([ANSWER, (None, "n", "markdown", "And more.")], "It grows.\n\nAnd more."),
        ([ANSWER, ("opinion", "half", "markdown", "And more.")], "It grows.\n\nAnd more."),
        ([ANSWER, ("opinion", "copy", "markdown", "It grows.")], "It grows."),
        ([None, (None, None, "markdown", "It grows.")], "It grows."),
        ([(None, None, "markdown", "It grows."), None], "It grows."),
        ([(None, None, "markdown", "It grows.")], "It grows."),
        ([ANSWER, (None, "n", "raw", "And more.")], "It grows.\n\nAnd more."),
        ([ANSWER, (None, "n", "code", "plot()"), (None, "m", "markdown", "So.")], "It grows.\n\nSo."),
        ([(None, "toy-00", "markdown", "# A toy (10 points)\nIt grows."), None], "YOUR ANSWER HERE"),
    ],
)
def test_text_goes_on_in_other_cells(release, cells, text):
    assert opinion(release, *cells) == text


def test_text_in_a_cell_of_the_release_is_kept(release):
    theirs = [
        (None, c.id, c.cell_type, c.source + "\nNote to self." * (c.id == "toy-00")) for c in release.cells
    ]
    assert intake.merge(release, theirs).notebook.cells[1].source == "Note to self."


# --- where it is called ----------------------------------------------------------------------


def test_one_that_cannot_be_taken_in_stops_no_other(tmp_path, monkeypatch, capsys):
    root, real = make(tmp_path), intake.merge
    hand_in(root, "bad", {"total": "boom"})
    hand_in(root, "good")

    def merge(release, cells):
        assert not any(cell.source == "boom" for cell in cells), "what nobody thought of"
        return real(release, cells)

    monkeypatch.setattr(intake, "merge", merge)
    outcomes = pipeline.collect(root, root / "inbox")
    assert outcomes["good"][NAME]["status"] == "collected"
    assert (
        outcomes["bad"][NAME]["status"] == "failed"
        and "what nobody thought of" in outcomes["bad"][NAME]["reason"]
    )


def test_one_that_cannot_be_run_stops_no_other(tmp_path, monkeypatch):
    root, real = make(tmp_path), pipeline.run_text
    hand_in(root, "bad")
    hand_in(root, "good")

    def run(text, released, full, student, *rest):
        if student == "bad":
            raise ValueError("what nobody thought of")
        return real(text, released, full, student, *rest)

    monkeypatch.setattr(pipeline, "run_text", run)
    pipeline.collect(root, root / "inbox")
    pipeline.grade(root, protected=False)
    rows = {row["student"]: row for row in pipeline.report(root)}
    assert rows["good"]["points"] == "8"
    assert rows["bad"]["status"] == "failed" and "what nobody thought of" in rows["bad"]["reason"]


def test_a_page_that_cannot_be_written_stops_no_other(tmp_path, monkeypatch):
    root = make(tmp_path)
    rows = [
        {"student": name, "exercise": NAME, "status": "graded", "remarks": ""} for name in ("bad", "good")
    ]

    def write_page(root, book, row):
        if row["student"] == "bad":
            raise ValueError("what nobody thought of")

    monkeypatch.setattr(feedback, "_write_page", write_page)
    assert feedback.write(root, rows) == 1
    assert rows[0]["remarks"] == "no page of feedback: what nobody thought of" and not rows[1]["remarks"]


def test_a_name_that_is_no_text_is_refused(tmp_path, capsys):
    root = make(tmp_path)
    path = hand_in(root, "student")
    os.rename(path, os.fsencode(path.parent) + b"/caf\xe9.txt")
    os.mkdir(os.fsencode(root / "inbox") + b"/caf\xe9")
    assert pipeline.collect(root, root / "inbox") == {"student": {}}
    assert "caf?" in capsys.readouterr().out


def test_a_submission_has_its_time(monkeypatch):
    monkeypatch.setattr(execute, "ALL", execute.OWN + 1)
    notebook = nbformat.v4.new_notebook(cells=[own(f"import time\ntime.sleep(1.5)  # {n}") for n in range(3)])
    released, full = nbformat.from_dict(notebook), nbformat.v4.new_notebook()
    remarks = execute.execute(notebook, released, full, "student", 2, protected=False)
    assert [len(cell.outputs) for cell in notebook.cells] == [0, 1, 1]
    assert remarks == [f"1 cells didn't run: a submission has {execute.ALL * 2} seconds altogether"]


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    root = make(tmp_path_factory.mktemp("root"))
    hand_in(root, "student")
    (root / "sub").mkdir()
    (root.parent / "link").symlink_to(root)
    return root


@pytest.mark.parametrize(
    "folder, given", [(".", "."), ("sub", ".."), ("..", "link"), ("..", "{name}/sub/..")]
)
def test_the_course_is_found_however_its_folder_is_given(handed_in, monkeypatch, folder, given):
    monkeypatch.chdir(handed_in / folder)
    root = given.format(name=handed_in.name)
    pipeline.collect(root, handed_in / "inbox")
    pipeline.grade(root, again=True, protected=not sandbox.missing())
    assert [row["points"] for row in pipeline.report(root)] == ["8"]


def test_another_clone_grades_with_its_own_package(handed_in, tmp_path):
    """Called through links and .., with the Python in which this package is installed."""
    if sandbox.missing():
        missing("bubblewrap", sandbox.missing())
    shutil.copytree(
        ROOT / "course_utils",
        tmp_path / "clone" / "course_utils",
        ignore=shutil.ignore_patterns("__pycache__", "weights"),
    )
    (tmp_path / "link").symlink_to(sys.prefix)
    python = tmp_path / "clone" / ".." / "link" / Path(sys.executable).relative_to(sys.prefix)
    for step in (["collect", handed_in / "inbox"], ["grade", "--again"]):
        done = subprocess.run(
            [python, "-m", "course_utils.grading", *step, "--root", handed_in],
            cwd=tmp_path / "clone",
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
        )
    assert done.stdout == "1 graded, 0 failed\n", done.stderr


def test_the_gradebook_opens_though_no_environment_is_active(tmp_path):
    """nbgrader calls `alembic` by its name, and on a hub, or by a full path, that isn't on the PATH."""
    code = (
        "import sys; from course_utils.grading import nbgrader_settings; from nbgrader.api import Gradebook\n"
        "with Gradebook(nbgrader_settings.settings(sys.argv[1]).CourseDirectory.db_url) as book: "
        "print(book.assignments)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stderr


def test_the_settings_make_the_folder_that_nbgrader_needs(tmp_path):
    from nbgrader.api import Gradebook

    with Gradebook(nbgrader_settings.settings(tmp_path).CourseDirectory.db_url) as book:
        assert book.assignments == []
