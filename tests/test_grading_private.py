"""Exercises of a lecturer's own, other numbers by a secret, and whose numbers a student worked on."""

from course_utils import grading
from course_utils.grading import __main__ as command
from course_utils.grading import pipeline, private

import nbformat
import pytest
from exercise import ROOT, run
from toy_course import NAME, PERFECT, hand_in, make

pytestmark = pytest.mark.slow


def test_a_secret_gives_other_numbers_and_other_hidden_tests(tmp_path):
    root, secret = tmp_path / "course", tmp_path / "secret"
    secret.write_text("nobody guesses this text")
    [path] = (ROOT / "solutions").glob("ex01*/ex01*.ipynb")
    folder = tmp_path / "private" / path.parent.name
    folder.mkdir(parents=True)
    folder.joinpath(path.name).write_bytes(path.read_bytes())
    root.mkdir()
    command.main(
        [
            "release",
            str(tmp_path / "out"),
            "--root",
            str(root),
            "--solutions",
            str(folder.parent),
            "--seed",
            str(secret),
        ]
    )
    [public] = (tmp_path / "out").rglob("*.ipynb")
    text = public.read_text()
    assert 'variant(my_id, \\"' in text and "variant(my_id)" not in text and "nobody guesses" not in text
    full = private.with_seed(root, nbformat.read(path, as_version=4))
    nbformat.write(full, tmp_path / "full.ipynb")
    theirs, ours = run(path).namespace, run(tmp_path / "full.ipynb")
    assert (theirs["my_maps"] != ours.namespace["my_maps"]).any() and not ours.messages
    assert pipeline.exercises(root) == {path.stem: folder / path.name}  # remembered


@pytest.mark.parametrize(
    "place, text, words", [("course/seed", "x" * 16, "lies in the folder"), ("seed", "short", "is no secret")]
)
def test_what_is_no_secret(tmp_path, place, text, words):
    (tmp_path / "course").mkdir()
    (tmp_path / place).write_text(text)
    with pytest.raises(ValueError, match=words):
        private.remember(tmp_path / "course", seed=tmp_path / place)


def test_the_course_text_changes_the_numbers(monkeypatch):
    monkeypatch.delenv(grading.STUDENT, raising=False)
    assert grading.variant("ada", "a").integers(10**9) != grading.variant("ada", "b").integers(10**9)


def typed_for(name):
    """The sums of the maps that belong to an id, typed in: right for nobody else."""

    def change(notebook):
        notebook.cells[1].source = f'my_id = "{name}"'

    total = grading.variant(name).uniform(size=(2, 3, 4)).sum(axis=(1, 2)).tolist()
    body = f"return {total} if maps.shape == (2, 3, 4) else maps.sum(axis=(1, 2))"
    return {**PERFECT, "total": f"def total(maps):\n    {body}"}, change


def test_whose_numbers_count(tmp_path):
    root = make(tmp_path)
    hand_in(root, "m17", *typed_for("Ada Lovelace"))  # nobody else's
    hand_in(root, "bob", *typed_for("eve"))  # a neighbour's
    hand_in(root, "eve", *typed_for("eve"))
    pipeline.collect(root, root / "inbox")
    pipeline.grade(root, protected=False)
    rows = {row["student"]: row for row in pipeline.report(root)}
    assert rows["m17"]["points"] == "8"
    assert "worked as Ada Lovelace, graded as m17, by the numbers of Ada Lovelace" in rows["m17"]["remarks"]
    assert rows["bob"]["points"] == "4"
    assert rows["eve"]["points"] == "8" and not rows["eve"]["remarks"]


def test_nbgraders_own_feedback_publishes_no_hidden_test(tmp_path):
    """What the formgrader's button "Generate Feedback" does."""
    from nbgrader.converters import GenerateFeedback

    root = make(tmp_path)
    hand_in(root, "ada", {**PERFECT, "total": "def total(maps):\n    return 0 * maps.sum(axis=(1, 2))"})
    pipeline.collect(root, root / "inbox")
    pipeline.grade(root, protected=False)
    pipeline.run_nbgrader(GenerateFeedback, pipeline.settings(root), NAME, "ada")
    [page] = (root / "grading" / "feedback" / "ada").rglob("*.html")
    text = page.read_text()
    assert "total_test" in text and "numbers aren" in text
    assert "secret" not in text and "total of others" not in text and "HIDDEN" not in text
