"""Every exercise: its solution is right for everybody, each plausible wrong answer loses exactly the points
it should.
"""

import importlib
import re
import sys
from pathlib import Path

import nbformat
import pytest
from exercise import ROOT, SOLUTIONS, role, run

sys.path.insert(0, str(Path(__file__).parent / "mutants"))
MUTANTS = {
    path.stem[:4]: importlib.import_module(path.stem[:4])
    for path in SOLUTIONS
    if (Path(__file__).parent / "mutants" / f"{path.stem[:4]}.py").exists()
}
BY_NAME = {path.stem[:4]: path for path in SOLUTIONS}
STUDENTS = ["self-study", "ada", "s1234567", "bob@example.org"]
# Other numbers for the same question; `make long` tries them, too.
RELATIVES = [pytest.param(name, marks=pytest.mark.long) for name in STUDENTS[1:]]
each = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
pytestmark = pytest.mark.slow


# Each run of these computes features anew. `make long` tries all of their wrong answers.
WITH_KERAS = {"ex04", "ex11"}


def mutants(kind):
    return [
        pytest.param(
            name,
            one,
            id=f"{name}-{one.name}",
            marks=pytest.mark.long if kind == "WRONG" and name in WITH_KERAS else [],
        )
        for name, module in MUTANTS.items()
        for one in getattr(module, kind)
    ]


def cells(path):
    return nbformat.read(path, as_version=4).cells


def possible(path):
    """{grade_id: points} of the tests that a machine grades."""
    return {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
        for cell in cells(path)
        if role(cell) == "test"
    }


@each
def test_its_points_are_ten_and_as_the_text_says(path):
    graded = [cell.metadata.nbgrader.points for cell in cells(path) if role(cell) in ("test", "manual")]
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    assert sum(graded) == 10 and "10 points" in text
    assert sum(map(int, re.findall(r"^## .*\((\d+) points?\)", text, re.M))) == 10
    assert any(role(cell) == "manual" for cell in cells(path)), "one question is graded by a person"


@each
def test_points_belong_to_their_heading(path):
    """Behind each heading with points come the cells that give them."""
    wanted, given = [], []
    for cell in cells(path):
        heading = (
            re.search(r"^## .*\((\d+) points?\)", cell.source, re.M) if cell.cell_type == "markdown" else None
        )
        if heading and role(cell) == "":
            wanted.append(int(heading[1]))
            given.append(0)
        if role(cell) in ("test", "manual"):
            given[-1] += cell.metadata.nbgrader.points
    assert given == wanted


@each
@pytest.mark.parametrize(
    "student",
    [*STUDENTS[:2], *RELATIVES[1:], *(pytest.param(f"student{i}", marks=pytest.mark.long) for i in range(4))],
)
def test_the_solution_is_right_for_everybody(path, student):
    outcome = run(path, student=student, pictures=student == STUDENTS[0])
    assert not outcome.messages and outcome.points == possible(path)


@each
def test_untouched_it_gives_nothing_and_does_not_crash(path):
    released = ROOT / "exercises" / path.stem / path.name
    answers = {
        cell.metadata.nbgrader.grade_id: cell.source for cell in cells(released) if role(cell) == "answer"
    }
    assert answers and not any("BEGIN SOLUTION" in source for source in answers.values())
    outcome = run(path, answers)
    assert sum(outcome.points.values()) == 0
    assert set(outcome.messages) == set(possible(path))


@each
def test_it_has_enough_wrong_answers_to_prove_itself(path):
    module = MUTANTS[path.stem[:4]]
    assert len(module.WRONG) >= 6 and len(module.RIGHT) >= 3
    lost = {test for wrong in module.WRONG for test in wrong.lost}
    assert lost == set(possible(path)), "every test must have a wrong answer that it alone is there for"


@pytest.mark.parametrize("name, wrong", mutants("WRONG"))
@pytest.mark.parametrize("student", [STUDENTS[0], RELATIVES[0]])
def test_a_wrong_answer_loses_exactly_its_points(name, wrong, student):
    path = BY_NAME[name]
    outcome = run(path, wrong.answers, student)
    assert set(outcome.messages) == set(wrong.lost), outcome.messages
    for test, words in wrong.lost.items():
        assert words in outcome.messages[test], outcome.messages[test]
    expected = {test: 0 if test in wrong.lost else points for test, points in possible(path).items()}
    assert outcome.points == expected


