"""The student's process: it runs their cells, and then answers questions about what they defined.

    {"run": source, "seconds": n}   -> {"outputs": [...]}, as a notebook has them
    {"keep": place}                 -> {}; remembers the names as they are there
    {"ask": place, "seconds": n}    -> {}; from now on a copy of the process answers, with the names of then
        {"get": "name.attribute"}, {"call": "name", "given": [...]}  -> a value, or an error
        {"end": true}               -> {}; the copy is gone

Nothing that comes from here is trusted (see `examiner`): whatever the code does, it can only give an answer.
"""

import base64
import os
import signal
import sys
import traceback
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from course_utils.grading import answers, wire

from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import default
from traitlets.config import Config

OUTPUT = 200_000  # characters of a cell's output that are kept
PICTURES = 2_000_000  # characters of all its pictures
DEPTH = 10_000  # calls within calls: recursion is a way to write it


class TimeUp(BaseException):
    """A cell ran too long."""


class Screen:
    """What a cell shows, as outputs of a notebook, as much of it as is kept."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.outputs, self.room, self.pictures = [], OUTPUT, PICTURES

    def text(self, name, text):
        if self.room <= 0:
            return
        text = text[: self.room]
        self.room -= len(text)
        if self.room <= 0:
            text += f"\n[more than {OUTPUT:,} characters; the rest was left out]\n"
        last = self.outputs[-1] if self.outputs else {}
        if last.get("name") == name:
            last["text"] += text
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})

    def display(self, data):
        shown = {}
        for kind, value in data.items():
            if kind == "text/plain" and isinstance(value, str):
                shown[kind] = value[: max(0, self.room)]
                self.room -= len(value)
            elif kind in ("image/png", "image/jpeg") and isinstance(value, (str, bytes)):
                value = base64.b64encode(value).decode() if isinstance(value, bytes) else value
                if len(value) <= self.pictures:
                    shown[kind] = value
                    self.pictures -= len(value)
        if shown:
            self.outputs.append({"output_type": "display_data", "data": shown, "metadata": {}})

    def error(self, kind, text, traceback=()):
        self.outputs.append(
            {"output_type": "error", "ename": kind, "evalue": text, "traceback": list(traceback)}
        )


class Stream:
    """sys.stdout and sys.stderr while cells run."""

    encoding, errors, closed = "utf-8", "replace", False

    def __init__(self, screen, name):
        self.screen, self.name = screen, name

    def write(self, text):
        self.screen.text(self.name, str(text))
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True

    def fileno(self):
        return {"stdout": 1, "stderr": 2}[self.name]


SCREEN = Screen()


class Publisher(DisplayPublisher):
    """What `display` shows."""

    def publish(self, data, metadata=None, **_):
        SCREEN.display(data)


class Hook(DisplayHook):
    """The value of a cell's last line."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        SCREEN.display(format_dict)

    def finish_displayhook(self):
        pass


class Quit(ExitAutocall):
    """quit and exit: they end a cell."""

    def __call__(self, *_, **__):
        raise SystemExit("quit")


class Shell(InteractiveShell):
    """IPython without a terminal."""

    def enable_gui(self, gui=None):
        pass

    @default("exiter")
    def _exiter_default(self):
        return Quit(self)

    def showtraceback(self, *_, **__):
        """Keep the end of it. IPython's own takes minutes for ten thousand calls within calls."""
        self.traceback = [line[:5000] for line in traceback.format_exception(*sys.exc_info(), limit=-5)]

    showsyntaxerror = showtraceback

    def init_virtualenv(self):
        pass


