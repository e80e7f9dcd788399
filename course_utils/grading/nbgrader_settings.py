"""nbgrader as this course uses it: its folders, and autograding from outputs made in the sandbox."""

import os
import re
import sys
from pathlib import Path

from course_utils.grading import private
from course_utils.grading.private import GRADING

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config


def settings(root):
    """The configuration for the course in the folder `root`, a traitlets Config."""
    from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback

    config, root = Config(), Path(root).resolve()
    beside = str(
        Path(sys.executable).parent
    )  # nbgrader calls `alembic` by its name, also where no environment is active
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    if os.access(root, os.W_OK):  # a fresh clone has no such folder, and nbgrader puts its gradebook there
        (root / GRADING).mkdir(exist_ok=True)
    course = config.CourseDirectory
    course.course_id, course.root = "cam_course", str(root)
    course.source_directory, course.release_directory = str(private.solutions(root)), "exercises"
    course.submitted_directory, course.autograded_directory, course.feedback_directory = (
        f"{GRADING}/{step}" for step in ("submitted", "autograded", "feedback")
    )
    course.db_url = f"sqlite:///{root / GRADING / 'gradebook.db'}"
    course.ignore = [
        "*.md",
        "*.py",
        "*.pyc",
        *("[!st]*.txt", "s[!u]*.txt", "t[!i]*.txt"),  # all but timestamp.txt and submission_secret.txt
        "*.npz",
        "*.csv",
        "*.zip",
        ".*",
        "__pycache__",
    ]  # only notebooks are released
    if not os.environ.get("NGSHARE"):  # which has an exchange of its own
        config.ExchangeFactory.collect = "course_utils.grading.hub.Collect"
        config.ExchangeFactory.release_feedback = "course_utils.grading.hub.ReleaseFeedback"
    # The formgrader's own button runs no code either: it records what `python -m course_utils.grading grade`
    # executed.
    by_default = Autograde.autograde_preprocessors.default_args[0]
    config.Autograde.autograde_preprocessors = [
        UseExecuted if step.__name__ == "Execute" else step for step in by_default
    ] + [AsText]
    # Nor does its button "Generate Feedback" publish the hidden tests.
    config.GenerateFeedback.preprocessors = [WithoutTests, *GenerateFeedback.preprocessors.default_args[0]]
    config.IgnorePattern.enabled, config.IgnorePattern.pattern = True, r"[\s\S]*"  # a warning costs no points
    config.GenerateAssignment.preprocessors = list(GenerateAssignment.preprocessors.default_args[0])
    return config


class UseExecuted(NbGraderPreprocessor):
    """In place of nbgrader's Execute: the outputs of the notebook that ran in the sandbox."""

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        root = Path(re.sub("^sqlite:///", "", about["db_url"])).parent
        path = root / "executed" / about["student"] / about["assignment"] / f"{about['notebook']}.ipynb"
        if not path.is_file():
            raise FileNotFoundError(
                f"{about['student']}'s {about['notebook']} hasn't run in the sandbox; "
                "call `python -m course_utils.grading grade`."
            )
        executed = nbformat.read(path, as_version=4)
        if [cell.source for cell in executed.cells] != [cell.source for cell in nb.cells]:
            raise ValueError(
                f"{about['student']}'s {about['notebook']} has changed since it ran; "
                "call `python -m course_utils.grading grade` again."
            )
        for cell, done in zip(nb.cells, executed.cells):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = done.outputs, done.execution_count
        return nb, resources


class AsText(NbGraderPreprocessor):
    """What a student wrote, and what it printed, as text and pictures: the lecturer's browser runs nothing of
    it.
    """

    def preprocess(self, nb, resources):
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_harmless(output) for output in cell.outputs]
            elif not cell.metadata.get("nbgrader", {}).get("locked"):
                cell.source = fenced(cell.source)
                cell.pop("attachments", None)
        return nb, resources


class WithoutTests(NbGraderPreprocessor):
    """Of a test its name and what it said, never its code: that holds the hidden tests."""

    def preprocess(self, nb, resources):
        for cell in nb.cells:
            about = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and about.get("grade") and not about.get("solution"):
                cell.source = f"# the test {about.get('grade_id')}"
        return nb, resources


def _harmless(output):
    """An output with its text and its pictures, and nothing else that it could be shown as."""
    data = output.get("data")
    if data is not None:
        output.data = {
            kind: value
            for kind, value in data.items()
            if kind == "text/plain"
            and isinstance(value, str)
            or kind in ("image/png", "image/jpeg")
            and re.fullmatch(r"[A-Za-z0-9+/=\s]*", str(value))
        }
        output.metadata = {}
    return output


def fenced(text):
    """Markdown that shows `text` letter by letter, whatever it holds."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=2))
    return f"{fence}text\n{text}\n{fence}"


def unfenced(text):
    """The text that `fenced` wrapped."""
    found = re.fullmatch(r"(`{3,})text\n(.*)\n\1", text, re.DOTALL)
    return found[2] if found else text
