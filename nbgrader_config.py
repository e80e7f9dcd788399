"""nbgrader for this course: where things lie, and that nothing a student wrote runs outside the sandbox.

`make exercises` and `python -m course_utils.grading` read it, and so does the formgrader (`jupyter lab` in
this folder).
"""

from pathlib import Path

from course_utils.grading import nbgrader_settings

c = get_config()  # noqa: F821, nbgrader defines it
c.merge(nbgrader_settings.settings(Path(__file__).parent))