def shell():
    """The IPython in which the cells run."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    made = Shell.instance(config=config, display_pub_class=Publisher, displayhook_class=Hook)
    made.user_ns["__name__"] = "__main__"
    return made


def run(ip, source, seconds):
    """The outputs of one cell."""
    SCREEN.clear()
    sys.stdout, sys.stderr = Stream(SCREEN, "stdout"), Stream(SCREEN, "stderr")
    ip.traceback = []
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        result = ip.run_cell(source, store_history=True)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as caught:  # also one whose own text can't be had
        error = caught
    signal.setitimer(signal.ITIMER_REAL, 0)
    if isinstance(error, TimeUp):
        SCREEN.error("Timeout", f"stopped after {seconds:.0f} seconds")
    elif error is not None:
        SCREEN.error(type(error).__name__[:100], _text(error), ip.traceback)
    return SCREEN.outputs


def _time_is_up(*_):
    raise TimeUp


def _text(error):
    try:
        return str(error)[:1000]
    except BaseException:
        return ""


# --- questions -------------------------------------------------------------------------------


def stand_in(line, names, seconds):
    """A copy of this process answers until it is told to end. Where it has died, or used up its time, that is
    the answer.
    """
    ours, theirs = Pipe()
    child = os.fork()
    if not child:
        line.close()
        ours.close()
        answer_all(theirs, names)
        os._exit(0)
    theirs.close()
    wire.send(line, {})
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    gone = False
    while (question := line.recv_bytes()) != b'{"end": true}':
        try:
            if gone:
                raise EOFError
            ours.send_bytes(question)
            line.send_bytes(ours.recv_bytes(wire.LARGEST))
        except (OSError, EOFError):
            gone = True
            late = signal.getitimer(signal.ITIMER_REAL)[0] == 0
            wire.send(line, {"gone": "late" if late else "ended"})
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ours.close()
    wire.send(line, {})


def answer_all(line, names):
    """Answer questions for ever."""
    while True:
        question = wire.receive(line)
        try:
            found = _find(names, question.get("get") or question["call"])
            if "get" in question:
                reply = {"value": _encoded(found)}
            else:
                reply = _call(line, found, question["given"])
        except (KeyError, AttributeError):
            reply = {"missing": True}
        except BaseException as error:
            reply = {"error": [type(error).__name__, _text(error)]}
        wire.send(line, reply)


def _find(names, path):
    name, *attributes = path.split(".")
    found = names[name]
    for attribute in attributes:
        found = getattr(found, attribute)
    return found


def _encoded(value):
    """As `wire.encode`; of what is no plain data its kind, and whether it can be called or has attributes."""
    return wire.encode(value, lambda v: {"is": "other", "kind": type(v).__name__, "callable": callable(v)})


def _call(line, function, given):
    """What comes of a call, and what was seen while it ran."""

    def asking(data):
        """A function of the examiner's, as the student's code can call it: it runs there."""

        def ask(*given, **named):
            given, named = [wire.encode(g) for g in given], {k: wire.encode(v) for k, v in named.items()}
            wire.send(line, {"callback": data["callback"], "given": given, "named": named})
            reply = wire.receive(line)
            if "error" in reply:
                raise wire.error(*reply["error"])
            return wire.decode(reply["value"])

        ask.__name__ = data["name"]
        return ask

    seen = answers.watch(function, [wire.decode(g, asking) for g in given])
    if seen.error is not None:
        return {"error": [type(seen.error).__name__, _text(seen.error)]}
    return {"value": _encoded(seen.result), "called": sorted(seen.called), "changed": seen.changed}


def main():
    line = Connection(os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    ip, kept = shell(), {}
    sys.setrecursionlimit(DEPTH)
    wire.send(line, {"ready": True})
    while True:
        question = wire.receive(line)
        if "run" in question:
            wire.send(line, {"outputs": run(ip, question["run"], question["seconds"])})
        elif "keep" in question:
            kept[question["keep"]] = dict(ip.user_ns)
            wire.send(line, {})
        else:
            ip.user_ns.update(kept[question["ask"]])
            for name in set(ip.user_ns) - set(kept[question["ask"]]):
                del ip.user_ns[name]
            stand_in(line, ip.user_ns, question["seconds"])


if __name__ == "__main__":
    main()
