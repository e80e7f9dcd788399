"""TensorFlow and Keras, loaded as the course needs them: without greetings, channels last, whatever
`keras.json` says.

TensorFlow's native code writes some lines to file descriptor 2 while it is imported; a notebook shows them in
red under the cell, as if something were wrong, and no setting silences them. So both are loaded through
`_Finder`.
"""

import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
import warnings

# What only informs: absl's notes and its INFO lines ("I0000 00:00:17… port.cc:153] oneDNN custom operations
# are on").
_GREETING = re.compile(
    rb"^(I\d{4} |\d{4}-\d\d-\d\d .*: I tensorflow|To enable the following instructions|WARNING: All "
    rb"log messages before absl::InitializeLog)"
)


def install():
    """Load TensorFlow and Keras through here from now on; if Keras is there, put its settings right."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.meta_path.insert(0, _Finder())
    if "keras" in sys.modules and hasattr(sys.modules["keras"], "config"):
        _set_up(sys.modules["keras"])


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self):
        self.waiting = {"tensorflow": _quietly, "keras": _then_set_up}

    def find_spec(self, name, path=None, target=None):
        change = self.waiting.pop(name, None)
        if change is None:
            return None
        try:
            spec = importlib.util.find_spec(name)  # by the finders behind this one
        finally:
            self.waiting[name] = change  # for another try, if this one fails
        if spec and spec.loader:
            spec.loader.exec_module = change(spec.loader.exec_module)
        return spec


def _quietly(load):
    def quietly(module):
        try:
            screen = os.dup(2)
        except OSError:  # no stderr at all, as under pythonw
            return load(module)
        with tempfile.TemporaryFile() as said:
            os.dup2(said.fileno(), 2)
            try:
                load(module)
            finally:
                os.dup2(screen, 2)
                os.close(screen)
                said.seek(0)
                for line in said:
                    if not _GREETING.match(line):
                        os.write(2, line)

    return quietly


def _then_set_up(load):
    def set_up(module):
        load(module)
        _set_up(module)

    return set_up


def _set_up(keras):
    if keras.config.backend() != "tensorflow":  # loaded before this package, which would have set it
        warnings.warn(
            f"Keras runs on {keras.config.backend()} here and this course needs TensorFlow: restart the "
            "kernel, and import course_utils before Keras.",
            stacklevel=2,
        )
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
