"""The trusted process: it has the student's cells run, asks for what they defined, and runs the tests itself.

The student's code is in another process, in a sandbox of its own (`answering`), and only answers questions
with plain data. So whatever a cell replaces, patches or prints, it replaces nothing that compares or reports.
The tests are the cells of the exercise as they are: in them the student's names stand for questions.

All cells run before the first question is asked: nothing that they show can know a test.

    python -m course_utils.grading.examiner SOCKET < job.json > result.json
"""

import json
import os
import re
import signal
import sys
import time
from multiprocessing.connection import Connection

from course_utils.grading import answers, wire

START, STOP = 60, 5  # seconds for the student's process to answer at first, and after its time was up
MESSAGE = 300  # characters of what a test says
TEXT, PICTURES = 300_000, 4_000_000  # characters of all that a submission shows
SENTENCES = {
    "late": "it was stopped: it takes too long",
    "ended": "it ended the process, or gave back more than can be sent",
    "silent": "its process answers no more",
}


class Failed(Exception):
    """This submission can't be graded by machine; the text says why."""


class OurFault(Exception):
    """A cell of the exercise itself doesn't run: no student can be graded."""


class Unheard(AssertionError):
    """No answer came. The text is a sentence of ours."""


class TimeUp(BaseException):
    """A test ran too long."""


def main(job, line):
    """What came of a submission: {"outputs": {number: [...]}, "tests": {grade_id: what it said, or None},
    "remarks": [...]}, or {"failed": why}, or {"our fault": why}.
    """
    student = Student(line)
    signal.signal(signal.SIGALRM, _time_is_up)
    try:
        outputs, remarks = run_cells(student, job["cells"], job["seconds"])
        tests = run_tests(student, job)
    except Failed as why:
        return {"failed": str(why)}
    except OurFault as why:
        return {"our fault": str(why)}
    return {"outputs": outputs, "tests": tests, "remarks": remarks}


def _time_is_up(*_):
    raise TimeUp


class Student:
    """The student's process, as far as it is there: it is asked, and what it says is looked at here."""

    def __init__(self, line):
        self.line = line

    def ask(self, question, seconds=None, serve=None):
        """The reply, a dict; `Unheard` where none comes, or none that makes sense.

        seconds: for the whole of it; without them, somebody else looks at the clock. serve: answers a call of
        one of our functions.
        """
        if self.line is None:
            raise Unheard(SENTENCES["silent"])
        try:
            if seconds is not None:
                signal.setitimer(signal.ITIMER_REAL, seconds)
            wire.send(self.line, question)
            while "callback" in (reply := wire.receive(self.line)):
                wire.send(self.line, serve(reply))
        except (TimeUp, OSError, EOFError, ValueError, TypeError, RecursionError, MemoryError) as error:
            self.line = None  # half a message may be on its way: nothing behind it can be trusted to be whole
            if isinstance(error, TimeUp) and seconds is None:
                raise
            raise Unheard(SENTENCES["late" if isinstance(error, TimeUp) else "silent"]) from None
        finally:
            if seconds is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)
        if "gone" in reply:
            raise Unheard(SENTENCES.get(str(reply["gone"]), SENTENCES["silent"]))
        return reply


# --- their cells -----------------------------------------------------------------------------