@pytest.mark.parametrize("name, right", mutants("RIGHT"))
@pytest.mark.parametrize("student", [STUDENTS[0], RELATIVES[0]])
def test_a_right_answer_written_differently_gets_everything(name, right, student):
    outcome = run(BY_NAME[name], right.answers, student)
    assert not outcome.messages and outcome.points == possible(BY_NAME[name])


@each
def test_a_neighbours_numbers_fail(path):
    """What somebody else worked out by hand is wrong here: answers that are plain numbers are individual."""
    mine, theirs = run(path, student="ada").namespace, run(path, student="bob").namespace
    by_hand = [cell for cell in cells(path) if role(cell) == "answer"][0]
    names = re.findall(r"^(\w+) = (?:None|\.\.\.)", by_hand.source, re.M)
    assert names, "the warm-up's numbers start as None"
    copied = "\n".join(f"{name} = {theirs[name]!r}" for name in names)
    outcome = run(
        path,
        {by_hand.metadata.nbgrader.grade_id: f"import numpy as np\nfrom numpy import array\n{copied}"},
        "ada",
    )
    assert outcome.messages, f"{names} are the same for both: {[mine[n] for n in names]}"


# --- what students get -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    from course_utils.grading import pipeline

    folder = tmp_path_factory.mktemp("exercises")
    pipeline.release(ROOT, folder)
    return folder


@each
def test_what_is_to_be_copied_into_a_cell_runs(path):
    texts = [cell.source for cell in cells(path) if cell.cell_type == "markdown"]
    blocks = [block for text in texts for block in re.findall(r"```python\n(.+?)```", text, re.DOTALL)]
    namespace = run(path).namespace if blocks else {}
    for block in blocks:
        exec(compile(block, f"<copied from {path.name}>", "exec"), namespace)


def test_exercises_are_what_solutions_make(generated):
    """If this fails: `make exercises`, and commit what it wrote."""
    new, old = (
        {
            p.relative_to(folder): p.read_bytes()
            for p in folder.rglob("*")
            if p.is_file() and ".ipynb_checkpoints" not in p.parts
        }
        for folder in (generated, ROOT / "exercises")
    )
    assert sorted(new) == sorted(old)
    assert all(new[name] == old[name] for name in new), [str(name) for name in new if new[name] != old[name]]


@each
def test_nothing_secret_reaches_the_students(path):
    """No line of a solution, hidden test, mark scheme or model answer, no marker, no output."""
    text = (ROOT / "exercises" / path.stem / path.name).read_text(encoding="utf-8")
    released = nbformat.reads(text, as_version=4)
    public = {line.strip() for cell in released.cells for line in cell.source.splitlines()}
    secret, shown = set(), set()  # lines that also occur where everybody may read them are no secret
    for cell in cells(path):
        hidden = whole = (
            role(cell) == "manual" and cell.cell_type == "markdown" and "BEGIN SOLUTION" not in cell.source
        )
        for line in cell.source.splitlines():
            hidden = hidden or "### BEGIN" in line
            (secret if hidden else shown).add(line.strip())
            hidden = whole or hidden and "### END" not in line
    assert secret - shown and not (secret - shown) & public
    for marker in ("BEGIN ", "END ", "HIDDEN", "MARK SCHEME"):
        assert f"### {marker}" not in text
    assert all(not cell.get("outputs") for cell in released.cells)
    assert released.nbformat_minor == 5 and len({cell.id for cell in released.cells}) == len(released.cells)


@each
def test_teachers_notes_are_there_and_stay(path):
    notes = (path.parent / "TEACHER.md").read_text(encoding="utf-8")
    assert "minutes" in notes.lower() and "mistake" in notes.lower() and "rubric" in notes.lower()
    assert not (ROOT / "exercises" / path.stem / "TEACHER.md").exists()
