"""What is right and wrong with this machine, in plain words: `python -m course_utils doctor`.

Each line is `ok`, `note` (something optional is missing) or `WRONG` (the course will stumble over it).
"""

import importlib.metadata
import json
import os
import platform
import shutil
import signal
import site
import subprocess
import sys
import tomllib
from pathlib import Path

from course_utils.machine import fetch
from course_utils.machine.download import free_space, in_words

OK, NOTE, WRONG = "ok", "note", "WRONG"
GB = 1_000_000_000
MEND = "run `make env` and use .venv/bin/python; other routes are in the README"
TENSORFLOW_LIMIT = 120  # seconds; the first import on a slow disk takes half a minute

# Which notebooks use it, what it is, what they run on without it.
USES = {
    "mnist": ("notebook 03", "MNIST", "scikit-learn's digits"),
    "cats_vs_dogs": ("notebook 04", "photographs", "drawn pets"),
    "oxford_iiit_pet": ("notebook 05", "photographs with head boxes", "drawn pets"),
    "vgg16": ("notebooks 04, 05 and 11", "VGG16 with ImageNet weights", "a small network"),
    "mobilenet": ("notebooks 04, 05 and 11", "MobileNet with ImageNet weights", "a small network"),
}

# Runs in a process of its own: where the processor lacks an instruction, that one dies and not we.
PROBE = """
import keras, tensorflow as tf
product = tf.matmul(tf.constant([[1., 2.], [3., 4.]]), tf.constant([[5., 6.], [7., 8.]]))
print("RESULT", product.numpy().tolist(), keras.backend.backend())
"""
PROBED = "RESULT [[19.0, 22.0], [43.0, 50.0]] tensorflow"
KERAS_SETTINGS = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}


def main():
    """Print a line for each thing examined; returns 1 if something is WRONG, else 0."""
    if _version("packaging") is None:
        print(f"{WRONG:<6} this Python has none of the course's packages: {MEND}")
        return 1
    probe = start_tensorflow()  # takes seconds: it runs beside the other checks
    signs = []
    for check in (
        python,
        packages,
        memory,
        disk,
        data,
        widgets,
        optional,
        lambda: tensorflow(probe),
        keras_settings,
    ):
        for sign, text in check():
            signs.append(sign)
            print(f"{sign:<6} {text}", flush=True)
    wrong = signs.count(WRONG)
    if wrong:
        things = "1 thing is" if wrong == 1 else f"{wrong} things are"
        print(f"\n{things} wrong; the lines marked WRONG say what to do.")
    else:
        print("\nThis machine is ready for the course; what the notes name is optional.")
    return 1 if wrong else 0


def summary():
    """Print a short check for notebook 00, with nothing in it that differs between sound machines."""
    probe = None if "tensorflow" in sys.modules else start_tensorflow()
    lines = [*python(), *widgets(), *tensorflow(probe)]
    for name, (notebooks, real, stand_in) in USES.items():
        if fetch.flaw(name) is None:
            lines.append((OK, f"{notebooks}: {real}"))
        else:
            lines.append((NOTE, f"{notebooks}: {stand_in}; for {real}: {fetch.how_to_get(name)}"))
    for sign, text in lines:
        print(f"{sign:<6} {text}")
    if any(sign == WRONG for sign, _ in lines):
        print("Something is wrong here: `python -m course_utils doctor` in a terminal says more.")
    else:
        print("Everything the course needs is here.")


# ---- the checks: each yields (sign, text) ----


def python():
    """Is this Python one of those that the course is made for?"""
    from packaging.specifiers import SpecifierSet

    wanted = _project().get("requires-python", ">=3.11")
    if platform.python_version() in SpecifierSet(wanted):
        yield OK, f"Python {sys.version_info.major}.{sys.version_info.minor}"
    else:
        yield WRONG, f"Python {platform.python_version()}: the course needs {wanted}"