def run_cells(student, cells, limits):
    """Have the cells run one by one as long as there is time: ({number: outputs}, remarks)."""
    # Seconds for cells of the student's own, and for the others.
    left = {True: limits["own"], False: limits["all"] - limits["own"]}
    cut, quits, shown = {True: 0, False: 0}, [], {}
    room = {"text": TEXT, "pictures": PICTURES}
    try:
        if student.line.poll(START):
            wire.receive(student.line)
    except (OSError, EOFError, ValueError):
        raise Failed("The kernel didn't start.") from None
    for cell in cells:
        number, own = cell["number"], cell["own"]
        if cell["test"]:
            student.ask({"keep": cell["grade_id"]}, STOP)
            if not cell["needed"]:
                continue
        if left[own] <= 0:
            shown[number] = [_error("Timeout", "not run: the time was used up")]
            cut[own] += 1
            continue
        started, seconds = time.monotonic(), min(limits["cell"], left[own])
        try:
            reply = student.ask({"run": cell["source"], "seconds": seconds}, seconds + STOP)
        except Unheard as why:
            if str(why) == SENTENCES["late"]:
                raise Failed(
                    f"Cell {number} ran for {seconds:.0f} seconds and couldn't be stopped."
                ) from None
            raise Failed(
                f"The kernel died in cell {number}: the code ended it, or it took more memory or time than "
                "allowed."
            ) from None
        left[own] -= time.monotonic() - started
        shown[number] = _kept(reply.get("outputs"), room)
        if any(output.get("ename") == "SystemExit" for output in shown[number]):
            quits.append(str(number))
    student.ask({"keep": "the end"}, STOP)
    return shown, _remarks(quits, cut, limits)


def _remarks(quits, cut, limits):
    remarks = []
    if quits:
        remarks.append(f"cell {', '.join(quits)}: quit, exit or SystemExit; that cell ended, the others ran")
    if cut[True]:
        remarks.append(
            f"{cut[True]} cells of the student's own didn't run: "
            f"all of them have {limits['own']} seconds together"
        )
    if cut[False]:
        remarks.append(f"{cut[False]} cells didn't run: a submission has {limits['all']} seconds altogether")
    return remarks


def _error(kind, text, traceback=()):
    return {
        "output_type": "error",
        "ename": kind,
        "evalue": text,
        "traceback": list(traceback) or [f"{kind}: {text}"],
    }


def _kept(outputs, room):
    """Outputs as a notebook holds them, made anew from what the student's process says, within what is left
    of the room.
    """

    def text(value, most):
        value = str(value)[: max(0, min(most, room["text"]))] if isinstance(value, str) else ""
        room["text"] -= len(value)
        return value

    kept = []
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict) or len(kept) >= 1000:
            continue
        if output.get("output_type") == "error":
            lines = output.get("traceback")
            lines = [text(one, 5000) for one in lines[:20]] if isinstance(lines, list) else []
            kept.append(_error(text(output.get("ename"), 100), text(output.get("evalue"), 1000), lines))
        elif output.get("output_type") == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            kept.append({"output_type": "stream", "name": name, "text": text(output.get("text"), TEXT)})
        elif isinstance(output.get("data"), dict):
            data = {"text/plain": text(output["data"].get("text/plain"), TEXT)}
            for kind in ("image/png", "image/jpeg"):
                picture = output["data"].get(kind)
                if isinstance(picture, str) and len(picture) <= room["pictures"]:
                    data[kind] = picture
                    room["pictures"] -= len(picture)
            kept.append({"output_type": "display_data", "data": data, "metadata": {}})
    return kept


# --- our tests -------------------------------------------------------------------------------


def run_tests(student, job):
    """What each test said, None where it passed: {grade_id: sentence or None}."""
    names, said = {"__name__": "__main__", "my_id": job["student"]}, {}
    for cell in job["ours"]:
        code = compile(cell["source"], cell["grade_id"], "exec")
        if not cell["test"]:
            try:
                exec(code, names)
            except Exception as error:
                raise OurFault(f"cell {cell['grade_id']} can't be run: {error!r}"[:MESSAGE]) from error
            continue
        theirs = [name for name in job["names"] if re.search(rf"\b{name}\b", cell["source"])]
        place = cell["grade_id"]
        said[place] = run_test(student, place, code, theirs, names, job["seconds"]["cell"])
        if said[place] is not None and student.line is not None and SENTENCES["late"] not in said[place]:
            # What it needs may be defined further down: in a notebook cells can be run in any order.
            if run_test(student, "the end", code, theirs, names, job["seconds"]["cell"]) is None:
                said[place] = None
    return said


