"""TensorFlow and Keras, loaded through course_utils: no greeting on stderr, everything else there, Keras as
the course needs it.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python(code, folder, **settings):
    """Run code in a new Python that finds modules in `folder` first."""
    import os

    paths = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **settings},
    )


@pytest.fixture
def fake(tmp_path):
    """A function that puts a module of some name and code into the folder that it returns."""

    def make(code, name="tensorflow"):
        (tmp_path / f"{name}.py").write_text(code)
        return tmp_path

    return make


GREETS = """import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
os.write(2, b"I0000 00:00:1764063486.918843    4242 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"2026-11-25 09:38:06.919: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.\\n")
"""


def test_the_greeting_is_swallowed(fake):
    done = python("import course_utils, tensorflow", fake(GREETS))
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_package_it_is_heard(fake):
    """The control: it is course_utils that swallows it."""
    assert "oneDNN" in python("import tensorflow", fake(GREETS)).stderr


@pytest.mark.parametrize(
    "line",
    [
        "W0000 00:00:17.9 1 x.cc:1] something is odd",
        "E0000 00:00:17.9 1 x.cc:1] it failed",
        "Illegal instruction",
        "2026-11-25 09:38:06.919: W tensorflow/x.cc:1] odd",
        "INFO is not a level of absl",
    ],
)
def test_everything_else_is_heard(fake, line):
    done = python(
        "import course_utils, tensorflow", fake(GREETS + f"os.write(2, {(line + chr(10)).encode()})")
    )
    assert done.stderr == line + "\n"


def test_an_import_that_fails_is_told_whole_and_stderr_works_on(fake):
    code = "import course_utils, os\ntry:\n    import tensorflow\nexcept ImportError as error:\n    os.write(2, f'caught {error}'.encode())"
    done = python(
        code, fake(GREETS + "os.write(2, b'no libstdc++\\n')\nraise ImportError('DLL load failed')")
    )
    assert (done.returncode, done.stderr) == (0, "no libstdc++\ncaught DLL load failed")


def test_a_second_try_is_as_quiet(fake):
    code = "import course_utils, sys\ntry:\n    import tensorflow\nexcept ImportError:\n    open(f'{sys.path[1]}/mended', 'w')\n    import tensorflow"
    folder = fake(
        GREETS
        + "import sys\nif not os.path.exists(f'{sys.path[1]}/mended'):\n    raise ImportError('not yet')"
    )
    assert (python(code, folder).returncode, python(code, folder).stderr) == (0, "")


def test_keras_loaded_first_with_another_backend_is_pointed_out(fake):
    code = """class config:
    backend = staticmethod(lambda: "jax")
    set_image_data_format = set_floatx = set_epsilon = staticmethod(print)"""
    assert (
        "restart the kernel, and import course_utils before Keras"
        in python("import keras, course_utils", fake(code, "keras")).stderr
    )


def test_no_stderr_at_all_is_no_trouble(fake):
    done = python(
        "import os; os.close(2)\nimport course_utils, tensorflow\nprint(tensorflow.here)", fake("here = 1")
    )
    assert (done.returncode, done.stdout) == (0, "1\n")


@pytest.mark.slow
def test_the_real_one_says_nothing(tmp_path):
    """On processors where it greets by itself, and (tests/offline) where it doesn't."""
    done = python("import course_utils, keras\nassert keras.ops.sum(keras.ops.ones(3)) == 3", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


STATE = "[keras.backend.backend(), keras.config.image_data_format(), keras.config.floatx(), keras.config.epsilon()]"
SETTINGS = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3}


@pytest.mark.slow
def test_keras_json_changes_nothing(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps(SETTINGS))
    done = python(f"import course_utils, keras; print({STATE})", tmp_path, KERAS_HOME=str(tmp_path))
    assert done.stdout == "['tensorflow', 'channels_last', 'float32', 1e-07]\n", done.stderr


@pytest.mark.slow
def test_nor_does_the_environment(tmp_path):
    done = python(f"import course_utils, keras; print({STATE})", tmp_path, KERAS_BACKEND="torch")
    assert done.stdout.startswith("['tensorflow'"), done.stderr


@pytest.mark.slow
def test_keras_loaded_first_is_put_right(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"image_data_format": "channels_first"}))
    done = python(f"import keras, course_utils; print({STATE})", tmp_path, KERAS_HOME=str(tmp_path))
    assert done.stdout == "['tensorflow', 'channels_last', 'float32', 1e-07]\n", done.stderr
