"""Exercises run without a kernel, cell by cell in one namespace: fast, for hundreds of wrong answers."""

import contextlib
import io
import os
from pathlib import Path
from typing import NamedTuple

from course_utils import grading

import nbformat

ROOT = Path(__file__).parents[1]
SOLUTIONS = sorted((ROOT / "solutions").glob("ex*/ex*.ipynb"))


class Wrong(NamedTuple):
    """A plausible wrong answer: the answer cells it replaces, and what each test that must fail says."""

    name: str
    answers: dict  # grade_id of the answer cell -> source
    lost: dict  # grade_id of the test cell -> part of the message


class Right(NamedTuple):
    """A right answer written differently: it must get full marks."""

    name: str
    answers: dict


class Outcome(NamedTuple):
    points: dict  # grade_id -> points of each test that passed, 0 for one that failed
    messages: dict  # grade_id -> what the tests that failed said
    namespace: dict


def role(cell):
    """ "answer", "test", "manual", "locked" or "" for a cell of an exercise."""
    about = cell.metadata.get("nbgrader", {})
    grade, solution = about.get("grade"), about.get("solution")
    return {(True, True): "manual", (False, True): "answer", (True, False): "test"}.get(
        (grade, solution), "locked" if about.get("locked") else ""
    )


def run(path, answers=None, student="self-study", pictures=False):
    """Execute the cells of an exercise with some answers replaced, without its pictures: an `Outcome`."""
    answers, left = dict(answers or {}), set(answers or {})
    namespace, points, messages = {"__name__": "__main__"}, {}, {}
    before = os.environ.get(grading.STUDENT)
    os.environ[grading.STUDENT] = student
    folder = os.getcwd()
    os.chdir(Path(path).parent)
    try:
        for cell in nbformat.read(path, as_version=4).cells:
            about, kind = cell.metadata.get("nbgrader", {}), role(cell)
            if cell.cell_type != "code" or not (pictures or kind) and "plots." in cell.source:
                continue
            grade_id = about.get("grade_id")
            source = answers.get(grade_id, cell.source)
            left.discard(grade_id)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(source, f"<{grade_id or cell.id}>", "exec"), namespace)
                error = None
            except Exception as caught:
                error = caught
            if kind == "test":
                points[grade_id] = 0 if error else about["points"]
                if error:
                    messages[grade_id] = f"{type(error).__name__}: {error}"
            elif error and kind != "answer":
                raise AssertionError(
                    f"Cell {grade_id or cell.id} of {Path(path).name} can't be run: {error!r}"
                ) from error
    finally:
        os.chdir(folder)
        if before is None:
            del os.environ[grading.STUDENT]
        else:
            os.environ[grading.STUDENT] = before
    assert not left, f"There is no answer cell {left} in {Path(path).name}."
    return Outcome(points, messages, namespace)
