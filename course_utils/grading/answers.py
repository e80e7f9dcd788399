"""What the test cells of the exercises ask of an answer, besides `close`."""

import sys
import warnings

from course_utils.grading import close

import numpy as np

NOT_YOURS = ("course_utils", "scipy", "sklearn", "keras", "tensorflow", "torch")


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

    Calling a library that has the answer, changing the arrays it was given, NumPy's warnings (which would
    cost the points without a word) and shapes that don't fit all end in a sentence. also: libraries that may
    be called here.
    """
    assert callable(function), f"{function!r} isn't a function; write one."
    name = getattr(function, "__name__", "your function")
    handed = [g.copy() if isinstance(g, np.ndarray) else g for g in given]
    called, watcher = set(), sys.getprofile()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        sys.setprofile(lambda frame, event, _: event == "call" and called.add(_library(frame)))
        try:
            result = function(*handed)
        except (ValueError, IndexError, TypeError, RecursionError) as error:
            what = ", ".join(str(getattr(g, "shape", getattr(g, "__name__", g)))[:40] for g in given)
            raise AssertionError(f"{name}, given {what}, stops: {type(error).__name__}: {error}") from error
        except RuntimeWarning as warning:
            raise AssertionError(f"{name} makes NumPy warn: {warning}.") from warning
        finally:
            sys.setprofile(watcher)
    borrowed = called.intersection(NOT_YOURS).difference(also)
    assert not borrowed, f"{name} leaves its work to {min(borrowed)}; write it yourself, with NumPy only."
    assert result is not None, f"{name} returns nothing; does it end with `return`?"
    changed = any(isinstance(g, np.ndarray) and not np.array_equal(g, h) for g, h in zip(given, handed))
    assert not changed, f"{name} changes the arrays it was given; work on copies of them."
    return result


def _library(frame):
    """The package whose Python code is run in this frame."""
    return frame.f_globals.get("__name__", "").partition(".")[0]
