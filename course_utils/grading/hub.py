"""nbgrader's exchange on a JupyterHub: what is handed in goes through `collect`, feedback finds its way back.

`nbgrader collect` and the formgrader's button take from the exchange into grading/handed_in/, and from there
the course's own `collect` goes on. `nbgrader release_feedback` gives the pages that `report` has written.
"""

import contextlib
import os
import pwd
import re
import shutil
import stat
from datetime import datetime
from pathlib import Path

from course_utils.grading import intake, pipeline
from course_utils.grading.feedback import SECRET, TIME
from course_utils.grading.private import GRADING

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback

FILES = 50  # of one submission


class Collect(ExchangeCollect):
    """The newest submission of each student. Nothing in it is believed: not whose it is, nor what its files
    are.
    """

    def _path_to_record(self, path):
        try:
            record = super()._path_to_record(path)
            if _owner(path) == record["username"] and intake.STUDENT_ID.fullmatch(record["username"]):
                return record
            why = f"its owner is {_owner(path)}"
        except Exception as error:  # whatever one of them is called, the others are collected
            why = intake.in_words(error)
        self.log.error(f"{Path(path).name!r} is no submission ({why}); it was left out.")
        return {"username": "", "filename": Path(path).name, "timestamp": datetime.min}

    def copy_files(self):
        root, name = Path(self.coursedir.root), self.coursedir.assignment_id
        handed_in = root / GRADING / "handed_in"
        for record in self.src_records:
            student = record["username"]
            if student:
                try:
                    if not _take(Path(self.inbound_path, record["filename"]), handed_in / student / name):
                        self.log.error(f"{student} handed in no notebook that is a file.")
                except OSError as error:
                    self.log.error(f"{student}'s submission can't be read: {error}")
        if handed_in.is_dir():
            outcomes = pipeline.collect(root, handed_in)
            for student, theirs in outcomes.items():
                place, target = handed_in / student / name, root / GRADING / "submitted" / student / name
                taken = theirs.get(name, {}).get("timestamp")
                if taken and taken == intake.timestamp(place) and (place / SECRET).is_file():
                    shutil.copy(place / SECRET, target / SECRET)
            self.log.info(f"{len(outcomes)} students; go on with `python -m course_utils.grading grade`.")


def _owner(path):
    """The user who made a folder in the exchange: nobody can give one away."""
    about = os.lstat(path)
    if not stat.S_ISDIR(about.st_mode):
        raise OSError("it is no folder")
    return pwd.getpwuid(about.st_uid).pw_name


def _take(source, target):
    """Copy a submission: its notebooks, time and secret, as far as they are files; returns the notebooks'
    paths. A link could lead to what only the lecturer may read.
    """
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    folder = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        wanted = [n for n in sorted(os.listdir(folder)) if n.endswith(".ipynb") or n in (SECRET, TIME)]
        for name in wanted[:FILES]:
            with contextlib.suppress(OSError), _opened(name, folder) as file:
                content = file.read(intake.LARGEST + 1 if name.endswith(".ipynb") else 1000)
                when = int(os.fstat(file.fileno()).st_mtime)
                (part / name).write_bytes(content)
                os.utime(part / name, (when, when))
    finally:
        os.close(folder)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return list(target.glob("*.ipynb"))


def _opened(name, folder):
    """A regular file in an open folder, whatever is put in its place meanwhile."""
    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(f"{name} is no file")
    return os.fdopen(number, "rb")


class ReleaseFeedback(ExchangeReleaseFeedback):
    """The pages of `report`, under the names of the notebooks that were handed in."""

    def copy_files(self):
        root, name = Path(self.coursedir.root), self.coursedir.assignment_id
        without = []
        for page in sorted((root / GRADING / "feedback").glob(f"*/{name}/{name}.html")):
            student = page.parents[1].name
            if not all(page.with_name(file).is_file() for file in (SECRET, TIME)):
                without.append(student)  # it came another way
                continue
            for notebook in (root / GRADING / "handed_in" / student / name).glob("*.ipynb"):
                if notebook.stem != name and not re.search(r"[*?\[]", notebook.stem):
                    shutil.copy(page, page.with_name(f"{notebook.stem}.html"))
        if without:
            self.log.warning(f"Not handed in by the exchange, so not given back by it: {', '.join(without)}")
        before = self.coursedir.student_id_exclude
        self.coursedir.student_id_exclude = ",".join(filter(None, [before, *without]))
        try:
            super().copy_files()
        finally:
            self.coursedir.student_id_exclude = before
