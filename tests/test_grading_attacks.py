"""Attacks on the grading (see `attacks`): a wrong answer gets no point, nothing comes out, others lose nothing.

A third of them runs in the suite, two sandboxes at a time; `make long` runs all.
"""

import concurrent.futures
import re

from conftest import missing
from course_utils.grading import execute, feedback, sandbox

import attacks
import nbformat
import pytest
from toy_course import PERFECT, make, released, solution

pytestmark = pytest.mark.slow

TELLING = {
    "REPLACES": "names code_object np_abs ast_transformer equal_to_all lazy_array thread",
    "FORGES": "answers_itself says_passed object_array json_bomb frame_of_100_mb two_answers endless_callbacks",
    "ENDS": "exit_in_function kills_all stops_itself endless_and_deaf recursion text_that_ends",
    "SHOWS": "one_long_line in_function line_breaks raw_junk replaces_stdout",
    "LEAKS": "exception_text exception_name text_result kept_for_later by_file other_descriptors",
    "HARMS": "writes links",
}
CODES = {f"{kind.lower()}-{name}": code for kind in TELLING for name, code in getattr(attacks, kind).items()}
telling = {f"{kind.lower()}-{name}" for kind, names in TELLING.items() for name in names.split()}
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in telling else pytest.mark.long) for name in CODES]
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make(tmp_path_factory.mktemp("attacked"))


@pytest.fixture(scope="module")
def run(course):
    """A function that examines the answers to `total`: (points, notebook, reason, remarks)."""
    if sandbox.missing():
        missing("bubblewrap", sandbox.missing())
    release, full = released(course), solution()

    def run_one(code, seconds=4, **answers):
        notebook = nbformat.from_dict(release)
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = {**PERFECT, "total": code, **answers}.get(grade_id, cell.source)
        text = nbformat.writes(notebook)
        text, why, remarks = execute.run_text(text, release, full, "mallory", cell_seconds=seconds)
        graded = nbformat.reads(text, as_version=4) if text else notebook
        passed = [c for c in graded.cells if execute.is_test(c) and text and not c.outputs]
        return sum(cell.metadata.nbgrader.points for cell in passed), graded, why, remarks

    return run_one


@pytest.fixture(scope="module")
def attacked(run, course, request):
    def one(name):
        code = CODES[name][0] if isinstance(CODES[name], tuple) else CODES[name]
        return run(code.replace("{root}", str(course)))

    asked = " ".join(item.name for item in request.session.items)
    names = [name for name in CODES if f"[{name}]" in asked or name == "shows-one_long_line"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(one, names)))


@each
def test_a_wrong_answer_gets_no_point(attacked, name):
    points, _, why, _ = attacked[name]
    expected = CODES[name][1] if isinstance(CODES[name], tuple) else None
    assert points <= 4 and (expected is None or points == expected), why


@each
def test_nothing_of_the_tests_comes_out(attacked, course, name):
    notebook = attacked[name][1]
    said = [c.outputs[0].evalue for c in notebook.cells if execute.is_test(c) and c.get("outputs")]
    assert all(len(text) <= 300 for text in said)
    for cell in notebook.cells:  # what the student wrote may name it
        cell.source = ""
    page = feedback.page(notebook, name, {}, {})
    assert not re.search(r"5, 7, 7|secret|\bWRITTEN\b|LEAK", page)
    assert len(page) < 60_000
    assert not list(course.rglob("written"))


def test_what_a_cell_shows_is_kept_but_bounded(attacked):
    outputs = attacked["shows-one_long_line"][1].cells[3].outputs
    assert len(outputs[0].text) < 201_000 and "the rest was left out" in outputs[0].text


# --- right answers written differently -------------------------------------------------------

RIGHT = {
    "list": "def total(maps):\n    return [float(m.sum()) for m in maps]",
    "tuple_of_float16": "def total(maps):\n    return tuple(np.float16(m.sum()) for m in maps)",
    "single_precision": "def total(maps):\n    return maps.astype('float32').sum(axis=(1, 2))",
    "fractions": "from fractions import Fraction\ndef total(maps):\n    return [Fraction(m.sum()) for m in maps]",
    "warns": "import warnings\ndef total(maps):\n    warnings.warn('loud')\n    np.log(0 * maps)\n    return maps.sum(axis=(1, 2))",
    "recursion": "def add(v):\n    return v[0] + add(v[1:]) if len(v) else 0.0\n"
    "def total(maps):\n    return [add(m.ravel()) for m in maps]",
    "class_with_call": "class Total:\n    def __call__(self, maps):\n        return maps.sum(axis=(1, 2))\ntotal = Total()",
    "lambda": "total = lambda maps: np.einsum('bhw->b', maps)",
    "own_close": "close = 3\ncompare = None\ndef total(maps):\n    return maps.sum(axis=(1, 2))",
    "prints": "def total(maps):\n    print('debug', maps, '.' * 300_000)\n    return maps.sum(axis=(1, 2))",
    "help_below": "def total(maps):\n    return help_below(maps)",
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_gets_its_points(run, name):
    below = {"mean": PERFECT["mean"] + "\ndef help_below(maps):\n    return maps.sum(axis=(1, 2))"}
    points, notebook, why, _ = run(RIGHT[name], seconds=20, **below)
    assert points == 8, (why, [c.get("outputs") for c in notebook.cells])
