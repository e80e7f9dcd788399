"""One submission executed and examined: two processes, each in a sandbox of its own, that talk to each other.

Whatever the code does, it ends: every cell has its time, every output its size, all of it a limit by the
clock. What comes back to the grader is one text of bounded size, from the examiner.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from typing import NamedTuple

from course_utils.grading import STUDENT, sandbox
from course_utils.grading.code import defined, gives, takes
from course_utils.grading.examiner import START, Failed, OurFault

import nbformat

OWN, ALL = 4, 20  # times a cell's time, for all cells of the student's own, and for the whole notebook
LARGEST = 20_000_000  # bytes of what the examiner reports


def execute(notebook, released, full, student, cell_seconds=30, protected=True):
    """Fill the outputs of the notebook's code cells, in place; returns remarks on what was cut short.

    notebook: what was handed in, as `intake` gives it. released, full: the exercise as students get it, and
    as it is. Tests get the sources of `full`, and as outputs nothing, or what they say. Raises `Failed` where
    the student's code didn't survive, `OurFault` where the exercise itself can't be run.
    """
    job = _job(notebook, released, full, student, cell_seconds)
    result = _examine(job, student, ALL * cell_seconds * 2 + START, protected)
    if "our fault" in result:
        raise OurFault(result["our fault"])
    if "failed" in result:
        raise Failed(result["failed"])
    sources = {_grade_id(cell): cell.source for cell in full.cells if _is_locked(cell)}
    for number, cell in enumerate(notebook.cells, start=1):
        cell.source = sources.get(_grade_id(cell), cell.source)  # now with the hidden tests
        if cell.cell_type != "code":
            continue
        cell.execution_count, cell.outputs = number, []
        if is_test(cell):
            said = result["tests"][_grade_id(cell)]
            if said is not None:
                cell.outputs = [nbformat.from_dict(_error(said))]
        else:
            cell.outputs = [nbformat.from_dict(output) for output in result["outputs"].get(str(number), [])]
    return result["remarks"]


def run_text(text, released, full, student, typed="", is_free=False, cell_seconds=30, protected=True):
    """Execute and examine a submission: (its notebook, or "", why it failed, or "", remarks), all of it text
    that can travel.

    typed: the id that stands in the notebook; is_free: whether it belongs to nobody else. If it does not, and
    the work gets more points by its numbers than by the student's, these are what was worked on, and it is
    graded by them.
    """
    try:
        found = _run_as(student, text, released, full, cell_seconds, protected)
        if typed.strip().casefold() in ("", student.casefold()) or not (is_free or found.by_hand_lost):
            return nbformat.writes(found.notebook), "", found.remarks
        said = f"worked as {typed[:100]}, graded as {student}"
        if is_free and found.lost:
            other = _run_as(typed, text, released, full, cell_seconds, protected)
            if other.lost < found.lost:
                found, said = other, f"{said}, by the numbers of {typed[:100]}, which nobody else has"
    except Failed as why:
        return "", str(why), []
    return nbformat.writes(found.notebook), "", [*found.remarks, said]


class Found(NamedTuple):
    """What came of a submission by the numbers of one id."""

    notebook: object
    remarks: list
    lost: float  # points that a machine didn't give
    by_hand_lost: bool  # whether values that were filled in are wrong


def _run_as(numbers_of, text, released, full, cell_seconds, protected):
    notebook = nbformat.reads(text, as_version=4)
    remarks = execute(notebook, released, full, numbers_of, cell_seconds, protected)
    stubs = {_grade_id(cell): cell.source for cell in released.cells}
    lost, by_hand, filled = 0, False, False
    for cell in notebook.cells:
        stub = stubs.get(_grade_id(cell), "")
        if cell.metadata.get("nbgrader", {}).get("solution"):
            values = defined(stub, also_none=True) - defined(stub)
            filled = bool(values) and cell.source.strip() != stub.strip()
        elif is_test(cell) and cell.outputs:
            lost += cell.metadata.nbgrader.points
            by_hand = by_hand or filled
    return Found(notebook, remarks, lost, by_hand)


def _error(said):
    return {"output_type": "error", "ename": "AssertionError", "evalue": said, "traceback": [said]}


def _grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _is_locked(cell):
    return bool(cell.metadata.get("nbgrader", {}).get("locked"))


def is_test(cell):
    """Whether a machine gives points in this cell."""
    about = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(about.get("grade")) and not about.get("solution")


def _job(notebook, released, full, student, cell_seconds):
    """All that the examiner needs, as JSON has it.

    What students see of a test runs in their process only if they need names that it defines: a function that
    never ends, or ends the process, then costs its own points and no other's.
    """
    ids = {cell.id for cell in released.cells}
    names, asked_for = set(), set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not _is_locked(cell):
            asked_for |= takes(cell.source)
    for cell in released.cells:  # what stands there anyway is no reason
        if cell.cell_type == "code" and not is_test(cell):
            asked_for -= gives(cell.source)
    for cell in released.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            names |= defined(cell.source, also_none=True)
    return {
        "student": student,
        "seconds": {"cell": cell_seconds, "own": OWN * cell_seconds, "all": ALL * cell_seconds},
        "names": sorted(names),
        "cells": [
            {
                "number": number,
                "source": cell.source,
                "own": cell.id not in ids,
                "test": is_test(cell),
                "grade_id": _grade_id(cell),
                "needed": bool(gives(cell.source) & asked_for),
            }
            for number, cell in enumerate(notebook.cells, start=1)
            if cell.cell_type == "code" and cell.source.strip()
        ],
        "ours": [
            {"grade_id": _grade_id(cell), "source": cell.source, "test": is_test(cell)}
            for cell in full.cells
            if cell.cell_type == "code" and _is_locked(cell)
        ],
    }


def _examine(job, student, seconds, protected):
    """What the examiner reports."""
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as told:
        asked.write(json.dumps(job).encode())
        asked.seek(0)
        processes = []
        try:
            answering = ["-m", "course_utils.grading.answering"]
            processes.append(_start(answering, student, protected, stdin=theirs, stdout=subprocess.DEVNULL))
            examiner = ["-m", "course_utils.grading.examiner", str(ours.fileno())]
            processes.append(
                _start(examiner, student, protected, stdin=asked, stdout=told, pass_fds=[ours.fileno()])
            )
            ours.close(), theirs.close()
            processes[1].wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"It ran for more than {seconds:.0f} seconds.") from None
        finally:
            for process in processes:
                process.kill()
                process.wait()
        told.seek(0)
        try:
            return json.loads(told.read(LARGEST))
        except ValueError:
            raise Failed("The examiner had to give up: the answers took more than it has.") from None


def _start(arguments, student, protected, **channels):
    if protected:
        return subprocess.Popen(
            sandbox.command(arguments, student), stderr=subprocess.DEVNULL, start_new_session=True, **channels
        )
    path = os.pathsep.join([str(sandbox.PACKAGE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, **sandbox.ENVIRONMENT, STUDENT: student, "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        cwd=tempfile.gettempdir(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **channels,
    )
