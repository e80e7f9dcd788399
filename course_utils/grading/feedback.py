"""What a student gets back: one HTML page an exercise, complete in itself, without hidden tests.

Of a test only its name, its points and what it said are shown, never its code or a traceback.
"""

import html
import shutil
from pathlib import Path

import nbformat

SECRET, TIME = (
    "submission_secret.txt",
    "timestamp.txt",
)  # with the secret a student asks an exchange for the page
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 18px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em;
  color: #111; background: #fff }}
pre {{ background: #f2f2f2; padding: .7em; overflow-x: auto; font-size: 15px }}
table {{ border-collapse: collapse }}
td, th {{ padding: .2em .8em; text-align: left; border-bottom: 1px solid #bbb }}
.said {{ border-left: .3em solid #555; padding-left: .7em }}
</style></head><body><h1>{title}</h1>
{body}
</body></html>
"""


def page(notebook, title, grades, comments):
    """The HTML of one graded notebook. grades: {grade_id: (points or None, possible)}; comments: {grade_id:
    text}.
    """
    from course_utils.grading.nbgrader_settings import unfenced

    rows, cells = [], []
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        grade_id = about.get("grade_id", "")
        points, possible = grades.get(grade_id, (None, None))
        said = [
            html.escape(f"{o.ename}: {o.evalue}" if o.ename != "AssertionError" else o.evalue)
            for o in cell.get("outputs", [])
            if o.output_type == "error"
        ]
        if grade_id in grades:
            shown = "not graded yet" if points is None else f"{points:g}"
            rows.append(f"<tr><td>{html.escape(grade_id)}</td><td>{shown} of {possible:g}</td></tr>")
        if about.get("grade") and not about.get("solution"):
            verdict = "passed" if points == possible else "; ".join(said) or "not passed"
            cells.append(f'<p class="said"><b>{html.escape(grade_id)}</b>: {verdict}</p>')
        elif about.get("solution"):
            cells.append(f"<h2>{html.escape(grade_id)}</h2><pre>{html.escape(unfenced(cell.source))}</pre>")
            cells += [f"<pre>{html.escape(_text(o))}</pre>" for o in cell.get("outputs", []) if _text(o)]
            cells += [f"<p>{line}</p>" for line in said]
            if comments.get(grade_id):
                cells.append(f'<p class="said">{html.escape(comments[grade_id])}</p>')
    table = "<table><tr><th>part</th><th>points</th></tr>" + "".join(rows) + "</table>"
    return PAGE.format(title=html.escape(title), body=table + "\n" + "\n".join(cells))


def _text(output):
    text = (
        output.get("text") if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
    )
    return (text or "")[:5000]


def write(root, rows):
    """Pages for all graded rows of a report, in grading/feedback/; returns how many. A row without one says
    why.
    """
    from course_utils.grading.nbgrader_settings import settings

    from nbgrader.api import Gradebook

    written = 0
    with Gradebook(settings(root).CourseDirectory.db_url) as book:
        for row in rows:
            if row["status"] in ("graded", "late"):
                try:
                    _write_page(root, book, row)
                    written += 1
                except Exception as error:  # whatever one of them holds, the others get their page
                    why = f"no page of feedback: {str(error)[:300] or type(error).__name__}"
                    row["remarks"] = "; ".join(filter(None, [row["remarks"], why]))
    return written


def _write_page(root, book, row):
    from course_utils.grading.nbgrader_settings import GRADING

    student, name = row["student"], row["exercise"]
    found = book.find_submission_notebook(name, name, student)
    grades = {
        g.name: (
            None if g.needs_manual_grade and g.manual_score is None and g.auto_score is None else g.score,
            g.max_score,
        )
        for g in found.grades
    }
    comments = {c.name: c.comment for c in found.comments}
    graded = Path(root, GRADING, "autograded", student, name)
    notebook = nbformat.read(graded / f"{name}.ipynb", as_version=4)
    target = Path(root, GRADING, "feedback", student, name, f"{name}.html")  # where nbgrader releases it from
    target.parent.mkdir(parents=True, exist_ok=True)
    for file in (SECRET, TIME):
        target.with_name(file).unlink(missing_ok=True)
        if (graded / file).is_file():
            shutil.copy(graded / file, target.with_name(file))
    title = f"{name}: {row['points']} of {row['possible']} points"
    target.write_text(page(notebook, title, grades, comments), encoding="utf-8")
