"""Grading: how long thirty submissions of a NumPy exercise take, and one of each exercise."""

import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.table import row

import nbformat

TITLE = "Grading in the sandbox"
ROOT = Path(__file__).parents[1]
N = 30


def measure(options):
    from course_utils.grading import pipeline, sandbox

    if sandbox.missing():
        return [
            row(f"{N} submissions", unit="s", goal=("<=", 60), instead=f"not measured: {sandbox.missing()}")
        ], []
    sources = pipeline.exercises(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "solutions", root / "solutions")
        first = next(iter(sources))
        for name, students in {name: ["one"] for name in sources}.items():
            for student in students + ([f"s{i:02d}" for i in range(N)] if name == first else []):
                _hand_in(root, name, student)
        pipeline.collect(root, root / "inbox")
        outcomes, each = pipeline.remembered(root), {}
        for name in sources:  # one at a time, each alone
            pipeline.remember(root, {"one": {name: outcomes["one"][name]}})
            each[name] = _seconds(pipeline.grade, root)
        pipeline.remember(root, {student: theirs for student, theirs in outcomes.items() if student != "one"})
        many = _seconds(pipeline.grade, root)
        graded = sum(
            o["status"] == "graded" for theirs in pipeline.remembered(root).values() for o in theirs.values()
        )
    return [
        row(f"{N} submissions of {first}, one kernel a core", [many], "s", ("<=", 60)),
        *(
            row(f"one submission of {name}, sandbox probed before", [seconds], "s")
            for name, seconds in each.items()
        ),
    ], [
        f"Every kernel starts in a sandbox of its own, with its own imports; {graded} of {N} were "
        "graded. The first "
        "exercise is NumPy only."
    ]


def _hand_in(root, name, student):
    """The solution, as a student's work."""
    path = root / "inbox" / student / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.read(root / "solutions" / name / f"{name}.ipynb", as_version=4), path)


def _seconds(step, root):
    start = time.perf_counter()
    step(root)
    return time.perf_counter() - start