def run_test(student, place, code, theirs, names, seconds):
    """What one test says of the names as they were at a place; None if it passes. All texts are ours."""
    for name in theirs:
        names.pop(name, None)
    signal.setitimer(signal.ITIMER_REAL, seconds + 2 * STOP)
    try:
        student.ask({"ask": place, "seconds": seconds})
        for name in theirs:
            look_up(student, name, names)
        exec(code, names)
        said = None
    except AssertionError as error:
        said = str(error) or "not passed"
    except NameError as error:
        said = f"{error.name} isn't there; does the cell run that defines it?"
    except NotImplementedError:
        said = "nothing is written yet"
    except TimeUp:
        said = SENTENCES["late"]
    except BaseException as error:
        said = f"the answer hasn't the form that is expected ({type(error).__name__})"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        student.ask({"end": True}, STOP)
    except Unheard:
        student.line = None
    return None if said is None else said[:MESSAGE]


def look_up(student, path, names):
    """Put what the student has under this name into `names`, if there is anything."""
    reply = student.ask({"get": path})
    if "error" in reply:
        raise AssertionError(f"{path} can't be read: {_kind(reply)}.")
    if "missing" not in reply:
        names[path] = _value(reply, student, path)


def _kind(reply):
    """The kind of the error in a reply, if it is one of Python's own."""
    return type(wire.error(*reply["error"][:1])).__name__


def _value(reply, student, path="", text=True):
    """The value in a reply. What is no plain data but has a path can be asked on."""

    def other(data):
        if path:
            return (Function if data.get("callable") is True else Thing)(student, path)
        return wire.Foreign(str(data.get("kind")))

    return wire.decode(reply.get("value"), other, text)


class Thing:
    """An object of the student's: it stays where it is, and its attributes are asked for."""

    def __init__(self, student, path):
        self._student, self.__name__ = student, path

    def __getattr__(self, name):
        if name.startswith("__array") or name in ("__len__", "__float__", "kind", "watched"):
            raise AttributeError(name)
        path, found = f"{self.__name__}.{name}", {}
        look_up(self._student, path, found)
        if not found:
            raise AttributeError(name)
        return found[path]

    def __repr__(self):
        return self.__name__


class Function(Thing):
    """A function of the student's: called here, it runs there."""

    def __call__(self, *given):
        seen = self.watched(*given)
        if seen.error is not None:
            raise AssertionError(f"{self.__name__} stops: {type(seen.error).__name__}")
        return seen.result

    @property
    def watched(self):
        return self._watched

    def _watched(self, *given):
        """As `answers.watch`. Of an exception only its kind comes back: its text may hold anything."""
        ours = []

        def stand_for(value):
            if not callable(value):
                raise TypeError(f"{value!r} can't be handed to a student's function")
            ours.append(value)
            return {"is": "callback", "callback": len(ours) - 1, "name": getattr(value, "__name__", "f")}

        def serve(call):
            try:
                function = ours[call["callback"]]
                given = [wire.decode(one) for one in call["given"]]
                named = {name: wire.decode(one) for name, one in call["named"].items()}
                return {"value": wire.encode(function(*given, **named))}
            except Exception as error:
                return {"error": [type(error).__name__, str(error)[:MESSAGE]]}

        question = {"call": self.__name__, "given": [wire.encode(one, stand_for) for one in given]}
        reply = self._student.ask(question, serve=serve)
        if "error" in reply:
            return answers.Seen(None, wire.error(*reply["error"][:1]), frozenset(), False)
        called = frozenset(name for name in reply["called"] if name in answers.NOT_YOURS)
        return answers.Seen(_value(reply, self._student, text=False), None, called, bool(reply["changed"]))


if __name__ == "__main__":
    result = os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr = open(os.devnull, "w")
    json.dump(main(json.load(sys.stdin), Connection(int(sys.argv[1]))), result)
    result.close()
