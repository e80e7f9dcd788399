"""What every test here may rely on: no network, embedded data, and outputs of notebooks compared as a person
would.
"""

import os
import re
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
REAL_DATA = Path(os.environ.get("COURSE_REAL_DATA", ROOT / ".." / "shared" / "data")).resolve()

# Inherited by every kernel and subprocess.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / "tests" / "offline"), os.environ.get("PYTHONPATH", "")]
)
_EMPTY = tempfile.TemporaryDirectory(prefix="course-empty-")
os.environ.update(TFDS_DATA_DIR=_EMPTY.name, KERAS_HOME=_EMPTY.name, MPLBACKEND="agg")


def missing(what, reason):
    """Skip with a reason; where COURSE_REQUIRE names `what`, as on CI, its absence is a failure."""
    if what in os.environ.get("COURSE_REQUIRE", "").split():
        pytest.fail(f"{what} is required here (COURSE_REQUIRE) and missing: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def real_data():
    """The folder with real data sets and weights (see COURSE_REAL_DATA)."""
    if not (REAL_DATA / "tfds").is_dir():
        missing("real_data", f"no real data in {os.path.relpath(REAL_DATA, ROOT)}; set COURSE_REAL_DATA")
    return REAL_DATA


def pytest_collection_modifyitems(items):
    """The browser's tests first: theirs is the longest file, and each worker of `make test` takes whole files
    in turn.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


# --- numbers in notebooks' outputs ------------------------------------------------------------

_NUMBER = re.compile(r"[-−+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?%?")
_FINGERPRINT = re.compile(r"peak at row \d+, column \d+ of (\d+ × \d+) · \S+ to \S+ · ink ([\d.]+)")
_WHERE = re.compile(
    r"the evidence is strongest at the (upper |lower )?(left|right|top|bottom|centre)|there is no "
    r"positive evidence"
)


def same_text(new, saved, relative=1e-3, absolute=1e-6):
    """Equal up to the last digits of its decimal numbers. All words must be equal, and all whole numbers."""
    if not (isinstance(new, str) and isinstance(saved, str)):
        return new == saved
    return _words(new) == _words(saved) and all(
        _same_number(a, b, relative, absolute) for a, b in zip(_NUMBER.findall(new), _NUMBER.findall(saved))
    )


def same_after_training(new, saved):
    """Equal in words. Numbers, and where a map peaks, are decided by thousands of rounded steps, which differ
    between processors: what the lesson says of them is asserted in the cell. A map keeps its grid and about
    its ink.
    """
    if not (isinstance(new, str) and isinstance(saved, str)):
        return new == saved
    maps = zip(_FINGERPRINT.findall(new), _FINGERPRINT.findall(saved))
    return _words(_WHERE.sub("WHERE", new)) == _words(_WHERE.sub("WHERE", saved)) and all(
        grid == kept and _same_ink(float(ink), float(before)) for (grid, ink), (kept, before) in maps
    )


def _words(text):
    """The text without its numbers, and without the blanks that align them."""
    return re.sub(r"(\[)? +#", lambda found: found[1] + "#" if found[1] else " #", _NUMBER.sub("#", text))


def _same_ink(new, saved):
    return (saved - 0.001) / 2 <= new <= 2 * saved + 0.001  # printed with three places


def _same_number(new, saved, relative, absolute):
    if new == saved:
        return True
    if ("%" in new) != ("%" in saved):
        return False
    a, b = (float(t.replace("−", "-").replace(",", "").rstrip("%,") or "nan") for t in (new, saved))
    if not re.search(r"\.\d|[e%]", f"{new} {saved}"):  # "3." may be a whole number at the end of a sentence
        return a == b
    absolute *= 100 if "%" in new else 1
    return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)), _last_digit(new, saved))


def _last_digit(*texts):
    """One unit in the last printed place: rounding may tip it either way. Zeros at the end may not be
    printed.
    """
    places = max(len(t.rstrip("%").partition("e")[0].partition(".")[2]) for t in texts)
    exponent = max((int(t.partition("e")[2].rstrip("%") or 0) for t in texts if "e" in t), default=0)
    return 1.001 * 10.0 ** (exponent - places)


def is_progress_bar(output):
    """Whether an output is the bar of a loop: gone when its cell is done, so no saved notebook has it."""
    return bool(re.search(r"\d+%\|", output.get("data", {}).get("text/plain", "")))


def pytest_configure(config):
    if not config.pluginmanager.hasplugin("nbval"):
        return
    from nbval.plugin import IPyNbCell, IPyNbFile

    compare_outputs, start, run = IPyNbCell.compare_outputs, IPyNbFile.setup, IPyNbCell.runtest

    def run_without_stderr(self):
        run(self)
        said = "".join(o.text for o in self.test_outputs or () if o.get("name") == "stderr")
        if said:  # also where outputs are ignored
            pytest.fail(
                f"{self.name} writes to stderr, which learners read as an error:\n{said}", pytrace=False
            )

    def start_as_jupyter_does(self):
        # Under pytest a kernel doesn't listen to what native code writes to stderr; under JupyterLab it does.
        here = os.environ.pop("PYTEST_CURRENT_TEST", None)
        try:
            start(self)
        finally:
            if here is not None:
                os.environ["PYTEST_CURRENT_TEST"] = here

    def tolerant(self, test, ref, skip_compare=None):
        same = same_after_training if "after-training" in self.cell.metadata.get("tags", []) else same_text
        test = [output for output in test if not is_progress_bar(output)]
        for output in (*test, *ref):  # nbval leaves metadata out
            fingerprint = output.get("metadata", {}).get("fingerprint")
            if fingerprint:
                output["data"]["fingerprint"] = "\n".join(fingerprint)
        for new, saved in zip(test, ref):
            for holder, kept in ((new, saved), (new.get("data", {}), saved.get("data", {}))):
                for key in ("text", "text/plain", "text/html", "text/markdown", "fingerprint"):
                    if key in holder and key in kept:
                        a, b = self.sanitize(holder[key]), self.sanitize(kept[key])
                        if same(a, b):
                            holder[key] = kept[key]
        return compare_outputs(self, test, ref, skip_compare)

    IPyNbCell.compare_outputs, IPyNbFile.setup, IPyNbCell.runtest = (
        tolerant,
        start_as_jupyter_does,
        run_without_stderr,
    )
