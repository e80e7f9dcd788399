"""The doctor tells sound machines from sick ones, in words, and never faints itself."""

import importlib.metadata
import os
import platform
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from course_utils import __main__ as command
from course_utils.machine import doctor, fetch
from course_utils.machine.doctor import NOTE, OK, WRONG

import pytest

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT / os.environ.get("COURSE_REAL_DATA", "../shared/data")
GB = 10**9


@pytest.fixture(autouse=True)
def empty_homes(tmp_path, monkeypatch):
    """No data and no weights, wherever this runs."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def fake_tensorflow(monkeypatch):
    """A function that sets the code which runs in place of TensorFlow's import."""
    return lambda code: monkeypatch.setattr(doctor, "PROBE", code)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A function that writes pyproject.toml and requirements.lock of a stand-in for the course."""

    def write(dependencies=(), lock=None, python=">=3.11"):
        lines = "".join(f"  '{line}',\n" for line in dependencies)
        (tmp_path / "pyproject.toml").write_text(
            f'[project]\nrequires-python = "{python}"\ndependencies = [\n{lines}]\n'
        )
        if lock is not None:
            (tmp_path / "requirements.lock").write_text(lock)
        monkeypatch.setattr(fetch, "ROOT", tmp_path)

    return write


def tell_tensorflow():
    return list(doctor.tensorflow(doctor.start_tensorflow()))


# ---- the command ----


def test_a_sound_machine_without_data_is_ready(fake_tensorflow, capsys):
    fake_tensorflow(f"print({doctor.PROBED!r})")
    assert command.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "This machine is ready for the course; what the notes name is optional."
    assert all(re.match(r"(ok|note) +\S", line) for line in lines[:-2])
    for name in fetch.NAMES:
        assert sum(line.startswith("note ") and line.endswith(fetch.how_to_get(name)) for line in lines) == 1


def test_something_wrong_is_said_and_counted(fake_tensorflow, tmp_path, capsys):
    fake_tensorflow("raise ImportError('DLL load failed')")
    (tmp_path / "tfds" / "mnist" / "3.0.1").mkdir(parents=True)
    assert command.main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = [line for line in lines if line.startswith("WRONG")]
    assert len(wrong) == 2 and "DLL load failed" in wrong[1]
    assert wrong[0].startswith("WRONG  mnist: damaged") and wrong[0].endswith(fetch.how_to_get("mnist"))
    assert lines[-1] == "2 things are wrong; the lines marked WRONG say what to do."


def test_a_python_without_the_packages(tmp_path):
    code = "import sys; sys.path.insert(0, sys.argv[1]); from course_utils.__main__ import main; "
    for arguments, sentence in (
        (["doctor"], "WRONG  this Python has none of the course's packages: run "),
        (["fetch", "vgg16"], "WRONG  vgg16: keras is not installed."),
    ):
        told = subprocess.run(
            [sys.executable, "-S", "-c", f"{code}sys.exit(main({arguments}))", str(ROOT)],
            cwd=tmp_path,
            text=True,
            capture_output=True,
        )
        assert told.returncode == 1 and sentence in told.stdout + told.stderr
        assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_on_this_very_machine():
    told = subprocess.run(
        [sys.executable, "-m", "course_utils", "doctor"], cwd=ROOT, text=True, capture_output=True
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "\nok     TensorFlow computes\n" in told.stdout and "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "text, words",
    [
        ('{"backend": "jax", "image_data_format": "channels_last"}', "backend = jax"),
        ('{"image_data_format": "channels_first"}', "channels_first"),
        ('{"floatx": "float16"}', "float16"),
        ("{", "can't be read"),
        ("[1]", "can't be read"),
    ],
)
def test_what_keras_json_asks_for_is_told(tmp_path, monkeypatch, text, words):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(text)
    [(sign, said)] = doctor.keras_settings()
    assert sign == doctor.WRONG and words in said and "keras.json" in said and "delete" in said


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{}",
        '{"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow", "image_data_format": '
        '"channels_last"}',
    ],
)
def test_an_ordinary_keras_json_is_nothing_to_tell(tmp_path, monkeypatch, text):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if text:
        (tmp_path / "keras.json").write_text(text)
    assert not list(doctor.keras_settings())


# ---- the summary in notebook 00 ----


def test_the_summary_names_no_machine_and_is_stable(fake_tensorflow, tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    fake_tensorflow(f"print({doctor.PROBED!r})")
    told = []
    for free in (3 * GB, 30 * GB):
        monkeypatch.setattr("psutil.virtual_memory", lambda free=free: SimpleNamespace(available=free))
        doctor.summary()
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert f"ok     Python {sys.version_info.major}.{sys.version_info.minor}\n" in told[0]
    assert f"note   notebook 03: scikit-learn's digits; for MNIST: {fetch.how_to_get('mnist')}\n" in told[0]
    assert told[0].endswith("Everything the course needs is here.\n")
    for private in (str(tmp_path), str(Path.home()), str(ROOT), socket.gethostname(), " GB", " MB"):
        assert private not in told[0]


def test_the_summary_points_to_the_doctor(fake_tensorflow, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    fake_tensorflow("raise SystemExit('not today')")
    doctor.summary()
    assert "`python -m course_utils doctor` in a terminal says more" in capsys.readouterr().out


@pytest.mark.real_data
def test_the_summary_with_real_data(fake_tensorflow, monkeypatch, capsys):
    if not REAL.exists():
        pytest.skip("the real data sets are not on this machine (COURSE_REAL_DATA)")
    monkeypatch.setenv("TFDS_DATA_DIR", str(REAL / "tfds"))
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    fake_tensorflow(f"print({doctor.PROBED!r})")
    doctor.summary()
    assert "ok     notebook 03: MNIST\n" in capsys.readouterr().out


# ---- TensorFlow ----


@pytest.mark.parametrize(
    "code, sentence",
    [
        (
            f"import os, signal; os.kill(os.getpid(), {int(signal.SIGILL)})",
            "illegal instruction: this processor",
        ),
        (f"import os, signal; os.kill(os.getpid(), {int(signal.SIGSEGV)})", "crashed with SIGSEGV"),
        ("import os; os.kill(os.getpid(), 9)", "want of memory"),
        ("raise ModuleNotFoundError(\"No module named 'tensorflow'\")", "No module named 'tensorflow'"),
        ("raise SystemExit(3)", "cannot be used (no message)"),
        ("print('RESULT [[19.0, 22.0], [43.0, 50.0]] torch')", "computes otherwise"),
        ("print('RESULT [[19.0, 22.0], [43.0, 51.0]] tensorflow channels_last')", "43.0, 51.0"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_tensorflow_in_trouble(fake_tensorflow, code, sentence):
    fake_tensorflow(code)
    ((sign, text),) = tell_tensorflow()
    assert sign == WRONG and sentence in text and "\n" not in text


def test_tensorflow_that_never_comes_back(fake_tensorflow, monkeypatch):
    monkeypatch.setattr(doctor, "TENSORFLOW_LIMIT", 0.2)
    fake_tensorflow("import time; time.sleep(600)")
    probe = doctor.start_tensorflow()
    assert list(doctor.tensorflow(probe)) == [
        (WRONG, "TensorFlow could not be imported within 0.2 s: is the disk very slow?")
    ]
    assert probe.returncode is not None  # and nothing is left running


def test_tensorflow_when_it_is_imported_already():
    assert list(doctor.tensorflow(None)) == [(OK, "TensorFlow computes")]


# ---- packages ----


def test_this_python():
    assert list(doctor.python()) == [(OK, "Python " + ".".join(platform.python_version_tuple()[:2]))]


def test_an_unfit_python(project):
    project(python=">=4")
    ((sign, text),) = doctor.python()
    assert sign == WRONG and text.endswith("the course needs >=4")


def test_packages_against_project_and_lock(project):
    numpy, tqdm = map(importlib.metadata.version, ("numpy", "tqdm"))
    project(
        [
            "numpy>=1",
            "tqdm>=1",
            "psutil>=999",
            "no-such-thing>=1",
            "nor-this>=1",
            'other>=1; sys_platform == "atari"',
        ],
        lock=f"numpy=={numpy} \\\n    --hash=sha256:00\n    # via scipy\n"
        f"tqdm==0.1 ; python_version >= '3.8' \\\n    --hash=sha256:00\n"
        f"tqdm=={tqdm} ; python_version < '3.8' \\\n",
    )
    psutil = importlib.metadata.version("psutil")
    assert list(doctor.packages()) == [
        (NOTE, f"tqdm is {tqdm}, the course is tested with 0.1"),
        (WRONG, f"psutil is {psutil}, the course needs >=999: {doctor.MEND}"),
        (WRONG, f"missing packages: no-such-thing, nor-this: {doctor.MEND}"),
        (OK, f"packages as locked: numpy {numpy}"),
    ]


def test_packages_without_a_lock(project):
    project(["numpy>=1"])
    assert list(doctor.packages()) == [(OK, f"packages: numpy {importlib.metadata.version('numpy')}")]


def test_our_own_lock_is_understood():
    pins = doctor._pins()
    assert {"numpy", "keras", "tensorflow-datasets", "ipywidgets"} <= set(pins)
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pins.values())


# ---- memory, disk, data ----


@pytest.mark.parametrize(
    "free, limit, used, sign",
    [
        (8 * GB, None, None, OK),
        (1.5 * GB, None, None, NOTE),
        (0.5 * GB, None, None, WRONG),
        (64 * GB, 2 * GB, 0.5 * GB, NOTE),
        (64 * GB, 2 * GB, 1.9 * GB, WRONG),
        (1.5 * GB, 64 * GB, GB, NOTE),
    ],
)
def test_memory_of_machine_or_container(monkeypatch, free, limit, used, sign):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free))
    monkeypatch.setattr(doctor, "_number", lambda path: limit if path.endswith("max") else used)
    assert [told for told, _ in doctor.memory()] == [sign]


def test_numbers_of_the_system(tmp_path):
    (tmp_path / "limit").write_text("2000000\n")
    (tmp_path / "none").write_text("max\n")
    found = [doctor._number(tmp_path / name) for name in ("limit", "none", "missing")]
    assert found == [2_000_000, None, None]


@pytest.mark.parametrize("free, sign", [(50 * GB, OK), (GB, NOTE), (0.1 * GB, WRONG)])
def test_disk(monkeypatch, free, sign):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert [told for told, _ in doctor.disk()] == [sign, sign]


def test_data_here_absent_and_torn(monkeypatch):
    state = dict(
        mnist=None,
        cats_vs_dogs="the train files have 3 bytes",
        oxford_iiit_pet=fetch.ABSENT,
        vgg16=fetch.ABSENT,
        mobilenet=None,
    )
    monkeypatch.setattr(fetch, "flaw", state.get)
    assert [sign for sign, _ in doctor.data()] == [OK, WRONG, NOTE, NOTE, OK]
    assert [text.split(":")[0] for _, text in doctor.data()] == list(fetch.NAMES) == list(doctor.USES)


# ---- sliders and optional parts ----


def test_sliders():
    assert list(doctor.widgets())[0] == (OK, "sliders: ipywidgets and its JupyterLab extension fit together")


@pytest.mark.parametrize(
    "versions, extension, sentence",
    [
        (dict(ipywidgets=None), True, "ipywidgets is missing"),
        (dict(jupyterlab_widgets=None), True, "jupyterlab_widgets is missing"),
        (dict(jupyterlab_widgets="1.1.1"), True, "jupyterlab_widgets is 1.1.1 where ipywidgets needs ~=3"),
        ({}, False, "extension @jupyter-widgets/jupyterlab-manager is not installed"),
    ],
)
def test_sliders_in_trouble(monkeypatch, tmp_path, versions, extension, sentence):
    real = doctor._version
    monkeypatch.setattr(
        doctor, "_version", lambda name: versions.get(name, real(name)) if name in versions else real(name)
    )
    if not extension:
        monkeypatch.setattr(doctor, "_lab_extensions", lambda: [tmp_path])
    sign, text = list(doctor.widgets())[0]
    assert sign == WRONG and sentence in text and "make env" in text


def test_missing_optional_parts_are_notes(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert [sign for sign, _ in doctor.optional()] == [NOTE, NOTE, OK]
    (tmp_path / "chromium-1234").mkdir()
    (tmp_path / "bwrap").touch(mode=0o755)
    assert [sign for sign, _ in doctor.optional()] == [OK, OK, OK]
