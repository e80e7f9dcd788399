"""A course with one small exercise, for the tests of grading: two functions, a number by hand, an opinion."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NAME = "ex01_toy"

PERFECT = {
    "total": "def total(maps):\n    return maps.sum(axis=(1, 2))",
    "mean": "def mean(maps):\n    return maps.mean(axis=(1, 2))",
    "opinion": "The sum grows with the size of the map.",
}


def _cell(kind, source, grade_id=None, grade=False, solution=False, points=None, number=0):
    cell = (new_code_cell if kind == "code" else new_markdown_cell)(source, id=f"toy-{number:02d}")
    if grade_id:
        cell.metadata["nbgrader"] = {
            "grade": grade,
            "grade_id": grade_id,
            "locked": not solution,
            "schema_version": 3,
            "solution": solution,
            "task": False,
            **({"points": points} if grade else {}),
        }
    return cell


def solution():
    """The exercise's source, with solutions and hidden tests."""
    cells = [
        _cell("markdown", "# A toy (10 points)"),
        _cell("code", 'my_id = "self-study"'),
        _cell(
            "code",
            "import numpy as np\nfrom course_utils.grading import close, variant\n"
            "maps = variant(my_id).uniform(size=(2, 3, 4))",
            "given",
        ),
        _cell(
            "code",
            "def total(maps):\n    ### BEGIN SOLUTION\n    return maps.sum(axis=(1, 2))\n    ### END "
            "SOLUTION",
            "total",
            solution=True,
        ),
        _cell(
            "code",
            'close("total", total(maps), maps.sum(axis=(1, 2)))\n### BEGIN HIDDEN TESTS\n'
            'secret = np.ones((5, 7, 7))\nclose("total of others", total(secret), np.full(5, 49.0))\n'
            "### END HIDDEN TESTS",
            "total_test",
            grade=True,
            points=4,
        ),
        _cell(
            "code",
            "def mean(maps):\n    ### BEGIN SOLUTION\n    return maps.mean(axis=(1, 2))\n    ### END "
            "SOLUTION",
            "mean",
            solution=True,
        ),
        _cell("code", 'close("mean", mean(maps), maps.mean(axis=(1, 2)))', "mean_test", grade=True, points=4),
        _cell(
            "markdown",
            "The mean doesn't depend on the size of the map.\n### BEGIN MARK SCHEME\nsize: 2 "
            "points\n### END MARK SCHEME",
            "opinion",
            grade=True,
            solution=True,
            points=2,
        ),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"toy-{number:02d}"
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3 (ipykernel)"}
        },
    )


def make(root):
    """The course in a folder: solutions/ and the released exercise."""
    from course_utils.grading import pipeline

    folder = root / "solutions" / NAME
    folder.mkdir(parents=True)
    nbformat.write(solution(), folder / f"{NAME}.ipynb")
    pipeline.release(root, root / "exercises")
    return root


def released(root):
    return nbformat.read(root / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)


def hand_in(root, student, answers=PERFECT, change=None, name=f"{NAME}.ipynb"):
    """Write a student's notebook into root/inbox/STUDENT; `change` may do anything to it before. Returns its
    path.
    """
    notebook = released(root)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(grade_id, cell.source)
    notebook = change(notebook) or notebook if change else notebook
    path = root / "inbox" / student / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
    return path
