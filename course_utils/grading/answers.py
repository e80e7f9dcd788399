"""What the test cells of the exercises ask of an answer, besides `close`."""

import sys
import warnings
from typing import NamedTuple

from course_utils.grading import close

import numpy as np

NOT_YOURS = ("course_utils", "scipy", "sklearn", "keras", "tensorflow", "torch")


class Seen(NamedTuple):
    """What a function did when it was called."""

    result: object
    error: Exception | None
    called: frozenset  # names of the libraries whose Python code ran
    changed: bool  # whether an array that it was given is another one now


def compare(name, given, expected, mistakes, tolerance=1e-6):
    """As `close`, but a known mistake is called by its name. mistakes: {what to say: what it leads to}."""
    if not _equal(given, expected, tolerance):
        for sentence, value in mistakes.items():
            assert not _equal(given, value, tolerance), f"{name}: {sentence}"
        close(name, given, expected, tolerance)


def _equal(given, value, tolerance):
    try:
        close("", given, value, tolerance)
    except AssertionError:
        return False
    return True


def own_work(function, *given, also=()):
    """What the student's function returns for `given`; AssertionError says when it isn't their own, or can't
    be.

    Calling a library that has the answer, changing the arrays it was given, and shapes that don't fit all end
    in a sentence. also: libraries that may be called here. Raises NotImplementedError where nothing is
    written yet.
    """
    assert callable(function), f"{function!r} isn't a function; write one."
    name = getattr(function, "__name__", "your function")
    # While exercises are graded the function is in another process, which watches it there.
    seen = getattr(function, "watched", lambda *given: watch(function, given))(*given)
    if isinstance(seen.error, NotImplementedError):
        raise seen.error
    if seen.error is not None:
        what = ", ".join(str(getattr(g, "shape", getattr(g, "__name__", g)))[:40] for g in given)
        why = ": ".join(filter(None, [type(seen.error).__name__, str(seen.error)]))
        raise AssertionError(f"{name}, given {what}, stops: {why}") from seen.error
    borrowed = seen.called.intersection(NOT_YOURS).difference(also)
    assert not borrowed, f"{name} leaves its work to {min(borrowed)}; write it yourself, with NumPy only."
    assert seen.result is not None, f"{name} returns nothing; does it end with `return`?"
    assert not seen.changed, f"{name} changes the arrays it was given; work on copies of them."
    return seen.result


def watch(function, given):
    """Call a function, and see what it does: `Seen`. NumPy's warnings are no mistakes: what comes of them may
    be one.
    """
    handed = [g.copy() if isinstance(g, np.ndarray) else g for g in given]
    called, watcher = set(), sys.getprofile()
    result = failure = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.setprofile(lambda frame, event, _: event == "call" and called.add(_library(frame)))
        try:
            result = function(*handed)
        except Exception as error:
            failure = error
        finally:
            sys.setprofile(watcher)
    changed = any(isinstance(g, np.ndarray) and not _same_array(g, h) for g, h in zip(given, handed))
    return Seen(result, failure, frozenset(called), changed)


def _same_array(before, after):
    return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")


def _library(frame):
    """The package whose Python code is run in this frame; "" for what is no help: the grading itself hands
    numbers over, and `quiet` is asked at every import.
    """
    name = str(frame.f_globals.get("__name__", ""))
    return "" if name.startswith(("course_utils.grading", "course_utils.quiet")) else name.partition(".")[0]
