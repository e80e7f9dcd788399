"""What the exercises use: numbers of your own (`variant`), comparisons that name the mistake (`close`), and
`check`, which runs the tests you can see.

Collecting, grading and reporting are for the lecturer: `python -m course_utils.grading`.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np

STUDENT = "COURSE_GRADED_STUDENT"  # set while grading: there nobody can borrow a neighbour's name


def variant(student_id, course=""):
    """Random numbers that belong to one student: a NumPy Generator, the same at every call.

    course: a text that gives other numbers, in a course whose exercises are private. Case and spaces around
    the id don't matter. While an exercise is graded, the id it was handed in under
    counts, whatever is given here. Raises TypeError or ValueError for what is no id.
    """
    student_id = os.environ.get(STUDENT) or student_id
    if not isinstance(student_id, str):
        raise TypeError(f"student_id is {student_id!r}; expected a text in quotes, such as 'self-study'.")
    if not student_id.strip():
        raise ValueError("student_id is empty; give the id you are listed under, or 'self-study'.")
    digest = hashlib.sha256((course + student_id.strip().casefold()).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def close(name, given, expected, tolerance=1e-6):
    """Assert that an answer (number or array) equals the expected one; AssertionError says how it differs.

    tolerance: of the largest expected magnitude, and at least as large absolutely for small numbers; never
    finer than the given numbers are (float16 has three digits). One number may come as an array of one.
    By how much it is wrong isn't said: of one number that would be the answer.
    """
    expected = np.asarray(expected, float)
    assert given is not None and given is not Ellipsis, f"{name}: nothing was given yet."
    kind = getattr(given, "kind", type(given).__name__)
    try:
        given = np.asarray(given)
        digits = np.finfo(given.dtype).eps if given.dtype.kind == "f" else 0
        given = given.astype(float, casting="safe" if given.dtype.kind == "c" else "unsafe")
    except (TypeError, ValueError):
        raise AssertionError(f"{name}: expected {_in_words(expected)}, but a {kind} was given.") from None
    if expected.ndim == 0 and given.size == 1:
        given = given.reshape(())
    assert given.shape == expected.shape, (
        f"{name}: expected {_in_words(expected)}, but {_in_words(given)} was given."
    )
    assert np.isfinite(given).all(), f"{name}: some of the values are NaN or infinite."
    room = max(tolerance, 4 * digits) * max(1.0, np.abs(expected).max(initial=0))
    wrong = int((np.abs(given - expected) > room).sum())
    assert not wrong, f"{name}: " + (
        f"{wrong} of {given.size} numbers aren't right." if given.ndim else f"{float(given):.4g} isn't right."
    )


def _in_words(array):
    return "one number" if array.ndim == 0 else f"an array of shape {array.shape}"


def check(name=None, namespace=None):
    """Run the tests of an exercise that you can see, on what you have defined so far; prints one line each.

    Call `check()` in any cell of the exercise. name: of its file, where it can't be found out. Hidden tests,
    which count as well, are not in your file. Returns nothing. Raises FileNotFoundError where the file isn't
    found.
    """
    if namespace is None:
        from IPython import get_ipython

        namespace = get_ipython().user_ns
    for cell in json.loads(_exercise(name).read_text(encoding="utf-8"))["cells"]:
        about = cell.get("metadata", {}).get("nbgrader", {})
        if cell["cell_type"] == "code" and about.get("grade") and not about.get("solution"):
            source = "".join(cell["source"])
            try:
                exec(compile(source, about["grade_id"], "exec"), dict(namespace))
                print(f"✓ {about['grade_id']}: what you can see of it passes ({about['points']} points)")
            except Exception as error:
                what = str(error) or type(error).__name__
                if isinstance(error, NameError):
                    what += "; run the cell that defines it first"
                elif not isinstance(error, AssertionError):
                    what = f"{type(error).__name__}: {what}"
                print(f"✗ {about['grade_id']}: {what}")


def _exercise(name):
    """The file of the exercise that is open: JupyterLab tells, else the only one in this folder."""
    if name is None and os.environ.get("JPY_SESSION_NAME", "").endswith(".ipynb"):
        return Path(os.environ["JPY_SESSION_NAME"])
    found = [Path(name)] if name else sorted(Path.cwd().glob("ex*.ipynb"))
    if len(found) != 1 or not found[0].is_file():
        raise FileNotFoundError(
            "The exercise's file wasn't found; save it, and give its name: check('ex01_scores.ipynb')."
        )
    return found[0]