def packages():
    """Is each package that the course imports here, new enough, and the one of the lock?"""
    from packaging.requirements import Requirement

    pins, exact, missing = _pins(), [], []
    for line in _project().get("dependencies", []):
        needed = Requirement(line)
        if needed.marker and not needed.marker.evaluate():
            continue
        version, pin = _version(needed.name), pins.get(needed.name)
        if version is None:
            missing.append(needed.name)
        elif version not in needed.specifier:
            yield WRONG, f"{needed.name} is {version}, the course needs {needed.specifier}: {MEND}"
        elif pin and version != pin:
            yield NOTE, f"{needed.name} is {version}, the course is tested with {pin}"
        else:
            exact.append(f"{needed.name} {version}")
    if missing:
        yield WRONG, f"missing packages: {', '.join(missing)}: {MEND}"
    if exact:
        yield OK, f"packages{' as locked' if pins else ''}: {', '.join(exact)}"


def memory():
    """Is there memory for TensorFlow and a batch of pictures?"""
    if _version("psutil") is None:
        return  # packages() has told
    import psutil

    free = psutil.virtual_memory().available
    limit, used = (_number(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:  # a container sees the whole machine's memory otherwise
        free = min(free, limit - used)
    if free < 0.7 * GB:
        yield WRONG, f"memory: {in_words(free)} free, a notebook needs 0.7 GB: close programs and kernels"
    elif free < 2 * GB:
        yield NOTE, f"memory: {in_words(free)} free; enough for embedded data, little for photographs"
    else:
        yield OK, f"memory: {in_words(free)} free"


def disk():
    """Is there space where data would go?"""
    wanted = fetch.RESERVE + max(data_set.room for data_set in fetch.DATA_SETS.values()) + GB
    for what, home in (("data sets", fetch.tfds_dir()), ("pretrained weights", fetch.keras_home())):
        free = free_space(home)
        text = f"disk: {in_words(free)} free for {what} in {home}"
        if free < fetch.RESERVE:
            yield WRONG, f"{text}; Jupyter can hardly save: make room"
        elif free < wanted:
            yield NOTE, f"{text}; the largest needs {in_words(wanted)}"
        else:
            yield OK, text


def data():
    """Which data sets and weights are here and whole, and how to get the others."""
    for name in fetch.NAMES:
        flaw, (notebooks, real, stand_in) = fetch.flaw(name), USES[name]
        if flaw is None:
            yield OK, f"{name}: {real}, for {notebooks}"
        elif flaw == fetch.ABSENT:
            yield NOTE, f"{name}: not here, {notebooks} with {stand_in}; get it: {fetch.how_to_get(name)}"
        else:
            yield WRONG, f"{name}: damaged ({flaw}); get it anew: {fetch.how_to_get(name)}"


def widgets():
    """Do the sliders' Python half and browser half fit together?"""
    from packaging.requirements import Requirement

    if _version("ipywidgets") is None:
        yield WRONG, f"sliders: ipywidgets is missing: {MEND}"
        return
    halves = [
        Requirement(line)
        for line in importlib.metadata.requires("ipywidgets")
        if line.startswith("jupyterlab")
    ]
    for half in halves:
        version = _version(half.name)
        if version is None or version not in half.specifier:
            yield (
                WRONG,
                (
                    f"sliders: {half.name} is {version or 'missing'} where ipywidgets needs "
                    f"{half.specifier}: {MEND}"
                ),
            )
            return
    extensions = {"sliders": "@jupyter-widgets/jupyterlab-manager"}
    if _version("anywidget"):
        extensions["anywidget"] = "anywidget"
    for what, extension in extensions.items():
        if any((path / extension / "package.json").is_file() for path in _lab_extensions()):
            yield OK, f"{what}: ipywidgets and its JupyterLab extension fit together"
        else:
            yield WRONG, f"{what}: the JupyterLab extension {extension} is not installed: {MEND}"


def optional():
    """What only some need."""
    if _chromium():
        yield OK, "Chromium for the browser tests"
    else:
        yield NOTE, "no Chromium for the browser tests; get it: python -m playwright install chromium"
    if shutil.which("bwrap"):
        yield OK, "bubblewrap for grading"
    else:
        yield NOTE, "no bubblewrap for grading; get it: your system's package `bubblewrap`"
    yield OK, "no graphics card needed: every notebook is timed on two processor cores"


def tensorflow(probe):
    """Does TensorFlow import and compute? `probe`: start_tensorflow(), or None if it is imported."""
    if probe is None:
        import tensorflow as tf

        product = tf.matmul([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]).numpy().tolist()
        right = product == [[19.0, 22.0], [43.0, 50.0]]
        yield (OK, "TensorFlow computes") if right else (WRONG, f"TensorFlow multiplies wrongly: {product}")
        return
    try:
        output, errors = probe.communicate(timeout=TENSORFLOW_LIMIT)
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.communicate()
        yield WRONG, f"TensorFlow could not be imported within {TENSORFLOW_LIMIT} s: is the disk very slow?"
        return
    last = (errors.strip().splitlines() or ["no message"])[-1]
    if PROBED in output:
        yield OK, "TensorFlow computes"
    elif "RESULT" in output:
        yield WRONG, f"Keras computes otherwise: got {output.strip()}; expected {PROBED}"
    elif probe.returncode in (-getattr(signal, "SIGILL", 4), 0xC000001D):  # the second is Windows' number
        yield (
            WRONG,
            (
                "TensorFlow crashed by an illegal instruction: this processor, or virtual machine, lacks "
                "AVX; use another machine"
            ),
        )
    elif probe.returncode == -9:
        yield WRONG, "TensorFlow was killed at its import, likely for want of memory: close other programs"
    elif probe.returncode < 0:
        yield WRONG, f"TensorFlow crashed with {signal.Signals(-probe.returncode).name}: run `make clean env`"
    else:
        yield WRONG, f"TensorFlow cannot be used ({last}): {MEND}"


def keras_settings():
    """Does keras.json ask for what the course can't use? The package overrides it, but only where it is
    loaded first.
    """
    path = Path(fetch.keras_home(), "keras.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        other = {name: found[name] for name, ours in KERAS_SETTINGS.items() if found.get(name, ours) != ours}
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError):
        yield WRONG, f"Keras' settings in {path} can't be read: delete keras.json, Keras writes a new one"
        return
    if other:
        said = ", ".join(f"{name} = {value}" for name, value in other.items())
        yield (
            WRONG,
            (
                f"Keras' settings: {said} in {path}. The course sets its own, but a cell that imports Keras "
                "first gets those: remove these lines from keras.json, or delete it"
            ),
        )


def start_tensorflow():
    """Start the process that imports TensorFlow and Keras and multiplies two matrices."""
    return subprocess.Popen(
        [sys.executable, "-c", PROBE], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


# ---- where the facts come from ----


def _project():
    path = fetch.ROOT / "pyproject.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"] if path.exists() else {}


def _pins():
    """{name: version} of requirements.lock for this platform, {} without a lock."""
    from packaging.requirements import Requirement

    path = fetch.ROOT / "requirements.lock"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pins = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalnum()]
    return {pin.name: str(pin.specifier)[2:] for pin in pins if not pin.marker or pin.marker.evaluate()}


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _number(path):
    """The number in a small file; None if there is no such file or number ("max" means no limit)."""
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None


def _lab_extensions():
    return [Path(base, "share", "jupyter", "labextensions") for base in (sys.prefix, site.getuserbase())]


def _chromium():
    caches = {"darwin": "Library/Caches", "win32": "AppData/Local"}
    cache = Path.home() / caches.get(sys.platform, ".cache") / "ms-playwright"
    browsers = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", cache))
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return any(browsers.glob("chromium*")) or any(map(shutil.which, names))
